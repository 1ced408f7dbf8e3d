// The loop of LINAS and its kin: measure, fit, choose, measure. Nothing is kept from generation to
// generation but numbers about how good predictions were: predictors are fitted anew on the
// archive, and all draws come from a stream named by the generation, so a resumed search is the
// same.
#include "search/algorithms/surrogate/surrogate_search.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "predictors/cross_validation.hpp"
#include "predictors/ranking/rank_metrics.hpp"
#include "search/algorithms/goal_tables.hpp"
#include "search/algorithms/state.hpp"
#include "search/exact/sums.hpp"

namespace nas {
namespace {

std::string number(double value, int digits = 4) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

/// The earlier run's best by this goal as far as its values tell, each network once.
std::vector<Architecture> best_of_warm(const SearchContext& context) {
  const Goal& goal = context.archive().goal();
  std::vector<ScoredPoint> points;
  for (const WarmRow& row : context.warm()) {
    auto values = row.values;
    for (const auto& [name, cost] :
         context.costs().of(context.domain().canonical(row.architecture)))
      values[name] = cost;
    ScoredPoint point{{}, total_violation(goal.constraints, values)};
    for (const Objective& o : goal.objectives) {
      const auto at = values.find(o.metric);
      if (at == values.end()) {
        point = {Point(goal.objectives.size(), 0), point.violation + kMissing};
        break;
      }
      point.objectives.push_back(o.sign() * at->second);
    }
    points.push_back(std::move(point));
  }
  std::vector<Architecture> best;
  for (const size_t i : standing_of(points).order()) best.push_back(context.warm()[i].architecture);
  return best;
}

}  // namespace

void SurrogateSearch::prepare(const SearchContext& context) {
  if (measured_metrics(context).empty())
    throw ConfigError(
        "search.algorithm: " + name_ +
            " predicts measured metrics, but all objectives and limits are free costs",
        "exact solves these without a single evaluation.");
  if (const std::string m = context.options().surrogate.predictor; m != "auto") predictor_info(m);
}

std::string SurrogateSearch::model(const SearchContext& context) const {
  return context.options().surrogate.predictor;
}

size_t SurrogateSearch::batch(const SearchContext& context) const {
  return static_cast<size_t>(context.population());
}

void SurrogateSearch::begin(SearchContext& context, Rng& rng, Proposals& first) {
  for (const Architecture& a : best_of_warm(context)) first.take(a);
  first.fill(rng);
}

void SurrogateSearch::step(SearchContext& context) {
  Rng rng(context.seed(), "search." + name_, static_cast<uint64_t>(context.generation()));
  if (!surrogate_) {
    surrogate_.emplace(context, form(), predicts_free());
    if (fences()) surrogate_->fence_losers();
    if (context.options().warm_transfer) surrogate_->transfer_from(context.warm());
  }
  if (context.archive().evaluations() == 0 || !surrogate_->fit(model(context))) {
    Proposals first(context, static_cast<size_t>(context.population()));
    begin(context, rng, first);
    context.evaluate(first.architectures());
    return;
  }
  Proposals next(context, batch(context));
  choose(context, rng, next);
  if (fills()) next.fill(rng);
  std::vector<Architecture> keys;
  for (const Architecture& a : next.architectures()) keys.push_back(context.key(a));
  Eigen::VectorXd told;
  if (const auto metric = watched(); metric && !keys.empty()) {
    told = surrogate_->guess(keys, false).mean[*metric];
    fit_error_ = surrogate_->fit_error(*metric);
  }
  context.evaluate(keys);
  if (told.size() > 0) look_back(context, keys, told);
}

std::optional<size_t> SurrogateSearch::watched() const {
  for (size_t k = 0; k < surrogate_->metrics().size(); ++k)
    if (!surrogate_->metrics()[k].free) return k;
  return std::nullopt;
}

void SurrogateSearch::look_back(const SearchContext& context,
                                const std::vector<Architecture>& asked,
                                const Eigen::VectorXd& told) {
  const std::string metric = surrogate_->metrics()[*watched()].name;
  std::vector<double> truth, guess;
  for (size_t i = 0; i < asked.size(); ++i) {
    const Archive::Entry* entry = context.archive().find(asked[i]);
    if (entry == nullptr) continue;
    const auto at = entry->values.find(metric);
    if (at == entry->values.end() || !std::isfinite(at->second)) continue;
    truth.push_back(at->second);
    guess.push_back(told[static_cast<Eigen::Index>(i)]);
  }
  if (truth.empty()) return;
  const auto n = static_cast<Eigen::Index>(truth.size());
  const Eigen::VectorXd t = Eigen::Map<const Eigen::VectorXd>(truth.data(), n);
  const Eigen::VectorXd g = Eigen::Map<const Eigen::VectorXd>(guess.data(), n);
  last_ = {static_cast<int64_t>(n), relative_errors(t, g).mean(), rmse(t, g), bias(t, g), 0};
  last_.tau = n > 1 ? kendall(guess, truth).tau_b() : std::nan("");
  foreseen_ += last_.networks;
  total_mape_ += last_.mape * static_cast<double>(n);
}

std::string SurrogateSearch::state_json() const {
  const double tau = std::isfinite(last_.tau) ? last_.tau : 2;  // JSON has no NaN
  return nlohmann::json{{"algorithm", name_},
                        {"last", {last_.networks, last_.mape, last_.rmse, last_.bias, tau}},
                        {"fit_error", fit_error_},
                        {"foreseen", foreseen_},
                        {"total_mape", total_mape_}}
      .dump();
}

void SurrogateSearch::restore(const Space&, const std::string& json) {
  read_state(name_, json, [&](const nlohmann::json& state) {
    const auto& last = state.at("last");
    Foresight f{last.at(0).get<int64_t>(),
                last.at(1).get<double>(),
                last.at(2).get<double>(),
                last.at(3).get<double>(),
                last.at(4).get<double>()};
    if (f.tau > 1.5) f.tau = std::nan("");  // 1 can be a rounding above itself
    fit_error_ = state.at("fit_error").get<double>();
    foreseen_ = state.at("foreseen").get<int64_t>();
    total_mape_ = state.at("total_mape").get<double>();
    last_ = f;
  });
}

std::string SurrogateSearch::report_json(const SearchContext& context) const {
  Surrogate surrogate(context, form(), predicts_free());
  if (context.options().warm_transfer) surrogate.transfer_from(context.warm());
  if (context.archive().evaluations() == 0 || !surrogate.fit(model(context))) return "";
  nlohmann::ordered_json report{{"algorithm", name_},
                                {"predictors", nlohmann::ordered_json::object()},
                                {"lines", nlohmann::ordered_json::array()}};
  for (size_t k = 0; k < surrogate.metrics().size(); ++k) {
    if (surrogate.metrics()[k].free) continue;
    const std::string model = surrogate.model_of(k);
    report["predictors"][surrogate.metrics()[k].name] = {{"model", model},
                                                         {"fit_rmse", surrogate.fit_error(k)}};
    report["lines"].push_back(name_ + ": " + surrogate.metrics()[k].name + " is predicted by " +
                              (model.empty() ? "a constant (all measured alike)" : model) +
                              ", error on what it learnt from " + number(surrogate.fit_error(k)));
  }
  if (foreseen_ > 0) {
    report["foresight"] = {{"networks", foreseen_},
                           {"mape", total_mape_ / static_cast<double>(foreseen_)},
                           {"last_rmse", last_.rmse},
                           {"last_bias", last_.bias}};
    if (std::isfinite(last_.tau)) report["foresight"]["last_tau_b"] = last_.tau;
    report["lines"].push_back("predictions against what was measured after them: mean error " +
                              number(total_mape_ / static_cast<double>(foreseen_), 3) + " % over " +
                              std::to_string(foreseen_) + "; last generation: bias " +
                              number(last_.bias, 3) + ", RMSE " + number(last_.rmse, 3) +
                              (std::isfinite(last_.tau) ? ", tau-b " + number(last_.tau, 3) : ""));
  }
  if (nlohmann::ordered_json optimum = surrogate_optimum(context, surrogate); !optimum.is_null()) {
    for (const auto& line : optimum["lines"]) report["lines"].push_back(line);
    optimum.erase("lines");
    report["surrogate_optimum"] = optimum;
  }
  return report.dump();
}

namespace {

/// All that a search keeps to: there is nothing to look for beside it.
InnerPool pool_of(const SearchContext& context, const Surrogate& surrogate, double optimism) {
  InnerPool pool;
  pool.networks.assign(context.only().begin(), context.only().end());
  pool.scores = surrogate.scores(pool.networks, optimism);
  pool.last =
      best_by_fronts(pool.scores, static_cast<size_t>(context.options().surrogate.population));
  return pool;
}

}  // namespace

InnerPool search_from_archive(const SearchContext& context,
                              const Surrogate& surrogate,
                              double optimism,
                              Rng& rng) {
  const SurrogateOptions& o = context.options().surrogate;
  if (!context.only().empty()) return pool_of(context, surrogate, optimism);
  const auto half = static_cast<size_t>(std::max(1, o.population / 2));
  return inner_search(
      context, surrogate, best_known(context, half), {o.population, o.generations, optimism}, rng);
}

// Where every prediction is a sum over choices, search/exact/ gives the whole front of the
// surrogate, or its optimum, with proof. What the inner search falls short of it is search error;
// the rest of a disappointment is the predictor's.
nlohmann::ordered_json surrogate_optimum(const SearchContext& context, const Surrogate& surrogate) {
  if (!surrogate.additive()) return nullptr;
  const Goal& goal = context.archive().goal();
  std::vector<Architecture> proved;
  try {
    const exact::Terms terms = tables_for("surrogate", context.domain(), surrogate.functions());
    for (const exact::Solution& s : solve("surrogate",
                                          terms,
                                          aims_of(goal.objectives, terms),
                                          exact::limits_of(goal.constraints, terms)))
      proved.push_back(context.domain().canonical(s.architecture));
  } catch (const ConfigError&) {
    return nullptr;
  }
  if (proved.empty()) return nullptr;
  Rng rng(context.seed(), "search.surrogate-optimum");
  const InnerPool pool = search_from_archive(context, surrogate, 0, rng);
  std::vector<Point> best, found;
  for (const ScoredPoint& p : surrogate.scores(proved)) best.push_back(p.objectives);
  for (const ScoredPoint& p : pool.scores)
    if (p.violation == 0) found.push_back(p.objectives);
  nlohmann::ordered_json json{{"proved", true}, {"networks", proved.size()}};
  if (goal.objectives.size() == 1) {
    const double sign = goal.objectives[0].sign();
    const auto least = [](const std::vector<Point>& points) {
      double value = std::numeric_limits<double>::infinity();
      for (const Point& p : points) value = std::min(value, p[0]);
      return value;
    };
    json["value"] = sign * least(best);
    if (!found.empty()) json["inner_search"] = sign * least(found);
    json["lines"].push_back(
        "the surrogate's exact optimum (proved): " + goal.objectives[0].metric + " " +
        number(sign * least(best), 6) + " for " + context.space().text(proved.front()) +
        (found.empty() ? "; the inner search finds nothing inside the limits"
                       : "; the inner search finds " + number(sign * least(found), 6)));
    return json;
  }
  std::vector<Point> all = best;
  all.insert(all.end(), found.begin(), found.end());
  const Point reference = derived_reference(all);
  const double whole = hypervolume(best, reference);
  const double share = whole > 0 ? hypervolume(found, reference) / whole : 1;
  json["hypervolume_share_of_inner_search"] = share;
  json["lines"].push_back("the surrogate's exact front (proved): " + std::to_string(proved.size()) +
                          " networks; the inner search reaches " + number(100 * share, 5) +
                          " % of its hypervolume; what else is missing is the predictor's error");
  return json;
}

}  // namespace nas
