// exp of a sum is a product. Of rows of bits the squared difference of a column is the exclusive or
// of two bits, so that eight columns at once have one of 256 factors, and a kernel value of 135
// columns is a product of 17. Few of the 256 occur in the rows of `b` (architectures: one bit of
// each choice): for every one of them the factors of 16 rows of `a` are looked up once and lie side
// by side in the first-level cache. What is left for a pair is 17 products, those of whole vectors,
// two rows of `b` at a time, since a product waits for the one before it.
#include "predictors/gaussian_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "predictors/linear_algebra.hpp"
#include "spaces/base/wide.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr size_t kBits = 8;
constexpr size_t kTile = 16;  ///< Rows side by side.

bool zeros_and_ones(const MatrixXd& x) {
  return ((x.array() == 0) || (x.array() == 1)).all();
}

/// Rows as bytes, row after row.
std::vector<uint8_t> packed_bits(const MatrixXd& x, size_t bytes) {
  std::vector<uint8_t> bits(static_cast<size_t>(x.rows()) * bytes);
  for (Index c = 0; c < x.cols(); ++c) {
    const size_t byte = static_cast<size_t>(c) / kBits;
    const size_t bit = static_cast<size_t>(c) % kBits;
    for (Index i = 0; i < x.rows(); ++i)
      bits[static_cast<size_t>(i) * bytes + byte] |=
          static_cast<uint8_t>(static_cast<unsigned>(x(i, c) != 0) << bit);
  }
  return bits;
}

/// For each byte the factor of every pattern of bits that differ.
std::vector<std::array<double, 256>> factors_of(const VectorXd& root_weights, size_t bytes) {
  std::vector<std::array<double, 256>> tables(bytes);
  for (size_t b = 0; b < bytes; ++b)
    for (size_t value = 0; value < 256; ++value) {
      double sum = 0;
      for (size_t bit = 0; bit < kBits; ++bit) {
        const auto c = static_cast<Index>(b * kBits + bit);
        if ((value >> bit & 1U) != 0 && c < root_weights.size())
          sum += root_weights[c] * root_weights[c];
      }
      tables[b][value] = std::exp(-sum);
    }
  return tables;
}

// No sums of products: the bits of any width of vectors.
/// out[j * stride + r], r < kTile: the product of factors[slot * kTile + r] over the slots of row
/// j.
NAS_WIDE void multiply(const double* factors,
                       const uint32_t* slots,
                       size_t bytes,
                       size_t rows,
                       double* out,
                       size_t stride) {
  size_t j = 0;
  for (; j + 2 <= rows; j += 2) {
    const uint32_t *first = slots + j * bytes, *second = first + bytes;
    double a[kTile], b[kTile];
    for (size_t r = 0; r < kTile; ++r) a[r] = b[r] = 1;
    for (size_t k = 0; k < bytes; ++k) {
      const double *of_a = factors + first[k] * kTile, *of_b = factors + second[k] * kTile;
      for (size_t r = 0; r < kTile; ++r) a[r] *= of_a[r];
      for (size_t r = 0; r < kTile; ++r) b[r] *= of_b[r];
    }
    for (size_t r = 0; r < kTile; ++r) out[j * stride + r] = a[r];
    for (size_t r = 0; r < kTile; ++r) out[(j + 1) * stride + r] = b[r];
  }
  for (; j < rows; ++j)
    for (size_t r = 0; r < kTile; ++r) {
      double product = 1;
      for (size_t k = 0; k < bytes; ++k) product *= factors[slots[j * bytes + k] * kTile + r];
      out[j * stride + r] = product;
    }
}

}  // namespace

GaussianKernel::GaussianKernel(const MatrixXd& b, const VectorXd& root_weights)
    : root_weights_(root_weights), scaled_(b * root_weights.asDiagonal()), rows_(b.rows()) {
  if (!zeros_and_ones(b)) return;
  bytes_ = (static_cast<size_t>(b.cols()) + kBits - 1) / kBits;
  const std::vector<uint8_t> bits = packed_bits(b, bytes_);
  slots_.resize(bits.size());
  for (size_t place = 0; place < bytes_; ++place) {
    std::array<uint32_t, 256> number;
    number.fill(UINT32_MAX);
    for (size_t at = place; at < bits.size(); at += bytes_) {
      uint32_t& slot = number[bits[at]];
      if (slot == UINT32_MAX) {
        slot = static_cast<uint32_t>(all_.size());
        all_.emplace_back(place, bits[at]);
      }
      slots_[at] = slot;
    }
  }
  factors_ = factors_of(root_weights, bytes_);
}

MatrixXd GaussianKernel::operator()(const MatrixXd& a) const {
  if (bytes_ > 0 && zeros_and_ones(a)) return of_bits(a);
  return (-squared_distances(a * root_weights_.asDiagonal(), scaled_)).array().exp();
}

MatrixXd GaussianKernel::of_bits(const MatrixXd& a) const {
  const std::vector<uint8_t> bits = packed_bits(a, bytes_);
  const auto rows = static_cast<size_t>(rows_);
  MatrixXd kernel(a.rows(), rows_);
  std::vector<double> factors(all_.size() * kTile), last;
  for (Index i = 0; i < a.rows(); i += kTile) {
    const Index count = std::min<Index>(kTile, a.rows() - i);
    for (size_t s = 0; s < all_.size(); ++s) {
      const auto [place, value] = all_[s];
      for (Index r = 0; r < count; ++r)
        factors[s * kTile + static_cast<size_t>(r)] =
            factors_[place][bits[static_cast<size_t>(i + r) * bytes_ + place] ^ value];
    }
    if (count == kTile) {
      const auto stride = static_cast<size_t>(a.rows());
      multiply(factors.data(), slots_.data(), bytes_, rows, kernel.data() + i, stride);
      continue;
    }
    last.resize(rows * kTile);
    multiply(factors.data(), slots_.data(), bytes_, rows, last.data(), kTile);
    kernel.bottomRows(count) = Eigen::Map<const MatrixXd>(last.data(), kTile, rows_).topRows(count);
  }
  return kernel;
}

}  // namespace nas
