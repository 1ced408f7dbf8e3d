// The networks of a custom space, or a part of it, with the fewest and the most MACs.
#include <algorithm>
#include <array>
#include <map>

#include "spaces/custom/custom_space.hpp"

namespace nas::custom {
namespace {

// Combinations of the tied choices that are gone through; draws and rounds where there are more.
constexpr size_t kCases = 1000;
constexpr int kDraws = 200, kRounds = 8;

struct Size {
  int64_t macs = 0, params = 0;
  auto operator<=>(const Size&) const = default;  // NOLINT(modernize-use-nullptr): tidy 14
  Size& operator+=(const Size& other) {
    macs += other.macs;
    params += other.params;
    return *this;
  }
};

}  // namespace

// A network's size is the sum of its layers', and grows with every kernel, expansion, width and
// resolution, so these stand at their end of the list. What has no order is decided stage by stage,
// for each map that may arrive: the kind of a layer by trying all; whether a stage is empty (which
// keeps the map large and may pass more channels on) by keeping the best way to each map. All this
// holds for choices that only their own stage decides about. Those that conditions and rules tie
// together are gone through beforehand.
class Custom::Extremes {
 public:
  Extremes(const Custom& space, const Domain& domain);
  /// Most MACs (sign 1) or fewest (sign -1), then parameters.
  Architecture find(int sign);
  /// Whether that is the best of all, and not the best that was met.
  bool exact() const { return all_cases_; }

 private:
  struct Found {
    Size size;  ///< Times the sign.
    Architecture a;
  };
  struct State {
    Found found;
    int channels = 0, map = 0;
  };
  void find_tied();
  void list_cases();
  bool is_free(size_t param) const { return space_.open(param) && !tied_[space_.choice_of(param)]; }
  int16_t end_of(size_t choice) const {
    return domain_.option(choice, sign_ < 0 ? 0 : domain_.option_count(choice) - 1);
  }
  Size signed_size() const {
    const Cost cost = cost_of(plan_, space_.counting());
    return {sign_ * cost.macs, sign_ * cost.params};
  }
  Found complete(Architecture tied);
  State after_stem(Architecture a);
  std::vector<int> depth_options(size_t s, const Architecture& a) const;
  void add_layers(size_t s, Width width, bool one_width, State& state);
  void set_kind(const Layer& layer, size_t kind, Architecture& a) const;
  void add_layer(size_t s, size_t j, const Block& block, State& state);
  Size layer_size(size_t s, size_t j, const Block& block, const State& state);
  void add_head(Width width, State& state);
  Found best_draw();
  Found climb(Found best);
  bool improve(size_t choice, Found& best);
  bool take_better(Architecture a, Found& best);
  Architecture changed(Architecture a, size_t choice, int16_t option) const;

  const Custom& space_;
  const Domain& domain_;
  const Model& model_;
  int sign_ = 1;
  std::vector<char> tied_;             ///< By choice.
  std::vector<size_t> tied_in_order_;  ///< After what they hang on.
  std::vector<Architecture> cases_;    ///< Valid options of the tied choices, the others 0.
  bool all_cases_ = true;
  std::map<std::array<int, 8>, Size> sizes_;  ///< Of layers, unsigned.
  Plan plan_;
};

Custom::Extremes::Extremes(const Custom& space, const Domain& domain)
    : space_(space), domain_(domain), model_(space.layout_.model) {
  find_tied();
  list_cases();
}

void Custom::Extremes::find_tied() {
  tied_.assign(space_.choices_.size(), 0);
  for (const Param& param : model_.params())
    if (param.choice >= 0 && param.tied) tied_[static_cast<size_t>(param.choice)] = 1;
  for (const SpaceRule& rule : space_.rules_)
    for (const size_t c : rule.choices) tied_[c] = 1;
  const std::vector<size_t>& order = space_.tables_->order();
  for (auto it = order.rbegin(); it != order.rend(); ++it)
    if (tied_[*it])
      for (const Condition& condition : space_.choices_[*it].conditions)
        tied_[static_cast<size_t>(condition.on)] = 1;
  for (const size_t c : order)
    if (tied_[c]) tied_in_order_.push_back(c);
}

void Custom::Extremes::list_cases() {
  Architecture a{std::vector<int16_t>(space_.choices_.size(), 0)};
  size_t tried = 0;
  const auto walk = [&](const auto& self, size_t k) -> bool {
    if (k == tied_in_order_.size()) {
      // Rules look at nothing but tied choices.
      if (space_.allowed(a, nullptr)) cases_.push_back(a);
      return ++tried <= kCases;
    }
    const size_t c = tied_in_order_[k];
    const bool active = space_.active(a, c);
    const size_t options = active ? domain_.option_count(c) : 1;
    bool go_on = true;
    for (size_t i = 0; i < options && go_on; ++i) {
      a.genes[c] = active ? domain_.option(c, i) : int16_t{0};
      go_on = self(self, k + 1);
    }
    a.genes[c] = 0;
    return go_on;
  };
  all_cases_ = walk(walk, 0);
}

Architecture Custom::Extremes::find(int sign) {
  sign_ = sign;
  if (!all_cases_) return climb(best_draw()).a;
  // Among equals the one nearest to its end of the lists.
  if (sign > 0) std::reverse(cases_.begin(), cases_.end());
  Found best = complete(cases_.front());
  for (size_t i = 1; i < cases_.size(); ++i) {
    Found found = complete(cases_[i]);
    if (found.size > best.size) best = std::move(found);
  }
  if (sign > 0) std::reverse(cases_.begin(), cases_.end());
  return best.a;
}

// The best that the tied choices of `a` leave.
Custom::Extremes::Found Custom::Extremes::complete(Architecture a) {
  for (size_t c = 0; c < tied_.size(); ++c)
    if (!tied_[c]) a.genes[c] = 0;
  const size_t resolution = space_.layout_.resolution;
  if (is_free(resolution))
    a.genes[space_.choice_of(resolution)] = end_of(space_.choice_of(resolution));
  std::vector<State> states{after_stem(std::move(a))};
  Width width{space_.o_.stem.width, space_.o_.stem.width};
  bool one_width = true;
  for (size_t s = 0; s < space_.layout_.stages.size(); ++s) {
    std::vector<State> next;
    for (const State& state : states)
      for (const int option : depth_options(s, state.found.a)) {
        State after = state;
        const size_t depth = space_.layout_.stages[s].depth;
        if (is_free(depth))
          after.found.a.genes[space_.choice_of(depth)] = static_cast<int16_t>(option);
        add_layers(s, {state.channels, width.full}, one_width, after);
        const auto same = std::find_if(next.begin(), next.end(), [&](const State& other) {
          return other.channels == after.channels && other.map == after.map;
        });
        if (same == next.end())
          next.push_back(std::move(after));
        else if (after.found.size > same->found.size)
          *same = std::move(after);
      }
    // The same for all states but for the channels, which they know.
    const Stage& stage = space_.layout_.stages[s];
    const Architecture& any = next.front().found.a;
    space_.pass(
        s, {model_.option(stage.width, any), model_.option(stage.depth, any)}, width, one_width);
    states = std::move(next);
  }
  for (State& state : states) add_head({state.channels, width.full}, state);
  return std::max_element(
             states.begin(),
             states.end(),
             [](const State& x, const State& y) { return x.found.size < y.found.size; })
      ->found;
}

Custom::Extremes::State Custom::Extremes::after_stem(Architecture a) {
  const int resolution =
      space_.o_.resolutions[static_cast<size_t>(model_.option(space_.layout_.resolution, a))];
  PlanBuilder b(plan_, space_.symbols_, {space_.o_.channels, resolution, resolution});
  const int32_t x = space_.stem(b);
  return {{signed_size(), std::move(a)}, space_.o_.stem.width, b.shape(x).h};
}

// Deeper is larger, but an empty stage may be either.
std::vector<int> Custom::Extremes::depth_options(size_t s, const Architecture& a) const {
  const size_t depth = space_.layout_.stages[s].depth;
  if (!is_free(depth)) return {model_.option(depth, a)};
  const size_t choice = space_.choice_of(depth);
  const bool may_be_empty =
      space_.o_.stages[s].depths.front() == 0 && domain_.option(choice, 0) == 0;
  std::vector<int> options{end_of(choice)};
  if (!may_be_empty || domain_.option_count(choice) == 1) return options;
  options.push_back(sign_ > 0 ? 0 : domain_.option(choice, 1));
  return options;
}

void Custom::Extremes::add_layers(size_t s, Width width, bool one_width, State& state) {
  const Stage& stage = space_.layout_.stages[s];
  Architecture& a = state.found.a;
  const int depth = space_.depth_of(s, a);
  if (is_free(stage.width) && depth > 0)
    a.genes[space_.choice_of(stage.width)] = end_of(space_.choice_of(stage.width));
  const auto option = static_cast<size_t>(model_.option(stage.width, a));
  for (size_t j = 0; j < static_cast<size_t>(depth); ++j) {
    const Block block = space_.block_at(s, j, width, option, one_width);
    add_layer(s, j, block, state);
    state.map = (state.map - 1) / block.stride + 1;
    state.channels = block.out.now;
  }
}

// Candidate `kind`, with its kernel and expansion at their end, where they are active: the kind may
// be closed, and its first option at work.
void Custom::Extremes::set_kind(const Layer& layer, size_t kind, Architecture& a) const {
  if (is_free(layer.kind)) a.genes[space_.choice_of(layer.kind)] = static_cast<int16_t>(kind);
  for (size_t k = 0; k < layer.candidates.size(); ++k)
    for (const size_t param : {layer.candidates[k].kernel, layer.candidates[k].expansion}) {
      if (!is_free(param)) continue;
      const size_t c = space_.choice_of(param);
      a.genes[c] = k == kind && space_.active(a, c) ? end_of(c) : int16_t{0};
    }
}

void Custom::Extremes::add_layer(size_t s, size_t j, const Block& block, State& state) {
  const Layer& layer = space_.layout_.stages[s].layers[j];
  Architecture& a = state.found.a;
  std::vector<int16_t> kinds{static_cast<int16_t>(model_.option(layer.kind, a))};
  if (is_free(layer.kind)) kinds = domain_.options(space_.choice_of(layer.kind));
  if (sign_ > 0) std::reverse(kinds.begin(), kinds.end());
  std::optional<std::pair<Size, size_t>> best;
  for (const int16_t kind : kinds) {
    set_kind(layer, static_cast<size_t>(kind), a);
    const Size size = layer_size(s, j, block, state);
    if (!best || size > best->first) best = {size, static_cast<size_t>(kind)};
  }
  set_kind(layer, best->second, a);
  state.found.size += best->first;
}

Size Custom::Extremes::layer_size(size_t s, size_t j, const Block& block, const State& state) {
  const Architecture& a = state.found.a;
  const Layer& layer = space_.layout_.stages[s].layers[j];
  const int kind = model_.option(layer.kind, a);
  const Candidate& candidate = layer.candidates[static_cast<size_t>(kind)];
  const auto option = [&](size_t param) { return param == kNoParam ? 0 : model_.option(param, a); };
  const auto [entry, fresh] = sizes_.try_emplace({static_cast<int>(s),
                                                  static_cast<int>(j),
                                                  kind,
                                                  option(candidate.kernel),
                                                  option(candidate.expansion),
                                                  block.in.now,
                                                  block.out.now,
                                                  state.map});
  if (fresh) {
    PlanBuilder b(plan_, space_.symbols_, {block.in.now, state.map, state.map});
    b.origin({});
    space_.layer(b, a, s, j, block, {}, Plan::kInput);
    const Cost cost = cost_of(plan_, space_.counting());
    entry->second = {cost.macs, cost.params};
  }
  return {sign_ * entry->second.macs, sign_ * entry->second.params};
}

void Custom::Extremes::add_head(Width width, State& state) {
  PlanBuilder b(plan_, space_.symbols_, {state.channels, state.map, state.map});
  space_.head(b, Plan::kInput, width);
  state.found.size += signed_size();
}

// Where the tied choices have too many combinations: from a good one, one choice at a time, with a
// second one of the same rule where the first breaks it.
Custom::Extremes::Found Custom::Extremes::best_draw() {
  Rng rng(0, sign_ > 0 ? "largest" : "smallest");
  Architecture corner, a;
  for (size_t c = 0; c < space_.choices_.size(); ++c) corner.genes.push_back(end_of(c));
  corner = space_.fix_inactive(std::move(corner));
  domain_.sample(rng, a);
  Found best = complete(space_.valid(corner) ? corner : a);
  for (int i = 0; i < kDraws; ++i) {
    domain_.sample(rng, a);
    take_better(a, best);
  }
  return best;
}

Custom::Extremes::Found Custom::Extremes::climb(Found best) {
  bool better = true;
  for (int round = 0; round < kRounds && better; ++round) {
    better = false;
    for (const size_t c : tied_in_order_) better = improve(c, best) || better;
  }
  return best;
}

bool Custom::Extremes::improve(size_t choice, Found& best) {
  bool better = false;
  for (const int16_t o : domain_.options(choice)) {
    if (!space_.active(best.a, choice)) break;
    const Architecture a = changed(best.a, choice, o);
    if (space_.valid(a)) {
      better = take_better(a, best) || better;
      continue;
    }
    for (const SpaceRule& rule : space_.rules_) {
      if (rule.holds(a)) continue;
      for (const size_t second : rule.choices)
        for (const int16_t p : domain_.options(second))
          if (second != choice) better = take_better(changed(a, second, p), best) || better;
    }
  }
  return better;
}

bool Custom::Extremes::take_better(Architecture a, Found& best) {
  if (!space_.valid(a)) return false;
  Found found = complete(std::move(a));
  if (found.size <= best.size) return false;
  best = std::move(found);
  return true;
}

// What the change wakes stands at its end of the list.
Architecture Custom::Extremes::changed(Architecture a, size_t choice, int16_t option) const {
  const std::vector<char> before = active_choices(space_.choices_, a);
  a.genes[choice] = option;
  for (size_t c = 0; c < before.size(); ++c)
    if (!before[c] && c != choice) a.genes[c] = end_of(c);
  return space_.fix_inactive(std::move(a));
}

std::optional<Architecture> Custom::extreme_of(const Domain& part, int sign) const {
  Extremes extremes(*this, part);
  // Going through a small part beats climbing.
  constexpr int64_t kSmall = 2000;
  if (!extremes.exact() && !part.whole() && part.count() <= kSmall) return std::nullopt;
  return extremes.find(sign);
}

}  // namespace nas::custom
