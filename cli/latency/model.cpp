#include "cli/latency/model.hpp"

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "cli/latency/units.hpp"
#include "cli/terminal/suggest.hpp"
#include "hardware/located_json.hpp"
#include "predictors/predictor.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/error.hpp"
#include "spaces/metric.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

/// nullopt where `name` is no file.
std::optional<std::string> text_of_file(const std::string& name) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(name, ignored)) return std::nullopt;
  std::ifstream file(name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw DataError("latency table " + name + ": the file cannot be read");
  return text.str();
}

/// Milliseconds in one unit of what `predictor` says. ConfigError where that is no time, or of no
/// unit that is told.
double ms_of_target(const Predictor& predictor, const std::string& file) {
  const std::string& target = predictor.target();
  if (target.empty()) {
    warning(file + " does not say what it predicts; milliseconds are assumed. Fit it again with " +
            "this program, which writes that down.");
    return 1;
  }
  std::optional<double> size;
  // Sums of columns (`encoder_ms+decoder_ms`): all of one unit.
  for (std::string_view rest = target; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find('+'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    std::optional<double> own;
    if (const Metric* known = find_metric(name);
        known != nullptr && known->unit == MetricUnit::kMilliseconds)
      own = 1;
    else if (const auto unit = unit_in_name(name); unit && unit->kind == MetricUnit::kMilliseconds)
      own = unit->size;
    if (!own)
      throw ConfigError(file + " predicts '" + target + "', which is no time in a unit by its name",
                        "Fit it on a column that says its unit, such as latency_ms.");
    if (size && *size != *own)
      throw ConfigError(file + " predicts '" + target + "', a sum of several units");
    size = own;
  }
  return size.value_or(1);
}

/// A file that was written or changed by hand may mean another unit than it says: judged as an
/// import is, and beside tables of the same device where it is none of this program's own.
void refuse_odd_times(const LatencyTable& table,
                      const std::string& text,
                      const std::string& file,
                      const std::string& db) {
  const std::vector<TimedWork> work = work_of(table);
  const auto device = table.conditions.find("device");
  const SaidUnit said{*time_unit(table.unit),
                      device == table.conditions.end() ? "" : device->second};
  Plausibility unit = judge_unit(work, said.unit, /*whole=*/false, said.device);
  std::error_code ignored;
  const bool own = !table.program.empty() && table.unit == "ms";
  if (unit.odd.empty() && !own && std::filesystem::exists(db, ignored))
    unit.odd = far_from_known(table, said.unit, Store(db, Store::Mode::kRead));
  std::optional<LocatedJson> json;  // A second reading, for messages only.
  const auto located = [&]() -> const LocatedJson& {
    if (!json) json = parse_located(text, file);
    return *json;
  };
  std::vector<std::string> odd;
  const std::string rows = wrong_rows(work, said, odd, [&](const TimedWork& time) {
    const std::string place = located().place("ops/" + time.key);
    return place.substr(0, place.size() - 2);
  });
  if (unit.odd.empty() && rows.empty()) return;
  const auto trust = located().root.find("trust_unit");
  const bool trusted = trust != located().root.end();
  if (trusted && !trust->is_boolean())
    throw DataError(located().place("trust_unit") + "trust_unit: expected true or false");
  const std::string whole =
      unit.odd.empty() ? "" : located().place("unit") + "\"unit\" says that " + unit.odd;
  if (trusted && trust->get<bool>())
    return warning((whole.empty() ? rows : whole) + " (\"trust_unit\" is true)");
  if (!whole.empty())
    throw ConfigError(
        whole, "Write the right unit; if the times are so, add \"trust_unit\": true to the file.");
  throw DataError(rows +
                  "\nCorrect the times; if they are so, add \"trust_unit\": true to the "
                  "file.");
}

/// Whoever reads the times must know what they are of; once for each table.
void tell_assumed_batch(const LatencyTable& table) {
  static std::set<std::string> told;
  if (table.states_batch() || !told.insert(table.id).second) return;
  warning(
      "latency table " + printable(table.id) +
      " does not say for how many images at once its times are; one is assumed (\"batch\": N in "
      "its file says it)");
}

/// none where `name` is no file.
std::optional<NamedLatency> latency_file(const std::string& name, const std::string& db) {
  std::optional<std::string> text = text_of_file(name);
  if (!text) return std::nullopt;
  if (is_predictor_file(name))
    throw ConfigError(
        printable(name) + " is a predictor of whole networks, and a table of ops is needed here",
        "Searches, nas space check and nas export take it with --latency-table or "
        "--table; it has no ops to list, compare or calibrate.");
  LatencyModel model = latency_model_from_json(*text, name);
  if (model.table().id.empty()) model.table().id = name;
  refuse_odd_times(model.table(), *text, name, db);
  tell_assumed_batch(model.table());
  return NamedLatency{std::move(model), std::move(*text)};
}

NamedLatency stored_latency(const Store& store, const std::string& name) {
  auto row = store.latency_table(name);
  if (!row)
    throw ConfigError(
        "there is no latency table '" + printable(name) + "', neither as a file nor in " +
            store.path(),
        "See which there are: " + suggested({"latency", "list"}, store.path()) +
            "; make one with: " + suggested({"measure", "--space", "SPACE"}, store.path()));
  LatencyModel model = latency_model_from_json(row->table_json, "latency table " + row->id);
  model.table().place.clear();  // There is no file that it could be looked up in.
  tell_assumed_batch(model.table());
  return {std::move(model), std::move(row->table_json)};
}

/// A file goes before a stored table; whoever means the latter should know.
void tell_hidden(const Store& store, const std::string& name) {
  if (name.find('/') != name.npos) return;
  const auto row = store.latency_table(name);
  if (!row) return;
  warning("the file " + printable(name) + " is taken, not the table " +
          (name == "last" ? "'" + printable(row->id) + "', the last" : "of that name") + " in " +
          store.path() + "; write ./" + printable(name) + " to mean the file, or rename it");
}

}  // namespace

std::string space_argument(const Space& space, const std::string& given) {
  if (!given.empty() && given != "-") return given;
  std::error_code ignored;
  const std::string shipped = config_dir() + "/spaces/" + space.name() + ".yaml";
  return std::filesystem::exists(shipped, ignored) ? space.name() : "SPACE.yaml";
}

LatencyModel open_latency_model(const Store& store, const std::string& name) {
  std::optional<NamedLatency> file = latency_file(name, store.path());
  if (!file) return stored_latency(store, name).model;
  tell_hidden(store, name);
  return std::move(file->model);
}

NamedLatency named_latency(const std::string& name, const std::string& db) {
  std::error_code ignored;
  const bool has_store = std::filesystem::exists(db, ignored);
  if (std::optional<NamedLatency> file = latency_file(name, db)) {
    try {
      if (has_store && name.find('/') == name.npos)
        tell_hidden(Store(db, Store::Mode::kRead), name);
    } catch (const Error&) {  // A store that cannot be read hides nothing.
    }
    return std::move(*file);
  }
  if (!has_store)
    throw ConfigError("there is no latency table '" + printable(name) +
                          "': no file of that name, and no store " + db,
                      "name a file, or the store with --db");
  return stored_latency(Store(db, Store::Mode::kRead), name);
}

bool is_predictor_file(const std::string& name) {
  const auto text = text_of_file(name);
  if (!text || text->find("\"nas-predictor\"") == text->npos) return false;
  const Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("schema") && json["schema"] == "nas-predictor";
}

std::map<std::string, std::string> predictor_conditions(const std::string& file) {
  return load_predictor(file)->conditions();
}

Json use_latency_predictor(CostModel& costs, const std::string& file, int64_t batch) {
  const std::shared_ptr<const Predictor> predictor = load_predictor(file);
  const Space& space = costs.space();
  if (predictor->features().fingerprint.empty())
    throw DataError(file + " predicts from plain columns of numbers, not from architectures of " +
                    space.name() + "; fit it with --space " + space.name());
  predictor->require(feature_space(space));
  const auto& conditions = predictor->conditions();
  if (const auto own = conditions.find("batch");
      own != conditions.end() && own->second != std::to_string(batch))
    throw ConfigError(file + " was fitted on times of " + printable(own->second) +
                          " image(s) at once, not of " + std::to_string(batch),
                      "Say that the batch of " + printable(own->second) +
                          " is meant: --latency-batch " + printable(own->second) +
                          " (evaluator.latency_batch).");
  const double unit = ms_of_target(*predictor, file);
  Json fidelity{{"predictor", file}, {"batch", batch}, {"rows", predictor->rows()}};
  if (!conditions.empty()) fidelity["conditions"] = conditions;
  // A network's mean and spread are asked for one after the other.
  struct Last {
    Architecture architecture;
    double mean = 0, spread = 0;
  };
  const auto ask = [predictor, unit, &space, last = std::make_shared<Last>()](
                       const Architecture& a) -> const Last& {
    if (last->architecture == a && !a.genes.empty()) return *last;
    const Prediction told = predictor->predict(encode(space, {&a, 1}));
    // A line that was learnt elsewhere may end below 0; no time does.
    *last = {a, unit * std::max(told.mean[0], 0.0), unit * told.spread[0]};
    return *last;
  };
  // Seconds under a header that says ms pass every check of a fit.
  std::vector<TimedWork> times;
  Rng rng(0, "latency.predictor.unit");
  constexpr int kLookedAt = 30;
  for (int i = 0; i < kLookedAt; ++i) {
    const Architecture a = space.sample(rng);
    const Cost cost = cost_of(space.plan(a), space.counting());
    times.push_back({ask(a).mean / static_cast<double>(batch), static_cast<double>(cost.macs)});
  }
  const auto device = conditions.find("device");
  const std::string named = device == conditions.end() ? "" : device->second;
  Plausibility plausible = judge_unit(times, *time_unit("ms"), /*whole=*/true, named);
  if (plausible.odd.empty()) {  // A small network's rate may be any device's; its time is not.
    for (TimedWork& time : times) time.macs = 0;
    plausible = judge_unit(times, *time_unit("ms"), /*whole=*/true, named);
  }
  if (!plausible.odd.empty())
    warning(file + ": " + plausible.odd + " (its rows named " + printable(predictor->target()) +
            ")");
  costs.add_of(
      "latency_ms",
      [ask](const Architecture& a, const Plan&) { return ask(a).mean; },
      "predictor",
      fidelity.dump());
  costs.set_spread("latency_ms",
                   [ask](const Architecture& a, const Plan&) { return ask(a).spread; });
  Json about{{"predictor", file},
             {"sha256", sha256_hex(text_of_file(file).value_or(""))},
             {"model", predictor->name()},
             {"rows", predictor->rows()},
             {"unit", "ms"},
             {"batch", batch}};
  for (const char* key : {"device", "threads", "dtype"})
    if (const auto it = conditions.find(key); it != conditions.end()) about[key] = it->second;
  return about;
}

}  // namespace nas::cli
