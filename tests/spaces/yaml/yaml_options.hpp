#pragma once
// Options of every type, and how a configuration of them reads.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "spaces/error.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas::testing_yaml {

enum class Schedule { kCosine, kStep };

struct Optimizer {
  std::string name = "sgd";
  double lr = 0.1;
  std::optional<double> clip;
};
inline void describe(Binder& b, Optimizer& o) {
  b.value("name", o.name, "Rule").range(1, 20);
  b.value("lr", o.lr, "Learning rate").range(0, 10);
  b.value("clip", o.clip, "Gradient norm").range(0, 1e9);
}
struct Stage {
  int width = 16;
  std::string kind;
};
inline void describe(Binder& b, Stage& s) {
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
inline void describe(Binder& b, Options& o) {
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

inline Options read(const std::string& text, const std::vector<std::string>& sets = {}) {
  YamlSource source;
  source.text = text;
  source.file = "a.yaml";
  source.sets = sets;
  return read_yaml_as<Options>(source);
}

// The error text of a source that must not read.
inline std::string error_of(const std::string& text, const std::vector<std::string>& sets = {}) {
  try {
    read(text, sets);
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.exit_code(), 2);
    return e.what();
  }
  return "(no error)";
}

}  // namespace nas::testing_yaml
