// Training throughput: forward, loss, backward, SGD step on one resident batch: of a fixed path,
// of uniformly drawn ones, or of several paths a step (sandwich, fair).
// bench_train [--KEY VALUE ...] [--case "KEY=VALUE ..." ...] [--bundle FOLDER]
// Keys and defaults: kDefaults below. Each case overrides the keys before it and prints one line of
// JSON; without --case there is one. --bundle writes instead what bench_train.py needs to build the
// same networks, with weights, images, losses and gradients to compare with (bench_bundle.hpp).
// train_vs_python.sh alternates the two on a CPU, tests/gpu/check.sh on a GPU.
#include <ATen/ATen.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "bench_bundle.hpp"
#include "spaces/registry.hpp"
#include "supernet/device.hpp"
#include "supernet/judge/worker_pool.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/train/step/optimizer.hpp"
#include "supernet/train/step/path_runner.hpp"

namespace {

using namespace nas;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
using Keys = std::map<std::string, std::string>;

const Keys kDefaults = {{"space", "resnet20-pool"},
                        {"arch", "[4,3,3]"},  // Of paths=fixed; empty: the largest.
                        {"paths", "fixed"},   // fixed | uniform | sandwich | fair
                        {"batch", "128"},
                        {"steps", "0"},  // Timed; 0: as many as `seconds` hold.
                        {"seconds", "2"},
                        {"precision", "fp32"},  // fp32 | tf32 | bf16
                        {"layout", "contiguous"},
                        {"deterministic", "1"},  // On a GPU.
                        {"device", "cpu"},
                        {"threads", "0"},
                        {"shards", "0"},  // train.shards; 0: threads inside ops; auto.
                        {"peak", "0"}};   // 1: the share of large matrix products' speed.

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Waits until the device has done all that is queued.
void wait_for(c10::Device device) {
  if (!device.is_cpu())
    c10::impl::getDeviceGuardImpl(device.type())->getStream(device).synchronize();
}

/// Multiply-adds a second of large float matrix products: the machine's practical peak.
double matmul_peak(c10::Device device) {
  const int64_t n = device.is_cpu() ? 2048 : 8192;
  const at::Tensor a = at::rand({n, n}, device), b = at::rand({n, n}, device);
  at::Tensor c = at::mm(a, b);
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    wait_for(device);
    const auto start = Clock::now();
    at::mm_out(c, a, b);
    wait_for(device);
    best = std::max(best, std::pow(static_cast<double>(n), 3) / seconds_since(start));
  }
  return best;
}

TrainOptions options_of(const Keys& o) {
  TrainOptions options;
  if (o.at("shards") != "auto") options.shards = std::stoi(o.at("shards"));
  options.batch = std::stoll(o.at("batch"));
  const std::string& precision = o.at("precision");
  options.precision = precision == "bf16"   ? Precision::kBf16
                      : precision == "tf32" ? Precision::kTf32
                                            : Precision::kFp32;
  options.memory_format =
      o.at("layout") == "channels_last" ? Layout::kChannelsLast : Layout::kContiguous;
  options.deterministic = o.at("deterministic") == "1";
  return options;
}

const TrainOptions& settled(TrainOptions& options, bool on_cpu, const Shape& image) {
  settle(options, on_cpu, int64_t{image.h} * image.w);
  return options;
}

/// The training loop of one case.
class Loop {
 public:
  Loop(const Keys& o, const Device& on)
      : options_(options_of(o)),
        device_(torch_device(on)),
        batch_(std::stoll(o.at("batch"))),
        space_(load_space(o.at("space"))),
        set_(make_shared_set(
            *space_, 0, at::kFloat, device_, options_.memory_format == Layout::kChannelsLast)),
        optimizer_(set_->parameters(), options_.optimizer),
        runner_(*space_,
                !set_->buffers().empty(),
                settled(options_, device_.is_cpu(), space_->input()),
                device_,
                0) {
    set_gpu_arithmetic(on, options_.precision == Precision::kTf32, options_.deterministic);
    bench::Networks networks = bench::networks(*space_, o.at("arch"));
    sandwich_ = o.at("paths") == "sandwich";
    const auto steps = networks.steps.find(o.at("paths"));
    if (steps == networks.steps.end())
      throw std::runtime_error("no steps '" + o.at("paths") + "' in the space " + o.at("space"));
    steps_ = steps->second;
    networks_ = std::move(networks.all);
    const Shape in = space_->input();
    data_.images = at::rand({batch_, in.c, in.h, in.w}).to(device_);
    if (options_.memory_format == Layout::kChannelsLast)
      data_.images = data_.images.contiguous(at::MemoryFormat::ChannelsLast);
    data_.labels = at::randint(space_->classes(), {batch_}, at::kLong).to(device_);
  }

  void step() {
    const std::vector<size_t>& numbers = steps_[static_cast<size_t>(done_) % steps_.size()];
    step_.paths.assign(numbers.size(), {});
    for (size_t i = 0; i < numbers.size(); ++i) {
      Path& path = step_.paths[i];
      path.architecture = networks_[numbers[i]];
      if (!sandwich_ || i == 0) continue;
      path.distill_from = 0;
      path.hard_loss = 0;
      path.regularise = false;
    }
    used_.assign(set_->parameters().size(), false);
    const size_t teachers = sandwich_ ? 1 : 0;
    if (sandwich_) runner_.run(step_, 0, *set_, used_, data_, 1.0, done_, false);
    const std::vector<PathRunner::PathSet> sets(numbers.size(), {set_.get(), &used_});
    const auto nothing = [](size_t) {};
    runner_.run_each(step_, teachers, sets, data_, 1.0, done_, false, nothing, nothing);
    ++done_;
    runner_.clear();
    optimizer_.step(0.01, used_);
  }

  /// Seconds of `n` steps queued one after the other.
  double timed(int64_t n) {
    wait_for(device_);
    const auto start = Clock::now();
    for (int64_t k = 0; k < n; ++k) step();
    wait_for(device_);
    return seconds_since(start);
  }

  /// Share of a step's time after which the host has queued all of its work, each step for itself.
  double host_share(int64_t n) {
    double host = 0, all = 0;
    for (int64_t k = 0; k < n; ++k) {
      wait_for(device_);
      const auto start = Clock::now();
      step();
      host += seconds_since(start);
      wait_for(device_);
      all += seconds_since(start);
    }
    return host / all;
  }

  Json measure(const Keys& o) {
    // As the trainer has it: what runs outside the parts has one thread.
    std::optional<OneThreadPerOp> apart;
    if (options_.shards.value_or(0) > 0) apart.emplace();
    const auto round = static_cast<int64_t>(steps_.size());
    timed(std::max<int64_t>(round, 3));  // Every path allocates, loads and tunes once.
    int64_t steps = std::stoll(o.at("steps"));
    if (steps == 0) {
      const double rounds = std::stod(o.at("seconds")) / timed(round);
      steps = round * std::max<int64_t>(1, static_cast<int64_t>(rounds));
    }
    const double seconds = timed(steps);
    Json line{{"program", "nas"}};
    for (const char* key : {"space", "paths", "precision", "layout", "device"})
      line[key] = o.at(key);
    line["batch"] = batch_;
    line["deterministic"] = options_.deterministic;
    line["threads"] = compute_threads();
    line["shards"] = options_.shards.value_or(0);
    line["steps"] = steps;
    line["step_ms"] = 1e3 * seconds / static_cast<double>(steps);
    line["images_per_second"] = static_cast<double>(steps * batch_) / seconds;
    if (!device_.is_cpu()) line["host_share"] = host_share(2 * round);
    if (o.at("peak") == "1") {
      double macs = 0;
      for (const std::vector<size_t>& numbers : steps_)
        for (const size_t i : numbers)
          macs +=
              static_cast<double>(cost_of(space_->plan(networks_[i]), space_->counting()).macs) /
              static_cast<double>(round);
      // Backward costs twice the forward pass.
      line["share_of_matmul_peak"] =
          3 * macs * static_cast<double>(steps * batch_) / seconds / matmul_peak(device_);
    }
    return line;
  }

 private:
  TrainOptions options_;
  c10::Device device_;
  int64_t batch_;
  std::unique_ptr<Space> space_;
  std::unique_ptr<WeightSet> set_;
  Optimizer optimizer_;
  PathRunner runner_;
  std::vector<Architecture> networks_;
  std::vector<std::vector<size_t>> steps_;
  bool sandwich_ = false;
  TrainBatch data_;
  Step step_;
  std::vector<bool> used_;
  int64_t done_ = 0;
};

void set_key(Keys& keys, const std::string& key, const std::string& value) {
  if (!keys.contains(key)) throw std::runtime_error("unknown key '" + key + "'");
  keys[key] = value;
  if (key == "space") keys["arch"] = "";  // Of another space.
}

}  // namespace

int main(int argc, char** argv) try {
  Keys keys = kDefaults;
  std::vector<std::string> given;
  std::string bundle;
  for (int i = 1; i < argc; i += 2) {
    const std::string key = argv[i];
    if (!key.starts_with("--") || i + 1 >= argc)
      throw std::runtime_error("unknown or incomplete option " + key);
    if (key == "--case")
      given.emplace_back(argv[i + 1]);
    else if (key == "--bundle")
      bundle = argv[i + 1];
    else
      set_key(keys, key.substr(2), argv[i + 1]);
  }
  if (given.empty()) given.emplace_back();
  const Device device = open_device(keys["device"]);
  set_compute_threads(std::stoi(keys["threads"]));
  tune_allocator();
  for (const std::string& text : given) {
    Keys o = keys;
    std::istringstream words(text);
    for (std::string word; words >> word;)
      set_key(o, word.substr(0, word.find('=')), word.substr(word.find('=') + 1));
    if (!bundle.empty()) {
      bench::write_bundle(bundle, o["space"], o["arch"]);
      continue;
    }
    std::printf("%s\n", Loop(o, device).measure(o).dump().c_str());
    std::fflush(stdout);
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "error: %s\n", e.what());
  return 2;
}
