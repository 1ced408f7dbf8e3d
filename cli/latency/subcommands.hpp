#pragma once
// Subcommands of `nas latency`: each adds itself to the command and answers what runs it after its
// options were parsed.
#include <functional>

namespace CLI {
class App;
}

namespace nas::cli {

std::function<int()> add_latency_calibrate(CLI::App& app);
std::function<int()> add_latency_plan(CLI::App& app);
std::function<int()> add_latency_check(CLI::App& app);
std::function<int()> add_latency_export_work(CLI::App& app);
std::function<int()> add_latency_import_results(CLI::App& app);
std::function<int()> add_latency_import(CLI::App& app);
std::function<int()> add_latency_export(CLI::App& app);
std::function<int()> add_latency_diff(CLI::App& app);
std::function<int()> add_latency_list(CLI::App& app);
std::function<int()> add_latency_remove(CLI::App& app);

}  // namespace nas::cli
