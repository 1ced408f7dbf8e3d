#pragma once
// Number formats that times are of.
#include <string>
#include <string_view>

namespace nas {

/// The one name here of a number format, by any of its usual ones: `fp16`, `half` -> float16;
/// "" for what is none.
std::string dtype_named(std::string_view text);
/// "float32, float16, bfloat16, tf32, float64, int16, int8, uint8, int4, mixed".
extern const char* const kDtypes;

}  // namespace nas
