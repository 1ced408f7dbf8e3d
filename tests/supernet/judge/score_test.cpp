// Judging many subnets: the same bits for every number of workers, in memory or streamed.
#include "supernet/judge/score.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>

#include "spaces/base/stop.hpp"
#include "supernet/judge/worker_pool.hpp"
#include "supernet/weights/weight_set.hpp"
#include "supernet/weights/weight_store.hpp"
#include "support.hpp"

namespace nas {
namespace {

/// Form of the cells, and how tensors lie: channels last takes the kernels of supernet/shards.
using Case = std::tuple<const char*, Layout>;

class Judging : public testing::TestWithParam<Case> {
 protected:
  Judging() {
    options_.images = 150;
    options_.batch = 40;
    options_.recalibrate.images = 100;
    options_.recalibrate.batch = 50;
    Rng rng(3, "judging");
    for (int i = 0; i < 7; ++i) architectures_.push_back(space_->sample(rng));
  }
  ~Judging() override { set_compute_threads(1); }

  std::vector<Score> judge(int threads, bool keep = true) {
    return judge(threads, keep, std::get<1>(GetParam()));
  }
  std::vector<Score> judge(int threads, bool keep, Layout layout) {
    set_compute_threads(threads);
    SubnetScorer scorer(*space_, *store_, data_, options_, Device{}, layout, keep);
    std::vector<Score> scores(architectures_.size());
    size_t seen = 0;
    scorer.score_each(architectures_, [&](size_t i, const Judged& judged) {
      EXPECT_EQ(scores[i].samples, 0) << "twice";
      scores[i] = judged.get();
      ++seen;
    });
    EXPECT_EQ(seen, scores.size());
    EXPECT_EQ(compute_threads(), threads);
    return scores;
  }

  std::unique_ptr<Space> space_ = test::space_of(
      std::string("family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\ninput_channels: 1\n") +
      "form: " + std::get<0>(GetParam()) + "\n");
  std::unique_ptr<WeightStore> store_ = make_single_store(*space_, 2);
  DataOptions data_options_;
  std::unique_ptr<Dataset> dataset_ = open_dataset(data_options_);
  Splits splits_ = make_splits(*dataset_, data_options_);
  RunData data_{
      *dataset_, splits_, normalisation_of(*dataset_, splits_.train, data_options_), data_options_};
  EvaluateOptions options_;
  std::vector<Architecture> architectures_;
};

TEST_P(Judging, WorkersChangeNoBit) {
  const std::vector<Score> one = judge(1);
  ASSERT_EQ(one.size(), architectures_.size());
  EXPECT_EQ(one[0].samples, 150);
  for (const int threads : {2, 3, 8}) {
    const std::vector<Score> several = judge(threads);
    for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].values, several[i].values) << threads;
  }
}

TEST_P(Judging, StreamedImagesGiveTheSame) {
  const std::vector<Score> kept = judge(1), streamed = judge(2, /*keep=*/false);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].values, streamed[i].values);
}

TEST_P(Judging, OneAloneIsJudgedAsAmongOthers) {
  const std::vector<Score> all = judge(2);
  SubnetScorer scorer(*space_, *store_, data_, options_, Device{}, std::get<1>(GetParam()));
  for (size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(scorer.score(architectures_[i]).values, all[i].values);
}

TEST_P(Judging, OneWithoutAnAnswerSpoilsNoOther) {
  const std::vector<Score> before = judge(2);
  // The classifier is everyone's; a tensor of one operation is not.
  const Architecture bad = architectures_[2];
  Plan plan = space_->plan(bad);
  std::string name;
  for (const Node& node : plan.nodes)
    if (std::holds_alternative<Conv2d>(node.op) && !plan.origins(node).empty())
      name = plan.tensor_name(node, Role::kWeight);
  if (name.empty()) GTEST_SKIP() << "no operation with weights in " << space_->text(bad);
  for (const NamedTensor& p : store_->open(0)->parameters())
    if (p.name == name) p.tensor.detach().fill_(std::numeric_limits<float>::quiet_NaN());
  set_compute_threads(3);
  for (const bool keep : {true, false}) {
    SubnetScorer scorer(*space_, *store_, data_, options_, Device{}, std::get<1>(GetParam()), keep);
    size_t failed = 0;
    scorer.score_each(architectures_, [&](size_t i, const Judged& judged) {
      if (judged.problem) {
        EXPECT_THROW(judged.get(), NotFiniteError);
        ++failed;
      } else {
        EXPECT_EQ(judged.score.values, before[i].values);
      }
    });
    EXPECT_GE(failed, 1u);
    EXPECT_LT(failed, architectures_.size());
  }
}

TEST_P(Judging, WhatTheCallerThrowsEndsTheWork) {
  set_compute_threads(2);
  SubnetScorer scorer(*space_, *store_, data_, options_, Device{});
  size_t seen = 0;
  EXPECT_THROW(scorer.score_each(architectures_,
                                 [&](size_t, const Judged&) {
                                   if (++seen == 2) throw Interrupted("enough");
                                 }),
               Interrupted);
  EXPECT_EQ(seen, 2u);
}

TEST_P(Judging, KernelsAndOpsAgreeUpToRounding) {
  const std::vector<Score> ops = judge(1, true, Layout::kContiguous);
  const std::vector<Score> kernels = judge(1, true, Layout::kChannelsLast);
  const auto loss = [](const Score& s) {
    for (const auto& [name, value] : s.values)
      if (name == "loss") return value;
    return -1.0;
  };
  for (size_t i = 0; i < ops.size(); ++i) EXPECT_NEAR(loss(kernels[i]), loss(ops[i]), 1e-4);
}

TEST_P(Judging, WeightsThatCannotBeReadAreToldOfEach) {
  set_compute_threads(2);
  store_->lose(0, "scratched");
  for (const bool keep : {true, false}) {
    SubnetScorer scorer(*space_, *store_, data_, options_, Device{}, std::get<1>(GetParam()), keep);
    size_t seen = 0;
    scorer.score_each(architectures_, [&](size_t, const Judged& judged) {
      EXPECT_THROW(judged.get(), LostWeightsError);
      ++seen;
    });
    EXPECT_EQ(seen, architectures_.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Forms,
                         Judging,
                         testing::Combine(testing::Values("supernet", "standalone"),
                                          testing::Values(Layout::kContiguous,
                                                          Layout::kChannelsLast)));

TEST(WorkerPool, EveryItemOnceListAfterList) {
  WorkerPool pool(3);
  for (const size_t n : {5u, 0u, 17u, 1u}) {
    std::vector<std::atomic<int>> done(n);
    pool.each(n, [&](size_t i) { ++done[i]; });
    for (const auto& count : done) EXPECT_EQ(count, 1);
  }
}

TEST(OneThreadPerOp, IsUndone) {
  set_compute_threads(2);
  {
    const OneThreadPerOp one;
    EXPECT_EQ(at::get_num_threads(), 1);
  }
  EXPECT_EQ(at::get_num_threads(), 2);
  set_compute_threads(1);
}

}  // namespace
}  // namespace nas
