#pragma once
#include <string>

namespace nas::cli {

/// `nas help exports`.
std::string exports_topic();

}  // namespace nas::cli
