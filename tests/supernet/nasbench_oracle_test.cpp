// panda.md 7.9: whole networks of both benchmark spaces on closed-form weights, float64.
#include <gtest/gtest.h>

#include "support.hpp"

namespace nas {
namespace {

using test::logits_of;
using test::tensor_of;

void fill(const at::Tensor& t, double s) {
  t.detach().copy_(tensor_of(
      t.sizes(), [s](int64_t j) { return 0.05 * std::sin(0.7 * static_cast<double>(j) + s); }));
}

at::Tensor images(int64_t size) {
  return tensor_of({4, 3, size, size}, [](int64_t i) {
    const auto t = static_cast<double>(i);
    return std::cos(0.1 * t) + 0.5 * std::sin(0.013 * std::pow(t, 1.5));
  });
}

at::Tensor labels() {
  return at::tensor({0, 3, 7, 9}, at::kLong);
}

const at::Tensor& find(const WeightStore& store, const std::string& name) {
  for (const NamedTensor& p : store.parameters())
    if (p.name == name) return p.tensor;
  throw std::logic_error("no parameter " + name);
}

void fill_nasbench201(const WeightStore& store) {
  fill(find(store, "stem.conv.weight"), 1);
  const char* const edges[] = {"10", "20", "21", "30", "31", "32"};
  for (int c = 0; c < 3; ++c)
    for (int e = 0; e < 6; ++e)
      for (int o = 2; o < 4; ++o) {
        const std::string base = "cell" + std::to_string(c) + ".edge" + edges[e] + ".nor_conv_" +
                                 (o == 2 ? "1x1" : "3x3") + ".conv";
        fill(find(store, base + ".weight"), 10 + 100 * c + 10 * e + o);
        fill(find(store, base + ".bias"), 15 + 100 * c + 10 * e + o);
      }
  for (int k = 0; k < 2; ++k) {
    const std::string base = "reduction" + std::to_string(k);
    fill(find(store, base + ".a.conv.weight"), 10001 + 10 * k);
    fill(find(store, base + ".a.conv.bias"), 10006 + 10 * k);
    fill(find(store, base + ".b.conv.weight"), 10002 + 10 * k);
    fill(find(store, base + ".b.conv.bias"), 10007 + 10 * k);
    fill(find(store, base + ".shortcut.conv.weight"), 10003 + 10 * k);
  }
  fill(find(store, "classifier.weight"), 20000);
  fill(find(store, "classifier.bias"), 20001);
}

TEST(NasBench201Oracle, LogitsLossAndGradientNorm) {
  const auto space =
      test::space_of("family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\nform: supernet\n");
  const auto store = make_shared_store(*space, 0, at::kDouble);
  fill_nasbench201(*store);
  struct Row {
    const char* genes;
    double logits[4], loss, norm;
  };
  const Row rows[] = {
      {"3,0,3,1,0,1", {0.03463343, 0.09076749, 0.04331386, -0.06643204}, 2.2886221580, 1.04019597},
      {"3,2,4,1,2,3", {0.03410496, 0.05292587, 0.02847826, -0.03461381}, 2.3281314666, 1.45347094},
      {"0,0,0,0,0,0", {0.04993658, 0.03657180, 0.00600673, -0.02738340}, 2.2873081668, 0.38334300},
      {"4,4,4,4,4,4", {0.05812595, 0.16327619, 0.04926058, -0.13652630}, 2.3056022374, 1.47536385},
  };
  for (const Row& row : rows) {
    for (const NamedTensor& p : store->parameters()) p.tensor.mutable_grad().reset();
    const at::Tensor logits = logits_of(*space, *store, row.genes, images(8));
    for (int k = 0; k < 4; ++k)
      EXPECT_NEAR(logits[0][k].item<double>(), row.logits[k], 1e-8) << row.genes << " " << k;
    const at::Tensor loss = at::cross_entropy_loss(logits, labels());
    EXPECT_NEAR(loss.item<double>(), row.loss, 1e-9) << row.genes;
    loss.backward();
    double squares = 0;
    for (const NamedTensor& p : store->parameters())
      if (p.tensor.grad().defined()) squares += p.tensor.grad().square().sum().item<double>();
    EXPECT_NEAR(std::sqrt(squares), row.norm, 1e-7) << row.genes;
  }
}

TEST(NasBenchMacroOracle, LogitsAndLoss) {
  const auto space = test::space_of("family: nasbench-macro\nresolution: 16\n");
  const auto store = make_shared_store(*space, 0, at::kDouble);
  struct Row {
    const char* text;
    double logits[4], loss;
  };
  const Row rows[] = {
      {"12012012", {-0.10555369, -0.00281400, -0.01754985, -0.00856751}, 2.3176270458},
      {"00000000", {-0.10495982, -0.00938115, -0.00765675, -0.01779849}, 2.3461798473},
  };
  for (const Row& row : rows) {
    // Convolutions are numbered in the order of this network.
    const Plan plan = space->plan(space->parse(row.text));
    int number = 0;
    for (const Node& node : plan.nodes)
      if (std::holds_alternative<Conv2d>(node.op))
        fill(find(*store, plan.tensor_name(node, Role::kWeight)), ++number);
    fill(find(*store, "classifier.weight"), 500);
    fill(find(*store, "classifier.bias"), 501);
    const at::Tensor logits = logits_of(*space, *store, row.text, images(16));
    for (int k = 0; k < 4; ++k)
      EXPECT_NEAR(logits[0][k].item<double>(), row.logits[k], 1e-8) << row.text << " " << k;
    EXPECT_NEAR(at::cross_entropy_loss(logits, labels()).item<double>(), row.loss, 1e-9);
  }
}

}  // namespace
}  // namespace nas
