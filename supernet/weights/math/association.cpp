// Sinkhorn balancing with one free margin. Each row of q sums to 1 by its softmax, so only the
// columns need scaling: b[m] -= ln p[m] is the exact coordinate step of the dual (iterative
// proportional fitting), which converges for every W because all entries of q are positive. Each
// iteration costs rows x models exponentials; near ties many are needed (hundreds at T = 400),
// which the cap bounds. All sums are log-sum-exp: at T = 200 a column of probabilities underflows
// to 0, and the plain form then stops unbalanced without a word (balanced_mixture.md 6.3).
#include "supernet/weights/math/association.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "spaces/error.hpp"

namespace nas {
namespace {

/// log(sum(exp(x))) of n numbers that lie `stride` apart.
double log_sum_exp(const double* x, size_t n, size_t stride = 1) {
  double top = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < n; ++i) top = std::max(top, x[i * stride]);
  if (!std::isfinite(top)) return top;
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += std::exp(x[i * stride] - top);
  return top + std::log(sum);
}

/// Logarithms of the margin over models of softmax(T W + b).
std::vector<double> log_margin(const std::vector<double>& w,
                               const std::vector<double>& row_weights,
                               const std::vector<double>& b,
                               double temperature) {
  const size_t models = b.size(), rows = row_weights.size();
  std::vector<double> logs(w.size());
  std::vector<double> row(models);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t m = 0; m < models; ++m) row[m] = temperature * w[r * models + m] + b[m];
    const double norm = log_sum_exp(row.data(), models);
    const double weight = std::log(row_weights[r]);
    for (size_t m = 0; m < models; ++m) logs[r * models + m] = weight + row[m] - norm;
  }
  std::vector<double> margin(models);
  for (size_t m = 0; m < models; ++m) margin[m] = log_sum_exp(logs.data() + m, rows, models);
  return margin;
}

/// Largest |M p_m - 1|.
double deviation_of(const std::vector<double>& log_p) {
  const auto models = static_cast<double>(log_p.size());
  double most = 0;
  for (const double lp : log_p) most = std::max(most, std::abs(models * std::exp(lp) - 1));
  return most;
}

/// |sum p ln(M p)|.
double kl_to_uniform(const std::vector<double>& log_p) {
  const double log_models = std::log(static_cast<double>(log_p.size()));
  double kl = 0;
  for (const double lp : log_p) {
    const double p = std::exp(lp);
    if (p > 0) kl += p * (log_models + lp);
  }
  return std::abs(kl);
}

}  // namespace

Balance balance_models(const std::vector<double>& w,
                       int models,
                       const std::vector<double>& row_weights,
                       double temperature,
                       double threshold,
                       int cap) {
  Balance result;
  result.b.assign(static_cast<size_t>(models), 0.0);
  for (;; ++result.updates) {
    const std::vector<double> margin = log_margin(w, row_weights, result.b, temperature);
    result.kl.push_back(kl_to_uniform(margin));
    result.deviation = deviation_of(margin);
    if (!(result.kl.back() > threshold)) return result;
    if (result.updates == cap) break;
    for (size_t m = 0; m < margin.size(); ++m) result.b[m] -= margin[m];
  }
  result.reached = false;
  return result;
}

double temperature_at(TemperatureSchedule schedule, double t_max, int64_t epoch, int64_t last) {
  const double done = last > 0 ? static_cast<double>(epoch) / static_cast<double>(last) : 0;
  if (schedule == TemperatureSchedule::kInverseLinear) return 1 + (t_max - 1) * done;
  return 1 / (1 + (1 / t_max - 1) * done);
}

Association::Association(size_t rows,
                         const AssociationOptions& options,
                         int64_t epochs,
                         std::vector<double> row_weights)
    : options_(options),
      last_epoch_(epochs - 1),
      row_weights_(std::move(row_weights)),
      w_(rows * static_cast<size_t>(options.models), options.initial),
      count_(rows * static_cast<size_t>(options.models), 0) {
  if (row_weights_.empty()) row_weights_.assign(rows, 1.0 / static_cast<double>(rows));
  balance_.b.assign(models_u(), 0.0);
}

void Association::begin_epoch(int64_t epoch) {
  temperature_ = temperature_at(options_.schedule, options_.t_max, epoch, last_epoch_);
  balance_ = balance_models(w_,
                            options_.models,
                            row_weights_,
                            temperature_,
                            options_.threshold,
                            options_.balanced ? options_.cap : 0);
}

std::vector<double> Association::q(size_t row) const {
  std::vector<double> p(models_u());
  for (size_t m = 0; m < p.size(); ++m)
    p[m] = temperature_ * w_[row * p.size() + m] + balance_.b[m];
  const double norm = log_sum_exp(p.data(), p.size());
  for (double& v : p) v = std::exp(v - norm);
  return p;
}

int Association::draw(size_t row, double u) const {
  const std::vector<double> p = q(row);
  double sum = 0;
  for (size_t m = 0; m < p.size(); ++m)
    if (u < (sum += p[m])) return static_cast<int>(m);
  return options_.models - 1;
}

void Association::visit(size_t row, int model) {
  ++count_[row * models_u() + static_cast<size_t>(model)];
}

void Association::observe(size_t row, int model, double accuracy) {
  double& w = w_[row * models_u() + static_cast<size_t>(model)];
  w = options_.beta * w + (1 - options_.beta) * accuracy;
}

int Association::best(size_t row) const {
  const std::vector<double> p = q(row);
  return static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin());
}

double Association::kl_now() const {
  return kl_to_uniform(log_margin(w_, row_weights_, balance_.b, temperature_));
}

double Association::kl_unbalanced() const {
  return kl_to_uniform(
      log_margin(w_, row_weights_, std::vector<double>(models_u(), 0.0), temperature_));
}

double Association::entropy() const {
  double sum = 0;
  for (size_t r = 0; r < rows(); ++r)
    for (const double p : q(r))
      if (p > 0) sum -= row_weights_[r] * p * std::log(p);
  return sum;
}

double Association::seen(size_t row, int model) const {
  // After v visits W is beta^v of its start and the rest of a weighted mean.
  const double start = std::pow(options_.beta, static_cast<double>(visits(row, model)));
  return start < 1 ? (w(row, model) - start * options_.initial) / (1 - start)
                   : std::numeric_limits<double>::quiet_NaN();
}

std::vector<int> Association::assignment() const {
  std::vector<int> models;
  for (size_t r = 0; r < rows(); ++r) models.push_back(best(r));
  return models;
}

std::vector<double> Association::save() const {
  std::vector<double> state = {temperature_};
  state.insert(state.end(), balance_.b.begin(), balance_.b.end());
  state.insert(state.end(), w_.begin(), w_.end());
  for (const int64_t n : count_) state.push_back(static_cast<double>(n));
  return state;
}

void Association::load(const std::vector<double>& state) {
  if (state.size() != 1 + models_u() + 2 * w_.size())
    throw DataError("the checkpoint's association has " + std::to_string(state.size()) +
                    " numbers, this mixture has " + std::to_string(1 + models_u() + 2 * w_.size()));
  auto from = state.begin();
  temperature_ = *from++;
  std::copy_n(from, models_u(), balance_.b.begin());
  from += static_cast<int64_t>(models_u());
  std::copy_n(from, w_.size(), w_.begin());
  from += static_cast<int64_t>(w_.size());
  for (int64_t& n : count_) n = static_cast<int64_t>(*from++);
}

}  // namespace nas
