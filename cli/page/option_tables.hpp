#pragma once
// Shares of the options of choices as tables of colours.
#include <string>
#include <utility>
#include <vector>

#include "cli/page/page.hpp"

namespace nas::cli {

/// A choice, and a number from 0 to 1 for each of its options.
using OptionShares = std::pair<std::string, std::vector<std::pair<std::string, double>>>;

/// Choices of the same options share a table.
void add_option_tables(Page& page, const std::vector<OptionShares>& choices);

}  // namespace nas::cli
