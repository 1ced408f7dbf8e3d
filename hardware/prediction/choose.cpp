// D-optimal designs (Fedorov 1972): the determinant of the information matrix grows with every row
// by 1 + its leverage, so the next best row and the best exchange are found without a determinant.
// By the equivalence theorem of Kiefer and Wolfowitz such a design also keeps the largest variance
// of a prediction small over all candidates, which is what a spread promises.
#include "hardware/prediction/choose.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "hardware/prediction/latency_model.hpp"
#include "hardware/prediction/transfer.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kSweeps = 20;
/// Options count less than what a calibration is made of: they tell of what it lacks.
constexpr double kOptionWeight = 0.3;

/// Which rows are in, and the inverse of their information.
class Design {
 public:
  Design(const MatrixXd& x, double prior)
      : x_(x),
        inverse_(MatrixXd::Identity(x.cols(), x.cols()) / prior),
        held_(static_cast<size_t>(x.rows())) {}

  void add(int row) {
    const VectorXd v = inverse_ * x_.row(row).transpose();
    inverse_ -= v * v.transpose() / (1 + x_.row(row).dot(v));
    rows_.push_back(row);
    held_[static_cast<size_t>(row)] = 1;
  }
  void remove(size_t at) {
    const int row = rows_[at];
    const VectorXd v = inverse_ * x_.row(row).transpose();
    inverse_ += v * v.transpose() / (1 - x_.row(row).dot(v));
    rows_.erase(rows_.begin() + static_cast<long>(at));
    held_[static_cast<size_t>(row)] = 0;
  }
  bool holds(int row) const { return held_[static_cast<size_t>(row)] != 0; }
  VectorXd leverages() const { return (x_ * inverse_).cwiseProduct(x_).rowwise().sum(); }
  /// The row that adds most; -1 where all are in.
  int best() const {
    const VectorXd d = leverages();
    int found = -1;
    for (Index i = 0; i < x_.rows(); ++i)
      if (!holds(static_cast<int>(i)) && (found < 0 || d[i] > d[found]))
        found = static_cast<int>(i);
    return found;
  }
  const std::vector<int>& rows() const { return rows_; }

  /// One row out and another in, where that makes the determinant larger.
  bool exchange(size_t kept) {
    const VectorXd d = leverages();
    double most = 1 + 1e-9;
    size_t out = 0;
    int in = -1;
    for (size_t j = kept; j < rows_.size(); ++j) {
      const VectorXd cross = x_ * (inverse_ * x_.row(rows_[j]).transpose());
      for (Index i = 0; i < x_.rows(); ++i) {
        if (holds(static_cast<int>(i))) continue;
        const double grows = (1 + d[i]) * (1 - d[rows_[j]]) + cross[i] * cross[i];
        if (grows > most) {
          most = grows;
          out = j;
          in = static_cast<int>(i);
        }
      }
    }
    if (in < 0) return false;
    remove(out);
    add(in);
    return true;
  }

 private:
  const MatrixXd& x_;
  MatrixXd inverse_;
  std::vector<int> rows_;
  std::vector<char> held_;  ///< By row.
};

void standardise(MatrixXd& x) {
  for (Index c = 0; c < x.cols(); ++c) {
    x.col(c).array() -= x.col(c).mean();
    const double size = std::sqrt(x.col(c).squaredNorm() / static_cast<double>(x.rows()));
    if (size > 1e-12)
      x.col(c) /= size;
    else
      x.col(c).setZero();
  }
}

MatrixXd network_features(const Space& space,
                          const LatencyTable* table,
                          const std::vector<Architecture>& networks) {
  constexpr Index kPlain = 5;
  const auto options = static_cast<Index>(space.feature_names().size());
  MatrixXd x(static_cast<Index>(networks.size()), kPlain + options);
  std::vector<double> open;
  for (Index i = 0; i < x.rows(); ++i) {
    throw_if_stopped("candidates were looked at");
    const Architecture& a = networks[static_cast<size_t>(i)];
    const Plan plan = space.plan(a);
    const Cost cost = cost_of(plan, space.counting());
    const double sum = table != nullptr ? table->predict(plan) : static_cast<double>(cost.macs) + 1;
    // As the calibration weighs them: relative to what the network takes.
    x.row(i).head(kPlain) << std::log(sum), 1 / sum, static_cast<double>(timed_ops(plan)) / sum,
        static_cast<double>(cost.activation_bytes) / sum, static_cast<double>(cost.params) / sum;
    space.features(a, open);
    for (Index c = 0; c < options; ++c) x(i, kPlain + c) = open[static_cast<size_t>(c)];
  }
  standardise(x);
  // All options together weigh as much as a few columns, however many there are.
  if (options > 0)
    x.rightCols(options) *= kOptionWeight * std::sqrt(kPlain / static_cast<double>(options));
  MatrixXd wide(x.rows(), x.cols() + 1);
  wide << VectorXd::Ones(x.rows()), x;
  return wide;
}

}  // namespace

std::vector<int> d_optimal(const MatrixXd& x,
                           int budget,
                           double prior,
                           std::span<const int> first) {
  if (x.cols() == 0 || !x.allFinite()) throw std::invalid_argument("d_optimal: no such rows");
  Design design(x, prior);
  for (const int row : first)
    if (!design.holds(row)) design.add(row);
  const size_t kept = design.rows().size();
  const size_t most =
      std::min(static_cast<size_t>(std::max(budget, 0)), static_cast<size_t>(x.rows()));
  constexpr const char* kDoing = "what to measure was chosen";
  const bool all = most == static_cast<size_t>(x.rows());  // Nothing to choose, only to order.
  for (int row = 0; all && row < x.rows(); ++row)
    if (!design.holds(row)) design.add(row);
  while (design.rows().size() < most) {
    throw_if_stopped(kDoing);
    design.add(design.best());
  }
  for (int sweep = 0; !all && sweep < kSweeps * std::max(budget, 1); ++sweep) {
    throw_if_stopped(kDoing);
    if (!design.exchange(kept)) break;
  }
  // In the order of their worth.
  Design ordered(x, prior);
  for (size_t i = 0; i < kept; ++i) ordered.add(design.rows()[i]);
  while (ordered.rows().size() < design.rows().size()) {
    throw_if_stopped(kDoing);
    const VectorXd d = ordered.leverages();
    int best = -1;
    for (const int row : design.rows())
      if (!ordered.holds(row) && (best < 0 || d[row] > d[best])) best = row;
    ordered.add(best);
  }
  std::vector<int> rows = ordered.rows();
  if (rows.size() > most) rows.resize(most);
  return rows;
}

std::vector<Architecture> choose_networks(const Domain& domain,
                                          const LatencyTable* table,
                                          int budget,
                                          uint64_t seed,
                                          int candidates,
                                          Candidates* among) {
  std::vector<Architecture> networks;
  std::set<Architecture> seen;
  int64_t looked_at = 0;
  const auto take = [&](const Architecture& a) {
    ++looked_at;
    const Architecture key = domain.canonical(a);
    if (seen.insert(key).second) networks.push_back(key);
  };
  take(domain.smallest());
  take(domain.largest());
  const int ends = static_cast<int>(networks.size());
  bool listed = false;
  try {
    listed = domain.count() <= candidates;
  } catch (const ConfigError&) {
    // Too large to count.
  }
  if (listed) {
    looked_at = 0;  // The ends are met again.
    domain.enumerate([&](const Architecture& a) {
      take(a);
      return true;
    });
  } else {
    Rng rng(seed, "latency/choose");
    for (int i = 0; i < candidates; ++i) take(domain.sample(rng));
  }
  if (among != nullptr) *among = {looked_at, static_cast<int64_t>(networks.size()), listed};
  std::vector<int> first;
  for (int i = 0; i < ends; ++i) first.push_back(i);
  std::vector<Architecture> chosen;
  const MatrixXd features = network_features(domain.space(), table, networks);
  for (const int row : d_optimal(features, budget, 1e-2, first))
    chosen.push_back(networks[static_cast<size_t>(row)]);
  return chosen;
}

std::vector<std::string> choose_ops(const LatencyTable& known, int budget) {
  std::vector<std::string> keys;
  for (const auto& [key, entry] : known.entries) keys.push_back(key);
  std::vector<std::string> chosen;
  for (const int row : d_optimal(op_features(known, keys), budget))
    chosen.push_back(keys[static_cast<size_t>(row)]);
  return chosen;
}

}  // namespace nas
