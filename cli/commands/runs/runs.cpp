#include <CLI/CLI.hpp>

#include <algorithm>

#include "cli/commands/runs/runs.hpp"
#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "cli/report/graphviz.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/validators.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct RunsArguments {
  Common common;
  std::string format = "table";
  std::string run, command, status, name, drawing, out;
  std::vector<std::string> removed;
  int top = 0;
  bool config = false, yes = false;
};

// What went wrong, below the table: a reason may hold a path as long as a line.
void print_reasons(const std::vector<RunRow>& runs) {
  for (const RunRow& run : runs)
    if (run.status == "failed" && !run.error.empty())
      print_prose(run.id + " failed: " + run.error.substr(0, run.error.find('\n')));
}

Rows rows_for_people(const Store& store, const std::vector<RunRow>& runs) {
  Rows rows{{"run", "name", "command", "status", "progress", "accuracy", "started", "space"}, {}};
  for (const RunRow& run : runs) {
    const RunAccuracy accuracy = run_accuracy(store, run);
    std::string shown;
    if (accuracy.value)
      shown = format_number(100 * *accuracy.value) + " %" +
              (accuracy.of == "train.accuracy" ? " (train)" : "");
    const size_t awaited = values_awaited(store, run);
    rows.rows.push_back({run.id,
                         run.name,
                         run.command,
                         awaited > 0 ? "waiting" : shown_status(run),
                         run_progress(store, run).text,
                         shown,
                         run.started,
                         run.space});
  }
  return rows;
}

Rows rows_for_programs(const Store& store, const std::vector<RunRow>& runs) {
  Rows rows{{"run",
             "name",
             "command",
             "status",
             "space",
             "started",
             "ended",
             "done",
             "total",
             "accuracy",
             "accuracy_of",
             "error",
             "values_awaited"},
            {}};
  for (const RunRow& run : runs) {
    const RunProgress progress = run_progress(store, run);
    const RunAccuracy accuracy = run_accuracy(store, run);
    rows.rows.push_back({run.id,
                         run.name,
                         run.command,
                         shown_status(run),
                         run.space,
                         run.started,
                         run.ended,
                         progress.done ? Json(*progress.done) : Json(nullptr),
                         progress.total ? Json(*progress.total) : Json(nullptr),
                         accuracy.value ? json_number(*accuracy.value) : Json(nullptr),
                         accuracy.of,
                         run.error,
                         values_awaited(store, run)});
  }
  return rows;
}

int list_runs(const RunsArguments& o) {
  const Store store(o.common.db, Store::Mode::kRead);
  const std::vector<RunRow> runs = store.runs();
  std::vector<RunRow> shown;
  for (auto row = runs.rbegin(); row != runs.rend(); ++row) {
    if (!o.command.empty() && row->command != o.command) continue;
    if (o.status == "waiting" ? values_awaited(store, *row) == 0
                              : !o.status.empty() && shown_status(*row) != o.status)
      continue;
    if (o.top > 0 && shown.size() == static_cast<size_t>(o.top)) break;
    shown.push_back(*row);
  }
  const Format format = chosen_format(o.common, o.format);
  if (shown.empty() && format == Format::kTable) {
    note(o.common, "no runs" + std::string(runs.empty() ? "" : " fit") + " in " + store.path());
    return kExitOk;
  }
  print_rows(
      format == Format::kTable ? rows_for_people(store, shown) : rows_for_programs(store, shown),
      format,
      {{"schema", "nas-runs/1"}, {"db", store.path()}},
      "runs");
  if (format == Format::kTable) print_reasons(shown);
  return kExitOk;
}

}  // namespace

int run_runs(const std::vector<std::string>& args) {
  RunsArguments o;
  CLI::App app("List runs; show, rename or remove some", "nas runs");
  app.footer(
      "nas runs\n"
      "nas runs ls --command train --status finished\n"
      "nas runs show last\n"
      "nas runs show few-shot --out tree.svg\n"
      "nas runs rename last baseline\n"
      "nas runs rm t-20261124-1a2b3c s-20261124-4d5e6f --yes\n"
      "nas runs show t-20261124-1a2b3c --config-only > config.yaml");
  app.require_subcommand(0, 1);
  const auto list_options = [&o](CLI::App& to) {
    to.add_option("--command", o.command, "Only runs of this command (train, search ...)")
        ->type_name("NAME");
    to.add_option(
          "--status",
          o.status,
          "Only running, finished, interrupted, waiting (for nas tell), failed or killed runs")
        ->check(
            CLI::IsMember({"running", "finished", "interrupted", "waiting", "failed", "killed"}))
        ->type_name("STATUS");
    to.add_option("--top", o.top, "At most N runs, newest first")
        ->check(positive_number())
        ->type_name("N");
    add_format(to, o.format);
    add_common(to, o.common);
  };
  list_options(app);
  CLI::App* list = app.add_subcommand("ls", "List runs, newest first");
  list_options(*list);
  CLI::App* show = app.add_subcommand("show", "Everything about one run");
  show->add_option("run", o.run, "Id, unique start of an id, name, or last")->required();
  CLI::Option* only =
      show->add_flag("--config-only", o.config, "Print only its resolved configuration (YAML)");
  show->add_option("--format",
                   o.drawing,
                   "text or json; dot or svg: a picture of the split tree of a few-shot run "
                   "(default: by the ending of --out, else text)")
      ->check(CLI::IsMember({"text", "json", "dot", "svg"}))
      ->type_name("text|json|dot|svg")
      ->excludes(only);
  show->add_option("--out", o.out, "File to write instead of stdout; an older one is replaced")
      ->type_name("FILE")
      ->excludes(only);
  add_common(*show, o.common);
  CLI::App* remove = app.add_subcommand("rm", "Remove runs with their results and files");
  remove->add_option("run", o.removed, "Ids, unique starts of an id, names, or last")->required();
  remove->add_flag("-y,--yes", o.yes, "Do not ask");
  add_common(*remove, o.common);
  CLI::App* rename = app.add_subcommand("rename", "Give a run another name");
  rename->add_option("run", o.run, "Id, unique start of an id, name, or last")->required();
  rename->add_option("name", o.name, "Its new name")->required();
  add_common(*rename, o.common);
  if (!parse(app, args)) return kExitOk;
  if (remove->parsed()) return remove_runs(o.common, o.removed, o.yes);
  if (rename->parsed()) return rename_run(o.common, o.run, o.name);
  if (!show->parsed()) return list_runs(o);
  const Store store(o.common.db, Store::Mode::kRead);
  const RunRow run = find_run(store, o.run);
  if (o.config && o.common.json)
    return print(json_text({{"schema", "nas-runs-config/1"},
                            {"run", run.id},
                            {"command", run.command},
                            {"config", stored_config_text(run)}})),
           kExitOk;
  if (o.config) return print(stored_config_text(run)), kExitOk;
  const std::string drawing = o.drawing.empty() && o.out.empty() && o.common.json
                                  ? "json"
                                  : drawing_format(o.drawing, o.out);
  return show_run(o.common, store, run, drawing, o.out);
}

}  // namespace nas::cli
