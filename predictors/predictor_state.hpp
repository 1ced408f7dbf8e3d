#pragma once
// What the models share: scaling of columns, and numbers in and out of JSON. Readers throw
// std::runtime_error for what is no such state.
#include <Eigen/Core>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "predictors/features.hpp"

namespace nas {

/// Columns that hold other values than 0 and 1 are brought to mean 0 and population standard
/// deviation 1; constant ones to 0. One-hot columns stay as they are.
class Scaling {
 public:
  Scaling() = default;
  explicit Scaling(const FeatureMatrix& x);
  explicit Scaling(const nlohmann::json& json);
  FeatureMatrix apply(const FeatureRows& x) const;
  nlohmann::json to_json() const;
  Eigen::Index columns() const { return means_.size(); }
  bool scales() const { return scales_; }

 private:
  Eigen::VectorXd means_, factors_;
  bool scales_ = false;  ///< Any column is changed.
};

/// At most `most` of n rows, evenly spread over the list.
std::vector<int> spread_rows(Eigen::Index n, Eigen::Index most);

nlohmann::json to_json_list(const Eigen::VectorXd& v);
nlohmann::json to_json_rows(const FeatureMatrix& x);
double number_from(const nlohmann::json& json);
/// `size` -1: any.
Eigen::VectorXd vector_from(const nlohmann::json& json, Eigen::Index size = -1);
FeatureMatrix rows_from(const nlohmann::json& json, Eigen::Index columns);
/// Lower triangle of a symmetric matrix, row by row, and back.
Eigen::VectorXd packed(const Eigen::MatrixXd& symmetric);
Eigen::MatrixXd unpacked(const Eigen::VectorXd& packed, Eigen::Index size);

}  // namespace nas
