#pragma once
// Products of a few columns of numbers: the layers of a network multiply what each layer costs.
#include <Eigen/Core>
#include <utility>
#include <vector>

namespace nas {

/// Up to so many columns, products are columns of their own.
constexpr Eigen::Index kFewColumns = 40;
/// A product weighs so much beside its factors: its coefficient is drawn to 0 a hundred times as
/// strongly, so that a few rows say what the columns do before they say what their products do.
constexpr double kProductShare = 0.1;

using Pairs = std::vector<std::pair<int, int>>;

/// x, and behind it `share` times the product of the columns of each pair.
Eigen::MatrixXd expanded(const Eigen::MatrixXd& x, const Pairs& pairs, double share);

/// Products to take, and the penalty of the ridge regression with them.
struct ProductForm {
  Pairs pairs;
  double alpha = 1;
};
/// Of no products, those of one column with all others, and all: the form, and of `penalties` the
/// one, with the least error by generalised cross-validation. `x`: columns of mean 0 and deviation
/// 1, constant ones 0. `plain`, `products`: whether forms without and with products are tried.
ProductForm choose_products(const Eigen::MatrixXd& x,
                            const Eigen::VectorXd& y,
                            const Eigen::VectorXd& penalties,
                            bool plain = true,
                            bool products = true);

}  // namespace nas
