// What every weight store must keep: those of the table, each with a configuration of several sets,
// and a toy of two sets whose curriculum has two stages.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "spaces/error.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using test::Trial;

struct StoreCase {
  std::string kind, options;
  std::string yaml() const { return "{kind: " + kind + options + "}"; }
};

Trial trial(const std::string& weights, int stop_at = -1) {
  return Trial(
      "{name: uniform}",
      3,
      test::kCells,
      stop_at,
      [](TrainOptions& o) {
        o.gradient_variance.every = 0;
        o.batch = 24;
      },
      0,
      test::digits(240),
      weights);
}

class WeightStoreContract : public testing::TestWithParam<StoreCase> {};

TEST_P(WeightStoreContract, AnOwnerIsALiveSetAndSoIsWhatTrains) {
  const auto space = test::space_of(test::kCells);
  TrainOptions train;
  train.epochs = 3;
  const Weights made = test::weights_of({*space, 3, {}, train}, GetParam().yaml());
  WeightStore& store = *made.store;
  const Stage first = made.curriculum ? made.curriculum->stage(0) : Stage{};
  if (made.curriculum) store.enter(first.sets);
  store.begin_epoch(0, 3);
  const std::vector<int> live = store.live_sets();
  EXPECT_TRUE(std::is_sorted(live.begin(), live.end()));
  const Domain domain(*space, first.within);
  Rng rng(1, "owners");
  for (int i = 0; i < 50; ++i) {
    const Architecture a = domain.sample(rng);
    const int owner = store.owner(a), drawn = store.draw(a, rng);
    EXPECT_EQ(owner, store.owner(a));
    EXPECT_TRUE(std::count(live.begin(), live.end(), owner) == 1) << owner;
    EXPECT_TRUE(drawn >= 0 && drawn < store.sets()) << drawn;
    if (made.curriculum) {
      EXPECT_EQ(std::count(first.sets.begin(), first.sets.end(), drawn), 1) << drawn;
    }
  }
  std::set<std::string> names;
  for (const int set : live) EXPECT_TRUE(names.insert(store.set_name(set)).second) << set;
  // Held, a set stays the same one; sets begin unlike one another.
  const auto held = store.open(live.front());
  store.keep(1);
  EXPECT_EQ(store.open(live.front()), held);
}

TEST_P(WeightStoreContract, ARunGoesOnToTheSameBitsWhereverItWasStopped) {
  const std::string yaml = GetParam().yaml();
  Trial whole = trial(yaml);
  whole.trainer->run();
  for (const int stop_at : {1, 10, 21})
    EXPECT_EQ(test::hash_of_resumed([&](int stop) { return trial(yaml, stop); }, stop_at),
              test::store_hash(whole))
        << stop_at;
}

TEST_P(WeightStoreContract, UnknownOptionsAreRefused) {
  const auto space = test::space_of(test::kCells);
  EXPECT_THROW(test::weights_of({*space}, "{kind: " + GetParam().kind + ", nonsense: 1}"),
               ConfigError);
}

std::vector<StoreCase> cases() {
  std::vector<StoreCase> all;
  for (const WeightsEntry& entry : test::all_weight_stores()) {
    std::string options;
    if (entry.name == "mixture") options = ", models: 2, t_max: 30, beta: 0.7";
    if (entry.name == "few-shot")
      options = ", split: {epochs: [1], candidates: ['3<-2'], score: {batches: 2}}, restart: none";
    all.push_back({entry.name, options});
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(All,
                         WeightStoreContract,
                         testing::ValuesIn(cases()),
                         [](const auto& info) {
                           std::string name = info.param.kind;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// The second stage leaves the first one's set as it is, in memory and in its file.
TEST(TwoStages, TrainTheirOwnSetsOnly) {
  const auto hash = [](Trial& t, int set) {
    std::map<std::string, at::Tensor> all;
    for (const NamedTensor& p : t.store->open(set)->parameters()) all[p.name] = p.tensor;
    return hash_tensors(all);
  };
  Trial fresh = trial("{kind: halves}");
  const std::string begun[] = {hash(fresh, 0), hash(fresh, 1)};
  EXPECT_NE(begun[0], begun[1]);
  Trial cut = trial("{kind: halves}", 40);  // Of 8 steps in each of 6 epochs.
  EXPECT_THROW(cut.trainer->run(), Interrupted);
  ASSERT_GE(cut.trainer->epochs_done(), 3);
  Trial whole = trial("{kind: halves}");
  whole.trainer->run();
  EXPECT_EQ(hash(cut, 0), hash(whole, 0));
  EXPECT_NE(hash(cut, 0), begun[0]);
  EXPECT_NE(hash(cut, 1), hash(whole, 1));
  ASSERT_EQ(whole.epochs_seen.size(), 6u);
  EXPECT_EQ(test::metric(whole.epochs_seen.back(), "halves.epochs"), 6);
  // Each stage has a learning-rate schedule of its own.
  EXPECT_EQ(test::metric(whole.epochs_seen[0], "train.lr"),
            test::metric(whole.epochs_seen[3], "train.lr"));
}

}  // namespace
}  // namespace nas
