// Relaxed plans in the executor: one-hot weights are the plain network to the last bit, gradients
// by the mixing weights are those of differences.
#include "spaces/relaxed.hpp"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "support.hpp"

namespace nas {
namespace {

using test::space_of;

constexpr const char* kCell201 =
    "family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\nclasses: 10\nform: supernet\n";
constexpr const char* kDarts =
    "family: darts\nwidth: 4\nlayers: 3\nresolution: 8\nnone: true\ndrop_path: 0.3\n";
constexpr const char* kMacro = "family: nasbench-macro\nresolution: 8\n";
constexpr const char* kCnn =
    "family: cnn\nchannels: 3\nresolution: 8\nclasses: 10\nstem_width: 6\n"
    "kinds: [conv3, sep5, mb3]\nstages:\n  - {widths: [4, 6], depths: [1, 2]}\n"
    "  - {widths: [8], depths: [1], stride: 2}\n";
constexpr const char* kCustom =
    "family: custom\nchannels: 3\nresolutions: [8]\nclasses: 10\nstem: {width: 8}\nblocks:\n"
    "  - {name: mb, kind: mbconv, kernels: [3, 5], expansions: [2, 3], se: 0.25}\n"
    "  - {name: cv, kind: conv, kernels: [1, 3]}\nstages:\n"
    "  - {widths: [8, 12], depths: [1, 2], blocks: [mb, cv, skip]}\n"
    "  - {widths: [16], depths: [2], stride: 2, shortcut: true, blocks: [none, mb, avgpool]}\n"
    "head: {dropout: 0.2}\n";

std::vector<size_t> open_choices(const Domain& domain, const Architecture& base) {
  std::vector<size_t> open;
  for (const size_t c : relaxable_choices(domain))
    if (domain.space().active(base, c)) open.push_back(c);
  return open;
}

/// One-hot at the options of `a`.
std::vector<at::Tensor> one_hot(const Space& space,
                                const Architecture& a,
                                const std::vector<size_t>& choices,
                                bool differentiable = false) {
  std::vector<at::Tensor> mixing(space.choices().size());
  for (const size_t c : choices) {
    mixing[c] = at::zeros({static_cast<int64_t>(space.choices()[c].options.size())}, at::kFloat);
    mixing[c][a.genes[c]] = 1;
    mixing[c].set_requires_grad(differentiable);
  }
  return mixing;
}

at::Tensor images(at::ScalarType type = at::kFloat) {
  return test::wave_images(8).to(type);
}

/// Gradients of all weights after a step on the squares of the logits; undefined as empty.
struct Outcome {
  at::Tensor logits;
  std::vector<at::Tensor> gradients, buffers;
};
Outcome outcome(const Space& space,
                const Plan& plan,
                const Architecture& a,
                const std::vector<at::Tensor>* mixing) {
  const auto set = make_shared_set(space, 1);
  ForwardOptions options;
  options.bn = ForwardOptions::Bn::kTrain;
  options.train = true;
  options.generator = at::make_generator<at::CPUGeneratorImpl>(3);
  options.mixing = mixing;
  Outcome result;
  result.logits = forward(plan, a, *set, images(), options);
  result.logits.square().sum().backward();
  for (const NamedTensor& p : set->parameters()) result.gradients.push_back(p.tensor.grad());
  for (const NamedTensor& b : set->buffers()) result.buffers.push_back(b.tensor);
  return result;
}

class OneHot : public testing::TestWithParam<std::pair<const char*, const char*>> {};

// Logits, gradients of every weight, running statistics, dropout masks.
TEST_P(OneHot, IsThePlainNetworkToTheLastBit) {
  const auto space = space_of(GetParam().second);
  Rng rng(5, "one-hot");
  const Architecture base = space->largest();
  const std::vector<size_t> choices = open_choices(*space, base);
  ASSERT_FALSE(choices.empty());
  const Plan relaxed = relaxed_plan(*space, base, choices);
  for (int trial = 0; trial < 3; ++trial) {
    const Architecture drawn = space->sample(rng);
    Architecture a = base;
    for (const size_t c : choices) a.genes[c] = drawn.genes[c];
    SCOPED_TRACE(space->text(a));
    const Outcome plain = outcome(*space, space->plan(a), a, nullptr);
    double largest = 0;
    for (const at::Tensor& g : plain.gradients)
      if (g.defined()) largest = std::max(largest, g.abs().max().item<double>());
    for (const bool differentiable : {false, true}) {
      const std::vector<at::Tensor> mixing = one_hot(*space, a, choices, differentiable);
      const Outcome mixed = outcome(*space, relaxed, a, &mixing);
      EXPECT_TRUE(at::equal(plain.logits, mixed.logits));
      for (size_t i = 0; i < plain.buffers.size(); ++i)
        EXPECT_TRUE(at::equal(plain.buffers[i], mixed.buffers[i])) << i;
      ASSERT_EQ(plain.gradients.size(), mixed.gradients.size());
      for (size_t i = 0; i < plain.gradients.size(); ++i) {
        const at::Tensor &one = plain.gradients[i], &other = mixed.gradients[i];
        ASSERT_EQ(one.defined(), other.defined()) << i;
        if (!one.defined()) continue;
        // With gradients of the weights the graph has one more node at each sum, so that the
        // gradients of a value that three or more read are added in another order. Some are
        // nothing but rounding: of a bias that a batch norm takes away.
        const bool same =
            differentiable ? at::allclose(one, other, 1e-4, 1e-6 * largest) : at::equal(one, other);
        EXPECT_TRUE(same) << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Spaces,
                         OneHot,
                         testing::Values(std::pair("nasbench201", kCell201),
                                         std::pair("darts", kDarts),
                                         std::pair("macro", kMacro),
                                         std::pair("cnn", kCnn),
                                         std::pair("custom", kCustom)),
                         [](const auto& info) { return std::string(info.param.first); });

/// Notes which layers are asked for their tensors.
class Watched final : public TensorSource {
 public:
  explicit Watched(std::unique_ptr<TensorSource> source) : source_(std::move(source)) {}
  at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) override {
    asked.insert(plan.name(node));
    return source_->get(plan, node, spec);
  }
  std::set<std::string> asked;

 private:
  std::unique_ptr<TensorSource> source_;
};

TEST(RelaxedForward, OptionsOfWeightZeroAreNotExecuted) {
  const auto space = space_of(kCell201);
  const auto set = make_shared_set(*space, 1);
  const Architecture a = space->parse("3,1,2,0,4,3");
  const std::vector<size_t> all = relaxable_choices(*space);
  const Plan relaxed = relaxed_plan(*space, a, all);
  std::vector<at::Tensor> mixing = one_hot(*space, a, all);
  const auto asked = [&](const Plan& plan, const std::vector<at::Tensor>* weights) {
    Watched tensors(set->bind(a));
    ForwardOptions options;
    options.mixing = weights;
    forward(plan, tensors, images(), options);
    return tensors.asked;
  };
  EXPECT_EQ(asked(relaxed, &mixing), asked(space->plan(a), nullptr));
  // A second option of one edge comes in with its weight, in each of the three cells.
  const size_t before = asked(relaxed, &mixing).size();
  mixing[0] = at::tensor({0.0F, 0.0F, 0.25F, 0.75F, 0.0F});
  EXPECT_EQ(asked(relaxed, &mixing).size(), before + 3);
  // All weights of an edge 0: the edge carries zeros, and nothing of it is computed.
  mixing[0] = at::zeros({5});
  const Architecture none = space->parse("0,1,2,0,4,3");
  ForwardOptions options;
  options.mixing = &mixing;
  EXPECT_TRUE(at::allclose(forward(relaxed, a, *set, images(), options),
                           forward(space->plan(none), none, *set, images(), {})));
}

TEST(RelaxedForward, NeedsItsWeights) {
  const auto space = space_of(kCell201);
  const auto set = make_shared_set(*space, 1);
  const Architecture a = space->largest();
  const std::vector<size_t> all = relaxable_choices(*space);
  const Plan relaxed = relaxed_plan(*space, a, all);
  EXPECT_THROW(forward(relaxed, a, *set, images(), {}), std::logic_error);
  std::vector<at::Tensor> mixing = one_hot(*space, a, all);
  mixing[2] = at::Tensor();
  ForwardOptions options;
  options.mixing = &mixing;
  EXPECT_THROW(forward(relaxed, a, *set, images(), options), std::logic_error);
}

// Of a sum at one place the value is known: w1 * x1 + w2 * x2 + w3 * x3.
TEST(RelaxedForward, IsTheWeightedSum) {
  const auto space = space_of(
      "family: cnn\nchannels: 3\nresolution: 8\nclasses: 10\nstem_width: 6\n"
      "kinds: [conv3, sep5, mb3]\nstages:\n  - {widths: [6], depths: [1]}\n");
  const auto set = make_shared_set(*space, 1, at::kDouble);
  const std::vector<size_t> all = relaxable_choices(*space);
  ASSERT_EQ(all.size(), 1U);
  std::vector<at::Tensor> mixing(space->choices().size());
  mixing[all[0]] = at::tensor({0.5, -0.2, 0.7}, at::kDouble);
  ForwardOptions options;
  options.mixing = &mixing;
  const Architecture base = space->largest();
  const at::Tensor mixed =
      forward(relaxed_plan(*space, base, all), base, *set, images(at::kDouble), options);
  // What follows the layer is linear: a mean and the classifier, whose bias counts once.
  const at::Tensor bias = test::find_parameter(*set, "classifier.bias");
  at::Tensor expected = bias;
  for (int16_t o = 0; o < 3; ++o) {
    Architecture a = base;
    a.genes[all[0]] = o;
    expected = expected + mixing[all[0]][o] *
                              (forward(space->plan(a), a, *set, images(at::kDouble), {}) - bias);
  }
  EXPECT_TRUE(at::allclose(mixed, expected, 1e-10, 1e-10));
}

class MixingGradient : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(MixingGradient, MatchesCentralDifferences) {
  const auto space = space_of(GetParam().second);
  const auto set = make_shared_set(*space, 1, at::kDouble);
  const Architecture base = space->largest();
  std::vector<size_t> choices = open_choices(*space, base);
  choices.resize(std::min<size_t>(choices.size(), 5));  // Nested ones among them: node 3 of DARTS.
  const Plan relaxed = relaxed_plan(*space, base, choices);
  const at::Tensor x = images(at::kDouble), labels = at::tensor({0, 2, 1, 9}, at::kLong);
  Rng rng(7, "mixing");
  std::vector<at::Tensor> mixing(space->choices().size());
  for (const size_t c : choices) {
    mixing[c] = test::tensor_of({static_cast<int64_t>(space->choices()[c].options.size())},
                                [&](int64_t) { return 0.1 + rng.uniform(); });
    mixing[c].set_requires_grad(true);
  }
  ForwardOptions options;
  options.mixing = &mixing;
  const auto loss = [&] {
    return at::cross_entropy_loss(forward(relaxed, base, *set, x, options), labels);
  };
  loss().backward();
  int other_than_zero = 0;
  for (size_t i = 0; i < choices.size(); ++i) {
    const at::Tensor w = mixing[choices[i]], values = w.detach();
    for (int64_t o = w.numel() - 1; o >= 0; o -= 2) {
      const c10::NoGradGuard no_grad;
      const double eps = 1e-5, was = values[o].item<double>();
      values[o] = was + eps;
      const double up = loss().item<double>();
      values[o] = was - eps;
      const double down = loss().item<double>();
      values[o] = was;
      const double numeric = (up - down) / (2 * eps), exact = w.grad()[o].item<double>();
      EXPECT_NEAR(exact, numeric, 1e-6 * std::max(1.0, std::abs(numeric)))
          << space->choices()[choices[i]].name << " " << o;
      other_than_zero += std::abs(numeric) > 1e-6;
    }
  }
  EXPECT_GT(other_than_zero, 3);
}

INSTANTIATE_TEST_SUITE_P(Spaces,
                         MixingGradient,
                         testing::Values(std::pair("nasbench201", kCell201),
                                         std::pair("darts", kDarts),
                                         std::pair("cnn", kCnn),
                                         std::pair("custom", kCustom)),
                         [](const auto& info) { return std::string(info.param.first); });

// Weights of options that take no part are not looked at.
TEST(RelaxedForward, InAPartOfTheSpace) {
  const auto space = space_of(kCell201);
  const Domain part(*space, Restriction::parse(*space, {"*=skip_connect|nor_conv_3x3"}));
  const auto set = make_shared_set(*space, 1);
  const Architecture a = part.largest();
  const std::vector<size_t> all = relaxable_choices(part);
  std::vector<at::Tensor> mixing(space->choices().size());
  for (const size_t c : all) mixing[c] = at::tensor({NAN, 0.5F, NAN, 0.5F, NAN});
  ForwardOptions options;
  options.mixing = &mixing;
  EXPECT_TRUE(at::isfinite(forward(relaxed_plan(part, a, all), a, *set, images(), options))
                  .all()
                  .item<bool>());
}

}  // namespace
}  // namespace nas
