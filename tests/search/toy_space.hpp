#pragma once
// Small spaces with closed-form accuracy, so that searches can be held against enumerated truth.
#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "search/driver.hpp"
#include "spaces/plan_builder.hpp"
#include "spaces/space.hpp"

namespace nas::testing_toy {

/// For INSTANTIATE_TEST_SUITE_P: a parameter as the name of its test.
inline const auto test_name = [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
};

/// 600 genomes, 300 networks: a choice with one option, a condition (w3 only at depth 3), a
/// forbidden pair (w1=4 with w2=16), and a choice without effect (alias).
class ToySpace : public Space {
 public:
  ToySpace() {
    name_ = "toy";
    input_ = {3, 8, 8};
    const std::vector<std::string> widths = {"4", "8", "12", "16"};
    choices_ = {{"stem", {"8"}, {}},
                {"w1", widths, {}},
                {"w2", widths, {}},
                {"k1", {"1", "3"}, {}},
                {"k2", {"1", "3"}, {}},
                {"depth", {"2", "3"}, {}},
                {"w3", widths, {{5, {1}}}},
                {"alias", {"a", "b"}, {}}};
    for (const char* name : {"stem", "conv1", "conv2", "conv3", "head"})
      names_.push_back(symbols_.intern(name));
  }

  Architecture canonical(Architecture a) const override {
    a = fix_inactive(std::move(a));
    a.genes[7] = 0;
    return a;
  }

  void build(const Architecture& a, Plan& plan) const override {
    plan.clear();
    PlanBuilder b(plan, symbols_, input_);
    int32_t x = conv(b, names_[0], Plan::kInput, 3, 8, 3);
    const int w1 = width(a, 1), w2 = width(a, 2);
    x = conv(b, names_[1], x, 8, w1, a.genes[3] == 1 ? 3 : 1);
    x = conv(b, names_[2], x, w1, w2, a.genes[4] == 1 ? 3 : 1);
    int out = w2;
    if (a.genes[5] == 1) {
      out = width(a, 6);
      x = conv(b, names_[3], x, w2, out, 3);
    }
    x = b.add(GlobalAvgPool{}, 0, x);
    Linear head;
    head.in = head.full_in = out;
    head.out = head.full_out = 10;
    b.classifier(head, names_[4], x);
  }

  static double accuracy(const Architecture& a) {
    const auto g = [&](size_t i) { return static_cast<double>(a.genes[i]); };
    const double third = a.genes[5] == 1 ? .2 + .2 * g(6) : 0;
    return 1 - .5 / (1 + .3 * g(1) + .25 * g(2) + .4 * g(3) * (1 + .1 * g(2)) + .3 * g(4) + third);
  }

 protected:
  bool allowed(const Architecture& a, std::string* why) const override {
    if (a.genes[1] != 0 || a.genes[2] != 3) return true;
    if (why != nullptr) *why = "w1=4 cannot feed w2=16";
    return false;
  }
  bool constrained() const override { return true; }

 private:
  static int width(const Architecture& a, size_t i) { return 4 * (a.genes[i] + 1); }
  static int32_t conv(PlanBuilder& b, uint32_t name, int32_t x, int in, int out, int kernel) {
    Conv2d op;
    op.in = op.full_in = in;
    op.out = op.full_out = out;
    op.kernel = static_cast<int16_t>(kernel);
    op.full_kernel = 3;
    op.padding = static_cast<int16_t>(kernel / 2);
    return b.add(op, name, x);
  }
  std::vector<uint32_t> names_;
};

/// 4^12 networks: too many to list. Layer i has 4, 8, 12 or 16 channels.
class WideSpace : public Space {
 public:
  static constexpr int kLayers = 12;
  WideSpace() {
    name_ = "wide";
    input_ = {4, 4, 4};
    for (int i = 0; i < kLayers; ++i) {
      choices_.push_back({"w" + std::to_string(i), {"4", "8", "12", "16"}, {}});
      names_.push_back(symbols_.intern("conv" + std::to_string(i)));
    }
  }
  void build(const Architecture& a, Plan& plan) const override {
    plan.clear();
    PlanBuilder b(plan, symbols_, input_);
    int32_t x = Plan::kInput;
    int in = 4;
    for (size_t i = 0; i < kLayers; ++i) {
      Conv2d op;
      op.in = op.full_in = in;
      op.out = op.full_out = in = 4 * (a.genes[i] + 1);
      op.kernel = op.full_kernel = 1;
      x = b.add(op, names_[i], x);
    }
  }
  static double accuracy(const Architecture& a) {
    double sum = 0;
    for (size_t i = 0; i < kLayers; ++i)
      sum += std::sqrt(1.0 + a.genes[i]) * (1 + .1 * static_cast<double>(i % 3));
    return sum / 30;
  }

 private:
  std::vector<uint32_t> names_;
};

/// Closed-form truth that remembers what it was asked.
class ToyEvaluator : public Evaluator {
 public:
  explicit ToyEvaluator(std::function<double(const Architecture&)> accuracy = ToySpace::accuracy)
      : accuracy_(std::move(accuracy)) {}
  std::vector<Evaluation> evaluate(std::span<const Architecture> architectures) override {
    ++calls;
    std::vector<Evaluation> results;
    for (const Architecture& a : architectures) {
      if (!asked.insert(a).second) ++repeats;
      Evaluation evaluation;
      if (fails && fails(a))
        evaluation.error = "out of memory";
      else
        evaluation.values["accuracy"] = accuracy_(a);
      results.push_back(evaluation);
    }
    return results;
  }
  std::vector<std::string> metrics() const override { return {"accuracy"}; }
  std::string source() const override { return "toy"; }
  std::string fidelity_json() const override { return fidelity; }

  std::function<bool(const Architecture&)> fails;
  std::set<Architecture> asked;
  int repeats = 0, calls = 0;
  std::string fidelity = "{}";

 private:
  std::function<double(const Architecture&)> accuracy_;
};

inline SearchSettings toy_settings(const std::string& algorithm, int64_t evaluations) {
  SearchSettings settings;
  settings.algorithm = algorithm;
  settings.population = 16;
  settings.evaluations = evaluations;
  settings.goal.objectives = {{"accuracy", true}, {"macs", false}};
  settings.reference = {{"accuracy", 0.5}, {"macs", 400000}};
  settings.batch = 5;
  return settings;
}

}  // namespace nas::testing_toy
