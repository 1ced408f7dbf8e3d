#pragma once
// Errors of predictions and the folds they are taken from.
#include <Eigen/Core>
#include <functional>
#include <vector>

namespace nas {

/// Mean absolute error in percent of the truth; NaN where a truth is 0 or nothing is given.
double mape(const Eigen::VectorXd& truth, const Eigen::VectorXd& predicted);
/// Root of the mean squared error; NaN where nothing is given.
double rmse(const Eigen::VectorXd& truth, const Eigen::VectorXd& predicted);
/// Predicted minus true, mean.
double bias(const Eigen::VectorXd& truth, const Eigen::VectorXd& predicted);
/// What hyper-parameters are chosen by, for each row: the absolute error in percent of the truth,
/// or where a truth is 0 in percent of the mean absolute truth. Their mean is mape() else.
Eigen::VectorXd relative_errors(const Eigen::VectorXd& truth, const Eigen::VectorXd& predicted);

/// Rows begin .. end - 1.
struct Fold {
  Eigen::Index begin = 0, end = 0;
  Eigen::Index size() const { return end - begin; }
};
/// Contiguous folds in row order; the first n % folds of them hold one row more.
std::vector<Fold> contiguous_folds(Eigen::Index n, int folds);
/// All rows but those of the fold.
template <typename Matrix>
Matrix without(const Matrix& rows, const Fold& fold) {
  Matrix rest(rows.rows() - fold.size(), rows.cols());
  rest.topRows(fold.begin) = rows.topRows(fold.begin);
  rest.bottomRows(rows.rows() - fold.end) = rows.bottomRows(rows.rows() - fold.end);
  return rest;
}
/// What a model says of each row that learnt from the other folds: `model(train x, train y, x)`.
template <typename Matrix, typename Model>
Eigen::VectorXd out_of_fold(const Matrix& x,
                            const Eigen::VectorXd& y,
                            int folds,
                            const Model& model) {
  Eigen::VectorXd out(y.size());
  for (const Fold& fold : contiguous_folds(y.size(), folds))
    out.segment(fold.begin, fold.size()) =
        model(without(x, fold), without(y, fold), Matrix(x.middleRows(fold.begin, fold.size())));
  return out;
}

}  // namespace nas
