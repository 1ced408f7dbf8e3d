// Validation batches for steps that ask for one, and the fixed batches that subnets are judged on.
#include "supernet/train/step/validation_stream.hpp"

#include <gtest/gtest.h>

#include <set>

#include "spaces/error.hpp"
#include "supernet/judge/fixed_batches.hpp"

namespace nas {
namespace {

struct Digits {
  Digits() {
    options.limit = 200;
    options.validation = 0.5;
    dataset = open_dataset(options);
    splits = make_splits(*dataset, options);
    normalisation = normalisation_of(*dataset, splits.train, options);
  }
  RunData data() const { return {*dataset, splits, normalisation, options}; }
  ValidationStream stream(int64_t batch) const {
    return {data(), batch, 7, c10::Device(c10::kCPU), Layout::kContiguous, at::kFloat};
  }
  DataOptions options;
  std::unique_ptr<Dataset> dataset;
  Splits splits;
  Normalisation normalisation;
};

/// Something that tells one image from another.
std::vector<double> signatures(const at::Tensor& images) {
  const at::Tensor flat = images.flatten(1).to(at::kDouble);
  const at::Tensor weighted = flat.mul(at::arange(1, flat.size(1) + 1, at::kDouble).sqrt()).sum(1);
  return {weighted.data_ptr<double>(), weighted.data_ptr<double>() + weighted.numel()};
}

std::vector<double> pass(ValidationStream& stream, int64_t batches) {
  std::vector<double> all;
  for (int64_t i = 0; i < batches; ++i)
    for (const double s : signatures(stream.next().images)) all.push_back(s);
  return all;
}

TEST(ValidationStream, ShuffledPassesWithoutTheirLastPart) {
  const Digits digits;
  const auto images = static_cast<int64_t>(digits.splits.validation.size());
  constexpr int64_t kBatch = 32;
  const int64_t batches = images / kBatch;
  ASSERT_GT(images % kBatch, 0);
  ValidationStream stream = digits.stream(kBatch);
  const std::vector<double> first = pass(stream, batches), second = pass(stream, batches);
  EXPECT_EQ(first.size(), static_cast<size_t>(batches * kBatch)) << "whole batches only";
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), first.size()) << "each image once";
  EXPECT_NE(first, second) << "shuffled anew";
  // An epoch begins with a fresh pass.
  ValidationStream other = digits.stream(kBatch);
  const std::vector<double> part = pass(other, 1);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), first.begin()));
  other.restart();
  EXPECT_EQ(pass(other, batches), second);
}

TEST(ValidationStream, GoesOnWhereItWas) {
  const Digits digits;
  for (const int64_t done : {1, 2, 3, 4, 5}) {
    ValidationStream whole = digits.stream(32), rest = digits.stream(32);
    pass(whole, done);
    rest.load(whole.save());
    EXPECT_EQ(pass(whole, 7), pass(rest, 7)) << done;
  }
  ValidationStream stream = digits.stream(32);
  for (const char* text : {"", "1", "1 2 3", "-1 0", "0 -2", "a b"})
    EXPECT_THROW(stream.load(text), DataError) << text;
}

TEST(ValidationStream, ASplitSmallerThanABatchIsTold) {
  const Digits digits;
  ValidationStream stream = digits.stream(5000);
  EXPECT_THROW(stream.next(), ConfigError);
}

// 195 batches of 128 and one of 40, where 25,000 images were cut by size, were 196 that differ by
// one image.
TEST(FixedBatches, DifferByOneImageAtMost) {
  const Digits digits;
  std::vector<int64_t> all(digits.splits.train);
  for (const auto* more : {&digits.splits.validation, &digits.splits.test})
    all.insert(all.end(), more->begin(), more->end());
  ASSERT_GE(all.size(), 150u);
  for (const int64_t n : {1, 7, 100, 131, 150})
    for (const int64_t batch : {1, 2, 10, 16, 33, 250}) {
      const std::vector<int64_t> indices(all.begin(), all.begin() + n);
      FixedBatches batches(
          digits.data(), indices, batch, c10::Device(c10::kCPU), Layout::kContiguous);
      for (int repeat = 0; repeat < 2; ++repeat) {
        std::vector<int64_t> sizes;
        std::set<double> seen;
        batches.each([&](const FixedBatches::Item& item) {
          sizes.push_back(item.images.size(0));
          for (const double s : signatures(item.images)) seen.insert(s);
        });
        EXPECT_EQ(static_cast<int64_t>(sizes.size()), (n + batch - 1) / batch);
        EXPECT_LE(sizes.front(), batch);
        EXPECT_EQ(sizes.front(), batches.batch());
        EXPECT_LE(sizes.front() - sizes.back(), 1) << n << " in batches of " << batch;
        EXPECT_EQ(static_cast<int64_t>(seen.size()), n) << "every image once";
      }
    }
}

}  // namespace
}  // namespace nas
