// nas sweep: many trainings, rankings, searches and exports from one file.
#include <CLI/CLI.hpp>

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "cli/config/config_path.hpp"
#include "cli/report/document.hpp"
#include "cli/sweep/estimate.hpp"
#include "cli/sweep/sweep_report.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "spaces/base/shell_word.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct SweepArguments {
  Common common;
  std::string file, shard, format = "table";
  int jobs = 1, tasks = 0, cpus = 0;
  bool dry_run = false, sbatch = false, fail_fast = false;
};

/// Processors that this process may use: a batch system gives fewer than there are.
int usable_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return 1;
}

/// `nas`, wherever this program is: nas-torch lies beside it or in ../libexec/nas.
std::string nas_program() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) throw DataError("/proc/self/exe cannot be read, so nas cannot call itself");
  for (const char* place : {"nas", "../../bin/nas"}) {
    const fs::path path = (self.parent_path() / place).lexically_normal();
    if (fs::is_regular_file(path, error)) return path.string();
  }
  return self.string();
}

/// nas.db -> nas.shard-2-of-8.db
std::string shard_store(const std::string& db, const Shard& shard) {
  const fs::path path = db;
  return (path.parent_path() / (path.stem().string() + ".shard-" + std::to_string(shard.index) +
                                "-of-" + std::to_string(shard.count) + path.extension().string()))
      .string();
}

SweepFile read_file(SweepArguments& o) {
  std::error_code error;
  // A pipe can be read only once: by nas-torch, which a training needs.
  if (!fs::is_regular_file(o.file, error) && !torch_binary().empty()) need_torch();
  std::vector<std::string> sets = o.common.sets;
  if (o.common.seed_given) sets.push_back("seeds=[" + std::to_string(o.common.seed) + "]");
  SweepFile file = parse_sweep(yaml_file(o.file, sets));
  if (!file.plannable) throw ConfigError(file.problems);
  if (file.has(StageKind::kTrain)) need_torch();
  return file;
}

SweepPlace place_of(const SweepArguments& o,
                    const SweepPlan& plan,
                    const std::optional<Shard>& shard) {
  SweepPlace place;
  place.nas = nas_program();
  place.store = shard ? shard_store(o.common.db, *shard) : o.common.db;
  if (shard) place.others = {o.common.db};
  // Each store has its own: two of them may do the same stages at once.
  const fs::path store = fs::absolute(place.store);
  place.folder =
      (store.parent_path() / "nas-sweeps" / store.stem() / plan.name).lexically_normal().string();
  place.locks = (store.parent_path() / "nas-sweeps" / store.stem() / "locks").string();
  place.jobs = o.jobs;
  set_threads(place, std::getenv("OMP_NUM_THREADS"), usable_processors());
  return place;
}

/// A batch script: one task of an array for each shard. `exec` and `B:TERM` let Slurm's warning
/// before the time limit reach nas, which saves; the same script then goes on.
std::string sbatch_script(const SweepArguments& o, const SweepPlan& plan, const SweepPlace& place) {
  const auto most = static_cast<int>(most_shards(plan));
  const int tasks = o.tasks > 0 ? o.tasks : most;
  if (tasks > most)
    warning("only " + counted(static_cast<size_t>(most), "task") +
            " would have work: cells that share a training "
            "stay together");
  const int cpus = o.cpus > 0 ? o.cpus : usable_processors();
  std::error_code error;
  const auto whole = [&error](const std::string& path) {
    return shell_word(fs::absolute(path, error).lexically_normal().string());
  };
  const std::string file = fs::exists(o.file, error) ? whole(o.file) : shell_word(o.file);
  std::string more;
  for (const std::string& set : o.common.sets) more += " --set " + shell_word(set);
  if (o.common.seed_given) more += " --seed " + std::to_string(o.common.seed);
  if (o.jobs > 1) more += " --jobs " + std::to_string(o.jobs);
  if (o.fail_fast) more += " --fail-fast";
  const fs::path db = fs::absolute(o.common.db).lexically_normal();
  const std::string shards = shell_word(db.parent_path() / db.stem()) + ".shard-*" +
                             (db.has_extension() ? shell_word(db.extension()) : "");
  const std::string logs = place.folder + "/slurm-%A_%a.out";
  return "#!/bin/bash\n"
         "# " +
         counted(plan.cells.size(), "cell") + " of the sweep " + plan.name + " in " +
         counted(static_cast<size_t>(tasks), "task") +
         ", each with a store of its own.\n"
         "# Submit:  mkdir -p " +
         shell_word(place.folder) +
         " && sbatch THIS_FILE\n"
         "# Submitted again it goes on with what is left. When all have ended:\n"
         "#   nas db merge " +
         shell_word(db) + " " + shards +
         "\n"
         "#   nas sweep " +
         file + more + " --db " + shell_word(db) +
         "\n"
         "#SBATCH --job-name=" +
         plan.name +
         "\n"
         "#SBATCH --array=1-" +
         std::to_string(tasks) +
         "\n"
         "#SBATCH --ntasks=1\n"
         "#SBATCH --cpus-per-task=" +
         std::to_string(cpus) +
         "\n"
         "#SBATCH --output=" +
         logs +
         "\n"
         "#SBATCH --signal=B:TERM@120\n"
         "# What your cluster wants besides, for example:\n"
         "##SBATCH --time=08:00:00\n"
         "##SBATCH --gres=gpu:1\n"
         "set -eu\n"
         "cd " +
         shell_word(fs::current_path().string()) +
         "\n"
         "exec " +
         shell_word(place.nas) + " sweep " + file + more + " --db " + shell_word(db) + " --quiet";
}

void print_as(const SweepArguments& o,
              const Json& document,
              void (*table)(const Json&),
              Rows (*rows)(const Json&)) {
  const Format format = chosen_format(o.common, o.format);
  if (format == Format::kJson)
    print(json_text(document));
  else if (format == Format::kTable)
    table(document);
  else
    print_rows(rows(document), format, {}, "");
}

int dry_run(const SweepArguments& o, const SweepPlan& plan, const SweepPlace& place) {
  const std::vector<StageState> states = stage_states(plan, place.store, place.others);
  const Json document =
      dry_run_document(plan, states, estimated_seconds(plan, states, place, o.common), place);
  print_as(o, document, print_dry_run, dry_run_rows);
  return kExitOk;
}

int sweep(SweepArguments& o) {
  const SweepFile file = read_file(o);
  SweepPlan plan = plan_sweep(file);
  if (o.sbatch) {
    const std::string script = sbatch_script(o, plan, place_of(o, plan, std::nullopt));
    print(o.common.json ? json_text({{"schema", "nas-sweep-sbatch/1"}, {"script", script}})
                        : script);
    return kExitOk;
  }
  const std::optional<Shard> shard = read_shard(o.shard);
  if (shard) {
    const size_t all = plan.cells.size();
    take_shard(plan, *shard);
    note(o.common,
         "shard " + std::to_string(shard->index) + " of " + std::to_string(shard->count) + ": " +
             std::to_string(plan.cells.size()) + " of " + counted(all, "cell"));
  }
  const SweepPlace place = place_of(o, plan, shard);
  if (place.threads_divided)
    note(o.common,
         "a stage whose configuration gives no threads gets " + std::to_string(place.threads) +
             ": the " + counted(static_cast<size_t>(usable_processors()), "processor") +
             " divided by " + std::to_string(o.jobs) + " jobs (OMP_NUM_THREADS says otherwise)");
  if (o.dry_run) return dry_run(o, plan, place);
  const Json document = sweep_document(plan, run_sweep(plan, place, o.common, o.fail_fast), place);
  print_as(o, document, print_sweep, sweep_rows);
  const auto failed = document["failed"].get<size_t>();
  if (failed > 0)
    throw Error(std::to_string(failed) + " of " + counted(plan.cells.size(), "cell") +
                (failed == 1 ? " is" : " are") + " not done; the same command tries " +
                (failed == 1 ? "it" : "them") + " again");
  if (shard && !plan.cells.empty())
    note(o.common,
         "when all shards are done: " +
             suggested({"db", "merge", o.common.db, place.store, "..."}, Common().db));
  return kExitOk;
}

}  // namespace

int run_sweep(const std::vector<std::string>& args) {
  SweepArguments o;
  CLI::App app("Train, rank, search and export over many configurations and seeds", "nas sweep");
  app.footer(
      "nas sweep sweeps/digits --dry-run\n"
      "nas sweep sweeps/digits --jobs 2\n"
      "nas sweep sweeps/digits --format csv > cells.csv\n"
      "nas sweep sweep.yaml --shard 2/8\n"
      "nas sweep sweep.yaml --sbatch --tasks 16 --cpus 8 > sweep.sh\n"
      "nas help sweep");
  app.add_option_function<std::string>(
         "file",
         [&o](const std::string& name) { o.file = config_path(name); },
         "YAML file of the sweep, or one that ships; - is standard input")
      ->required();
  app.add_option("-j,--jobs", o.jobs, "Stages at once; each gets its share of the processors")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_flag("--dry-run", o.dry_run, "Tell what is done, what would run and how long");
  app.add_option("--shard",
                 o.shard,
                 "Only part I of N of the cells, in a store of its own beside --db (in a Slurm "
                 "array: the task's)")
      ->type_name("I/N");
  app.add_flag(
      "--sbatch", o.sbatch, "Print a script for Slurm: an array with a shard in each task");
  app.add_option("--tasks", o.tasks, "Tasks of that array (default: as many as have work)")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--cpus", o.cpus, "Processors of each task (default: as many as are here)")
      ->check(CLI::Range(1, 4096));
  app.add_flag("--fail-fast", o.fail_fast, "Begin nothing more after the first failure");
  add_format(app, o.format);
  add_common(app, o.common, kTakesDb | kTakesSets | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  if (!o.sbatch && (o.tasks > 0 || o.cpus > 0))
    throw ConfigError("--tasks and --cpus are of the script that --sbatch prints",
                      "for a part of the cells: --shard I/N");
  return sweep(o);
}

}  // namespace nas::cli
