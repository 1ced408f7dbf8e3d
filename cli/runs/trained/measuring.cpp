#include "cli/runs/trained/measuring.hpp"

#include "cli/machine.hpp"
#include "cli/version.hpp"

namespace nas::cli {
namespace {

std::string percent(double share) {
  return format_number(100 * share, 3) + " %";
}

}  // namespace

MeasuringPlace open_measuring(const std::string& name, int threads) {
  MeasuringPlace place;
  place.device = open_device(name);
  set_gpu_arithmetic(place.device, /*tf32=*/false, /*deterministic=*/false);
  auto& c = place.conditions;
  c["device"] = place.device.str();
  c["threads"] = std::to_string(set_compute_threads(threads));
  c["dtype"] = "float32";
  c["cpu"] = cpu_facts().model;
  c["system"] = operating_system();
  for (const auto& [key, value] : build_facts()) c[key] = value;
  if (place.device.cuda) {
    const CudaFacts facts = cuda_facts();
    if (const auto index = static_cast<size_t>(place.device.index); index < facts.devices.size())
      c["gpu"] = facts.devices[index].name;
    c["driver"] = facts.driver;
  }
  return place;
}

void put_drift(const Measured& measured, std::map<std::string, std::string>& conditions) {
  const Drift& drift = measured.drift;
  conditions["sentinel"] = measured.sentinel;
  conditions["drift"] = drift.known ? percent(drift.relative) : "not known: too few visits";
  if (drift.known) conditions["noise"] = percent(drift.noise);
  if (drift.unstable())
    conditions["unstable"] = "the machine drifted by " + percent(drift.relative) +
                             " while it was measured, more than the noise of " +
                             percent(drift.noise);
}

TimedNetworks time_networks(std::span<const Plan> plans,
                            const MeasureOptions& options,
                            const std::string& device,
                            int threads) {
  MeasuringPlace place = open_measuring(device, threads);
  TimedNetworks timed{measure_networks(plans, options, place.device), {}};
  timed.conditions = std::move(place.conditions);
  timed.conditions["batch"] = std::to_string(options.batch);
  timed.conditions.insert(timed.measured.conditions.begin(), timed.measured.conditions.end());
  put_drift(timed.measured, timed.conditions);
  return timed;
}

}  // namespace nas::cli
