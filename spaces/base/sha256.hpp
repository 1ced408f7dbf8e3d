#pragma once
#include <string>

namespace nas {

/// SHA-256 as 64 hexadecimal digits.
std::string sha256_hex(const std::string& text);

}  // namespace nas
