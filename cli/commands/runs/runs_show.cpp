// nas runs show: everything the store knows about one run.
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "cli/commands/runs/runs.hpp"
#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "cli/report/graphviz.hpp"
#include "cli/report/training/compute.hpp"
#include "cli/report/training/draws.hpp"
#include "cli/report/training/tree_report.hpp"
#include "cli/runs/results/recipe.hpp"
#include "cli/terminal/fold.hpp"
#include "cli/terminal/suggest.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

Json checkpoints_json(const Store& store, const std::string& run) {
  Json list = Json::array();
  for (const CheckpointRow& row : store.checkpoints(run))
    list.push_back({{"path", row.path},
                    {"sha256", row.sha256},
                    {"epoch", row.epoch},
                    {"step", row.step},
                    {"created", row.created},
                    {"kept", std::filesystem::exists(row.path)}});
  return list;
}

Json exports_json(const Store& store, const std::string& run) {
  Json list = Json::array();
  for (const ExportRow& row : store.exports(run))
    list.push_back({{"architecture", row.architecture},
                    {"format", row.format},
                    {"path", row.path},
                    {"sha256", row.sha256},
                    {"check", parsed_or_text(row.check_json)},
                    {"created", row.created}});
  return list;
}

// The last value of every metric.
Json last_metrics(const Store& store, const std::string& run) {
  Json json = Json::object();
  for (const MetricRow& row : store.metrics(run))
    json[row.name] = {{"step", row.step}, {"value", json_number(row.value)}};
  return json;
}

Json run_json(const Store& store, const RunRow& run) {
  Json json{{"schema", "nas-runs-show/1"},
            {"run", run.id},
            {"name", run.name},
            {"command", run.command},
            {"status", shown_status(run)},
            {"progress", run_progress(store, run).text},
            {"values_awaited", values_awaited(store, run)},
            {"error", run.error},
            {"space", run.space},
            {"fingerprint", run.fingerprint},
            {"seed", run.seed},
            {"parent", run.parent},
            {"started", run.started},
            {"ended", run.ended},
            {"directory", run.directory},
            {"versions", parsed_or_text(run.versions_json)},
            {"config", stored_config_text(run)}};
  Json splits = Json::array();
  for (const SplitRow& row : store.splits(run.id))
    splits.push_back({{"name", row.name}, {"size", row.size}, {"hash", row.hash}});
  json["splits"] = std::move(splits);
  if (const auto document = store.document(run.id, "data"))
    if (const Json parsed = Json::parse(*document, nullptr, false); parsed.is_object())
      json["data"] = parsed;
  json["metrics"] = last_metrics(store, run.id);
  if (const auto document = store.document(run.id, "train"))
    if (const Json parsed = Json::parse(*document, nullptr, false); parsed.is_object())
      json["health"] = parsed.value("health", Json::array());
  if (run.command == "train") json["compute"] = compute_json(compute_of(store, run.id));
  std::set<std::string> judged;
  const std::vector<EvaluationRow> values = store.evaluations(run.id);
  for (const EvaluationRow& value : values) judged.insert(value.architecture);
  json["evaluations"] = values.size();
  json["architectures"] = judged.size();
  if (const auto recipe = recipe_of(store, run.id)) json["recipe"] = recipe_json(*recipe);
  json["checkpoints"] = checkpoints_json(store, run.id);
  json["exports"] = exports_json(store, run.id);
  json["documents"] = store.documents(run.id);
  return json;
}

std::string cell_text(const Json& cell) {
  if (cell.is_null()) return "-";
  if (cell.is_string()) return cell.get<std::string>();
  if (cell.is_number_float()) return format_number(cell.get<double>(), 5);
  return cell.dump();
}

// A named block of `show`: the entries of a list or object, one line each.
std::string block(const std::string& title,
                  const Json& list,
                  const std::vector<std::string>& keys) {
  if (list.empty()) return "";
  Table table(keys);
  for (const auto& [name, entry] : list.items()) {
    std::vector<std::string> cells;
    for (const std::string& key : keys)
      cells.push_back(entry.contains(key) ? cell_text(entry[key]) : name);
    table.row(std::move(cells));
  }
  std::string text = "\n\n" + title + "\n  ";
  constexpr size_t kIndent = 2;
  const size_t width = output_width(1);
  for (const char c : table.text(width > kIndent ? width - kIndent : width))
    text += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return text;
}

// Metrics for people: families of many (the probability of every option) in one line.
Json metric_lines(const Json& metrics) {
  constexpr size_t kFamily = 9;
  const auto family = [](const std::string& name) {
    const size_t first = name.find('.');
    const size_t second = first == std::string::npos ? first : name.find('.', first + 1);
    return second == std::string::npos ? std::string() : name.substr(0, second + 1);
  };
  struct Summary {
    size_t count = 0;
    double low = 0, high = 0;
  };
  std::map<std::string, Summary> families;
  for (const auto& [name, entry] : metrics.items()) {
    Summary& s = families[family(name)];
    const double value = entry["value"].is_number() ? entry["value"].get<double>() : NAN;
    s.low = s.count == 0 ? value : std::fmin(s.low, value);
    s.high = s.count == 0 ? value : std::fmax(s.high, value);
    ++s.count;
  }
  Json lines = Json::object();
  for (const auto& [name, entry] : metrics.items()) {
    const std::string prefix = family(name);
    const Summary& s = families[prefix];
    if (prefix.empty() || s.count < kFamily) {
      // The one metric that is a sum over all epochs.
      lines[name == "train.macs" ? "train.macs (whole run)" : name] = entry;
      continue;
    }
    lines[prefix + "* (" + std::to_string(s.count) + " values)"] = {
        {"step", entry["step"]},
        {"value", format_number(s.low, 5) + " .. " + format_number(s.high, 5)}};
  }
  return lines;
}

// One hash stands for all splits of a run.
std::string splits_text(const Json& run) {
  const Json& splits = run["splits"];
  if (splits.empty()) return "";
  std::string text = "\n\nSplits\n  ";
  bool same = true;
  for (const Json& split : splits) same &= split["hash"] == splits[0]["hash"];
  if (!same) return block("Splits", splits, {"name", "size", "hash"});
  for (const Json& split : splits)
    text += (&split == &splits[0] ? "" : ", ") + cell_text(split["size"]) + " " +
            cell_text(split["name"]);
  // 64 digits seldom fit behind the numbers.
  constexpr size_t kLine = 78;
  const std::string hash = cell_text(splits[0]["hash"]);
  const bool fits = text.size() - text.rfind('\n') + hash.size() + 8 <= kLine;
  text += fits ? " (hash " + hash + ")" : "\n  hash     " + hash;
  if (run.contains("data")) text += "\n  images   " + run["data"].value("contents_sha256", "");
  return text;
}

// Indented, under a heading.
std::string indented(const std::string& title, const std::string& text) {
  std::string out = "\n\n" + title + "\n  ";
  for (const char c : text) out += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return out;
}

std::string compute_text(const Store& store, const RunRow& run) {
  std::string text;
  for (const auto& [what, value] : compute_lines(compute_of(store, run.id)))
    text += (text.empty() ? "" : "\n") + what + ": " + value;
  return text.empty() ? "" : indented("Compute", text);
}

// The tree, or why it cannot be shown.
std::string tree_text(const Store& store, const RunRow& run, Json& json, const Common& common) {
  try {
    const auto tree = tree_report(store, run);
    if (!tree) return "";
    json = tree->json;
    constexpr size_t kIndent = 2;
    const size_t width = output_width(1);
    const std::string text = fold_tree(tree->text, width > kIndent ? width - kIndent : width);
    if (tree->judged) return text;
    // Nobody should wait for numbers that training does not give.
    return text + "\nAccuracies of the leaves come with what is judged:\n  " +
           suggested({"evaluate", "--run", run.id, "--sample", "60"}, common);
  } catch (const Error& e) {
    return std::string("cannot be shown: ") + e.what();
  }
}

// Of a run that trained one network alone: which, from where.
std::string recipe_text(const Json& recipe) {
  const auto of = [&recipe](const char* key) { return recipe.value(key, std::string()); };
  std::string text = of("architecture");
  if (!of("search").empty()) text += ", of search " + of("search");
  if (!of("pick").empty()) text += " (" + of("pick") + ")";
  return text + (of("inherits").empty() ? ", from new weights"
                                        : ", from the weights of run " + of("inherits"));
}

std::string run_text(const Json& run, const Common& common, const std::string& facts) {
  std::string text;
  const auto line = [&](const std::string& key, const std::string& value) {
    text +=
        (text.empty() ? "" : "\n") +
        fold(key + std::string(key.size() < 13 ? 13 - key.size() : 1, ' ') + printable_lines(value),
             output_width(1));
  };
  for (const char* key : {"run",
                          "name",
                          "command",
                          "status",
                          "progress",
                          "error",
                          "space",
                          "seed",
                          "parent",
                          "started",
                          "ended",
                          "directory"})
    if (const std::string value = cell_text(run[key]); !value.empty()) line(key, value);
  if (run.contains("recipe")) line("network", recipe_text(run["recipe"]));
  if (run["values_awaited"] > 0)
    line("waiting", "for " + cell_text(run["values_awaited"]) + " values (nas tell)");
  if (run["evaluations"] > 0)
    line("results",
         cell_text(run["evaluations"]) + " values of " + cell_text(run["architectures"]) +
             (run["architectures"] == 1 ? " architecture" : " architectures"));
  for (const auto& [name, value] : run["versions"].items()) line(name, cell_text(value));
  text += splits_text(run);
  const bool training = run["command"] == "train";
  text += block(training ? "Metrics (of the last epoch that has them)" : "Last metrics",
                metric_lines(run["metrics"]),
                {"metric", "step", "value"});
  text += facts;
  if (run.contains("health") && !run["health"].empty()) {
    text += "\n\nHealth";
    for (const Json& entry : run["health"])
      text += fold("\n  " + cell_text(entry), output_width(1));
  }
  // Training keeps the newest few.
  Json kept = Json::array();
  for (const Json& row : run["checkpoints"])
    if (row["kept"].get<bool>()) kept.push_back(row);
  text += block("Checkpoints", kept, {"epoch", "step", "path"});
  text += block("Exports", run["exports"], {"format", "architecture", "path"});
  if (!run["documents"].empty()) {
    std::string kinds;
    for (const Json& kind : run["documents"])
      kinds += (kinds.empty() ? "" : ", ") + cell_text(kind);
    text += fold(
        "\n\nDocuments: " + kinds + "\n  " +
            suggested({"results", run["run"].get<std::string>(), "--document", "KIND"}, common),
        output_width(1));
  }
  return text;
}

}  // namespace

int show_run(const Common& common,
             const Store& store,
             const RunRow& run,
             const std::string& drawing,
             const std::string& out) {
  if (drawing == "dot" || drawing == "svg") {
    const auto tree = tree_report(store, run);
    if (!tree)
      throw ConfigError("run " + run.id + " has no split tree to draw",
                        "only few-shot runs have one (weights: {kind: few-shot}), from their first "
                        "checkpoint on");
    put_text(out, drawing == "svg" ? svg_of(tree->dot) : tree->dot);
    return kExitOk;
  }
  Json json = run_json(store, run);
  Json tree;
  const std::string tree_lines = tree_text(store, run, tree, common);
  if (!tree.is_null()) json["split_tree"] = std::move(tree);
  std::string draws_lines;
  try {
    if (const auto draws = draws_of(store, run.id)) {
      json["draws"] = Json::parse(*store.document(run.id, kDraws));
      if (of_several(*draws)) draws_lines = draws_text(*draws);
    }
  } catch (const DataError& e) {
    draws_lines = std::string("cannot be shown: ") + e.what();
  }
  if (drawing == "json") {
    put_text(out, json.dump(2, ' ', false, Json::error_handler_t::replace));
    return kExitOk;
  }
  std::string facts = compute_text(store, run);
  if (!draws_lines.empty()) facts += indented("Options trained", draws_lines);
  if (!tree_lines.empty()) facts += indented("Split tree", tree_lines);
  put_text(out, run_text(json, common, facts));
  return kExitOk;
}

}  // namespace nas::cli
