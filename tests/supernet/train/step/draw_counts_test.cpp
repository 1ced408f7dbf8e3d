// How often each option was trained, through interruptions too.
#include "supernet/train/step/draw_counts.hpp"

#include <nlohmann/json.hpp>

#include "../../trial.hpp"

namespace nas {
namespace {

using test::kCells;
using test::Trial;
using Json = nlohmann::json;

constexpr const char* kDeep =
    "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.1\nkernels: [3, 5]\n";

int64_t count_of(const Json& draws, const std::string& choice, const std::string& option) {
  for (const Json& c : draws["choices"])
    if (c["choice"] == choice)
      for (const Json& o : c["options"])
        if (o["option"] == option) return o["count"].get<int64_t>();
  ADD_FAILURE() << choice << "=" << option << " in " << draws.dump();
  return -1;
}

TEST(DrawCounts, CountActiveChoicesOnly) {
  const auto space = test::space_of(kCells);
  DrawCounts counts(*space);
  EXPECT_EQ(counts.json(), "") << "nothing was trained";
  counts.add(space->parse("3,0,3,1,0,1"));
  counts.add(space->parse("3,2,3,1,0,1"));
  const Json draws = Json::parse(counts.json());
  EXPECT_EQ(draws["schema"], "nas-draws/1");
  EXPECT_EQ(draws["paths"], 2);
  const auto& first = space->choices()[0];
  const auto& second = space->choices()[1];
  EXPECT_EQ(count_of(draws, first.name, first.options[3]), 2);
  EXPECT_EQ(count_of(draws, second.name, second.options[0]), 1);
  EXPECT_EQ(count_of(draws, second.name, second.options[2]), 1);
  EXPECT_EQ(count_of(draws, second.name, second.options[1]), 0);
}

TEST(DrawCounts, ClosedBlocksAreNotCounted) {
  const auto space = test::space_of(kDeep);
  DrawCounts counts(*space);
  Rng rng(3, "draws");
  Architecture a;
  std::vector<int64_t> active(space->choices().size(), 0);
  for (int i = 0; i < 200; ++i) {
    space->sample(rng, a);
    counts.add(a);
    for (size_t c = 0; c < active.size(); ++c) active[c] += space->active(a, c) ? 1 : 0;
  }
  const Json draws = Json::parse(counts.json());
  bool some_closed = false;
  for (size_t c = 0; c < active.size(); ++c) {
    const Json& choice = draws["choices"][c];
    EXPECT_EQ(choice["active"], active[c]);
    int64_t sum = 0;
    for (const Json& o : choice["options"]) sum += o["count"].get<int64_t>();
    EXPECT_EQ(sum, active[c]) << choice["choice"];
    some_closed |= active[c] < 200;
  }
  EXPECT_TRUE(some_closed) << "the space has blocks that a small depth closes";
}

TEST(DrawCounts, AreUnknownWhereTheBeginningIs) {
  const auto space = test::space_of(kCells);
  DrawCounts counts(*space), other(*space);
  counts.add(space->largest());
  EXPECT_TRUE(other.restore(counts.flat()));
  EXPECT_EQ(other.json(), counts.json());
  EXPECT_FALSE(other.restore({1, 2, 3}));
  other.add(space->largest());
  EXPECT_EQ(other.json(), "");
  EXPECT_TRUE(other.flat().empty());
}

/// Killed in the middle of an epoch and gone on with: the counts of a run that was never stopped.
TEST(DrawCounts, GoOnWithTheRun) {
  const auto strategy = [](int stop_at) {
    return std::make_unique<Trial>("{name: uniform}", 2, kCells, stop_at);
  };
  const auto whole = strategy(-1);
  whole->trainer->run();
  const Json draws = Json::parse(whole->trainer->draws_json());
  EXPECT_EQ(draws["paths"], whole->trainer->steps_done());
  const auto cut = strategy(7);
  EXPECT_THROW(cut->trainer->run(), Interrupted);
  const auto rest = strategy(-1);
  rest->trainer->resume(cut->trainer->last_checkpoint());
  EXPECT_EQ(Json::parse(rest->trainer->draws_json())["paths"], 7);
  rest->trainer->run();
  EXPECT_EQ(rest->trainer->draws_json(), whole->trainer->draws_json());
}

}  // namespace
}  // namespace nas
