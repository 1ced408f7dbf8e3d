#include "cli/runs/trained/verify_latency.hpp"

#include <algorithm>
#include <cmath>

#include "cli/runs/latency.hpp"
#include "cli/runs/trained/measuring.hpp"
#include "hardware/dtype.hpp"
#include "spaces/base/joined.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kRepeats = 60;
constexpr double k95 = 1.959964;  ///< Two-sided, normal.

/// What the search was told; "" where it had no table.
EvaluatorOptions options_of(const Store& store, const std::string& search) {
  if (search.empty()) return {};
  const auto row = store.run(search);
  if (!row || row->config_yaml.empty()) return {};
  YamlSource source;
  source.text = row->config_yaml;
  source.file = "configuration of run " + row->id;
  return read_yaml_as<SearchConfig>(source).evaluator;
}

/// Refuses a prediction of what this machine cannot measure, before anything is written.
void require_here(const std::map<std::string, std::string>& conditions, const std::string& name) {
  const auto device = conditions.find("device");
  if (device != conditions.end() && device->second != "cpu" && !device->second.starts_with("cuda"))
    throw ConfigError(
        printable(name) + " is of the device '" + printable(device->second) +
            "'; --verify-latency measures on this machine",
        "Measure the exported network on that device. If this machine's processor is meant, say "
        "so in the table: device: cpu (--device cpu of nas latency import).");
  if (device != conditions.end()) open_device(device->second);
  if (const auto dtype = conditions.find("dtype");
      dtype != conditions.end() && dtype_named(dtype->second) != "float32")
    throw ConfigError(printable(name) + " is of times in " + printable(dtype->second) +
                          "; --verify-latency measures in float32",
                      "Export without it, or name a table of float32.");
}

}  // namespace

struct LatencyVerification::Impl {
  explicit Impl(const Space& space) : costs(space) {}
  CostModel costs;
  Json about;
  double tolerance = 10;
  std::map<std::string, std::string> conditions;  ///< Of the table or the predictor's rows.
  bool fused = false;                             ///< Its times are of more than single ops.
};

LatencyVerification::LatencyVerification(const Store& store,
                                         const Space& space,
                                         const std::string& table,
                                         const std::string& search,
                                         double tolerance_percent)
    : impl_(std::make_unique<Impl>(space)) {
  const EvaluatorOptions searched = options_of(store, search);
  const std::string name = table.empty() ? searched.latency_table : table;
  if (name.empty())
    throw ConfigError("--verify-latency compares with a prediction, and " +
                          (search.empty() ? std::string("no search was named")
                                          : "search " + search + " had no latency table"),
                      "Name the table with --latency-table.");
  impl_->tolerance = tolerance_percent;
  if (table.empty())
    if (const std::string text = replaced_since(store, search, name); !text.empty())
      warning(text + "; the prediction is that of the " +
              (is_predictor_file(name) ? "predictor" : "table") + " as it is now");
  if (is_predictor_file(name)) {
    impl_->conditions = predictor_conditions(name);
    const auto own = impl_->conditions.find("batch");
    const int64_t batch =
        own == impl_->conditions.end() ? searched.latency_batch : std::atoll(own->second.c_str());
    impl_->about = use_latency_predictor(impl_->costs, name, batch);
    require_here(impl_->conditions, name);
    return;
  }
  LatencyModel model = open_latency_model(store, name);
  impl_->conditions = model.table().conditions;
  impl_->fused = model.table().grouping != "ops";
  const int64_t batch = model.table().batch();
  impl_->about = use_latency(impl_->costs, std::move(model), batch, store.path());
  require_here(impl_->conditions, name);
}

LatencyVerification::~LatencyVerification() = default;

// A folded network runs fewer ops than a prediction by single ops adds up: comparing the two would
// call a right table wrong. So the network is timed in the form that the prediction is of, and in
// the other one, too, where it is written so.
VerifiedLatency LatencyVerification::verify(const Architecture& a,
                                            const Plan& plan,
                                            const Plan* folded,
                                            const Common& common) {
  const std::map<std::string, double> costs = impl_->costs.of(a);
  MeasureOptions options{.stop = stop_requested};
  options.batch = impl_->about["batch"].get<int64_t>();
  options.repeats = kRepeats;
  const auto condition = [&](const char* key, const char* otherwise) {
    const auto it = impl_->conditions.find(key);
    return it == impl_->conditions.end() ? std::string(otherwise) : it->second;
  };
  const std::string device = condition("device", "cpu");
  std::vector<Plan> plans{plan};
  if (folded != nullptr) plans.push_back(*folded);
  const size_t like = impl_->fused && folded != nullptr ? 1 : 0;
  const TimedNetworks timed =
      time_networks(plans, options, device, std::atoi(condition("threads", "0").c_str()));
  for (const auto& time : timed.measured.times)
    if (timed.measured.stopped || !time)
      throw Interrupted("stopped while the exported network was measured; its files are written");
  const Timing& t = *timed.measured.times[like];
  VerifiedLatency v;
  v.by = impl_->about;
  v.predicted = costs.at("latency_ms");
  if (const auto spread = costs.find("latency_ms_spread"); spread != costs.end()) {
    v.spread = spread->second;
    v.interval = {std::max(0.0, v.predicted - k95 * spread->second),
                  v.predicted + k95 * spread->second};
  }
  v.measured = t.median_ms;
  v.folded = like == 1;
  if (folded != nullptr && like == 0) v.as_written = timed.measured.times[1]->median_ms;
  v.quartiles = {t.low_ms, t.high_ms};
  v.peak_bytes = t.peak_bytes;
  v.energy_mj = t.energy_mj;
  v.tolerance_percent = impl_->tolerance;
  v.measured_with = timed.conditions;
  if (impl_->fused && folded == nullptr)
    note(common,
         "the table is of fused kernels, and the network is measured op by op; --fold-bn comes "
         "nearer to what the table holds");
  tell_conditions(device, options.batch, common, v);
  return v;
}

void LatencyVerification::tell_conditions(const std::string& device,
                                          int64_t batch,
                                          const Common& common,
                                          VerifiedLatency& v) const {
  const auto condition = [&](const char* key) {
    const auto it = impl_->conditions.find(key);
    return it == impl_->conditions.end() ? std::string() : it->second;
  };
  if (const auto used = v.measured_with.find("threads");
      condition("threads").empty() && used != v.measured_with.end())
    note(common,
         "the prediction does not say with how many threads it was measured; the network is "
         "measured with " +
             used->second + " (OMP_NUM_THREADS changes that)");
  std::vector<std::string> assumed;
  for (const auto& [key, value] : {std::pair("device", device),
                                   std::pair("batch", std::to_string(batch)),
                                   std::pair("dtype", std::string("float32"))}) {
    if (impl_->conditions.contains(key)) continue;
    v.assumed.emplace_back(key);
    assumed.push_back(std::string(key) + " " + value);
  }
  if (!assumed.empty())
    warning("the prediction does not say of what it is; the network is measured with " +
            joined(assumed) + ", and beyond the tolerance may mean that");
  for (const char* key : {"cpu", "gpu", "libtorch"}) {
    const std::string before = condition(key);
    const auto now = v.measured_with.find(key);
    if (!before.empty() && now != v.measured_with.end() && before != now->second)
      note(common,
           "the table was measured with " + std::string(key) + " " + printable(before) +
               ", the network with " + now->second);
  }
}

void keep_verification(Store& store,
                       const std::string& run,
                       const std::string& architecture,
                       const VerifiedLatency& verified) {
  if (store.read_only()) return;
  Json all{{"schema", "nas-latency-verified/1"}, {"networks", Json::array()}};
  const Json before = Json::parse(store.document(run, kLatencyCheck).value_or(""), nullptr, false);
  const std::string by = latency_text(verified.by);
  if (before.is_object() && before.contains("networks"))
    for (const Json& network : before["networks"])
      if (network.value("architecture", "") != architecture || network.value("by", "") != by)
        all["networks"].push_back(network);
  Json network{{"architecture", architecture}, {"by", by}, {"when", utc_now()}};
  network.update(verified_row(verified));
  all["networks"].push_back(std::move(network));
  store.set_document(run, kLatencyCheck, all.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace nas::cli
