#include "supernet/data/sources.hpp"

namespace nas {

const std::vector<SourceKind>& source_kinds() {
  static const std::vector<SourceKind> kinds = {
      {"digits", "1,797 handwritten digits, 8x8, embedded", false, open_digits, nullptr},
      {"synthetic", "patterns plus noise from a seed", false, open_synthetic, nullptr},
  };
  return kinds;
}

}  // namespace nas
