// Batch normalisation over parts: the undivided op in value and gradient, to the bit the same
// whoever holds which part.
#include "supernet/shards/joint_norm.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <thread>

#include "support.hpp"

namespace nas {
namespace {

enum class Form { kPlanes, kRows, kVectors };

struct Result {
  std::vector<at::Tensor> values;  ///< y, dx, dweight, dbias.
};

at::Tensor images(Form form, at::ScalarType type) {
  const at::Tensor t = test::tensor_of({13, 5, 3, 7}, [](int64_t i) {
    return 3 + std::sin(0.37 * static_cast<double>(i)) * (1 + 0.01 * static_cast<double>(i % 11));
  });
  if (form == Form::kVectors) return t.select(3, 0).select(2, 0).contiguous().to(type);
  return t.to(type).contiguous(form == Form::kRows ? at::MemoryFormat::ChannelsLast
                                                   : at::MemoryFormat::Contiguous);
}

at::Tensor weights_of_outputs(const at::Tensor& y) {
  return at::arange(y.numel(), y.options().requires_grad(false)).mul(0.7).cos().view(y.sizes());
}

Result undivided(const BatchNorm& op, const at::Tensor& given, bool relu) {
  const at::Tensor x = given.detach().requires_grad_(true);
  at::Tensor w, b;
  if (op.affine) {
    w = at::linspace(0.5, 2, 5, x.options().requires_grad(false)).requires_grad_(true);
    b = at::linspace(-1, 1, 5, x.options().requires_grad(false)).requires_grad_(true);
  }
  at::Tensor y = at::batch_norm(x, w, b, {}, {}, true, 0.1, op.eps, false);
  if (relu) y = at::relu(y);
  (y * weights_of_outputs(y)).sum().backward();
  return {{y.detach(), x.grad(), op.affine ? w.grad() : at::Tensor(), op.affine ? b.grad() : w}};
}

/// `shards` parts among `workers` threads; gradients of parts summed in their order.
Result in_parts(const BatchNorm& op, const at::Tensor& x, bool relu, int shards, int workers) {
  Exchange exchange(shards, workers);
  std::vector<NormPart> parts(static_cast<size_t>(shards));
  std::vector<at::Tensor> ys(parts.size());
  const at::Tensor factors = weights_of_outputs(x);
  std::vector<int64_t> cuts;
  for (int s = 0; s <= shards; ++s) cuts.push_back(x.size(0) * s / shards);
  std::vector<std::thread> threads;
  for (int w = 0; w < workers; ++w)
    threads.emplace_back([&, w] {
      const int first = shards * w / workers, end = shards * (w + 1) / workers;
      Lane lane(exchange, first, end - first);
      std::vector<NormPart> own;
      for (int s = first; s < end; ++s) {
        NormPart& part = parts[static_cast<size_t>(s)];
        const auto at = static_cast<size_t>(s);
        part.x = x.narrow(0, cuts[at], cuts[at + 1] - cuts[at]).detach().requires_grad_(true);
        if (op.affine) {
          const auto options = x.options().requires_grad(false);
          part.weight = at::linspace(0.5, 2, 5, options).requires_grad_(true);
          part.bias = at::linspace(-1, 1, 5, options).requires_grad_(true);
        }
        own.push_back(part);
      }
      const std::vector<at::Tensor> out = joint_norm(op, own, relu, lane, nullptr);
      at::Tensor loss = at::zeros({}, x.options().requires_grad(false));
      for (int s = first; s < end; ++s) {
        const auto at = static_cast<size_t>(s);
        const at::Tensor& y = out[static_cast<size_t>(s - first)];
        loss = loss + (y * factors.narrow(0, cuts[at], cuts[at + 1] - cuts[at])).sum();
        ys[at] = y.detach();
      }
      loss.backward();
    });
  for (std::thread& t : threads) t.join();
  std::vector<at::Tensor> dx;
  at::Tensor dw, db;
  for (const NormPart& part : parts) {
    dx.push_back(part.x.grad());
    if (!op.affine) continue;
    dw = dw.defined() ? dw + part.weight.grad() : part.weight.grad();
    db = db.defined() ? db + part.bias.grad() : part.bias.grad();
  }
  return {{at::cat(ys), at::cat(dx), dw, db}};
}

TEST(JointNorm, IsTheUndividedOpWhoeverHoldsThePartsToTheBit) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat})
    for (const Form form : {Form::kPlanes, Form::kRows, Form::kVectors})
      for (const bool affine : {true, false})
        for (const bool relu : {false, true})
          for (const int shards : {1, 3, 5, 13}) {
            SCOPED_TRACE(testing::Message()
                         << static_cast<int>(form) << " affine " << affine << " relu " << relu
                         << " shards " << shards << " " << at::toString(type));
            BatchNorm op{.channels = 5, .affine = affine};
            const at::Tensor x = images(form, type);
            const Result whole = undivided(op, x, relu), one = in_parts(op, x, relu, shards, 1);
            const double close = type == at::kDouble ? 1e-11 : 3e-5;
            for (size_t k = 0; k < 4; ++k) {
              if (!whole.values[k].defined()) continue;
              EXPECT_TRUE(at::allclose(one.values[k], whole.values[k], close, close)) << k;
            }
            for (const int workers : {2, 3}) {
              if (workers > shards) continue;
              const Result several = in_parts(op, x, relu, shards, workers);
              for (size_t k = 0; k < 4; ++k)
                if (one.values[k].defined()) {
                  EXPECT_TRUE(at::equal(one.values[k], several.values[k]));
                }
            }
          }
}

TEST(JointNorm, MomentsAreThoseOfTheBatchEvenFarFromZero) {
  const at::Tensor x = images(Form::kRows, at::kFloat) + 1000;
  Exchange exchange(1, 1);
  Lane lane(exchange, 0, 1);
  BatchMoments moments;
  joint_norm({.channels = 5}, {{x, at::ones(5), at::zeros(5)}}, false, lane, &moments);
  const at::Tensor exact = x.to(at::kDouble);
  EXPECT_TRUE(at::allclose(moments.mean.to(at::kDouble), exact.mean({0, 2, 3}), 1e-7, 0));
  EXPECT_TRUE(at::allclose(moments.var.to(at::kDouble), at::var(exact, {0, 2, 3}), 1e-5, 0));
}

TEST(Exchange, AFailureWakesAllThatWait) {
  Exchange exchange(2, 2);
  std::thread other([&] {
    Lane lane(exchange, 1, 1);
    EXPECT_THROW(lane.exchange(std::vector<Moments>(1)), GroupAborted);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  exchange.abort();
  other.join();
  Lane late(exchange, 0, 1);
  EXPECT_THROW(late.exchange(std::vector<Moments>(1)), GroupAborted);
}

}  // namespace
}  // namespace nas
