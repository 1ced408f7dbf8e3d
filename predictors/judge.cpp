#include "predictors/judge.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <set>

#include "predictors/cross_validation.hpp"
#include "predictors/ranking/rank_metrics.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

std::span<const double> span_of(const VectorXd& v) {
  return {v.data(), static_cast<size_t>(v.size())};
}

double tau_within_groups(const VectorXd& truth, const VectorXd& guess, const VectorXd& groups) {
  const std::set<double> values(groups.begin(), groups.end());
  int64_t more = 0, less = 0;
  for (const double value : values) {
    std::vector<double> t, g;
    for (Index i = 0; i < truth.size(); ++i) {
      if (groups[i] != value) continue;
      t.push_back(truth[i]);
      g.push_back(guess[i]);
    }
    const KendallCounts counts = kendall(g, t);
    more += counts.concordant;
    less += counts.discordant;
  }
  return more + less == 0 ? NAN
                          : static_cast<double>(more - less) / static_cast<double>(more + less);
}

std::vector<int> numbers(Index n) {
  std::vector<int> list(static_cast<size_t>(n));
  std::iota(list.begin(), list.end(), 0);
  return list;
}

TrainTest split_by(Index n, const std::function<int(int)>& part) {
  TrainTest split;
  for (const int i : numbers(n)) {
    const int where = part(i);  // 0 train, 1 test, else neither.
    if (where == 0) split.train.push_back(i);
    if (where == 1) split.test.push_back(i);
  }
  return split;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

}  // namespace

PredictorRows PredictorRows::at(std::span<const int> rows) const {
  const std::vector<int> list(rows.begin(), rows.end());
  return {
      features, x(list, Eigen::all), y(list), groups.size() == 0 ? groups : VectorXd(groups(list))};
}

Errors errors_of(const PredictorRows& test, const Prediction& predicted) {
  Errors e;
  e.n = test.size();
  e.mape = mape(test.y, predicted.mean);
  e.rmse = rmse(test.y, predicted.mean);
  e.bias = bias(test.y, predicted.mean);
  const KendallCounts counts = kendall(span_of(predicted.mean), span_of(test.y));
  e.tau_b = counts.tau_b();
  e.tau_a = counts.tau_a();
  e.tau_within =
      test.groups.size() == 0 ? NAN : tau_within_groups(test.y, predicted.mean, test.groups);
  Index inside = 0;
  for (Index i = 0; i < e.n; ++i)
    inside += std::abs(test.y[i] - predicted.mean[i]) <= 2 * predicted.spread[i];
  const bool known = e.n > 0 && predicted.spread.array().isFinite().all();
  e.coverage = known ? static_cast<double>(inside) / static_cast<double>(e.n) : NAN;
  return e;
}

std::vector<std::pair<std::string, double>> named(const Errors& e) {
  return {{"mape", e.mape},
          {"rmse", e.rmse},
          {"tau_b", e.tau_b},
          {"tau_a", e.tau_a},
          {"tau_within", e.tau_within},
          {"bias", e.bias},
          {"coverage", e.coverage}};
}

std::unique_ptr<Predictor> fit_predictor(const std::string& model,
                                         const PredictorRows& rows,
                                         const FitOptions& options) {
  constexpr Index kFewRows = 75;
  std::vector<std::string> tried{model};
  if (model == "auto")
    tried = rows.size() < kFewRows ? std::vector<std::string>{"ridge"}
                                   : std::vector<std::string>{"ridge", "svr", "gp"};
  if (model == "auto" && !options.fixed.empty())
    throw ConfigError("parameters belong to one model; with model auto there are none to give",
                      "Name the model.");
  std::unique_ptr<Predictor> best;
  for (const std::string& name : tried) {
    auto p = make_predictor(name);
    p->fit(rows.features, rows.x, rows.y, options);
    if (best == nullptr || p->cv_mape() < best->cv_mape()) best = std::move(p);
  }
  return best;
}

TrainTest hashed_split(Index n, Index train, uint64_t s) {
  std::vector<int> order = numbers(n);
  const auto key = [s](int i) { return splitmix64(1000003 * s + static_cast<uint64_t>(i)); };
  std::sort(order.begin(), order.end(), [&](int a, int b) { return key(a) < key(b); });
  const auto middle = order.begin() + std::min(n, train);
  return {{order.begin(), middle}, {middle, order.end()}};
}

TrainTest mod10_split(Index n) {
  return split_by(n, [](int i) { return i % 10 == 9 ? 1 : i % 10 == 8 ? 2 : 0; });
}

TrainTest order_split(Index n) {
  const auto train = static_cast<int>(n * 8 / 10), test = static_cast<int>(n - n / 10);
  return split_by(n, [&](int i) { return i < train ? 0 : i >= test ? 1 : 2; });
}

TrainTest fold_split(Index n, int folds, int k) {
  return split_by(n, [&](int i) { return i % folds == k ? 1 : 0; });
}

std::pair<double, double> Repeated::of(const std::string& number) const {
  double sum = 0, squares = 0;
  for (const Errors& errors : each)
    for (const auto& [name, value] : named(errors))
      if (name == number) {
        sum += value;
        squares += value * value;
      }
  const auto n = static_cast<double>(each.size());
  // Rounding may leave less than nothing; a number that is not defined has no deviation.
  const double variance = squares / n - sum * sum / (n * n);
  return {sum / n, variance < 0 ? 0 : std::sqrt(variance)};
}

Repeated judge(const std::string& model,
               const PredictorRows& rows,
               const std::vector<TrainTest>& splits,
               const FitOptions& options,
               const std::function<void()>& progress) {
  using Clock = std::chrono::steady_clock;
  Repeated result;
  for (const TrainTest& split : splits) {
    const PredictorRows train = rows.at(split.train), test = rows.at(split.test);
    const auto begin = Clock::now();
    const auto p = fit_predictor(model, train, options);
    result.fit_seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    result.each.push_back(errors_of(test, p->predict(test.x)));
    if (result.model.empty()) {
      result.model = p->name();
      result.train = train.size();
    }
    if (progress) progress();
  }
  return result;
}

Verdict enough_samples(const std::vector<Repeated>& curve, double constant) {
  constexpr double kEnough = 0.05, kUseful = 0.9;
  Verdict v;
  if (curve.size() < 2) {
    v.text = "One size of the training set tells nothing about more rows.";
    return v;
  }
  const Repeated &last = curve.back(), &before = curve[curve.size() - 2];
  const double now = last.of("rmse").first, then = before.of("rmse").first;
  const double doublings =
      std::log2(static_cast<double>(last.train) / static_cast<double>(before.train));
  v.known = doublings > 0 && then > 0 && now >= 0;
  if (!v.known) {
    v.text = "The sizes of the training set tell nothing about more rows.";
    return v;
  }
  v.gain = 1 - std::pow(now / then, 1 / doublings);
  v.next = now * (1 - v.gain);
  v.useful = now < kUseful * constant;
  v.enough = v.useful && v.gain < kEnough;
  const std::string n = std::to_string(last.train);
  if (!v.useful)
    v.text = "Not enough samples: with " + n +
             " rows the error is hardly below that of predicting their mean.";
  else if (v.enough)
    v.text = "Enough samples: twice as many rows lower the RMSE by " +
             percent(std::max(0.0, v.gain)) + " only, at " + n + ".";
  else
    v.text = "More samples would help: at " + n + " rows, twice as many lower the RMSE by about " +
             percent(v.gain) + ".";
  return v;
}

}  // namespace nas
