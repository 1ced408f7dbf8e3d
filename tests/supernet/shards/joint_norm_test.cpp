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

/// What follows the norm.
struct Behind {
  bool plus = false, relu = false;
};

struct Result {
  std::vector<at::Tensor> values;  ///< y, dx, dplus, dweight, dbias.
};

constexpr int64_t kImages = 13;

at::Tensor laid_out(const at::Tensor& t, Form form) {
  if (form == Form::kVectors) return t.select(3, 0).select(2, 0).contiguous();
  return t.contiguous(form == Form::kRows ? at::MemoryFormat::ChannelsLast
                                          : at::MemoryFormat::Contiguous);
}

at::Tensor images(Form form, at::ScalarType type, int64_t channels) {
  const at::Tensor t = test::tensor_of({kImages, channels, 3, 7}, [](int64_t i) {
    return 3 + std::sin(0.37 * static_cast<double>(i)) * (1 + 0.01 * static_cast<double>(i % 11));
  });
  return laid_out(t.to(type), form);
}

at::Tensor others(const at::Tensor& x) {
  return at::arange(x.numel(), x.options().requires_grad(false).dtype(at::kDouble))
      .mul(0.31)
      .sin()
      .view(x.sizes())
      .to(x.scalar_type());
}

/// Few bits, so that the gradient of y is the same in every type.
at::Tensor weights_of_outputs(const at::Tensor& y) {
  return at::arange(y.numel(), y.options().requires_grad(false).dtype(at::kDouble))
      .mul(0.7)
      .cos()
      .view(y.sizes())
      .to(at::kBFloat16)
      .to(at::kDouble);
}

struct Affine {
  at::Tensor weight, bias;
  Affine(const BatchNorm& op, at::ScalarType type) {
    if (!op.affine) return;
    const auto options = at::TensorOptions().dtype(type == at::kBFloat16 ? at::kFloat : type);
    weight = at::linspace(0.5, 2, op.channels, options).requires_grad_(true);
    bias = at::linspace(-1, 1, op.channels, options).requires_grad_(true);
  }
};

/// In doubles, whatever the type of x.
Result undivided(const BatchNorm& op, const at::Tensor& given, const Behind& behind) {
  const at::Tensor x = given.to(at::kDouble).requires_grad_(true);
  const at::Tensor plus = others(given).to(at::kDouble).requires_grad_(true);
  const Affine of(op, at::kDouble);
  at::Tensor y = at::batch_norm(x, of.weight, of.bias, {}, {}, true, 0.1, op.eps, false);
  if (behind.plus) y = y + plus;
  if (behind.relu) y = at::relu(y);
  (y * weights_of_outputs(given)).sum().backward();
  const auto gradient = [](const at::Tensor& t) { return t.defined() ? t.grad() : t; };
  return {{y.detach(), x.grad(), plus.grad(), gradient(of.weight), gradient(of.bias)}};
}

/// `shards` parts among `workers` threads; gradients of parts summed in their order.
Result in_parts(
    const BatchNorm& op, const at::Tensor& x, const Behind& behind, int shards, int workers) {
  Exchange exchange(shards, workers);
  std::vector<NormPart> parts(static_cast<size_t>(shards));
  std::vector<at::Tensor> ys(parts.size());
  const at::Tensor factors = weights_of_outputs(x), plus = others(x);
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
        const int64_t n = cuts[at + 1] - cuts[at];
        part.x = x.narrow(0, cuts[at], n).detach().requires_grad_(true);
        if (behind.plus) part.plus = plus.narrow(0, cuts[at], n).detach().requires_grad_(true);
        const Affine of(op, x.scalar_type());
        part.weight = of.weight;
        part.bias = of.bias;
        own.push_back(part);
      }
      const std::vector<at::Tensor> out = joint_norm(op, own, behind.relu, lane, nullptr);
      at::Tensor loss = at::zeros({}, at::kDouble);
      for (int s = first; s < end; ++s) {
        const auto at = static_cast<size_t>(s);
        const at::Tensor& y = out[static_cast<size_t>(s - first)];
        loss = loss + (y * factors.narrow(0, cuts[at], cuts[at + 1] - cuts[at])).sum();
        ys[at] = y.detach();
      }
      loss.backward();
    });
  for (std::thread& t : threads) t.join();
  std::vector<at::Tensor> dx, dplus;
  at::Tensor dw, db;
  for (const NormPart& part : parts) {
    dx.push_back(part.x.grad());
    if (behind.plus) dplus.push_back(part.plus.grad());
    if (!op.affine) continue;
    dw = dw.defined() ? dw + part.weight.grad() : part.weight.grad();
    db = db.defined() ? db + part.bias.grad() : part.bias.grad();
  }
  return {{at::cat(ys), at::cat(dx), behind.plus ? at::cat(dplus) : at::Tensor(), dw, db}};
}

/// Each value to `close`; to hundredths (bfloat16) only beside the largest, which is what half of
/// the bits can promise of gradients.
void expect_close(const at::Tensor& found, const at::Tensor& right, double close, size_t what) {
  if (close < 1e-2) {
    EXPECT_TRUE(at::allclose(found.to(at::kDouble), right, close, close)) << what;
    return;
  }
  const double size = right.abs().max().item<double>();
  const double apart = (found.to(at::kDouble) - right).abs().max().item<double>();
  EXPECT_LE(apart, close * std::max(size, 1.0)) << what;
}

void check(const BatchNorm& op, Form form, at::ScalarType type, const Behind& behind, int shards) {
  SCOPED_TRACE(testing::Message() << static_cast<int>(form) << " channels " << op.channels
                                  << " affine " << op.affine << " plus " << behind.plus << " relu "
                                  << behind.relu << " shards " << shards << " "
                                  << at::toString(type));
  const at::Tensor x = images(form, type, op.channels);
  const Result whole = undivided(op, x, behind), one = in_parts(op, x, behind, shards, 1);
  const double close = type == at::kDouble ? 1e-11 : type == at::kFloat ? 3e-5 : 1e-2;
  for (size_t k = 0; k < whole.values.size(); ++k)
    if (one.values[k].defined()) expect_close(one.values[k], whole.values[k], close, k);
  EXPECT_EQ(one.values[0].scalar_type(), type);
  for (const int workers : {2, 3}) {
    if (workers > shards) continue;
    const Result several = in_parts(op, x, behind, shards, workers);
    for (size_t k = 0; k < whole.values.size(); ++k)
      if (one.values[k].defined()) {
        EXPECT_TRUE(at::equal(one.values[k], several.values[k]));
      }
  }
}

TEST(JointNorm, IsTheUndividedOpWhoeverHoldsThePartsToTheBit) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16})
    for (const Form form : {Form::kPlanes, Form::kRows, Form::kVectors})
      for (const int32_t channels : {5, 37})
        for (const bool affine : {true, false})
          for (const Behind behind : {Behind{}, {false, true}, {true, false}, {true, true}})
            for (const int shards : {1, 3})
              check({.channels = channels, .affine = affine}, form, type, behind, shards);
}

// As many values as make several blocks of each channel, and a rest.
TEST(JointNorm, LargeImagesAreCutIntoBlocks) {
  for (const bool rows : {false, true}) {
    const at::Tensor x =
        test::tensor_of(
            {3, 2, 67, 71},
            [](int64_t i) { return 1 + std::sin(0.1 * static_cast<double>(i * i % 1009)); })
            .to(at::kFloat)
            .contiguous(rows ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
    const BatchNorm op{.channels = 2};
    const Result whole = undivided(op, x, {false, true}),
                 parts = in_parts(op, x, {false, true}, 2, 2);
    for (size_t k = 0; k < whole.values.size(); ++k)
      if (parts.values[k].defined()) expect_close(parts.values[k], whole.values[k], 3e-5, k);
  }
}

/// The moments that a batch in one part tells; means to `close`, relative.
void expect_moments(const at::Tensor& x, double close) {
  const int64_t c = x.size(1);
  Exchange exchange(1, 1);
  Lane lane(exchange, 0, 1);
  BatchMoments moments;
  const BatchNorm op{.channels = static_cast<int32_t>(c)};
  joint_norm(op, {{x, at::ones(c), at::zeros(c), {}}}, false, lane, &moments);
  const at::Tensor exact = x.to(at::kDouble);
  EXPECT_TRUE(at::allclose(moments.mean.to(at::kDouble), exact.mean({0, 2, 3}), close, 0));
  EXPECT_TRUE(at::allclose(moments.var.to(at::kDouble), at::var(exact, {0, 2, 3}), 1e-5, 0));
}

// Moments are taken around the first block: one that lies far from all others costs bits, but not
// many.
TEST(JointNorm, AFirstImageFarFromTheOthersKeepsTheMoments) {
  for (const bool rows : {false, true}) {
    at::Tensor x = test::tensor_of({64, 3, 32, 32}, [](int64_t i) {
                     return std::sin(0.37 * static_cast<double>(i));
                   }).to(at::kFloat);
    x.select(0, 0).fill_(1e4);
    if (rows) x = x.contiguous(at::MemoryFormat::ChannelsLast);
    expect_moments(x, 1e-5);
  }
}

TEST(JointNorm, WhatIsNotANumberStaysSeen) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    at::Tensor x = images(Form::kRows, type, 5);
    x[0][2][1][1].fill_(std::nan(""));
    const BatchNorm op{.channels = 5};
    const Result parts = in_parts(op, x, {true, true}, 2, 1);
    const at::Tensor lost = at::isnan(parts.values[0].to(at::kFloat)).any(3).any(2).any(0);
    for (int64_t c = 0; c < 5; ++c) EXPECT_EQ(lost[c].item<bool>(), c == 2);
  }
}

TEST(JointNorm, MomentsAreThoseOfTheBatchEvenFarFromZero) {
  const at::Tensor x = images(Form::kRows, at::kFloat, 5) + 1000;
  expect_moments(x, 1e-7);
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
