#include "cli/page/option_tables.hpp"

#include <algorithm>

#include "spaces/base/printable.hpp"

namespace nas::cli {

void add_option_tables(Page& page, const std::vector<OptionShares>& choices) {
  // In the order in which their options appear first.
  std::vector<std::pair<std::vector<std::string>, std::vector<const OptionShares*>>> tables;
  for (const OptionShares& choice : choices) {
    std::vector<std::string> names;
    for (const auto& [option, share] : choice.second) names.push_back(printable(option));
    auto table = std::find_if(
        tables.begin(), tables.end(), [&](const auto& known) { return known.first == names; });
    if (table == tables.end()) table = tables.insert(table, {names, {}});
    table->second.push_back(&choice);
  }
  for (const auto& [columns, members] : tables) {
    std::vector<std::string> rows;
    std::vector<std::vector<double>> values;
    for (const OptionShares* choice : members) {
      rows.push_back(printable(choice->first));
      values.emplace_back();
      for (const auto& [option, share] : choice->second) values.back().push_back(share);
    }
    page.heat("choice", columns, rows, values, 0, 1);
  }
}

}  // namespace nas::cli
