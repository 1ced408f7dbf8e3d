// Set operations on a part of a space. A part with fewer options is a space with fewer options: the
// same tables (space_tables.cpp) are made of the options that are left, so that counts and draws
// stay exact.
#include "spaces/domain.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <stdexcept>

#include "spaces/counting/domain_part.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int kMaxDraws = 1'000'000;  ///< Before there is taken to be (next to) nothing valid.
constexpr int kPartDraws = 10'000;    ///< In a part, before its law is written out.
constexpr int64_t kListed = 200'000;  ///< Parts up to this size may be listed.
constexpr int64_t kFormsListed = 100'000;

}  // namespace

// ---- A part: filtering options before the tables are built keeps everything exact, with no
// second kind of table. A condition on options that are not allowed cannot hold.

Domain::Part::Part(const Space& space,
                   const Restriction& restriction_,
                   bool constrained,
                   const std::vector<SpaceRule>& rules,
                   const std::function<bool(const Architecture&)>& allowed)
    : restriction(restriction_), space_(space) {
  std::vector<std::vector<int16_t>> position;
  for (size_t c = 0; c < space.choices().size(); ++c) {
    const auto count = static_cast<int16_t>(space.choices()[c].options.size());
    auto& kept = options.emplace_back();
    position.emplace_back(static_cast<size_t>(count), int16_t{-1});
    for (int16_t o = 0; o < count; ++o) {
      if (!restriction.allows(c, o)) continue;
      position.back()[static_cast<size_t>(o)] = static_cast<int16_t>(kept.size());
      kept.push_back(o);
    }
  }
  for (size_t c = 0; c < space.choices().size(); ++c) {
    const Choice& whole = space.choices()[c];
    Choice choice{whole.name, {}, {}};
    for (const int16_t o : options[c])
      choice.options.push_back(whole.options[static_cast<size_t>(o)]);
    for (const Condition& condition : whole.conditions) {
      Condition& open = choice.conditions.emplace_back(Condition{condition.on, {}});
      for (const int16_t o : condition.options)
        if (const int16_t at = position[static_cast<size_t>(condition.on)][static_cast<size_t>(o)];
            at >= 0)
          open.options.push_back(at);
    }
    choices.push_back(std::move(choice));
  }
  rejects = constrained && rules.empty();
  tables.emplace(choices, translated(rules));
  if (!rejects || tables->count() > kListed) return;
  enumerate_by_conditions(choices, [&](const Architecture& positions) {
    if (Architecture a = expanded(positions); allowed(a)) listed.push_back(std::move(a));
    return true;
  });
}

Architecture Domain::Part::raw(const Architecture& positions) const {
  Architecture a = positions;
  for (size_t c = 0; c < a.genes.size(); ++c)
    a.genes[c] = options[c][static_cast<size_t>(a.genes[c])];
  return a;
}

Architecture Domain::Part::expanded(const Architecture& positions) const {
  return space_.fix_inactive(raw(positions));
}

// Rules look at genes of the space. That inactive ones are not 0 here says nothing to them: whether
// a choice is active is not decided by inactive ones.
std::vector<SpaceRule> Domain::Part::translated(const std::vector<SpaceRule>& rules) const {
  std::vector<SpaceRule> made;
  for (const SpaceRule& rule : rules)
    made.push_back({rule.choices, [this, holds = rule.holds](const Architecture& positions) {
                      return holds(raw(positions));
                    }});
  return made;
}

Domain::Domain(const Space& space, const Restriction& restriction) : space_(&space) {
  if (restriction.everything()) return;
  if (restriction.allowed_.size() != space.choices().size())
    throw std::logic_error("a restriction of another space");
  part_ = std::make_shared<const Part>(
      space, restriction, space.constrained(), space.rules(), [&space](const Architecture& a) {
        return space.allowed(a, nullptr);
      });
  const bool empty = part_->rejects && part_->tables->count() <= kListed
                         ? part_->listed.empty()
                         : part_->tables->count() == 0;
  if (empty)
    throw ConfigError("no architecture of the space " + space.name() + " has " +
                          restriction.text() + ": its rules leave none",
                      "Allow further options; 'nas space count' with fewer terms tells which.");
}

const Restriction& Domain::restriction() const {
  static const Restriction kEverything;
  return whole() ? kEverything : part_->restriction;
}

std::string Domain::name() const {
  return space_->name() + (whole() ? "" : " with " + restriction().text());
}

size_t Domain::option_count(size_t choice) const {
  return whole() ? space_->choices()[choice].options.size() : part_->options[choice].size();
}

int16_t Domain::option(size_t choice, size_t i) const {
  return whole() ? static_cast<int16_t>(i) : part_->options[choice][i];
}

std::vector<int16_t> Domain::options(size_t choice) const {
  if (!whole()) return part_->options[choice];
  std::vector<int16_t> all(option_count(choice));
  std::iota(all.begin(), all.end(), int16_t{0});
  return all;
}

size_t Domain::open_choices() const {
  size_t open = 0;
  for (size_t c = 0; c < space_->choices().size(); ++c)
    if (option_count(c) > 1 || space_->choices()[c].options.size() == 1) ++open;
  return std::max<size_t>(1, open);
}

bool Domain::contains(const Architecture& a, std::string* why) const {
  return space_->valid(a, why) && restriction().contains(a, why);
}

std::optional<std::vector<SpaceRule>> Domain::rules() const {
  std::vector<SpaceRule> rules = space_->rules();
  if (rules.empty() && space_->constrained()) return std::nullopt;
  return rules;
}

// ---- Count, list, draw.

BigInt Domain::count() const {
  if (whole()) return space_->count();
  if (!part_->rejects) return part_->tables->count();
  if (part_->tables->count() <= kListed) return part_->listed.size();
  if (part_->tables->count() > Space::kEnumerable)
    throw ConfigError(name() + " is too large to count by going through it (" +
                      part_->tables->count().str() + " architectures before its constraints)");
  int64_t n = 0;
  enumerate([&n](const Architecture&) { return ++n > 0; });
  return n;
}

void Domain::enumerate(const std::function<bool(const Architecture&)>& f) const {
  if (whole()) return space_->enumerate(f);
  enumerate_by_conditions(part_->choices, [&](const Architecture& positions) {
    const Architecture a = part_->expanded(positions);
    return !valid_draw(a) || f(a);
  });
}

bool Domain::valid_draw(const Architecture& a) const {
  return !space_->constrained() || space_->allowed(a, nullptr);
}

void Domain::fail_draws() const {
  throw ConfigError(
      "space " + name() + ": no valid architecture in " + std::to_string(kMaxDraws) + " draws",
      "its constraints leave (next to) nothing; see 'nas space check'");
}

void Domain::sample(Rng& rng, Architecture& out) const {
  if (whole()) return space_->sample(rng, out);
  if (!part_->listed.empty()) {
    out = part_->listed[rng.below(part_->listed.size())];
    return;
  }
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    part_->tables->sample(part_->choices, rng, out);
    out = part_->expanded(out);
    if (!part_->rejects || valid_draw(out)) return;
  }
  fail_draws();
}

Architecture Domain::sample(Rng& rng) const {
  Architecture a;
  sample(rng, a);
  return a;
}

// Where a restriction makes valid draws rare, the law is written out: each valid architecture with
// the product of its choices' probabilities.
void Domain::sample_choices(Rng& rng, Architecture& out) const {
  const std::vector<Choice>& choices = space_->choices();
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    out.genes.assign(choices.size(), 0);
    for (const size_t c : space_->tables().order())
      if (choices[c].conditions.empty() || space_->active(out, c))
        out.genes[c] = option(c, rng.below(option_count(c)));
    if (valid_draw(out)) return;
    if (whole() || draw < kPartDraws || part_->tables->count() > kListed) continue;
    const std::lock_guard lock(part_->mutex);
    if (!part_->by_choices) {
      auto& law = part_->by_choices.emplace();
      std::vector<double> weights;
      enumerate([&](const Architecture& a) {
        double weight = 1;
        for (size_t c = 0; c < choices.size(); ++c)
          if (space_->active(a, c)) weight /= static_cast<double>(option_count(c));
        law.architectures.push_back(a);
        weights.push_back(weight);
        return true;
      });
      law.cumulative = cumulative_of(weights);
    }
    out = part_->by_choices
              ->architectures[draw_from_cumulative(part_->by_choices->cumulative, rng.uniform())];
    return;
  }
  fail_draws();
}

// ---- Vary.

std::vector<Architecture> Domain::neighbours(const Architecture& a) const {
  const Architecture self = space_->fix_inactive(a);
  // What a change wakes has a gene that is allowed.
  Architecture opened = self;
  for (size_t c = 0; !whole() && c < opened.genes.size(); ++c)
    if (!space_->active(self, c)) opened.genes[c] = option(c, 0);
  std::set<Architecture> found;
  for (size_t c = 0; c < self.genes.size(); ++c) {
    if (!space_->active(self, c)) continue;
    for (size_t i = 0; i < option_count(c); ++i) {
      Architecture other = opened;
      other.genes[c] = option(c, i);
      other = space_->fix_inactive(std::move(other));
      if (other != self && contains(other)) found.insert(std::move(other));
    }
  }
  return {found.begin(), found.end()};
}

Architecture Domain::mutate(const Architecture& a, double rate, Rng& rng) const {
  const Architecture self = space_->fix_inactive(a);
  constexpr int kTries = 100;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    Architecture child = self;
    // In dependency order, so that choices woken by a mutation are drawn too.
    for (const size_t c : space_->tables().order()) {
      if (!space_->active(child, c)) continue;
      const bool woken = !space_->active(self, c) || !allows(c, self.genes[c]);
      if (woken || rng.uniform() < rate) child.genes[c] = option(c, rng.below(option_count(c)));
    }
    child = space_->fix_inactive(std::move(child));
    if (child != self && contains(child)) return child;
  }
  // A tiny rate or a tight space: one random neighbour, if there is any.
  const std::vector<Architecture> others = neighbours(self);
  if (!others.empty()) return others[rng.below(others.size())];
  return contains(self) ? self : sample(rng);
}

Architecture Domain::crossover(const Architecture& a, const Architecture& b, Rng& rng) const {
  // A gene of a choice that is not active in a parent (or not allowed) means nothing: where only
  // one parent has the choice it is taken from that one, and where none has it (both shared in
  // opening it) it is drawn.
  const size_t choices = space_->choices().size();
  std::vector<char> in_a = active_choices(space_->choices(), a);
  std::vector<char> in_b = active_choices(space_->choices(), b);
  for (size_t c = 0; !whole() && c < choices; ++c) {
    if (!allows(c, a.genes[c])) in_a[c] = 0;
    if (!allows(c, b.genes[c])) in_b[c] = 0;
  }
  constexpr int kTries = 20;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    Architecture child{std::vector<int16_t>(choices, 0)};
    for (const size_t c : space_->tables().order()) {
      if (!space_->active(child, c)) continue;
      if (in_a[c] != 0 && in_b[c] != 0)
        child.genes[c] = rng.next() & 1 ? b.genes[c] : a.genes[c];
      else if (in_a[c] != 0 || in_b[c] != 0)
        child.genes[c] = in_a[c] != 0 ? a.genes[c] : b.genes[c];
      else
        child.genes[c] = option(c, rng.below(option_count(c)));
    }
    if (contains(child)) return child;
  }
  Architecture parent = space_->fix_inactive(rng.next() & 1 ? a : b);
  return contains(parent) ? parent : sample(rng);
}

// ---- One form for each network.

Architecture Domain::canonical(const Architecture& a) const {
  Architecture form = space_->canonical(a);
  if (whole() || restriction().contains(form)) return form;
  if (const std::optional<Architecture> told = space_->canonical_in(*this, a)) return *told;
  const Architecture self = space_->fix_inactive(a);
  if (part_->tables->count() > kFormsListed) return self;
  const std::lock_guard lock(part_->mutex);
  if (!part_->forms) {
    auto& forms = part_->forms.emplace();
    enumerate([&](const Architecture& inside) {
      const auto [at, fresh] = forms.try_emplace(space_->canonical(inside), inside);
      if (!fresh && inside < at->second) at->second = inside;
      return true;
    });
  }
  const auto at = part_->forms->find(form);
  return at == part_->forms->end() ? self : at->second;
}

// ---- Of the space: its own set operations are those of the whole domain.

void Space::sample_choices(Rng& rng, Architecture& out) const {
  Domain(*this).sample_choices(rng, out);
}
std::vector<Architecture> Space::neighbours(const Architecture& a) const {
  return Domain(*this).neighbours(a);
}
Architecture Space::mutate(const Architecture& a, double rate, Rng& rng) const {
  return Domain(*this).mutate(a, rate, rng);
}
Architecture Space::crossover(const Architecture& a, const Architecture& b, Rng& rng) const {
  return Domain(*this).crossover(a, b, rng);
}

std::optional<Architecture> Space::extreme_of(const Domain&, int) const {
  return std::nullopt;
}
std::optional<Architecture> Space::canonical_in(const Domain&, const Architecture&) const {
  return std::nullopt;
}

}  // namespace nas
