#include "hardware/dtype.hpp"

#include <algorithm>
#include <cctype>
#include <map>

namespace nas {

const char* const kDtypes =
    "float32, float16, bfloat16, tf32, float64, int16, int8, uint8, int4, mixed";

std::string dtype_named(std::string_view text) {
  static const std::map<std::string, std::string, std::less<>> names = {
      {"float32", "float32"}, {"fp32", "float32"},    {"f32", "float32"},
      {"float", "float32"},   {"single", "float32"},  {"float16", "float16"},
      {"fp16", "float16"},    {"f16", "float16"},     {"half", "float16"},
      {"bf16", "bfloat16"},   {"bfloat", "bfloat16"}, {"bfloat16", "bfloat16"},
      {"tf32", "tf32"},       {"float64", "float64"}, {"fp64", "float64"},
      {"double", "float64"},  {"int16", "int16"},     {"i16", "int16"},
      {"int8", "int8"},       {"i8", "int8"},         {"qint8", "int8"},
      {"uint8", "uint8"},     {"u8", "uint8"},        {"quint8", "uint8"},
      {"int4", "int4"},       {"i4", "int4"},         {"w4", "int4"},
      {"mixed", "mixed"}};
  std::string low(text);
  std::transform(low.begin(), low.end(), low.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  std::erase_if(low, [](char c) { return c == '_' || c == '-'; });
  const auto it = names.find(low);
  return it == names.end() ? "" : it->second;
}

}  // namespace nas
