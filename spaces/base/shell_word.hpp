#pragma once
#include <string>

namespace nas {

/// `word` as a shell reads it back: as it is, or in single quotes.
std::string shell_word(const std::string& word);

}  // namespace nas
