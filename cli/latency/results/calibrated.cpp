#include "cli/latency/results/calibrated.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cli/latency/shared.hpp"
#include "cli/terminal/suggest.hpp"
#include "spaces/base/joined.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kOrdered = 0.9;  ///< Of tau-b: below it another kind of model may do better.
/// Below this tau-b and beyond this relative error a prediction is of no use: of six networks one
/// in four random orders reaches 0.3, and a limit at p95 then lies at almost twice the mean.
constexpr double kByChance = 0.3, kUseless = 0.5;
/// Of the mean time: networks whose sums make no more than this are not told apart by them.
constexpr double kNoPart = 1e-3;

void put_fit(Json& document, const CalibrationResult& result, const Space& space) {
  const Calibration& c = *result.calibration;
  document["calibration"] = {{"a_ms", c.a},
                             {"b", c.b},
                             {"c_ms", c.c},
                             {"relative_spread", c.spread},
                             {"networks", c.networks}};
  document["sum"] = foretold_json(result.raw);
  document["held_out"] = foretold_json(result.held_out);
  document["measured"] = Json::array();
  for (size_t i = 0; i < result.rows.ms.size(); ++i)
    document["measured"].push_back({{"architecture", space.text(result.rows.networks[i])},
                                    {"latency_ms", result.rows.ms[i]},
                                    {"sum_ms", result.sums[i]},
                                    {"held_out_ms", result.held[i]}});
  document["widening"] = Json::array();
  for (const size_t i : result.widening.rows)
    document["widening"].push_back({{"architecture", space.text(result.rows.networks[i])},
                                    {"place", result.rows.places[i]},
                                    {"latency_ms", result.rows.ms[i]},
                                    {"held_out_ms", result.held[i]}});
  if (!result.widening.rows.empty()) document["spread_without"] = result.widening.without;
  document["left_out"] = Json::array();
  for (size_t i = 0; i < result.left_out.ms.size(); ++i)
    document["left_out"].push_back({{"architecture", space.text(result.left_out.networks[i])},
                                    {"place", result.left_out.places[i]},
                                    {"latency_ms", result.left_out.ms[i]},
                                    {"sum_ms", result.left_out_sums[i]}});
}

void print_fit(const CalibrationResult& r,
               const Space& space,
               const std::string& named,
               const Common& common) {
  const MeasuredRows& rows = r.rows;
  Table table(kForetoldHeader);
  table.row(foretold_cells("sum of ops", r.raw));
  table.row(foretold_cells("calibrated, held out", r.held_out));
  print_prose("latency table " + r.table.id + ": " + r.from + " calibrated on " +
              std::to_string(rows.ms.size()) + " networks" +
              (r.left_out.ms.empty()
                   ? ""
                   : " (" + std::to_string(r.left_out.ms.size()) + " left out, far off)"));
  print(table.text());
  print_prose("latency = " + calibration_text(*r.calibration));
  size_t worst = 0;
  const auto off = [&](size_t i) { return std::abs(r.held[i] / rows.ms[i] - 1); };
  for (size_t i = 1; i < rows.ms.size(); ++i)
    if (off(i) > off(worst)) worst = i;
  print_prose("farthest off: " + place_of_network(space, rows, worst) + ", " +
              format_number(rows.ms[worst]) + " ms, held out " + format_number(r.held[worst]));
  // What a drifting machine measures says nothing of the table.
  const auto unstable = r.table.conditions.find("unstable");
  if (unstable != r.table.conditions.end())
    print_prose("unstable: " + printable(unstable->second) +
                "; measure again on a quieter machine");
  else if (r.held_out.tau_b < kOrdered)
    print_prose(
        "tau-b below 0.9: sums of ops do not order these networks well. A predictor of "
        "whole networks may: --save-rows ROWS.csv, then " +
        suggested({"predict",
                   "fit",
                   "--data",
                   "ROWS.csv",
                   "--space",
                   named,
                   "--target",
                   "latency_ms",
                   "--out",
                   "latency.json"},
                  common) +
        ", and --latency-table latency.json");
  if (!doubts_of(r).empty()) return;  // No limit is to stand on it.
  const double middle =
      std::accumulate(rows.ms.begin(), rows.ms.end(), 0.0) / static_cast<double>(rows.ms.size());
  std::vector<std::string> next{"space",
                                "check",
                                named,
                                "--table",
                                r.table.id,
                                "--max",
                                "latency_ms@p95 <= " + format_number(middle, 2)};
  if (r.table.batch() != 1)
    next.insert(next.end(), {"--latency-batch", std::to_string(r.table.batch())});
  print_prose("next: " + suggested(next, common));
}

}  // namespace

std::vector<std::string> doubts_of(const CalibrationResult& r) {
  std::vector<std::string> doubts;
  if (r.carried && r.carried->held_out > kUseless)
    doubts.push_back(
        "of the few ops that were measured each is foretold by the others with an "
        "error of " +
        format_number(100 * r.carried->held_out, 3) +
        " %, so that the ops that were not measured are hardly known: measure more "
        "of them");
  if (!r.calibration || r.rows.ms.empty()) return doubts;
  const auto [shortest, longest] = std::minmax_element(r.rows.ms.begin(), r.rows.ms.end());
  const auto [least, most] = std::minmax_element(r.sums.begin(), r.sums.end());
  if (*shortest == *longest) {
    doubts.push_back("all " + std::to_string(r.rows.ms.size()) + " networks took " +
                     format_number(*shortest) +
                     " ms, so that the calibration tells networks not apart: are these times "
                     "measurements?");
    return doubts;
  }
  if (r.calibration->b * (*most - *least) < kNoPart * *longest)
    doubts.push_back(
        *least == *most
            ? "the networks all have one sum of ops, so that nothing is learnt of it"
            : "times do not grow with the sums of ops (b = " + format_number(r.calibration->b) +
                  "), so that the table tells networks not apart");
  if (!(r.held_out.tau_b >= kByChance))
    doubts.push_back(
        "networks that are held out are put in order hardly better than by chance"
        " (tau-b " +
        format_number(r.held_out.tau_b) + ")");
  if (r.calibration->spread > kUseless)
    doubts.push_back("predictions are off by " + format_number(100 * r.calibration->spread, 3) +
                     " %, the usual error of a network that is held out");
  return doubts;
}

void tell_widening(const Common& common, const CalibrationResult& r, const Space& space) {
  constexpr size_t kNamed = 5;
  const auto& [rows, without] = r.widening;
  if (rows.empty()) return;
  const bool one = rows.size() == 1;
  std::string text = std::to_string(rows.size()) +
                     (one ? " network fits badly with the others and widens"
                          : " networks fit badly with the others and widen") +
                     " the spread from " + format_number(100 * without, 2) + " to " +
                     format_number(100 * r.calibration->spread, 2) + " %:";
  for (size_t k = 0; k < std::min(kNamed, rows.size()); ++k)
    text += "\n  " + place_of_network(space, r.rows, rows[k]) + ": " +
            format_number(r.rows.ms[rows[k]]) + " ms, foretold by the others " +
            format_number(r.held[rows[k]]) + " ms";
  if (rows.size() > kNamed) text += "\n  and " + std::to_string(rows.size() - kNamed) + " more";
  note(common, text + "\nmeasure them again, or leave them out, if they are wrong");
}

std::string place_of_network(const Space& space, const MeasuredRows& rows, size_t i) {
  return (rows.places[i].empty() ? "" : printable(rows.places[i]) + ": ") +
         space.text(rows.networks[i]);
}

Json calibration_json(const CalibrationResult& result, const Space& space) {
  Json document{{"schema", "nas-latency-calibrate/1"}};
  if (const auto& carried = result.carried)
    document["transfer"] = {{"from", carried->from},
                            {"ops_measured", carried->measured},
                            {"ops", carried->ops},
                            {"scale", carried->scale},
                            {"held_out_error", carried->held_out},
                            {"held_out_error_of_scale", carried->scale_only}};
  document["table"] = result.table.id;
  document["from"] = result.from;
  document["space"] = space.name();
  document["conditions"] = result.table.conditions;
  document["doubts"] = doubts_of(result);
  if (result.calibration) put_fit(document, result, space);
  return document;
}

void print_calibration(const CalibrationResult& result,
                       const Space& space,
                       const std::string& named,
                       const Common& common) {
  if (const auto& carried = result.carried)
    print_prose("carried over from " + result.from + " by " + std::to_string(carried->measured) +
                " measured ops: " + format_number(carried->scale) +
                " times its times, other ops off by " + format_number(100 * carried->held_out, 3) +
                " % when left out");
  if (result.calibration)
    print_fit(result, space, named, common);
  else
    print_prose("latency table " + result.table.id +
                "; calibrate it on whole networks before its sums are trusted");
  if (const auto doubts = doubts_of(result); !doubts.empty())
    warning("latency table " + printable(result.table.id) +
            " is stored, but should not be trusted: " + joined(doubts, "; "));
}

}  // namespace nas::cli
