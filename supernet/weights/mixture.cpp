#include "supernet/weights/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

/// Visits of a cell below which its average still shows the value that it began with (section 5).
constexpr double kFewVisits = 20, kEnoughVisits = 40;

std::string printed(const char* format, double a, double b = 0, double c = 0) {
  char text[300];
  std::snprintf(text, sizeof text, format, a, b, c);
  return text;
}

/// Rows dealt out evenly, in random order.
std::vector<int> dealt(size_t rows, int models, uint64_t seed) {
  std::vector<int> model(rows);
  const std::vector<int64_t> order =
      Rng(seed, "association/random").permutation(static_cast<int64_t>(rows));
  for (size_t i = 0; i < rows; ++i)
    model[static_cast<size_t>(order[i])] = static_cast<int>(i % static_cast<size_t>(models));
  return model;
}

}  // namespace

void describe(Binder& b, MixtureOptions& o) {
  AssociationOptions& a = o.association;
  b.value("models", a.models, "Weight sets; 1 is plain training").range(1, 1024);
  b.list("key",
         o.key,
         "Choices whose combinations are associated with models; []: every network for itself");
  b.value("t_max", a.t_max, "Inverse temperature of the last epoch; it begins at 1").range(1, 1e6);
  b.choice("temperature",
           a.schedule,
           {{"inverse-linear", TemperatureSchedule::kInverseLinear},
            {"paper-tau", TemperatureSchedule::kPaperTau}},
           "What grows linearly: the inverse temperature (released program), or the temperature "
           "falls linearly (as the paper says)");
  b.value("beta", a.beta, "Weight of the past in the moving average of validation accuracies")
      .range(0, 0.9999);
  b.value("initial", a.initial, "Accuracy that a pair has before its first visit").range(0, 1);
  b.value("balanced", a.balanced, "Give every model the same share of training");
  b.value("threshold", a.threshold, "Balancing ends when the divergence from equal shares is below")
      .range(1e-12, 1);
  b.value("cap", a.cap, "Most balancing iterations per epoch").range(1, 1e9);
  int association = o.random ? 1 : 0;
  b.choice_index("association",
                 association,
                 {"learned", "random"},
                 "random: networks are divided evenly once and stay there (a baseline)");
  o.random = association == 1;
}

Mixture::Mixture(const Domain& domain, const MixtureOptions& options, int64_t epochs, uint64_t seed)
    : options_(options),
      rows_(domain, options.key, options.association.models),
      association_(rows_.rows(), options.association, epochs, rows_.weights()),
      drawn_(static_cast<size_t>(options.association.models), 0) {
  if (options.random) fixed_ = dealt(rows_.rows(), models(), seed);
}

int Mixture::best(const Architecture& a) const {
  const size_t row = rows_.row(a);
  return fixed_.empty() ? association_.best(row) : fixed_[row];
}

int Mixture::draw(const Architecture& a, double u) const {
  const size_t row = rows_.row(a);
  return fixed_.empty() ? association_.draw(row, u) : fixed_[row];
}

void Mixture::begin_epoch(int64_t epoch) {
  std::fill(drawn_.begin(), drawn_.end(), 0);
  before_ = association_.assignment();
  association_.begin_epoch(epoch);
  kl_before_ = association_.balance().kl.front();
  capped_ += !association_.balance().reached && options_.association.balanced;
}

void Mixture::observe(const Architecture& a, int model, double accuracy) {
  const size_t row = rows_.row(a);
  association_.visit(row, model);
  association_.observe(row, model, accuracy);
  ++drawn_[static_cast<size_t>(model)];
}

void Mixture::end_epoch() {
  const std::vector<int> now = association_.assignment();
  double changed = 0;
  for (size_t r = 0; r < now.size(); ++r)
    if (now[r] != before_[r]) changed += rows_.weights()[r];
  drift_ = changed;
  double sum = 0, visited = 0;
  for (size_t r = 0; r < rows_.rows(); ++r)
    for (int m = 0; m < models(); ++m)
      if (association_.visits(r, m) > 0) {
        sum += association_.w(r, m);
        ++visited;
      }
  telemetry_ = {{"mixture.inverse_temperature", association_.temperature()},
                {"mixture.kl_before", kl_before_},
                {"mixture.kl_after", association_.balance().kl.back()},
                {"mixture.balance_updates", association_.balance().updates},
                {"mixture.entropy", association_.entropy()},
                {"mixture.drift", drift_},
                {"mixture.validation_average", visited > 0 ? sum / visited : 0}};
  const std::vector<double> visits = row_visits();
  for (int m = 0; m < models(); ++m) {
    const std::string name = std::to_string(m);
    double owned = 0;
    for (size_t r = 0; r < now.size(); ++r) owned += rows_.weights()[r] > 0 && now[r] == m;
    telemetry_.emplace_back("mixture.steps." + name, visits[static_cast<size_t>(m)]);
    telemetry_.emplace_back("mixture.draws." + name, drawn_[static_cast<size_t>(m)]);
    telemetry_.emplace_back("mixture.rows." + name, owned);
  }
}

/// Steps of each model since the start.
std::vector<double> Mixture::row_visits() const {
  std::vector<double> visits(static_cast<size_t>(models()), 0);
  for (size_t r = 0; r < rows_.rows(); ++r)
    for (int m = 0; m < models(); ++m)
      visits[static_cast<size_t>(m)] += static_cast<double>(association_.visits(r, m));
  return visits;
}

std::vector<std::string> Mixture::advice(int64_t steps) const {
  if (models() == 1 || options_.random) return {};
  const double cells = static_cast<double>(rows_.possible()) * models();
  const double each = static_cast<double>(steps) / cells;
  if (each >= kEnoughVisits) return {};
  return {printed("the mixture will visit each pair of network and model %.3g times (%.0f steps, "
                  "%.0f pairs); below 40 the association hardly forms, below 20 not at all. ",
                  each,
                  static_cast<double>(steps),
                  cells) +
          "Train longer, take fewer `weights.models`, or set `weights.key` to a few choices"};
}

std::vector<std::string> Mixture::health() const {
  std::vector<std::string> lines;
  const std::vector<double> visits = row_visits();
  double all = 0;
  for (const double v : visits) all += v;
  const auto [least, most] = std::minmax_element(visits.begin(), visits.end());
  if (models() == 1) return {"a mixture of one model is plain training"};
  lines.push_back(printed("models trained between %.0f and %.0f steps", *least, *most));
  if (options_.random) return lines;
  const double cells = static_cast<double>(rows_.possible()) * models();
  const double each = all / cells;
  const double entropy = association_.entropy() / std::log(static_cast<double>(models()));
  if (each < kFewVisits)
    lines.push_back(
        printed("the association never formed: %.3g visits per pair of network and "
                "model (40 are wanted)",
                each));
  else if (entropy > 0.9)
    lines.push_back(
        printed("the models hardly differ: the association keeps %.0f %% of the entropy of an even "
                "draw",
                100 * entropy));
  else
    lines.push_back(
        printed("association: %.3g visits per pair, %.0f %% of the entropy of an even "
                "draw, %.1f %% of the networks changed model in the last epoch",
                each,
                100 * entropy,
                100 * drift_));
  if (capped_ > 0)
    lines.push_back(
        printed("balancing stopped at its cap in %.0f epochs, at a divergence of %.3g "
                "in the last",
                static_cast<double>(capped_),
                association_.balance().kl.empty() ? 0 : association_.balance().kl.back()));
  return lines;
}

std::vector<double> Mixture::save() const {
  std::vector<double> state = {
      kl_before_,
      association_.balance().kl.empty() ? 0 : association_.balance().kl.back(),
      static_cast<double>(association_.balance().updates),
      drift_,
      static_cast<double>(capped_)};
  state.insert(state.end(), drawn_.begin(), drawn_.end());
  for (const int m : before_.empty() ? std::vector<int>(rows_.rows(), 0) : before_)
    state.push_back(m);
  const std::vector<double> rest = association_.save();
  state.insert(state.end(), rest.begin(), rest.end());
  return state;
}

void Mixture::load(const std::vector<double>& state) {
  constexpr size_t kScalars = 5;
  const size_t own = kScalars + drawn_.size() + rows_.rows();
  if (state.size() < own)
    throw DataError("the checkpoint's association has too few numbers for this mixture");
  kl_before_ = state[0];
  drift_ = state[3];
  capped_ = static_cast<int64_t>(state[4]);
  auto from = state.begin() + kScalars;
  std::copy_n(from, drawn_.size(), drawn_.begin());
  from += static_cast<int64_t>(drawn_.size());
  before_.assign(rows_.rows(), 0);
  for (int& m : before_) m = static_cast<int>(*from++);
  association_.load({from, state.end()});
  association_.set_balance(state[1], static_cast<int>(state[2]));
}

}  // namespace nas
