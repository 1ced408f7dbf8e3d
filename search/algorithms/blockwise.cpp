// Blockwise search, as Puzzle does it (arXiv 2411.19146; search.md 11), in a space instead of a
// library of trained blocks: each option of each choice replaces that of a reference, alone, and is
// judged truly. What it changes is its score. The sum of scores is a surrogate that adds up, so
// that the best within the limits is not searched but solved, together with the free costs, by the
// tables of search/exact/. A pool of its best is judged truly, and how well the sum foretold them
// is reported: the metric need not be additive. Homogeneous architectures, the same option in every
// layer, are judged as controls.
//
// A choice that is closed in the reference is judged where it is open: its conditions are met by
// what opens it, and other choices that this opens stand at their last option.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "predictors/ranking/rank_metrics.hpp"
#include "search/algorithms/goal_tables.hpp"
#include "search/exact/sums.hpp"
#include "spaces/counting/space_tables.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;

/// One option in place of another.
struct Replacement {
  size_t choice = 0;
  int16_t option = 0;
  Architecture base, with;
};

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %%", 100 * share);
  return text;
}

/// To ten digits: sums that are equal but for rounding are ties.
double rounded(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", v);
  return std::strtod(text, nullptr);
}

class Blockwise : public SearchAlgorithm {
 public:
  void prepare(const SearchContext& context) override {
    if (measured_metrics(context).empty())
      throw ConfigError(
          "search.algorithm: blockwise judges single options, but all objectives and "
          "limits are free costs",
          "exact solves these without a single evaluation.");
    plan_replacements(context);
    // Told before the first evaluation: what cannot be solved, and a budget that cannot do.
    const std::vector<std::string> free = free_metrics(context);
    if (!free.empty()) tables_for("blockwise", context.domain(), costs(context, free));
    std::set<Architecture> networks;
    for (const Architecture& a : wanted(context)) networks.insert(context.domain().canonical(a));
    if (networks.size() >= context.budget_left())
      throw ConfigError("search.evaluations: blockwise judges " + std::to_string(networks.size()) +
                            " networks before it can solve anything; the budget pays for " +
                            std::to_string(context.budget_left()),
                        "Raise search.evaluations to at least " +
                            std::to_string(networks.size() +
                                           static_cast<size_t>(context.options().blockwise.pool)) +
                            ", or fix more choices.");
  }

  void step(SearchContext& context) override {
    if (phase_ == 0) {
      context.evaluate(wanted(context));
      if (value(context, reference_, measured_metrics(context).front()) == std::nullopt)
        throw DataError("blockwise: the reference " + context.space().text(reference_) +
                        " could not be judged, so nothing can be compared with it");
      phase_ = 1;
    } else if (phase_ == 1) {
      solve_pool(context);
      context.evaluate(pool_);
      phase_ = context.options().blockwise.controls ? 2 : 3;
    } else {
      controls_ = homogeneous(context);
      context.evaluate(controls_);
      phase_ = 3;
    }
    if (phase_ == 3) context.finish("the pool was judged");
  }

  std::string report_json(const SearchContext& context) const override {
    Json report{{"algorithm", "blockwise"},
                {"reference", context.space().text(reference_)},
                {"replacements", replacements_.size()},
                {"left_out", left_out(context)},
                {"pool", pool_.size()},
                {"controls", controls_.size()},
                {"proved_optimal_for_the_sum", proven_},
                {"additivity", Json::object()},
                {"lines", Json::array()}};
    const size_t lost = left_out(context);
    report["lines"].push_back(
        "blockwise: " + std::to_string(replacements_.size()) +
        " options replaced, one at a time, in " + context.space().text(reference_) + "; the " +
        std::to_string(pool_.size()) + " best by their sum were judged truly" +
        (proven_ ? " (proved optimal for the sum)" : ""));
    if (lost > 0)
      report["lines"].push_back(std::to_string(lost) +
                                " options could not be judged alone and were left out");
    if (relaxed_)
      report["lines"].push_back(
          "no architecture meets all limits by the sums: those on measured metrics were left "
          "aside");
    for (const std::string& metric : measured_metrics(context)) {
      Json& about = report["additivity"][metric];
      for (const auto& [name, list] : {std::pair{"pool", &pool_}, {"controls", &controls_}}) {
        if (list->empty()) continue;
        about[name] = additivity(context, metric, *list);
        const Json& told = about[name];
        report["lines"].push_back(
            metric + " of the " + name + ": sums against measured tau-b " +
            (told["tau_b"].is_null() ? "-" : told["tau_b"].dump().substr(0, 6)) + ", mean error " +
            (told["mape"].is_null() ? "-" : percent(told["mape"].get<double>())) + ", over " +
            told["architectures"].dump());
      }
    }
    return report.dump();
  }

  std::string state_json() const override {
    Json state{{"algorithm", "blockwise"},
               {"phase", phase_},
               {"proven", proven_},
               {"relaxed", relaxed_},
               {"pool", Json::array()},
               {"controls", Json::array()}};
    for (const Architecture& a : pool_) state["pool"].push_back(a.genes);
    for (const Architecture& a : controls_) state["controls"].push_back(a.genes);
    return state.dump();
  }

  void restore(const Space& space, const std::string& json) override {
    try {
      const auto state = Json::parse(json);
      if (state.at("algorithm") != "blockwise") throw DataError("it is one of another algorithm");
      const auto read = [&](const char* key) {
        std::vector<Architecture> list;
        for (const auto& genes : state.at(key)) {
          Architecture a{genes.get<std::vector<int16_t>>()};
          std::string why;
          if (!space.valid(a, &why)) throw DataError(why);
          list.push_back(std::move(a));
        }
        return list;
      };
      pool_ = read("pool");
      controls_ = read("controls");
      phase_ = state.at("phase").get<int>();
      proven_ = state.at("proven").get<bool>();
      relaxed_ = state.at("relaxed").get<bool>();
    } catch (const std::exception& e) {
      throw DataError(std::string("the stored state is not one of blockwise on this space: ") +
                      e.what());
    }
  }

 private:
  static std::vector<exact::MetricFunction> costs(const SearchContext& context,
                                                  const std::vector<std::string>& names) {
    return exact::metrics_of(context.costs(), names, &context.domain());
  }

  void plan_replacements(const SearchContext& context) {
    const Domain& domain = context.domain();
    const std::string& named = context.options().blockwise.reference;
    if (named == "largest")
      reference_ = domain.largest();
    else if (named == "smallest")
      reference_ = domain.smallest();
    else
      reference_ = context.space().fix_inactive(context.space().parse(named));
    std::string why;
    if (!domain.contains(reference_, &why))
      throw ConfigError("search.blockwise.reference: " + context.space().text(reference_) +
                        " is not among the architectures that are searched: " + why);
    replacements_.clear();
    missing_.clear();
    for (size_t c = 0; c < context.space().choices().size(); ++c) {
      if (domain.option_count(c) < 2) continue;
      const std::optional<Architecture> base = opened(context, c);
      for (const int16_t option : domain.options(c)) {
        if (base && base->genes[c] == option) continue;
        Architecture with;
        if (base) {
          with = *base;
          with.genes[c] = option;
          with = settled(context, *base, std::move(with));
        }
        if (base && domain.contains(with))
          replacements_.push_back({c, option, *base, std::move(with)});
        else if (!base || context.space().active(*base, c))
          missing_.emplace_back(c, option);
      }
    }
  }

  /// What a change opens stands at its last option.
  static Architecture settled(const SearchContext& context,
                              const Architecture& before,
                              Architecture a) {
    const std::vector<Choice>& choices = context.space().choices();
    const std::vector<char> was = active_choices(choices, before);
    for (size_t c = 0; c < a.genes.size(); ++c)
      if (was[c] == 0 && a.genes[c] == before.genes[c])
        a.genes[c] = context.domain().option(c, context.domain().option_count(c) - 1);
    return context.space().fix_inactive(std::move(a));
  }

  /// The reference, or the nearest to it in which the choice is open.
  std::optional<Architecture> opened(const SearchContext& context, size_t choice) const {
    const Domain& domain = context.domain();
    const Space& space = context.space();
    if (space.active(reference_, choice)) return reference_;
    Demands demands(space.choices());
    if (!demands.wake(choice)) return std::nullopt;
    const std::vector<char> was = active_choices(space.choices(), reference_);
    Architecture a = reference_;
    for (size_t c = 0; c < a.genes.size(); ++c) {
      const std::vector<int16_t> options = domain.options(c);
      if (was[c] == 0) a.genes[c] = options.back();
      if (c == choice || !demands.awake(c)) continue;
      const auto fits = [&](int16_t o) { return demands.allows(c, static_cast<size_t>(o)); };
      if (fits(a.genes[c])) continue;
      const auto last = std::find_if(options.rbegin(), options.rend(), fits);
      if (last == options.rend()) return std::nullopt;
      a.genes[c] = *last;
    }
    a = space.fix_inactive(std::move(a));
    if (!domain.contains(a) || !space.active(a, choice)) return std::nullopt;
    return a;
  }

  std::vector<Architecture> wanted(const SearchContext&) const {
    std::vector<Architecture> list{reference_};
    for (const Replacement& r : replacements_) {
      list.push_back(r.base);
      list.push_back(r.with);
    }
    return list;
  }

  static std::optional<double> value(const SearchContext& context,
                                     const Architecture& a,
                                     const std::string& metric) {
    const Archive::Entry* entry = context.archive().find(context.domain().canonical(a));
    if (entry == nullptr) return std::nullopt;
    const auto at = entry->values.find(metric);
    if (at == entry->values.end() || !std::isfinite(at->second)) return std::nullopt;
    return at->second;
  }

  /// Options that have no score for some metric: they failed, or no valid network has them alone.
  std::vector<std::pair<size_t, int16_t>> unjudged(const SearchContext& context) const {
    std::vector<std::pair<size_t, int16_t>> list = missing_;
    for (const Replacement& r : replacements_)
      for (const std::string& metric : measured_metrics(context))
        if (!value(context, r.base, metric) || !value(context, r.with, metric)) {
          list.emplace_back(r.choice, r.option);
          break;
        }
    return list;
  }
  size_t left_out(const SearchContext& context) const {
    return phase_ == 0 ? missing_.size() : unjudged(context).size();
  }

  /// The sum of scores, and the reference's own value.
  exact::MetricFunction surrogate(const SearchContext& context, const std::string& metric) const {
    const std::vector<Choice>& choices = context.space().choices();
    std::vector<std::vector<double>> scores;
    for (const Choice& choice : choices) scores.emplace_back(choice.options.size(), 0.0);
    for (const Replacement& r : replacements_) {
      const auto with = value(context, r.with, metric), base = value(context, r.base, metric);
      if (with && base) scores[r.choice][static_cast<size_t>(r.option)] = *with - *base;
    }
    const double start = value(context, reference_, metric).value_or(0);
    return {metric, [&choices, scores, start](const Architecture& a) {
              const std::vector<char> active = active_choices(choices, a);
              double sum = start;
              for (size_t c = 0; c < scores.size(); ++c)
                if (active[c] != 0) sum += scores[c][static_cast<size_t>(a.genes[c])];
              return sum;
            }};
  }

  /// The domain without what could not be judged.
  Domain judged_domain(const SearchContext& context) const {
    const Domain& domain = context.domain();
    const auto lost = unjudged(context);
    if (lost.empty()) return domain;
    Restriction restriction = domain.whole() ? Restriction(domain.space()) : domain.restriction();
    for (size_t c = 0; c < domain.space().choices().size(); ++c) {
      std::vector<int16_t> kept;
      for (const int16_t o : domain.options(c))
        if (std::find(lost.begin(), lost.end(), std::pair(c, o)) == lost.end()) kept.push_back(o);
      if (kept.empty())
        throw DataError("blockwise: no option of " + domain.space().choices()[c].name +
                        " could be judged");
      if (kept.size() < domain.option_count(c)) restriction = restriction.keep(c, kept);
    }
    return {domain.space(), restriction};
  }

  void solve_pool(const SearchContext& context) {
    const Goal& goal = context.archive().goal();
    const BlockwiseOptions& options = context.options().blockwise;
    std::vector<exact::MetricFunction> metrics = costs(context, free_metrics(context));
    for (const std::string& metric : measured_metrics(context))
      metrics.push_back(surrogate(context, metric));
    const Domain domain = judged_domain(context);
    const exact::Terms terms = tables_for("blockwise", domain, metrics);
    const std::vector<exact::Aim> aims = aims_of(goal.objectives, terms);
    std::vector<exact::Limit> limits = exact::limits_of(goal.constraints, terms);
    const auto find = [&] {
      std::vector<exact::Solution> found = solve("blockwise", terms, aims, limits);
      proven_ = true;
      if (aims.size() > 1 || found.empty()) return found;
      exact::Pool pool = exact::pool(terms,
                                     aims.front(),
                                     limits,
                                     static_cast<size_t>(options.pool),
                                     static_cast<size_t>(options.distance));
      return std::move(pool.solutions);
    };
    std::vector<exact::Solution> found = find();
    if (found.empty()) {
      std::vector<Constraint> free;
      for (const Constraint& c : goal.constraints)
        if (context.costs().knows(c.metric)) free.push_back(c);
      relaxed_ = free.size() < goal.constraints.size();
      limits = exact::limits_of(free, terms);
      found = find();
    }
    pool_.clear();
    for (const exact::Solution& solution : spread(context, found))
      pool_.push_back(solution.architecture);
  }

  /// At most `pool` of a front, evenly along it with both ends, that keep their distance.
  static std::vector<exact::Solution> spread(const SearchContext& context,
                                             const std::vector<exact::Solution>& front) {
    const auto most =
        std::min(static_cast<size_t>(context.options().blockwise.pool), context.budget_left());
    const Space& space = context.space();
    const auto distance = [&](const Architecture& x, const Architecture& y) {
      int differ = 0;
      for (size_t c = 0; c < x.genes.size(); ++c)
        differ += x.genes[c] != y.genes[c] || space.active(x, c) != space.active(y, c) ? 1 : 0;
      return differ;
    };
    std::vector<exact::Solution> apart;
    for (const exact::Solution& solution : front)
      if (std::all_of(apart.begin(), apart.end(), [&](const exact::Solution& other) {
            return distance(solution.architecture, other.architecture) >=
                   context.options().blockwise.distance;
          }))
        apart.push_back(solution);
    if (apart.size() <= most || most < 2) {
      apart.resize(std::min(apart.size(), most));
      return apart;
    }
    std::vector<exact::Solution> even;
    for (size_t i = 0; i < most; ++i) even.push_back(apart[i * (apart.size() - 1) / (most - 1)]);
    return even;
  }

  /// The same option in every layer: choices with equal lists of options move together.
  std::vector<Architecture> homogeneous(const SearchContext& context) const {
    constexpr size_t kMost = 4096;
    const Domain& domain = context.domain();
    std::map<std::pair<std::string, std::vector<std::string>>, std::vector<size_t>> classes;
    for (size_t c = 0; c < context.space().choices().size(); ++c) {
      const Choice& choice = context.space().choices()[c];
      if (domain.option_count(c) < 2) continue;
      const size_t dot = choice.name.rfind('.');
      std::vector<std::string> options;
      for (const int16_t o : domain.options(c))
        options.push_back(choice.options[static_cast<size_t>(o)]);
      classes[{dot == std::string::npos ? "" : choice.name.substr(dot), options}].push_back(c);
    }
    size_t all = 1;
    for (const auto& [name, members] : classes)
      all = std::min(kMost, all * domain.option_count(members.front()));
    std::vector<Constraint> free;
    for (const Constraint& c : context.archive().goal().constraints)
      if (context.costs().knows(c.metric)) free.push_back(c);
    std::vector<Architecture> inside;
    for (size_t number = 0; number < all; ++number) {
      Architecture a = reference_;
      size_t rest = number;
      for (const auto& [name, members] : classes) {
        const size_t options = domain.option_count(members.front());
        for (const size_t c : members) a.genes[c] = domain.option(c, rest % options);
        rest /= options;
      }
      a = context.space().fix_inactive(std::move(a));
      if (domain.contains(a) &&
          total_violation(free, context.costs().of(domain.canonical(a))) == 0 &&
          std::find(inside.begin(), inside.end(), a) == inside.end())
        inside.push_back(std::move(a));
    }
    const auto most = std::min({static_cast<size_t>(context.options().blockwise.pool),
                                inside.size(),
                                context.budget_left()});
    std::vector<Architecture> even;
    for (size_t i = 0; i < most; ++i)
      even.push_back(inside[most == 1 ? 0 : i * (inside.size() - 1) / (most - 1)]);
    return even;
  }

  Json additivity(const SearchContext& context,
                  const std::string& metric,
                  const std::vector<Architecture>& list) const {
    const exact::MetricFunction sum = surrogate(context, metric);
    std::vector<double> told, measured;
    double error = 0;
    for (const Architecture& a : list) {
      const std::optional<double> truth = value(context, a, metric);
      if (!truth) continue;
      told.push_back(rounded(sum.value(a)));
      measured.push_back(rounded(*truth));
      error += std::abs(told.back() - measured.back()) / std::abs(*truth);
    }
    const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
    const auto n = static_cast<double>(told.size());
    return {{"architectures", told.size()},
            {"tau_b", number(told.size() > 1 ? kendall(told, measured).tau_b() : std::nan(""))},
            {"mape", number(n > 0 ? error / n : std::nan(""))}};
  }

  Architecture reference_;
  std::vector<Replacement> replacements_;
  std::vector<std::pair<size_t, int16_t>> missing_;
  int phase_ = 0;  ///< 0: nothing is judged; 1: replacements are; 2: the pool is; 3: all.
  bool proven_ = false, relaxed_ = false;
  std::vector<Architecture> pool_, controls_;
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_blockwise() {
  return std::make_unique<Blockwise>();
}

}  // namespace nas
