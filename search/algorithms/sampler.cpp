// Where limits leave enough, draws outside are drawn again, which is exact. Where they leave next
// to nothing, a draw is walked to the limits by single changes taken at random among those that
// help (the steepest way would end in the same corner every time), and then wanders inside the
// limits: a Metropolis chain on Domain::mutate, whose stationary law is the one asked for, cut off
// at the limits. Changed choices that wake others draw them, so nothing starts from option 0.
#include "search/algorithms/sampler.hpp"

#include <algorithm>
#include <cmath>

#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int kTrials = 1000;    ///< Free draws to see whether the limits are met by chance,
constexpr int kHits = 5;         ///< that often at least.
constexpr int kDraws = 20000;    ///< Draws again; kHits of kTrials fail them with exp(-100).
constexpr size_t kPatience = 4;  ///< Changes per choice without gain before all are looked at.
constexpr int kWalks = 5;        ///< Walks that may fail, before the witness is taken.
constexpr size_t kMixing = 8;    ///< Steps per choice inside the limits.

}  // namespace

bool walk_to_limits(const CostLimits& limits, Architecture& a, Rng& rng) {
  if (limits.empty()) return true;
  const Domain& domain = limits.domain();
  const auto violation = [&](const Architecture& b) {
    return limits.violation(domain.canonical(b));
  };
  const size_t choices = domain.open_choices();
  const double rate = 1.0 / static_cast<double>(choices);
  double now = violation(a);
  for (size_t idle = 0; now > 0;) {
    Architecture b = domain.mutate(a, rate, rng);
    double then = violation(b);
    if (then < now) {
      idle = 0;
    } else if (++idle > kPatience * choices) {
      // Chance has not found a change that helps: take one of all single changes, if any does.
      std::vector<Architecture> changes = domain.neighbours(a);
      rng.shuffle(changes);
      const auto helps = [&](const Architecture& c) { return violation(c) < now; };
      const auto change = std::find_if(changes.begin(), changes.end(), helps);
      if (change == changes.end()) return false;
      b = *change;
      then = violation(b);
      idle = 0;
    }
    if (then > now) continue;
    a = std::move(b);
    now = then;
  }
  return true;
}

ArchitectureSampler::ArchitectureSampler(const CostLimits& limits,
                                         Initial initial,
                                         Architecture witness,
                                         uint64_t seed)
    : limits_(limits), domain_(limits.domain()), initial_(initial), witness_(std::move(witness)) {
  if (limits_.empty()) return;
  Rng rng(seed, "search.rare");
  int hits = 0;
  for (int i = 0; i < kTrials && hits < kHits; ++i)
    if (violation(draw_free(rng)) == 0) ++hits;
  rare_ = hits < kHits;
}

Architecture ArchitectureSampler::draw_free(Rng& rng) const {
  Architecture a;
  if (initial_ == Initial::kArchitectures) {
    domain_.sample(rng, a);
    return a;
  }
  try {
    domain_.sample_choices(rng, a);
  } catch (const ConfigError& e) {
    throw ConfigError(
        e.problems().front().message,
        "search.initial: architectures draws where choices are rarely valid together");
  }
  return a;
}

double ArchitectureSampler::violation(const Architecture& a) const {
  return limits_.violation(domain_.canonical(a));
}

Architecture ArchitectureSampler::draw(Rng& rng) const {
  Architecture a = draw_free(rng);
  if (limits_.empty()) return a;
  for (int i = 0; !rare_ && i < kDraws; ++i) {
    if (violation(a) == 0) return a;
    a = draw_free(rng);
  }
  for (int i = 0; !repair(a, rng); ++i) {
    if (i == kWalks) {
      a = witness_;
      break;
    }
    a = draw_free(rng);
  }
  mix(a, rng);
  return a;
}

// Logarithm of the number of ways to choose the active options: the chain of mutations visits
// architectures in proportion to the inverse of its exponential.
double ArchitectureSampler::log_options(const Architecture& a) const {
  const Space& space = domain_.space();
  double sum = 0;
  for (size_t c = 0; c < space.choices().size(); ++c)
    if (space.active(a, c)) sum += std::log(static_cast<double>(domain_.option_count(c)));
  return sum;
}

void ArchitectureSampler::mix(Architecture& a, Rng& rng) const {
  const size_t choices = domain_.open_choices();
  const double rate = 1.0 / static_cast<double>(choices);
  for (size_t step = 0; step < kMixing * choices; ++step) {
    Architecture b = domain_.mutate(a, rate, rng);
    const double u = rng.uniform();
    if (initial_ == Initial::kArchitectures && u >= std::exp(log_options(b) - log_options(a)))
      continue;
    if (violation(b) == 0) a = std::move(b);
  }
}

}  // namespace nas
