#include "cli/predict/print.hpp"

#include <algorithm>
#include <cmath>

#include "cli/report/document.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Column {
  const char* number;
  const char* heading;
};
constexpr Column kColumns[] = {{"mape", "MAPE %"},
                               {"rmse", "RMSE"},
                               {"tau_b", "tau-b"},
                               {"tau_a", "tau-a"},
                               {"tau_within", "tau within"},
                               {"bias", "bias"},
                               {"coverage", "in 2 spreads"}};

std::string cell(const JudgedModel& judged, const char* number) {
  const auto [mean, sd] = judged.errors.of(number);
  if (!std::isfinite(mean)) return "-";
  std::string text = format_number(mean);
  if (!judged.one_set && std::isfinite(sd) && sd > 0) text += " (" + format_number(sd, 2) + ")";
  return text;
}

Json head_json(const char* schema, const PredictHead& head) {
  return {{"schema", schema},
          {"data", head.data},
          {"target", head.target},
          {"rows", head.rows},
          {"features", head.features},
          {"space", head.space.empty() ? Json(nullptr) : Json(head.space)}};
}

/// {"mape": {"mean": .., "sd": ..}, ...}, of one test set plain numbers: those that are defined.
Json errors_json(const JudgedModel& judged) {
  const Repeated& r = judged.errors;
  Json json;
  if (judged.one_set)
    json["rows"] = r.each.front().n;
  else
    json["splits"] = r.each.size();
  for (const auto& [name, value] : named(r.each.front())) {
    const auto [mean, sd] = r.of(name);
    if (judged.one_set ? !std::isfinite(value) : !std::isfinite(mean)) continue;
    json[name] = judged.one_set ? Json(value) : Json{{"mean", mean}, {"sd", json_number(sd)}};
  }
  return json;
}

Json judged_json(const JudgedModel& judged) {
  Json json{{"model", judged.model}, {"train", judged.train}, {"errors", errors_json(judged)}};
  if (judged.fit_seconds) json["fit_s"] = *judged.fit_seconds;
  return json;
}

Json predictor_json(const PredictorFacts& p) {
  Json chosen = Json::object();
  for (const auto& [name, value] : p.chosen) chosen[name] = value;
  return {{"model", p.model},
          {"transform", p.logarithm ? "log" : "none"},
          {"rows", p.rows},
          {"features", p.features},
          {"space", p.space.empty() ? Json(nullptr) : Json(p.space)},
          {"conditions", p.conditions},
          {"chosen", chosen}};
}

/// A row for each model; columns that any of them has.
void print_errors(const std::vector<JudgedModel>& judged) {
  std::vector<std::string> header{"model", "learnt from"};
  std::vector<const char*> numbers;
  for (const Column& column : kColumns) {
    if (std::none_of(judged.begin(), judged.end(), [&](const JudgedModel& row) {
          return std::isfinite(row.errors.of(column.number).first);
        }))
      continue;
    header.emplace_back(column.heading);
    numbers.push_back(column.number);
  }
  header.emplace_back("fit s");
  Table table(header);
  for (const JudgedModel& row : judged) {
    std::vector<std::string> cells{row.model, std::to_string(row.train)};
    for (const char* number : numbers) cells.push_back(cell(row, number));
    cells.push_back(row.fit_seconds ? format_number(*row.fit_seconds, 2) : "-");
    table.row(std::move(cells));
  }
  print(table.text());
}

Rows judged_rows(const std::vector<JudgedModel>& judged) {
  Rows rows{{"model", "train"}, {}};
  for (const Column& column : kColumns)
    rows.header.insert(rows.header.end(), {column.number, std::string(column.number) + "_sd"});
  rows.header.emplace_back("fit_s");
  for (const JudgedModel& row : judged) {
    std::vector<Json> cells{row.model, row.train};
    for (const Column& column : kColumns) {
      const auto [mean, sd] = row.errors.of(column.number);
      cells.push_back(json_number(mean));
      cells.push_back(row.one_set ? Json(nullptr) : json_number(sd));
    }
    cells.push_back(row.fit_seconds ? Json(*row.fit_seconds) : Json(nullptr));
    rows.rows.push_back(std::move(cells));
  }
  return rows;
}

/// `alpha 3.5, pairs 0`.
std::string parameters_text(const PredictorFacts& p) {
  std::string text;
  for (const auto& [name, value] : p.chosen)
    text += (text.empty() ? "" : ", ") + name + " " + format_number(value);
  return text;
}

}  // namespace

PredictorFacts::PredictorFacts(const Predictor& p)
    : model(p.name()),
      space(p.features().space),
      logarithm(p.transform() == TargetTransform::kLog),
      rows(p.rows()),
      features(p.features().names.size()),
      conditions(p.conditions()) {
  for (const auto& [name, value] : p.chosen()) chosen.emplace_back(name, value);
}

Json fit_json(const FitResult& result) {
  Json document = head_json("nas-predict-fit/1", result.head);
  document["predictor"] = predictor_json(result.predictor);
  document["out"] = result.out;
  if (result.held_out) {
    document["folds"] = result.folds;
    document["errors"] = errors_json(*result.held_out);
  }
  return document;
}

void print_fit(const FitResult& result) {
  const PredictorFacts& p = result.predictor;
  print_prose(p.model + " learnt " + result.head.target + " from " + std::to_string(p.rows) +
              " rows of " + std::to_string(result.head.features) + " features (" +
              parameters_text(p) + ")");
  if (result.held_out) {
    print_prose("On rows it has not learnt (" + std::to_string(result.folds) +
                " folds, mean and deviation):");
    print_errors({*result.held_out});
  }
  print_prose("written to " + result.out);
}

Json predict_eval_json(const PredictEvalResult& result) {
  Json document = head_json("nas-predict-eval/1", result.head);
  if (!result.split.empty()) document["split"] = result.split;
  if (result.predictor) document["predictor"] = predictor_json(*result.predictor);
  if (!result.predictor || !result.judged.empty()) document["judged"] = Json::array();
  for (const JudgedModel& judged : result.judged) document["judged"].push_back(judged_json(judged));
  if (!result.predictor) return document;
  document["predictions"] = Json::array();
  for (const PredictedRow& row : result.predictions)
    document["predictions"].push_back({{result.label(), row.label},
                                       {"predicted", json_number(row.mean)},
                                       {"spread", json_number(row.spread)},
                                       {"truth", json_number(row.truth)}});
  return document;
}

void print_predict_eval(const PredictEvalResult& result) {
  if (!result.predictor)
    print_prose(
        result.head.target + " of " + std::to_string(result.head.rows) + " rows; split " +
        result.split +
        (result.splits > 1 ? ", mean and deviation over " + std::to_string(result.splits) : "") +
        "; " + std::to_string(result.test_rows) + " rows judged");
  if (!result.predictor || !result.judged.empty()) return print_errors(result.judged);
  Table table({result.label(), "predicted", "spread"});
  for (const PredictedRow& row : result.predictions)
    table.row({row.label, format_number(row.mean, 6), format_number(row.spread, 3)});
  print(table.text());
}

Rows predict_eval_rows(const PredictEvalResult& result) {
  if (!result.predictor) return judged_rows(result.judged);
  Rows rows{{result.label(), "predicted", "spread", "truth"}, {}};
  for (const PredictedRow& row : result.predictions)
    rows.rows.push_back(
        {row.label, json_number(row.mean), json_number(row.spread), json_number(row.truth)});
  return rows;
}

Rows curve_rows(const CurveResult& result) {
  std::vector<JudgedModel> all;
  for (const LearningCurve& curve : result.curves)
    all.insert(all.end(), curve.points.begin(), curve.points.end());
  return judged_rows(all);
}

Json curve_json(const CurveResult& result) {
  Json document = head_json("nas-predict-curve/1", result.head);
  document["repeats"] = result.repeats;
  document["curves"] = Json::array();
  for (const LearningCurve& curve : result.curves) {
    Json points = Json::array();
    for (const JudgedModel& point : curve.points) points.push_back(judged_json(point));
    const Verdict& v = curve.verdict;
    document["curves"].push_back(
        {{"model", curve.model},
         {"points", std::move(points)},
         {"verdict",
          {{"enough", v.known ? Json(v.enough) : Json(nullptr)},
           {"better_than_mean", v.known ? Json(v.useful) : Json(nullptr)},
           {"gain_of_doubling", v.known ? json_number(v.gain) : Json(nullptr)},
           {"rmse_at_double", v.known ? json_number(v.next) : Json(nullptr)},
           {"text", v.text}}}});
  }
  return document;
}

void print_curve(const CurveResult& result) {
  print_prose(result.head.target + " of " + std::to_string(result.head.rows) +
              " rows; mean and deviation over " + std::to_string(result.repeats) +
              " random splits, judged on the rows not learnt; RMSE of predicting the mean: " +
              format_number(result.constant));
  std::vector<JudgedModel> all;
  for (const LearningCurve& curve : result.curves)
    all.insert(all.end(), curve.points.begin(), curve.points.end());
  print_errors(all);
  for (const LearningCurve& curve : result.curves)
    print_prose((result.curves.size() > 1 ? curve.model + ": " : "") + curve.verdict.text);
}

}  // namespace nas::cli
