// Intervals by the percentile bootstrap over architectures. The draws are the same for every
// statistic and ranker, so that differences between two rankers are paired (panda.md 8).
#include "cli/report/ranking.hpp"

#include <cmath>
#include <functional>

#include "cli/report/document.hpp"
#include "predictors/ranking/rank_metrics.hpp"
#include "predictors/ranking/resampled.hpp"
#include "spaces/base/stop.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using List = std::vector<double>;

struct Statistic {
  std::string key;
  std::function<double(const Resampled&)> of;
  std::vector<double> values;  ///< Of each draw.
};

void stop_between_draws() {
  if (stop_requested())
    throw Interrupted(
        "stopped; the values of supernets are stored: the same command "
        "computes the intervals from them");
}

/// `10` or `5%` of n, rounded up.
size_t top_size(const std::string& text, size_t n) {
  const double value = std::stod(text);
  const double size = text.back() == '%' ? value / 100 * static_cast<double>(n) : value;
  return static_cast<size_t>(std::ceil(size - 1e-9));
}

}  // namespace

Json Ranking::row(const std::string& name, const List& predicted) const {
  Resampled pair(predicted, truth_);
  const KendallCounts counts = pair.kendall();
  std::vector<Statistic> statistics = {
      {"tau_b_interval", [](const Resampled& r) { return r.kendall().tau_b(); }, {}},
      {"spearman_interval", [](const Resampled& r) { return r.spearman(); }, {}}};
  Json json{{"ranker", name},
            {"n", truth_.size()},
            {"tau_b", json_number(counts.tau_b())},
            {"tau_b_interval", nullptr},
            {"spearman", json_number(spearman(predicted, truth_))},
            {"spearman_interval", nullptr},
            {"ties",
             {{"predicted", counts.ties_x}, {"truth", counts.ties_y}, {"both", counts.ties_both}}}};
  for (const std::string& text : o_.top) {
    const size_t k = top_size(text, truth_.size());
    // A ranker that calls all equal has no best ones.
    if (k > truth_.size() || std::isnan(counts.tau_b())) continue;
    const std::string at = "_at_" + text;
    json["precision" + at] = json_number(precision_at(predicted, truth_, k));
    json["precision" + at + "_interval"] = nullptr;
    json["best_rank" + at] = json_number(best_rank_at(predicted, truth_, k));
    json["regret" + at] = json_number(regret_at(predicted, truth_, k));
    json["regret" + at + "_interval"] = nullptr;
    statistics.push_back({"precision" + at + "_interval",
                          [k](const Resampled& r) { return r.precision_at(k); },
                          {}});
    statistics.push_back(
        {"regret" + at + "_interval", [k](const Resampled& r) { return r.regret_at(k); }, {}});
  }
  Draws draws(truth_.size(), Rng(o_.seed, "rank/bootstrap"));
  for (int d = 0; d < o_.bootstrap; ++d) {
    stop_between_draws();
    pair.take(draws.next());
    for (Statistic& s : statistics) s.values.push_back(s.of(pair));
  }
  for (Statistic& s : statistics) {
    const Interval i = central(std::move(s.values), o_.level);
    json[s.key] = Json{json_number(i.low), json_number(i.high)};
  }
  return json;
}

Json Ranking::difference(const std::string& name_a,
                         const List& a,
                         const std::string& name_b,
                         const List& b) const {
  Resampled of_a(a, truth_), of_b(b, truth_);
  const double observed = of_b.kendall().tau_b() - of_a.kendall().tau_b();
  double sum = 0, squares = 0;
  int n = 0;
  std::vector<double> values;
  Draws draws(truth_.size(), Rng(o_.seed, "rank/difference"));
  for (int draw = 0; draw < o_.bootstrap; ++draw) {
    stop_between_draws();
    const auto counts = draws.next();
    of_a.take(counts);
    of_b.take(counts);
    const double d = of_b.kendall().tau_b() - of_a.kendall().tau_b();
    values.push_back(d);
    if (std::isnan(d)) continue;
    sum += d;
    squares += d * d;
    ++n;
  }
  const Interval i = central(std::move(values), o_.level);
  const double deviation =
      n > 1 ? std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1))) : NAN;
  // The deviation falls with the root of n; a difference is told when it is two of them.
  Json needed = Json::object();
  for (const double d : {0.02, 0.05, 0.1, 0.2})
    needed[format_number(d)] = deviation > 0
                                   ? json_number(std::ceil(static_cast<double>(truth_.size()) *
                                                           std::pow(2 * deviation / d, 2)))
                                   : Json(nullptr);
  return {{"from", name_a},
          {"to", name_b},
          {"tau_b_difference", json_number(observed)},
          {"interval", {json_number(i.low), json_number(i.high)}},
          {"bootstrap_deviation", json_number(deviation)},
          {"architectures_needed", needed}};
}

Json differences(const Ranking& ranking,
                 const std::vector<std::pair<std::string, List>>& rankers,
                 const Json& rows,
                 size_t supernets) {
  Json list = Json::array();
  const auto add = [&](size_t from, size_t to) {
    list.push_back(ranking.difference(
        rankers[from].first, rankers[from].second, rankers[to].first, rankers[to].second));
  };
  size_t strongest = supernets;
  const auto tau = [&](size_t i) {
    return rows[i]["tau_b"].is_number() ? rows[i]["tau_b"].get<double>() : -2;
  };
  for (size_t i = supernets; i < rankers.size(); ++i)
    if (tau(i) > tau(strongest)) strongest = i;
  for (size_t i = 0; i < supernets; ++i) {
    add(supernets, i);
    if (strongest != supernets) add(strongest, i);
  }
  for (size_t i = 1; i < supernets; ++i) add(0, i);
  return list;
}

}  // namespace nas::cli
