// What every training strategy must keep: all entries of the table, on several spaces.
#include <gtest/gtest.h>

#include <set>

#include "spaces/error.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/strategy_state.hpp"
#include "support.hpp"
#include "toys/toys.hpp"

namespace nas {
namespace {

const char* const kSpaces[] = {"digits", "nasbench201-n1", "mobilenet-32", "resnet20-pool"};
constexpr int64_t kImages = 60, kBatch = 20, kEpochs = 4;

class StrategyContract
    : public testing::TestWithParam<std::tuple<const StrategyEntry*, const char*>> {
 protected:
  std::unique_ptr<Strategy> make(uint64_t seed = 1) const {
    YamlSource source;
    source.text = "{name: " + entry().name + options() + "}";
    TrainOptions train;
    train.optimizer.untouched = Untouched::kDecay;
    return std::make_unique<Strategy>(
        entry().name, entry().make({*space_, seed, kEpochs, kImages, kBatch, train}, source));
  }
  const StrategyEntry& entry() const { return *std::get<0>(GetParam()); }
  /// Phases by default open options one kind after the other; here all at once.
  std::string options() const {
    if (entry().name != "progressive") return "";
    return ", phases: [{epochs: 4, subnets: 2, kernel: 0, depth: 0, expand: 0}]";
  }

  /// One step without a network: the strategy hears of gradients that are all alike.
  Step drive(Strategy& strategy, int64_t epoch, int64_t step, const std::vector<int64_t>& order) {
    const std::vector<int64_t> positions(order.begin() + step * kBatch,
                                         order.begin() + (step + 1) * kBatch);
    const std::vector<double> weights = strategy.data_weights(positions);
    EXPECT_TRUE(weights.empty() || weights.size() == positions.size());
    for (const double w : weights) EXPECT_GT(w, 0);
    const Step result = strategy.next_step(epoch);
    const at::Tensor logits = at::arange(kBatch * 10, at::kFloat).view({kBatch, 10}).sin();
    const at::Tensor labels = at::arange(kBatch).remainder(10);
    const at::Tensor features = at::ones({kBatch, 4});
    for (const Path& path : result.paths) {
      const Plan plan = space_->plan(path.architecture);
      const PathOutcome outcome{
          path.architecture, plan, classification(), logits, labels, positions, &features, *store_};
      strategy.observe(outcome);
    }
    strategy.end_step(std::vector<double>(result.paths.size(), 1.0));
    return result;
  }

  static std::vector<Architecture> paths_of(const Step& step) {
    std::vector<Architecture> paths;
    for (const Path& p : step.paths) paths.push_back(p.architecture);
    return paths;
  }

  std::unique_ptr<Space> space_ = load_space(std::get<1>(GetParam()));
  std::unique_ptr<WeightSet> store_ = [this] {
    auto store = make_shared_set(*space_, 0);
    for (const NamedTensor& p : store->parameters())
      p.tensor.mutable_grad() = at::full_like(p.tensor, 0.01).detach();
    return store;
  }();
};

TEST_P(StrategyContract, StepsAreWellFormed) {
  const auto strategy = make();
  EXPECT_EQ(strategy->name(), entry().name);
  for (int64_t e = 0; e < kEpochs; ++e) {
    strategy->begin_epoch(e);
    const std::vector<int64_t> order = strategy->data_order(e);
    ASSERT_EQ(order.size(), static_cast<size_t>(kImages));
    for (const int64_t p : order) ASSERT_TRUE(p >= 0 && p < kImages) << p;
    for (int64_t s = 0; s < kImages / kBatch; ++s) {
      const Step step = drive(*strategy, e, s, order);
      ASSERT_FALSE(step.paths.empty());
      for (size_t i = 0; i < step.paths.size(); ++i) {
        const Path& path = step.paths[i];
        std::string why;
        EXPECT_TRUE(space_->valid(path.architecture, &why)) << why;
        EXPECT_EQ(space_->fix_inactive(path.architecture), path.architecture);
        EXPECT_LT(path.distill_from, static_cast<int>(i)) << "a teacher comes first";
        EXPECT_TRUE(path.distill_from >= 0 || path.hard_loss > 0) << "a path without a loss";
        EXPECT_TRUE(std::isfinite(path.weight) && path.weight > 0);
      }
    }
    strategy->end_epoch(e);
    std::set<std::string> names;
    for (const auto& [name, value] : strategy->telemetry()) {
      EXPECT_TRUE(names.insert(name).second) << name;
      EXPECT_TRUE(std::isfinite(value)) << name;
    }
  }
}

// A checkpoint of another version lacks what this one needs: told, never "map::at".
TEST_P(StrategyContract, AStateThatLacksAnEntryIsADataError) {
  const auto strategy = make();
  strategy->begin_epoch(0);
  drive(*strategy, 0, 0, strategy->data_order(0));
  const StrategyState whole = strategy->save();
  for (const auto& [key, text] : whole.text) {
    StrategyState state = whole;
    state.text.erase(key);
    EXPECT_THROW(make()->load(state), DataError) << key;
  }
  for (const char* key : {"rng", "sorted"}) {
    if (whole.text.count(key) == 0) continue;
    StrategyState state = whole;
    state.text[key] = "12x";
    EXPECT_THROW(make()->load(state), DataError) << key;
  }
  for (const auto& [key, tensor] : whole.tensors) {
    if (key.starts_with("teacher/")) continue;
    StrategyState state = whole;
    state.tensors.erase(key);
    EXPECT_THROW(make()->load(state), DataError) << key;
    state.tensors[key] = at::zeros({1000});
    EXPECT_THROW(make()->load(state), DataError) << key;
  }
}

TEST_P(StrategyContract, EpochZeroShowsEveryImageOnce) {
  const auto strategy = make();
  strategy->begin_epoch(0);
  const std::vector<int64_t> order = strategy->data_order(0);
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), static_cast<size_t>(kImages));
}

TEST_P(StrategyContract, EveryOptionIsTrainedInTime) {
  const auto strategy = make();
  std::vector<std::set<int16_t>> seen(space_->choices().size());
  strategy->begin_epoch(0);
  for (int64_t s = 0; s < 400; ++s)
    for (const Architecture& a : paths_of(strategy->next_step(0)))
      for (size_t c = 0; c < seen.size(); ++c)
        if (space_->active(a, c)) seen[c].insert(a.genes[c]);
  const bool one_only = entry().name == "fixed";
  for (size_t c = 0; c < seen.size(); ++c)
    EXPECT_EQ(seen[c].size(), one_only ? 1 : space_->choices()[c].options.size())
        << space_->choices()[c].name;
}

TEST_P(StrategyContract, SameSeedSamePathsOtherSeedOthers) {
  const auto first = make(4), second = make(4), other = make(5);
  bool differs = false;
  for (Strategy* s : {first.get(), second.get(), other.get()}) s->begin_epoch(0);
  EXPECT_EQ(first->data_order(0), second->data_order(0));
  EXPECT_NE(first->data_order(0), other->data_order(0));
  for (int64_t s = 0; s < 30; ++s) {
    const auto paths = paths_of(first->next_step(0));
    EXPECT_EQ(paths, paths_of(second->next_step(0)));
    differs = differs || paths != paths_of(other->next_step(0));
  }
  EXPECT_EQ(differs, entry().name != "fixed");
}

TEST_P(StrategyContract, SavedInMidEpochGoesOnAlike) {
  const auto whole = make();
  const auto resumed = make(99);  // What was loaded counts, not the seed of its streams.
  std::vector<int64_t> order;
  StrategyState state;
  for (int64_t e = 0; e < 2; ++e) {
    whole->begin_epoch(e);
    order = whole->data_order(e);
    for (int64_t s = 0; s < (e == 0 ? 3 : 1); ++s) drive(*whole, e, s, order);
    if (e == 0) whole->end_epoch(e);
  }
  resumed->load(whole->save());
  for (int64_t s = 1; s < 3; ++s) {
    const Step a = drive(*whole, 1, s, order), b = drive(*resumed, 1, s, order);
    ASSERT_EQ(paths_of(a), paths_of(b));
    for (size_t i = 0; i < a.paths.size(); ++i) EXPECT_EQ(a.paths[i].weight, b.paths[i].weight);
  }
  whole->end_epoch(1);
  resumed->end_epoch(1);
  EXPECT_EQ(whole->telemetry(), resumed->telemetry());
  EXPECT_EQ(whole->health(), resumed->health());
}

TEST_P(StrategyContract, UnknownOptionsAreRefused) {
  YamlSource source;
  source.text = "{name: " + entry().name + ", nonsense: 1}";
  TrainOptions train;
  train.optimizer.untouched = Untouched::kDecay;
  try {
    entry().make({*space_, 0, kEpochs, kImages, kBatch, train}, source);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("nonsense"), std::string::npos) << e.what();
  }
  const std::string schema = json_schema("strategy", [&](Binder& b) { entry().describe(b); });
  EXPECT_NE(schema.find("properties"), std::string::npos);
}

/// The stages of resnet20-pool have a common sum, so no set of paths uses every option equally
/// often.
bool no_fair_sets(const StrategyEntry& entry, const std::string& space) {
  return (entry.name == "fair" || entry.name == "sumnas") && space == "resnet20-pool";
}

/// Only sizes can shrink.
bool no_sizes(const StrategyEntry& entry, const std::string& space) {
  return entry.name == "progressive" && space != "mobilenet-32";
}

TEST(StrictFairness, ImpossibleSpacesAreTold) {
  const auto space = load_space("resnet20-pool");
  YamlSource source;
  source.text = "{name: fair}";
  try {
    make_strategy("fair", {*space, 0, kEpochs, kImages, kBatch}, source);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("strategy: uniform"), std::string::npos) << e.what();
  }
}

std::vector<std::tuple<const StrategyEntry*, const char*>> combinations() {
  std::vector<std::tuple<const StrategyEntry*, const char*>> all;
  static const std::vector<StrategyEntry> entries = test::all_strategies();
  for (const StrategyEntry& entry : entries)
    for (const char* space : kSpaces)
      if (!no_fair_sets(entry, space) && !no_sizes(entry, space)) all.emplace_back(&entry, space);
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    All, StrategyContract, testing::ValuesIn(combinations()), [](const auto& info) {
      std::string name = std::get<0>(info.param)->name + "_" + std::get<1>(info.param);
      for (char& c : name)
        if (c == '-') c = '_';
      return name;
    });

}  // namespace
}  // namespace nas
