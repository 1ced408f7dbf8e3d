// Normal forms of steps without weights (pools, strides, doublings), held to doing the steps on
// maps of numbers: a normal form computes the same, and what computes the same has one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "spaces/custom/custom_canonical.hpp"
#include "spaces/random.hpp"

namespace nas::custom {
namespace {

using Kind = Step::Kind;
using Map = std::vector<std::vector<double>>;  ///< A square.

Map pooled(const Map& x, bool max, int radius, int stride) {
  const int size = static_cast<int>(x.size());
  Map out;
  for (int y = 0; y < size; y += stride) {
    auto& row = out.emplace_back();
    for (int z = 0; z < size; z += stride) {
      double sum = 0, most = -HUGE_VAL;
      int count = 0;
      for (int i = std::max(0, y - radius); i <= std::min(size - 1, y + radius); ++i)
        for (int j = std::max(0, z - radius); j <= std::min(size - 1, z + radius); ++j) {
          const double v = x[static_cast<size_t>(i)][static_cast<size_t>(j)];
          sum += v;
          most = std::max(most, v);
          ++count;
        }
      row.push_back(max ? most : sum / count);
    }
  }
  return out;
}

Map plus(Map a, const Map& b) {
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a.size(); ++j) a[i][j] += b[i][j];
  return a;
}

Map done(const Step& step, const Map& x) {
  switch (step.kind) {
    case Kind::kTwice:
      return plus(x, x);
    case Kind::kSubsample:
      return pooled(x, true, 0, step.stride);
    case Kind::kMaxPool:
    case Kind::kAvgPool:
      return pooled(x, step.kind == Kind::kMaxPool, step.radius, step.stride);
    case Kind::kPlusMax:
    case Kind::kPlusAvg:
      return plus(x, pooled(x, step.kind == Kind::kPlusMax, step.radius, 1));
    case Kind::kBlock:
      break;
  }
  // Anything with weights: not linear, tells its number, keeps the map.
  Map out = x;
  for (auto& row : out)
    for (double& v : row) v = std::sin(3 * v + step.block) + 0.1 * v * v;
  return out;
}

Map done(const Steps& steps, Map x) {
  for (const Step& step : steps) {
    if (step.map != 0) {
      EXPECT_EQ(step.map, static_cast<int>(x.size()));
    }
    x = done(step, x);
  }
  return x;
}

int after(const Step& step, int map) {
  return (map - 1) / step.stride + 1;
}

/// All steps that a layer without weights can be on such a map.
std::vector<Step> steps_on(int map, int largest_stride) {
  std::vector<Step> all = {{Kind::kTwice, 0, 1, map, 0}};
  if (map == 1) return all;
  for (int stride = 2; stride <= largest_stride; ++stride)
    all.push_back({Kind::kSubsample, 0, stride, map, 0});
  for (int radius = 1; radius < map; ++radius) {
    for (int stride = 1; stride <= largest_stride; ++stride) {
      all.push_back({Kind::kMaxPool, radius, stride, map, 0});
      all.push_back({Kind::kAvgPool, radius, stride, map, 0});
    }
    all.push_back({Kind::kPlusMax, radius, 1, map, 0});
    all.push_back({Kind::kPlusAvg, radius, 1, map, 0});
  }
  return all;
}

Map random_map(Rng& rng, int size) {
  Map map(static_cast<size_t>(size));
  for (auto& row : map)
    for (int i = 0; i < size; ++i) row.push_back(rng.uniform() - 0.3);
  return map;
}

Steps normal(const Steps& steps) {
  Steps out;
  for (const Step& step : steps) append(out, step);
  return out;
}

std::string shown(const Steps& steps) {
  static const char* const kNames[] = {"twice", "sub", "max", "avg", "x+max", "x+avg", "block"};
  std::string text;
  for (const Step& step : steps)
    text += std::string(kNames[static_cast<size_t>(step.kind)]) + " r" +
            std::to_string(step.radius) + " s" + std::to_string(step.stride) + " on " +
            std::to_string(step.map) + "; ";
  return text;
}

void expect_near(const Map& a, const Map& b, const std::string& where) {
  ASSERT_EQ(a.size(), b.size()) << where;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a.size(); ++j)
      ASSERT_NEAR(a[i][j], b[i][j], 1e-9 * (1 + std::abs(a[i][j]))) << where;
}

Steps random_steps(Rng& rng, int map, uint64_t most, bool blocks) {
  Steps steps;
  for (uint64_t i = rng.below(most + 1); i > 0; --i) {
    const std::vector<Step> possible = steps_on(map, 3);
    Step step = possible[rng.below(possible.size())];
    if (blocks && rng.below(4) == 0)
      step = {Kind::kBlock, 0, 1, map, static_cast<int>(rng.below(3))};
    steps.push_back(step);
    map = after(step, map);
  }
  return steps;
}

TEST(CustomSteps, NormalFormsComputeTheSame) {
  Rng rng(1, "steps");
  for (int i = 0; i < 4000; ++i) {
    const int map = 1 + static_cast<int>(rng.below(9));
    const Steps steps = random_steps(rng, map, 7, true), form = normal(steps);
    const std::string where = shown(steps) + " as " + shown(form);
    EXPECT_LE(form.size(), steps.size()) << where;
    const Map x = random_map(rng, map);
    expect_near(done(steps, x), done(form, x), where);
    if (HasFatalFailure()) return;
  }
}

TEST(CustomSteps, NormalFormsAreTheirOwnAndJoin) {
  Rng rng(2, "steps");
  for (int i = 0; i < 4000; ++i) {
    const int map = 1 + static_cast<int>(rng.below(9));
    const Steps steps = random_steps(rng, map, 7, true), form = normal(steps);
    ASSERT_EQ(normal(form), form) << shown(steps) << " as " << shown(form);
    // Layer after layer, or all at once.
    const size_t half = steps.size() / 2;
    Steps joined = normal(Steps(steps.begin(), steps.begin() + static_cast<long>(half)));
    for (const Step& step : normal(Steps(steps.begin() + static_cast<long>(half), steps.end())))
      append(joined, step);
    ASSERT_EQ(joined, form) << shown(steps) << " as " << shown(joined) << " and " << shown(form);
  }
}

// Every way of up to three doublings, strides and maximum pools on small maps, told apart by what
// it does to some random maps. (Averages of averages have coincidences, on 4x4 for example those
// with radius 1 and 2 below one of all: such spellings are taken for two.)
TEST(CustomSteps, WhatComputesTheSameHasOneForm) {
  Rng rng(3, "steps");
  for (int map = 1; map <= 5; ++map) {
    std::vector<Map> inputs;
    // Some with few large values, whose places tell windows apart.
    for (int i = 0; i < 24; ++i) {
      inputs.push_back(random_map(rng, map));
      if (i % 2 == 0) continue;
      for (auto& row : inputs.back())
        for (double& v : row) v += rng.below(3) == 0 ? 5 : 0;
    }
    std::map<std::vector<int64_t>, std::pair<Steps, Steps>> known;
    int ways = 0;
    const std::function<void(const Steps&, int, const std::vector<Map>&)> walk =
        [&](const Steps& steps, int now, const std::vector<Map>& values) {
          std::vector<int64_t> key;
          for (const Map& value : values)
            for (const auto& row : value)
              for (const double v : row) key.push_back(std::llround(v * 1e7));
          const Steps form = normal(steps);
          ++ways;
          const auto [at, fresh] = known.try_emplace(key, form, steps);
          EXPECT_EQ(at->second.first, form)
              << shown(steps) << " is " << shown(at->second.second) << "; forms " << shown(form)
              << " and " << shown(at->second.first);
          if (steps.size() == 3 || HasFailure()) return;
          for (const Step& step : steps_on(now, 3)) {
            if (step.kind == Kind::kPlusMax || step.kind == Kind::kPlusAvg ||
                step.kind == Kind::kAvgPool)
              continue;
            Steps longer = steps;
            longer.push_back(step);
            std::vector<Map> next;
            for (const Map& value : values) next.push_back(done(step, value));
            walk(longer, after(step, now), next);
          }
        };
    walk({}, map, inputs);
    EXPECT_GE(ways, map == 1 ? 4 : 30) << map;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace nas::custom
