#pragma once
// Architectures that a user names on the command line.
#include <string>
#include <vector>

#include "spaces/space.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace nas::cli {

/// `--arch A`, repeatable; a value is never split, also where it looks like a list ([4,3,3]).
CLI::Option* add_architectures(CLI::App& app, std::vector<std::string>& texts);
/// `--file F`: one architecture a line.
CLI::Option* add_architecture_file(CLI::App& app, std::string& file);
/// What both name, in that order, in any form (spaces/read_architecture.hpp); `-` stands for
/// standard input in either. ConfigError with file:line:column of what cannot be read.
std::vector<Architecture> named_architectures(const Space& space,
                                              const std::vector<std::string>& texts,
                                              const std::string& file = "");

}  // namespace nas::cli
