#include "cli/command.hpp"

namespace nas::cli {

int run_bench(const std::vector<std::string>& args);
int run_completion(const std::vector<std::string>& args);
int run_config(const std::vector<std::string>& args);
int run_data(const std::vector<std::string>& args);
int run_db(const std::vector<std::string>& args);
int run_diff(const std::vector<std::string>& args);
int run_doctor(const std::vector<std::string>& args);
int run_latency(const std::vector<std::string>& args);
int run_list(const std::vector<std::string>& args);
int run_man(const std::vector<std::string>& args);
int run_predict(const std::vector<std::string>& args);
int run_reproduce(const std::vector<std::string>& args);
int run_report(const std::vector<std::string>& args);
int run_results(const std::vector<std::string>& args);
int run_runs(const std::vector<std::string>& args);
int run_search(const std::vector<std::string>& args);
int run_ask(const std::vector<std::string>& args);
int run_tell(const std::vector<std::string>& args);
int run_space(const std::vector<std::string>& args);
int run_sweep(const std::vector<std::string>& args);
int run_version(const std::vector<std::string>& args);

const std::vector<Command>& light_commands() {
  static const std::vector<Command> table = {
      {"search", "Find the best architectures under limits", run_search, false, "Main road"},
      {"ask", "What a search that is told asks next", run_ask, false, "Main road"},
      {"tell", "Store the values that a search asked for", run_tell, false, "Main road"},
      {"sweep",
       "Train, rank, search and export over many configurations and seeds",
       run_sweep,
       false,
       "Main road"},
      {"reproduce",
       "The commands that made an exported network",
       run_reproduce,
       false,
       "Main road"},
      {"predict",
       "Fit and judge predictors of what is costly to measure",
       run_predict,
       false,
       "Hardware and ranking"},
      {"latency",
       "Latency tables: make, check, compare, calibrate them",
       run_latency,
       false,
       "Hardware and ranking"},
      {"bench",
       "Published tables as one indexed file that opens at once",
       run_bench,
       false,
       "Data"},
      {"data", "Check a data set, show its splits and shape", run_data, false, "Data"},
      {"runs", "List runs, show one", run_runs, false, "Results"},
      {"results",
       "Evaluations, fronts and training curves of a run",
       run_results,
       false,
       "Results"},
      {"report",
       "One HTML page about runs: fronts, curves, rankings",
       run_report,
       false,
       "Results"},
      {"diff",
       "Compare two runs, or two sets of seeds, and fail where it is worse",
       run_diff,
       false,
       "Results"},
      {"space",
       "Describe, count, sample and check search spaces",
       run_space,
       false,
       "Spaces and data"},
      {"db", "Inspect, check, merge and upgrade results stores", run_db, false, "Results"},
      {"config", "Check, show and describe configuration files", run_config, false, "Help"},
      {"list", "Names of spaces, strategies, algorithms ...", run_list, false, "Help"},
      {"doctor", "What this build and machine can do", run_doctor, false, "Help"},
      {"completion", "Shell completion for bash, zsh and fish", run_completion, false, "Help"},
      {"man", "Manual pages of all commands and topics", run_man, false, "Help"},
      {"version", "Version of this build", run_version, false, "Help"},
  };
  return table;
}

}  // namespace nas::cli
