// The smallest and the largest architecture of a part of a space.
#include <algorithm>

#include "spaces/counting/domain_part.hpp"
#include "spaces/domain.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

// Parts up to this size are gone through; constraints, which know no order, are worth more time.
constexpr int64_t kListed = 2000, kListedConstrained = 20'000;
constexpr int kRounds = 8;  ///< Passes over the choices; two do where sizes add up.

/// By MACs, then parameters, times the sign.
struct Size {
  int64_t macs = 0, params = 0;
  auto operator<=>(const Size&) const = default;  // NOLINT(modernize-use-nullptr): tidy 14
};

class Best {
 public:
  Best(const Space& space, int sign) : space_(space), sign_(sign) {}
  /// Keeps the larger; among equals the first, or with `last` the last.
  bool offer(const Architecture& a, bool last = false) {
    space_.build(a, plan_);
    const Cost cost = cost_of(plan_, space_.counting());
    const Size size{sign_ * cost.macs, sign_ * cost.params};
    if (!best_.genes.empty() && !(size > size_ || (last && size == size_))) return false;
    size_ = size;
    best_ = a;
    return true;
  }
  const Architecture& get() const { return best_; }

 private:
  const Space& space_;
  const int sign_;
  Plan plan_;
  Size size_;
  Architecture best_;
};

}  // namespace

Architecture Domain::smallest() const {
  return whole() ? space_->smallest() : extreme(-1);
}
Architecture Domain::largest() const {
  return whole() ? space_->largest() : extreme(1);
}

Architecture Domain::extreme(int sign) const {
  std::optional<Architecture>& known = part_->extremes[sign > 0 ? 1 : 0];
  {
    const std::lock_guard lock(part_->mutex);
    if (known) return *known;
  }
  Architecture found;
  if (std::optional<Architecture> told = space_->extreme_of(*this, sign)) {
    found = std::move(*told);
  } else if (part_->tables->count() <= (space_->constrained() ? kListedConstrained : kListed)) {
    Best best(*space_, sign);
    enumerate([&](const Architecture& a) {
      best.offer(a, sign > 0);
      return true;
    });
    found = best.get();
  } else {
    found = extreme_by_trying(sign);
  }
  const std::lock_guard lock(part_->mutex);
  known = found;
  return found;
}

// Widths, depths, kernels and resolutions are listed from small to large and a network grows with
// each of them, whatever the others are: these stand at their ends. Options without an order (kinds
// of layers, operations of edges) change their own part alone once the others stand, so that each
// choice for itself, or few together where a family says so, finds its best by trying all.
Architecture Domain::extreme_by_trying(int sign) const {
  const size_t choices = space_->choices().size();
  Architecture end;
  for (size_t c = 0; c < choices; ++c)
    end.genes.push_back(option(c, sign < 0 ? 0 : option_count(c) - 1));
  Architecture start = space_->fix_inactive(end);
  if (!contains(start)) {
    Rng rng(0, sign > 0 ? "largest" : "smallest");
    start = sample(rng);
  }
  std::vector<std::vector<size_t>> groups = space_->joint_sizes();
  std::vector<char> grouped(choices, 0);
  for (const std::vector<size_t>& group : groups)
    for (const size_t c : group) grouped[c] = 1;
  for (size_t c = 0; c < choices; ++c)
    if (grouped[c] == 0) groups.push_back({c});

  Best best(*space_, sign);
  best.offer(start);
  const auto try_all = [&](const std::vector<size_t>& group) {
    bool better = false;
    // What is closed now has its end where it opens.
    Architecture trial = best.get();
    for (size_t c = 0; c < choices; ++c)
      if (!space_->active(trial, c)) trial.genes[c] = end.genes[c];
    const auto walk = [&](const auto& self, size_t k) -> void {
      if (k == group.size()) {
        const Architecture a = space_->fix_inactive(trial);
        better = (contains(a) && best.offer(a)) || better;
        return;
      }
      for (size_t i = 0; i < option_count(group[k]); ++i) {
        trial.genes[group[k]] = option(group[k], i);
        self(self, k + 1);
      }
    };
    if (std::any_of(group.begin(), group.end(), [&](size_t c) { return space_->active(trial, c); }))
      walk(walk, 0);
    return better;
  };
  bool better = true;
  for (int round = 0; round < kRounds && better; ++round) {
    better = false;
    for (const std::vector<size_t>& group : groups) better = try_all(group) || better;
  }
  return best.get();
}

}  // namespace nas
