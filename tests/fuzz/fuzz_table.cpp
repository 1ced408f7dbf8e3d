#include <cstddef>
#include <cstdint>

#include "tests/fuzz/table_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nas::fuzz::read_table({reinterpret_cast<const char*>(data), size});
  return 0;
}
