#pragma once
// Small helpers of the supernet tests.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <string>

#include "spaces/registry.hpp"
#include "supernet/executor.hpp"
#include "supernet/weight_store.hpp"

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

inline at::Tensor logits_of(const Space& space,
                            WeightStore& store,
                            const std::string& arch,
                            const at::Tensor& x,
                            ForwardOptions options = {}) {
  const Architecture a = space.parse(arch);
  return forward(space.plan(a), a, store, x, options);
}

}  // namespace nas::test
