#include "cli/runs/latency.hpp"

#include <filesystem>
#include <memory>

#include "cli/terminal/suggest.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "spaces/text/plain_text.hpp"

namespace nas::cli {

using Json = nlohmann::ordered_json;

std::optional<LatencyTable> latency_table_file(const std::string& name) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(name, ignored)) return std::nullopt;
  LatencyTable table = latency_table_from_json(read_text_file(name, "latency table"), name);
  if (table.id.empty()) table.id = name;
  return table;
}

LatencyTable open_latency_table(const Store& store, const std::string& name) {
  if (std::optional<LatencyTable> file = latency_table_file(name)) return std::move(*file);
  const auto row = store.latency_table(name);
  if (!row)
    throw ConfigError(
        "there is no latency table '" + name + "', neither as a file nor in " + store.path(),
        "make one with: " + suggested({"measure", "--space", "SPACE"}, store.path()));
  return latency_table_from_json(row->table_json, "latency table " + row->id);
}

Json add_latency(CostModel& costs, const EvaluatorOptions& evaluator, const Store& store) {
  if (evaluator.latency_table.empty()) return nullptr;
  return use_latency(costs,
                     open_latency_table(store, evaluator.latency_table),
                     evaluator.latency_batch,
                     store.path());
}

Json use_latency(CostModel& costs,
                 LatencyTable opened,
                 int64_t wanted_batch,
                 const std::string& db) {
  auto table = std::make_shared<const LatencyTable>(std::move(opened));
  const std::string batch = std::to_string(table->batch());
  if (table->batch() != wanted_batch)
    throw ConfigError("latency table " + printable(table->id) + " was measured with " + batch +
                          " image(s) at once, not " + std::to_string(wanted_batch) +
                          ": its times are those of the whole batch",
                      "measure with --batch " + std::to_string(wanted_batch) +
                          "; or say that the batch of " + batch + " is meant: --latency-batch " +
                          batch + " (evaluator.latency_batch)");
  if (!table->states_batch())
    warning("latency table " + printable(table->id) +
            " does not say for how many images at once its times are; one is assumed");
  const std::string space = costs.space().name();
  require_fit(*table, costs.space(), suggested({"measure", "--space", space}, db));
  const Json fidelity{
      {"table", table->id}, {"batch", table->batch()}, {"conditions", table->conditions}};
  costs.add(
      "latency_ms",
      [lookup = std::make_shared<LatencyLookup>(table)](const Plan& plan) {
        return lookup->predict(plan);
      },
      "latency_table",
      fidelity.dump());
  Json about{{"table", table->id}, {"unit", "ms"}, {"batch", table->batch()}};
  for (const char* key : {"device", "threads", "dtype"})
    if (const auto it = table->conditions.find(key); it != table->conditions.end())
      about[key] = it->second;
  return about;
}

std::string latency_text(const Json& latency) {
  const auto batch = latency["batch"].get<int64_t>();
  std::string text =
      batch == 1 ? "of one image" : "of " + std::to_string(batch) + " images at once";
  if (latency.contains("device")) text += " on " + latency["device"].get<std::string>();
  if (latency.contains("threads"))
    text += ", " + latency["threads"].get<std::string>() + " thread(s)";
  return printable(text + " (table " + latency["table"].get<std::string>() + ")");
}

}  // namespace nas::cli
