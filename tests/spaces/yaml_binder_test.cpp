// The messages are the product here, so the tests compare whole texts.
#include "spaces/yaml_binder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace nas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Schedule { kCosine, kStep };

struct Optimizer {
  std::string name = "sgd";
  double lr = 0.1;
  std::optional<double> clip;
};
void describe(Binder& b, Optimizer& o) {
  b.value("name", o.name, "Rule").range(1, 20);
  b.value("lr", o.lr, "Learning rate").range(0, 10);
  b.value("clip", o.clip, "Gradient norm").range(0, 1e9);
}
struct Stage {
  int width = 16;
  std::string kind;
};
void describe(Binder& b, Stage& s) {
  b.value("width", s.width, "Channels").range(1, 4096).unit("channels");
  b.value("kind", s.kind, "Block").required();
}
struct Options {
  int epochs = 30;
  int64_t big = 5;
  uint64_t seed = 0;
  bool fast = false;
  std::vector<int> widths = {8, 16};
  std::vector<double> rates;
  std::vector<std::string> constraints;
  Schedule schedule = Schedule::kCosine;
  Optimizer optimizer;
  std::vector<Stage> stages = {{16, "conv"}, {32, "skip"}};
  Binder::Raw space;
};
void describe(Binder& b, Options& o) {
  b.value("epochs", o.epochs, "Passes over the data").range(1, 1e6);
  b.value("big", o.big, "A long number");
  b.value("seed", o.seed, "Seed");
  b.value("fast", o.fast, "Quick");
  b.list("widths", o.widths, "Widths").range(1, 4).each(1, 64);
  b.list("rates", o.rates, "Rates");
  b.list("constraints", o.constraints, "Limits");
  b.choice<Schedule>("schedule",
                     o.schedule,
                     {{"cosine", Schedule::kCosine}, {"step", Schedule::kStep}},
                     "Learning-rate schedule");
  b.section("optimizer", o.optimizer, "Optimizer");
  b.items("stages", o.stages, "Stages");
  b.raw("space", o.space, "Space");
}

Options read(const std::string& text, const std::vector<std::string>& sets = {}) {
  YamlSource source;
  source.text = text;
  source.file = "a.yaml";
  source.sets = sets;
  return read_yaml_as<Options>(source);
}

// The error text of a source that must not read.
std::string error_of(const std::string& text, const std::vector<std::string>& sets = {}) {
  try {
    read(text, sets);
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.exit_code(), 2);
    return e.what();
  }
  return "(no error)";
}

TEST(YamlBinder, ReadsEveryType) {
  const Options o = read(R"(epochs: 1e2
big: -9223372036854775808
seed: 18446744073709551615
fast: true
widths: [1, 2, +3]
rates: [.5, 1e-3, 2]
constraints: ["macs <= 20M", latency_ms <= 5]
schedule: step
optimizer: {name: "adam", lr: 1e-3, clip: 5}
stages:
  - kind: conv
  - {kind: skip, width: 7}
space: resnet20-pool
)");
  EXPECT_EQ(o.epochs, 100);
  EXPECT_EQ(o.big, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(o.seed, std::numeric_limits<uint64_t>::max());
  EXPECT_TRUE(o.fast);
  EXPECT_THAT(o.widths, ElementsAre(1, 2, 3));
  EXPECT_THAT(o.rates, ElementsAre(.5, 1e-3, 2));
  EXPECT_THAT(o.constraints, ElementsAre("macs <= 20M", "latency_ms <= 5"));
  EXPECT_EQ(o.schedule, Schedule::kStep);
  EXPECT_EQ(o.optimizer.name, "adam");
  EXPECT_EQ(o.optimizer.clip, 5);
  ASSERT_EQ(o.stages.size(), 2u);
  EXPECT_EQ(o.stages[1].width, 7);
  EXPECT_EQ(yaml_scalar(yaml_source(o.space)), "resnet20-pool");
}

TEST(YamlBinder, EmptySourcesKeepDefaults) {
  for (const char* text : {"", "\n# nothing\n", "---\n", "{}\n", "~"}) {
    const Options o = read(text);
    EXPECT_EQ(o.epochs, 30) << text;
    EXPECT_EQ(o.stages.size(), 2u) << text;
  }
}

TEST(YamlBinder, UnknownKeysNameTheNearest) {
  EXPECT_EQ(error_of("epoch: 3\n"),
            "a.yaml:1:1: epoch: unknown key\n  Did you mean epochs?");
  EXPECT_EQ(error_of("optimizer:\n  name: sgd\n  lrr: 3\n"),
            "a.yaml:3:3: optimizer.lrr: unknown key\n  Did you mean optimizer.lr?");
  // Right name, wrong section.
  EXPECT_EQ(error_of("clip: 3\n"), "a.yaml:1:1: clip: unknown key\n  Did you mean optimizer.clip?");
  EXPECT_EQ(error_of("optimizer: {zzzzzzzz: 1}\n"),
            "a.yaml:1:13: optimizer.zzzzzzzz: unknown key\n  Known here: name, lr, clip.");
}

}  // namespace
}  // namespace nas
