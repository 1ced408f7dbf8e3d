// One network, one canonical form: architectures have equal forms if and only if they compute the
// same with random weights. Weights are drawn by what an operation is and what it reads, since
// networks that are trained alone are the same whatever their tensors are called.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "support.hpp"

namespace nas {
namespace {

using test::space_of;

/// Runs plans in double. Equal inputs of equal operations bring equal weights, the first time, the
/// second time ... that they occur in a network.
class Networks {
 public:
  /// `by_reading`: as NAS-Bench-201's cells are compared (drop zero terms, flatten skips, sums as
  /// multisets): equal operations on equal inputs count as equal each time, and an operation is
  /// taken as a whole, so that the average of a sum is not the sum of averages.
  explicit Networks(const Space& space, bool by_reading = false)
      : space_(space), by_reading_(by_reading) {}

  /// Number of the function that `a` computes.
  size_t function_of(const Architecture& a) { return number_of(logits(a), functions_); }

 private:
  struct Known {
    at::Tensor value;
    size_t number;
  };
  using Numbers = std::multimap<double, Known>;

  at::Tensor logits(const Architecture& a) {
    const Plan plan = space_.plan(a);
    times_.clear();
    const Shape image = space_.input();
    Rng rng(1, "image");
    at::Tensor x = noise({2, image.c, image.h, image.w}, rng);
    if (plan.input().h != image.h)
      x = at::_upsample_bilinear2d_aa(x, {plan.input().h, plan.input().w}, false);
    std::vector<at::Tensor> values;
    for (const Node& node : plan.nodes) {
      std::vector<at::Tensor> in;
      for (const int32_t id : plan.inputs(node))
        in.push_back(Plan::is_input(id) ? x : values[static_cast<size_t>(id)]);
      values.push_back(std::visit([&](const auto& op) { return run(op, in); }, node.op));
    }
    return values.back();
  }

  static at::Tensor noise(at::IntArrayRef sizes, Rng& rng) {
    return test::tensor_of(sizes, [&rng](int64_t) { return rng.normal(); });
  }
  size_t number_of(const at::Tensor& value, Numbers& known) {
    const at::Tensor flat = value.reshape({-1});
    at::Tensor& ramp = ramps_[flat.numel()];
    if (!ramp.defined()) ramp = at::sin(at::arange(1, flat.numel() + 1, at::kDouble));
    const double key = flat.dot(ramp).item<double>();
    const double slack = 1e-8 * (1 + flat.abs().sum().item<double>());
    for (auto it = known.lower_bound(key - slack); it != known.end() && it->first <= key + slack;
         ++it)
      if (it->second.value.sizes() == value.sizes() &&
          at::allclose(it->second.value, value, 1e-7, 1e-8))
        return it->second.number;
    const size_t number = known.size();
    known.emplace(key, Known{value, number});
    return number;
  }
  at::Tensor weight(const std::string& op, const at::Tensor& reads, at::IntArrayRef sizes) {
    std::string key = op + "|" + std::to_string(number_of(reads, inputs_));
    if (!by_reading_) key += "#" + std::to_string(times_[key]++);
    Rng rng(7, key);
    return noise(sizes, rng);
  }

  at::Tensor run(const Conv2d& op, const std::vector<at::Tensor>& in) {
    at::Tensor x = in[0];
    int64_t stride = x.size(2) == 1 ? 1 : op.stride;
    if (op.kernel == 1 && stride > 1) {
      x = x.slice(2, 0, INT64_MAX, stride).slice(3, 0, INT64_MAX, stride).contiguous();
      stride = 1;
    }
    std::string what = "conv";
    for (const int v : {op.in,
                        op.out,
                        int{op.kernel},
                        static_cast<int>(stride),
                        int{op.padding},
                        int{op.dilation},
                        op.groups,
                        int{op.bias}})
      what += " " + std::to_string(v);
    const at::Tensor w = weight(what, x, {op.out, op.in / op.groups, op.kernel, op.kernel});
    return at::conv2d(x,
                      w,
                      {},
                      {stride, stride},
                      {op.padding, op.padding},
                      {op.dilation, op.dilation},
                      op.groups);
  }
  at::Tensor run(const BatchNorm& op, const std::vector<at::Tensor>& in) {
    at::Tensor w, b;
    if (op.affine) {
      const at::Tensor both = weight("bn", in[0], {2, op.channels});
      w = both[0] + 1.5;
      b = both[1];
    }
    return at::batch_norm(in[0], w, b, {}, {}, true, 0.1, op.eps, false);
  }
  at::Tensor run(const Activation& op, const std::vector<at::Tensor>& in) {
    switch (op.act) {
      case Act::kRelu:
        return at::relu(in[0]);
      case Act::kRelu6:
        return at::hardtanh(in[0], 0, 6);
      case Act::kHSwish:
        return at::hardswish(in[0]);
      case Act::kHSigmoid:
        return at::hardsigmoid(in[0]);
      case Act::kSwish:
        return at::silu(in[0]);
      case Act::kSigmoid:
        return at::sigmoid(in[0]);
    }
    return {};
  }
  at::Tensor run(const Pool& op, const std::vector<at::Tensor>& in) {
    if (op.max)
      return at::max_pool2d(
          in[0], {op.kernel, op.kernel}, {op.stride, op.stride}, {op.padding, op.padding});
    const at::Tensor mean = at::avg_pool2d(in[0],
                                           {op.kernel, op.kernel},
                                           {op.stride, op.stride},
                                           {op.padding, op.padding},
                                           false,
                                           false);
    return by_reading_ ? at::tanh(mean) : mean;
  }
  at::Tensor run(const GlobalAvgPool& op, const std::vector<at::Tensor>& in) {
    return at::mean(in[0], {2, 3}, op.keep);
  }
  at::Tensor run(const Linear& op, const std::vector<at::Tensor>& in) {
    return at::linear(in[0], weight("linear", in[0], {op.out, op.in}));
  }
  at::Tensor run(const Add&, const std::vector<at::Tensor>& in) {
    at::Tensor sum = in[0];
    for (size_t i = 1; i < in.size(); ++i) sum = sum + in[i];
    return sum;
  }
  at::Tensor run(const Mul&, const std::vector<at::Tensor>& in) { return in[0] * in[1]; }
  at::Tensor run(const Concat&, const std::vector<at::Tensor>& in) { return at::cat(in, 1); }
  static at::Tensor every(const at::Tensor& x, int64_t first, int64_t step) {
    return x.slice(2, first, INT64_MAX, step).slice(3, first, INT64_MAX, step);
  }
  at::Tensor run(const Zero& op, const std::vector<at::Tensor>& in) {
    return every(in[0], 0, op.stride) * 0.0;
  }
  at::Tensor run(const Subsample& op, const std::vector<at::Tensor>& in) {
    return every(in[0], op.offset, op.stride);
  }
  template <typename T>  // Identity, Dropout, DropPath: nothing outside of training.
  at::Tensor run(const T&, const std::vector<at::Tensor>& in) {
    return in[0];
  }

  const Space& space_;
  bool by_reading_;
  Numbers inputs_, functions_;
  std::map<int64_t, at::Tensor> ramps_;  // By length.
  std::map<std::string, int> times_;
};

/// Holds forms against functions for all architectures that it is given.
class Comparison {
 public:
  explicit Comparison(const Space& space, bool by_reading = false)
      : space_(space), networks_(space, by_reading) {}
  void look_at(const Architecture& a) {
    const Architecture form = space_.canonical(a);
    const size_t function = networks_.function_of(a);
    const auto [f, fresh_form] = by_form_.emplace(form, std::pair(function, a));
    EXPECT_EQ(f->second.first, function) << "one form, two functions: " << space_.text(a) << " and "
                                         << space_.text(f->second.second);
    const auto [g, fresh] = by_function_.emplace(function, std::pair(form, a));
    EXPECT_EQ(g->second.first, form) << "one function, two forms: " << space_.text(a) << " and "
                                     << space_.text(g->second.second);
    if (fresh_form && form != a) look_at(form);
    ++seen_;
  }
  size_t merged() const { return seen_ - by_form_.size(); }

 private:
  const Space& space_;
  Networks networks_;
  std::map<Architecture, std::pair<size_t, Architecture>> by_form_;
  std::map<size_t, std::pair<Architecture, Architecture>> by_function_;
  size_t seen_ = 0;
};

struct Whole {
  const char* name;
  std::string yaml;
};

class SmallSpaces : public testing::TestWithParam<Whole> {};

TEST_P(SmallSpaces, OneFormForEachFunction) {
  const auto space = space_of(GetParam().yaml);
  ASSERT_LE(space->count(), 1500);
  Comparison comparison(*space);
  space->enumerate([&](const Architecture& a) {
    comparison.look_at(a);
    return !HasFailure();
  });
  EXPECT_GT(comparison.merged(), 0U) << "nothing is tried here";
}

const std::string kSmall = "family: custom\nchannels: 1\nclasses: 3\n";

INSTANTIATE_TEST_SUITE_P(
    All,
    SmallSpaces,
    testing::Values(
        Whole{"skips",
              kSmall + "resolutions: [8]\nstem: {width: 4}\nstages:\n"
                       "  - {widths: [4, 6], depths: [1, 2], blocks: [conv, skip]}\n"
                       "  - {widths: [4, 6], depths: [1, 2, 3], stride: 2, blocks: [sep, skip]}\n"},
        Whole{"none_and_shortcuts",
              kSmall +
                  "resolutions: [4, 8]\nstem: {width: 4}\nstages:\n"
                  "  - {widths: [4], depths: [1, 2], blocks: [conv, none, skip], shortcut: true}\n"
                  "  - {widths: [4, 6], depths: [0, 1, 2], blocks: [mbconv, none], shortcut: "
                  "true}\n"},
        Whole{"pools",
              kSmall + "resolutions: [6]\nstem: {width: 4}\nblocks:\n"
                       "  - {name: max, kind: maxpool, kernels: [1, 3, 5]}\n"
                       "  - {name: avg, kind: avgpool, kernels: [1, 3]}\nstages:\n"
                       "  - {widths: [4], depths: [1, 2], blocks: [max, avg, skip]}\n"
                       "  - {widths: [4, 6], depths: [1], stride: 2, blocks: [max, avg, skip]}\n"},
        Whole{"pools_beside_shortcuts",
              kSmall + "resolutions: [6]\nstem: {width: 4}\nblocks:\n"
                       "  - {name: max, kind: maxpool}\n  - {name: avg, kind: avgpool}\nstages:\n"
                       "  - {widths: [4], depths: [1, 2], blocks: [avg, conv]}\n"
                       "  - {widths: [4], depths: [1, 2], shortcut: true,\n"
                       "     blocks: [max, avg, skip, none, conv]}\n"},
        Whole{"pools_of_the_whole_map",
              kSmall + "resolutions: [4]\nstem: {width: 4, stride: 2}\nblocks:\n"
                       "  - {name: max, kind: maxpool, kernels: [3, 5]}\n"
                       "  - {name: avg, kind: avgpool, kernels: [3, 5]}\nstages:\n"
                       "  - {widths: [4], depths: [1, 2], blocks: [max, avg]}\n"
                       "  - {widths: [4], depths: [1, 2], stride: 2, blocks: [max, avg, conv]}\n"},
        Whole{"equal_candidates",
              kSmall + "resolutions: [8]\nstem: {width: 4}\nblocks:\n"
                       "  - {name: a, kind: conv, kernels: [1, 3]}\n"
                       "  - {name: b, kind: conv, kernels: [3, 5]}\n"
                       "  - {name: c, kind: mbconv, expansions: [1.9, 2, 2.2]}\n"
                       "  - {name: d, kind: bottleneck, expansions: [0.4, 0.5]}\nstages:\n"
                       "  - {widths: [4], depths: [1, 2], blocks: [a, b, c]}\n"
                       "  - {widths: [4], depths: [1], stride: 2, blocks: [a, d, basic]}\n"},
        Whole{"stages_of_one_width",
              kSmall + "resolutions: [8]\nstem: {width: 4}\nstages:\n"
                       "  - {widths: [4, 6], depths: [1, 2], blocks: [conv, mbconv]}\n"
                       "  - {widths: [4, 6], depths: [0, 1, 2], blocks: [mbconv, conv]}\n"},
        Whole{"conditions_and_rules",
              kSmall + "resolutions: [8]\nstem: {width: 4}\nstages:\n"
                       "  - {widths: [4], depths: [1, 2], blocks: [conv, skip]}\n"
                       "  - {widths: [4, 6], depths: [0, 1, 2], blocks: [sep, skip, conv]}\n"
                       "conditions: [{choice: stage2.depth, when: stage1.depth == 2}]\n"
                       "rules: [{when: stage2.depth == 2, require: stage2.layer1 != skip}]\n"}),
    [](const auto& info) { return std::string(info.param.name); });

/// Some architectures near one another, so that many are spellings of one network.
void compare_neighbourhoods(const Space& space, int starts, bool by_reading = false) {
  Comparison comparison(space, by_reading);
  Rng rng(11, "equality");
  for (int i = 0; i < starts; ++i) {
    Architecture a = space.sample(rng);
    if (i % 2 == 1) space.sample_choices(rng, a);
    comparison.look_at(a);
    for (int step = 0; step < 4; ++step) {
      a = space.mutate(a, 0.15, rng);
      comparison.look_at(a);
    }
    if (testing::Test::HasFailure()) return;
  }
}

TEST(FunctionEquality, ShippedSpaces) {
  for (const char* name : {"digits", "custom-digits", "custom-cifar10", "nasbench-macro"}) {
    SCOPED_TRACE(name);
    compare_neighbourhoods(*load_space(name), std::string(name).ends_with("digits") ? 8 : 1);
  }
}

TEST(FunctionEquality, OtherFamiliesMadeSmall) {
  for (const char* yaml :
       {"family: downsampling\nvariant: resnet20-pool\nresolution: 16\n",
        "family: downsampling\nvariant: resnet18-stride\nresolution: 8\nimagenet_stem: true\n",
        "family: proxyless\nwidth_mult: 0.15\nkernels: [3, 5]\nexpansions: [3]\ndepths: [1, 2]\n"
        "resolutions: [32]\nclasses: 10\n",
        "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.2\nkernels: [3, 5]\n"
        "expansions: [1, 2]\ndepths: [1, 2]\nresolutions: [16, 32]\nclasses: 10\n",
        "family: ofa_resnet50\nwidths: [0.05, 0.06, 0.1]\nresolution: 32\nclasses: 10\n",
        "family: darts\nwidth: 4\nlayers: 4\nresolution: 16\n",
        "family: darts\nwidth: 4\nlayers: 3\nresolution: 16\nnone: true\n",
        "family: darts\nwidth: 4\nlayers: 3\nresolution: 16\nnone: true\nform: final\n"}) {
    SCOPED_TRACE(yaml);
    compare_neighbourhoods(*space_of(yaml), 2);
  }
}

// Cells that are likely to be spellings of one another: few operations, mostly without weights.
TEST(FunctionEquality, DartsCellsOfFewOperations) {
  for (const char* form : {"search", "final"}) {
    const auto space = space_of(
        std::string("family: darts\nwidth: 4\nlayers: 3\nresolution: 8\nnone: true\nform: ") +
        form + "\n");
    Comparison comparison(*space);
    Rng rng(13, form);
    for (int i = 0; i < 80 && !HasFailure(); ++i) {
      Architecture a = space->sample(rng);
      for (size_t c = 0; c < a.genes.size(); ++c) {
        const auto& options = space->choices()[c].options;
        // none, max, average, skip; now and then a convolution.
        if (options[0] == "none")
          a.genes[c] = static_cast<int16_t>(rng.below(9) == 0 ? 4 : rng.below(4));
        // The reduction cell stays as it is.
        if (c >= a.genes.size() / 2) a.genes[c] = options[0] == "none" ? int16_t{3} : int16_t{0};
      }
      comparison.look_at(a);
      comparison.look_at(space->canonical(a));
    }
    EXPECT_GT(comparison.merged(), 10U);
  }
}

TEST(FunctionEquality, NasBench201) {
  const auto space = space_of(
      "family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\nclasses: 10\nform: supernet\n");
  compare_neighbourhoods(*space, 60, /*by_reading=*/true);
}

}  // namespace
}  // namespace nas
