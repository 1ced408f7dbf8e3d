#pragma once
// Gaussian kernels between rows of features.
#include <Eigen/Dense>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace nas {

/// exp(-sum_c w_c (a_ic - b_jc)^2) of rows a_i with the rows b_j that it is made of, w the squares
/// of `root_weights`. Where both hold nothing but 0 and 1 as products of factors, else by one
/// product of scaled rows.
class GaussianKernel {
 public:
  GaussianKernel() = default;
  GaussianKernel(const Eigen::MatrixXd& b, const Eigen::VectorXd& root_weights);
  /// A row for each row of `a`, a column for each of b.
  Eigen::MatrixXd operator()(const Eigen::MatrixXd& a) const;

 private:
  Eigen::MatrixXd of_bits(const Eigen::MatrixXd& a) const;

  Eigen::VectorXd root_weights_;
  Eigen::MatrixXd scaled_;  ///< Rows of b times root weights.
  Eigen::Index rows_ = 0;
  // Where b has only bits: its bytes as numbers of (place, value), each pair that occurs once.
  size_t bytes_ = 0;
  std::vector<std::pair<size_t, uint8_t>> all_;
  std::vector<uint32_t> slots_;                   ///< Of each byte of each row.
  std::vector<std::array<double, 256>> factors_;  ///< By place and pattern of bits that differ.
};

}  // namespace nas
