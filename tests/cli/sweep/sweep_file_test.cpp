// What a sweep's file means: combinations, shards, and every mistake with its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "cli/sweep/sweep_plan.hpp"
#include "cli/sweep/variations.hpp"

namespace nas::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SweepFile read(const std::string& text) {
  YamlSource source;
  source.text = text;
  source.file = "sweep.yaml";
  return read_sweep(source);
}

const std::string kStages = "stages: {train: {config: t}, search: {config: s}}\n";

/// `epochs=1 lr=0.1` of each combination.
std::vector<std::string> combinations(const std::string& text) {
  std::vector<std::string> all;
  for (const auto& one : read(kStages + text).combinations) {
    std::string line;
    for (const StageSetting& s : one)
      line += (line.empty() ? "" : " ") + std::string(to_string(s.stage)) + "." +
              s.setting.assignment();
    all.push_back(line);
  }
  return all;
}

/// Each problem as text.
std::vector<std::string> mistakes(const std::string& text) {
  try {
    read(text);
  } catch (const ConfigError& e) {
    std::vector<std::string> list;
    for (const Problem& p : e.problems()) list.push_back(p.text());
    return list;
  }
  return {};
}

TEST(SweepFile, WithoutVariationThereIsOneCell) {
  EXPECT_THAT(combinations(""), ElementsAre(""));
  EXPECT_EQ(read(kStages).config.name, "sweep");
}

TEST(SweepFile, AGridIsEveryCombination) {
  EXPECT_THAT(combinations("grid: {train: {epochs: [1, 2]}, search: {algorithm: [a, b]}}"),
              ElementsAre("train.epochs=1 search.algorithm=a",
                          "train.epochs=1 search.algorithm=b",
                          "train.epochs=2 search.algorithm=a",
                          "train.epochs=2 search.algorithm=b"));
}

TEST(SweepFile, ListGridAndSampleAreMultiplied) {
  EXPECT_THAT(combinations("list: [{train: {a: 1}}, {train: {a: 2}}]\ngrid: {train: {b: [3, 4]}}\n"
                           "random: {draws: 3, train: {c: [7]}}"),
              ::testing::SizeIs(2 * 2 * 3));
}

TEST(SweepFile, ValuesAreYamlAndLabelsTellThemApart) {
  const SweepFile file = read(kStages +
                              "grid:\n  train:\n"
                              "    strategy: {ours: {name: panda, preset: unbiased}, his: panda}\n"
                              "    label: ['010', 10, [1, 2], {name: x, y: 1}]\n");
  ASSERT_EQ(file.combinations.size(), 8u);
  EXPECT_EQ(file.combinations[0][0].setting.assignment(),
            "strategy={\"name\":\"panda\",\"preset\":\"unbiased\"}");
  EXPECT_EQ(file.combinations[0][0].setting.label, "ours");
  EXPECT_EQ(file.combinations[0][1].setting.value, "\"010\"");  // Text stays text.
  EXPECT_EQ(file.combinations[1][1].setting.value, "10");
  EXPECT_EQ(file.combinations[2][1].setting.label, "1-2");
  EXPECT_EQ(file.combinations[3][1].setting.label, "x-1");
}

TEST(SweepFile, ARandomSampleLiesInItsRangeAndGrowsAtItsEnd) {
  const std::string text =
      "random:\n  seed: 3\n  train:\n    lr: {from: 0.001, to: 1, scale: log}\n"
      "    width: {from: 1, to: 4}\n    kind: [a, b]\n";
  const SweepFile few = read(kStages + text + "  draws: 200\n");
  const SweepFile more = read(kStages + text + "  draws: 400\n");
  std::set<std::string> widths, kinds;
  int small = 0;
  for (size_t i = 0; i < few.combinations.size(); ++i) {
    ASSERT_EQ(few.combinations[i].size(), 3u);
    const double lr = std::stod(few.combinations[i][0].setting.value);
    EXPECT_GE(lr, 0.001);
    EXPECT_LE(lr, 1);
    small += lr < std::sqrt(0.001) ? 1 : 0;
    widths.insert(few.combinations[i][1].setting.value);
    kinds.insert(few.combinations[i][2].setting.value);
    for (size_t k = 0; k < 3; ++k)
      EXPECT_EQ(few.combinations[i][k].setting.value, more.combinations[i][k].setting.value);
  }
  EXPECT_THAT(widths, ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(kinds, ElementsAre("a", "b"));
  // Half of a log scale lies below its geometric middle; 200 draws, 5 deviations of 7.1.
  EXPECT_NEAR(small, 100, 36);
}

TEST(SweepFile, EveryMistakeIsToldWithItsPlace) {
  const std::vector<std::string> told = mistakes(
      "name: a/b\n"
      "seeds: [1, 1]\n"
      "stages: {train: {}, export: {}}\n"
      "grid:\n"
      "  train: {epochs: 3, batch: [8, 8], lr: []}\n"
      "  serach: {a: [1]}\n"
      "  rank: {archs: [1]}\n"
      "random: {train: {lr: {from: 2, to: 1}, mom: {from: 0, to: 1, scale: log, till: 2}}}\n");
  std::string all;
  for (const std::string& one : told) all += one + "\n";
  for (const char* part :
       {"sweep.yaml:1:7: name",
        "sweep.yaml:2:8: seeds: a seed is listed twice",
        "stages.train: names no configuration",
        "stages.export: there is no stage `search` to pick from",
        "sweep.yaml:5:19: grid.train.epochs: expected a list of values, got \"3\"",
        "grid.train.batch: the value 8 comes twice",
        "grid.train.lr: has no values",
        "sweep.yaml:6:3: grid.serach: unknown key; expected one of: train, rank, search, export",
        "Did you mean search?",
        "sweep.yaml:7:3: grid.rank: this sweep has no stage rank",
        "random.train.lr: from must be less than to",
        "random.train.mom.till: unknown key",
        "random.draws: missing"})
    EXPECT_THAT(all, HasSubstr(part));
  EXPECT_THAT(mistakes("stages: {train: {config: t, sett: {}}}"),
              ElementsAre(AllOf(HasSubstr("sweep.yaml:1:29"),
                                HasSubstr("Did you mean stages.train.set?"))));
  EXPECT_THAT(mistakes(kStages + "grid: {train: {a: [1]}}\nlist: [{train: {a: 2}}]"),
              ElementsAre(HasSubstr("is changed in two places")));
  EXPECT_THAT(mistakes(kStages +
                       "random: {draws: 1000, train: {a: [1, 2]}}\n"
                       "grid: {train: {b: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], c: [1, 2, 3, 4, 5, "
                       "6, 7, 8, 9, 10]}}"),
              ElementsAre(HasSubstr("more than 100000 cells")));
}

/// Cells over so many trainings; of training t there are `sizes[t]` cells.
SweepPlan plan_of(const std::vector<int>& sizes) {
  SweepPlan plan;
  for (size_t t = 0; t < sizes.size(); ++t) {
    const int train = static_cast<int>(plan.stages.size());
    plan.stages.push_back({});
    for (int c = 0; c < sizes[t]; ++c) {
      Stage search;
      search.kind = StageKind::kSearch;
      search.needs = train;
      plan.stages.push_back(search);
      SweepCell cell;
      cell.stages = {train, static_cast<int>(plan.stages.size()) - 1};
      plan.cells.push_back(cell);
    }
  }
  return plan;
}

TEST(Shards, EveryCellOnceAndTrainingsWhole) {
  const SweepPlan all = plan_of({5, 1, 1, 3, 2, 4});
  EXPECT_EQ(most_shards(all), 6u);
  for (const int count : {1, 2, 3, 6, 9}) {
    std::multiset<std::vector<int>> cells;
    std::set<std::pair<int, int>> owners;
    size_t largest = 0;
    for (int i = 1; i <= count; ++i) {
      SweepPlan plan = all;
      take_shard(plan, {i, count});
      largest = std::max(largest, plan.cells.size());
      for (const SweepCell& cell : plan.cells) {
        cells.insert(cell.stages);
        owners.emplace(cell.stages[0], i);
      }
    }
    EXPECT_EQ(cells.size(), all.cells.size()) << count;
    EXPECT_EQ(owners.size(), 6u) << count;  // No training in two shards.
    if (count == 2) {
      EXPECT_EQ(largest, 8u);
    }
  }
}

TEST(Shards, TextAndSlurm) {
  for (const char* name : {"ID", "COUNT", "MIN", "STEP"})
    unsetenv((std::string("SLURM_ARRAY_TASK_") + name).c_str());
  EXPECT_FALSE(read_shard("").has_value());
  EXPECT_EQ(read_shard("2/8")->index, 2);
  for (const char* bad : {"0/8", "9/8", "8", "a/b", "1/0", "-1/2", "1/2x"})
    EXPECT_THROW(read_shard(bad), ConfigError) << bad;
  setenv("SLURM_ARRAY_TASK_ID", "14", 1);
  EXPECT_THROW(read_shard(""), ConfigError);
  setenv("SLURM_ARRAY_TASK_COUNT", "4", 1);
  setenv("SLURM_ARRAY_TASK_MIN", "10", 1);
  setenv("SLURM_ARRAY_TASK_STEP", "2", 1);
  EXPECT_EQ(read_shard("")->index, 3);
  EXPECT_EQ(read_shard("")->count, 4);
  EXPECT_EQ(read_shard("1/2")->count, 2);  // What is typed comes first.
  for (const char* name : {"ID", "COUNT", "MIN", "STEP"})
    unsetenv((std::string("SLURM_ARRAY_TASK_") + name).c_str());
}

}  // namespace
}  // namespace nas::cli
