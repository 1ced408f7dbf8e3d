// balanced_mixture.md 7.8: the downsampling supernets on closed-form weights, float64.
#include <gtest/gtest.h>

#include "supernet/train/step/optimizer.hpp"
#include "support.hpp"

namespace nas {
namespace {

using test::logits_of;
using test::tensor_of;

void fill(const WeightSet& store) {
  int64_t j = 0;
  for (const NamedTensor& p : store.parameters()) {
    const double shift = 1.1 * static_cast<double>(j++);
    p.tensor.detach().copy_(tensor_of(p.tensor.sizes(), [&](int64_t k) {
      return 0.1 * std::sin(0.37 * static_cast<double>(k + 1) + shift);
    }));
  }
}

at::Tensor images(int64_t n) {
  return tensor_of({n, 3, 32, 32}, [](int64_t i) {
    return std::cos(0.013 * static_cast<double>(i) + 0.0007 * static_cast<double>(i % 97));
  });
}

struct Row {
  const char* arch;
  double logits[3], loss;
};

class ResNet20 : public testing::Test {
 protected:
  void SetUp() override {
    space_ = test::space_of("family: downsampling\nvariant: resnet20-pool\n");
    store_ = make_shared_set(*space_, 0, at::kDouble);
    fill(*store_);
  }
  at::Tensor loss(const std::string& arch, ForwardOptions options = {}) {
    return at::cross_entropy_loss(logits_of(*space_, *store_, arch, images_, options), labels_);
  }
  void step(Optimizer& optimizer, const std::string& arch) {
    loss(arch).backward();
    test::step(optimizer, 0.1);
  }
  std::unique_ptr<Space> space_;
  std::unique_ptr<WeightSet> store_;
  at::Tensor images_ = images(4);
  at::Tensor labels_ = at::tensor({3, 1, 4, 1}, at::kLong);
};

TEST_F(ResNet20, TwentyThreeParameterTensors) {
  EXPECT_EQ(store_->parameters().size(), 23U);
  EXPECT_EQ(store_->buffers().size(), 0U);
}

TEST_F(ResNet20, LogitsAndLoss) {
  const Row rows[] = {
      {"[4,3,3]", {0.050329674, -0.615005082, -0.226406864}, 2.116507571},
      {"[1,1,8]", {0.001003372, -0.337947291, -0.111816238}, 2.437142465},
      {"[8,1,1]", {0.205970781, -0.624056075, -0.384180043}, 2.336998534},
      {"[5,3,2]", {0.006942672, -0.526709857, -0.162220850}, 2.315921487},
      {"[7,1,2]", {0.171184490, -0.616643150, -0.347647547}, 2.369224314},
  };
  for (const Row& row : rows) {
    const at::Tensor logits = logits_of(*space_, *store_, row.arch, images_);
    for (int k = 0; k < 3; ++k)
      EXPECT_NEAR(logits[0][k].item<double>(), row.logits[k], 1e-9) << row.arch << " " << k;
    EXPECT_NEAR(loss(row.arch).item<double>(), row.loss, 1e-9) << row.arch;
  }
}

TEST_F(ResNet20, TrainingAndEvaluationModeAgree) {
  ForwardOptions train, running;
  train.bn = ForwardOptions::Bn::kTrain;
  running.bn = ForwardOptions::Bn::kRunning;
  const at::Tensor a = logits_of(*space_, *store_, "[4,3,3]", images_, train);
  const at::Tensor b = logits_of(*space_, *store_, "[4,3,3]", images_, running);
  EXPECT_TRUE(at::equal(a, b));
}

TEST_F(ResNet20, TwoStepsOfMomentum) {
  OptimizerOptions options;
  options.lr = 0.1;
  options.weight_decay = 0;
  Optimizer optimizer(store_->parameters(), options);
  step(optimizer, "[4,3,3]");
  EXPECT_NEAR(loss("[4,3,3]").item<double>(), 1.232638805, 1e-8);
  EXPECT_NEAR(store_->parameters()[0].tensor.flatten()[0].item<double>(), -0.519443514, 1e-8);
  EXPECT_NEAR(loss("[1,1,8]").item<double>(), 1.360926779, 1e-8);
  step(optimizer, "[1,1,8]");
  EXPECT_NEAR(loss("[4,3,3]").item<double>(), 1.181183704, 1e-8);
  EXPECT_NEAR(loss("[1,1,8]").item<double>(), 1.080527886, 1e-8);
  EXPECT_NEAR(loss("[7,1,2]").item<double>(), 1.157108276, 1e-8);
}

TEST(ResNet18Stride, Logits) {
  const auto space =
      test::space_of("family: downsampling\nvariant: resnet18-stride\nclasses: 10\n");
  const auto store = make_shared_set(*space, 0, at::kDouble);
  ASSERT_EQ(store->parameters().size(), 22U);
  fill(*store);
  const Row rows[] = {
      {"[3,2,2,2]", {0.129886546, -0.655150259, -0.964546867}, 0},
      {"[1,2,3,3]", {-0.218397443, -0.688468602, -0.655325038}, 0},
  };
  for (const Row& row : rows) {
    const at::Tensor logits = logits_of(*space, *store, row.arch, images(2));
    for (int k = 0; k < 3; ++k)
      EXPECT_NEAR(logits[0][k].item<double>(), row.logits[k], 1e-9) << row.arch << " " << k;
  }
}

}  // namespace
}  // namespace nas
