#include "cli/results/narrowing.hpp"

#include "cli/command.hpp"
#include "cli/report/document.hpp"
#include "spaces/base/joined.hpp"
#include "spaces/base/shell_word.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> names(const Narrowing& n, size_t choice, bool kept) {
  std::vector<std::string> list;
  for (const OptionShare& s : n.popular.shares)
    if (s.choice == choice && s.kept == kept)
      list.push_back(n.space->choices()[choice].options[static_cast<size_t>(s.option)]);
  return list;
}
/// Choices that lose an option, in order.
std::vector<size_t> narrowed_choices(const Narrowing& n) {
  std::vector<size_t> list;
  for (const OptionShare& s : n.popular.shares)
    if (!s.kept && (list.empty() || list.back() != s.choice)) list.push_back(s.choice);
  return list;
}
std::string count_text(const Domain& domain) {
  const std::string exact = domain.count().str();
  constexpr size_t kReadable = 7;
  return exact.size() <= kReadable ? exact : format_number(std::stod(exact), 3);
}

void print_json(const Narrowing& n) {
  Json choices = Json::array();
  for (const OptionShare& s : n.popular.shares) {
    const Choice& choice = n.space->choices()[s.choice];
    if (choices.empty() || choices.back().at("choice") != choice.name)
      choices.push_back({{"choice", choice.name}, {"networks", s.of}, {"options", Json::array()}});
    choices.back()["options"].push_back({{"option", choice.options[static_cast<size_t>(s.option)]},
                                         {"share", s.share()},
                                         {"kept", s.kept}});
  }
  print(json_text(Json{{"schema", "nas-space-narrow/1"},
                       {"run", n.run.id},
                       {"space", n.space->name()},
                       {"judged", n.judged},
                       {"networks", n.popular.networks},
                       {"clusters", n.popular.clusters},
                       {"noise", n.popular.noise},
                       {"choices_with_too_few", n.popular.too_few},
                       {"architectures_before", n.before.count().str()},
                       {"architectures_after", n.after.count().str()},
                       {"fix", n.popular.part.text()},
                       {"front", n.front},
                       {"front_left_out", n.front_outside},
                       {"choices", choices}}));
}

void print_people(const Narrowing& n) {
  const Popular& p = n.popular;
  print_prose(std::to_string(p.networks) + " of the " + std::to_string(n.judged) +
              " networks of search " + n.run.id +
              " are looked at (those that worked and keep its " + "limits, each once): " +
              (p.clusters == 0
                   ? "no clusters, so that all count"
                   : std::to_string(p.networks - p.noise) + " in " + std::to_string(p.clusters) +
                         (p.clusters == 1 ? " cluster, " : " clusters, ") +
                         std::to_string(p.noise) + " are noise"));
  const std::vector<size_t> choices = narrowed_choices(n);
  if (p.too_few > 0)
    print_prose(std::to_string(p.too_few) +
                " of the choices keep all options: too few networks "
                "have them open to tell (3 / share are needed, 300 for 1 %; --min-share)");
  if (choices.empty()) {
    print_prose("nothing is left out");
    return;
  }
  Table table({"choice", "kept", "left out"});
  for (const size_t c : choices)
    table.row({n.space->choices()[c].name,
               joined(names(n, c, true), " "),
               joined(names(n, c, false), " ")});
  print(table.text());
  print_prose("architectures: " + count_text(n.before) + " before, " + count_text(n.after) +
              " after");
  if (!n.front_outside.empty())
    print_prose("of the " + std::to_string(n.front) + " networks of its front " +
                std::to_string(n.front_outside.size()) + " are left out, such as " +
                n.front_outside.front() + "; --min-share and --min-cluster say how much is");
  else if (n.front > 0)
    print_prose("all " + std::to_string(n.front) + " networks of its front are inside");
  print("search there with: --fix " + shell_word(p.part.text()));
}

}  // namespace

void print_narrowing(const Narrowing& narrowing, bool as_json) {
  as_json ? print_json(narrowing) : print_people(narrowing);
}

}  // namespace nas::cli
