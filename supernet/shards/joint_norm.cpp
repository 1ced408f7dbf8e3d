// Two meetings a norm: moments on the way forth, the two sums of its gradient on the way back (the
// formulae are those of the undivided op). All that is summed over parts is summed in their order,
// by every thread for itself: the result does not depend on who holds which part.
#include "supernet/shards/joint_norm.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

namespace nas {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

NormLayout layout_of(const at::Tensor& x) {
  if (x.dim() == 2) return {x.size(0), x.size(1), 1};
  const int64_t inner = x.size(2) * x.size(3);
  if (x.is_contiguous()) return {x.size(0), x.size(1), inner};
  return {x.size(0) * inner, x.size(1), 1};
}

/// In one piece, as rows or as planes.
at::Tensor dense(const at::Tensor& x) {
  if (x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast)) return x;
  return x.contiguous();
}

at::Tensor dense_like(const at::Tensor& t, const at::Tensor& x) {
  return x.dim() == 4 && !x.is_contiguous() ? t.contiguous(at::MemoryFormat::ChannelsLast)
                                            : t.contiguous();
}

at::Tensor vector_of(const std::vector<double>& values, at::ScalarType type) {
  at::Tensor t = at::empty({static_cast<int64_t>(values.size())}, type);
  if (type == at::kDouble)
    std::copy(values.begin(), values.end(), t.data_ptr<double>());
  else
    for (size_t k = 0; k < values.size(); ++k)
      t.data_ptr<float>()[k] = static_cast<float>(values[k]);
  return t;
}

template <typename T>
const T* data(const at::Tensor& t) {
  return t.defined() ? t.const_data_ptr<T>() : nullptr;
}

template <typename T>
Normaliser<T> normaliser(const at::Tensor& mean,
                         const at::Tensor& inverse,
                         const at::Tensor& weight,
                         bool relu,
                         const at::Tensor& bias = {}) {
  return {data<T>(mean), data<T>(inverse), data<T>(weight), data<T>(bias), relu};
}

/// f(T()) for the type of the numbers.
template <typename F>
auto typed(const at::Tensor& x, F&& f) {
  return x.scalar_type() == at::kDouble ? f(double()) : f(float());
}

// Tensors are x, weight, bias of each part in turn; weight and bias only where `affine`.
struct JointNorm : public torch::autograd::Function<JointNorm> {
  static variable_list forward(AutogradContext* ctx,
                               int64_t lane_address,
                               double eps,
                               bool affine,
                               bool relu,
                               BatchMoments* out,
                               at::TensorList tensors) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a context keeps numbers and tensors only.
    Lane& lane = *reinterpret_cast<Lane*>(lane_address);
    const size_t each = affine ? 3 : 1, parts = tensors.size() / each;
    std::vector<at::Tensor> xs(parts);
    std::vector<Moments> own;
    for (size_t p = 0; p < parts; ++p) {
      xs[p] = dense(tensors[p * each]);
      own.push_back(typed(xs[p], [&](auto zero) {
        return moments_of(data<decltype(zero)>(xs[p]), layout_of(xs[p]));
      }));
    }
    const Moments all = combined(lane.exchange(std::move(own)));

    const size_t channels = all.mean.size();
    std::vector<double> inverses(channels);
    for (size_t k = 0; k < channels; ++k)
      inverses[k] = 1.0 / std::sqrt(all.m2[k] / all.count + eps);
    const at::ScalarType type = xs[0].scalar_type();
    const at::Tensor mean = vector_of(all.mean, type), inverse = vector_of(inverses, type);
    if (out != nullptr) {
      std::vector<double> var(channels);
      for (size_t k = 0; k < channels; ++k) var[k] = all.m2[k] / std::max(all.count - 1, 1.0);
      *out = {mean, vector_of(var, type)};
    }

    variable_list ys(parts), saved{mean, inverse};
    for (size_t p = 0; p < parts; ++p) {
      const at::Tensor& x = xs[p];
      const at::Tensor weight = affine ? tensors[p * each + 1] : at::Tensor();
      const at::Tensor bias = affine ? tensors[p * each + 2] : at::Tensor();
      ys[p] = at::empty_like(x);
      typed(x, [&](auto zero) {
        using T = decltype(zero);
        normalise(data<T>(x),
                  layout_of(x),
                  normaliser<T>(mean, inverse, weight, relu, bias),
                  ys[p].data_ptr<T>());
      });
      saved.push_back(x);
      saved.push_back(weight);
      saved.push_back(relu ? ys[p] : at::Tensor());
    }
    ctx->save_for_backward(saved);
    ctx->saved_data["lane"] = lane_address;
    ctx->saved_data["count"] = all.count;
    ctx->saved_data["affine"] = affine;
    return ys;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& dys) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): as above.
    Lane& lane = *reinterpret_cast<Lane*>(ctx->saved_data["lane"].toInt());
    const double count = ctx->saved_data["count"].toDouble();
    const bool affine = ctx->saved_data["affine"].toBool();
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &mean = saved[0], &inverse = saved[1];
    const size_t parts = dys.size();

    std::vector<at::Tensor> own_dy(parts);
    std::vector<GradientSums> own;
    for (size_t p = 0; p < parts; ++p) {
      const at::Tensor &x = saved[2 + 3 * p], &weight = saved[3 + 3 * p], &y = saved[4 + 3 * p];
      own_dy[p] = dense_like(dys[p], x);
      own.push_back(typed(x, [&](auto zero) {
        using T = decltype(zero);
        return gradient_sums(data<T>(own_dy[p]),
                             data<T>(x),
                             data<T>(y),
                             layout_of(x),
                             normaliser<T>(mean, inverse, weight, y.defined()));
      }));
    }
    const std::vector<GradientSums> mine = affine ? own : std::vector<GradientSums>();
    const std::vector<GradientSums>& all = lane.exchange(std::move(own));
    const size_t channels = all[0].dy.size();
    std::vector<double> mean_dy(channels), mean_dy_xhat(channels);
    for (const GradientSums& part : all)
      for (size_t k = 0; k < channels; ++k) {
        mean_dy[k] += part.dy[k];
        mean_dy_xhat[k] += part.dy_xhat[k];
      }
    for (size_t k = 0; k < channels; ++k) {
      mean_dy[k] /= count;
      mean_dy_xhat[k] /= count;
    }

    variable_list gradients(5);  // Of the arguments before the tensors: none.
    for (size_t p = 0; p < parts; ++p) {
      const at::Tensor &x = saved[2 + 3 * p], &weight = saved[3 + 3 * p], &y = saved[4 + 3 * p];
      at::Tensor dx = at::empty_like(x);
      typed(x, [&](auto zero) {
        using T = decltype(zero);
        input_gradient(data<T>(own_dy[p]),
                       data<T>(x),
                       data<T>(y),
                       layout_of(x),
                       normaliser<T>(mean, inverse, weight, y.defined()),
                       mean_dy,
                       mean_dy_xhat,
                       dx.data_ptr<T>());
      });
      gradients.push_back(dx);
      if (!affine) continue;
      gradients.push_back(vector_of(mine[p].dy_xhat, x.scalar_type()));
      gradients.push_back(vector_of(mine[p].dy, x.scalar_type()));
    }
    return gradients;
  }
};

}  // namespace

std::vector<at::Tensor> joint_norm(const BatchNorm& op,
                                   const std::vector<NormPart>& parts,
                                   bool relu,
                                   Lane& lane,
                                   BatchMoments* moments) {
  // Half the bits are enough for values, not for sums.
  const at::ScalarType given = parts.front().x.scalar_type();
  const bool half = given == at::kBFloat16;
  std::vector<at::Tensor> tensors;
  for (const NormPart& part : parts) {
    tensors.push_back(half ? part.x.to(at::kFloat) : part.x);
    if (!op.affine) continue;
    tensors.push_back(part.weight);
    tensors.push_back(part.bias);
  }
  std::vector<at::Tensor> ys = JointNorm::apply(
      reinterpret_cast<int64_t>(&lane), op.eps, op.affine, relu, moments, at::TensorList(tensors));
  if (half)
    for (at::Tensor& y : ys) y = y.to(given);
  return ys;
}

}  // namespace nas
