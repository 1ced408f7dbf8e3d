// panda.md 7.9: whole networks of both benchmark spaces on closed-form weights, float64.
#include <gtest/gtest.h>

#include "support.hpp"

namespace nas {
namespace {

using test::logits_of;

using test::fill_nasbench201;
using test::fill_wave;
using test::find_parameter;
using test::wave_images;

at::Tensor labels() {
  return at::tensor({0, 3, 7, 9}, at::kLong);
}

TEST(NasBench201Oracle, LogitsLossAndGradientNorm) {
  const auto space =
      test::space_of("family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\nform: supernet\n");
  const auto store = make_shared_set(*space, 0, at::kDouble);
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
    const at::Tensor logits = logits_of(*space, *store, row.genes, wave_images(8));
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
  const auto store = make_shared_set(*space, 0, at::kDouble);
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
        fill_wave(find_parameter(*store, plan.tensor_name(node, Role::kWeight)), ++number);
    fill_wave(find_parameter(*store, "classifier.weight"), 500);
    fill_wave(find_parameter(*store, "classifier.bias"), 501);
    const at::Tensor logits = logits_of(*space, *store, row.text, wave_images(16));
    for (int k = 0; k < 4; ++k)
      EXPECT_NEAR(logits[0][k].item<double>(), row.logits[k], 1e-8) << row.text << " " << k;
    EXPECT_NEAR(at::cross_entropy_loss(logits, labels()).item<double>(), row.loss, 1e-9);
  }
}

}  // namespace
}  // namespace nas
