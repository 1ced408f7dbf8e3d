// A run that ends at a split which cannot be made has lost its hours, so that every split is tried
// beforehand, whatever those before it take.
#include "supernet/train/split/few_shot_checks.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "spaces/error.hpp"
#include "supernet/train/split/few_shot_schedule.hpp"
#include "supernet/train/split/find_split.hpp"

namespace nas {
namespace {

std::string counted(size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

using Refuse =
    std::function<void(const std::string& key, const std::string& what, const std::string& hint)>;

void require_choices(const Space& space,
                     const std::vector<std::string>& names,
                     const std::string& key,
                     const Refuse& refuse) {
  std::vector<std::string> known;
  for (const Choice& choice : space.choices()) known.push_back(choice.name);
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = nearest(name, known);
    refuse(key,
           "the space '" + space.name() + "' has no choice '" + name + "'",
           near.empty() ? "`nas space show` lists them" : "did you mean '" + near + "'?");
  }
}

/// That every split can be made, whatever those before it take: a choice is split once on a branch.
/// A run that ends without a choice left has lost its hours.
void check_depth(const Space& space, const FewShotOptions::Split& s, const Refuse& refuse) {
  if (s.edge == EdgeRule::kFixed) return;  // Names a choice for each.
  std::vector<std::vector<size_t>> open;
  for (size_t level = 0; level < s.epochs.size(); ++level) {
    PartitionOptions partition = s.score.partition;
    partition.groups = at_or_last(s.groups, level);
    open.push_back(split_candidates(SplitTree(space), 0, space, partition, s.candidates));
    const std::vector<size_t>& here = open.back();
    size_t taken = 0;
    for (size_t before = 0; before < level; ++before)
      taken += std::any_of(open[before].begin(), open[before].end(), [&](size_t c) {
        return std::find(here.begin(), here.end(), c) != here.end();
      });
    if (here.size() > taken) continue;
    refuse("split.epochs",
           "split " + std::to_string(level + 1) +
               " may find no choice to divide: " + std::to_string(here.size()) +
               " can be divided into " + std::to_string(partition.groups) +
               " groups, and each is split once on a branch, maybe by a split before it",
           "ask for fewer splits or smaller groups, or name more choices in split.candidates");
  }
}

/// Whether one of a few drawn architectures may have both options; false says nothing yet.
bool meets(const Space& space, size_t choice, size_t option, size_t other, size_t its) {
  Rng rng(0, "split/meets");
  for (int i = 0; i < 8; ++i) {
    Architecture a = space.sample(rng);
    a.genes[choice] = static_cast<int16_t>(option);
    a.genes[other] = static_cast<int16_t>(its);
    if (space.valid(a)) return true;
  }
  return false;
}

/// That no leaf is empty: two splits may meet in options that the space's rules forbid together.
void check_meetings(const Space& space, const FewShotOptions::Split& s, const Refuse& refuse) {
  if (s.epochs.size() < 2) return;
  const bool named = s.criterion == SplitCriterion::kExhaustive || s.edge == EdgeRule::kFixed;
  std::vector<size_t> choices;
  if (named)
    for (const std::string& name : s.choices)
      choices.push_back(choice_named(space, name, "weights.split.choices"));
  else
    choices = split_candidates(
        SplitTree(space), 0, space, {.groups = s.groups.front(), .min_group = 1}, s.candidates);
  for (size_t i = 0; i < choices.size(); ++i)
    for (size_t j = i + 1; j < choices.size(); ++j)
      for (size_t a = 0; a < space.choices()[choices[i]].options.size(); ++a)
        for (size_t b = 0; b < space.choices()[choices[j]].options.size(); ++b) {
          if (meets(space, choices[i], a, choices[j], b)) continue;
          const int16_t first[] = {static_cast<int16_t>(a)}, second[] = {static_cast<int16_t>(b)};
          const Restriction both =
              Restriction(space).keep(choices[i], first).keep(choices[j], second);
          if (Domain(space, both).count() > 0) continue;
          const Choice &one = space.choices()[choices[i]], &other = space.choices()[choices[j]];
          refuse(
              "split.epochs",
              "no architecture of the space has " + one.name + "=" + one.options[a] + " and " +
                  other.name + "=" + other.options[b] +
                  ", so a leaf of two splits may be empty, or its options have nothing in common",
              "make one split, or name choices without common rules in split.candidates");
        }
}

/// That the first split can be made, and compares what can be compared.
void check_candidates(const Space& space, const FewShotOptions::Split& s, const Refuse& refuse) {
  PartitionOptions partition = s.score.partition;
  partition.groups = s.groups.front();
  const bool fixed = s.edge == EdgeRule::kFixed;
  const std::vector<size_t> choices =
      split_candidates(SplitTree(space), 0, space, partition, fixed ? s.choices : s.candidates);
  std::string whole;  // Named, but cannot be divided.
  if (fixed)
    for (const std::string& name : s.choices)
      if (std::none_of(choices.begin(), choices.end(), [&](size_t c) {
            return space.choices()[c].name == name;
          }))
        whole = name;
  if (choices.empty() || !whole.empty())
    refuse("split.groups",
           (whole.empty() ? "no choice can" : "choice '" + whole + "' cannot") +
               " be divided into " + std::to_string(partition.groups) + " groups" +
               (partition.min_group > 1
                    ? " of at least " + std::to_string(partition.min_group) + " options"
                    : ""),
           partition.min_group > 1
               ? "lower split.score.min_group, or ask for fewer groups; `nas space show` lists "
                 "choices and options"
               : "ask for fewer groups; `nas space show` lists choices and options");
  const bool sums = s.edge == EdgeRule::kMaxCut || s.edge == EdgeRule::kMinWithin;
  if (s.criterion == SplitCriterion::kGradient && sums && !equal_option_counts(space, choices))
    refuse(
        "split.edge",
        "compares sums of distances, but choices of this space have different numbers of options",
        "set it to mean_cut, or name choices of equal size in split.candidates");
}

/// Keys that say something and do nothing.
void check_unused(const FewShotOptions::Split& s, const YamlSource& source, const Refuse& refuse) {
  const auto split = yaml_section(source, "split");
  const auto given = [&](const char* key) {
    return split && yaml_section(*split, key).has_value();
  };
  const bool exhaustive = s.criterion == SplitCriterion::kExhaustive;
  const bool fixed = !exhaustive && s.edge == EdgeRule::kFixed;
  if (given("choices") && !exhaustive && !fixed && !s.choices.empty())
    refuse("split.choices",
           "is only read with edge: fixed or criterion: exhaustive",
           "split.candidates names the choices that may be split");
  if (given("candidates") && (exhaustive || fixed) && !s.candidates.empty())
    refuse("split.candidates",
           "is not read where " + s.choices_key + " names the choice of each split",
           "leave it out");
  if (given("groups") && exhaustive && s.groups != FewShotOptions::Split{}.groups)
    refuse("split.groups",
           "is not read with criterion: exhaustive, which makes a group of every option",
           "leave it out");
}

}  // namespace

void check_few_shot(const Space& space,
                    const FewShotOptions& o,
                    const TrainOptions& train,
                    const YamlSource& source) {
  const auto refuse =
      [&](const std::string& key, const std::string& what, const std::string& hint) {
        throw ConfigError({yaml_problem(source, key, what, hint)});
      };
  const FewShotOptions::Split& s = o.split;
  if (train.budget.limit() > 0)
    refuse(
        "kind",
        "the epochs of few-shot weights are known before they begin, but train.budget ends a run "
        "elsewhere",
        "leave train.budget out");
  if (!train.fix.empty())
    refuse("kind",
           "few-shot weights divide the whole space, but train.fix names a part",
           "leave train.fix out");
  if (s.epochs.empty()) refuse("split.epochs", "names no split", "e.g. [2, 4]");
  // A split at 0 parts weights that nothing has trained yet: the few-shot baseline.
  for (size_t i = 0; i < s.epochs.size(); ++i)
    if (s.epochs[i] <= (i == 0 ? -1 : s.epochs[i - 1]))
      refuse("split.epochs", "must ascend, from 0 on", "e.g. [2, 4, 6]");
  if (o.final_epochs == 0 && s.epochs.back() >= train.epochs)
    refuse("split.epochs",
           "the last split, after epoch " + std::to_string(s.epochs.back()) +
               ", leaves nothing of train.epochs (" + std::to_string(train.epochs) +
               ") for the leaves",
           "raise train.epochs, split earlier, or set final_epochs");
  if (s.groups.empty()) refuse("split.groups", "is empty", "e.g. [2]");
  for (const int g : s.groups)
    if (g < 2) refuse("split.groups", "a split has at least 2 groups", "e.g. [2, 2]");
  const bool named = s.criterion == SplitCriterion::kExhaustive || s.edge == EdgeRule::kFixed;
  if (named && s.choices.empty())
    refuse("split.choices", "the choice to split on must be named", "`nas space show` lists them");
  require_choices(space, s.choices, s.choices_key, refuse);
  require_choices(space, s.candidates, "split.candidates", refuse);
  const std::set<std::string> different(s.choices.begin(), s.choices.end());
  if (named && different.size() < s.epochs.size())
    refuse(s.choices_key,
           "names " + counted(different.size(), "choice") + " for " +
               counted(s.epochs.size(), "split") + ", but a choice is split once on every branch",
           "name one for each of split.epochs");
  check_unused(s, source, refuse);
  check_meetings(space, s, refuse);
  if (s.criterion == SplitCriterion::kExhaustive) return;
  check_candidates(space, s, refuse);
  check_depth(space, s, refuse);
}

}  // namespace nas
