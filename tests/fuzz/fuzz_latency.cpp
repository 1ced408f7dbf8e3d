#include <cstddef>
#include <cstdint>

#include "tests/fuzz/latency_readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nas::fuzz::read_latency({reinterpret_cast<const char*>(data), size});
  return 0;
}
