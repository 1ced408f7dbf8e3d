// Two meetings a norm: moments on the way forth, the two sums of its gradient on the way back (the
// formulae are those of the undivided op). All that is summed over parts is summed in their order,
// by every thread for itself: the result does not depend on who holds which part. A ReLU, or a sum
// and a ReLU, behind the norm are done in the same passes over memory, which is what these ops
// cost.
#include "supernet/shards/joint_norm.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "supernet/shards/norm_tensors.hpp"

namespace nas {
namespace {

using lanes::Number;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What the backward pass needs of a part: x, weight, bias, and y where `plus` was added.
constexpr size_t kSaved = 4;

// Tensors are x, weight, bias, plus of each part in turn: weight and bias only where `affine`, plus
// only where `sum`.
struct JointNorm : public torch::autograd::Function<JointNorm> {
  static variable_list forward(AutogradContext* ctx,
                               int64_t lane_address,
                               double eps,
                               bool affine,
                               bool sum,
                               bool relu,
                               BatchMoments* out,
                               at::TensorList tensors) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a context keeps numbers and tensors only.
    Lane& lane = *reinterpret_cast<Lane*>(lane_address);
    const size_t each = 1 + (affine ? 2 : 0) + (sum ? 1 : 0), parts = tensors.size() / each;
    std::vector<at::Tensor> xs(parts);
    std::vector<Moments> own;
    for (size_t p = 0; p < parts; ++p) {
      xs[p] = dense(tensors[p * each]);
      own.push_back(typed(xs[p], [&](auto zero) {
        return moments_of(values_in<decltype(zero)>(xs[p]), norm_layout(xs[p]));
      }));
    }
    const Moments all = combined(lane.exchange(std::move(own)));

    const size_t channels = all.mean.size();
    std::vector<double> inverses(channels);
    for (size_t k = 0; k < channels; ++k)
      inverses[k] = 1.0 / std::sqrt(all.m2[k] / all.count + eps);
    const at::ScalarType type = number_type(xs[0]);
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
      const at::Tensor plus = sum ? dense_like(tensors[p * each + each - 1], x) : at::Tensor();
      ys[p] = at::empty_like(x);
      typed(x, [&](auto zero) {
        using S = decltype(zero);
        normalise(values_in<S>(x),
                  norm_layout(x),
                  normaliser<Number<S>>(mean, inverse, weight, bias, relu),
                  values_in<S>(plus),
                  values_in<S>(ys[p]));
      });
      saved.insert(saved.end(), {x, weight, bias, sum && relu ? ys[p] : at::Tensor()});
    }
    ctx->save_for_backward(saved);
    ctx->saved_data["lane"] = lane_address;
    ctx->saved_data["count"] = all.count;
    ctx->saved_data["affine"] = affine;
    ctx->saved_data["sum"] = sum;
    ctx->saved_data["relu"] = relu;
    return ys;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& dys) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): as above.
    Lane& lane = *reinterpret_cast<Lane*>(ctx->saved_data["lane"].toInt());
    const double count = ctx->saved_data["count"].toDouble();
    const bool affine = ctx->saved_data["affine"].toBool();
    const bool sum = ctx->saved_data["sum"].toBool(), relu = ctx->saved_data["relu"].toBool();
    const variable_list saved = ctx->get_saved_variables();
    const auto normaliser_of = [&]<typename T>(T, size_t part, bool cut) {
      const size_t at = 2 + kSaved * part;
      return normaliser<T>(saved[0], saved[1], saved[at + 1], saved[at + 2], cut);
    };
    const size_t parts = dys.size();

    std::vector<at::Tensor> own_dy(parts);
    std::vector<GradientSums> own;
    for (size_t p = 0; p < parts; ++p) {
      const at::Tensor &x = saved[2 + kSaved * p], &y = saved[2 + kSaved * p + 3];
      const at::Tensor dy = dense_like(dys[p], x);
      own_dy[p] = sum && relu ? at::empty_like(dy) : dy;
      own.push_back(typed(x, [&](auto zero) {
        using S = decltype(zero);
        return gradient_sums(values_in<S>(dy),
                             values_in<S>(x),
                             values_in<S>(y),
                             norm_layout(x),
                             normaliser_of(Number<S>(), p, relu),
                             values_in<S>(own_dy[p]));
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

    variable_list gradients(6);  // Of the arguments before the tensors: none.
    for (size_t p = 0; p < parts; ++p) {
      const at::Tensor& x = saved[2 + kSaved * p];
      at::Tensor dx = at::empty_like(x);
      typed(x, [&](auto zero) {
        using S = decltype(zero);
        // With a sum, own_dy is what counts.
        input_gradient(values_in<S>(own_dy[p]),
                       values_in<S>(x),
                       norm_layout(x),
                       normaliser_of(Number<S>(), p, relu && !sum),
                       mean_dy,
                       mean_dy_xhat,
                       values_in<S>(dx));
      });
      gradients.push_back(dx);
      if (affine) {
        gradients.push_back(vector_of(mine[p].dy_xhat, number_type(x)));
        gradients.push_back(vector_of(mine[p].dy, number_type(x)));
      }
      if (sum) gradients.push_back(own_dy[p]);
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
  const bool sum = parts.front().plus.defined();
  std::vector<at::Tensor> tensors;
  for (const NormPart& part : parts) {
    tensors.push_back(part.x);
    if (op.affine) tensors.insert(tensors.end(), {part.weight, part.bias});
    if (sum) tensors.push_back(part.plus);
  }
  return JointNorm::apply(reinterpret_cast<int64_t>(&lane),
                          op.eps,
                          op.affine,
                          sum,
                          relu,
                          moments,
                          at::TensorList(tensors));
}

}  // namespace nas
