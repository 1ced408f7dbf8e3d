// Latency tables: bench_latency [--space NAME] [--networks N] [--repeats R]. Ops of the space, with
// how they were listed; look-up of whole networks, ops a second on one core, with plans that are
// made anew (as a search asks) and without; loading a table file. One line of JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <vector>

#include "hardware/latency_table.hpp"
#include "hardware/op_cases.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/plain_text.hpp"
#include "tests/bench/options.hpp"

namespace {

using namespace nas;

double now() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Median of the processor seconds of some calls.
template <typename F>
double seconds(int repeats, F&& f) {
  std::vector<double> all;
  for (int i = 0; i < repeats; ++i) {
    const double start = now();
    f();
    all.push_back(now() - start);
  }
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

LatencyTable table_of(const SpaceOps& ops) {
  LatencyTable table;
  table.id = "bench";
  table.conditions["batch"] = "1";
  Rng rng(1, "bench");
  for (const auto& [key, op] : ops.ops) {
    const double ms = 0.01 + rng.uniform();
    table.entries[key] = {ms, 0.9 * ms, 1.1 * ms, 30};
  }
  return table;
}

}  // namespace

int main(int argc, char** argv) {
  auto options = bench::options_of(
      argc, argv, {{"--space", "mobilenet"}, {"--networks", "2000"}, {"--repeats", "9"}});
  const auto space = load_space(options["--space"]);
  const int networks = std::atoi(options["--networks"].c_str());
  const int repeats = std::atoi(options["--repeats"].c_str());
  SpaceOps ops;
  const double listing = seconds(1, [&] { ops = ops_of(*space); });
  const auto table = std::make_shared<LatencyTable>(table_of(ops));
  Rng rng(2, "bench");
  std::vector<Architecture> architectures;
  std::vector<Plan> plans;
  size_t count = 0;
  for (int i = 0; i < networks; ++i) {
    architectures.push_back(space->sample(rng));
    plans.push_back(space->plan(architectures.back()));
    for (const Node& node : plans.back().nodes) count += is_free(node.op) ? 0 : 1;
  }
  double sum = 0;
  LatencyLookup lookup(table);
  for (const Plan& plan : plans) sum += lookup.predict(plan);
  const double fast = seconds(repeats, [&] {
    for (const Plan& plan : plans) sum += lookup.predict(plan);
  });
  Plan plan;
  const double with_plans = seconds(repeats, [&] {
    for (const Architecture& a : architectures) {
      space->build(a, plan);
      sum += lookup.predict(plan);
    }
  });
  const double slow = seconds(1, [&] {
    for (const Plan& each : plans) sum += table->predict(each);
  });
  const std::string file = std::filesystem::temp_directory_path() / "bench_latency.json";
  std::ofstream(file) << to_json(*table);
  const double load = seconds(repeats, [&] {
    sum += static_cast<double>(
        latency_table_from_json(read_text_file(file, "table"), file).entries.size());
  });
  const auto bytes = static_cast<long long>(std::filesystem::file_size(file));
  std::filesystem::remove(file);
  const char* how = ops.how == SpaceOps::How::kListed   ? "listed"
                    : ops.how == SpaceOps::How::kScopes ? "scopes"
                                                        : "sampled";
  std::printf(
      "{\"space\": \"%s\", \"ops\": %zu, \"how\": \"%s\", \"built\": %lld, \"list_s\": %.3f, "
      "\"ops_per_network\": %.1f, \"mops_s\": %.2f, \"mops_s_with_plans\": %.2f, "
      "\"mops_s_by_text\": %.3f, \"load_ms\": %.3f, \"bytes\": %lld, \"check\": %.17g}\n",
      space->name().c_str(),
      ops.ops.size(),
      how,
      static_cast<long long>(ops.built),
      listing,
      static_cast<double>(count) / networks,
      1e-6 * static_cast<double>(count) / fast,
      1e-6 * static_cast<double>(count) / with_plans,
      1e-6 * static_cast<double>(count) / slow,
      1e3 * load,
      bytes,
      sum);
  return 0;
}
