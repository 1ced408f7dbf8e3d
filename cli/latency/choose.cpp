// nas latency choose: which few networks or ops to measure, so that most is learnt of all others.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/latency/subcommands.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/latency.hpp"
#include "hardware/prediction/choose.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string space, table, what = "networks", out;
  int budget = 30;
};

std::optional<LatencyModel> table_of(const Options& o) {
  if (o.table.empty()) return std::nullopt;
  if (auto file = latency_model_file(o.table)) return file;
  return open_latency_model(Store(o.common.db, Store::Mode::kRead), o.table);
}

std::vector<std::string> chosen(const Options& o) {
  const std::optional<LatencyModel> model = table_of(o);
  if (o.what == "ops") {
    if (!model)
      throw ConfigError("--what ops chooses among the ops of a table of another device",
                        "Name it with --table.");
    if (!o.space.empty()) require_fit(model->table(), *load_space(o.space));
    return choose_ops(model->table(), o.budget);
  }
  if (o.space.empty() && !model) throw ConfigError("name the space with --space");
  const std::string name = o.space.empty() ? model->table().space : o.space;
  if (name.empty()) throw ConfigError("the table names no space", "Name it with --space.");
  const auto space = load_space(name);
  if (model) require_fit(model->table(), *space);
  std::vector<std::string> list;
  for (const Architecture& a :
       choose_networks(*space, model ? &model->table() : nullptr, o.budget, o.common.seed))
    list.push_back(space->text(a));
  return list;
}

int run(const Options& o) {
  const std::vector<std::string> list = chosen(o);
  std::string text;
  for (const std::string& line : list) text += (text.empty() ? "" : "\n") + line;
  if (!o.out.empty()) write_whole_file(o.out, text + "\n");
  if (o.common.json)
    return print(json_text({{"schema", "nas-latency-choose/1"},
                            {"what", o.what},
                            {"table", o.table.empty() ? Json(nullptr) : Json(o.table)},
                            {o.what == "ops" ? "ops" : "architectures", list}})),
           kExitOk;
  if (static_cast<int>(list.size()) < o.budget)
    note(o.common, "there are " + std::to_string(list.size()) + " in all");
  if (o.out.empty())
    print(text);
  else
    print_prose(std::to_string(list.size()) + " " + o.what + " written to " + o.out);
  return kExitOk;
}

}  // namespace

std::function<int()> add_latency_choose(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "choose", "Which few networks (or ops) to measure: a D-optimal choice, best first");
  sub->add_option("--space", o->space, "Space: a name or a file (default: the table's)");
  sub->add_option("--table",
                  o->table,
                  "Latency table whose sums are to be calibrated, or whose "
                  "ops are to be measured on another device");
  sub->add_option("--what", o->what, "networks, or ops of --table")
      ->check(CLI::IsMember({"networks", "ops"}))
      ->capture_default_str();
  sub->add_option("--budget", o->budget, "How many")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  sub->add_option("--out", o->out, "Write them to this file, one a line");
  add_common(*sub, o->common, kTakesDb | kTakesSeed);
  return [o] { return run(*o); };
}

}  // namespace nas::cli
