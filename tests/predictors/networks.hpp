#pragma once
// 1045 measured networks of the once-for-all MobileNetV3 space, as rows for predictors, and the
// splits that figures are given for (search.md 10.1).
#include <algorithm>
#include <fstream>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "predictors/features.hpp"
#include "spaces/random.hpp"

namespace nas::testing_networks {

struct Rows {
  FeatureMatrix x;
  Eigen::VectorXd y;
};

/// Names of the 135 one-hot columns: 20 kernels, 20 expansions, 5 depths, three options each.
inline FeatureSpace ofa_features() {
  std::vector<std::string> names;
  for (int c = 0; c < 45; ++c)
    for (int o = 0; o < 3; ++o)
      names.push_back((c < 20   ? "k" + std::to_string(c)
                       : c < 40 ? "e" + std::to_string(c - 20)
                                : "d" + std::to_string(c - 40)) +
                      "=" + std::to_string(o));
  return feature_space(std::move(names));
}

inline Rows read_networks(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> genes;
  std::vector<double> values;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string g;
    double y = 0;
    if (line.starts_with("#") || !(fields >> g >> y)) continue;
    genes.push_back(g);
    values.push_back(y);
  }
  if (genes.empty()) throw std::runtime_error(path + " cannot be read");
  Rows rows;
  rows.x.setZero(static_cast<Eigen::Index>(genes.size()), 135);
  rows.y = Eigen::Map<Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
  for (size_t i = 0; i < genes.size(); ++i)
    for (size_t c = 0; c < genes[i].size(); ++c)
      if (genes[i][c] != '-')
        rows.x(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(3 * c) + genes[i][c] - '0') =
            1;
  return rows;
}

/// Order of rows in split s.
inline std::vector<int> split_order(uint64_t s, size_t n) {
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  const auto key = [s](int i) { return splitmix64(1000003 * s + static_cast<uint64_t>(i)); };
  std::sort(order.begin(), order.end(), [&](int a, int b) { return key(a) < key(b); });
  return order;
}

inline Rows take(const Rows& all, const std::vector<int>& order, size_t begin, size_t end) {
  const std::vector<int> rows(order.begin() + static_cast<ptrdiff_t>(begin),
                              order.begin() + static_cast<ptrdiff_t>(end));
  return {all.x(rows, Eigen::all), all.y(rows)};
}

}  // namespace nas::testing_networks
