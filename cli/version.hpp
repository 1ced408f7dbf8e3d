#pragma once
// What this build is; also stored with every run.
#include <string>
#include <utility>
#include <vector>

namespace nas::cli {

/// (name, value): nas, build type, compiler, LibTorch built against.
std::vector<std::pair<std::string, std::string>> build_facts();
/// `nas 0.2.0`
std::string program_text();

}  // namespace nas::cli
