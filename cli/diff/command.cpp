// nas diff: whether one set of runs is better or worse than another, for people and for CI.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

#include "cli/command.hpp"
#include "cli/diff/print.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/results/comparable.hpp"
#include "cli/runs/results/run_set.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "spaces/base/joined.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/whole_file.hpp"

namespace nas::cli {
namespace {

struct DiffArguments {
  Common common;
  std::vector<std::string> metrics, ignored;
  std::string base, head, base_db, head_db, fail_below, format = "table", out, split;
  double level = 0.95;
  int draws = 400;
};

/// `-1%` or `-0.01`.
ChangeLimit limit_of(const std::string& text) {
  const bool relative = text.ends_with('%');
  std::string digits = text.substr(0, text.size() - (relative ? 1 : 0));
  while (!digits.empty() && digits.back() == ' ') digits.pop_back();
  const size_t start = digits.starts_with('+') ? 1 : 0;
  ChangeLimit limit{0, relative};
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data() + start, end, limit.value);
  if (error != std::errc() || stop != end || !std::isfinite(limit.value))
    throw ConfigError("--fail-below " + printable(text) +
                          ": expected a change such as -1% (of the base) or -0.005 (in the "
                          "metric's unit)",
                      "A change is positive where head is better: -1% lets head be 1 % worse.");
  if (relative) limit.value /= 100;
  return limit;
}

void check_ignored(const std::vector<std::string>& ignored) {
  std::vector<std::string> known;
  for (const auto& [name, meaning] : difference_kinds()) known.push_back(name);
  for (const std::string& name : ignored) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = nearest(name, known);
    throw ConfigError(
        "--ignore " + printable(name) + ": not known",
        near.empty() ? "There are: " + joined(known) + "." : "Did you mean " + near + "?");
  }
}

/// Runs of a side; of a pattern the commands that most others are not are left to the metrics.
Side side_of(const Store& store, const std::vector<std::string>& words, const std::string& flag) {
  Side side;
  for (const RunRow& run : named_runs(store, words, flag).runs) side.push_back({&store, run});
  return side;
}

/// A pattern takes trainings and searches alike: of those that it found, the ones that a metric is
/// about.
Side fitting(const Side& side, const std::string& metric, bool pattern) {
  if (!pattern) return side;
  const auto of = [&](const char* command) {
    Side list;
    for (const SidedRun& r : side)
      if (r.run.command == command) list.push_back(r);
    return list;
  };
  const Side searches = of("search"), trainings = of("train");
  if (metric == "tau" || metric == "tau_b") return trainings.empty() ? side : trainings;
  if (!searches.empty()) return searches;
  return trainings.empty() ? side : trainings;
}

bool has_pattern(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word.find_first_of("*?[") != std::string::npos;
  });
}

DiffFormat format_of(const DiffArguments& o) {
  if (o.common.json || o.format == "json") return DiffFormat::kJson;
  if (o.format == "markdown") return DiffFormat::kMarkdown;
  if (o.format == "csv") return DiffFormat::kCsv;
  if (o.format == "jsonl") return DiffFormat::kJsonLines;
  return o.format == "junit" ? DiffFormat::kJunit : DiffFormat::kTable;
}

std::string printed(const DiffArguments& o,
                    const DiffHead& head,
                    const std::vector<Comparison>& comparisons,
                    int code) {
  switch (format_of(o)) {
    case DiffFormat::kMarkdown:
      return diff_markdown(head, comparisons);
    case DiffFormat::kCsv:
      return csv_text(diff_rows(comparisons));
    case DiffFormat::kJsonLines:
      return json_lines(diff_rows(comparisons));
    case DiffFormat::kJunit:
      return diff_junit(head, comparisons);
    case DiffFormat::kJson:
      return json_text(diff_json(head, comparisons, code));
    case DiffFormat::kTable:
      break;
  }
  return diff_table(head, comparisons);
}

int diff(const DiffArguments& o) {
  CompareOptions options;
  options.level = o.level;
  options.draws = o.draws;
  options.seed = o.common.seed;
  options.split = o.split;
  options.ignored = {o.ignored.begin(), o.ignored.end()};
  if (!o.fail_below.empty()) options.limit = limit_of(o.fail_below);
  const Store base_store(o.base_db.empty() ? o.common.db : o.base_db, Store::Mode::kRead);
  const Store head_store(o.head_db.empty() ? o.common.db : o.head_db, Store::Mode::kRead);
  const Side base = side_of(base_store, {o.base}, "--base");
  const Side head = side_of(head_store, {o.head}, "--head");
  const bool pattern = has_pattern({o.base}) || has_pattern({o.head});
  std::vector<Comparison> comparisons;
  for (const std::string& metric : o.metrics.empty() ? usual_metrics(base, head) : o.metrics)
    comparisons.push_back(
        compare(metric, fitting(base, metric, pattern), fitting(head, metric, pattern), options));
  const int code = exit_code(comparisons, options.limit.has_value());
  const DiffHead about{o.base, o.head, o.level, o.fail_below};
  const std::string text = printed(o, about, comparisons, code);
  if (!o.out.empty()) {
    write_whole_file(o.out, text + "\n");
    note(o.common, "written to " + o.out);
  } else if (format_of(o) == DiffFormat::kTable) {
    print_prose(text);
  } else {
    print(text);
  }
  return code;
}

}  // namespace

int run_diff(const std::vector<std::string>& args) {
  DiffArguments o;
  CLI::App app("Compare two runs, or two sets of seeds", "nas diff");
  app.footer(
      "nas diff base-search head-search\n"
      "nas diff main-1,main-2,main-3 new-1,new-2,new-3 --metric hypervolume\n"
      "nas diff 'main-*' 'new-*' --metric accuracy --fail-below -1%\n"
      "nas diff --base-db main.db 'main-*' 'new-*' --format junit --out diff.xml\n"
      "nas diff first second --metric tau --format markdown");
  app.add_option("base,--base",
                 o.base,
                 "Runs of one side: ids, names or patterns such as 'main-*', with commas between")
      ->required()
      ->type_name("RUN");
  app.add_option("head,--head", o.head, "Runs of the other side, whose change is told")
      ->required()
      ->type_name("RUN");
  app.add_option("--metric",
                 o.metrics,
                 "hypervolume, tau, accuracy, latency or any metric of the runs; repeatable "
                 "(default: what the runs have)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--fail-below",
                 o.fail_below,
                 "Exit code 4 where head is surely worse than this change, such as -1% (of the "
                 "base) or -0.005; a change is positive where head is better")
      ->type_name("CHANGE");
  app.add_option("--level", o.level, "Level of the intervals")
      ->check(number_within(0.5, 0.999))
      ->capture_default_str();
  app.add_option("--draws", o.draws, "Random halves and bootstraps of single runs")
      ->check(CLI::Range(50, 100000))
      ->capture_default_str();
  app.add_option("--ignore",
                 o.ignored,
                 "Compare although this differs: split, images, recalibration, table, source, "
                 "compute, limits or latency-table; repeatable")
      ->type_name("WHAT")
      ->allow_extra_args(false);
  app.add_option("--split", o.split, "Accuracies of trainings on validation, test or train")
      ->check(CLI::IsMember({"validation", "test", "train"}));
  app.add_option(
         "--format", o.format, "How it is printed: table, markdown, csv, json, jsonl or junit")
      ->check(CLI::IsMember({"table", "markdown", "csv", "json", "jsonl", "junit"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  app.add_option(
      "--out", o.out, "Write it to a file instead of printing it; an older one is replaced");
  app.add_option("--base-db", o.base_db, "Store of the base, where it is another one than --db")
      ->type_name("FILE");
  app.add_option("--head-db", o.head_db, "Store of the head, where it is another one than --db")
      ->type_name("FILE");
  add_common(app, o.common, kTakesDb | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  if (!std::isfinite(o.level)) throw ConfigError("--level: expected a number from 0.5 to 0.999");
  check_ignored(o.ignored);
  return diff(o);
}

}  // namespace nas::cli
