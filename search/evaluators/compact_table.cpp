// One sorted list of canonical forms is the index: a look-up is a binary search, nothing is built
// when the file is opened, and pages that are not asked for are never read but by the check sum.
// That sum is taken over the whole file: a flipped bit in a number could be seen in no other way,
// and hashing runs at the speed of memory.
#include "search/evaluators/compact_table.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <tuple>

#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMagic("\x93NAS\r\n\x1a\n", 8);
constexpr uint32_t kVersion = 1;
constexpr size_t kPrefix = 24, kSum = 64;
constexpr size_t kMostRows = size_t{1} << 31, kMostChoices = size_t{1} << 16;
constexpr size_t kMostColumns = size_t{1} << 12, kMostOptions = 32767;

void put(std::string& to, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i));
}

size_t gene_bytes_of(const CompactHeader& header) {
  for (const auto& options : header.options)
    if (options.size() > 255) return 2;
  return 1;
}

Json notices_json(const std::vector<TableNotice>& list) {
  Json json = Json::array();
  for (const TableNotice& n : list) json.push_back({n.line, n.column, n.text});
  return json;
}

/// A whole number; `get` alone would also cast 1e300.
int64_t whole(const Json& json) {
  if (!json.is_number_integer()) throw std::invalid_argument("no whole number");
  return json.get<int64_t>();
}

std::vector<TableNotice> notices_from(const Json& json) {
  std::vector<TableNotice> list;
  for (const Json& n : json)
    list.push_back({static_cast<int>(whole(n.at(0)) & 0x7fffffff),
                    static_cast<int>(whole(n.at(1)) & 0x7fffffff),
                    n.at(2).get<std::string>()});
  return list;
}

/// Little endian, whatever this machine has; compilers make one load of it.
template <size_t N>
uint64_t load(const char* at) {
  uint64_t value = 0;
  for (size_t i = 0; i < N; ++i)
    value |= static_cast<uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  return value;
}

std::string header_text(const CompactHeader& h, size_t networks, size_t rows) {
  Json columns = Json::array();
  for (const CompactColumn& c : h.columns)
    columns.push_back({{"name", c.name},
                       {"unit", c.unit},
                       {"in_percent", c.in_percent},
                       {"warnings", notices_json(c.warnings)}});
  const Json json{{"schema", "nas-compact-table/1"},
                  {"space", h.space},
                  {"fingerprint", h.fingerprint},
                  {"source", h.source},
                  {"source_sha256", h.source_sha256},
                  {"key", h.key},
                  {"choices", h.choices},
                  {"options", h.options},
                  {"columns", columns},
                  {"networks", networks},
                  {"rows", rows},
                  {"measurements", h.measurements},
                  {"repeated", h.repeated},
                  {"without_value", h.without_value},
                  {"notes", h.notes}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// SHA-256 in hexadecimal digits, of bytes that may be a mapped file: sha256_hex would copy them.
std::string sum_of(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i)
    (hex += "0123456789abcdef"[digest[i] >> 4]) += "0123456789abcdef"[digest[i] & 15];
  return hex;
}

struct Mapping {
  void* at = MAP_FAILED;
  size_t size = 0;
  ~Mapping() {
    if (at != MAP_FAILED) munmap(at, size);
  }
};

}  // namespace

CompactHeader header_of(const Space& space, bool fingerprint) {
  CompactHeader header;
  header.space = space.name();
  if (fingerprint) header.fingerprint = space.fingerprint();
  for (const Choice& choice : space.choices()) {
    header.choices.push_back(choice.name);
    header.options.push_back(choice.options);
  }
  return header;
}

std::string compact_bytes(const CompactHeader& header, std::vector<CompactRow> rows) {
  std::sort(rows.begin(), rows.end(), [](const CompactRow& a, const CompactRow& b) {
    return std::tie(a.network, a.form, a.line) < std::tie(b.network, b.form, b.line);
  });
  if (rows.size() >= kMostRows || header.columns.size() >= kMostColumns ||
      header.choices.size() >= kMostChoices)
    throw DataError("a compact table holds at most " + std::to_string(kMostRows) + " rows and " +
                    std::to_string(kMostColumns) + " columns");
  const size_t width = gene_bytes_of(header);
  const auto put_genes = [&](std::string& to, const Architecture& a) {
    for (const int16_t gene : a.genes) put(to, static_cast<uint64_t>(gene), width);
  };
  std::string keys, first, forms, lines, values;
  size_t networks = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || rows[i].network != rows[i - 1].network) {
      put_genes(keys, rows[i].network);
      put(first, i, 4);
      ++networks;
    }
    put_genes(forms, rows[i].form);
    put(lines, static_cast<uint64_t>(rows[i].line), 4);
  }
  put(first, rows.size(), 4);
  for (size_t c = 0; c < header.columns.size(); ++c)
    for (const CompactRow& row : rows) put(values, std::bit_cast<uint64_t>(row.values[c]), 8);
  const std::string text = header_text(header, networks, rows.size());
  std::string bytes(kMagic);
  put(bytes, kVersion, 4);
  put(bytes, text.size(), 4);
  put(bytes,
      kPrefix + text.size() + keys.size() + first.size() + forms.size() + lines.size() +
          values.size() + kSum,
      8);
  for (const std::string& part : {text, keys, first, forms, lines, values}) bytes += part;
  return bytes + sum_of(bytes);
}

bool CompactTable::is_one(std::string_view bytes) {
  return bytes.starts_with(kMagic);
}

bool CompactTable::is_file(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return false;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char head[8] = {};
  const bool yes = read(file, head, sizeof head) == sizeof head && is_one({head, sizeof head});
  close(file);
  return yes;
}

CompactTable CompactTable::map(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    throw ConfigError("the table " + path + " cannot be read: " + std::strerror(errno),
                      "name a file that exists");
  struct stat facts {};
  const auto mapping = std::make_shared<Mapping>();
  if (fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0) {
    mapping->size = static_cast<size_t>(facts.st_size);
    mapping->at = mmap(nullptr, mapping->size, PROT_READ, MAP_PRIVATE, file, 0);
  }
  close(file);
  if (mapping->at == MAP_FAILED) throw DataError(path + ": cannot be mapped as a table");
  return {mapping, {static_cast<const char*>(mapping->at), mapping->size}, path};
}

CompactTable CompactTable::of(std::string bytes, const std::string& name) {
  const auto held = std::make_shared<const std::string>(std::move(bytes));
  return {held, *held, name};
}

CompactTable::CompactTable(std::shared_ptr<const void> held,
                           std::string_view bytes,
                           std::string name)
    : held_(std::move(held)), bytes_(bytes), name_(std::move(name)) {
  if (!is_one(bytes_)) fail("is no compact table");
  if (bytes_.size() < kPrefix + kSum) fail("is cut short");
  if (const uint64_t version = number(8, 4); version != kVersion)
    fail("is of version " + std::to_string(version) + " of compact tables, this program reads " +
         std::to_string(kVersion) + "; make it again with nas bench convert");
  if (const uint64_t size = number(16, 8); size != bytes_.size())
    fail("has " + std::to_string(bytes_.size()) + " bytes where it says " + std::to_string(size) +
         ": it is cut short or was added to");
  if (sum_of(bytes_.substr(0, bytes_.size() - kSum)) != sha256())
    fail("is damaged: its check sum is another one");
  try {
    read_header();
  } catch (const DataError&) {
    throw;
  } catch (const std::exception&) {
    fail("is damaged: its header cannot be read");
  }
  lay_out();
  check_order();
}

void CompactTable::fail(const std::string& what) const {
  throw DataError(name_ + ": " + what);
}

std::string CompactTable::sha256() const {
  return std::string(bytes_.substr(bytes_.size() - kSum));
}

// Bounds: the one place that reads bytes.
uint64_t CompactTable::number(size_t at, size_t bytes) const {
  if (at > bytes_.size() || bytes > bytes_.size() - at) fail("is damaged: it ends too early");
  const char* from = bytes_.data() + at;
  switch (bytes) {
    case 1:
      return load<1>(from);
    case 2:
      return load<2>(from);
    case 4:
      return load<4>(from);
    default:
      return load<8>(from);
  }
}

void CompactTable::read_header() {
  header_bytes_ = number(12, 4);
  if (header_bytes_ > bytes_.size() - kPrefix - kSum) fail("is damaged: its header is too long");
  const Json json = Json::parse(bytes_.substr(kPrefix, header_bytes_));
  if (json.at("schema") != "nas-compact-table/1") fail("is damaged: its header is another one");
  CompactHeader& h = header_;
  h.space = json.at("space").get<std::string>();
  h.fingerprint = json.at("fingerprint").get<std::string>();
  h.source = json.at("source").get<std::string>();
  h.source_sha256 = json.at("source_sha256").get<std::string>();
  h.key = json.at("key").get<std::string>();
  h.choices = json.at("choices").get<std::vector<std::string>>();
  h.options = json.at("options").get<std::vector<std::vector<std::string>>>();
  for (const Json& c : json.at("columns"))
    h.columns.push_back({c.at("name").get<std::string>(),
                         c.at("unit").get<std::string>(),
                         c.at("in_percent").get<bool>(),
                         notices_from(c.at("warnings"))});
  h.measurements = json.at("measurements").get<bool>();
  h.repeated = whole(json.at("repeated"));
  h.without_value = whole(json.at("without_value"));
  h.notes = json.at("notes").get<std::vector<std::string>>();
  const auto count = [&](const char* key, size_t most) {
    const Json& n = json.at(key);
    if (!n.is_number_unsigned() || n.get<uint64_t>() >= most)
      fail("is damaged: its " + std::string(key) + " cannot be");
    return n.get<size_t>();
  };
  networks_ = count("networks", kMostRows);
  rows_ = count("rows", kMostRows);
  choices_ = h.choices.size();
}

void CompactTable::lay_out() {
  const auto odd = [](const auto& options) {
    return options.empty() || options.size() > kMostOptions;
  };
  if (header_.options.size() != choices_ || choices_ == 0 || choices_ >= kMostChoices ||
      header_.columns.empty() || header_.columns.size() >= kMostColumns || networks_ > rows_ ||
      (networks_ == 0) != (rows_ == 0) ||
      std::any_of(header_.options.begin(), header_.options.end(), odd))
    fail("is damaged: its header contradicts itself");
  gene_bytes_ = gene_bytes_of(header_);
  // None of these overflows: counts are bounded above.
  keys_at_ = kPrefix + header_bytes_;
  first_at_ = keys_at_ + networks_ * choices_ * gene_bytes_;
  forms_at_ = first_at_ + 4 * (networks_ + 1);
  lines_at_ = forms_at_ + rows_ * choices_ * gene_bytes_;
  values_at_ = lines_at_ + 4 * rows_;
  if (values_at_ + 8 * rows_ * header_.columns.size() + kSum != bytes_.size())
    fail("is damaged: its parts do not fill it");
}

void CompactTable::check_order() const {
  for (const auto& [at, n] : {std::pair(keys_at_, networks_), std::pair(forms_at_, rows_)})
    for (size_t i = 0; i < n; ++i)
      for (size_t c = 0; c < choices_; ++c)
        if (gene(at, i, c) >= header_.options[c].size())
          fail("is damaged: an architecture has an option that there is not");
  for (size_t i = 1; i < networks_; ++i)
    if (compare(keys_at_, i - 1, network(i)) >= 0) fail("is damaged: its keys are out of order");
  if (first(0) != 0 || first(networks_) != rows_) fail("is damaged: its rows belong to nothing");
  for (size_t i = 0; i < networks_; ++i)
    if (first(i) >= first(i + 1)) fail("is damaged: its rows are out of order");
  for (size_t c = 0; c < header_.columns.size(); ++c)
    for (size_t r = 0; r < rows_; ++r)
      if (std::isinf(value(c, r))) fail("is damaged: it holds a number that is not finite");
}

uint64_t CompactTable::gene(size_t at, size_t i, size_t choice) const {
  return number(at + (i * choices_ + choice) * gene_bytes_, gene_bytes_);
}

Architecture CompactTable::genes(size_t at, size_t i) const {
  Architecture a;
  a.genes.resize(choices_);
  for (size_t c = 0; c < choices_; ++c) a.genes[c] = static_cast<int16_t>(gene(at, i, c));
  return a;
}

int CompactTable::compare(size_t at, size_t i, const Architecture& a) const {
  for (size_t c = 0; c < choices_; ++c)
    if (const auto here = static_cast<int64_t>(gene(at, i, c)); here != a.genes[c])
      return here < a.genes[c] ? -1 : 1;
  return 0;
}

int CompactTable::line(size_t row) const {
  return static_cast<int>(number(lines_at_ + 4 * row, 4) & 0x7fffffff);
}

double CompactTable::value(size_t column, size_t row) const {
  return std::bit_cast<double>(number(values_at_ + 8 * (column * rows_ + row), 8));
}

std::optional<size_t> CompactTable::find(const Architecture& canonical) const {
  if (canonical.genes.size() != choices_) return std::nullopt;
  size_t low = 0, high = networks_;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const int order = compare(keys_at_, middle, canonical);
    if (order == 0) return middle;
    (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
  }
  return std::nullopt;
}

void CompactTable::require(const Space& space) const {
  const std::vector<Choice>& choices = space.choices();
  bool same = choices.size() == choices_;
  for (size_t c = 0; same && c < choices_; ++c)
    same = choices[c].options.size() == header_.options[c].size();
  if (same && space.has_fingerprint(header_.fingerprint)) return;
  fail("holds networks of space " + header_.space +
       (header_.space == space.name() ? " as another version or configuration builds them"
                                      : ", not of " + space.name()) +
       "; make it again from its source (" + header_.source + ") with nas bench convert");
}

namespace {

std::vector<std::pair<int, size_t>> rows_by_line(const CompactTable& table) {
  std::vector<std::pair<int, size_t>> order;
  for (size_t r = 0; r < table.rows(); ++r) order.emplace_back(table.line(r), r);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace

std::vector<Architecture> forms_in_order(const CompactTable& table, const Space& space) {
  table.require(space);
  std::vector<Architecture> list;
  for (const auto& [line, row] : rows_by_line(table)) list.push_back(table.form(row));
  return list;
}

TableFile compact_cells(const CompactTable& table, const std::string& file) {
  const CompactHeader& h = table.header();
  TableFile out;
  out.file = file;
  out.header.push_back({h.key, 1, 1});
  for (const CompactColumn& column : h.columns) out.header.push_back({column.name, 1, 1});
  for (const auto& [line, r] : rows_by_line(table)) {
    nlohmann::ordered_json named;
    const Architecture a = table.form(r);
    for (size_t c = 0; c < h.choices.size(); ++c)
      named[h.choices[c]] = h.options[c][static_cast<size_t>(a.genes[c])];
    std::vector<CsvCell>& row = out.rows.emplace_back();
    row.push_back({named.dump(), line, 1});
    for (size_t c = 0; c < h.columns.size(); ++c) {
      const double value = table.value(c, r);
      char text[32] = {};
      if (!std::isnan(value)) std::to_chars(text, text + sizeof text - 1, value);
      row.push_back({text, line, 1});
    }
  }
  return out;
}

}  // namespace nas
