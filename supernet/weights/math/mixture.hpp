#pragma once
// Balanced mixture of supernets (balanced_mixture.md): M weight sets, and an association that
// learns from validation batches which of them each architecture trains with and is judged with.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spaces/yaml/yaml_binder.hpp"
#include "supernet/weights/math/architecture_rows.hpp"
#include "supernet/weights/math/association.hpp"

namespace nas {

/// `weights: {kind: mixture, ...}`.
struct MixtureOptions {
  AssociationOptions association;
  std::vector<std::string> key;  ///< Choices that make a row; empty: every network its own.
  /// The control of 8.4 (C2): rows are divided evenly among the models once and nothing is learned.
  bool random = false;
};
void describe(Binder& b, MixtureOptions& o);

/// The association of one mixture: which model, how it learned, what to tell. Numbers only.
class Mixture {
 public:
  /// `epochs` of training in all.
  Mixture(const Domain& domain, const MixtureOptions& options, int64_t epochs, uint64_t seed);

  int models() const { return association_.models(); }
  /// False for the control that divides rows by chance.
  bool learned() const { return !options_.random; }
  int best(const Architecture& a) const;
  int draw(const Architecture& a, double u) const;
  /// Moving average of the accuracies of `a` with its best model (3.6 ranks large spaces by it);
  /// none before its first visit, when it is only the optimistic start.
  std::optional<double> seen_accuracy(const Architecture& a) const;
  void begin_epoch(int64_t epoch);
  /// Counts a visit and averages its accuracy.
  void observe(const Architecture& a, int model, double accuracy);
  void end_epoch();

  const Association& association() const { return association_; }
  const ArchitectureRows& rows() const { return rows_; }
  /// Model of every row: the likeliest, or the one that it was dealt.
  std::vector<int> assignment() const;
  /// One sentence: models, pairs, and how often `steps` steps in all visit each.
  std::string summary(int64_t steps) const;
  /// Warnings about `steps` steps in all (2.4).
  std::vector<std::string> advice(int64_t steps) const;
  std::vector<std::pair<std::string, double>> telemetry() const { return telemetry_; }
  std::vector<std::string> health() const;

  std::vector<double> save() const;
  /// DataError when it is another mixture's.
  void load(const std::vector<double>& state);

 private:
  double pairs() const { return static_cast<double>(rows_.possible()) * models(); }
  std::vector<double> steps_of_models() const;
  void tell_balance();
  MixtureOptions options_;
  ArchitectureRows rows_;
  Association association_;
  std::vector<int> fixed_;     ///< Model of each row where nothing is learned.
  std::vector<int> before_;    ///< Assignment at the end of the last epoch.
  std::vector<double> drawn_;  ///< Steps of each model in this epoch.
  double kl_before_ = 0;       ///< Before balancing, at the start of this epoch.
  double drift_ = 0;           ///< Share of architectures whose model changed in the last epoch.
  int64_t capped_ = 0;         ///< Epochs whose balancing did not reach the threshold.
  double worst_kl_ = 0;        ///< Largest divergence that was left in those.
  std::vector<std::pair<std::string, double>> telemetry_;
};

}  // namespace nas
