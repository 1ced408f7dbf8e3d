// The spread is one share for all networks, and not the wider one of a regression far from its
// rows: then mean + z * spread is again a sum over the ops, which the exact answers about limits
// (search/exact) need. It is honest where the networks that were measured reach to the ends of the
// space, which is how they are chosen (choose.hpp).
#include "hardware/prediction/latency_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "hardware/located_json.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kSection = "calibration";
constexpr double kMost = 1e12;  ///< More is no number of ms, of networks, or of times as long.

template <typename Section>
double read_number(const LocatedJson& file, const Section& section, const char* key, double least) {
  const std::string path = std::string(kSection) + "/" + key;
  if (!section.contains(key))
    throw DataError(file.place(kSection) + path + " is missing; calibrate the table again");
  const std::string place = file.place(path) + path + ": ";
  const auto& value = section[key];
  const double number = value.is_number() ? value.template get<double>() : std::nan("");
  if (!std::isfinite(number) || number < least || std::abs(number) > kMost)
    throw DataError(place + printable(value.dump()) + " cannot be; expected a number" +
                    (std::isfinite(least) ? " of at least 0" : ""));
  return number;
}

Calibration read_calibration(const LocatedJson& file, double least_op) {
  const auto& section = file.root[kSection];
  if (!section.is_object())
    throw DataError(file.place(kSection) + "calibration: expected an object");
  Calibration c;
  c.a = read_number(file, section, "a_ms", 0);
  c.b = read_number(file, section, "b", 0);
  c.c = read_number(file, section, "c_ms", -std::numeric_limits<double>::infinity());
  c.spread = read_number(file, section, "relative_spread", 0);
  c.networks = static_cast<int64_t>(read_number(file, section, "networks", 0));
  // What fitting gives, less rounding: else an added op would make networks faster.
  if (c.b * least_op + c.c < -1e-9 * (c.b * least_op + std::abs(c.c)))
    throw DataError(file.place(std::string(kSection) + "/c_ms") +
                    "calibration/c_ms: by these numbers an op takes less than no time; calibrate "
                    "the table again");
  return c;
}

}  // namespace

int64_t timed_ops(const Plan& plan) {
  return std::count_if(
      plan.nodes.begin(), plan.nodes.end(), [](const Node& node) { return !is_free(node.op); });
}

double least_op_ms(const LatencyTable& table) {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [key, entry] : table.entries) least = std::min(least, entry.median_ms);
  return std::isfinite(least) ? least : 0;
}

MeasuredNetwork summed(const LatencyTable& table, const Plan& plan) {
  return {table.predict(plan), static_cast<double>(timed_ops(plan)), 0};
}

double LatencyModel::mean(const Plan& plan) const {
  const double sum = table_.predict(plan);
  return calibration_ ? calibration_->mean(sum, static_cast<double>(timed_ops(plan))) : sum;
}

std::string to_json(const LatencyModel& model) {
  Json json = Json::parse(to_json(model.table()));
  if (const auto& c = model.calibration()) {
    Json ops = std::move(json["ops"]);
    json.erase("ops");
    json[kSection] = {{"a_ms", c->a},
                      {"b", c->b},
                      {"c_ms", c->c},
                      {"relative_spread", c->spread},
                      {"networks", c->networks}};
    json["ops"] = std::move(ops);
  }
  return json.dump(1);
}

LatencyModel latency_model_from_json(const std::string& text, const std::string& where) {
  LatencyTable table = latency_table_from_json(text, where);
  if (text.find("\"calibration\"") == text.npos) return LatencyModel(std::move(table));
  const LocatedJson file = parse_located(text, where);
  if (!file.root.contains(kSection)) return LatencyModel(std::move(table));
  const Calibration calibration = read_calibration(file, least_op_ms(table));
  return LatencyModel(std::move(table), calibration);
}

}  // namespace nas
