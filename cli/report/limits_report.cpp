#include "cli/report/limits_report.hpp"

#include <algorithm>
#include <cmath>

#include "cli/report/document.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) {
  return format_number(100 * share, 4);
}

std::string limits_list(const SpaceLimits& answer) {
  std::string text;
  for (const Constraint& limit : answer.limits)
    text += (text.empty() ? "" : ", ") + to_string(limit);
  return text;
}

std::string share_text(const SpaceLimits& answer, const BigInt& all) {
  const double low = answer.share.low, high = answer.share.high;
  if (answer.count)
    return answer.count->str() + " of " + all.str() + " architectures (" +
           percent(answer.share.low) + " %)";
  std::string text;
  if (high == 0)
    text = "0 %";
  else if (percent(low) == percent(high))
    text = percent(low) + " %";
  else if (low == 0)
    text = "at most " + percent(high) + " %";
  else
    text = percent(low) + " to " + percent(high) + " %";
  text += " of " + all.str() + " architectures";
  if (answer.estimated)
    text += ", estimated from " + std::to_string(answer.draws) + " random ones (" +
            answer.why_estimated + ")";
  return text;
}

Json point(const SpaceLimits& answer, const CostModel& costs, const Architecture& a) {
  Json values = Json::object();
  const auto all = costs.of(a);
  for (const Constraint& limit : answer.limits) values[limit.metric] = all.at(limit.metric);
  return {{"architecture", costs.space().text(a)}, {"values", values}};
}

}  // namespace

std::string limits_text(const SpaceLimits& answer,
                        const CostModel& costs,
                        const Domain& domain,
                        bool histogram) {
  std::string text;
  for (const SpaceLimits::Spread& spread : answer.spreads)
    text += spread.metric + ": from " + format_number(spread.least, 10) + " (" +
            costs.space().text(spread.least_at) + ")\n  to " + format_number(spread.most, 10) +
            " (" + costs.space().text(spread.most_at) + ")\n";
  if (histogram)
    for (const SpaceLimits::Spread& spread : answer.spreads) {
      Table table({spread.metric + " up to", "share %", ""});
      double most = 0;
      for (const exact::Share& share : spread.shares) most = std::max(most, share.middle());
      for (size_t i = 0; i < spread.shares.size(); ++i)
        table.row(
            {format_number(spread.edges[i + 1], 6),
             percent(spread.shares[i].middle()),
             std::string(static_cast<size_t>(std::lround(40 * spread.shares[i].middle() / most)),
                         '#')});
      text += "\n" + table.text() + "\n";
    }
  if (!answer.reach.witness) return text + out_of_reach(answer.reach, costs, answer.limits, domain);
  text += limits_list(answer) + ": " + share_text(answer, domain.count());
  if (!answer.why_no_count.empty() && !answer.count)
    text += "\nno exact count: " + answer.why_no_count;
  const auto values = costs.of(*answer.reach.witness);
  std::string told;
  for (const Constraint& limit : answer.limits) {
    const std::string one = limit.metric + " " + format_number(values.at(limit.metric), 10);
    if (told.find(one) == std::string::npos) told += (told.empty() ? "" : ", ") + one;
  }
  return text + "\none of them: " + costs.space().text(*answer.reach.witness) + " (" + told + ")";
}

void put_limits(Json& document,
                const SpaceLimits& answer,
                const CostModel& costs,
                const Domain& domain) {
  document["architectures"] = domain.count().str();
  for (const Constraint& limit : answer.limits) document["limits"].push_back(to_string(limit));
  document["feasible"] = answer.reach.witness.has_value();
  document["exact"] = answer.reach.exact;
  document["share"] = {
      {"low", answer.share.low}, {"high", answer.share.high}, {"estimated", answer.estimated}};
  if (answer.estimated) document["share"]["draws"] = answer.draws;
  document["count"] = answer.count ? Json(answer.count->str()) : Json(nullptr);
  if (!answer.count && !answer.why_no_count.empty()) document["no_count"] = answer.why_no_count;
  if (answer.reach.witness) {
    document["example"] = point(answer, costs, *answer.reach.witness);
  } else {
    Json nearest = Json::array();
    for (size_t i = 0; i < answer.limits.size(); ++i) {
      const Reach::Nearest& near = answer.reach.each[i];
      nearest.push_back({{"limit", to_string(answer.limits[i])},
                         {"value", near.values.at(answer.limits[i].metric)},
                         {"architecture", costs.space().text(near.architecture)}});
    }
    document["nearest"] = nearest;
    document["nearest_to_all"] = point(answer, costs, answer.reach.together.architecture);
  }
  document["metrics"] = Json::array();
  for (const SpaceLimits::Spread& spread : answer.spreads) {
    Json shares = Json::array();
    for (const exact::Share& share : spread.shares) shares.push_back({share.low, share.high});
    document["metrics"].push_back(
        {{"metric", spread.metric},
         {"least",
          {{"value", spread.least}, {"architecture", costs.space().text(spread.least_at)}}},
         {"most", {{"value", spread.most}, {"architecture", costs.space().text(spread.most_at)}}},
         {"histogram", {{"edges", spread.edges}, {"shares", shares}}}});
  }
}

}  // namespace nas::cli
