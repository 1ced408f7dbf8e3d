#include "cli/predict/print.hpp"

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

std::string cell(const Json& errors, const char* number) {
  if (!errors.contains(number)) return "-";
  const Json& value = errors[number];
  if (value.is_number()) return format_number(value.get<double>());
  if (!value.is_object() || !value["mean"].is_number()) return "-";
  std::string text = format_number(value["mean"].get<double>());
  if (value["sd"].is_number() && value["sd"].get<double>() > 0)
    text += " (" + format_number(value["sd"].get<double>(), 2) + ")";
  return text;
}

}  // namespace

Json errors_json(const Errors& errors) {
  Json json{{"rows", errors.n}};
  for (const auto& [name, value] : named(errors))
    if (std::isfinite(value)) json[name] = value;
  return json;
}

Json errors_json(const Repeated& repeated) {
  Json json{{"splits", repeated.each.size()}};
  for (const auto& [name, value] : named(repeated.each.front())) {
    const auto [mean, sd] = repeated.of(name);
    if (std::isfinite(mean)) json[name] = {{"mean", mean}, {"sd", json_number(sd)}};
  }
  return json;
}

Json predictor_json(const Predictor& p) {
  Json chosen = Json::object();
  for (const auto& [name, value] : p.chosen()) chosen[name] = value;
  return {{"model", p.name()},
          {"transform", p.transform() == TargetTransform::kLog ? "log" : "none"},
          {"rows", p.rows()},
          {"features", p.features().names.size()},
          {"space", p.features().space.empty() ? Json(nullptr) : Json(p.features().space)},
          {"conditions", p.conditions()},
          {"chosen", chosen}};
}

void print_errors(const Json& judged, const std::string& first) {
  std::vector<std::string> header{first, "learnt from"};
  std::vector<const char*> numbers;
  for (const Column& column : kColumns) {
    bool any = false;
    for (const Json& row : judged) any = any || row["errors"].contains(column.number);
    if (!any) continue;
    header.emplace_back(column.heading);
    numbers.push_back(column.number);
  }
  header.emplace_back("fit s");
  Table table(header);
  for (const Json& row : judged) {
    std::vector<std::string> cells{row[first].get<std::string>(), row["train"].dump()};
    for (const char* number : numbers) cells.push_back(cell(row["errors"], number));
    cells.push_back(row.contains("fit_s") ? format_number(row["fit_s"].get<double>(), 2) : "-");
    table.row(std::move(cells));
  }
  print(table.text());
}

std::string parameters_text(const Json& chosen) {
  std::string text;
  for (const auto& [name, value] : chosen.items())
    text += (text.empty() ? "" : ", ") + name + " " + format_number(value.get<double>());
  return text;
}

}  // namespace nas::cli
