#pragma once
// What predictors see: one row of numbers for each architecture (or for each row of a table).
#include <Eigen/Core>
#include <span>
#include <string>
#include <vector>

#include "spaces/architecture.hpp"

namespace nas {

class Space;

/// One row per sample, one column per feature.
using FeatureMatrix = Eigen::MatrixXd;
/// Some of its rows, without a copy.
using FeatureRows = Eigen::Ref<const FeatureMatrix>;

/// What the columns of a FeatureMatrix mean. A predictor keeps it and refuses any other.
struct FeatureSpace {
  std::string space;        ///< Name of the space; "": plain columns of numbers.
  std::string fingerprint;  ///< Space::fingerprint(); "": plain columns of numbers.
  std::vector<std::string> names;
  /// Number of the choice each column belongs to: columns `choice=option` whose names agree up to
  /// the last `=` and stand side by side; any other column is one of its own.
  std::vector<int> groups() const;
};

/// The one-hot form with a fixed layout: for every choice a column per option, all zero where the
/// conditions make the choice inactive (search.md 2.4, M135 of the once-for-all space).
FeatureSpace feature_space(const Space& space);
/// Plain columns of numbers.
FeatureSpace feature_space(std::vector<std::string> names);
/// Rows in that form, [architectures, names].
FeatureMatrix encode(const Space& space, std::span<const Architecture> architectures);

/// Why rows of `given` are none for what was fitted on `fitted`; "" where they are.
std::string other_features(const FeatureSpace& fitted, const FeatureSpace& given);

}  // namespace nas
