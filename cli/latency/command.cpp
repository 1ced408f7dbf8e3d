// nas latency: tables of ops, and what they say of whole networks.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "cli/latency/subcommands.hpp"

namespace nas::cli {

int run_latency(const std::vector<std::string>& args) {
  CLI::App app("Latency tables: what to measure, and what sums of ops are worth", "nas latency");
  app.footer(
      "nas latency choose --space digits --budget 30\n"
      "nas latency calibrate --table laptop --measure 30 --name laptop-calibrated\n"
      "nas latency calibrate --table laptop --rows measured.csv --unit us");
  app.require_subcommand(1);
  constexpr std::function<int()> (*kSubcommands[])(CLI::App&) = {add_latency_calibrate,
                                                                 add_latency_choose};
  std::vector<std::function<int()>> runs;
  for (const auto add : kSubcommands) runs.push_back(add(app));
  if (!parse(app, args)) return kExitOk;
  const std::vector<CLI::App*> all = app.get_subcommands({});
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i]->parsed()) return runs[i]();
  return kExitUsage;
}

}  // namespace nas::cli
