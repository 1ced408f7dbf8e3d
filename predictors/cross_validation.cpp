#include "predictors/cross_validation.hpp"

#include <cmath>

namespace nas {

double mape(const Eigen::VectorXd& truth, const Eigen::VectorXd& predicted) {
  if (truth.size() == 0 || (truth.array() == 0).any()) return NAN;
  return 100 * ((predicted - truth).array() / truth.array()).abs().mean();
}

double rmse(const Eigen::VectorXd& truth, const Eigen::VectorXd& predicted) {
  if (truth.size() == 0) return NAN;
  return std::sqrt((predicted - truth).squaredNorm() / static_cast<double>(truth.size()));
}

double bias(const Eigen::VectorXd& truth, const Eigen::VectorXd& predicted) {
  return truth.size() == 0 ? NAN : (predicted - truth).mean();
}

double relative_error(const Eigen::VectorXd& truth, const Eigen::VectorXd& predicted) {
  if (!(truth.array() == 0).any()) return mape(truth, predicted);
  return 100 * (predicted - truth).array().abs().mean() / truth.array().abs().mean();
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
