#include "predictors/predictor_state.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace nas {

using Eigen::Index;
using Eigen::VectorXd;

Scaling::Scaling(const FeatureMatrix& x)
    : means_(VectorXd::Zero(x.cols())), factors_(VectorXd::Ones(x.cols())) {
  for (Index c = 0; c < x.cols(); ++c) {
    const auto column = x.col(c).array();
    if ((column == 0 || column == 1).all()) continue;
    scales_ = true;
    means_[c] = column.mean();
    const double sd = std::sqrt((column - means_[c]).square().mean());
    // Rounding leaves a constant column a deviation that is not quite 0.
    factors_[c] = sd > 1e-12 * std::abs(means_[c]) ? 1 / sd : 0;
  }
}

Scaling::Scaling(const nlohmann::json& json)
    : means_(vector_from(json.at("means"))),
      factors_(vector_from(json.at("factors"), means_.size())) {
  scales_ = (means_.array() != 0).any() || (factors_.array() != 1).any();
}

FeatureMatrix Scaling::apply(const FeatureRows& x) const {
  if (!scales_) return x;
  FeatureMatrix scaled = x;
  for (Index c = 0; c < x.cols(); ++c) scaled.col(c) = (x.col(c).array() - means_[c]) * factors_[c];
  return scaled;
}

nlohmann::json Scaling::to_json() const {
  return {{"means", to_json_list(means_)}, {"factors", to_json_list(factors_)}};
}

std::vector<int> spread_rows(Index n, Index most) {
  std::vector<int> rows;
  const Index m = std::min(n, most);
  for (Index i = 0; i < m; ++i) rows.push_back(static_cast<int>(i * n / m));
  return rows;
}

nlohmann::json to_json_list(const VectorXd& v) {
  nlohmann::json list = nlohmann::json::array();
  for (const double value : v) list.push_back(value);
  return list;
}

nlohmann::json to_json_rows(const FeatureMatrix& x) {
  nlohmann::json rows = nlohmann::json::array();
  for (Index i = 0; i < x.rows(); ++i) rows.push_back(to_json_list(x.row(i).transpose()));
  return rows;
}

double number_from(const nlohmann::json& json) {
  if (!json.is_number() || !std::isfinite(json.get<double>()))
    throw std::runtime_error("'" + json.dump().substr(0, 40) + "' is no finite number");
  return json.get<double>();
}

VectorXd vector_from(const nlohmann::json& json, Index size) {
  if (!json.is_array() || (size >= 0 && static_cast<Index>(json.size()) != size))
    throw std::runtime_error("a list of " + (size < 0 ? "" : std::to_string(size) + " ") +
                             "numbers is missing");
  VectorXd v(static_cast<Index>(json.size()));
  for (Index i = 0; i < v.size(); ++i) v[i] = number_from(json[static_cast<size_t>(i)]);
  return v;
}

FeatureMatrix rows_from(const nlohmann::json& json, Index columns) {
  if (!json.is_array()) throw std::runtime_error("a list of rows is missing");
  FeatureMatrix x(static_cast<Index>(json.size()), columns);
  for (Index i = 0; i < x.rows(); ++i)
    x.row(i) = vector_from(json[static_cast<size_t>(i)], columns).transpose();
  return x;
}

VectorXd packed(const Eigen::MatrixXd& symmetric) {
  VectorXd v(symmetric.rows() * (symmetric.rows() + 1) / 2);
  for (Index i = 0, at = 0; i < symmetric.rows(); ++i)
    for (Index j = 0; j <= i; ++j) v[at++] = symmetric(i, j);
  return v;
}

Eigen::MatrixXd unpacked(const VectorXd& packed, Index size) {
  Eigen::MatrixXd m(size, size);
  for (Index i = 0, at = 0; i < size; ++i)
    for (Index j = 0; j <= i; ++j) m(i, j) = m(j, i) = packed[at++];
  return m;
}

}  // namespace nas
