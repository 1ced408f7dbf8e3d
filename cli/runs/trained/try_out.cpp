// A few real steps of the real session: what is told is measured, not modelled.
#include "cli/runs/trained/try_out.hpp"

#include <sys/resource.h>

#include <filesystem>
#include <optional>

#include "cli/command.hpp"
#include "cli/runs/data_notes.hpp"
#include "cli/runs/trained/run_data.hpp"
#include "cli/runs/trained/train_session.hpp"
#include "spaces/base/scratch_file.hpp"
#include "supernet/weights/trained_weights.hpp"

namespace nas::cli {
namespace {

/// Values kept for one set between steps: weights, statistics, moments.
int64_t values_of_set(const WeightCount& set, const OptimizerOptions& optimizer) {
  int moments = 2;
  if (optimizer.kind == OptimizerKind::kSgd) moments = optimizer.momentum > 0 ? 1 : 0;
  return set.parameters * (1 + moments) + set.statistics;
}

constexpr int64_t kSteps = 10;

/// The same steps with activations and weights in the other layout: equal paths and images, so that
/// the times may be compared. Trees are left out, whose sessions may score choices first.
void time_other_layout(TrainConfig config, DryRun& d) {
  Layout& layout = config.train.memory_format;
  d.layout = layout_name(layout);
  layout = layout == Layout::kChannelsLast ? Layout::kContiguous : Layout::kChannelsLast;
  d.other_layout = layout_name(layout);
  if (weights_kind(config.weights) == "few-shot") return;
  const ScratchFolder scratch("nas-dry-run");
  const Session s = make_session(std::move(config), scratch.path(), "", {}, true, false);
  d.other_layout_seconds_per_step = s.trainer->time_steps(kSteps).seconds_per_step;
}

}  // namespace

DryRun try_out(TrainConfig config, const Common& common) {
  settle(config);
  // What a split before the first epoch writes is no part of any run.
  const ScratchFolder scratch("nas-dry-run");
  std::optional<Session> session(make_session(config, scratch.path(), "", {}));
  const Session& s = *session;
  const RunParts& p = *s.parts;
  tell_data(p, contents_of(*p.dataset, p.splits), common);
  const StepTiming timing = s.trainer->time_steps(kSteps);
  const auto sets = static_cast<int64_t>(s.weights.store->live_sets().size());
  const WeightCount first = count_weights(*s.weights.store->open(0));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  DryRun d;
  d.space = p.space->name();
  d.architectures = p.space->count().str();
  d.sets = sets;
  d.parameters = sets * first.parameters;
  d.state_bytes = 4.0 * static_cast<double>(sets * values_of_set(first, p.config.train.optimizer));
  d.weights = s.weights.store->summary(s.steps_per_epoch() * s.epochs());
  d.data = p.dataset->describe();
  d.train_images = p.splits.train.size();
  d.validation_images = p.splits.validation.size();
  d.test_images = p.splits.test.size();
  d.strategy = s.strategy->name();
  d.device = p.device.str();
  d.threads = p.threads;
  d.device_text = device_text(p.config.train, p.device, p.threads);
  d.shards = p.config.train.shards.value_or(0);
  d.steps_timed = timing.steps;
  d.steps_per_epoch = timing.steps_per_epoch;
  d.seconds_per_step = timing.seconds_per_step;
  d.epochs = s.epochs();
  d.budget = p.config.train.budget.limit();
  d.macs_per_step = timing.macs_per_step;
  d.peak_bytes = 1024.0 * static_cast<double>(usage.ru_maxrss);
  d.database = common.db;
  d.folder = (std::filesystem::absolute(common.db).parent_path() / "nas-runs" / "<run>").string();
  session.reset();
  time_other_layout(std::move(config), d);
  return d;
}

}  // namespace nas::cli
