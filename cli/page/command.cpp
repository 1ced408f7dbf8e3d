// nas report: one HTML page about runs, to be looked at, mailed and kept with a build.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/page/gather.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/results/run_set.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/version.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/whole_file.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ReportArguments {
  Common common;
  std::vector<std::string> runs;
  std::string out = "report.html", title;
};

/// Every part, in the order of the page.
constexpr void (*kParts[])(Page&, Gathered&) = {add_runs,
                                                add_fronts,
                                                add_choices,
                                                add_networks,
                                                add_predictors,
                                                add_latency,
                                                add_rankings,
                                                add_training,
                                                add_health,
                                                add_provenance};

std::string title_of(const ReportArguments& o,
                     const Gathered& g,
                     const std::vector<RunRow>& named) {
  if (!o.title.empty()) return printable(o.title);
  constexpr size_t kMost = 4;
  std::string text;
  for (size_t i = 0; i < std::min(kMost, named.size()); ++i)
    text += (i == 0 ? "" : ", ") + g.labels.at(named[i].id);
  return text +
         (named.size() > kMost ? " and " + std::to_string(named.size() - kMost) + " more" : "");
}

int report(const ReportArguments& o) {
  const Store store(o.common.db, Store::Mode::kRead);
  const std::vector<RunRow> named =
      named_runs(store, o.runs.empty() ? std::vector<std::string>{"last"} : o.runs, "nas report")
          .runs;
  Gathered g = gather(store, named, o.common);
  Page page(title_of(o, g, named));
  for (const auto& part : kParts) part(page, g);
  if (!g.problems.empty()) {
    page.section("What could not be shown");
    page.list(g.problems);
  }
  std::string build;
  for (const auto& [name, value] : build_facts())
    if (name == "nas") build = value;
  const std::string html =
      page.html({std::to_string(g.runs.size()) + (g.runs.size() == 1 ? " run" : " runs") +
                 " of the store " + printable(store.path()) + ", " + utc_now() + ", nas " + build});
  if (o.out == "-") {
    print(html);
    return kExitOk;
  }
  write_whole_file(o.out, html);
  for (const std::string& problem : g.problems) warning("not shown: " + problem);
  if (o.common.json) {
    Json document{{"schema", "nas-report/1"},
                  {"out", o.out},
                  {"bytes", html.size()},
                  {"runs", Json::array()},
                  {"sections", page.sections()},
                  {"problems", g.problems}};
    for (const RunRow& run : g.runs) document["runs"].push_back(run.id);
    print(json_text(document));
    return kExitOk;
  }
  print("report of " + std::to_string(g.runs.size()) + (g.runs.size() == 1 ? " run" : " runs") +
        ": " + printable(o.out));
  return kExitOk;
}

}  // namespace

int run_report(const std::vector<std::string>& args) {
  ReportArguments o;
  CLI::App app("One HTML page about runs, without network", "nas report");
  app.footer(
      "nas report\n"
      "nas report digits --out digits.html\n"
      "nas report 'base-*' 'head-*' --title 'Pull request 12' --out report.html\n"
      "nas report last --out - > report.html");
  app.add_option(
         "run,--run",
         o.runs,
         "Ids, names or patterns such as 'sweep-*' (default: last). Their supernets and the "
         "searches in them are shown, too")
      ->type_name("RUN");
  app.add_option("--out", o.out, "File to write, - for standard output; an older one is replaced")
      ->capture_default_str();
  app.add_option("--title", o.title, "Title of the page (default: names of the runs)")
      ->type_name("TEXT");
  add_common(app, o.common);
  if (!parse(app, args)) return kExitOk;
  if (o.out.empty()) throw ConfigError("--out is empty", "Name the file to write.");
  return report(o);
}

}  // namespace nas::cli
