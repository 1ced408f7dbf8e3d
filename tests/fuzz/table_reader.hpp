#pragma once
// What the fuzzer of compact tables and the replay of its corpus share.
#include <cmath>
#include <string>
#include <string_view>

#include "search/evaluators/compact_table.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/error.hpp"
#include "tests/fuzz/readers.hpp"

namespace nas::fuzz {

/// The bytes as a compact table, once as they are and once with size and check sum put right, so
/// that what stands behind these is reached. All that opens is read whole.
inline void read_table(std::string_view bytes) {
  const auto open = [](std::string text) {
    try {
      const CompactTable table = CompactTable::of(std::move(text), "fuzz.nast");
      for (size_t i = 0; i < table.networks(); ++i) {
        require(table.find(table.network(i)) == i);
        const auto [first, last] = table.rows_of(i);
        for (size_t r = first; r < last; ++r)
          for (size_t c = 0; c < table.header().columns.size(); ++c)
            require(!std::isinf(table.value(c, r)));
      }
      require(compact_cells(table, "fuzz.nast").rows.size() == table.rows());
    } catch (const DataError& e) {
      require(!std::string(e.what()).empty());
    }
  };
  constexpr size_t kSize = 16, kSum = 64;
  open(std::string(bytes));
  if (bytes.size() < 24 + kSum || !CompactTable::is_one(bytes)) return;
  std::string sealed(bytes.substr(0, bytes.size() - kSum));
  for (size_t i = 0; i < 8; ++i)
    sealed[kSize + i] = static_cast<char>(static_cast<uint64_t>(bytes.size()) >> (8 * i));
  open(sealed + sha256_hex(sealed));
}

}  // namespace nas::fuzz
