// The logarithm of the ratio of two devices is nearly the same for all ops of a kind: one scale,
// and what kinds and sizes add to it. Ridge regression with a free intercept holds all between "one
// scale for everything" and "a line for each kind"; its penalty is the one with the least error of
// ops that were left out, which a linear smoother gives without fitting again (Allen 1974, PRESS).
#include "hardware/prediction/transfer.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <map>

#include "hardware/dtype.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr size_t kLeast = 4;
constexpr double kPenalties[] = {.03, .1, .3, 1, 3, 10, 30, 100, 1e6};

/// `conv2d k=3`, `conv2d k=5 depthwise`, `relu`.
std::string kind_of(const std::string& key) {
  std::string kind = key.substr(0, key.find(' '));
  const auto number_after = [&](const char* name) -> std::string {
    const size_t at = key.find(name);
    if (at == key.npos) return "";
    const size_t from = at + std::char_traits<char>::length(name);
    return key.substr(from, key.find(' ', from) - from);
  };
  if (const std::string k = number_after(" k="); !k.empty()) kind += " k=" + k;
  if (const std::string g = number_after(" g="); !g.empty() && g != "1") kind += " depthwise";
  return kind;
}

struct Fit {
  VectorXd weights;                                        ///< Of op_features().
  double error = std::numeric_limits<double>::infinity();  ///< Mean relative, left out.
};

/// The first column is not penalised.
Fit ridge(const MatrixXd& x, const VectorXd& y, double penalty) {
  MatrixXd gram = x.transpose() * x;
  for (Index j = 1; j < gram.rows(); ++j) gram(j, j) += penalty;
  const Eigen::LDLT<MatrixXd> solver(gram);
  Fit fit;
  fit.weights = solver.solve(x.transpose() * y);
  const VectorXd rest = y - x * fit.weights;
  const MatrixXd half = solver.solve(x.transpose());
  double sum = 0;
  for (Index i = 0; i < y.size(); ++i) {
    const double own = std::min(x.row(i).dot(half.col(i)), 1 - 1e-6);
    sum += std::abs(std::expm1(-rest[i] / (1 - own)));
  }
  fit.error = sum / static_cast<double>(y.size());
  return fit;
}

}  // namespace

MatrixXd op_features(const LatencyTable& known, const std::vector<std::string>& keys) {
  double mean = 0;
  std::map<std::string, Index> kinds;
  for (const auto& [key, entry] : known.entries) {
    mean += std::log(entry.median_ms) / static_cast<double>(known.entries.size());
    kinds.try_emplace(kind_of(key), static_cast<Index>(kinds.size()));
  }
  MatrixXd x =
      MatrixXd::Zero(static_cast<Index>(keys.size()), 2 + static_cast<Index>(kinds.size()));
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto row = static_cast<Index>(i);
    x(row, 0) = 1;
    x(row, 1) = std::log(known.entries.at(keys[i]).median_ms) - mean;
    x(row, 2 + kinds.at(kind_of(keys[i]))) = 1;
  }
  return x;
}

Transferred transfer(const LatencyTable& known, const LatencyTable& part) {
  if (known.batch() != part.batch())
    throw DataError("latency table " + known.id + " holds times of " +
                    std::to_string(known.batch()) + " images at once, " + part.id + " of " +
                    std::to_string(part.batch()) + "; measure with the same batch");
  const auto dtype = [](const LatencyTable& table) {
    const auto it = table.conditions.find("dtype");
    if (it == table.conditions.end()) return std::string();
    const std::string name = dtype_named(it->second);
    return name.empty() ? it->second : name;
  };
  if (!dtype(known).empty() && !dtype(part).empty() && dtype(known) != dtype(part))
    throw DataError("latency table " + known.id + " holds times in " + dtype(known) + ", " +
                    part.id + " in " + dtype(part) +
                    "; another number format is not a matter of scale: measure in the same one");
  std::vector<std::string> both, all;
  for (const auto& [key, entry] : known.entries) {
    all.push_back(key);
    if (part.entries.contains(key)) both.push_back(key);
  }
  if (both.size() < kLeast)
    throw DataError("latency tables " + known.id + " and " + part.id + " share " +
                    std::to_string(both.size()) + " ops; at least " + std::to_string(kLeast) +
                    " are needed. `nas latency plan --table " + known.id +
                    " --budget 30` says which to measure");
  VectorXd ratio(static_cast<Index>(both.size()));
  for (size_t i = 0; i < both.size(); ++i)
    ratio[static_cast<Index>(i)] =
        std::log(part.entries.at(both[i]).median_ms / known.entries.at(both[i]).median_ms);
  const MatrixXd x = op_features(known, both);
  Fit best, scale;
  for (const double penalty : kPenalties) {
    scale = ridge(x, ratio, penalty);  // The last is the scale alone.
    if (scale.error < best.error) best = scale;
  }
  Transferred result;
  result.scale = std::exp(ratio.mean());
  result.held_out = best.error;
  result.scale_only = scale.error;
  result.measured = both.size();
  result.table = part;
  result.table.space = known.space;
  result.table.conditions["transferred_from"] = known.id;
  result.table.conditions["ops_measured"] = std::to_string(both.size());
  const VectorXd told = op_features(known, all) * best.weights;
  // Quartiles of a normal law of that error.
  const double half = 0.6745 * 1.2533 * best.error;
  for (size_t i = 0; i < all.size(); ++i) {
    if (result.table.entries.contains(all[i])) continue;
    LatencyEntry entry;
    entry.median_ms = known.entries.at(all[i]).median_ms * std::exp(told[static_cast<Index>(i)]);
    entry.low_ms = entry.median_ms / (1 + half);
    entry.high_ms = entry.median_ms * (1 + half);
    result.table.entries[all[i]] = entry;
  }
  return result;
}

}  // namespace nas
