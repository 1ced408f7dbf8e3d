// Parts of a sweep by themselves: values and labels, products, draws, shards, what runs, the
// command lines of stages, the table over seeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "cli/sweep/estimate.hpp"
#include "cli/sweep/sweep_report.hpp"
#include "cli/sweep/sweep_runner.hpp"
#include "cli/sweep/variations.hpp"
#include "process.hpp"
#include "spaces/random.hpp"

namespace nas::test {
namespace {

using namespace nas::cli;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SweepFile read(const std::string& text) {
  YamlSource source;
  source.text = "stages: {train: {config: t}, search: {config: s}}\n" + text;
  source.file = "sweep.yaml";
  return read_sweep(source);
}

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "read";
}

TEST(SweepValues, LabelsAreShortAndTellValuesApart) {
  const SweepFile file = read(
      "grid: {train: {a: ['a-very-long-value-that-is-cut-somewhere-1', "
      "'a-very-long-value-that-is-cut-somewhere-2', {x: 1, y: [2, 3]}, [], true, null]}}");
  std::set<std::string> labels;
  for (const auto& one : file.combinations) {
    const std::string& label = one[0].setting.label;
    EXPECT_TRUE(labels.insert(label).second) << label;
    EXPECT_LE(label.size(), 26u);
  }
  EXPECT_EQ(labels.size(), 6u);
  // The values themselves are whole.
  EXPECT_EQ(file.combinations[1][0].setting.value, "\"a-very-long-value-that-is-cut-somewhere-2\"");
  EXPECT_EQ(file.combinations[2][0].setting.value, "{\"x\":1,\"y\":[2,3]}");
}

TEST(SweepProducts, HoldEveryCombinationOnce) {
  Rng rng(1, "products");
  for (int i = 0; i < 40; ++i) {
    std::string grid;
    size_t expected = 1;
    const size_t keys = 1 + rng.below(3);
    for (size_t k = 0; k < keys; ++k) {
      const size_t values = 1 + rng.below(4);
      expected *= values;
      grid += (k > 0 ? ", " : "") + std::string("k") + std::to_string(k) + ": [";
      for (size_t v = 0; v < values; ++v) grid += (v > 0 ? ", " : "") + std::to_string(v);
      grid += "]";
    }
    std::string list;
    const size_t items = rng.below(4);
    for (size_t l = 0; l < items; ++l)
      list += (l > 0 ? ", " : "") + std::string("{search: {m: ") + std::to_string(l) + "}}";
    if (items > 0) expected *= items;
    const size_t draws = rng.below(3);
    std::string text = "grid: {train: {" + grid + "}}\n";
    if (items > 0) text += "list: [" + list + "]\n";
    if (draws > 0) {
      text += "random: {draws: " + std::to_string(draws) + ", train: {r: {from: 0.25, to: 1}}}\n";
      expected *= draws;
    }
    const SweepFile file = read(text);
    ASSERT_EQ(file.combinations.size(), expected) << text;
    std::set<std::string> seen;
    for (const auto& one : file.combinations) {
      std::string all;
      for (const StageSetting& s : one)
        all += std::string(to_string(s.stage)) + "." + s.setting.assignment() + " ";
      seen.insert(all);
    }
    EXPECT_EQ(seen.size(), expected) << text;
  }
}

TEST(SweepDraws, LieInTheirSpansAndFillThem) {
  const SweepFile file = read(
      "random:\n  draws: 3000\n  train:\n    lin: {from: -2, to: 2.5}\n"
      "    log: {from: 1.0e-4, to: 1, scale: log}\n    dice: {from: 1, to: 6}\n"
      "    octave: {from: 1, to: 64, scale: log}\n    word: [a, b, c]\n");
  std::map<std::string, std::vector<double>> drawn;
  std::map<std::string, std::map<std::string, int>> counts;
  for (const auto& one : file.combinations)
    for (const StageSetting& s : one) {
      ++counts[s.setting.key][s.setting.value];
      if (s.setting.key != "word") drawn[s.setting.key].push_back(std::stod(s.setting.value));
    }
  const auto share_below = [&](const std::string& key, double limit) {
    const auto& values = drawn[key];
    return static_cast<double>(
               std::count_if(values.begin(), values.end(), [&](double v) { return v < limit; })) /
           3000;
  };
  for (const double v : drawn["lin"]) EXPECT_TRUE(v >= -2 && v <= 2.5) << v;
  for (const double v : drawn["log"]) EXPECT_TRUE(v >= 1e-4 && v <= 1) << v;
  // Shares with five standard deviations of 3000 draws.
  EXPECT_NEAR(share_below("lin", 0.25), 0.5, 0.046);
  EXPECT_NEAR(share_below("log", 1e-2), 0.5, 0.046);
  EXPECT_NEAR(share_below("log", 1e-3), 0.25, 0.04);
  EXPECT_EQ(counts["dice"].size(), 6u);
  for (const auto& [value, n] : counts["dice"]) EXPECT_NEAR(n, 500, 103) << value;
  EXPECT_EQ(counts["word"].size(), 3u);
  for (const auto& [value, n] : counts["word"]) EXPECT_NEAR(n, 1000, 130) << value;
  // Whole numbers on a log scale: each octave alike, 64 alone at its end.
  for (const double v : drawn["octave"]) EXPECT_TRUE(v == std::round(v) && v >= 1 && v <= 64) << v;
  EXPECT_NEAR(share_below("octave", 8), std::log(8) / std::log(65), 0.046);
}

TEST(SweepDraws, AreTheSameAgainAndOthersByAnotherSeed) {
  const auto values = [](const std::string& more) {
    std::vector<std::string> all;
    for (const auto& one :
         read("random: {draws: 20, " + more + "train: {a: {from: 0, to: 1}, b: {from: 0, to: 1}}}")
             .combinations)
      for (const StageSetting& s : one) all.push_back(s.setting.value);
    return all;
  };
  EXPECT_EQ(values(""), values(""));
  EXPECT_EQ(values(""), values("seed: 0, "));
  EXPECT_NE(values(""), values("seed: 1, "));
  const auto all = values("");
  EXPECT_NE(all[0], all[1]) << "keys have streams of their own";
}

TEST(SweepFiles, SpansThatAreNoneAreTold) {
  for (const auto& [span, what] : std::vector<std::pair<std::string, std::string>>{
           {"{from: 1}", "random.train.a: needs from and to"},
           {"{from: 2, to: 2}", "from must be less than to"},
           {"{from: 0, to: 1, scale: log}", "from must be more than 0 on a log scale"},
           {"{from: -1, to: 1, scale: log}", "from must be more than 0"},
           {"{from: x, to: 1}", "random.train.a.from: expected a number, got \"x\""},
           {"{from: 0, to: [1]}", "random.train.a.to: expected a number, got a list"},
           {"{from: 0, to: 1, scale: cubic}", "random.train.a.scale: expected linear or log"},
           {"{from: 0, to: 1, form: 2}", "Did you mean from?"},
           {"[]", "has no values, so nothing would run"},
           {"[1, 1]", "the value 1 comes twice"},
           {"3", "expected a list of values, got \"3\""}})
    EXPECT_THAT(refusal("random: {draws: 2, train: {a: " + span + "}}"), HasSubstr(what)) << span;
  for (const auto& [draws, what] : std::vector<std::pair<std::string, std::string>>{
           {"0", "random.draws: expected a whole number from 1 to 100000, got \"0\""},
           {"1.5", "got \"1.5\""},
           {"100001", "got \"100001\""},
           {"many", "got \"many\""}})
    EXPECT_THAT(refusal("random: {draws: " + draws + ", train: {a: [1, 2]}}"), HasSubstr(what));
  EXPECT_THAT(refusal("list: []"), HasSubstr("list: expected a list of combinations, got a list"));
  EXPECT_THAT(refusal("list: [3]"), HasSubstr("list.0"));
  EXPECT_THAT(refusal("grid: [1]"), HasSubstr("grid"));
}

// ---- Stages: trainings, searches of them, exports of these.

/// Cells of random stages; each search needs a training, each export a search.
SweepPlan random_plan(Rng& rng) {
  SweepPlan plan;
  const auto add = [&](StageKind kind, int needs) {
    Stage stage;
    stage.kind = kind;
    stage.needs = needs;
    stage.name = std::string(to_string(kind)) + std::to_string(plan.stages.size());
    stage.hash = std::string(64, static_cast<char>('a' + plan.stages.size() % 26));
    plan.stages.push_back(stage);
    return static_cast<int>(plan.stages.size()) - 1;
  };
  std::vector<int> trainings;
  for (uint64_t t = 1 + rng.below(5); t > 0; --t) trainings.push_back(add(StageKind::kTrain, -1));
  for (uint64_t c = 1 + rng.below(12); c > 0; --c) {
    SweepCell cell;
    cell.stages.push_back(trainings[rng.below(trainings.size())]);
    if (rng.below(3) > 0) cell.stages.push_back(add(StageKind::kSearch, cell.stages[0]));
    if (cell.stages.size() == 2 && rng.below(2) == 0)
      cell.stages.push_back(add(StageKind::kExport, cell.stages[1]));
    cell.combination = plan.cells.size();
    plan.cells.push_back(cell);
  }
  return plan;
}

TEST(SweepShards, RandomPlansAreDividedWholeAndEvenly) {
  Rng rng(2, "shards");
  for (int i = 0; i < 200; ++i) {
    const SweepPlan all = random_plan(rng);
    std::map<int, size_t> groups;  // Cells of each training.
    for (const SweepCell& cell : all.cells) ++groups[cell.stages[0]];
    EXPECT_EQ(most_shards(all), groups.size());
    const int count = 1 + static_cast<int>(rng.below(5));
    std::map<int, int> owner;
    size_t cells = 0, most = 0, largest_group = 0;
    for (const auto& [training, size] : groups) largest_group = std::max(largest_group, size);
    for (int index = 1; index <= count; ++index) {
      SweepPlan part = all;
      take_shard(part, {index, count});
      cells += part.cells.size();
      most = std::max(most, part.cells.size());
      for (const SweepCell& cell : part.cells)
        EXPECT_EQ(owner.emplace(cell.stages[0], index).first->second, index) << "paid for twice";
      EXPECT_TRUE(std::is_sorted(part.cells.begin(), part.cells.end(), [](auto& a, auto& b) {
        return a.combination < b.combination;
      }));
    }
    EXPECT_EQ(cells, all.cells.size());
    // Graham: at most 4/3 of what no division can go below.
    const double least =
        std::max(static_cast<double>(largest_group), std::ceil(static_cast<double>(cells) / count));
    EXPECT_LE(static_cast<double>(most),
              std::max(least * 4 / 3 + 1e-9, static_cast<double>(largest_group)) + 1)
        << cells << " over " << count;
  }
}

TEST(SweepRuns, WhatIsNeededAndNotDoneRuns) {
  Rng rng(3, "runs");
  for (int i = 0; i < 300; ++i) {
    const SweepPlan plan = random_plan(rng);
    std::vector<StageState> states(plan.stages.size());
    for (StageState& state : states) {
      state.done = rng.below(2) == 0;
      state.store = rng.below(3) == 0 ? "other.db" : "here.db";
    }
    const std::vector<bool> wanted = stages_to_run(plan, states);
    // The definition: not done and in a cell, or needed by what runs and not done anywhere.
    std::vector<bool> expected(plan.stages.size(), false);
    for (const SweepCell& cell : plan.cells)
      for (const int s : cell.stages)
        if (!states[static_cast<size_t>(s)].done) expected[static_cast<size_t>(s)] = true;
    for (bool more = true; more;) {
      more = false;
      for (size_t s = 0; s < plan.stages.size(); ++s) {
        if (!expected[s] || plan.stages[s].needs < 0) continue;
        const auto needs = static_cast<size_t>(plan.stages[s].needs);
        if (states[needs].done || expected[needs]) continue;
        expected[needs] = more = true;
      }
    }
    EXPECT_EQ(wanted, expected);
  }
}

TEST(SweepCommands, BeginGoOnOrBeginAnew) {
  SweepPlace place;
  place.nas = "nas";
  place.store = "s.db";
  place.folder = "out";
  Stage train;
  train.kind = StageKind::kTrain;
  train.name = "a-1";
  train.config = "t.yaml";
  train.sets = {"seed=3", "x=\"a b\""};
  StageState none, broken;
  EXPECT_THAT(stage_command(train, none, "", place),
              ElementsAre("nas",
                          "train",
                          "--config",
                          "t.yaml",
                          "--name",
                          "a-1",
                          "--set",
                          "seed=3",
                          "--set",
                          "x=\"a b\"",
                          "--db",
                          "s.db",
                          "--json"));
  broken.run = "t-9";
  EXPECT_THAT(stage_command(train, broken, "", place),
              ElementsAre("nas", "train", "--resume", "t-9", "--db", "s.db", "--json"));
  broken.anew = true;
  EXPECT_EQ(stage_command(train, broken, "", place), stage_command(train, none, "", place));
  Stage rank;
  rank.kind = StageKind::kRank;
  rank.words = {"--truth", "t.csv"};
  EXPECT_THAT(
      stage_command(rank, none, "t-1", place),
      ElementsAre("nas", "rank", "--run", "t-1", "--truth", "t.csv", "--db", "s.db", "--json"));
  Stage pick;
  pick.kind = StageKind::kExport;
  pick.name = "a-1";
  EXPECT_THAT(stage_command(pick, none, "s-1", place),
              ElementsAre("nas",
                          "export",
                          "--run",
                          "s-1",
                          "--out",
                          "out/a-1",
                          "--force",
                          "--db",
                          "s.db",
                          "--json"));
  EXPECT_EQ(log_of(train, place), "out/train-a-1.log");
}

TEST(SweepThreads, AreThoseOfATrainingAloneUnlessNothingIsGiven) {
  Stage stage, with_threads;
  with_threads.threads_given = true;
  const auto threads = [&](const char* given, int processors, int jobs) {
    SweepPlace place;
    place.jobs = jobs;
    set_threads(place, given, processors);
    EXPECT_TRUE(thread_words(with_threads, place).empty());
    return std::pair(place.threads, thread_words(stage, place));
  };
  using Words = std::vector<std::string>;
  // What is given is not divided, and not touched.
  EXPECT_EQ(threads("1", 8, 2), std::pair(1, Words()));
  EXPECT_EQ(threads("6", 8, 2), std::pair(6, Words()));
  EXPECT_EQ(threads(nullptr, 8, 1), std::pair(8, Words()));
  EXPECT_EQ(threads(nullptr, 8, 3), std::pair(2, Words({"env", "OMP_NUM_THREADS=2"})));
  EXPECT_EQ(threads("", 2, 4), std::pair(1, Words({"env", "OMP_NUM_THREADS=1"})));
}

TEST(SweepEstimates, AStepIsWhatDecidesItsTime) {
  const auto of = [](const std::string& text) {
    Stage stage;
    describe_steps(stage, text);
    return stage;
  };
  const std::string base =
      "space: digits\ndata: {kind: digits, limit: 0, split_seed: 3}\n"
      "train: {epochs: 4, batch: 64, budget: {macs: ''}, optimizer: {kind: sgd, lr: 0.1}}\n"
      "threads: 0\nseed: 1\n";
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = base;
    text.replace(text.find(from), from.size(), to);
    return of(text);
  };
  const Stage plain = of(base);
  EXPECT_EQ(plain.epochs, 4);
  EXPECT_FALSE(plain.threads_given);
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"epochs: 4", "epochs: 9"},
                                                        {"lr: 0.1", "lr: 0.2"},
                                                        {"split_seed: 3", "split_seed: 4"},
                                                        {"\nseed: 1", "\nseed: 2"}})
    EXPECT_EQ(changed(from, to).step, plain.step) << to;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"space: digits", "space: darts"},
           {"limit: 0", "limit: 9"},
           {"batch: 64", "batch: 32"},
           {"kind: sgd", "kind: adam"},
           {"threads: 0", "threads: 2"},
           {"macs: ''", "macs: 2T"},
           {"train: {", "strategy: sandwich\ntrain: {"},
           {"train: {", "weights: {kind: few-shot}\ntrain: {"},
           {"batch: 64", "batch: 64, precision: bf16"},
           {"batch: 64", "batch: 64, memory_format: channels_last"}})
    EXPECT_NE(changed(from, to).step, plain.step) << to;
  EXPECT_TRUE(changed("threads: 0", "threads: 2").threads_given);
  EXPECT_EQ(changed("macs: ''", "macs: 2T").epochs, 0);
}

TEST(SweepEstimates, EachKindOfStepIsTimedOnceAndTwentyAtMost) {
  SweepPlace place;
  const std::string folder = fresh_folder();
  place.store = folder + "/nas.db";
  place.nas = folder + "/nas";
  write_file(
      place.nas,
      "#!/bin/sh\necho \"$*\" >> '" + folder + "/calls'\necho '{\"seconds_estimated\": 10}'\n");
  std::filesystem::permissions(place.nas, std::filesystem::perms::owner_all);
  SweepPlan plan;
  const auto add = [&](const std::string& step, double epochs, const std::string& set) {
    Stage stage;
    stage.name = step + set;
    stage.config = "t.yaml";
    stage.step = step;
    stage.epochs = epochs;
    stage.sets = {set};
    SweepCell cell;
    cell.stages = {static_cast<int>(plan.stages.size())};
    plan.stages.push_back(stage);
    plan.cells.push_back(cell);
  };
  for (const char* set : {"lr=1", "lr=2", "lr=3"}) add("a", 5, set);
  add("a", 15, "epochs=15");
  add("b", 0, "budget");
  Common common;
  common.quiet = true;
  std::vector<double> seconds = estimated_seconds(plan, std::vector<StageState>(5), place, common);
  EXPECT_THAT(seconds, ElementsAre(10, 10, 10, 30, 10));
  const auto calls = [&] {
    std::ifstream in(folder + "/calls");
    return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
  };
  EXPECT_EQ(calls(), 2);
  for (int i = 0; i < 30; ++i) add("c" + std::to_string(i), 1, "x=" + std::to_string(i));
  std::filesystem::remove(folder + "/calls");
  seconds = estimated_seconds(plan, std::vector<StageState>(35), place, common);
  EXPECT_EQ(calls(), 20);
  EXPECT_EQ(std::count_if(seconds.begin(), seconds.end(), [](double s) { return std::isnan(s); }),
            12);
  EXPECT_EQ(seconds[3], 30) << "what most stages share is timed first";
}

TEST(SweepFiles, MistakesOfFormAreKeptWhereTheRestCanStillBeChecked) {
  EXPECT_THAT(refusal("seeds: []"), HasSubstr("seeds: has no values, so nothing would run"));
  EXPECT_EQ(refusal("seeds: [3]"), "read");
  YamlSource source;
  source.text = "seeds: [0, 0]\nstages: {search: {config: s}}\ngrid: {search: {a: [1, 2], b: []}}";
  SweepFile file = parse_sweep(source);
  EXPECT_TRUE(file.plannable);
  EXPECT_EQ(file.problems.size(), 2u);
  EXPECT_EQ(file.combinations.size(), 2u) << "what a and b have right is still checked";
  source.text = "seeds: [0, 0]\nstages: {rank: {truth: t.csv}}";
  file = parse_sweep(source);
  EXPECT_FALSE(file.plannable);
}

TEST(SweepReport, SeedsArePutTogether) {
  SweepPlan plan;
  plan.name = "n";
  plan.columns = {"epochs", "method"};
  for (int s = 0; s < 4; ++s) {
    Stage stage;
    stage.name = "t" + std::to_string(s);
    plan.stages.push_back(stage);
  }
  for (int c = 0; c < 4; ++c) {
    SweepCell cell;
    cell.values = {c < 3 ? "10" : "20", c < 3 ? "-" : "ours"};
    cell.seed = c < 3 ? std::optional(c) : std::nullopt;
    cell.stages = {c};
    cell.combination = c < 3 ? 0 : 1;
    plan.cells.push_back(cell);
  }
  EXPECT_EQ(plan.cells[0].label(), "10, seed 0");
  EXPECT_EQ(plan.cells[3].label(), "20, ours");
  std::vector<StageResult> results(4);
  results[1].outcome = Outcome::kFailed;
  results[1].error = "out of memory";
  results[1].log = "t1.log";
  results[2].outcome = Outcome::kBlocked;
  const auto json = sweep_document(plan, results, {});
  EXPECT_EQ(json["schema"], "nas-sweep/1");
  EXPECT_EQ(json["failed"], 4);
  ASSERT_EQ(json["cells"].size(), 4u);
  EXPECT_EQ(json["cells"][0]["status"], "not begun");
  EXPECT_EQ(json["cells"][1]["status"], "failed");
  EXPECT_EQ(json["cells"][1]["error"], "out of memory");
  EXPECT_EQ(json["cells"][1]["log"], "t1.log");
  EXPECT_EQ(json["cells"][2]["status"], "left out");
  EXPECT_EQ(json["cells"][0]["values"], (nlohmann::ordered_json{{"epochs", "10"}}))
      << "without what it does not have";
  EXPECT_EQ(json["cells"][3]["seed"], nullptr);
  ASSERT_EQ(json["table"].size(), 2u);
  EXPECT_EQ(json["table"][0]["cells"], 3);
  EXPECT_EQ(json["table"][0]["done"], 0);
  EXPECT_EQ(csv_text(sweep_rows(json)),
            "epochs,method,seed,status,error\n"
            "10,,0,not begun,\n"
            "10,,1,failed,out of memory\n"
            "10,,2,left out,\n"
            "20,ours,,not begun,");
}

}  // namespace
}  // namespace nas::test
