// Shares are of the paths in which a choice was active: in deep spaces a choice of a block that
// small depths close trains less often, and that is the space's doing, not the sampler's.
#include "cli/report/training/draws.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using Option = std::pair<std::string, int64_t>;

bool fewer(const Option& a, const Option& b) {
  return a.second < b.second;
}

double share(int64_t count, const ChoiceDraws& of) {
  return of.active > 0 ? static_cast<double>(count) / static_cast<double>(of.active) : 0;
}

/// Its rarest option's share of an even one: 1 where all are trained alike.
double evenness(const ChoiceDraws& c) {
  if (c.active == 0) return 0;
  const auto least = std::min_element(c.options.begin(), c.options.end(), fewer);
  return share(least->second, c) * static_cast<double>(c.options.size());
}

std::string told(const Option& option, const ChoiceDraws& of) {
  return printable(option.first) + " " + format_number(100 * share(option.second, of), 3) + " %";
}

}  // namespace

std::optional<Draws> draws_of(const Store& store, const std::string& run) {
  const auto text = store.document(run, kDraws);
  if (!text) return std::nullopt;
  try {
    const Json document = Json::parse(*text);
    Draws draws;
    draws.paths = document.at("paths").get<int64_t>();
    for (const Json& c : document.at("choices")) {
      ChoiceDraws choice{c.at("choice").get<std::string>(), c.at("active").get<int64_t>(), {}};
      for (const Json& o : c.at("options"))
        choice.options.emplace_back(o.at("option").get<std::string>(),
                                    o.at("count").get<int64_t>());
      if (!choice.options.empty()) draws.choices.push_back(std::move(choice));
    }
    return draws;
  } catch (const Json::exception& e) {
    throw DataError("run " + run + ": its document '" + kDraws + "' is damaged: " + e.what());
  }
}

bool of_several(const Draws& draws) {
  return std::any_of(draws.choices.begin(), draws.choices.end(), [](const ChoiceDraws& c) {
    return std::max_element(c.options.begin(), c.options.end(), fewer)->second < c.active;
  });
}

std::string draws_text(const Draws& draws, size_t most) {
  std::vector<const ChoiceDraws*> choices;
  for (const ChoiceDraws& c : draws.choices)
    if (c.options.size() > 1 && c.active > 0) choices.push_back(&c);
  std::stable_sort(choices.begin(), choices.end(), [](const auto* a, const auto* b) {
    return evenness(*a) < evenness(*b);
  });
  Table table({"choice", "paths", "least trained", "most trained"});
  for (size_t i = 0; i < std::min(most, choices.size()); ++i) {
    const ChoiceDraws& c = *choices[i];
    const auto [least, best] = std::minmax_element(c.options.begin(), c.options.end(), fewer);
    table.row({printable(c.choice), std::to_string(c.active), told(*least, c), told(*best, c)});
  }
  std::string text = table.text();
  if (choices.size() > most)
    text += "\nand " + std::to_string(choices.size() - most) + " choices that are more even";
  return text;
}

}  // namespace nas::cli
