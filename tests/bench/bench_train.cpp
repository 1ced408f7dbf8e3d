// Training throughput of one fixed path: forward, loss, backward, SGD step on one resident batch.
// bench_train [--space S] [--arch A] [--batch N] [--steps N] [--threads N] [--precision fp32|bf16]
//             [--layout contiguous|channels_last] [--peak]
// Prints one line of JSON. bench_train.py does the same in Python; train_vs_python.sh alternates.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include "spaces/registry.hpp"
#include "supernet/device.hpp"
#include "supernet/train/step/optimizer.hpp"
#include "supernet/train/step/path_runner.hpp"

namespace {

using namespace nas;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Multiply-adds a second of large float matrix products: the machine's practical peak.
double matmul_peak() {
  const int64_t n = 2048;
  const at::Tensor a = at::rand({n, n}), b = at::rand({n, n});
  at::Tensor c = at::mm(a, b);
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    at::mm_out(c, a, b);
    best = std::max(best, static_cast<double>(n * n * n) / seconds_since(start));
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> o = {{"--space", "resnet20-pool"},
                                          {"--arch", "[4,3,3]"},
                                          {"--batch", "128"},
                                          {"--steps", "20"},
                                          {"--threads", "0"},
                                          {"--precision", "fp32"},
                                          {"--layout", "contiguous"},
                                          {"--peak", "0"}};
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    if (!o.contains(key) || i + 1 >= argc) {
      std::fprintf(stderr, "unknown or incomplete option %s\n", argv[i]);
      return 2;
    }
    o[key] = argv[++i];
  }
  const int threads = set_compute_threads(std::stoi(o["--threads"]));
  tune_allocator();
  TrainOptions options;
  options.precision = o["--precision"] == "bf16" ? Precision::kBf16 : Precision::kFp32;
  options.memory_format =
      o["--layout"] == "channels_last" ? Layout::kChannelsLast : Layout::kContiguous;
  const bool last = options.memory_format == Layout::kChannelsLast;
  const auto space = load_space(o["--space"]);
  const auto store = make_shared_set(*space, 0, at::kFloat, c10::Device(c10::kCPU), last);
  Optimizer optimizer(store->parameters(), options.optimizer);
  PathRunner runner(*space, !store->buffers().empty(), options, c10::Device(c10::kCPU), 0);
  Step step;
  step.paths.resize(1);
  step.paths[0].architecture = space->parse(o["--arch"]);
  const int64_t n = std::stoll(o["--batch"]);
  TrainBatch batch;
  batch.images = at::rand({n, space->input().c, space->input().h, space->input().w});
  if (last) batch.images = batch.images.contiguous(at::MemoryFormat::ChannelsLast);
  batch.labels = at::randint(space->classes(), {n}, at::kLong);
  const auto one = [&](int64_t k) {
    std::vector<bool> used(store->parameters().size(), false);
    runner.run(step, 0, *store, used, batch, 1.0, k, false);
    runner.clear();
    optimizer.step(0.01, used);
  };
  for (int64_t k = 0; k < 3; ++k) one(k);
  const int64_t steps = std::stoll(o["--steps"]);
  const auto start = Clock::now();
  for (int64_t k = 0; k < steps; ++k) one(k + 3);
  const double rate = static_cast<double>(steps * n) / seconds_since(start);
  const Cost cost = cost_of(space->plan(step.paths[0].architecture), space->counting());
  // Backward costs twice the forward pass.
  const double macs = 3 * rate * static_cast<double>(cost.macs);
  std::printf(
      "{\"program\": \"nas\", \"threads\": %d, \"precision\": \"%s\", \"layout\": \"%s\", "
      "\"images_per_second\": %.1f",
      threads,
      o["--precision"].c_str(),
      o["--layout"].c_str(),
      rate);
  if (o["--peak"] == "1") std::printf(", \"share_of_matmul_peak\": %.3f", macs / matmul_peak());
  std::printf("}\n");
  return 0;
}
