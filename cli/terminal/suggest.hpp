#pragma once
// Commands that users are told to run: one place that knows what belongs to each.
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace nas::cli {

/// `nas` and the words, quoted where a shell needs it, with --db where the store is not the default
/// one, and, for commands that judge a run or go on with it, with what the user said of where its
/// data lie and where it runs (--set data.path=..., device=...).
std::string suggested(const std::vector<std::string>& words, const Common& common);
/// The same where only the store is known.
std::string suggested(const std::vector<std::string>& words, const std::string& db);
/// The configuration of a run into a file, and `command` (train or search) with it.
std::string suggested_again(const std::string& command,
                            const std::string& run,
                            const Common& common);
/// "`nas runs` lists them".
std::string runs_are_listed(const std::string& db);

}  // namespace nas::cli
