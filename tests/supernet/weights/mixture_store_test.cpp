// The balanced mixture as a weight store: what must be equal to the bit, and what must not touch.
// That a run resumes from any step: weight_store_contract_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include "spaces/error.hpp"
#include "supernet/train/step/step_runner.hpp"
#include "supernet/weights/math/mixture.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using test::kCells;
using test::metric;
using test::store_hash;
using test::Trial;

const char* const kTwo = "{kind: mixture, models: 2, t_max: 30, beta: 0.7}";

/// Without clipping: the norm of another batch of the same run would reach into this one's.
Trial trial(const std::string& weights,
            int stop_at = -1,
            const std::string& strategy = "{name: uniform}",
            int64_t epochs = 3) {
  return Trial(
      strategy,
      epochs,
      kCells,
      stop_at,
      [](TrainOptions& o) {
        o.gradient_variance.every = 0;
        o.batch = 24;
      },
      0,
      test::digits(240),
      weights);
}

std::string hash_of(const WeightSet& set) {
  std::map<std::string, at::Tensor> all;
  for (const NamedTensor& t : set.parameters()) all[t.name] = t.tensor;
  for (const NamedTensor& t : set.buffers()) all[t.name] = t.tensor;
  return hash_tensors(all);
}

TEST(MixtureStore, OneModelIsPlainTraining) {
  Trial plain = trial("");
  plain.trainer->run();
  Trial one = trial("{kind: mixture, models: 1}");
  one.trainer->run();
  EXPECT_EQ(hash_of(*plain.store->open(0)), hash_of(*one.store->open(0)));
  for (size_t e = 0; e < plain.epochs_seen.size(); ++e)
    EXPECT_EQ(metric(plain.epochs_seen[e], "train.loss"), metric(one.epochs_seen[e], "train.loss"));
}

/// Draws what a list says; once with all steps, once with those of one model.
class Script final : public PathSampler {
 public:
  explicit Script(std::vector<Architecture> list) : list_(std::move(list)) {}
  void draw(Path& path) override { path.architecture = list_.at(next_++); }
  void save(StrategyState&) override {}
  void load(const StrategyState&) override {}

 private:
  std::vector<Architecture> list_;
  size_t next_ = 0;
};

/// Runs batches of random images through a StepRunner.
struct Steps {
  explicit Steps(const std::string& weights_yaml) {
    set_compute_threads(1);
    options.batch = 16;
    options.optimizer.lr = 0.1;
    options.optimizer.clip_norm = 1;
    Binder::Raw section;
    section.yaml = weights_yaml;
    store = make_weights({*space, 0, {}, options}, section).store;
    dataset = open_dataset(data_options);
    splits = make_splits(*dataset, data_options);
    normalisation = normalisation_of(*dataset, splits.train, data_options);
    sets = std::make_unique<TrainedSets>(*store, options.optimizer, "");
    runner = std::make_unique<StepRunner>(*space,
                                          *store,
                                          *sets,
                                          RunData{*dataset, splits, normalisation, data_options},
                                          options,
                                          c10::Device(c10::kCPU),
                                          0);
  }
  TrainBatch batch(int64_t step) const {
    TrainBatch b;
    b.images = (at::arange(16 * 64, at::kFloat).view({16, 1, 8, 8}) * (0.01 * (step + 1))).sin();
    b.labels = at::arange(16).remainder(10);
    for (int64_t i = 0; i < 16; ++i) b.positions.push_back(i);
    return b;
  }
  std::unique_ptr<Space> space = test::space_of(kCells);
  TrainOptions options;
  DataOptions data_options;
  std::unique_ptr<Dataset> dataset;
  Splits splits;
  Normalisation normalisation;
  std::unique_ptr<WeightStore> store;
  std::unique_ptr<TrainedSets> sets;
  std::unique_ptr<StepRunner> runner;
};

Strategy scripted(std::vector<Architecture> list, const StrategyContext& context) {
  return {"script",
          {std::make_unique<Script>(std::move(list)),
           std::make_unique<DataSampler>(context),
           make_paths_rule(1),
           nullptr}};
}

// Each model ends as a run of its own would that was fed the batches and architectures that went to
// it, and a step leaves the other models as they are.
TEST(MixtureStore, AModelIsARunOfItsOwn) {
  constexpr int64_t kSteps = 24;
  Steps mixture("{kind: mixture, models: 3, t_max: 50}");
  Rng rng(7, "script");
  std::vector<Architecture> list(kSteps);
  for (Architecture& a : list) mixture.space->sample(rng, a);
  const StrategyContext context{*mixture.space, 0, 1, 16, 16, mixture.options};
  Strategy all = scripted(list, context);
  mixture.store->begin_epoch(0, 1);
  std::vector<int> went;
  for (int64_t k = 0; k < kSteps; ++k) {
    std::vector<std::string> before;
    for (int m = 0; m < 3; ++m) before.push_back(hash_of(*mixture.store->open(m)));
    mixture.runner->run(all, mixture.batch(k), {0, k, kSteps, k, 0.1});
    int changed = -1;
    for (int m = 0; m < 3; ++m) {
      if (hash_of(*mixture.store->open(m)) == before[static_cast<size_t>(m)]) continue;
      EXPECT_EQ(changed, -1) << "two models changed in step " << k;
      changed = m;
    }
    ASSERT_GE(changed, 0);
    went.push_back(changed);
  }
  for (int m = 0; m < 3; ++m) {
    Steps alone("");
    // The same start: the set of that number.
    const auto start = make_shared_set(make_layout(*alone.space), 0, {}, m);
    const std::shared_ptr<WeightSet> own = alone.store->open(0);
    for (size_t i = 0; i < own->parameters().size(); ++i)
      own->parameters()[i].tensor.detach().copy_(start->parameters()[i].tensor);
    std::vector<Architecture> part;
    for (int64_t k = 0; k < kSteps; ++k)
      if (went[static_cast<size_t>(k)] == m) part.push_back(list[static_cast<size_t>(k)]);
    ASSERT_FALSE(part.empty());
    Strategy some = scripted(part, context);
    for (int64_t k = 0; k < kSteps; ++k)
      if (went[static_cast<size_t>(k)] == m)
        alone.runner->run(some, alone.batch(k), {0, k, kSteps, k, 0.1});
    EXPECT_EQ(hash_of(*own), hash_of(*mixture.store->open(m))) << m;
  }
}

/// W and visits of every pair: the saved state ends with them.
struct Pairs {
  std::vector<double> w, visits;
};
Pairs pairs_of(const WeightStore& store, size_t pairs) {
  const at::Tensor state = store.save().tensors.at("association");
  const auto* end = state.data_ptr<double>() + state.numel();
  return {{end - 2 * pairs, end - pairs}, {end - pairs, end}};
}

// 3.5: the accuracy on the next validation batch, after the update, with the statistics of the
// batch.
TEST(MixtureStore, EachStepIsJudgedOnTheNextValidationBatch) {
  Steps s("{kind: mixture, models: 2, beta: 0}");
  const Architecture a = s.space->parse("3,2,3,1,3,2");
  const StrategyContext context{*s.space, 0, 1, 16, 16, s.options};
  Strategy script = scripted({a, a, a}, context);
  s.store->begin_epoch(0, 1);
  s.runner->begin_epoch();
  const size_t pairs = 2 * ArchitectureRows(*s.space, {}, 2).rows();
  ValidationStream images({*s.dataset, s.splits, s.normalisation, s.data_options},
                          16,
                          0,
                          c10::Device(c10::kCPU),
                          Layout::kContiguous,
                          at::kFloat);
  Pairs before = pairs_of(*s.store, pairs);
  EXPECT_EQ(before.w, std::vector<double>(pairs, 1.0));
  for (int64_t k = 0; k < 3; ++k) {
    s.runner->run(script, s.batch(k), {0, k, 3, k, 0.3});
    const Pairs now = pairs_of(*s.store, pairs);
    size_t visited = pairs;
    for (size_t i = 0; i < pairs; ++i) {
      if (now.visits[i] == before.visits[i]) {
        EXPECT_EQ(now.w[i], before.w[i]);
        continue;
      }
      EXPECT_EQ(visited, pairs) << "one pair only";
      visited = i;
    }
    ASSERT_LT(visited, pairs);
    const TrainBatch& judged = images.next();
    const c10::NoGradGuard no_grad;
    ForwardOptions options;
    options.bn = ForwardOptions::Bn::kBatch;
    const auto tensors = s.store->open(static_cast<int>(visited % 2))->bind(a);
    const at::Tensor logits = forward(s.space->plan(a), *tensors, judged.images, options);
    EXPECT_EQ(now.w[visited], logits.argmax(1).eq(judged.labels).sum().item<double>() / 16) << k;
    before = now;
  }
}

// 7.6: the rates of E + 1 epochs.
TEST(LearningRate, FollowsTheEpochsOfTheMixture) {
  ScheduleOptions cosine;
  cosine.lr_min = 1e-3;
  EXPECT_NEAR(learning_rate(cosine, 0.1, 0, 101), 0.1, 1e-12);
  EXPECT_NEAR(learning_rate(cosine, 0.1, 1, 101), 0.09997605597, 1e-10);
  EXPECT_NEAR(learning_rate(cosine, 0.1, 50, 101), 0.05126981469, 1e-10);
  EXPECT_NEAR(learning_rate(cosine, 0.1, 100, 101), 0.00102394403, 1e-10);
  EXPECT_NEAR(learning_rate(cosine, 0.1, 1, 601), 0.0999993237, 1e-9);
  EXPECT_NEAR(learning_rate(cosine, 0.1, 2, 601), 0.0999972949, 1e-9);
}

TEST(MixtureStore, ComposesWithEveryKindOfStep) {
  for (const char* strategy : {"{name: panda}",
                               "{name: fair}",
                               "{name: sandwich}",
                               "{name: sumnas}",
                               "{name: uniform, data_sampler: importance}"}) {
    Trial whole = trial(kTwo, -1, strategy, 2);
    whole.trainer->run();
    for (const auto& m : whole.epochs_seen) {
      EXPECT_LE(metric(m, "mixture.kl_after"), 1e-4) << strategy;
      EXPECT_GT(metric(m, "train.validation_macs"), 0) << strategy;
    }
    const auto& last = whole.epochs_seen.back();
    EXPECT_GT(metric(last, "mixture.steps.0"), 0) << strategy;
    EXPECT_GT(metric(last, "mixture.steps.1"), 0) << strategy;
    // One path a step, and several.
    if (std::string_view(strategy).find("panda") == std::string_view::npos &&
        std::string_view(strategy).find("sumnas") == std::string_view::npos)
      continue;
    const auto make = [&](int stop_at) { return trial(kTwo, stop_at, strategy, 2); };
    EXPECT_EQ(test::hash_of_resumed(make, 7), store_hash(whole)) << strategy;
  }
}

TEST(MixtureStore, JudgesWithTheLikeliestModel) {
  Trial run = trial(kTwo);
  run.trainer->run();
  const StoreState state = run.store->save();
  Trial other = trial(kTwo);
  other.store->load(state);
  Rng rng(3, "test");
  std::set<int> owners;
  for (int i = 0; i < 200; ++i) {
    const Architecture a = run.space->sample(rng);
    EXPECT_EQ(run.store->owner(a), other.store->owner(a));
    // Architectures of equal function have one model.
    EXPECT_EQ(run.store->owner(a), run.store->owner(run.space->canonical(a)));
    owners.insert(run.store->owner(a));
  }
  EXPECT_EQ(owners.size(), 2u);
  EXPECT_EQ(run.store->set_name(1), "model 1");
  EXPECT_THROW(other.store->load({}), DataError);
}

// What cannot work is told before anything is trained.
TEST(MixtureStore, WrongSettingsAreToldWithTheirPlace) {
  const auto told = [](const std::string& yaml, const std::function<void(TrainOptions&)>& change) {
    const auto space = load_space("resnet20-pool");
    TrainOptions train;
    change(train);
    Binder::Raw section;
    section.yaml = yaml;
    try {
      make_weights({*space, 0, {}, train}, section);
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const auto nothing = [](TrainOptions&) {};
  EXPECT_EQ(told("{kind: mixture}", nothing), "");
  EXPECT_THAT(told("{kind: mixture}", [](TrainOptions& o) { o.accumulate = 2; }),
              testing::HasSubstr("train.accumulate is 2"));
  EXPECT_THAT(told("{kind: mixture}", [](TrainOptions& o) { o.budget.macs = "1T"; }),
              testing::HasSubstr("train.budget"));
  EXPECT_EQ(told("{kind: mixture, models: 1}", [](TrainOptions& o) { o.budget.macs = "1T"; }), "");
  EXPECT_THAT(told("{kind: mixture, models: 0}", nothing), testing::HasSubstr("models"));
  EXPECT_THAT(told("{kind: mixture, models: 2000}", nothing), testing::HasSubstr("1024"));
  EXPECT_THAT(told("{kind: mixture, key: [poool]}", nothing),
              testing::AllOf(testing::HasSubstr("key"), testing::HasSubstr("no choice 'poool'")));
  const std::string first = load_space("resnet20-pool")->choices()[0].name;
  EXPECT_THAT(told("{kind: mixture, key: [" + first + ", " + first + "]}", nothing),
              testing::HasSubstr("stands twice"));
  EXPECT_THAT(told("{kind: mixtur}", nothing), testing::HasSubstr("mixture"));
}

TEST(MixtureStore, AValidationSplitSmallerThanABatchIsToldBeforeTraining) {
  try {
    Trial(
        "{name: uniform}",
        1,
        kCells,
        -1,
        [](TrainOptions& o) { o.batch = 5000; },
        0,
        test::digits(240),
        kTwo);
    FAIL() << "the validation split has fewer images";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("fewer than one batch of 5000"));
  }
}

}  // namespace
}  // namespace nas
