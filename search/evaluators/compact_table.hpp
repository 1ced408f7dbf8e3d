#pragma once
// Tables of values as one indexed file that is mapped instead of read (`nas bench convert`).
//
// Layout, version 1, integers and doubles (IEEE 754) little endian, no padding:
//   8 bytes   93 4E 41 53 0D 0A 1A 0A
//   u32       version
//   u32       bytes of the header
//   u64       bytes of the whole file
//   header    JSON (CompactHeader)
//   keys      networks x choices genes: canonical, strictly ascending. A gene is one byte, or two
//             where a choice has more than 255 options
//   first     (networks + 1) u32: the rows of network i are first[i] .. first[i + 1] - 1
//   forms     rows x choices genes: what each row names; within a network ascending
//   lines     rows u32: where the row stands in the source
//   values    columns x rows doubles; NaN: no value
//   64 bytes  SHA-256 of all before, in hexadecimal digits
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "search/evaluators/table_file.hpp"
#include "spaces/space.hpp"

namespace nas {

/// Something to tell of a table: a line of its source (0: none) and what is to be said.
struct TableNotice {
  int line = 0, column = 0;
  std::string text;
};

struct CompactColumn {
  std::string name;
  std::string unit;         ///< `share`, `percent`, `ms`, `bytes`; "" where nothing tells it.
  bool in_percent = false;  ///< The source writes 63.2%, which is 0.632 here.
  std::vector<TableNotice> warnings;
};

/// What a compact table says of itself.
struct CompactHeader {
  std::string space, fingerprint;                 ///< Whose architectures these are.
  std::string source, source_sha256;              ///< File it was made from (without its folder).
  std::string key;                                ///< Its column of architectures.
  std::vector<std::string> choices;               ///< Of the space, in the order of genes.
  std::vector<std::vector<std::string>> options;  ///< Of each choice.
  std::vector<CompactColumn> columns;
  bool measurements = false;  ///< Rows of one architecture are repeated measurements.
  int64_t repeated = 0;       ///< Rows left out: they said again what one before says.
  int64_t without_value = 0;  ///< Rows left out: they held no number.
  std::vector<std::string> notes;
};
/// Names of the space in a header, its columns left to the caller; the fingerprint takes longest.
CompactHeader header_of(const Space& space, bool fingerprint);

struct CompactRow {
  Architecture network;  ///< Canonical.
  Architecture form;     ///< As the row names it.
  int line = 0;
  std::vector<double> values;  ///< By column; NaN: none.
};
/// The bytes of a compact table, whatever the order of the rows.
std::string compact_bytes(const CompactHeader& header, std::vector<CompactRow> rows);

/// A compact table in memory or mapped from its file. Opening checks every size and order and the
/// sum over all bytes, so that what is damaged, cut short or foreign is a DataError; nothing is
/// read outside of the bytes.
class CompactTable {
 public:
  static bool is_one(std::string_view bytes);
  /// Whether the file begins like one; false where it cannot be opened or is no regular file.
  static bool is_file(const std::string& path);
  /// The file must not be cut while it is mapped; WholeFile replaces, never cuts.
  static CompactTable map(const std::string& path);
  static CompactTable of(std::string bytes, const std::string& name);

  std::string_view bytes() const { return bytes_; }
  const CompactHeader& header() const { return header_; }
  size_t networks() const { return networks_; }
  size_t rows() const { return rows_; }
  /// DataError where its architectures are not those of this space.
  void require(const Space& space) const;

  Architecture network(size_t i) const { return genes(keys_at_, i); }
  std::pair<size_t, size_t> rows_of(size_t network) const {
    return {first(network), first(network + 1)};
  }
  Architecture form(size_t row) const { return genes(forms_at_, row); }
  bool form_is(size_t row, const Architecture& a) const { return compare(forms_at_, row, a) == 0; }
  int line(size_t row) const;
  double value(size_t column, size_t row) const;  ///< NaN: none.
  /// Position among the networks.
  std::optional<size_t> find(const Architecture& canonical) const;
  /// The sum over its bytes, as stored.
  std::string sha256() const;

 private:
  CompactTable(std::shared_ptr<const void> held, std::string_view bytes, std::string name);
  void read_header();
  void lay_out();
  void check_order() const;
  [[noreturn]] void fail(const std::string& what) const;
  uint64_t number(size_t at, size_t bytes) const;
  size_t first(size_t network) const { return number(first_at_ + 4 * network, 4); }
  uint64_t gene(size_t at, size_t i, size_t choice) const;
  Architecture genes(size_t at, size_t i) const;
  int compare(size_t at, size_t i, const Architecture& a) const;

  std::shared_ptr<const void> held_;
  std::string_view bytes_;
  std::string name_;
  CompactHeader header_;
  size_t networks_ = 0, rows_ = 0, choices_ = 0, gene_bytes_ = 1, header_bytes_ = 0;
  size_t keys_at_ = 0, first_at_ = 0, forms_at_ = 0, lines_at_ = 0, values_at_ = 0;
};

/// Its architectures as they were written, in the order of the source. DataError where they are not
/// those of this space.
std::vector<Architecture> forms_in_order(const CompactTable& table, const Space& space);
/// As cells, in the order of the source: architectures as {"choice": "option"}.
TableFile compact_cells(const CompactTable& table, const std::string& file);

}  // namespace nas
