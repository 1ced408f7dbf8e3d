// Scores that are kept while the choices of a node are compared: what is found again has the same
// bits, and what is damaged or of something else is never taken.
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "spaces/error.hpp"
#include "supernet/train/split/few_shot.hpp"
#include "supernet/train/split/gradient_match.hpp"
#include "trial.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using test::Trial;

// Root and child compare two choices of five options on two batches each, the children one.
const char* const kTree =
    "{kind: few-shot, split: {epochs: [1, 2], groups: [2], candidates: ['1<-0', '3<-2'], "
    "score: {batches: 2}}}";

Trial trial(int stop_at) {
  return Trial(
      "{name: uniform}",
      3,
      test::kCells,
      stop_at,
      [](TrainOptions& o) {
        o.gradient_variance.every = 0;
        o.batch = 60;
      },
      0,
      test::digits(240),
      kTree);
}

std::vector<fs::path> kept_in(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("scores-")) found.push_back(entry.path());
  return found;
}

struct Resumed {
  std::string weights, tree;
  int asked = 0;  ///< How often whether to stop: once for each step and batch.
  size_t left = 0;
};
/// Stopped at the `stop_at`-th question; `change` sees the folder in between.
Resumed resumed(int stop_at, const std::function<void(const fs::path&)>& change = {}) {
  Trial cut(trial(stop_at));
  EXPECT_THROW(cut.trainer->run(), Interrupted);
  Trial rest(trial(-1));
  fs::remove_all(rest.folder);
  fs::copy(cut.folder, rest.folder);
  if (change) change(rest.folder);
  rest.trainer->resume(
      (rest.folder / fs::path(cut.trainer->last_checkpoint()).filename()).string());
  rest.trainer->run();
  return {test::store_hash(rest),
          split_tree_of(*rest.store)->json(),
          rest.steps,
          kept_in(rest.folder).size()};
}

TEST(KeptScores, AnInterruptedScoringGoesOnAtTheNextChoice) {
  Trial whole(trial(-1));
  whole.trainer->run();
  EXPECT_TRUE(kept_in(whole.folder).empty());
  // Asked after each of 4 steps and the epoch, then before every batch: 6 and 7 are the first
  // choice's, 8 and 9 the second's.
  const Resumed first = resumed(6), second = resumed(8);
  const Resumed damaged = resumed(8, [](const fs::path& folder) {
    const std::vector<fs::path> kept = kept_in(folder);
    ASSERT_EQ(kept.size(), 1u);
    std::fstream file(kept[0], std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(kept[0])) / 2);
    file << "#";
  });
  for (const Resumed& r : {first, second, damaged}) {
    EXPECT_EQ(r.weights, test::store_hash(whole));
    EXPECT_EQ(r.tree, split_tree_of(*whole.store)->json());
    EXPECT_EQ(r.left, 0u);
  }
  EXPECT_EQ(second.asked, first.asked - 2);
  EXPECT_EQ(damaged.asked, first.asked) << "scored anew";
}

class Scores : public testing::Test {
 protected:
  Scores() : t_("{name: uniform}", 1) {}
  Scoring score(const std::vector<size_t>& choices, int64_t batches = 2, uint64_t seed = 0) {
    ScoringSetup setup{
        *t_.space, {*t_.dataset, t_.splits, t_.normalisation, t_.data_options}, t_.options};
    setup.seed = seed;
    setup.keep = {t_.folder.string(), "run", [this](const std::string& s) { warned_ += s; }};
    done_.clear();
    setup.on_batch = [this](int64_t done, int64_t all) {
      done_.push_back(done);
      all_ = all;
    };
    ScoreOptions options;
    options.batches = batches;
    return score_choices(setup, *t_.weights, *t_.space, choices, options);
  }
  Trial t_;
  std::string warned_;
  std::vector<int64_t> done_;
  int64_t all_ = 0;
};

TEST_F(Scores, AreTakenForTheSameQuestionAlone) {
  const Scoring alone = score({3});
  EXPECT_EQ(done_, (std::vector<int64_t>{0, 1, 2}));
  const Scoring both = score({3, 0});
  EXPECT_EQ(done_, (std::vector<int64_t>{2, 3, 4})) << "the kept one costs no batch";
  EXPECT_EQ(all_, 4);
  EXPECT_EQ(both.choices[0].distance.values(), alone.choices[0].distance.values());
  EXPECT_EQ(both.compared[0], alone.compared[0]);
  EXPECT_EQ(both.passes, 2 * 2 * 5);
  EXPECT_EQ(both.key, alone.key);
  // Another number of batches, another seed, other weights.
  score({3}, 3);
  EXPECT_EQ(done_.size(), 4u);
  score({3}, 2, 1);
  EXPECT_EQ(done_.size(), 3u);
  {
    const c10::NoGradGuard no_grad;
    t_.weights->parameters().front().tensor.detach().add_(1);
  }
  const Scoring other = score({3});
  EXPECT_EQ(done_.size(), 3u);
  EXPECT_NE(other.key, alone.key);
  EXPECT_EQ(warned_, "");
  remove_kept_scores(t_.folder.string(), alone.key);
  EXPECT_EQ(kept_in(t_.folder).size(), 3u);
  remove_kept_scores(t_.folder.string());
  EXPECT_TRUE(kept_in(t_.folder).empty());
}

TEST_F(Scores, AFileThatIsNoneIsToldAndReplaced) {
  const Scoring right = score({3});
  ASSERT_EQ(kept_in(t_.folder).size(), 1u);
  const fs::path file = kept_in(t_.folder)[0];
  for (const char* text : {"", "{}", "not JSON", R"({"key": 1, "sha256": 2, "score": 3})"}) {
    std::ofstream(file, std::ios::binary) << text;
    warned_.clear();
    EXPECT_EQ(score({3}).choices[0].distance.values(), right.choices[0].distance.values());
    EXPECT_THAT(warned_, testing::HasSubstr(file.filename().string() + ": is damaged")) << text;
  }
  warned_.clear();
  score({3});
  EXPECT_EQ(warned_, "");
}

// A place that cannot be written costs the scores that would have been kept, and no more.
TEST_F(Scores, AreMadeWithoutAPlace) {
  fs::remove_all(t_.folder);
  EXPECT_TRUE(score({3}).choices[0].usable);
  EXPECT_THAT(warned_, testing::HasSubstr("would be scored again"));
}

}  // namespace
}  // namespace nas
