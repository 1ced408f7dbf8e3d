// Images a second that the loader hands to training: decoded images in memory, random crops and
// flips as for CIFAR-10, normalised to floats. Nothing is computed with them.
// bench_load [--images N] [--resolution R] [--batch N] [--workers N,N,...] [--seconds S]
// Prints one line of JSON for each number of workers.
#include <chrono>
#include <cstdio>
#include <map>
#include <numeric>
#include <sstream>
#include <string>

#include "options.hpp"
#include "supernet/data/dataset.hpp"

namespace {

using namespace nas;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Whole passes until `seconds` are over.
double images_per_second(const Dataset& data,
                         const DataOptions& options,
                         int64_t batch,
                         double seconds) {
  const Normalisation normalisation{std::vector<float>(3, 0.5f), std::vector<float>(3, 0.25f)};
  Loader loader(data, normalisation, options, /*seed=*/0);
  std::vector<int64_t> order(static_cast<size_t>(data.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto pass = [&](uint64_t epoch) {
    loader.start(order, batch, epoch, /*augment=*/true, /*drop_last=*/false);
    while (loader.next() != nullptr) {
    }
  };
  pass(0);  // Fills the cache.
  const auto start = Clock::now();
  int64_t passes = 0;
  while (seconds_since(start) < seconds) pass(static_cast<uint64_t>(++passes));
  return static_cast<double>(passes * data.size()) / seconds_since(start);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options o = bench::options_of(argc,
                                       argv,
                                       {{"--images", "10000"},
                                        {"--resolution", "32"},
                                        {"--batch", "256"},
                                        {"--workers", "1,2,4,8"},
                                        {"--seconds", "1"}});
  try {
    DataOptions options;
    options.kind = "synthetic";
    options.synthetic_size = std::stoll(o["--images"]);
    options.synthetic_resolution = std::stoi(o["--resolution"]);
    options.crop_padding = options.synthetic_resolution / 8;
    options.flip = true;
    const auto data = open_dataset(options);
    std::istringstream list(o["--workers"]);
    for (std::string workers; std::getline(list, workers, ',');) {
      options.workers = std::stoi(workers);
      std::printf(
          "{\"workers\": %d, \"resolution\": %d, \"images_per_second\": %.0f}\n",
          options.workers,
          options.synthetic_resolution,
          images_per_second(*data, options, std::stoll(o["--batch"]), std::stod(o["--seconds"])));
      std::fflush(stdout);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 2;
  }
  return 0;
}
