// Costs, live and needed nodes of random networks, held to running them step by step and to
// following every way; the texts of one small network, word for word.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "spaces/plan_builder.hpp"
#include "spaces/random.hpp"
#include "spaces/relaxed.hpp"

namespace nas {
namespace {

/// A plan with the table of its names.
struct Network {
  SymbolTable symbols;
  Plan plan;
};

/// Random ops on random earlier values: values that nobody reads, joins, gates and zeros.
std::unique_ptr<Network> random_network(Rng& rng, bool gates) {
  auto made = std::make_unique<Network>();
  made->symbols.intern("");
  PlanBuilder b(made->plan, made->symbols, {3, 4, 4});
  std::vector<int32_t> values = {Plan::kInput};
  if (rng.below(3) == 0) values.push_back(b.input({2, 4, 4}));
  const auto any = [&] { return values[rng.below(values.size())]; };
  const auto like = [&](int32_t x) {
    std::vector<int32_t> same;
    for (const int32_t v : values)
      if (b.shape(v) == b.shape(x)) same.push_back(v);
    return same[rng.below(same.size())];
  };
  for (uint64_t i = 2 + rng.below(14); i > 0; --i) {
    const int32_t x = any();
    const int32_t channels = b.shape(x).c;
    const uint64_t kind = rng.below(gates ? 7 : 6);
    int32_t out = 0;
    if (kind == 0)
      out = b.add(Conv2d{.in = channels, .out = static_cast<int32_t>(1 + rng.below(5))},
                  made->symbols.intern("conv" + std::to_string(values.size())),
                  x);
    else if (kind == 1)
      out = b.add(Add{}, 0, {x, like(x)});
    else if (kind == 2)
      out = b.add(Concat{}, 0, {x, any(), any()});
    else if (kind == 3)
      out = b.add(Zero{}, 0, x);
    else if (kind == 4)
      out = b.add(Activation{}, 0, x);
    else if (kind == 5)
      out = b.add(Add{}, 0, {like(x), x, like(x)});
    else
      out = b.add(Mul{}, 0, {x, like(x)});
    values.push_back(out);
  }
  return made;
}

/// Whether node `i` reads this value.
bool reads(const Plan& plan, size_t i, int32_t value) {
  const auto inputs = plan.inputs(plan.nodes[i]);
  return std::find(inputs.begin(), inputs.end(), value) != inputs.end();
}

TEST(PlanCost, PeakIsThatOfRunningIt) {
  Rng rng(1, "peak");
  for (int k = 0; k < 400; ++k) {
    const auto network = random_network(rng, true);
    const Plan& plan = network->plan;
    const size_t n = plan.nodes.size();
    const auto read_from = [&](int32_t value, size_t step) {
      for (size_t i = step; i < n; ++i)
        if (reads(plan, i, value)) return true;
      return false;
    };
    int64_t peak = 0, sum = 0, macs = 0, params = 0;
    for (size_t step = 0; step < n; ++step) {
      int64_t held = plan.nodes[step].out.elements();
      for (size_t i = 0; i < step; ++i)
        if (read_from(static_cast<int32_t>(i), step)) held += plan.nodes[i].out.elements();
      for (size_t i = 0; i < plan.input_shapes.size(); ++i)
        if (read_from(Plan::input_id(i), step)) held += plan.input_shapes[i].elements();
      peak = std::max(peak, held);
      sum += plan.nodes[step].out.elements();
      if (const auto* conv = std::get_if<Conv2d>(&plan.nodes[step].op)) {
        macs += int64_t{16} * conv->in * conv->out;
        params += int64_t{conv->in} * conv->out;
      }
    }
    const Cost cost = cost_of(plan);
    ASSERT_EQ(cost.peak_bytes, 4 * peak) << plan_text(plan);
    EXPECT_EQ(cost.activation_bytes, 4 * sum);
    EXPECT_EQ(cost.macs, macs);
    EXPECT_EQ(cost.params, params);
  }
}

TEST(PlanCost, PlansLargerThanTheStackAreCountedAlike) {
  // A chain of 3000 nodes holds two values at a time, whatever its length.
  for (const int length : {10, 1023, 1024, 1025, 3000}) {
    Network network;
    network.symbols.intern("");
    PlanBuilder b(network.plan, network.symbols, {2, 3, 3});
    int32_t x = Plan::kInput;
    for (int i = 0; i < length; ++i) x = b.add(Activation{}, 0, x);
    const Cost cost = cost_of(network.plan);
    EXPECT_EQ(cost.peak_bytes, 4 * 2 * 18) << length;
    EXPECT_EQ(cost.activation_bytes, int64_t{4} * 18 * length);
  }
}

TEST(PlanCost, AnEmptyPlanCostsNothing) {
  Plan plan;
  const Cost cost = cost_of(plan);
  EXPECT_EQ(cost.macs + cost.params + cost.activation_bytes + cost.peak_bytes, 0);
  EXPECT_TRUE(live_nodes(plan).empty());
  EXPECT_TRUE(needed_nodes(plan).empty());
}

TEST(PlanCost, LiveIsOnAWayFromTheImageToTheLogits) {
  Rng rng(2, "live");
  for (int k = 0; k < 300; ++k) {
    const auto network = random_network(rng, false);
    const Plan& plan = network->plan;
    // All ways backwards from the last node that pass no zero and reach an input.
    std::vector<bool> on_way(plan.nodes.size(), false);
    std::vector<size_t> way;
    const std::function<void(int32_t)> walk = [&](int32_t value) {
      if (Plan::is_input(value)) {
        for (const size_t i : way) on_way[i] = true;
        return;
      }
      const auto i = static_cast<size_t>(value);
      if (std::holds_alternative<Zero>(plan.nodes[i].op)) return;
      way.push_back(i);
      for (const int32_t input : plan.inputs(plan.nodes[i])) walk(input);
      way.pop_back();
    };
    walk(static_cast<int32_t>(plan.nodes.size()) - 1);
    ASSERT_EQ(live_nodes(plan), on_way) << plan_text(plan);
  }
}

TEST(PlanCost, AGateWithNothingBehindItLetsNothingThrough) {
  Network network;
  network.symbols.intern("");
  PlanBuilder b(network.plan, network.symbols, {4, 4, 4});
  const int32_t zero = b.add(Zero{}, 0, Plan::kInput);                 // 0
  const int32_t pooled = b.add(GlobalAvgPool{.keep = true}, 0, zero);  // 1
  const int32_t gated = b.add(Mul{}, 0, {Plan::kInput, pooled});       // 2
  const int32_t other = b.add(Activation{}, 0, Plan::kInput);          // 3
  b.add(Add{}, 0, {gated, other});                                     // 4
  EXPECT_EQ(live_nodes(network.plan), (std::vector<bool>{false, false, false, true, true}));
  // The logits read all of it, if only times zero.
  EXPECT_EQ(needed_nodes(network.plan), (std::vector<bool>{true, true, true, true, true}));
}

TEST(PlanCost, NeededIsWhatTheLogitsAreComputedFrom) {
  Rng rng(3, "needed");
  for (int k = 0; k < 200; ++k) {
    const auto network = random_network(rng, true);
    const Plan& plan = network->plan;
    std::vector<bool> expected(plan.nodes.size(), false);
    const std::function<void(int32_t)> mark = [&](int32_t value) {
      if (Plan::is_input(value) || expected[static_cast<size_t>(value)]) return;
      expected[static_cast<size_t>(value)] = true;
      for (const int32_t input : plan.inputs(plan.nodes[static_cast<size_t>(value)])) mark(input);
    };
    mark(static_cast<int32_t>(plan.nodes.size()) - 1);
    ASSERT_EQ(needed_nodes(plan), expected) << plan_text(plan);
    // What is live is needed.
    const std::vector<bool> live = live_nodes(plan);
    for (size_t i = 0; i < live.size(); ++i) EXPECT_LE(live[i], expected[i]);
  }
}

TEST(PlanCost, AuxiliaryHeadsNeedWhatTheyReadAndCostNothing) {
  Network network;
  network.symbols.intern("");
  PlanBuilder b(network.plan, network.symbols, {4, 4, 4});
  const int32_t conv = b.add(Conv2d{.in = 4, .out = 4}, network.symbols.intern("a"), Plan::kInput);
  const int32_t side = b.add(Activation{}, 0, conv);
  b.add(Activation{Act::kSwish}, 0, conv);
  const Cost alone = cost_of(network.plan);
  b.begin_auxiliary(0.4);
  const int32_t head = b.add(Conv2d{.in = 4, .out = 2}, network.symbols.intern("head"), side);
  EXPECT_EQ(head, 3);
  EXPECT_EQ(b.shape(head), (Shape{2, 4, 4}));
  EXPECT_EQ(network.plan.nodes.size(), 3u);
  EXPECT_EQ(network.plan.auxiliary.size(), 1u);
  const Cost with = cost_of(network.plan);
  EXPECT_EQ(with.macs, alone.macs);
  EXPECT_EQ(with.peak_bytes, alone.peak_bytes);
  EXPECT_EQ(needed_nodes(network.plan), (std::vector<bool>{true, true, true, true}));
  EXPECT_EQ(live_nodes(network.plan), (std::vector<bool>{true, false, true}));
}

TEST(PlanCost, OptionsOfWeightZeroAreNotNeeded) {
  Network network;
  network.symbols.intern("");
  Plan& plan = network.plan;
  PlanBuilder b(plan, network.symbols, {4, 4, 4});
  const int32_t first = b.add(Activation{Act::kRelu}, 0, Plan::kInput);
  const int32_t second = b.add(Activation{Act::kSwish}, 0, Plan::kInput);
  const int32_t third = b.add(Activation{Act::kSigmoid}, 0, second);
  plan.option_pool = {0, 2, 3};
  b.add(WeightedSum{.choice = 1, .options = 0}, 0, {first, second, third});
  EXPECT_TRUE(plan.relaxed());
  const auto needed = [&](const std::vector<double>& weights) {
    const Mixing mixing = {{}, weights};
    return needed_nodes(plan, &mixing);
  };
  EXPECT_EQ(needed({1, 0, 0, 0}), (std::vector<bool>{true, false, false, true}));
  EXPECT_EQ(needed({0, 9, 1, 0}), (std::vector<bool>{false, true, false, true}))
      << "option 1 takes no part";
  EXPECT_EQ(needed({0, 0, 0, 1e-300}), (std::vector<bool>{false, true, true, true}));
  EXPECT_EQ(needed({0, 0, 0, 0}), (std::vector<bool>{false, false, false, true}));
  const Mixing mixing = {{}, {0.5, 0.1, 0.2, 0.3}};
  const Node& sum = plan.nodes.back();
  EXPECT_EQ(weight_of(plan, sum, mixing, 0), 0.5);
  EXPECT_EQ(weight_of(plan, sum, mixing, 1), 0.2);
  EXPECT_EQ(weight_of(plan, sum, mixing, 2), 0.3);
  EXPECT_THROW(weight_of(plan, sum, {{}, {1, 2, 3}}, 2), std::logic_error);
  EXPECT_THROW(weight_of(plan, sum, {{1, 2, 3, 4}}, 0), std::logic_error);
}

/// conv -> norm -> (relu, 2x2 pool), concatenated with nothing else, then a classifier.
struct Small : Network {
  Small() {
    symbols.intern("");
    PlanBuilder b(plan, symbols, {1, 4, 4});
    b.origin({{2, 1}});
    int32_t x = b.add(Conv2d{.in = 1, .out = 2, .kernel = 3, .padding = 1},
                      symbols.intern("stem.conv"),
                      Plan::kInput);
    b.origin({});
    x = b.add(BatchNorm{.channels = 2}, symbols.intern("stem.norm"), x);
    x = b.add(Pool{}, 0, x);
    x = b.add(GlobalAvgPool{}, 0, x);
    b.classifier(Linear{.in = 2, .out = 3}, symbols.intern("head"), x);
  }
};

TEST(PlanText, IsATableOfAllOps) {
  const Small small;
  EXPECT_EQ(plan_text(small.plan),
            "id  op               name       inputs  output  params  MACs  attributes\n"
            " 0  conv2d           stem.conv  image   2x4x4       18   288  "
            "k=3 s=1 p=1 d=1 g=1 bias=0\n"
            " 1  batch_norm       stem.norm  0       2x4x4        4     0  affine=1 running=1\n"
            " 2  max_pool                    1       2x2x2        0     0  k=2 s=2 p=0\n"
            " 3  global_avg_pool             2       2            0     0  keep=0\n"
            " 4  linear           head       3       3            9     6  bias=1\n");
}

TEST(PlanText, JsonHoldsWhatProgramsNeed) {
  const Small small;
  const auto json = nlohmann::json::parse(plan_json(small.plan));
  EXPECT_EQ(json["schema"], "nas-plan/1");
  EXPECT_EQ(json["input"], nlohmann::json::parse("[1, 4, 4]"));
  EXPECT_FALSE(json.contains("inputs")) << "one image";
  EXPECT_EQ(json["macs"], 288 + 6);
  EXPECT_EQ(json["params"], 18 + 4 + 9);
  EXPECT_EQ(json["activation_bytes"], 4 * (32 + 32 + 8 + 2 + 3));
  EXPECT_EQ(json["peak_bytes"], 4 * 64);
  const auto& nodes = json["nodes"];
  ASSERT_EQ(nodes.size(), 5u);
  EXPECT_EQ(nodes[0], nlohmann::json::parse(R"({
      "id": 0, "op": "conv2d", "name": "stem.conv", "inputs": [-1], "shape": [2, 4, 4],
      "in_channels": 1, "out_channels": 2, "kernel": 3, "stride": 1, "padding": 1, "dilation": 1,
      "groups": 1, "bias": false, "tensors": [{"name": "stem.conv.weight", "shape": [2, 1, 3, 3]}],
      "params": 18, "macs": 288, "origins": [[2, 1]]})"));
  EXPECT_EQ(nodes[1]["tensors"].size(), 4u);
  EXPECT_EQ(nodes[1]["tensors"][2]["name"], "stem.norm.running_mean");
  EXPECT_EQ(nodes[1]["origins"], nlohmann::json::array());
  EXPECT_EQ(nodes[2]["count_include_pad"], false);
  EXPECT_FALSE(nodes[2].contains("name"));
  EXPECT_EQ(nodes[4]["shape"], nlohmann::json::parse("[3]"));
}

TEST(PlanText, ClassifiersAreKnownOrTold) {
  const Small small;
  EXPECT_EQ(small.plan.classifier, 4);
  EXPECT_EQ(small.plan.classifier_layer().out, 3);
  Network none;
  PlanBuilder b(none.plan, none.symbols, {1, 4, 4});
  b.add(Activation{}, none.symbols.intern(""), Plan::kInput);
  EXPECT_THROW(none.plan.classifier_layer(), std::logic_error);
}

TEST(PlanText, NamesAreInternedOnce) {
  SymbolTable symbols;
  const uint32_t a = symbols.intern("a"), b = symbols.intern("b"), again = symbols.intern("a");
  EXPECT_EQ(a, again);
  EXPECT_NE(a, b);
  EXPECT_EQ(symbols.size(), 2u);
  EXPECT_EQ(symbols.text(b), "b");
  for (int i = 0; i < 1000; ++i) symbols.intern("n" + std::to_string(i % 100));
  EXPECT_EQ(symbols.size(), 102u);
  EXPECT_EQ(symbols.text(symbols.intern("n57")), "n57");
}

}  // namespace
}  // namespace nas
