// A predictor per measured metric. What is free is not predicted: MACs, parameters and table
// latencies are sums of small tables (search/exact/), faster than any predictor and without error,
// so the only error of a surrogate is that of its measured metrics.
#include "search/algorithms/surrogate/surrogate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "predictors/cross_validation.hpp"
#include "search/algorithms/goal_tables.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr char kAll[] = "ridge,svr,gp";
constexpr Eigen::Index kFewest = 8;     ///< Rows that a predictor needs.
constexpr Eigen::Index kManyRows = 75;  ///< From here on models are compared.

/// Some option for every closed choice, by the architecture and nothing else.
Architecture with_closed_genes(const Domain& domain, uint64_t seed, Architecture a) {
  uint64_t hash = seed;
  for (const int16_t gene : a.genes) hash = splitmix64(hash ^ static_cast<uint64_t>(gene + 1));
  for (size_t c = 0; c < a.genes.size(); ++c) {
    if (domain.space().active(a, c)) continue;
    hash = splitmix64(hash);
    a.genes[c] = domain.option(c, hash % domain.option_count(c));
  }
  return a;
}

FeatureMatrix genome_features(const Domain& domain,
                              uint64_t seed,
                              std::span<const Architecture> architectures) {
  const std::vector<Choice>& choices = domain.space().choices();
  Eigen::Index columns = 0;
  for (const Choice& choice : choices) columns += static_cast<Eigen::Index>(choice.options.size());
  FeatureMatrix x = FeatureMatrix::Zero(static_cast<Eigen::Index>(architectures.size()), columns);
  for (size_t i = 0; i < architectures.size(); ++i) {
    const Architecture a = with_closed_genes(domain, seed, architectures[i]);
    Eigen::Index first = 0;
    for (size_t c = 0; c < choices.size(); ++c) {
      x(static_cast<Eigen::Index>(i), first + a.genes[c]) = 1;
      first += static_cast<Eigen::Index>(choices[c].options.size());
    }
  }
  return x;
}

/// Of one model. Ridge is linear here: sums over choices can be solved exactly (surrogate_optimum),
/// and where products matter, svr and gp say them better.
FitOptions options_for(const std::string& model, const FitOptions& options) {
  FitOptions own = options;
  if (model == "ridge") own.fixed["pairs"] = 0;
  return own;
}

/// Values far on the losing side (`sign` times a value is minimised) come to Tukey's outer fence,
/// three quartile distances behind the quartile. How bad the worst are decides nothing, but a
/// stationary kernel would spend its length scales and its noise on them: of NAS-Bench-201 one cell
/// in twenty has no path to its output and 10 % where the others have 80 to 94.
void bring_losers_nearer(std::vector<double>& values, double sign) {
  std::vector<double> costs;
  for (const double v : values) costs.push_back(sign * v);
  std::sort(costs.begin(), costs.end());
  const double low = costs[costs.size() / 4], high = costs[(3 * costs.size()) / 4];
  const double fence = high + 3 * (high - low);
  if (!(high > low)) return;
  for (double& v : values) v = sign * std::min(sign * v, fence);
}

double rms(const Eigen::VectorXd& v) {
  return v.size() > 0 ? std::sqrt(v.squaredNorm() / static_cast<double>(v.size())) : 0;
}

}  // namespace

std::unique_ptr<Predictor> best_predictor(const std::string& names,
                                          const FeatureSpace& features,
                                          const FeatureMatrix& x,
                                          const Eigen::VectorXd& y,
                                          const FitOptions& options) {
  std::string best = names.substr(0, names.find(','));
  double least = std::numeric_limits<double>::infinity();
  std::istringstream list(names.find(',') == std::string::npos ? "" : names);
  for (std::string name; std::getline(list, name, ',');) {
    try {
      const Eigen::VectorXd out = out_of_fold(
          x,
          y,
          options.folds,
          [&](const FeatureMatrix& tx, const Eigen::VectorXd& ty, const FeatureMatrix& vx) {
            const auto model = make_predictor(name);
            model->fit(features, tx, ty, options_for(name, options));
            return model->mean(vx);
          });
      const double error = relative_errors(y, out).mean();
      if (error < least) {
        least = error;
        best = name;
      }
    } catch (const DataError&) {  // a fold it cannot learn from: others may
    }
  }
  auto model = make_predictor(best);
  model->fit(features, x, y, options_for(best, options));
  return model;
}

Surrogate::Surrogate(const SearchContext& context, SurrogateForm form, bool predict_free)
    : context_(context), form_(form) {
  const Goal& goal = context.archive().goal();
  std::vector<std::string> free;
  const auto add = [&](const std::string& name) {
    for (const Metric& metric : metrics_)
      if (metric.name == name) return;
    const bool exact = !predict_free && context.costs().knows(name);
    metrics_.push_back({name, exact});
    if (exact) free.push_back(name);
  };
  for (const Objective& objective : goal.objectives) add(objective.metric);
  for (const Constraint& constraint : goal.constraints) add(constraint.metric);
  fits_.resize(metrics_.size());
  functions_.resize(metrics_.size());
  if (!free.empty())
    tables_ = exact::factorise(context.domain(),
                               exact::metrics_of(context.costs(), free, &context.domain()))
                  .terms;
  for (size_t k = 0; k < metrics_.size(); ++k)
    if (metrics_[k].free) functions_[k] = context.costs().function(metrics_[k].name);
}

size_t Surrogate::metric_index(const std::string& name) const {
  for (size_t k = 0; k < metrics_.size(); ++k)
    if (metrics_[k].name == name) return k;
  throw std::logic_error("no metric of the goal: " + name);
}

FeatureMatrix Surrogate::features(std::span<const Architecture> architectures) const {
  if (form_ == SurrogateForm::kNetwork) return encode(context_.space(), architectures);
  return genome_features(context_.domain(), context_.seed(), architectures);
}

void Surrogate::transfer_from(const std::vector<WarmRow>& rows) {
  for (size_t k = 0; k < metrics_.size(); ++k) {
    if (metrics_[k].free) continue;
    std::vector<Architecture> known;
    std::vector<double> values;
    for (const WarmRow& row : rows)
      if (const auto at = row.values.find(metrics_[k].name);
          at != row.values.end() && std::isfinite(at->second)) {
        known.push_back(context_.domain().canonical(row.architecture));
        values.push_back(at->second);
      }
    const auto n = static_cast<Eigen::Index>(values.size());
    const Eigen::VectorXd y = Eigen::Map<const Eigen::VectorXd>(values.data(), n);
    if (n < kFewest || y.maxCoeff() == y.minCoeff()) continue;
    FitOptions options;
    options.seed = context_.seed();
    fits_[k].before =
        best_predictor(kAll, feature_space(context_.space()), features(known), y, options);
  }
}

bool Surrogate::fit(const std::string& model) {
  std::vector<Architecture> known;
  std::vector<const Archive::Entry*> entries;
  for (const Archive::Entry& entry : context_.archive().entries()) {
    if (entry.state != Archive::State::kEvaluated) continue;
    known.push_back(entry.architecture);
    entries.push_back(&entry);
  }
  const FeatureMatrix x = features(known);
  for (size_t k = 0; k < metrics_.size(); ++k) {
    if (metrics_[k].free) continue;
    std::vector<Eigen::Index> rows;
    std::vector<double> values;
    for (size_t i = 0; i < entries.size(); ++i)
      if (const auto at = entries[i]->values.find(metrics_[k].name);
          at != entries[i]->values.end() && std::isfinite(at->second)) {
        rows.push_back(static_cast<Eigen::Index>(i));
        values.push_back(at->second);
      }
    const auto n = static_cast<Eigen::Index>(values.size());
    if (n < kFewest) return false;
    if (fences_)
      for (const Objective& objective : context_.archive().goal().objectives)
        if (objective.metric == metrics_[k].name) bring_losers_nearer(values, objective.sign());
    FeatureMatrix used(n, x.cols());
    for (Eigen::Index i = 0; i < n; ++i) used.row(i) = x.row(rows[static_cast<size_t>(i)]);
    fit_metric(fits_[k], used, Eigen::Map<const Eigen::VectorXd>(values.data(), n), model);
  }
  return true;
}

void Surrogate::fit_metric(Fit& fit,
                           const FeatureMatrix& x,
                           const Eigen::VectorXd& y,
                           const std::string& model) {
  Eigen::VectorXd rest = y;
  fit.offset = fit.slope = 0;
  if (fit.before) {
    const Eigen::VectorXd told = fit.before->mean(x);
    const double centre = told.mean();
    const double spread = (told.array() - centre).square().sum();
    fit.slope = spread > 0 ? ((told.array() - centre) * (y.array() - y.mean())).sum() / spread : 0;
    fit.offset = y.mean() - fit.slope * centre;
    rest = (y.array() - fit.offset - fit.slope * told.array()).matrix();
  }
  fit.model.reset();
  fit.constant = rest.mean();
  fit.error = rms((rest.array() - fit.constant).matrix());
  if (rest.maxCoeff() - rest.minCoeff() <= 1e-12 * std::max(1.0, rest.cwiseAbs().maxCoeff()))
    return;
  FitOptions options;
  options.seed = context_.seed();
  const FeatureSpace space = feature_space(context_.space());
  fit.model = best_predictor(model != "auto" ? model : (rest.size() < kManyRows ? "ridge" : kAll),
                             space,
                             x,
                             rest,
                             options);
  fit.error = rms(fit.model->mean(x) - rest);
}

std::string Surrogate::model_of(size_t metric) const {
  return fits_[metric].model ? fits_[metric].model->name() : "";
}

Eigen::VectorXd Surrogate::free_costs(size_t metric,
                                      std::span<const Architecture> architectures) const {
  Eigen::VectorXd values(static_cast<Eigen::Index>(architectures.size()));
  if (tables_) {
    const size_t column = tables_->metric(metrics_[metric].name);
    const exact::Unit& unit = tables_->units()[column];
    std::vector<int64_t> sums;
    for (size_t i = 0; i < architectures.size(); ++i)
      values[static_cast<Eigen::Index>(i)] = tables_->evaluate(architectures[i], sums)
                                                 ? unit.value(sums[column])
                                                 : functions_[metric](architectures[i]);
    return values;
  }
  for (size_t i = 0; i < architectures.size(); ++i)
    values[static_cast<Eigen::Index>(i)] = functions_[metric](architectures[i]);
  return values;
}

Guess Surrogate::guess(std::span<const Architecture> architectures, bool spreads) const {
  const auto n = static_cast<Eigen::Index>(architectures.size());
  Guess guess;
  std::optional<FeatureMatrix> x;
  for (size_t k = 0; k < metrics_.size(); ++k) {
    Eigen::VectorXd mean, spread = Eigen::VectorXd::Zero(spreads ? n : 0);
    if (metrics_[k].free) {
      mean = free_costs(k, architectures);
    } else {
      const Fit& fit = fits_[k];
      if (!x) x = features(architectures);
      mean = Eigen::VectorXd::Constant(n, fit.constant);
      if (fit.model && spreads) {
        Prediction prediction = fit.model->predict(*x);
        mean = std::move(prediction.mean);
        spread = std::move(prediction.spread);
      } else if (fit.model) {
        mean = fit.model->mean(*x);
      }
      if (fit.before) mean.array() += fit.offset + fit.slope * fit.before->mean(*x).array();
    }
    guess.mean.push_back(std::move(mean));
    guess.spread.push_back(std::move(spread));
  }
  return guess;
}

std::vector<ScoredPoint> Surrogate::scores(const Guess& guess, double optimism) const {
  const Goal& goal = context_.archive().goal();
  const auto n = static_cast<size_t>(guess.mean.front().size());
  const size_t m = goal.objectives.size();
  std::vector<ScoredPoint> points(n);
  for (ScoredPoint& point : points) point.objectives.resize(m);
  for (size_t j = 0; j < m; ++j) {
    const size_t k = metric_index(goal.objectives[j].metric);
    const double sign = goal.objectives[j].sign();
    for (size_t i = 0; i < n; ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      double value = sign * guess.mean[k][row];
      if (optimism != 0) value -= optimism * guess.spread[k][row];
      points[i].objectives[j] = value;
    }
  }
  for (const Constraint& constraint : goal.constraints) {
    const Eigen::VectorXd& mean = guess.mean[metric_index(constraint.metric)];
    for (size_t i = 0; i < n; ++i)
      points[i].violation += constraint.violation(mean[static_cast<Eigen::Index>(i)]);
  }
  return points;
}

std::vector<ScoredPoint> Surrogate::scores(std::span<const Architecture> architectures,
                                           double optimism) const {
  if (architectures.empty()) return {};
  return scores(guess(architectures, optimism != 0), optimism);
}

bool Surrogate::additive() const {
  if (form_ != SurrogateForm::kNetwork) return false;
  for (size_t k = 0; k < metrics_.size(); ++k) {
    if (metrics_[k].free) continue;
    for (const Predictor* model : {fits_[k].model.get(), fits_[k].before.get()})
      if (model != nullptr && (model->name() != "ridge" || model->chosen().at("pairs") != 0 ||
                               model->transform() != TargetTransform::kNone))
        return false;
  }
  return true;
}

std::vector<exact::MetricFunction> Surrogate::functions() const {
  std::vector<exact::MetricFunction> list;
  for (size_t k = 0; k < metrics_.size(); ++k) {
    if (metrics_[k].free) {
      for (exact::MetricFunction& f :
           exact::metrics_of(context_.costs(), {metrics_[k].name}, &context_.domain()))
        list.push_back(std::move(f));
      continue;
    }
    list.push_back({metrics_[k].name, [this, k](const Architecture& a) {
                      const Architecture key = context_.domain().canonical(a);
                      return guess(std::span(&key, 1), false).mean[k][0];
                    }});
  }
  return list;
}

}  // namespace nas
