// One path: build its plan, forward, loss, backward. Dropout masks come from a stream numbered by
// step and path, so that a resumed run draws the same ones. Logits of a path stay for those that
// learn from it.
#include "supernet/train/step/path_runner.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "spaces/random.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/train/step/teacher.hpp"

namespace nas {
namespace {

at::Generator make_generator(c10::Device device) {
  if (device.is_cpu()) return at::detail::createCPUGenerator();
  return at::globalContext().defaultGenerator(device).clone();
}

bool draws(const Plan& plan) {
  return std::any_of(
      plan.nodes.begin(), plan.nodes.end(), [](const Node& node) { return is_random(node.op); });
}

}  // namespace

PathRunner::PathRunner(const Space& space,
                       bool keeps_statistics,
                       const TrainOptions& options,
                       c10::Device device,
                       uint64_t seed)
    : space_(space),
      task_(task_of(space)),
      options_(options),
      device_(device),
      seed_(seed),
      generator_(make_generator(device)),
      running_bn_(keeps_statistics),
      parts_(options.shards.value_or(0), options.precision) {}

void PathRunner::clear() {
  for (Slot& slot : slots_) {
    slot.logits.reset();
    slot.features.reset();
  }
  teacher_logits_.reset();
}

at::Tensor PathRunner::answer(const Plan& plan,
                              const at::Tensor& images,
                              const std::function<std::unique_ptr<TensorSource>()>& bind,
                              std::optional<uint64_t> randomness) {
  const c10::NoGradGuard no_grad;
  const bool regularise = randomness.has_value();
  if (parts_wanted()) return parts_.logits({plan, images, bind, regularise, randomness});
  ForwardOptions options;
  options.bn = ForwardOptions::Bn::kBatch;
  options.train = regularise;
  if (randomness) {
    generator_.set_current_seed(*randomness);
    options.generator = generator_;
  }
  const AutocastScope autocast(device_, options_.precision);
  const std::unique_ptr<TensorSource> tensors = bind();
  return forward(plan, *tensors, images, options);
}

/// The teacher answers in training mode (search.md 2.7). It normalises with the statistics of the
/// batch, as the network did that it was, so that it needs no recalibration.
void PathRunner::ask_teacher(const Step& step, const TrainBatch& batch, int64_t global_step) {
  if (teacher_logits_.defined()) return;
  if (step.teacher == nullptr) throw std::logic_error("a path is to be taught, but by nobody");
  Rng rng(seed_, "dropout/teacher", static_cast<uint64_t>(global_step));
  const auto bind = [&] { return step.teacher->bind(batch.images); };
  teacher_logits_ =
      answer(space_.plan(step.teacher_architecture), batch.images, bind, rng.next()).to(at::kFloat);
}

PathRunner::Lesson PathRunner::lesson_of(const Path& path, const TrainBatch& batch) const {
  Lesson lesson{batch.labels, batch.weights, {}, teacher_logits_};
  if (path.distill_from >= 0)
    lesson.taught = slots_.at(static_cast<size_t>(path.distill_from)).logits.to(at::kFloat);
  return lesson;
}

at::Tensor PathRunner::loss_of(const Path& path,
                               const at::Tensor& logits,
                               const at::Tensor& auxiliary,
                               double auxiliary_weight,
                               const Lesson& lesson) const {
  const bool each = lesson.weights.defined();
  at::Tensor loss;
  if (path.hard_loss > 0) loss = task_.loss(logits, lesson.labels, options_.label_smoothing, each);
  if (path.hard_loss > 0 && path.distill_from < 0 && path.hard_loss != 1.0)
    loss = loss * path.hard_loss;
  if (path.distill_from >= 0) {
    at::Tensor soft = task_.imitation(logits, lesson.taught, each);
    loss = path.hard_loss > 0 ? loss * path.hard_loss + soft * (1 - path.hard_loss) : soft;
  }
  if (path.teacher_loss > 0) {
    const at::Tensor soft = task_.imitation(logits, lesson.teacher, each) * path.teacher_loss;
    loss = loss.defined() ? loss + soft : soft;
  }
  if (!loss.defined()) throw std::logic_error("a path without any loss");
  // The auxiliary head learns the labels, whoever teaches the path.
  if (auxiliary.defined())
    loss = loss +
           task_.loss(auxiliary, lesson.labels, options_.label_smoothing, each) * auxiliary_weight;
  return each ? (loss * lesson.weights).mean() : loss;
}

at::Tensor PathRunner::whole(const Path& path,
                             Slot& slot,
                             const TrainBatch& batch,
                             const PassSetup& setup) {
  ForwardOptions options;
  options.bn = running_bn_ ? ForwardOptions::Bn::kTrain : ForwardOptions::Bn::kBatch;
  options.train = path.regularise;
  if (setup.randomness) {
    generator_.set_current_seed(*setup.randomness);
    options.generator = generator_;
  }
  if (setup.features) options.features = &slot.features;
  at::Tensor auxiliary;
  options.auxiliary = &auxiliary;
  {
    const AutocastScope autocast(device_, options_.precision);
    const std::unique_ptr<TensorSource> tensors = slot.weights->bind(path.architecture);
    slot.logits = forward(slot.plan, *tensors, batch.images, options);
  }
  if (slot.logits.scalar_type() == at::kBFloat16) slot.logits = slot.logits.to(at::kFloat);
  if (auxiliary.defined()) auxiliary = auxiliary.to(at::kFloat);
  const at::Tensor loss =
      loss_of(path, slot.logits, auxiliary, slot.plan.auxiliary_weight, lesson_of(path, batch));
  (setup.factor == 1.0 ? loss : loss * setup.factor).backward();
  slot.logits = slot.logits.detach();
  if (slot.features.defined()) slot.features = slot.features.detach();
  return loss.detach();
}

PartsJob PathRunner::parts_job(const Path& path,
                               Slot& slot,
                               const TrainBatch& batch,
                               const PassSetup& setup,
                               PartsInput& input) {
  input.used.assign(slot.weights->parameters().size(), false);
  slot.weights->used_by(slot.plan, input.used);
  input.lesson = lesson_of(path, batch);
  return {path.architecture,
          slot.plan,
          *slot.weights,
          input.used,
          batch.images,
          running_bn_ ? ForwardOptions::Bn::kTrain : ForwardOptions::Bn::kBatch,
          path.regularise,
          setup.randomness,
          setup.features,
          setup.factor,
          [this, &path, &slot, &lesson = input.lesson](
              const BatchRange& of, const at::Tensor& logits, const at::Tensor& auxiliary) {
            return loss_of(path,
                           logits,
                           auxiliary,
                           slot.plan.auxiliary_weight,
                           {of.of(lesson.labels),
                            of.of(lesson.weights),
                            of.of(lesson.taught),
                            of.of(lesson.teacher)});
          }};
}

PathRunner::PassSetup PathRunner::prepare(const Step& step,
                                          size_t index,
                                          const PathSet& set,
                                          const TrainBatch& batch,
                                          double share,
                                          int64_t global_step,
                                          bool features) {
  const Path& path = step.paths[index];
  while (slots_.size() <= index) slots_.emplace_back();
  Slot& slot = slots_[index];
  space_.build(path.architecture, slot.plan);
  slot.weights = set.weights;
  set.weights->used_by(slot.plan, *set.used);
  if (path.teacher_loss > 0) ask_teacher(step, batch, global_step);
  PassSetup setup{share * path.weight, std::nullopt, features};
  if (path.regularise && draws(slot.plan)) {
    Rng rng(
        seed_, "dropout", static_cast<uint64_t>(global_step) * 1024 + static_cast<uint64_t>(index));
    setup.randomness = rng.next();
  }
  slot.features.reset();
  return setup;
}

void PathRunner::count(Slot& slot, const TrainBatch& batch, const at::Tensor& loss) {
  const c10::NoGradGuard no_grad;
  const int64_t images = batch.labels.size(0);
  const at::Tensor correct = task_.right(slot.logits, batch.labels);
  const at::Tensor weighted = loss.to(at::kDouble) * static_cast<double>(images);
  totals.loss = totals.loss.defined() ? totals.loss + weighted : weighted;
  totals.correct = totals.correct.defined() ? totals.correct + correct : correct;
  totals.paths += 1;
  totals.path_images += images;
  int64_t macs = cost_of(slot.plan, space_.counting()).macs;
  for (const Node& node : slot.plan.auxiliary) macs += macs_of(slot.plan, node, space_.counting());
  totals.macs += static_cast<double>(macs) * static_cast<double>(images);
}

at::Tensor PathRunner::run(const Step& step,
                           size_t index,
                           WeightSet& weights,
                           std::vector<bool>& used,
                           const TrainBatch& batch,
                           double share,
                           int64_t global_step,
                           bool features) {
  const PassSetup setup =
      prepare(step, index, {&weights, &used}, batch, share, global_step, features);
  const Path& path = step.paths[index];
  Slot& slot = slots_[index];
  at::Tensor loss;
  if (parts_wanted()) {
    PartsInput input;
    PartsResult result = parts_.run(parts_job(path, slot, batch, setup, input));
    loss = result.loss;
    slot.logits = std::move(result.logits);
    slot.features = std::move(result.features);
  } else {
    loss = whole(path, slot, batch, setup);
  }
  count(slot, batch, loss);
  return loss;
}

void PathRunner::run_each(const Step& step,
                          size_t first,
                          const std::vector<PathSet>& sets,
                          const TrainBatch& batch,
                          double share,
                          int64_t global_step,
                          bool features,
                          const std::function<void(size_t)>& before,
                          const std::function<void(size_t)>& after) {
  const size_t paths = step.paths.size();
  if (!parts_wanted()) {
    for (size_t i = first; i < paths; ++i) {
      before(i);
      run(step, i, *sets[i].weights, *sets[i].used, batch, share, global_step, features);
      after(i);
    }
    return;
  }
  slots_.resize(std::max(slots_.size(), paths));
  std::vector<PartsInput> inputs(paths);
  std::vector<PartsJob> jobs;
  for (size_t i = first; i < paths; ++i) {
    if (step.paths[i].distill_from >= static_cast<int>(first))
      throw std::logic_error("paths side by side that learn from one another");
    const PassSetup setup = prepare(step, i, sets[i], batch, share, global_step, features);
    jobs.push_back(parts_job(step.paths[i], slots_[i], batch, setup, inputs[i]));
  }
  parts_.run_each(
      jobs,
      [&](size_t i) { before(first + i); },
      [&](size_t i, PartsResult result) {
        Slot& slot = slots_[first + i];
        slot.logits = std::move(result.logits);
        slot.features = std::move(result.features);
        count(slot, batch, result.loss);
        after(first + i);
      });
}

PathOutcome PathRunner::outcome(
    const Step& step, size_t index, const TrainBatch& batch, double share, double clip) {
  const Slot& slot = slots_.at(index);
  return {step.paths[index].architecture,
          slot.plan,
          task_,
          slot.logits,
          batch.labels,
          batch.positions,
          slot.features.defined() ? &slot.features : nullptr,
          *slot.weights,
          share * step.paths[index].weight,
          clip};
}

}  // namespace nas
