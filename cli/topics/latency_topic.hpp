#pragma once
#include <string>

namespace nas::cli {

/// The page of `nas help latency`.
std::string latency_topic();

}  // namespace nas::cli
