#pragma once
// Small helpers of the supernet tests.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <string>

#include "spaces/plan_builder.hpp"
#include "spaces/registry.hpp"
#include "supernet/executor.hpp"
#include "supernet/train/step/optimizer.hpp"
#include "supernet/train/step/path_runner.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

/// One pass with the tensors of `a`.
inline at::Tensor forward(const Plan& plan,
                          const Architecture& a,
                          WeightSet& weights,
                          const at::Tensor& x,
                          const ForwardOptions& options) {
  return forward(plan, *weights.bind(a), x, options);
}

}  // namespace nas

namespace nas::test {

inline std::unique_ptr<Space> space_of(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  return make_space(source);
}

/// Double tensor whose element i (row-major) is f(i).
template <typename F>
at::Tensor tensor_of(at::IntArrayRef sizes, const F& f) {
  at::Tensor t = at::empty(sizes, at::kDouble);
  auto* p = t.data_ptr<double>();
  for (int64_t i = 0; i < t.numel(); ++i) p[i] = f(i);
  return t;
}

// panda.md 7.9: closed-form weights and images.

inline void fill_wave(const at::Tensor& t, double s) {
  t.detach().copy_(tensor_of(
      t.sizes(), [s](int64_t j) { return 0.05 * std::sin(0.7 * static_cast<double>(j) + s); }));
}

inline at::Tensor wave_images(int64_t size) {
  return tensor_of({4, 3, size, size}, [](int64_t i) {
    const auto t = static_cast<double>(i);
    return std::cos(0.1 * t) + 0.5 * std::sin(0.013 * std::pow(t, 1.5));
  });
}

inline const at::Tensor& find_parameter(const WeightSet& store, const std::string& name) {
  for (const NamedTensor& p : store.parameters())
    if (p.name == name) return p.tensor;
  throw std::logic_error("no parameter " + name);
}

inline void fill_nasbench201(const WeightSet& store) {
  fill_wave(find_parameter(store, "stem.conv.weight"), 1);
  const char* const edges[] = {"10", "20", "21", "30", "31", "32"};
  for (int c = 0; c < 3; ++c)
    for (int e = 0; e < 6; ++e)
      for (int o = 2; o < 4; ++o) {
        const std::string base = "cell" + std::to_string(c) + ".edge" + edges[e] + ".nor_conv_" +
                                 (o == 2 ? "1x1" : "3x3") + ".conv";
        fill_wave(find_parameter(store, base + ".weight"), 10 + 100 * c + 10 * e + o);
        fill_wave(find_parameter(store, base + ".bias"), 15 + 100 * c + 10 * e + o);
      }
  for (int k = 0; k < 2; ++k) {
    const std::string base = "reduction" + std::to_string(k);
    fill_wave(find_parameter(store, base + ".a.conv.weight"), 10001 + 10 * k);
    fill_wave(find_parameter(store, base + ".a.conv.bias"), 10006 + 10 * k);
    fill_wave(find_parameter(store, base + ".b.conv.weight"), 10002 + 10 * k);
    fill_wave(find_parameter(store, base + ".b.conv.bias"), 10007 + 10 * k);
    fill_wave(find_parameter(store, base + ".shortcut.conv.weight"), 10003 + 10 * k);
  }
  fill_wave(find_parameter(store, "classifier.weight"), 20000);
  fill_wave(find_parameter(store, "classifier.bias"), 20001);
}

inline at::Tensor logits_of(const Space& space,
                            WeightSet& store,
                            const std::string& arch,
                            const at::Tensor& x,
                            ForwardOptions options = {}) {
  const Architecture a = space.parse(arch);
  return forward(space.plan(a), a, store, x, options);
}

/// A step of all parameters that have a gradient.
inline void step(Optimizer& optimizer, double lr) {
  std::vector<bool> used;
  for (const at::Tensor& p : optimizer.parameters()) used.push_back(p.grad().defined());
  optimizer.step(lr, used);
}

/// Runs paths with the tensors of one set, as the trainer does.
class SetRunner : public PathRunner {
 public:
  SetRunner(const Space& space,
            WeightSet& set,
            const TrainOptions& options,
            c10::Device device,
            uint64_t seed)
      : PathRunner(space, !set.buffers().empty(), options, device, seed), set_(set) {}
  at::Tensor run(const Step& step,
                 size_t index,
                 const TrainBatch& batch,
                 double share,
                 int64_t global_step,
                 bool features) {
    std::vector<bool> used(set_.parameters().size(), false);
    return PathRunner::run(step, index, set_, used, batch, share, global_step, features);
  }

 private:
  WeightSet& set_;
};

}  // namespace nas::test
