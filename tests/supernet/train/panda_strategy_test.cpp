// The PA&DA strategy on real training: what must be visible at any size (panda.md section 8), and
// an exact resume.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include "spaces/error.hpp"
#include "supernet/train/observers/variance_probe.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using test::kCells;
using test::metric;
using test::Metrics;
using test::Trial;
using test::weights_hash;

// Section 8, item 2: hard facts about the released form.
TEST(PandaPaper, ParameterFreeOptionsAndStarvation) {
  constexpr int64_t kEpochs = 8;
  Trial run("{name: panda, preset: paper}", kEpochs);
  run.trainer->run();
  ASSERT_EQ(run.epochs_seen.size(), 8u);
  double recursion = 1;
  for (int64_t e = 0; e < kEpochs; ++e) {
    const Metrics& m = run.epochs_seen[static_cast<size_t>(e)];
    const double tau = static_cast<double>(std::max<int64_t>(0, e - 1)) / kEpochs;
    EXPECT_DOUBLE_EQ(metric(m, "panda.tau"), tau) << e;
    for (const char* op : {"none", "skip_connect", "avg_pool_3x3"})
      EXPECT_NEAR(metric(m, std::string("path.p.type.") + op), (1 - tau) / 5, 1e-12) << e;
    // 240 images: the recursion of 6.2 holds in the mean; five deviations are allowed.
    if (e > 0)
      recursion = recursion * (1 - std::exp(-(tau / recursion + 1 - tau))) +
                  (1 - recursion) * (1 - std::exp(-(1 - tau)));
    EXPECT_LE(metric(m, "data.distinct_share"), recursion + 0.01 + 5 * 0.3 / std::sqrt(240.0)) << e;
    EXPECT_EQ(metric(m, "data.max_weight"), 1) << e;
    EXPECT_EQ(metric(m, "path.max_weight"), 1) << e;
  }
  EXPECT_EQ(metric(run.epochs_seen[0], "data.distinct_share"), 1);
  EXPECT_FALSE(run.strategy->health().empty());
}

TEST(PandaUnbiased, KeepsOptionsAndImagesAlive) {
  Trial run("{name: panda, preset: unbiased}", 8);
  run.trainer->run();
  const Metrics& last = run.epochs_seen.back();
  for (const char* edge : {"1<-0", "3<-2"})
    for (const char* op : {"none", "skip_connect", "avg_pool_3x3"})
      EXPECT_NEAR(metric(last, std::string("path.p.") + edge + "." + op), 0.2, 0.04) << edge << op;
  EXPECT_LE(metric(last, "path.max_weight"), 20 * (1 + 1e-9));
  EXPECT_LE(metric(last, "data.max_weight"), 10 * (1 + 1e-9));
  EXPECT_GT(metric(last, "data.distinct_share"), 0.45);
  // Formula 3.3 on the real network: never below the best. Uniform is the same whatever is drawn.
  EXPECT_LE(metric(last, "gradient.variance.best"), metric(last, "gradient.variance.uniform"));
  EXPECT_LE(metric(last, "gradient.variance.best"), metric(last, "gradient.variance.sampling"));
}

TEST(Panda, EachHalfAlone) {
  Trial paths("{name: panda, preset: unbiased, data: false}", 3);
  paths.trainer->run();
  for (const Metrics& m : paths.epochs_seen) EXPECT_EQ(metric(m, "data.distinct_share"), 1);
  EXPECT_GT(metric(paths.epochs_seen.back(), "path.max_weight"), 1);
  Trial images("{name: panda, path: false}", 3);
  images.trainer->run();
  EXPECT_LT(metric(images.epochs_seen.back(), "data.distinct_share"), 0.8);
  EXPECT_EQ(images.epochs_seen.back().count("path.max_weight"), 0u);
}

TEST(Panda, WorksOnElasticSpaces) {
  const char* const elastic =
      "family: cnn\nchannels: 1\nresolution: 8\nclasses: 10\nkinds: [conv3, mb3]\nstages:\n"
      "  - {widths: [8, 16], depths: [1, 2], stride: 1}\n"
      "  - {widths: [16, 24], depths: [1, 2], stride: 2}\n";
  Trial run("{name: panda, scope: global}", 3, elastic);
  run.trainer->run();
  bool moved = false;
  for (const auto& [name, value] : run.epochs_seen.back())
    moved = moved || (name.starts_with("path.p.") && std::abs(value - 0.5) > 1e-3);
  EXPECT_TRUE(moved);
}

TEST(Panda, ResumeIsBitIdentical) {
  // Within the first epoch, after its end, in the last one.
  const std::vector<std::pair<const char*, std::vector<int>>> cases{
      {"{name: panda, preset: unbiased}", {3, 12}},
      {"{name: panda}", {5}},
      {"{name: sumnas, inner_momentum: persist}", {12}},
      {"{name: fair, redraw: epoch}", {3}}};
  for (const auto& [yaml, stops] : cases) {
    Trial whole(yaml, 3);
    whole.trainer->run();
    for (const int stop : stops) {
      Trial first(yaml, 3, kCells, stop);
      EXPECT_THROW(first.trainer->run(), Interrupted);
      Trial second(yaml, 3);
      second.trainer->resume(first.trainer->last_checkpoint());
      second.trainer->run();
      EXPECT_EQ(weights_hash(second), weights_hash(whole)) << yaml << " at " << stop;
      for (const auto& [name, value] : whole.epochs_seen.back())
        if (!name.starts_with("time.")) {
          EXPECT_EQ(metric(second.epochs_seen.back(), name), value) << yaml << " " << name;
        }
      EXPECT_EQ(second.strategy->health(), whole.strategy->health());
    }
  }
}

TEST(Panda, RefusesWhatItCannotDo) {
  const auto refused = [](const std::string& yaml, const std::string& word, TrainOptions train) {
    const auto space = test::space_of(kCells);
    YamlSource source;
    source.text = yaml;
    try {
      make_strategy("panda", {*space, 0, 4, 100, 10, train}, source);
      ADD_FAILURE() << yaml;
    } catch (const ConfigError& e) {
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    }
  };
  TrainOptions decaying;
  decaying.optimizer.untouched = Untouched::kDecay;
  TrainOptions accumulating;
  accumulating.accumulate = 2;
  refused("{name: panda}", "accumulate", accumulating);
  refused("{name: panda, preset: paper}", "untouched", {});
  refused("{name: panda}", "untouched", {});
  refused("{name: panda, preset: default}", "preset", decaying);
  refused("{name: panda, preset: unbiased, p_floor: 0.01}", "p_floor", {});
  refused("{name: panda, preset: unbiased, tau_max: 1.5}", "tau_max", {});
  refused("{name: panda, preset: unbiased, p_floor: 0.3}", "more than an even share", {});
  refused("{name: panda, preset: unbiased, p_floor: 0.9, path_weights: clipped}",
          "more than an even share",
          {});
  refused("{name: panda, preset: unbiased, p_floor: -0.5}", "not a probability", {});
  refused("{name: panda, preset: unbiased, max_path_weight: 1}", "max_path_weight", {});
  refused("{name: panda, preset: unbiased, scopes: global}", "scope", {});
}

TEST(Panda, SaysWhatDoesNothing) {
  const auto advice = [](const std::string& space_yaml, const std::string& yaml) {
    const auto space = test::space_of(space_yaml);
    YamlSource source;
    source.text = yaml;
    std::string text;
    for (const std::string& line :
         make_strategy("panda", {*space, 0, 4, 100, 10, {}}, source)->advice())
      text += line + "\n";
    return text;
  };
  using testing::HasSubstr;
  EXPECT_EQ(advice(kCells, "{name: panda, preset: unbiased}"), "");
  EXPECT_THAT(advice(kCells, "{name: panda, preset: unbiased, data_clip: 5}"),
              HasSubstr("strategy.data_clip"));
  EXPECT_THAT(advice(kCells, "{name: panda, preset: unbiased, path: false, scope: global}"),
              HasSubstr("path is false"));
  EXPECT_THAT(advice(kCells, "{name: panda, preset: unbiased, path: false, data: false}"),
              HasSubstr("uniform"));
  EXPECT_THAT(advice(kCells, "{name: panda, preset: unbiased, tau_max: 1}"),
              HasSubstr("exceed 10"));
  const std::string many = "family: mobilenet\nvariant: mobilenetv3-32\nresolutions: [32]\n";
  EXPECT_THAT(advice(many, "{name: panda, preset: unbiased}"), HasSubstr("nearly off"));
  EXPECT_EQ(advice(many, "{name: panda, preset: unbiased, path_weights: clipped}"), "");
  // A floor that would be refused, where no path is drawn by importance.
  EXPECT_THAT(advice(kCells, "{name: panda, preset: unbiased, path: false, p_floor: 0.01}"),
              HasSubstr("p_floor"));
}

// Section 8, item 3.
TEST(FairNas, DistinctPathsOfAnEpoch) {
  Trial run("{name: fair}", 2);
  run.trainer->run();
  const double steps = 240.0 / 48;
  EXPECT_GE(metric(run.epochs_seen[0], "train.distinct_paths"), 5 * steps - 1);
  Trial defect("{name: fair, redraw: epoch}", 2);
  defect.trainer->run();
  EXPECT_EQ(metric(defect.epochs_seen[0], "train.distinct_paths"), 5);
}

// Section 8, item 1: frozen weights, one path, exact per-image gradients of the classifier; the
// trace measured over draws agrees with the formula.
TEST(WeightedEstimator, MeasuredTraceMatchesFormula) {
  const auto space = test::space_of(kCells);
  const auto store = make_shared_set(*space, 3);
  DataOptions data;
  const auto dataset = open_dataset(data);
  const Splits splits = make_splits(*dataset, data);
  constexpr int64_t kImages = 512;
  FixedBatches batches(
      RunData{*dataset, splits, normalisation_of(*dataset, splits.train, data), data},
      {splits.train.begin(), splits.train.begin() + kImages},
      kImages,
      c10::Device(c10::kCPU),
      Layout::kContiguous);
  at::Tensor logits, features, labels;
  const Architecture a = space->parse("3,2,4,1,2,3");
  batches.each([&](const FixedBatches::Item& item) {
    const c10::NoGradGuard no_grad;
    ForwardOptions options;
    options.features = &features;
    logits = forward(space->plan(a), a, *store, item.images, options) * 8;  // Uneven norms.
    labels = item.labels;
  });
  const LastLayerGradients gradients =
      last_layer_gradients(classification(), logits, labels, 0, features, true);
  const at::Tensor gap =
      logits.to(at::kDouble).softmax(1) - at::one_hot(labels, 10).to(at::kDouble);
  const at::Tensor h = at::cat({features.to(at::kDouble), at::ones({kImages, 1}, at::kDouble)}, 1);
  const at::Tensor each = (gap.unsqueeze(2) * h.unsqueeze(1)).view({kImages, -1});
  EXPECT_NEAR(each.mean(0).square().sum().item<double>(), gradients.mean_square, 1e-12);

  std::vector<double> uniform(kImages, 1.0 / kImages), best(kImages);
  double norms = 0;
  for (const double s : gradients.squares) norms += std::sqrt(s);
  for (size_t i = 0; i < best.size(); ++i) best[i] = std::sqrt(gradients.squares[i]) / norms;
  double previous = -1;
  for (const double lambda : {1.0, 0.9, 0.5, 0.0}) {
    std::vector<double> q(kImages);
    for (size_t i = 0; i < q.size(); ++i) q[i] = lambda * best[i] + (1 - lambda) * uniform[i];
    const double formula = gradient_variance(gradients, q).sampling;
    // V falls as lambda grows: convex, with its minimum at 1.
    EXPECT_GE(formula, previous - 1e-15) << lambda;
    previous = formula;
    constexpr int kDraws = 20000;
    Rng rng(7, "draws");
    const std::vector<double> cumulative = cumulative_of(q);
    std::vector<int64_t> drawn(kDraws);
    std::vector<double> w(kDraws);
    for (size_t d = 0; d < w.size(); ++d) {
      const size_t i = draw_from_cumulative(cumulative, rng.uniform());
      drawn[d] = static_cast<int64_t>(i);
      w[d] = 1 / (static_cast<double>(kImages) * q[i]);
    }
    const at::Tensor g = each.index_select(0, at::tensor(drawn, at::kLong)) *
                         at::tensor(w, at::kDouble).unsqueeze(1);
    const double trace = g.var(0, /*unbiased=*/true).sum().item<double>();
    EXPECT_NEAR(trace / formula, 1, 0.05) << lambda;
    // The weighted mean is the full-batch gradient, within the error of the draws.
    const double gap_norm = (g.mean(0) - each.mean(0)).square().sum().item<double>();
    EXPECT_LT(gap_norm, 4 * formula / kDraws) << lambda;
  }
  // Without weights, drawing by the norm makes the raw gradient larger: a theorem.
  const VarianceReport report = gradient_variance(gradients, best);
  EXPECT_GE(report.unweighted_second_moment, report.uniform_second_moment);
}

}  // namespace
}  // namespace nas
