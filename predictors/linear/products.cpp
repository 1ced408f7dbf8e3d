// Forms and penalties are judged by generalised cross-validation (Golub, Heath and Wahba 1979): one
// decomposition for each form, no folds, and with few rows a steadier judge than the percentage
// errors of a few folds, which hardly differ between penalties.
#include "predictors/linear/products.hpp"

#include <limits>

#include "predictors/linear_algebra.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Least generalised error over the penalties; `alpha` is set to that one.
double least_error(const MatrixXd& x, const VectorXd& y, const VectorXd& penalties, double& alpha) {
  const MatrixXd z = centred(x, column_means(x));
  const VectorXd rest = y.array() - y.mean();
  const Spectrum s = spectrum(product_tn(z, z));
  const VectorXd values = s.values.cwiseMax(0);
  const VectorXd target = product_tn(s.vectors, product_tn(z, rest));
  const double all = rest.squaredNorm();
  const auto n = static_cast<double>(y.size());
  double least = std::numeric_limits<double>::infinity();
  for (const double penalty : penalties) {
    // Directions that no row has cost nothing, with any penalty.
    const VectorXd shrunk =
        (values.array() > 0).select(values.array() / (values.array() + penalty), 0);
    const VectorXd explained =
        (values.array() > 0)
            .select(target.array().square() / (values.array() + penalty) * (2 - shrunk.array()), 0);
    const double left = std::max(all - explained.sum(), 0.0);
    const double free = n - 1 - shrunk.sum();
    if (!(free > 0)) continue;
    const double error = n * left / (free * free);
    if (!(error < least)) continue;
    least = error;
    alpha = penalty;
  }
  return least;
}

}  // namespace

MatrixXd expanded(const MatrixXd& x, const Pairs& pairs, double share) {
  if (pairs.empty()) return x;
  MatrixXd wide(x.rows(), x.cols() + static_cast<Index>(pairs.size()));
  wide.leftCols(x.cols()) = x;
  for (size_t k = 0; k < pairs.size(); ++k)
    wide.col(x.cols() + static_cast<Index>(k)) =
        share * x.col(pairs[k].first).cwiseProduct(x.col(pairs[k].second));
  return wide;
}

ProductForm choose_products(
    const MatrixXd& x, const VectorXd& y, const VectorXd& penalties, bool plain, bool products) {
  std::vector<int> varying;
  for (Index c = 0; c < x.cols(); ++c)
    if (x.col(c).minCoeff() < x.col(c).maxCoeff()) varying.push_back(static_cast<int>(c));
  std::vector<Pairs> forms;
  if (plain) forms.emplace_back();
  if (products) {
    Pairs all;
    for (const int hub : varying) {
      Pairs pairs;
      for (const int other : varying)
        if (other != hub) pairs.emplace_back(hub, other);
      for (const auto& [i, j] : pairs)
        if (i < j) all.emplace_back(i, j);
      forms.push_back(std::move(pairs));
    }
    forms.push_back(std::move(all));
  }
  ProductForm best{{}, penalties[penalties.size() / 2]};
  double least = std::numeric_limits<double>::infinity();
  for (Pairs& pairs : forms) {
    const auto columns = x.cols() + static_cast<Index>(pairs.size());
    // Two rows for each coefficient: with fewer the best of the forms is none of the data's.
    if (!pairs.empty() && 2 * columns > y.size()) continue;
    double alpha = best.alpha;
    const double error = least_error(expanded(x, pairs, kProductShare), y, penalties, alpha);
    if (!(error < least)) continue;
    least = error;
    best = {std::move(pairs), alpha};
  }
  return best;
}

}  // namespace nas
