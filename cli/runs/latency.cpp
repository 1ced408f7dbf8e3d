#include "cli/runs/latency.hpp"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>

#include "cli/latency/shared.hpp"
#include "cli/runs/results/provenance.hpp"
#include "cli/terminal/suggest.hpp"
#include "search/quantile.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/error.hpp"

namespace nas::cli {

using Json = nlohmann::ordered_json;

Json add_latency(CostModel& costs,
                 const EvaluatorOptions& evaluator,
                 const Goal& goal,
                 const Store& store,
                 const std::string& space) {
  const std::string& name = evaluator.latency_table;
  Json about = nullptr;
  if (is_predictor_file(name))
    about = use_latency_predictor(costs, name, evaluator.latency_batch);
  else if (!name.empty())
    about = use_latency(
        costs, open_latency_model(store, name), evaluator.latency_batch, store.path(), space);
  add_quantiles(costs, goal);
  return about;
}

Json use_latency(CostModel& costs,
                 LatencyModel opened,
                 int64_t wanted_batch,
                 const std::string& db,
                 const std::string& space) {
  const auto model = std::make_shared<const LatencyModel>(std::move(opened));
  const LatencyTable* table = &model->table();
  const std::string batch = std::to_string(table->batch());
  if (table->batch() != wanted_batch)
    throw ConfigError("latency table " + printable(table->id) + " was measured with " + batch +
                          " image(s) at once, not " + std::to_string(wanted_batch) +
                          ": its times are those of the whole batch",
                      "measure with --batch " + std::to_string(wanted_batch) +
                          "; or say that the batch of " + batch + " is meant: --latency-batch " +
                          batch + " (evaluator.latency_batch)");
  const std::string word = space_argument(costs.space(), space);
  require_fit(*table, costs.space(), suggested({"measure", "--space", word}, db), word);
  tell_renamed_space(*table, costs.space(), {});
  if (const auto it = table->conditions.find("unstable"); it != table->conditions.end())
    warning("latency table " + printable(table->id) + ": " + printable(it->second) +
            "; measure it again on a quieter machine");
  Json fidelity{{"table", table->id}, {"batch", table->batch()}, {"conditions", table->conditions}};
  if (const auto& c = model->calibration())
    fidelity["calibration"] = {{"a_ms", c->a}, {"b", c->b}, {"c_ms", c->c}};
  // Sums by interned keys; the model keeps the table alive.
  const auto mean = [model,
                     lookup = std::make_shared<LatencyLookup>(
                         std::shared_ptr<const LatencyTable>(model, table))](const Plan& plan) {
    const double sum = lookup->predict(plan);
    const auto& c = model->calibration();
    return c ? c->mean(sum, static_cast<double>(timed_ops(plan))) : sum;
  };
  costs.add("latency_ms", mean, "latency_table", fidelity.dump());
  if (model->has_spread())
    costs.set_spread("latency_ms", [model, mean](const Architecture&, const Plan& plan) {
      return model->relative_spread() * mean(plan);
    });
  Json about{{"table", table->id}, {"unit", "ms"}, {"batch", table->batch()}};
  for (const char* key : {"device", "threads", "dtype"})
    if (const auto it = table->conditions.find(key); it != table->conditions.end())
      about[key] = it->second;
  if (model->has_spread()) {
    about["relative_spread"] = model->relative_spread();
    about["calibrated_on"] = model->calibration()->networks;
  }
  return about;
}

namespace {

/// What the search `run` read as its latency table or predictor; "" where nothing tells.
std::string hash_then(const Store& store, const RunRow& run) {
  const Json front = Json::parse(store.document(run.id, "front").value_or(""), nullptr, false);
  if (front.is_object() && front.contains("latency") && front["latency"].is_object())
    if (const std::string hash = front["latency"].value("sha256", ""); !hash.empty()) return hash;
  for (const Input& input : provenance_of(store, run).inputs)
    if (input.what == "latency table") return input.hash;
  return "";
}

}  // namespace

std::string replaced_since(const Store& store,
                           const std::string& search,
                           const std::string& table) {
  const auto run = store.run(search);
  if (!run) return "";
  const std::string then = hash_then(store, *run);
  if (then.empty()) return "";
  std::string now;
  if (std::ifstream file(table, std::ios::binary); file) {
    std::ostringstream content;
    content << file.rdbuf();
    now = sha256_hex(content.str());
  } else if (const auto stored = store.latency_table(table)) {
    now = sha256_hex(stored->table_json);
  }
  if (now == then) return "";
  return std::string("latency ") + (is_predictor_file(table) ? "predictor " : "table ") +
         printable(table) + " is not the one that search " + search +
         " read: it was replaced since (SHA-256 " + then.substr(0, 12) + " then, " +
         (now.empty() ? "no such table" : now.substr(0, 12)) + " now)";
}

std::string latency_text(const Json& latency) {
  const auto batch = latency["batch"].get<int64_t>();
  std::string text =
      batch == 1 ? "of one image" : "of " + std::to_string(batch) + " images at once";
  if (latency.contains("device")) text += " on " + latency["device"].get<std::string>();
  if (latency.contains("threads"))
    text += ", " + latency["threads"].get<std::string>() + " thread(s)";
  if (latency.contains("predictor"))
    return printable(text + " (predictor " + latency["predictor"].get<std::string>() + ")");
  text += " (table " + latency["table"].get<std::string>();
  if (latency.contains("relative_spread"))
    text += ", calibrated on " + latency["calibrated_on"].dump() + " networks, +- " +
            format_number(100 * latency["relative_spread"].get<double>(), 2) + " %";
  return printable(text + ")");
}

}  // namespace nas::cli
