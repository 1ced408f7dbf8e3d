// A metric that is a sum over parts of a network is told apart choice by choice: from an
// architecture to a fixed reference, choices are set to their reference option one after another,
// and what each step changes depends on the choice itself and on those of its partners
// (interactions.hpp) that have not been set yet. These differences are the tables; they sum up to
// the metric for any order of steps. The order is that of variable elimination by least table
// (among equals the one that carries least below it, so that chains are taken from both ends and
// meet in the middle), with choices before those that open them: then a table knows whether its
// choice is open, and a closed one adds nothing. What depends on what forms a tree.
//
// Nothing is believed: random architectures, or all of them, and the number of architectures must
// come out right. Where they do not, contexts are drawn anew; then the metric is no such sum.
#include "search/exact/factorise.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "spaces/counting/interactions.hpp"
#include "spaces/counting/space_tables.hpp"
#include "spaces/error.hpp"

namespace nas::exact {
namespace {

constexpr size_t kMostRows = 2'000'000;  ///< In one table.
constexpr int kContexts[] = {6, 24, 96};
constexpr int kRandom = 300;        ///< Architectures of each of two laws that check the tables.
constexpr int64_t kAllUpTo = 4096;  ///< So many are checked all.

}  // namespace

class Builder {
 public:
  Builder(const Domain& domain, std::span<const MetricFunction> metrics, Values& values)
      : domain_(domain), space_(domain.space()), values_(values), terms_(domain) {
    for (const MetricFunction& metric : metrics) terms_.units_.push_back({metric.name});
  }

  Terms build(const std::vector<SpaceRule>& rules, int contexts) {
    rules_ = &rules;
    partners_ = interactions(domain_, rules, values_, contexts, static_cast<uint64_t>(contexts));
    for (size_t c = 0; c < space_.choices().size(); ++c) {
      reference_.genes.push_back(domain_.option(c, domain_.option_count(c) - 1));
      terms_.states_.push_back(domain_.option_count(c) +
                               (space_.choices()[c].conditions.empty() ? 0 : 1));
    }
    eliminate();
    for (size_t t = terms_.terms_.size(); t-- > 0;) fill(t);
    to_units(values_.of(reference_));
    return std::move(terms_);
  }

  /// One table of all architectures.
  Terms list() {
    Term term;
    term.first = {0};
    domain_.enumerate([&](const Architecture& a) {
      terms_.row_of_listed_.emplace(a, static_cast<uint32_t>(terms_.listed_.size()));
      terms_.listed_.push_back(a);
      term.state.push_back(0);
      const std::vector<double>& values = values_.of(a);
      raw_.resize(1);
      raw_[0].insert(raw_[0].end(), values.begin(), values.end());
      return true;
    });
    term.first.push_back(static_cast<uint32_t>(term.rows()));
    terms_.terms_.push_back(std::move(term));
    terms_.roots_ = {0};
    to_units(std::vector<double>(values_.metrics(), 0.0));
    return std::move(terms_);
  }

 private:
  double log_states(const std::set<size_t>& choices) const {
    double sum = 0;
    for (const size_t c : choices) sum += std::log(static_cast<double>(terms_.states_[c]));
    return sum;
  }

  void eliminate() {
    const std::vector<Choice>& choices = space_.choices();
    std::vector<std::set<size_t>> graph;
    for (const auto& list : partners_) graph.emplace_back(list.begin(), list.end());
    std::vector<int> hanging(choices.size(), 0);
    for (const std::vector<size_t>& above : ancestors(choices))
      for (const size_t on : above) ++hanging[on];
    const std::vector<std::vector<size_t>> above = ancestors(choices);
    std::vector<double> below(choices.size(), 0);
    std::vector<char> done(choices.size(), 0);
    terms_.term_of_.assign(choices.size(), kNone);
    for (size_t step = 0; step < choices.size(); ++step) {
      size_t best = kNone;
      std::pair<double, double> least;
      for (size_t c = 0; c < choices.size(); ++c) {
        if (done[c] != 0 || hanging[c] > 0) continue;
        // Rounded, so that equal tables are equal.
        const double own = std::log(static_cast<double>(terms_.states_[c]));
        const std::pair cost{std::round(1e6 * (own + log_states(graph[c]))), below[c]};
        if (best != kNone && !(cost < least)) continue;
        best = c;
        least = cost;
      }
      done[best] = 1;
      for (const size_t on : above[best]) --hanging[on];
      Term term;
      term.choice = best;
      term.given.assign(graph[best].begin(), graph[best].end());
      const double all = below[best] + std::log(static_cast<double>(terms_.states_[best]));
      for (const size_t a : graph[best]) {
        graph[a].erase(best);
        for (const size_t b : graph[best])
          if (a != b) graph[a].insert(b);
        below[a] += all / static_cast<double>(graph[best].size());
      }
      terms_.term_of_[best] = terms_.terms_.size();
      terms_.terms_.push_back(std::move(term));
    }
    for (size_t t = 0; t < terms_.terms_.size(); ++t) {
      Term& term = terms_.terms_[t];
      for (const size_t c : term.given) term.parent = std::min(term.parent, terms_.term_of_[c]);
      if (term.parent == kNone)
        terms_.roots_.push_back(t);
      else
        terms_.terms_[term.parent].children.push_back(t);
    }
    raw_.resize(terms_.terms_.size());
  }

  /// States of `given` by key.
  std::vector<int16_t> states_of(const Term& term, size_t key) const {
    std::vector<int16_t> states;
    for (const size_t c : term.given) {
      states.push_back(static_cast<int16_t>(key % terms_.states_[c]));
      key /= terms_.states_[c];
    }
    return states;
  }

  /// Rows for the keys that a row of the parent leads to.
  void fill(size_t t) {
    Term& term = terms_.terms_[t];
    double keys = 1;
    for (const size_t c : term.given) keys *= static_cast<double>(terms_.states_[c]);
    if (keys * static_cast<double>(terms_.states_[term.choice]) > kMostRows)
      throw NotAdditive("too many choices act on it together (" + name(term.choice) + " with " +
                        std::to_string(term.given.size()) + " others)");
    std::vector<char> reached(static_cast<size_t>(keys), term.parent == kNone ? 1 : 0);
    if (term.parent != kNone) {
      const Term& parent = terms_.terms_[term.parent];
      const size_t at = static_cast<size_t>(
          std::find(parent.children.begin(), parent.children.end(), t) - parent.children.begin());
      for (size_t row = 0; row < parent.rows(); ++row)
        reached[parent.keys[row * parent.children.size() + at]] = 1;
    }
    term.first = {0};
    for (size_t key = 0; key < reached.size(); ++key) {
      if (reached[key] != 0) add_rows(t, key);
      term.first.push_back(static_cast<uint32_t>(term.rows()));
    }
  }

  /// The rows of one key: what `given` and the rules leave of the choice.
  void add_rows(size_t t, size_t key) {
    Term& term = terms_.terms_[t];
    const std::vector<int16_t> given = states_of(term, key);
    std::map<size_t, int16_t> state;
    Architecture genes = reference_;
    for (size_t i = 0; i < given.size(); ++i) {
      const size_t c = term.given[i];
      state[c] = given[i];
      // Those that are no partners stand between two that are: they change nothing here.
      if (!std::binary_search(partners_[term.choice].begin(), partners_[term.choice].end(), c))
        continue;
      if (static_cast<size_t>(given[i]) < domain_.option_count(c))
        genes.genes[c] = domain_.option(c, static_cast<size_t>(given[i]));
    }
    const bool open = is_open(term.choice, state);
    const std::vector<double> base = values_.of(genes);
    const size_t options = open ? domain_.option_count(term.choice) : 1;
    for (size_t i = 0; i < options; ++i) {
      const auto now = static_cast<int16_t>(open ? i : domain_.option_count(term.choice));
      state[term.choice] = now;
      if (!rules_hold(t, state)) continue;
      std::vector<double> values(base.size(), 0.0);
      if (open) {
        Architecture a = genes;
        a.genes[term.choice] = domain_.option(term.choice, i);
        const std::vector<double>& with = values_.of(a);
        for (size_t m = 0; m < values.size(); ++m) values[m] = with[m] - base[m];
      }
      term.state.push_back(now);
      raw_[t].insert(raw_[t].end(), values.begin(), values.end());
      for (const size_t child : term.children) {
        uint32_t child_key = 0, stride = 1;
        for (const size_t c : terms_.terms_[child].given) {
          child_key += stride * static_cast<uint32_t>(state.at(c));
          stride *= static_cast<uint32_t>(terms_.states_[c]);
        }
        term.keys.push_back(child_key);
      }
    }
  }

  bool is_open(size_t choice, const std::map<size_t, int16_t>& state) const {
    for (const Condition& condition : space_.choices()[choice].conditions) {
      const auto on = static_cast<size_t>(condition.on);
      const auto s = static_cast<size_t>(state.at(on));
      if (s >= domain_.option_count(on)) return false;
      const int16_t option = domain_.option(on, s);
      if (std::find(condition.options.begin(), condition.options.end(), option) ==
          condition.options.end())
        return false;
    }
    return true;
  }

  /// Those rules whose last choice is decided here.
  bool rules_hold(size_t t, const std::map<size_t, int16_t>& state) const {
    Architecture genes;
    for (const SpaceRule& rule : *rules_) {
      size_t first = kNone;
      for (const size_t c : rule.choices) first = std::min(first, terms_.term_of_[c]);
      if (first != t) continue;
      if (genes.genes.empty()) {
        genes = reference_;
        for (const auto& [c, s] : state)
          if (static_cast<size_t>(s) < domain_.option_count(c))
            genes.genes[c] = domain_.option(c, static_cast<size_t>(s));
        genes = space_.fix_inactive(std::move(genes));
      }
      if (!rule.holds(genes)) return false;
    }
    return true;
  }

  const std::string& name(size_t choice) const { return space_.choices()[choice].name; }

  /// Whole numbers stay as they are; others are counted in a unit so small that sums of all terms
  /// still fit.
  void to_units(const std::vector<double>& constant) {
    const size_t metrics = constant.size();
    for (size_t m = 0; m < metrics; ++m) {
      bool whole = constant[m] == std::round(constant[m]);
      double range = std::abs(constant[m]);
      for (const std::vector<double>& raw : raw_) {
        double most = 0;
        for (size_t i = m; i < raw.size(); i += metrics) {
          whole = whole && raw[i] == std::round(raw[i]);
          most = std::max(most, std::abs(raw[i]));
        }
        range += most;
      }
      if (range >= 0x1p62 || (whole && range > 0x1p53))
        throw NotAdditive("its values are too large to be summed exactly");
      Unit& unit = terms_.units_[m];
      if (!whole) {
        unit.size = real_unit(m, metrics, range);
        unit.slack = static_cast<int64_t>(terms_.terms_.size()) + 64;
      }
      unit.constant = std::llround(constant[m] / unit.size);
    }
    for (size_t t = 0; t < raw_.size(); ++t)
      for (size_t i = 0; i < raw_[t].size(); ++i)
        terms_.terms_[t].values.push_back(
            std::llround(raw_[t][i] / terms_.units_[i % metrics].size));
  }

  /// A power of ten where all values are multiples of it, as in tables that people round, else
  /// 2^-40 of the range: equal parts of a network then have equal sums, in whatever order their
  /// values were added up before.
  double real_unit(size_t m, size_t metrics, double range) const {
    constexpr double kDecimal[] = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
    for (const double unit : kDecimal) {
      const double most = std::max(1e-6, 1e-12 * range / unit);
      const auto fits = [&](double v) { return std::abs(v / unit - std::round(v / unit)) < most; };
      bool all = most < 1e-3;
      for (const std::vector<double>& raw : raw_)
        for (size_t i = m; i < raw.size() && all; i += metrics) all = fits(raw[i]);
      if (all) return unit;
    }
    int exponent = 0;
    std::frexp(range, &exponent);
    return std::ldexp(1.0, exponent - 40);
  }

  const Domain& domain_;
  const Space& space_;
  Values& values_;
  Terms terms_;
  const std::vector<SpaceRule>* rules_ = nullptr;
  Neighbours partners_;
  Architecture reference_;
  std::vector<std::vector<double>> raw_;  ///< By term: values of its rows.
};

namespace {

/// "" where the tables say what the metrics are; else an architecture for which they do not.
std::string mismatch(const Terms& terms, Values& values, const Architecture& a) {
  std::vector<int64_t> sums;
  const auto text = [&] { return terms.domain().space().text(a); };
  if (!terms.evaluate(a, sums)) return "its tables leave out " + text();
  const std::vector<double>& truth = values.of(a);
  for (size_t m = 0; m < sums.size(); ++m) {
    const Unit& unit = terms.units()[m];
    const double told = unit.value(sums[m]);
    const double off = std::abs(told - truth[m]) - static_cast<double>(unit.slack) * unit.size;
    if (unit.slack == 0 ? told != truth[m] : off > 0 && !values.same(off, 0, m))
      return terms.units()[m].metric + " is no sum over few choices each: " + text() +
             " differs from what its parts add up to";
  }
  return "";
}

std::string verify(const Terms& terms, Values& values, Factorised& result) {
  const Domain& domain = terms.domain();
  const BigInt count = domain.count();
  if (terms.count() != count) return "its tables count other architectures than there are";
  std::string wrong;
  result.verified = 0;
  const auto check = [&](const Architecture& a) {
    wrong = mismatch(terms, values, a);
    ++result.verified;
    return wrong.empty();
  };
  result.proven = count <= kAllUpTo;
  if (result.proven) {
    domain.enumerate(check);
    return wrong;
  }
  Rng rng(0, "exact.verify");
  Architecture a;
  for (int i = 0; i < 2 * kRandom && wrong.empty(); ++i) {
    i % 2 == 0 ? domain.sample(rng, a) : domain.sample_choices(rng, a);
    check(a);
  }
  return wrong;
}

bool at_most(const Domain& domain, int64_t most) {
  try {
    return domain.count() <= most;
  } catch (const ConfigError&) {
    return false;  // Too large to count.
  }
}

}  // namespace

Factorised factorise(const Domain& domain,
                     std::span<const MetricFunction> metrics,
                     int64_t listed) {
  Factorised result;
  std::vector<Values::Metric> functions;
  for (const MetricFunction& metric : metrics) functions.push_back(metric.value);
  Values values(domain.space(), std::move(functions));
  try {
    const auto rules = domain.rules();
    if (!rules) throw NotAdditive("what is valid can be told of whole architectures only");
    // Random architectures cannot tell a largest value from a sum where one part is the largest
    // nearly always.
    if (!at_most(domain, kAllUpTo))
      for (const MetricFunction& metric : metrics)
        if (!metric.sum) throw NotAdditive(metric.name + " is no sum over the parts of a network");
    for (const int contexts : kContexts) {
      Terms terms = Builder(domain, metrics, values).build(*rules, contexts);
      result.why_not = verify(terms, values, result);
      if (result.why_not.empty()) {
        result.terms.emplace(std::move(terms));
        break;
      }
    }
  } catch (const NotAdditive& e) {
    result.why_not = e.what();
  }
  if (!result.terms && at_most(domain, listed)) {
    try {
      result.terms.emplace(Builder(domain, metrics, values).list());
      result.why_not.clear();
      result.proven = true;
    } catch (const NotAdditive& e) {
      result.why_not = e.what();
    }
  }
  result.asked = values.asked();
  return result;
}

}  // namespace nas::exact
