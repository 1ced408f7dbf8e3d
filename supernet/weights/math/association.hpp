#pragma once
// Which model of a mixture an architecture trains with and is judged with (balanced mixture of
// supernets, balanced_mixture.md 3). Numbers only; no torch.
#include <cstdint>
#include <string>
#include <vector>

namespace nas {

/// Potentials that give every model the same share of training.
struct Balance {
  std::vector<double> b;   ///< Added to T * W before the softmax over models.
  std::vector<double> kl;  ///< |KL| of the margin to uniform, before each update and at the end.
  int updates = 0;
  double deviation = 0;  ///< Largest |M p_m - 1| of the margin p at the end.
  bool reached = true;   ///< false: stopped at the cap above the threshold.
};
/// Iterative proportional fitting with uniform margins over models (3.3), in the log domain and
/// float64: probabilities that underflow still have a logarithm. W: rows x models, row-major;
/// `row_weights` sum to 1.
Balance balance_models(const std::vector<double>& w,
                       int models,
                       const std::vector<double>& row_weights,
                       double temperature,
                       double threshold = 1e-4,
                       int cap = 10'000);

/// Inverse temperature T_e of an epoch, e = 0 .. last (3.4).
enum class TemperatureSchedule {
  kInverseLinear,  ///< T = 1 + (T_max - 1) e / E.
  kPaperTau,       ///< 1/T falls linearly from 1 to 1/T_max.
};
double temperature_at(TemperatureSchedule schedule, double t_max, int64_t epoch, int64_t last);

struct AssociationOptions {
  int models = 4;
  double t_max = 100;
  TemperatureSchedule schedule = TemperatureSchedule::kInverseLinear;
  double beta = 0.9;     ///< Of the moving average of validation accuracies.
  double initial = 1.0;  ///< W before the first visit: what was not tried looks best.
  double threshold = 1e-4;
  int cap = 10'000;
  bool balanced = true;  ///< false: b stays 0.
};

class Association {
 public:
  /// Rows are architectures, or what `key` maps them to; `row_weights`: probability that a
  /// uniformly drawn architecture has the row (empty: equal). `epochs`: E + 1 of 3.4.
  Association(size_t rows,
              const AssociationOptions& options,
              int64_t epochs,
              std::vector<double> row_weights = {});

  /// Sets T_e and balances anew; q is frozen but for W until the next call.
  void begin_epoch(int64_t epoch);
  /// q(m | row), from the W of now and the potentials of this epoch.
  std::vector<double> q(size_t row) const;
  /// The smallest m with u < q_0 + .. + q_m, u in [0, 1).
  int draw(size_t row, double u) const;
  /// Counts a visit.
  void visit(size_t row, int model);
  /// W <- beta W + (1 - beta) accuracy.
  void observe(size_t row, int model, double accuracy);
  /// argmax q, ties to the lowest.
  int best(size_t row) const;

  size_t rows() const { return row_weights_.size(); }
  int models() const { return options_.models; }
  double w(size_t row, int model) const {
    return w_[row * models_u() + static_cast<size_t>(model)];
  }
  int64_t visits(size_t row, int model) const {
    return count_[row * models_u() + static_cast<size_t>(model)];
  }
  /// Mean of the accuracies that w() holds, without what it began with (NaN before any visit).
  double seen(size_t row, int model) const;
  double temperature() const { return temperature_; }
  const Balance& balance() const { return balance_; }
  /// What the balancing of this epoch came to, after load().
  void set_balance(double kl, int updates, double deviation) {
    balance_.kl = {kl};
    balance_.updates = updates;
    balance_.deviation = deviation;
  }
  /// |KL| of the model margin to uniform under q as it is now, and without balancing (b = 0).
  double kl_now() const;
  double kl_unbalanced() const;
  /// Mean over rows, by their weight, of the entropy of q, in nats.
  double entropy() const;
  /// Best model of every row.
  std::vector<int> assignment() const;

  /// Everything a resumed run needs: W, visits, b, T (b cannot be computed from a W in mid-epoch).
  std::vector<double> save() const;
  /// DataError when the length is another association's.
  void load(const std::vector<double>& state);

 private:
  size_t models_u() const { return static_cast<size_t>(options_.models); }
  AssociationOptions options_;
  int64_t last_epoch_;
  std::vector<double> row_weights_;
  std::vector<double> w_;
  std::vector<int64_t> count_;
  double temperature_ = 1;
  Balance balance_;
};

}  // namespace nas
