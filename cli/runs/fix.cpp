#include "cli/runs/fix.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <unordered_map>

#include "cli/config/stored_config.hpp"
#include "supernet/train/train_options.hpp"

namespace nas::cli {

CLI::Option* add_fix(CLI::App& app, std::vector<std::string>& terms) {
  return app
      .add_option("--fix",
                  terms,
                  "Only this part of the space: CHOICE=OPTION, CHOICE=A|B or CHOICE!=A, with * for "
                  "any characters in CHOICE; repeatable")
      ->type_name("CHOICE=OPTION")
      ->allow_extra_args(false);
}

Domain fixed_domain(const Space& space,
                    const std::vector<std::string>& terms,
                    const std::string& where) {
  return {space, Restriction::parse(space, terms, where)};
}

std::vector<std::string> with_trained_part(std::vector<std::string> terms, const RunRow& run) {
  for (const std::string& term : read_yaml_as<TrainConfig>(stored_config(run)).train.fix)
    if (std::find(terms.begin(), terms.end(), term) == terms.end()) terms.push_back(term);
  return terms;
}

std::vector<Architecture> fixed_part(const Domain& domain,
                                     std::vector<Architecture> list,
                                     bool networks) {
  if (domain.whole()) return list;
  constexpr int64_t kListed = 200'000;
  std::unordered_map<Architecture, Architecture> inside;
  if (networks && domain.count() <= kListed)
    domain.enumerate([&](const Architecture& a) {
      inside.try_emplace(domain.space().canonical(a), domain.canonical(a));
      return true;
    });
  std::vector<Architecture> kept;
  for (Architecture& a : list) {
    if (domain.contains(a)) {
      kept.push_back(std::move(a));
    } else if (const auto form = inside.find(a); form != inside.end()) {
      kept.push_back(form->second);
    }
  }
  return kept;
}

}  // namespace nas::cli
