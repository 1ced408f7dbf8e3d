// The scale at which weights start is that of the operation, whatever network mentions it first.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "support.hpp"

namespace nas {
namespace {

double spread(const WeightSet& store, const std::string& name) {
  return test::find_parameter(store, name).std(/*unbiased=*/true).item<double>();
}

// Kaiming by fan_out, in numbers: a depthwise 3x3 has 1 * 9 outputs a position at any width, a
// dense one out * 9. With 48 channels there are 432 weights, whose sample spread is within 3.4 % of
// the true one in two of three cases.
TEST(InitialScale, DepthwiseConvolutionsOfElasticWidth) {
  const auto space = load_space("digits");  // second stage: 24, 32 or 48 channels
  const auto store = make_shared_set(*space, 0);
  const double depthwise = std::sqrt(2.0 / 9);
  for (const char* layer : {"stage2.layer1", "stage2.layer2"}) {
    EXPECT_NEAR(
        spread(*store, std::string(layer) + ".sep3.1.conv.weight"), depthwise, 0.14 * depthwise)
        << layer;
    const double wide = spread(*store, std::string(layer) + ".mb3.2.conv.weight");
    EXPECT_NEAR(wide, depthwise, 0.1 * depthwise) << layer;
    const double dense = std::sqrt(2.0 / (48 * 9));
    EXPECT_NEAR(spread(*store, std::string(layer) + ".conv3.1.conv.weight"), dense, 0.05 * dense)
        << layer;
  }
}

// Two layers alike start alike, and so does the same layer of a space that lists widths otherwise.
TEST(InitialScale, DoesNotDependOnTheWidthsBelow) {
  const std::string head = "family: cnn\nkinds: [sep3, mb5]\nstages:\n  - {widths: ";
  const auto many = test::space_of(head + "[4, 8, 64], depths: [2]}\n");
  const auto one = test::space_of(head + "[64], depths: [2]}\n");
  const auto a = make_shared_set(*many, 5), b = make_shared_set(*one, 5);
  ASSERT_EQ(a->parameters().size(), b->parameters().size());
  for (const NamedTensor& p : a->parameters())
    EXPECT_TRUE(at::equal(p.tensor, test::find_parameter(*b, p.name))) << p.name;
}

// Where no depthwise convolution changes its width, nothing starts otherwise than it did in version
// 0.1.0, which divided the full sizes by the groups of the network at hand.
TEST(InitialScale, OtherSpacesStartAsTheyDid) {
  for (const char* name : {"nasbench201",
                           "nasbench-macro",
                           "mobilenet",
                           "mobilenet-elastic-resolution",
                           "mobilenet-32",
                           "proxyless",
                           "ofa-resnet50",
                           "darts",
                           "darts-final",
                           "resnet20-pool",
                           "resnet18-stride",
                           "resnet50-stride"}) {
    const auto space = load_space(name);
    std::set<uint32_t> seen;
    for (const Architecture& a : space->cover()) {
      const Plan plan = space->plan(a);
      for (const Node& node : plan.nodes)
        if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
          // The network that mentions a tensor first decided how it started.
          if (!seen.insert(node.name).second) continue;
          const bool depthwise = conv->groups > 1;
          EXPECT_EQ(conv->full_out / conv->groups, depthwise ? 1 : conv->full_out)
              << name << " " << plan.name(node);
          EXPECT_EQ(conv->full_in / conv->groups, depthwise ? 1 : conv->full_in)
              << name << " " << plan.name(node);
        }
    }
  }
}

}  // namespace
}  // namespace nas
