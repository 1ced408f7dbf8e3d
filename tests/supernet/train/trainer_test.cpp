// The training loop: losses, combination of gradients, recalibration, checkpoints.
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "spaces/error.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/train/step/path_runner.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using test::kCells;
using test::metric;
using test::Trial;
using test::weights_hash;

/// A linear classifier on pooled pixels has no batch norm, so halves of a batch add up exactly.
class PathLoss : public testing::Test {
 protected:
  PathLoss() {
    batch_.images = at::arange(6 * 64, at::kFloat).view({6, 1, 8, 8}).sin();
    batch_.labels = at::tensor({0, 1, 2, 3, 4, 5}, at::kLong);
    step_.paths.resize(1);
    step_.paths[0].architecture = space_->largest();
  }
  double run(const TrainOptions& options, const TrainBatch& batch) {
    for (const NamedTensor& p : store_->parameters()) p.tensor.mutable_grad().reset();
    test::SetRunner runner(*space_, *store_, options, c10::Device(c10::kCPU), 0);
    const double loss = runner.run(step_, 0, batch, 1.0, 0, false).item<double>();
    logits_ = runner.outcome(step_, 0, batch).logits;
    return loss;
  }
  std::unique_ptr<Space> space_ = test::space_of(kCells);
  std::unique_ptr<WeightSet> store_ = make_shared_set(*space_, 0);
  TrainBatch batch_;
  Step step_;
  at::Tensor logits_;
};

TEST_F(PathLoss, DistillationTakesTheTeachersLogits) {
  step_.paths.resize(2);
  step_.paths[1].architecture = space_->parse("3,0,3,1,0,1");
  step_.paths[1].distill_from = 0;
  step_.paths[1].hard_loss = 0.25;
  const TrainOptions options;
  test::SetRunner runner(*space_, *store_, options, c10::Device(c10::kCPU), 0);
  runner.run(step_, 0, batch_, 1.0, 0, false);
  const at::Tensor teacher = runner.outcome(step_, 0, batch_).logits.softmax(1);
  const double loss = runner.run(step_, 1, batch_, 1.0, 0, false).item<double>();
  const at::Tensor student = runner.outcome(step_, 1, batch_).logits;
  const double soft = -(teacher * student.log_softmax(1)).sum(1).mean().item<double>();
  const double hard = at::cross_entropy_loss(student, batch_.labels).item<double>();
  EXPECT_NEAR(loss, 0.25 * hard + 0.75 * soft, 1e-6);
}

// Sum of the paths' gradients against the paths one by one.
TEST_F(PathLoss, GradientsOfPathsAddUp) {
  const auto gradients = [&] {
    std::vector<at::Tensor> list;
    for (const NamedTensor& p : store_->parameters())
      list.push_back(p.tensor.grad().defined() ? p.tensor.grad().clone()
                                               : at::zeros_like(p.tensor));
    return list;
  };
  step_.paths.resize(2);
  step_.paths[1].architecture = space_->parse("3,2,3,1,2,3");
  const TrainOptions options;
  const auto run_paths = [&](std::vector<size_t> which) {
    for (const NamedTensor& p : store_->parameters()) p.tensor.mutable_grad().reset();
    test::SetRunner runner(*space_, *store_, options, c10::Device(c10::kCPU), 0);
    for (const size_t i : which) runner.run(step_, i, batch_, 1.0, 0, false);
    return gradients();
  };
  const auto both = run_paths({0, 1}), first = run_paths({0}), second = run_paths({1});
  for (size_t i = 0; i < both.size(); ++i)
    EXPECT_TRUE(at::allclose(both[i], first[i] + second[i], 1e-5, 1e-7));
}

// The cell of zeros: batch norms see a constant, so features do not depend on the batch, and the
// gradient of the classifier's bias is the mean of p - y over the images.
TEST(Accumulation, TwoHalvesAreOneWhole) {
  const auto last_bias = [](int64_t batch, int accumulate) {
    Trial trial(
        "{name: fixed, architecture: \"0,0,0,0,0,0\"}", 1, kCells, -1, [&](TrainOptions& o) {
          o.batch = batch;
          o.accumulate = accumulate;
          o.optimizer.momentum = 0;
          o.optimizer.weight_decay = 0;
          o.optimizer.lr = 0;
          o.optimizer.lr = 0.5;
          o.schedule.kind = ScheduleKind::kConstant;
          o.gradient_variance.every = 0;
        });
    trial.trainer->run();
    return test::find_parameter(*trial.weights, "classifier.bias").clone().detach();
  };
  const at::Tensor whole = last_bias(240, 1), halves = last_bias(120, 2);
  EXPECT_GT(whole.abs().max().item<double>(), 0);
  EXPECT_LT((whole - halves).abs().max().item<double>(), 1e-6);
}

// Equal compute: the run ends with the step that spends the budget, at the end of its schedule, and
// goes on there after a stop.
TEST(Budget, EndsTheRunAtEqualCompute) {
  const auto trial = [](const std::string& macs, int stop_at = -1) {
    return Trial("{name: uniform}", 6, kCells, stop_at, [&](TrainOptions& o) {
      o.budget.macs = macs;
      o.schedule.per_step = true;
      o.gradient_variance.every = 0;
    });
  };
  Trial whole = trial("");
  whole.trainer->run();
  const double all = metric(whole.epochs_seen.back(), "train.macs");
  const auto half = std::to_string(static_cast<int64_t>(all / 2));
  Trial limited = trial(half);
  limited.trainer->run();
  const double spent = metric(limited.epochs_seen.back(), "train.macs");
  EXPECT_GE(spent, all / 2);
  EXPECT_LT(spent, all / 2 + all / 30 * 3) << "more than a step too much";
  EXPECT_LT(limited.epochs_seen.size(), whole.epochs_seen.size());
  EXPECT_LT(metric(limited.epochs_seen.back(), "train.lr"), 0.03) << "the schedule goes with it";
  EXPECT_EQ(test::hash_of_resumed([&](int stop) { return trial(half, stop); }, 7),
            test::store_hash(limited));
}

TEST(Recalibration, PoolsTheFixedSubset) {
  const auto space = test::space_of(
      "family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\ninput_channels: 1\n"
      "form: standalone\n");
  const auto weights = make_single_store(*space, 2);
  const std::shared_ptr<WeightSet> store = weights->open(0);
  DataOptions options;
  const auto dataset = open_dataset(options);
  const Splits splits = make_splits(*dataset, options);
  const RunData data{*dataset, splits, normalisation_of(*dataset, splits.train, options), options};
  const Architecture a = space->parse("3,2,4,1,2,3");
  const Plan plan = space->plan(a);
  FixedBatches batches(data,
                       {splits.train.begin(), splits.train.begin() + 200},
                       100,
                       c10::Device(c10::kCPU),
                       Layout::kContiguous);
  const BnTable table = recalibrate(plan, *store->bind(a), batches);
  // The first batch norm follows the stem: its statistics are those of the stem's output.
  int32_t bn = 0;
  while (!std::holds_alternative<BatchNorm>(plan.nodes[static_cast<size_t>(bn)].op)) ++bn;
  at::Tensor mean = at::zeros({4}), var = at::zeros({4});
  const at::Tensor weight = test::find_parameter(*store, "stem.conv.weight").detach();
  const std::vector<int64_t> over = {0, 2, 3};
  batches.each([&](const FixedBatches::Item& item) {
    const std::vector<int64_t> one = {1, 1};
    const at::Tensor out = at::conv2d(item.images, weight, {}, one, one);
    mean += out.mean(over) / 2;
    var += out.var(over, /*unbiased=*/false) / 2;
  });
  EXPECT_TRUE(at::allclose(table.at(bn).mean, mean, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(table.at(bn).var, var, 1e-4, 1e-5));
  // Scores are those of the recalibrated network, the same each time, and the store keeps its own.
  EvaluateOptions evaluate;
  evaluate.recalibrate.images = 200;
  SubnetScorer scorer(*space, *weights, data, evaluate, Device{});
  EXPECT_EQ(scorer.score(a).value("loss"), scorer.score(a).value("loss"));
  EXPECT_TRUE(scorer.warning().empty());
  EXPECT_NE(scorer.fidelity_json().find("\"bn_images\":200"), std::string::npos);
  for (const NamedTensor& b : store->buffers())
    if (b.name.ends_with("mean")) {
      EXPECT_EQ(b.tensor.abs().max().item<double>(), 0) << b.name;
    }
  evaluate.recalibrate.enabled = false;
  EXPECT_FALSE(SubnetScorer(*space, *weights, data, evaluate, Device{}).warning().empty());
  // A network that answers NaN is right on no image, though sorting would put some class first.
  for (const NamedTensor& p : store->parameters())
    p.tensor.detach().fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(scorer.score(a), NotFiniteError);
}

TEST(Checkpoint, DamageIsToldAndDestroysNothing) {
  Trial trial("{name: uniform}", 2);
  trial.trainer->run();
  const std::string path = trial.trainer->last_checkpoint();
  std::ifstream in(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  const auto refused = [&](const std::string& bytes, const std::string& what) {
    const std::string broken = (trial.folder / "broken.safetensors").string();
    std::ofstream(broken, std::ios::binary) << bytes;
    Trial fresh("{name: uniform}", 2);
    const std::string before = weights_hash(fresh);
    try {
      fresh.trainer->resume(broken);
      ADD_FAILURE() << what;
    } catch (const DataError& e) {
      EXPECT_NE(std::string(e.what()).find("broken.safetensors"), std::string::npos) << e.what();
    }
    EXPECT_EQ(weights_hash(fresh), before) << what;
  };
  refused(whole.substr(0, whole.size() / 2), "truncated");
  refused(whole.substr(0, 5), "no header");
  refused("", "empty");
  std::string flipped = whole;
  flipped[whole.size() - 100] = static_cast<char>(flipped[whole.size() - 100] ^ 1);
  refused(flipped, "one bit");
  std::string huge = whole;
  huge.replace(0, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  refused(huge, "header length");
  EXPECT_EQ(checkpoints_in(trial.folder.string()).size(), 1u);
}

TEST(Checkpoint, OfAnotherRunIsRefused) {
  Trial trial("{name: uniform}", 2);
  trial.trainer->run();
  const auto refused = [&](const std::string& strategy, const char* space, const char* word) {
    Trial other(strategy, 2, space);
    try {
      other.trainer->resume(trial.trainer->last_checkpoint());
      ADD_FAILURE() << word;
    } catch (const DataError& e) {
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    }
  };
  refused("{name: fair}", kCells, "strategy");
  // The identity is that of the caller; tensors are compared as well.
  refused("{name: uniform}",
          "family: nasbench201\nwidth: 8\ncells: 1\nresolution: 8\ninput_channels: 1\n",
          "tensor");
}

}  // namespace
}  // namespace nas
