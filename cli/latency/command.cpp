// nas latency: tables of ops - what they must hold, where they come from, what they say of whole
// networks, what moved.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "cli/latency/subcommands.hpp"

namespace nas::cli {

int run_latency(const std::vector<std::string>& args) {
  CLI::App app("Latency tables: plan, check, import, export, compare, calibrate, list, remove",
               "nas latency");
  app.footer(
      "nas latency plan mobilenet\n"
      "nas latency check mobilenet --table phone.json\n"
      "nas latency export-work digits --out work.jsonl\n"
      "nas latency import-results done.jsonl --unit ms --device phone --batch 1 --dtype float32\n"
      "nas latency import 224_lookup_table.yaml --unit ms --device note10 --batch 1 "
      "--dtype float32\n"
      "nas latency diff monday.json tuesday.json --fail-above 10\n"
      "nas latency plan digits --table laptop --budget 30 --out few.txt\n"
      "nas latency calibrate --table laptop --measure 30 --name laptop-calibrated\n"
      "nas latency calibrate --table laptop --rows measured.csv --unit us\n"
      "nas latency list\n"
      "nas latency remove laptop");
  app.require_subcommand(1);
  constexpr std::function<int()> (*kSubcommands[])(CLI::App&) = {add_latency_plan,
                                                                 add_latency_check,
                                                                 add_latency_export_work,
                                                                 add_latency_import_results,
                                                                 add_latency_import,
                                                                 add_latency_export,
                                                                 add_latency_diff,
                                                                 add_latency_calibrate,
                                                                 add_latency_list,
                                                                 add_latency_remove};
  std::vector<std::function<int()>> runs;
  for (const auto add : kSubcommands) runs.push_back(add(app));
  if (!parse(app, args)) return kExitOk;
  const std::vector<CLI::App*> all = app.get_subcommands({});
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i]->parsed()) return runs[i]();
  return kExitUsage;
}

}  // namespace nas::cli
