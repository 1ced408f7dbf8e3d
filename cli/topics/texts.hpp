#pragma once
// The texts of this folder, embedded; the order is that of NAS_TOPICS in cli/CMakeLists.txt.
#include <string_view>
#include <utility>
#include <vector>

namespace nas::cli {

/// {name of the topic, its text}.
const std::vector<std::pair<std::string_view, std::string_view>>& topic_texts();

}  // namespace nas::cli
