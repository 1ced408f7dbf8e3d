// Progressive shrinking (search.md 2.7): what the choices change, channel sorting, phases, the loss
// with the teacher, and an exact resume.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include "spaces/error.hpp"
#include "supernet/train/step/path_runner.hpp"
#include "supernet/train/step/teacher.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/strategy_state.hpp"
#include "supernet/weights/channel_sort.hpp"
#include "supernet/weights/elastic.hpp"
#include "support.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

const char* const kSmall =
    "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.1\nresolutions: [16]\n"
    "expansions: [2, 4, 6]\ndepths: [1, 2]\nclasses: 10\ninput_channels: 1\n";

TEST(Elastic, ReadsWhatChoicesChange) {
  const auto space = test::space_of(
      "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.5\nresolutions: [24, 32]\n");
  const auto choices = elastic_choices(*space);
  ASSERT_EQ(choices.size(), space->choices().size());
  for (size_t c = 0; c < choices.size(); ++c) {
    const std::string& name = space->choices()[c].name;
    const Elastic wanted = name.ends_with(".kernel")   ? Elastic::kKernel
                           : name.ends_with(".expand") ? Elastic::kExpand
                           : name.ends_with(".depth")  ? Elastic::kDepth
                                                       : Elastic::kResolution;
    EXPECT_EQ(choices[c].kind, wanted) << name;
    for (size_t k = 0; k < choices[c].options.size(); ++k)
      EXPECT_EQ(choices[c].options[k], static_cast<int16_t>(choices[c].options.size() - 1 - k));
  }
  const auto cells = test::space_of("family: nasbench201\nwidth: 4\ncells: 1\n");
  for (const ElasticChoice& choice : elastic_choices(*cells))
    EXPECT_NE(choice.kind, Elastic::kExpand);
}

/// Values that tell channels apart: everything times or plus a wave.
void scramble(const WeightSet& store, double s) {
  const c10::NoGradGuard no_grad;
  const auto wave = [&](const at::Tensor& t) {
    s += 1;
    return test::tensor_of(t.sizes(),
                           [s](int64_t i) { return std::sin(0.7 * static_cast<double>(i) + s); });
  };
  for (const NamedTensor& p : store.parameters()) {
    if (p.name.find(".transform_") != std::string::npos) continue;
    if (p.name.ends_with(".bias"))
      p.tensor.copy_(0.1 * wave(p.tensor));
    else
      p.tensor.mul_(1 + 0.3 * wave(p.tensor));
  }
  for (const NamedTensor& b : store.buffers())
    b.tensor.copy_((b.name.ends_with("running_var") ? 1 : 0) + 0.3 * wave(b.tensor));
}

at::Tensor run(const Space& space, WeightSet& store, const Architecture& a, bool running) {
  const c10::NoGradGuard no_grad;
  ForwardOptions options;
  options.bn = running ? ForwardOptions::Bn::kRunning : ForwardOptions::Bn::kBatch;
  const at::Tensor x = test::wave_images(16).slice(1, 0, 1).contiguous();
  return forward(space.plan(a), a, store, x, options);
}

double worst(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() / a.abs().max().item<double>();
}

/// `options` of the choices `expands`, the largest option of every other.
std::vector<std::vector<int16_t>> trained_with(const Space& space,
                                               const std::vector<size_t>& expands,
                                               const std::vector<int16_t>& options) {
  std::vector<std::vector<int16_t>> trained;
  for (const int16_t gene : space.largest().genes) trained.push_back({gene});
  for (const size_t c : expands) trained[c] = options;
  return trained;
}

TEST(ChannelSort, KeepsTheFunctionAndSorts) {
  const auto space = test::space_of(kSmall);
  const auto store = make_shared_set(*space, 3, at::kDouble);
  scramble(*store, 0);
  const auto choices = elastic_choices(*space);
  const Architecture largest = space->largest();
  Architecture middle = largest;  // Every expansion at its middle option.
  std::vector<size_t> expands;
  for (size_t c = 0; c < choices.size(); ++c)
    if (choices[c].kind == Elastic::kExpand) {
      expands.push_back(c);
      middle.genes[c] = 1;
    }
  ASSERT_FALSE(expands.empty());
  const at::Tensor before = run(*space, *store, largest, true);
  const at::Tensor batch = run(*space, *store, largest, false);
  const at::Tensor before_middle = run(*space, *store, middle, true);
  int moved = 0;
  for (const size_t c : expands)
    moved += sort_channels(*space, *store, c, trained_with(*space, expands, {2}));
  EXPECT_GT(moved, 10);
  EXPECT_LT(worst(before, run(*space, *store, largest, true)), 1e-12);
  EXPECT_LT(worst(batch, run(*space, *store, largest, false)), 1e-10);
  EXPECT_GT(worst(before_middle, run(*space, *store, middle, true)), 1e-6);

  // Descending L1 of the point-wise layer's inputs.
  const auto l1 = [&] {
    return test::find_parameter(*store, "stage2.block1.point.conv.weight")
        .detach()
        .abs()
        .sum(at::IntArrayRef({0, 2, 3}));
  };
  const at::Tensor sorted = l1();
  EXPECT_TRUE((sorted.slice(0, 1) <= sorted.slice(0, 0, -1)).all().item<bool>());

  // A second sort with the middle width trained changes nothing that is sorted already; after new
  // weights it keeps the function of the trained middle network.
  scramble(*store, 0.5);
  const at::Tensor all = run(*space, *store, largest, true);
  const at::Tensor trained = run(*space, *store, middle, true);
  moved = 0;
  for (const size_t c : expands)
    moved += sort_channels(*space, *store, c, trained_with(*space, expands, {2, 1}));
  EXPECT_GT(moved, 10);
  EXPECT_LT(worst(trained, run(*space, *store, middle, true)), 1e-12);
  EXPECT_LT(worst(all, run(*space, *store, largest, true)), 1e-12);
  moved = 0;
  for (const size_t c : expands)
    moved += sort_channels(*space, *store, c, trained_with(*space, expands, {2, 1}));
  EXPECT_EQ(moved, 0);
}

// The width of a stage cuts the middle channels too: subnets trained with it stay what they are.
TEST(ChannelSort, KeepsWidthsThatAnotherChoiceCut) {
  const auto space = test::space_of(
      "family: custom\nchannels: 1\nresolutions: [16]\nblocks:\n"
      "  - {name: b, kind: bottleneck, expansions: [0.5, 1]}\n"
      "stages:\n  - {widths: [8, 16], depths: [1], blocks: [b]}\n");
  const auto store = make_shared_set(*space, 3, at::kDouble);
  const auto choices = elastic_choices(*space);
  std::vector<size_t> expands, widths;
  for (size_t c = 0; c < choices.size(); ++c) {
    if (choices[c].kind == Elastic::kExpand) expands.push_back(c);
    if (choices[c].kind == Elastic::kWidth) widths.push_back(c);
  }
  ASSERT_EQ(expands.size(), 1U);
  ASSERT_EQ(widths.size(), 1U);
  Architecture narrow = space->largest();
  narrow.genes[widths[0]] = choices[widths[0]].options.back();
  const at::Tensor before = run(*space, *store, narrow, false);
  const at::Tensor largest = run(*space, *store, space->largest(), false);
  std::vector<std::vector<int16_t>> trained = trained_with(*space, {}, {});
  trained[widths[0]] = choices[widths[0]].options;
  EXPECT_EQ(sort_channels(*space, *store, expands[0], trained), 2);
  EXPECT_LT(worst(before, run(*space, *store, narrow, false)), 1e-10);
  EXPECT_LT(worst(largest, run(*space, *store, space->largest(), false)), 1e-10);
}

TEST(ChannelSort, GatesDoNotRankChannels) {
  const auto space = test::space_of(kSmall);
  const Plan plan = space->plan(space->largest());
  size_t with_gate = 0;
  for (const ChannelGroup& group : channel_groups(plan)) {
    EXPECT_FALSE(group.main.empty());
    EXPECT_EQ(group.made.empty(), false);
    with_gate += group.read.size() > group.main.size();
  }
  EXPECT_GT(with_gate, 0u);  // The squeeze-excitation's reader does not count for importance.
}

std::unique_ptr<Strategy> strategy_of(const Space& space,
                                      const std::string& yaml,
                                      int64_t epochs,
                                      int64_t batch = 64,
                                      TrainOptions train = {},
                                      int64_t images = 1000) {
  YamlSource source;
  source.text = yaml;
  return make_strategy("progressive", {space, 5, epochs, images, batch, train}, source);
}

TEST(Progressive, DefaultPhasesAreThePapers) {
  const auto space = test::space_of("family: mobilenet\n");
  auto s = strategy_of(*space, "{name: progressive}", 605, 128);
  // 180, 125, 25, 125, 25, 125 epochs; rates for 64 images times two; warm-up from the former.
  EXPECT_NEAR(*s->learning_rate(0), 0.32, 1e-12);
  EXPECT_NEAR(*s->learning_rate(90), 0.16, 1e-12);  // Half-way down the cosine.
  EXPECT_NEAR(*s->learning_rate(180), 0.03, 1e-12);
  EXPECT_NEAR(*s->learning_rate(182.5), 0.045, 1e-12);
  EXPECT_NEAR(*s->learning_rate(185), 0.06, 1e-12);
  EXPECT_NEAR(*s->learning_rate(245), 0.03, 1e-12);
  EXPECT_NEAR(*s->learning_rate(305), 0.005, 1e-12);
  EXPECT_NEAR(*s->learning_rate(330), 0.0075, 1e-12);
  EXPECT_NEAR(*s->learning_rate(335), 0.015, 1e-12);
  EXPECT_NEAR(*s->learning_rate(455), 0.005, 1e-12);
  EXPECT_NEAR(*s->learning_rate(480), 0.0075, 1e-12);
}

TEST(Progressive, PhasesOpenWhatTheySay) {
  const auto space = test::space_of(kSmall);
  const auto store = make_single_store(*space, 0);
  auto s = strategy_of(*space,
                       "{name: ofa, phases: [{epochs: 2}, {epochs: 1, kernel: 2, subnets: 1},"
                       "{epochs: 1, kernel: 0, depth: 0, expand: 2, subnets: 3}]}",
                       4);
  const auto choices = elastic_choices(*space);
  const auto lowest = [&](int64_t epoch, Elastic kind) {
    int low = 99;
    for (int i = 0; i < 60; ++i)
      for (const Path& p : s->next_step(epoch).paths)
        for (size_t c = 0; c < choices.size(); ++c)
          if (choices[c].kind == kind && space->active(p.architecture, c))
            low = std::min(low, static_cast<int>(p.architecture.genes[c]));
    return low;
  };
  EXPECT_FALSE(s->prepare_weights(0, *store));
  EXPECT_EQ(s->next_step(0).paths.size(), 1u);
  EXPECT_EQ(s->next_step(0).paths[0].architecture, space->largest());
  EXPECT_EQ(s->next_step(0).teacher, nullptr);
  EXPECT_FALSE(s->prepare_weights(1, *store));
  EXPECT_TRUE(s->prepare_weights(2, *store));
  EXPECT_EQ(lowest(2, Elastic::kKernel), 1);
  EXPECT_EQ(lowest(2, Elastic::kDepth), 1);
  EXPECT_EQ(lowest(2, Elastic::kExpand), 2);
  EXPECT_TRUE(s->prepare_weights(3, *store));
  EXPECT_EQ(lowest(3, Elastic::kKernel), 0);
  EXPECT_EQ(lowest(3, Elastic::kDepth), 0);
  EXPECT_EQ(lowest(3, Elastic::kExpand), 1);
  const Step step = s->next_step(3);
  EXPECT_EQ(step.paths.size(), 3u);
  EXPECT_NE(step.teacher, nullptr);
  EXPECT_EQ(step.paths[1].teacher_loss, 1.0);
}

TEST(Progressive, RefusesWhatItCannotDo) {
  const auto message = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  const auto cells = test::space_of("family: nasbench201\nwidth: 4\ncells: 1\n");
  EXPECT_THAT(message([&] { strategy_of(*cells, "{name: progressive}", 100); }),
              HasSubstr("nasbench201"));
  // One layer in the place of another, though the number of operations differs.
  const auto kinds = test::space_of(
      "family: custom\nchannels: 1\nresolutions: [8]\n"
      "stages:\n  - {widths: [8], depths: [1], blocks: [conv, sep]}\n");
  EXPECT_THAT(message([&] { strategy_of(*kinds, "{name: progressive}", 100); }),
              HasSubstr("kinds of layers"));
  const auto space = test::space_of(kSmall);
  EXPECT_THAT(message([&] { strategy_of(*space, "{name: progressive}", 3); }),
              HasSubstr("at least 5"));
  EXPECT_THAT(
      message([&] { strategy_of(*space, "{name: ofa, phases: [{epochs: 2}, {epochs: 3}]}", 4); }),
      HasSubstr("phases last 5 epochs"));
  EXPECT_THAT(message([&] { strategy_of(*space, "{name: ofa, phases: [{epoch: 2}]}", 1); }),
              HasSubstr("epochs"));
  TrainOptions warm;
  warm.schedule.warmup_epochs = 1;
  EXPECT_THAT(message([&] { strategy_of(*space, "{name: ofa}", 9, 64, warm); }),
              HasSubstr("warmup_epochs"));
}

// Loss = CE + ratio * CE(softmax(teacher), student); the gradients of a step's subnets add up.
TEST(Progressive, LossAndGradientsWithATeacher) {
  const auto space = test::space_of(kSmall);
  const auto store = make_shared_set(*space, 7, at::kDouble);
  TrainOptions options;
  test::SetRunner runner(*space, *store, options, c10::Device(c10::kCPU), 0);
  TrainBatch batch;
  batch.images = test::wave_images(16).slice(1, 0, 1).contiguous();
  batch.labels = at::tensor({1, 2, 3, 4}, at::kLong);
  batch.positions = {0, 1, 2, 3};
  const Architecture largest = space->largest(), smallest = space->smallest();
  Teacher teacher(space->plan(largest), *store->bind(largest));
  const at::Tensor taught = run(*space, *store, largest, false);
  {
    const c10::NoGradGuard no_grad;
    scramble(*store, 0);
  }
  Step step;
  step.paths = {{.architecture = smallest, .teacher_loss = 0.5}, {.architecture = largest}};
  step.teacher = &teacher;
  step.teacher_architecture = largest;
  const double loss = runner.run(step, 0, batch, 1, 0, false).item<double>();
  const at::Tensor student = run(*space, *store, smallest, false);
  const double expected =
      (at::cross_entropy_loss(student, batch.labels) +
       0.5 * at::cross_entropy_loss(student, taught.to(at::kFloat).softmax(1).to(at::kDouble)))
          .item<double>();
  EXPECT_NEAR(loss, expected, 1e-6);
  const at::Tensor& stem = test::find_parameter(*store, "stem.conv.weight");
  const at::Tensor first = stem.grad().clone();
  runner.run(step, 1, batch, 1, 0, false);
  const at::Tensor both = stem.grad().clone();
  stem.mutable_grad().reset();
  runner.run(step, 1, batch, 1, 0, false);
  EXPECT_LT(worst(both, first + stem.grad()), 1e-12);
}

/// All phases of a small MobileNet with elastic resolution, stopped after so many steps (-1:
/// never).
struct ProgressiveTrial : test::Trial {
  explicit ProgressiveTrial(int stop_at = -1)
      : Trial(
            "{name: progressive}",
            4,
            "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.1\n"
            "resolutions: [16, 24]\nexpansions: [2, 3]\ndepths: [1, 2]\n"
            "kernels: [3, 5]\nclasses: 10\ninput_channels: 1\ndropout: 0.1\n",
            stop_at,
            [](TrainOptions& o) {
              o.batch = 36;
              o.optimizer.nesterov = true;
              o.gradient_variance.every = 0;
            },
            0,
            test::digits(120, 24)) {}
};

TEST(Progressive, ResumesToTheSameBits) {
  ProgressiveTrial whole;
  const std::string untrained = test::weights_hash(whole);
  whole.trainer->run();
  EXPECT_NE(test::weights_hash(whole), untrained);
  // At the end of the kernel phase, and within the last phase.
  for (const int stop_at : {4, 7}) {
    ProgressiveTrial cut(stop_at);
    EXPECT_THROW(cut.trainer->run(), Interrupted);
    ProgressiveTrial rest;
    rest.trainer->resume(cut.trainer->last_checkpoint());
    rest.trainer->run();
    EXPECT_EQ(test::weights_hash(rest), test::weights_hash(whole)) << "stopped after " << stop_at;
  }
}

}  // namespace
}  // namespace nas
