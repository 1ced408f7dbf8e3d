// A path of N choices has too many forms to score each, so an option's score is the mean gradient
// norm of the paths that used it, and a path's probability the product over its choices (panda.md
// 3.2): N small distributions instead of one over the space. The floor bounds the importance
// weight: with every option at least at floor / M of its even share, the product of N weights stays
// below max_path_weight, which the constructor proves rather than hopes. Rejected draws (a space
// with conditions) bend the probabilities, so that the mean weight is then measured instead of
// being 1.
#include "supernet/samplers/path_importance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "spaces/error.hpp"

namespace nas {
namespace {

double sum_of(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0);
}

std::string short_number(double v) {
  std::string text = std::to_string(v);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

void check_floor(const std::vector<Choice>& choices, const PathImportanceOptions& o) {
  if (o.floor < 0 && o.floor != -1)
    throw ConfigError("strategy.p_floor: " + short_number(o.floor) + " is not a probability",
                      "use 0 to 1, or -1 for what max_path_weight asks for");
  for (const Choice& choice : choices) {
    const auto m = static_cast<double>(choice.options.size());
    if (m > 1 && o.floor * m > 1 + 1e-9)
      throw ConfigError("strategy.p_floor: " + short_number(o.floor) +
                            " is more than an even share "
                            "of the " +
                            std::to_string(choice.options.size()) + " options of '" + choice.name +
                            "', so that nothing could be drawn by importance",
                        "use less than " + short_number(1 / m));
  }
  if (o.weights == Weighting::kExact && o.floor < 0 && o.max_weight <= 1)
    throw ConfigError("strategy.max_path_weight: weights that stay at 1 leave no importance",
                      "use more than 1, such as 20");
}

/// With this floor the weight prod 1 / (M p) of no path exceeds the bound.
double floor_share(size_t choices, double max_weight) {
  return std::pow(max_weight, -1.0 / static_cast<double>(std::max<size_t>(choices, 1)));
}

}  // namespace

void apply_floor(std::vector<double>& p, double floor) {
  std::vector<bool> raised(p.size(), false);
  for (bool again = floor > 0; again;) {
    again = false;
    double rest = 0;
    size_t count = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      if (raised[i])
        ++count;
      else
        rest += p[i];
    }
    const double scale =
        rest > 0 ? std::max(0.0, 1 - floor * static_cast<double>(count)) / rest : 0;
    for (size_t i = 0; i < p.size(); ++i) {
      if (raised[i]) continue;
      p[i] *= scale;
      if (p[i] >= floor) continue;
      raised[i] = again = true;
    }
    for (size_t i = 0; i < p.size(); ++i)
      if (raised[i]) p[i] = floor;
  }
}

PathImportance::PathImportance(const Domain& domain, const PathImportanceOptions& options)
    : domain_(domain), space_(domain.space()), options_(options) {
  const std::vector<Choice>& choices = space_.choices();
  check_floor(choices, options);
  for (size_t c = 0; c < choices.size(); ++c) {
    size_t g = groups_.size();
    if (options.scope == ImportanceScope::kGlobal)
      for (size_t k = 0; k < groups_.size() && g == groups_.size(); ++k)
        if (groups_[k].options == choices[c].options) g = k;
    if (g == groups_.size()) {
      groups_.emplace_back();
      groups_[g].name = choices[c].name;
      groups_[g].options = choices[c].options;
    }
    groups_[g].choices.push_back(c);
    group_of_.push_back(g);
  }
  if (groups_.size() == 1 && options.scope == ImportanceScope::kGlobal) {
    groups_[0].name = "type";
  } else {
    // `stage1.layer1+3`: that choice and three like it.
    for (Group& group : groups_)
      if (group.choices.size() > 1)
        group.name.append("+").append(std::to_string(group.choices.size() - 1));
  }
  // A choice between one option draws nothing.
  const auto real =
      static_cast<size_t>(std::count_if(choices.begin(), choices.end(), [](const Choice& choice) {
        return choice.options.size() > 1;
      }));
  double worst = 1;
  for (Group& group : groups_) {
    const size_t m = group.options.size();
    const double uniform = 1.0 / static_cast<double>(m);
    group.c.assign(m, 0);
    group.last.assign(m, 0);
    group.kind.assign(m, kUnknown);
    group.p.assign(m, uniform);
    group.cumulative = cumulative_of(group.p);
    if (options.floor >= 0)
      group.floor = std::min(options.floor, uniform);
    else if (options.weights == Weighting::kExact)
      group.floor = floor_share(real, options.max_weight) * uniform;
    for (size_t k = 0; k < group.choices.size() && m > 1; ++k) worst *= uniform / group.floor;
  }
  // A hair of tolerance for a floor that was computed from the bound and typed in.
  if (options.weights == Weighting::kExact && !(worst <= options.max_weight * (1 + 1e-3))) {
    size_t fewest = SIZE_MAX;
    for (const Group& group : groups_)
      if (group.options.size() > 1) fewest = std::min(fewest, group.options.size());
    throw ConfigError(
        "strategy.p_floor: " + short_number(options.floor) + " lets exact path weights reach " +
            (std::isfinite(worst) ? short_number(worst) : std::string("infinity")) + "; at most " +
            short_number(options.max_weight) + " is allowed (max_path_weight)",
        "use p_floor of at least " +
            short_number(floor_share(real, options.max_weight) / static_cast<double>(fewest) +
                         1e-6) +
            ", leave it out, or set path_weights to clipped");
  }
  own_.resize(choices.size());
  own_cumulative_.resize(choices.size());
  refresh();
}

void PathImportance::refresh() {
  for (size_t c = 0; c < group_of_.size(); ++c) {
    const std::vector<double>& p = groups_[group_of_[c]].p;
    if (domain_.option_count(c) == p.size()) continue;
    own_[c].assign(p.size(), 0);
    double sum = 0;
    for (const int16_t o : domain_.options(c)) sum += p[static_cast<size_t>(o)];
    for (const int16_t o : domain_.options(c))
      own_[c][static_cast<size_t>(o)] = sum > 0
                                            ? p[static_cast<size_t>(o)] / sum
                                            : 1.0 / static_cast<double>(domain_.option_count(c));
    own_cumulative_[c] = cumulative_of(own_[c]);
  }
}

double PathImportance::even_share_kept() const {
  double least = 1;
  for (const Group& group : groups_)
    if (group.options.size() > 1)
      least = std::min(least, group.floor * static_cast<double>(group.options.size()));
  return least;
}

void PathImportance::draw(Rng& rng, Architecture& a) const {
  a.genes.resize(group_of_.size());
  constexpr int kTries = 100000;
  for (int i = 0; i < kTries; ++i) {
    for (size_t c = 0; c < group_of_.size(); ++c)
      a.genes[c] = static_cast<int16_t>(draw_from_cumulative(
          own_[c].empty() ? groups_[group_of_[c]].cumulative : own_cumulative_[c], rng.uniform()));
    a = space_.fix_inactive(std::move(a));
    if (domain_.contains(a)) return;
  }
  throw Error("path importance: none of " + std::to_string(kTries) +
              " paths drawn from the present probabilities is valid in space '" + space_.name() +
              "'; lower strategy.tau_max or raise strategy.p_floor");
}

double PathImportance::raw_weight(const Architecture& a) const {
  double w = 1;
  for (size_t c = 0; c < group_of_.size(); ++c) {
    if (!space_.choices()[c].conditions.empty() && !space_.active(a, c)) continue;
    const std::vector<double>& p = own_[c].empty() ? groups_[group_of_[c]].p : own_[c];
    w /= static_cast<double>(domain_.option_count(c)) * p[static_cast<size_t>(a.genes[c])];
  }
  return options_.weights == Weighting::kClipped ? std::min(w, options_.clip) : w;
}

double PathImportance::weight(const Architecture& a) const {
  return options_.weights == Weighting::kNone ? 1.0 : raw_weight(a) * scale_;
}

double PathImportance::mean_weight(Rng rng) const {
  constexpr int kDraws = 4096;
  double sum = 0;
  bool rejected = false;
  Architecture a;
  a.genes.resize(group_of_.size());
  for (int i = 0; i < kDraws; ++i) {
    Rng before = rng;
    draw(rng, a);
    // A draw that used more numbers than there are choices was repeated.
    for (size_t c = 0; c < group_of_.size(); ++c) before.next();
    rejected = rejected || !(before == rng);
    sum += raw_weight(a);
  }
  const bool exact = options_.weights == Weighting::kExact && !rejected;
  return exact ? 1.0 : sum / kDraws;
}

void PathImportance::observe(const Architecture& a, const PathScores& scores) {
  for (Group& group : groups_) {
    std::vector<double> sum(group.options.size(), 0);
    std::vector<int> uses(group.options.size(), 0);
    for (const size_t c : group.choices) {
      if (!space_.choices()[c].conditions.empty() && !space_.active(a, c)) continue;
      const auto o = static_cast<size_t>(a.genes[c]);
      sum[o] += scores.score[c];
      ++uses[o];
      if (scores.parametric[c]) group.kind[o] = kParametric;
      if (group.kind[o] == kUnknown) group.kind[o] = kParamFree;
    }
    for (size_t o = 0; o < sum.size(); ++o)
      if (sum[o] != 0) group.c[o] = (group.c[o] + sum[o] / uses[o]) / 2;
  }
}

/// What the options of a group count, a distribution; empty when nothing is known.
std::vector<double> PathImportance::scores_of(const Group& group) const {
  const size_t m = group.options.size();
  std::vector<double> s = group.c;
  if (options_.unseen == Unseen::kKeepLast) {
    double known = 0;
    int count = 0;
    for (size_t o = 0; o < m; ++o) {
      if (s[o] == 0) s[o] = group.last[o];
      known += s[o];
      count += s[o] > 0;
    }
    // Never seen with a gradient, though it may have one: as good as the mean of the others.
    for (size_t o = 0; o < m; ++o)
      if (s[o] == 0 && count > 0 && group.kind[o] != kParamFree) s[o] = known / count;
  }
  size_t free = 0;
  if (options_.nonparam == NonParam::kUniform)
    for (size_t o = 0; o < m; ++o) free += group.kind[o] == kParamFree;
  const double total = sum_of(s);
  if (total == 0) return {};
  const double share = 1 - static_cast<double>(free) / static_cast<double>(m);
  for (size_t o = 0; o < m; ++o) {
    const bool even = options_.nonparam == NonParam::kUniform && group.kind[o] == kParamFree;
    s[o] = even ? 1.0 / static_cast<double>(m) : share * s[o] / total;
  }
  return s;
}

void PathImportance::end_epoch(double tau, Rng rng) {
  for (Group& group : groups_) {
    const std::vector<double> s = scores_of(group);
    const double uniform = 1.0 / static_cast<double>(group.options.size());
    // Nothing learned: uniform (the released program divides zero by zero here).
    for (size_t o = 0; o < group.p.size(); ++o)
      group.p[o] = s.empty() ? uniform : tau * s[o] + (1 - tau) * uniform;
    apply_floor(group.p, group.floor);
    group.cumulative = cumulative_of(group.p);
    for (size_t o = 0; o < group.c.size(); ++o)
      if (group.c[o] != 0) group.last[o] = group.c[o];
    std::fill(group.c.begin(), group.c.end(), 0.0);
  }
  refresh();
  if (options_.weights != Weighting::kNone) scale_ = 1 / mean_weight(rng);
}

std::vector<double> PathImportance::save() const {
  std::vector<double> state = {scale_};
  for (const Group& group : groups_) {
    for (const auto* part : {&group.c, &group.last, &group.p})
      state.insert(state.end(), part->begin(), part->end());
    for (const int kind : group.kind) state.push_back(kind);
  }
  return state;
}

void PathImportance::load(const std::vector<double>& state) {
  size_t at = 0;
  const auto next = [&] { return state.at(at++); };
  scale_ = next();
  for (Group& group : groups_) {
    for (auto* part : {&group.c, &group.last, &group.p})
      for (double& value : *part) value = next();
    for (int& kind : group.kind) kind = static_cast<int>(next());
    group.cumulative = cumulative_of(group.p);
  }
  if (at != state.size()) throw std::out_of_range("path importance state is too long");
  refresh();
}

}  // namespace nas
