// Folds are blocks of rows: callers shuffle where order means something, so that a fold is a view
// and not a copy. A relative error has no meaning where a truth is 0; those fall back to the mean
// size of the truths, so that a selection by error still orders models (search.md 10.2 judges by
// MAPE).
#include "predictors/cross_validation.hpp"

#include <cmath>

namespace nas {

using Eigen::VectorXd;

double mape(const VectorXd& truth, const VectorXd& predicted) {
  if (truth.size() == 0 || (truth.array() == 0).any()) return NAN;
  return 100 * ((predicted - truth).array() / truth.array()).abs().mean();
}

double rmse(const VectorXd& truth, const VectorXd& predicted) {
  if (truth.size() == 0) return NAN;
  return std::sqrt((predicted - truth).squaredNorm() / static_cast<double>(truth.size()));
}

double bias(const VectorXd& truth, const VectorXd& predicted) {
  return truth.size() == 0 ? NAN : (predicted - truth).mean();
}

VectorXd relative_errors(const VectorXd& truth, const VectorXd& predicted) {
  const VectorXd off = 100 * (predicted - truth).array().abs();
  if (!(truth.array() == 0).any()) return off.array() / truth.array().abs();
  return off / truth.array().abs().mean();
}

std::vector<Fold> contiguous_folds(Eigen::Index n, int folds) {
  std::vector<Fold> list;
  Eigen::Index begin = 0;
  for (int f = 0; f < folds; ++f) {
    const Eigen::Index end = begin + n / folds + (f < n % folds ? 1 : 0);
    list.push_back({begin, end});
    begin = end;
  }
  return list;
}

}  // namespace nas
