// The association (association.cpp) of the networks of a domain with models, in the course of a
// training: what is drawn, observed, told and warned of.
#include "supernet/weights/math/mixture.hpp"

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

std::optional<double> Mixture::seen_accuracy(const Architecture& a) const {
  const size_t row = rows_.row(a);
  const int model = best(a);
  if (association_.visits(row, model) == 0) return {};
  return association_.w(row, model);
}

int Mixture::draw(const Architecture& a, double u) const {
  const size_t row = rows_.row(a);
  return fixed_.empty() ? association_.draw(row, u) : fixed_[row];
}

std::vector<int> Mixture::assignment() const {
  return fixed_.empty() ? association_.assignment() : fixed_;
}

void Mixture::begin_epoch(int64_t epoch) {
  std::fill(drawn_.begin(), drawn_.end(), 0);
  before_ = assignment();
  if (options_.random) return;  // Nothing is drawn from q.
  association_.begin_epoch(epoch);
  const Balance& balance = association_.balance();
  kl_before_ = balance.kl.front();
  if (balance.reached || !options_.association.balanced) return;
  ++capped_;
  worst_kl_ = std::max(worst_kl_, balance.kl.back());
}

void Mixture::observe(const Architecture& a, int model, double accuracy) {
  const size_t row = rows_.row(a);
  association_.visit(row, model);
  association_.observe(row, model, accuracy);
  ++drawn_[static_cast<size_t>(model)];
}

/// What the balancing at the start of the epoch came to.
void Mixture::tell_balance() {
  const Balance& balance = association_.balance();
  telemetry_ = {{"mixture.inverse_temperature", association_.temperature()},
                {"mixture.kl_before", kl_before_},
                {"mixture.kl_after", balance.kl.back()},
                {"mixture.margin_error", balance.deviation},
                {"mixture.balance_updates", balance.updates},
                {"mixture.entropy", association_.entropy()},
                {"mixture.drift", drift_}};
}

void Mixture::end_epoch() {
  const std::vector<int> now = assignment();
  drift_ = 0;
  for (size_t r = 0; r < now.size(); ++r)
    if (now[r] != before_[r]) drift_ += rows_.weights()[r];
  telemetry_.clear();
  if (!options_.random) tell_balance();
  struct OfModel {
    double sum = 0, visited = 0, owned = 0;
  };
  std::vector<OfModel> of(drawn_.size());
  for (size_t r = 0; r < now.size(); ++r) {
    if (rows_.weights()[r] > 0) ++of[static_cast<size_t>(now[r])].owned;
    for (int m = 0; m < models(); ++m) {
      if (association_.visits(r, m) == 0) continue;
      OfModel& model = of[static_cast<size_t>(m)];
      model.sum += association_.seen(r, m);
      ++model.visited;
    }
  }
  double all = 0, pairs = 0;
  for (const OfModel& model : of) {
    all += model.sum;
    pairs += model.visited;
  }
  telemetry_.emplace_back("mixture.validation_average", pairs > 0 ? all / pairs : 0);
  const std::vector<double> steps = steps_of_models();
  for (size_t m = 0; m < of.size(); ++m) {
    const std::string name = std::to_string(m);
    telemetry_.emplace_back("mixture.steps." + name, steps[m]);
    telemetry_.emplace_back("mixture.draws." + name, drawn_[m]);
    telemetry_.emplace_back("mixture.rows." + name, of[m].owned);
    if (of[m].visited > 0)
      telemetry_.emplace_back("mixture.validation." + name, of[m].sum / of[m].visited);
  }
}

/// Steps of each model since the start.
std::vector<double> Mixture::steps_of_models() const {
  std::vector<double> steps(drawn_.size(), 0);
  for (size_t r = 0; r < rows_.rows(); ++r)
    for (int m = 0; m < models(); ++m)
      steps[static_cast<size_t>(m)] += static_cast<double>(association_.visits(r, m));
  return steps;
}

std::string Mixture::summary(int64_t steps) const {
  const std::string rows = std::to_string(rows_.possible()) +
                           (options_.key.empty() ? " networks" : " combinations of weights.key");
  if (models() == 1) return "a mixture of one model: plain training";
  const std::string all = std::to_string(models()) + " models for " + rows + ", ";
  if (options_.random) return all + "divided evenly by chance";
  return all + printed("%.3g visits of each pair in %.0f steps",
                       static_cast<double>(steps) / pairs(),
                       static_cast<double>(steps));
}

std::vector<std::string> Mixture::advice(int64_t steps) const {
  if (models() == 1 || options_.random) return {};
  const auto all = static_cast<double>(steps);
  if (all / pairs() >= kEnoughVisits) return {};
  return {printed("the mixture will visit each pair of network and model %.3g times (%.0f steps, "
                  "%.0f pairs); below 40 the association hardly forms, below 20 not at all. ",
                  all / pairs(),
                  all,
                  pairs()) +
          printed("Train for %.0f steps or more, take fewer `weights.models`, or set `weights.key` "
                  "to a few choices",
                  kEnoughVisits * pairs())};
}

std::vector<std::string> Mixture::health() const {
  if (models() == 1) return {"a mixture of one model is plain training"};
  const std::vector<double> steps = steps_of_models();
  double all = 0;
  for (const double v : steps) all += v;
  const auto [least, most] = std::minmax_element(steps.begin(), steps.end());
  std::vector<std::string> lines = {
      printed("models trained between %.0f and %.0f steps", *least, *most)};
  if (options_.random) return lines;
  const double each = all / pairs();
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
        printed("balancing stopped at weights.cap in %.0f epochs, at a divergence of %.3g at worst "
                "(weights.threshold is %.3g)",
                static_cast<double>(capped_),
                worst_kl_,
                options_.association.threshold));
  return lines;
}

std::vector<double> Mixture::save() const {
  const Balance& balance = association_.balance();
  std::vector<double> state = {kl_before_,
                               balance.kl.empty() ? 0 : balance.kl.back(),
                               static_cast<double>(balance.updates),
                               balance.deviation,
                               drift_,
                               static_cast<double>(capped_),
                               worst_kl_};
  state.insert(state.end(), drawn_.begin(), drawn_.end());
  for (const int m : before_.empty() ? std::vector<int>(rows_.rows(), 0) : before_)
    state.push_back(m);
  const std::vector<double> rest = association_.save();
  state.insert(state.end(), rest.begin(), rest.end());
  return state;
}

void Mixture::load(const std::vector<double>& state) {
  constexpr size_t kScalars = 7;
  const size_t own = kScalars + drawn_.size() + rows_.rows();
  if (state.size() < own)
    throw DataError("the checkpoint's association has too few numbers for this mixture");
  kl_before_ = state[0];
  drift_ = state[4];
  capped_ = static_cast<int64_t>(state[5]);
  worst_kl_ = state[6];
  auto from = state.begin() + kScalars;
  std::copy_n(from, drawn_.size(), drawn_.begin());
  from += static_cast<int64_t>(drawn_.size());
  before_.assign(rows_.rows(), 0);
  for (int& m : before_) m = static_cast<int>(*from++);
  association_.load({from, state.end()});
  association_.set_balance(state[1], static_cast<int>(state[2]), state[3]);
}

}  // namespace nas
