// A family does not list which of its choices can be mixed: it builds those with
// PlanBuilder::choose, and what a relaxed build did not mix was not one of them. So the list cannot
// differ from what is built.
#include "spaces/relaxed.hpp"

#include <algorithm>
#include <set>

#include "spaces/error.hpp"

namespace nas {

/// Lets one build of a plan mix choices.
class RelaxedBuild {
 public:
  static Plan build(const Space& space, const Architecture& a, const Relaxation& relaxation) {
    Plan plan;
    plan.relaxation_ = &relaxation;
    space.build(a, plan);
    plan.relaxation_ = nullptr;
    return plan;
  }
};

namespace {

Relaxation relaxation_of(const Domain& domain, std::span<const size_t> choices) {
  Relaxation relaxation;
  relaxation.options.resize(domain.space().choices().size());
  for (const size_t c : choices) relaxation.options.at(c) = domain.options(c);
  return relaxation;
}

std::set<size_t> mixed_choices(const Plan& plan) {
  std::set<size_t> mixed;
  for (const Node& node : plan.nodes)
    if (const auto* sum = std::get_if<WeightedSum>(&node.op))
      mixed.insert(static_cast<size_t>(sum->choice));
  return mixed;
}

/// `a` with an allowed option everywhere.
Architecture allowed_everywhere(const Domain& domain, Architecture a) {
  for (size_t c = 0; c < a.genes.size(); ++c)
    if (!domain.allows(c, a.genes[c])) a.genes[c] = domain.option(c, 0);
  return a;
}

std::string some_names(const Space& space, const std::vector<size_t>& choices) {
  constexpr size_t kShown = 8;
  std::string text;
  for (size_t i = 0; i < std::min(choices.size(), kShown); ++i)
    text += (i > 0 ? ", " : "") + space.choices()[choices[i]].name;
  return text + (choices.size() > kShown ? ", ..." : "");
}

[[noreturn]] void refuse(const Domain& domain, const Architecture& base, size_t choice) {
  const Space& space = domain.space();
  const std::string start = "space " + space.name() + ": the choice '" +
                            space.choices()[choice].name + "' cannot be relaxed: ";
  const std::vector<size_t> can = relaxable_choices(domain);
  if (std::find(can.begin(), can.end(), choice) != can.end())
    throw ConfigError(start + "it is closed in the network " + space.text(base),
                      "take a network in which it is open, or do not relax it");
  throw ConfigError(
      start + "its options are sizes of one network, or places in it, not blocks side by side",
      can.empty() ? "no choice of this space can be relaxed"
                  : "fix it to one option; what can be relaxed: " + some_names(space, can));
}

}  // namespace

Plan relaxed_plan(const Domain& domain, const Architecture& base, std::span<const size_t> choices) {
  std::string why;
  if (!domain.contains(base, &why))
    throw ConfigError("the network to relax is not in " + domain.name() + ": " + why);
  const Relaxation relaxation = relaxation_of(domain, choices);
  Plan plan = RelaxedBuild::build(domain.space(), allowed_everywhere(domain, base), relaxation);
  const std::set<size_t> mixed = mixed_choices(plan);
  for (const size_t c : choices)
    if (!mixed.contains(c)) refuse(domain, base, c);
  return plan;
}

// In networks that open every choice; the options of what is mixed do not matter to what is open.
std::vector<size_t> relaxable_choices(const Domain& domain) {
  std::vector<size_t> all;
  for (size_t c = 0; c < domain.space().choices().size(); ++c) all.push_back(c);
  const Relaxation relaxation = relaxation_of(domain, all);
  std::set<size_t> mixed;
  std::vector<Architecture> networks = domain.space().cover();
  networks.push_back(domain.largest());
  for (const Architecture& a : networks)
    mixed.merge(mixed_choices(
        RelaxedBuild::build(domain.space(), allowed_everywhere(domain, a), relaxation)));
  return {mixed.begin(), mixed.end()};
}

}  // namespace nas
