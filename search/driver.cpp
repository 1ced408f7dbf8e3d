// An algorithm asks for architectures, the driver pays for them: each canonical form once, costs
// before truth, truth only where the limits hold. What is known (a resumed search, another's
// results) is answered without paying, and everything happens in the order of asking, so that a
// search that was interrupted comes to the same archive.
#include "search/driver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "search/algorithms/choose.hpp"
#include "search/failures.hpp"
#include "search/feasibility.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int64_t kListable = 200000;  ///< Spaces up to this size are listed when draws run dry.

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void check_settings(const SearchSettings& s, const CostModel& costs, const Evaluator& evaluator) {
  std::vector<std::string> metrics = costs.metrics();
  for (const std::string& name : evaluator.metrics())
    if (!costs.knows(name)) metrics.push_back(name);
  const auto check_metric = [&](const std::string& name, const std::string& where) {
    if (std::find(metrics.begin(), metrics.end(), name) != metrics.end()) return;
    const std::string near = nearest(name, metrics);
    throw ConfigError(where + ": there is no metric '" + name + "' here; known: " + list(metrics),
                      near.empty() ? "" : "Did you mean '" + near + "'?");
  };
  if (s.goal.objectives.empty())
    throw ConfigError("search.objectives: at least one objective is needed",
                      "For example: objectives: [maximize: accuracy, minimize: macs]");
  for (const Objective& objective : s.goal.objectives) {
    check_metric(objective.metric, "search.objectives");
    if (std::count_if(s.goal.objectives.begin(), s.goal.objectives.end(), [&](const Objective& o) {
          return o.metric == objective.metric;
        }) > 1)
      throw ConfigError("search.objectives: '" + objective.metric + "' is listed twice");
  }
  for (const Constraint& constraint : s.goal.constraints)
    check_metric(constraint.metric, "search.constraints");
  const AlgorithmInfo& algorithm =
      search_algorithm(s.algorithm == kAutoAlgorithm ? "nsga2" : s.algorithm);
  const std::string problem = algorithm.population_problem(s.population);
  if (!problem.empty()) throw ConfigError("search.population: " + problem);
  const std::string objectives = algorithm.objectives_problem(s.goal.objectives.size());
  if (!objectives.empty()) throw ConfigError("search.algorithm: " + objectives);
  if (algorithm.spends_budget && !s.generations && !s.evaluations)
    throw ConfigError("search: a budget is needed: generations or evaluations (or both)");
  if ((s.generations && *s.generations < 1) || (s.evaluations && *s.evaluations < 1))
    throw ConfigError("search: the budget must be at least 1");
}

Point given_reference(const SearchSettings& s) {
  if (s.reference.empty()) return {};
  Point reference;
  for (const Objective& objective : s.goal.objectives) {
    const auto it = s.reference.find(objective.metric);
    if (it == s.reference.end())
      throw ConfigError("search.reference: no value for the objective '" + objective.metric + "'",
                        "A reference point needs one value for each objective.");
    reference.push_back(objective.sign() * it->second);
  }
  if (s.reference.size() != s.goal.objectives.size())
    throw ConfigError("search.reference: has values for metrics that are not objectives");
  return reference;
}

}  // namespace

Search::Search(const Domain& domain,
               Evaluator& evaluator,
               const CostModel& costs,
               const SearchSettings& settings)
    : domain_(domain),
      space_(domain.space()),
      evaluator_(evaluator),
      costs_(costs),
      settings_(settings),
      archive_(settings.goal) {
  check_settings(settings, costs, evaluator);
  reference_ = given_reference(settings);
  std::vector<Constraint> free;
  for (const Constraint& constraint : settings.goal.constraints)
    if (costs.knows(constraint.metric)) free.push_back(constraint);
  limits_ = std::make_unique<CostLimits>(costs, free, domain_);
  sampler_ =
      std::make_unique<ArchitectureSampler>(*limits_,
                                            settings.initial,
                                            require_attainable(costs, free, settings.seed, domain_),
                                            settings.seed);
  std::erase_if(settings_.warm,
                [&](const WarmRow& row) { return !domain_.contains(row.architecture); });
  if (settings_.algorithm == kAutoAlgorithm) choose_by_facts();
  algorithm_ = search_algorithm(settings_.algorithm).make();
  if (!settings.only.empty()) keep_to(settings.only);
  algorithm_->prepare(*this);
}

void Search::choose_by_facts() {
  SearchFacts facts;
  const Goal& goal = settings_.goal;
  facts.objectives = goal.objectives.size();
  facts.measured = std::any_of(goal.objectives.begin(),
                               goal.objectives.end(),
                               [&](const Objective& o) { return !costs_.knows(o.metric); }) ||
                   std::any_of(goal.constraints.begin(),
                               goal.constraints.end(),
                               [&](const Constraint& c) { return !costs_.knows(c.metric); });
  facts.cheap = evaluator_.source() == "table";
  facts.warm = !settings_.warm.empty();
  facts.evaluations = settings_.evaluations;
  if (settings_.generations) {
    const int64_t most = *settings_.generations * settings_.population;
    facts.evaluations = std::min(facts.evaluations.value_or(most), most);
  }
  if (!settings_.only.empty())
    facts.networks = static_cast<int64_t>(settings_.only.size());
  else if (const auto count = networks())
    facts.networks = static_cast<int64_t>(*count);
  ChosenAlgorithm chosen = choose_algorithm(facts);
  settings_.algorithm = std::move(chosen.name);
  algorithm_why_ = std::move(chosen.why);
}

// Every algorithm works within a list of networks without knowing it: what it asks for stands for
// the nearest listed one, as other forms of a network stand for the canonical one.
void Search::keep_to(const std::vector<Architecture>& networks) {
  const AlgorithmInfo& algorithm = search_algorithm(settings_.algorithm);
  if (!algorithm.spends_budget)
    throw ConfigError(
        "evaluator.table.known_only: " + algorithm.name + " decides itself what is evaluated",
        "Take another algorithm, or leave known_only out.");
  size_t outside = 0;
  for (const Architecture& a : networks) {
    if (!domain_.whole() && (!domain_.contains(a) || domain_.canonical(a) != a)) continue;
    if (limits_->violation(a) == 0)
      only_.push_back(a);
    else
      ++outside;
  }
  if (only_.empty())
    throw ConfigError("evaluator.table.known_only: no network with a row lies " +
                      std::string(outside > 0 ? "within the limits" : "in what is searched"));
  std::sort(only_.begin(), only_.end());
}

Architecture Search::key(const Architecture& a) const {
  Architecture key = domain_.canonical(a);
  if (only_.empty() || std::binary_search(only_.begin(), only_.end(), key)) return key;
  const Architecture* nearest = nullptr;
  size_t least = key.genes.size() + 1;
  for (const Architecture& b : only_) {
    size_t apart = 0;
    for (size_t c = 0; c < key.genes.size() && apart < least; ++c)
      apart += key.genes[c] != b.genes[c];
    if (apart < least) {
      least = apart;
      nearest = &b;
    }
  }
  return *nearest;
}

Architecture Search::sample(Rng& rng) const {
  return only_.empty() ? sampler_->draw(rng) : only_[rng.below(only_.size())];
}

bool Search::repair(Architecture& a, Rng& rng) const {
  if (only_.empty()) return sampler_->repair(a, rng);
  a = key(a);
  return true;
}

Search::~Search() = default;

void Search::know(const Architecture& a, Evaluation evaluation, bool elsewhere) {
  // What failed elsewhere may have failed for reasons of its own, and what lacks a metric is of
  // another evaluator.
  if (elsewhere) {
    if (!evaluation.error.empty()) return;
    for (const std::string& metric : evaluator_.metrics())
      if (!evaluation.values.contains(metric)) return;
  }
  if (!domain_.whole() && !domain_.contains(a)) return;
  // Stored forms may be those of an earlier version.
  Architecture key = domain_.canonical(a);
  if (!domain_.whole() && key != space_.fix_inactive(a)) return;
  known_.emplace(std::move(key), Known{std::move(evaluation), elsewhere});
}

size_t Search::budget_left() const {
  if (!settings_.evaluations) return std::numeric_limits<size_t>::max();
  const auto budget = static_cast<size_t>(*settings_.evaluations);
  return budget - std::min(budget, archive_.evaluations());
}

double Search::progress() const {
  double share = 0;
  if (settings_.evaluations)
    share =
        static_cast<double>(archive_.evaluations()) / static_cast<double>(*settings_.evaluations);
  if (settings_.generations)
    share = std::max(
        share, static_cast<double>(generation_) / static_cast<double>(*settings_.generations));
  return std::min(share, 1.0);
}

bool Search::worth_paying(const Architecture& canonical) const {
  return archive_.find(canonical) == nullptr && limits_->violation(canonical) == 0;
}

bool Search::propose(const Architecture& a) {
  const Architecture key = this->key(a);
  ++requested_;
  if (archive_.find(key) != nullptr) {
    ++saved_;
    if (a != key) ++saved_equivalent_;
    return false;
  }
  if (limits_->violation(key) == 0) return true;
  ++skipped_;
  return false;
}

std::vector<Architecture> Search::unseen(size_t wanted,
                                         const std::unordered_set<Architecture>& taken,
                                         Rng& rng) {
  std::vector<Architecture> left;
  const bool all = !only_.empty() || listable(domain_, kListable);
  if (all) {
    std::unordered_set<Architecture> keys;
    for (const Architecture& a : taken) keys.insert(key(a));
    const auto add = [&](Architecture key) {
      if (!keys.contains(key) && worth_paying(key)) {
        keys.insert(key);
        left.push_back(std::move(key));
      }
      return true;
    };
    if (only_.empty())
      domain_.enumerate([&](const Architecture& a) { return add(domain_.canonical(a)); });
    else
      for (const Architecture& a : only_) add(a);
    rng.shuffle(left);
    if (left.size() > wanted) left.resize(wanted);
  } else {
    left = unseen_neighbours(wanted, taken, rng);
  }
  const std::string within = (only_.empty() ? std::string() : " with a row") +
                             (domain_.whole() ? "" : " with " + domain_.restriction().text()) +
                             (limits_->empty() ? std::string() : " within the limits");
  if (left.size() < wanted)
    exhausted_ = all ? "every network of the space" + within + " was evaluated"
                     : "no further network" + within +
                           " was found, by draws or by single changes "
                           "of those evaluated";
  return left;
}

// Breadth first from what was paid for, in random order: where limits leave few networks, single
// changes of known ones reach the rest sooner than draws.
std::vector<Architecture> Search::unseen_neighbours(size_t wanted,
                                                    std::unordered_set<Architecture> taken,
                                                    Rng& rng) const {
  std::vector<Architecture> open(taken.begin(), taken.end());
  for (const Archive::Entry& entry : archive_.entries()) open.push_back(entry.architecture);
  std::sort(open.begin(), open.end());  // a hash set has no order to rely on
  rng.shuffle(open);
  std::vector<Architecture> found;
  for (size_t i = 0; i < open.size() && found.size() < wanted; ++i) {
    std::vector<Architecture> changes = domain_.neighbours(open[i]);
    rng.shuffle(changes);
    for (const Architecture& a : changes) {
      Architecture key = domain_.canonical(a);
      if (found.size() == wanted || taken.contains(key) || !worth_paying(key)) continue;
      taken.insert(key);
      open.push_back(key);
      found.push_back(std::move(key));
    }
  }
  return found;
}

std::vector<const Archive::Entry*> Search::evaluate(std::span<const Architecture> asked) {
  std::vector<Architecture> keys, pending;
  std::unordered_set<Architecture> seen;
  for (const Architecture& a : asked) {
    const Architecture& key = keys.emplace_back(this->key(a));
    if (archive_.find(key) == nullptr && pending.size() < budget_left() && seen.insert(key).second)
      pending.push_back(key);
  }
  pay(pending);
  std::vector<const Archive::Entry*> entries;
  for (const Architecture& key : keys) entries.push_back(archive_.find(key));
  return entries;
}

void Search::pay(const std::vector<Architecture>& keys) {
  const auto batch = static_cast<size_t>(std::max(1, settings_.batch));
  for (size_t first = 0; first < keys.size(); first += batch) {
    if (stop && stop()) throw Interrupted("the search was stopped");
    const std::span<const Architecture> part(keys.data() + first,
                                             std::min(batch, keys.size() - first));
    const std::vector<Evaluation> results = truths(part);
    Entries entries;
    bool stopped = false;
    for (size_t i = 0; i < part.size(); ++i) {
      if (results[i].stopped) {
        stopped = true;
        continue;
      }
      Archive::Entry entry{part[i], Archive::State::kEvaluated, costs_.of(part[i]), "", {}};
      entry.values.insert(results[i].values.begin(), results[i].values.end());
      entry.error = results[i].error;
      if (!entry.error.empty()) entry.state = Archive::State::kFailed;
      entries.push_back(&archive_.insert(std::move(entry)));
    }
    if (on_evaluated) on_evaluated(entries);
    if (stopped) throw Interrupted("the search was stopped");
    watch_failures(entries);
  }
}

// A broken program or device fails everything; its budget is not spent on that.
void Search::watch_failures(const Entries& entries) {
  for (const Archive::Entry* entry : entries)
    failed_in_a_row_ = entry->state == Archive::State::kFailed ? failed_in_a_row_ + 1 : 0;
  if (settings_.failures_in_a_row > 0 && failed_in_a_row_ >= settings_.failures_in_a_row)
    throw DataError("the last " + std::to_string(failed_in_a_row_) +
                    " evaluations failed one after another:\n" + failure_text(archive_, space_, 3));
}

std::vector<Evaluation> Search::truths(std::span<const Architecture> keys) {
  std::vector<Architecture> unknown;
  for (const Architecture& key : keys)
    if (!known_.contains(key)) unknown.push_back(key);
  std::vector<Evaluation> fresh;
  if (!unknown.empty()) fresh = evaluator_.evaluate(unknown);
  if (fresh.size() != unknown.size())
    throw std::logic_error("an evaluator answered for another number of architectures");
  std::vector<Evaluation> results;
  size_t next = 0;
  for (const Architecture& key : keys) {
    const auto it = known_.find(key);
    if (it == known_.end()) {
      results.push_back(std::move(fresh[next++]));
      continue;
    }
    results.push_back(it->second.evaluation);
    if (it->second.elsewhere) ++reused_;
  }
  return results;
}

void Search::step() {
  algorithm_->step(*this);
  ++generation_;
  if (archive_.evaluations() > 0 && archive_.failures() == archive_.evaluations())
    throw DataError("every architecture failed (" + std::to_string(archive_.failures()) + "):\n" +
                    failure_text(archive_, space_, 3));
  if (reference_.empty()) reference_ = derived_reference(archive_.feasible_points());
}

std::string Search::why_done() const {
  if (!finished_.empty()) return finished_;
  if (settings_.generations && generation_ >= *settings_.generations) return "generations done";
  if (budget_left() == 0) return "evaluations spent";
  return exhausted_;
}

double Search::current_hypervolume() const {
  if (reference_.empty()) return 0.0;
  if (hypervolume_.first != archive_.evaluations()) {
    std::vector<Point> points;
    for (const Archive::Entry* entry : archive_.front()) points.push_back(entry->score.objectives);
    hypervolume_ = {archive_.evaluations(), hypervolume(points, reference_)};
  }
  return hypervolume_.second;
}

std::optional<size_t> Search::networks() const {
  constexpr int64_t kCountable = 20000;
  if (!only_.empty()) return only_.size();
  if (!listable(domain_, kCountable)) return std::nullopt;
  std::unordered_set<Architecture> networks;
  domain_.enumerate([&](const Architecture& a) {
    Architecture key = domain_.canonical(a);
    if (limits_->violation(key) == 0) networks.insert(std::move(key));
    return true;
  });
  return networks.size();
}

std::vector<MetricRow> Search::telemetry() const {
  const auto count = [&](const char* name, size_t n) {
    return MetricRow{generation_, name, static_cast<double>(n)};
  };
  return {{generation_, "hypervolume", current_hypervolume()},
          count("evaluations", archive_.evaluations()),
          count("feasible", archive_.feasible()),
          count("front", archive_.front().size()),
          count("saved", saved_),
          count("skipped", skipped_),
          count("failed", archive_.failures())};
}

}  // namespace nas
