#pragma once
// The help topic of nas sweep.
#include <string>

namespace nas::cli {

std::string sweep_topic();

}  // namespace nas::cli
