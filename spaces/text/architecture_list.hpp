#pragma once
// Lists of architectures that a user hands over in a file.
#include <string>
#include <string_view>
#include <vector>

#include "spaces/space.hpp"

namespace nas {

/// Architectures of a text: one a line in any form that read_architecture knows (dictionaries and
/// genotypes may take several lines), a JSON array, JSON lines, a document that `nas ... --json`
/// printed, or a CSV table with the column `architecture`. Empty lines and what follows `#` are
/// passed over (`#12` is a number). ConfigError with the wrong ones, each with file:line:column; a
/// wrong line does not touch the others.
std::vector<Architecture> read_architecture_list(const Space& space,
                                                 std::string_view text,
                                                 const std::string& file);
/// The same from a file; `-`: standard input.
std::vector<Architecture> read_architecture_file(const Space& space, const std::string& path);

}  // namespace nas
