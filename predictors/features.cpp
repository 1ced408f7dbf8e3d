// One-hot columns, not option numbers: the models behind them are linear, kernels of distance, or
// trees, and none should take option 3 for three times option 1. An inactive choice is all zero, so
// that a depth takes the columns of the layers it closes with it (search.md 2.4).
#include "predictors/features.hpp"

#include <algorithm>
#include "spaces/space.hpp"

namespace nas {

FeatureSpace feature_space(const Space& space) {
  return {space.name(), space.fingerprint(), space.feature_names()};
}

FeatureSpace feature_space(std::vector<std::string> names) {
  return {"", "", std::move(names)};
}

std::vector<int> FeatureSpace::groups() const {
  std::vector<int> list;
  int group = -1;
  std::string last;
  for (const std::string& name : names) {
    const size_t equal = name.rfind('=');
    const std::string choice = equal == name.npos ? "" : name.substr(0, equal);
    if (choice.empty() || choice != last || group < 0) ++group;
    last = choice;
    list.push_back(group);
  }
  return list;
}

FeatureMatrix encode(const Space& space, std::span<const Architecture> architectures) {
  const auto columns = static_cast<Eigen::Index>(space.feature_names().size());
  FeatureMatrix x(static_cast<Eigen::Index>(architectures.size()), columns);
  std::vector<double> row;
  for (size_t i = 0; i < architectures.size(); ++i) {
    space.features(architectures[i], row);
    for (size_t c = 0; c < row.size(); ++c)
      x(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(c)) = row[c];
  }
  return x;
}

std::string other_features(const FeatureSpace& fitted, const FeatureSpace& given) {
  const auto plain = [](const FeatureSpace& f) { return f.fingerprint.empty(); };
  if (plain(fitted) != plain(given))
    return plain(fitted) ? "it was fitted on plain columns, not on architectures"
                         : "it was fitted on architectures of space '" + fitted.space +
                               "', not on plain columns";
  if (fitted.fingerprint != given.fingerprint)
    return "it was fitted on space '" + fitted.space + "' (fingerprint " +
           fitted.fingerprint.substr(0, 12) + "), the rows are of '" + given.space +
           "' (fingerprint " + given.fingerprint.substr(0, 12) + ")";
  if (fitted.names == given.names) return "";
  for (size_t i = 0; i < std::max(fitted.names.size(), given.names.size()); ++i) {
    const bool has = i < fitted.names.size(), got = i < given.names.size();
    if (has && got && fitted.names[i] == given.names[i]) continue;
    return "feature " + std::to_string(i + 1) + " was " +
           (has ? "'" + fitted.names[i] + "'" : "not there") + " when it was fitted, now it is " +
           (got ? "'" + given.names[i] + "'" : "missing");
  }
  return "";
}

}  // namespace nas
