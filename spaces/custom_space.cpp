// Building, covering and bounding a custom space.
#include "spaces/custom_space.hpp"

#include <algorithm>

#include "spaces/sha256.hpp"

namespace nas::custom {
namespace {

// Draws and networks that the search for the smallest and the largest one may cost.
constexpr int kExtremeDraws = 1000;
constexpr int kExtremeBuilds = 3000;

/// Up to five (choice, option) pairs; PlanBuilder takes lists of fixed length.
class Origins {
 public:
  void put(const Model& model, size_t param, int option) {
    if (param == kNoParam || size_ == 5) return;
    const int choice = model.params()[param].choice;
    if (choice >= 0) pairs_[size_++] = {static_cast<int16_t>(choice), static_cast<int16_t>(option)};
  }
  void set(PlanBuilder& b) const {
    const auto& p = pairs_;
    if (size_ == 0) b.origin({});
    if (size_ == 1) b.origin({p[0]});
    if (size_ == 2) b.origin({p[0], p[1]});
    if (size_ == 3) b.origin({p[0], p[1], p[2]});
    if (size_ == 4) b.origin({p[0], p[1], p[2], p[3]});
    if (size_ == 5) b.origin({p[0], p[1], p[2], p[3], p[4]});
  }

 private:
  Provenance pairs_[5];
  size_t size_ = 0;
};

}  // namespace

Custom::Custom(Options options, Layout layout, std::vector<Choice> choices)
    : o_(std::move(options)), layout_(std::move(layout)) {
  name_ = "custom";
  classes_ = o_.classes;
  choices_ = std::move(choices);
  input_ = {o_.channels, o_.resolutions.back(), o_.resolutions.back(), false};
  stem_ = {symbols_.intern("stem.conv"), symbols_.intern("stem.bn")};
  head_ = {symbols_.intern("head.conv"), symbols_.intern("head.bn")};
  classifier_ = symbols_.intern("classifier");
  for (size_t s = 0; s < layout_.stages.size(); ++s) name_layers(s);
  for (const Rule& rule : layout_.model.rules()) rules_.push_back(space_rule(rule));
  tables_.emplace(choices_, rules_);
  if (tables_->count() == 0) return;
  smallest_ = extreme(-1);
  largest_ = extreme(1);
}

std::string Custom::fingerprint() const {
  Options options = o_;
  return sha256_hex(Space::fingerprint() +
                    write_yaml([&options](Binder& b) { describe(b, options); }));
}

// The width of a stage without layers is nobody's: it counts at its first option, where the rules
// allow that.
Architecture Custom::canonical(Architecture a) const {
  a = fix_inactive(std::move(a));
  Architecture form = a;
  for (const Stage& stage : layout_.stages) {
    const Param& width = layout_.model.params()[stage.width];
    const auto option = static_cast<size_t>(layout_.model.option(stage.depth, a));
    if (width.choice >= 0 &&
        o_.stages[static_cast<size_t>(&stage - layout_.stages.data())].depths[option] == 0)
      form.genes[static_cast<size_t>(width.choice)] = 0;
  }
  form = fix_inactive(std::move(form));
  return valid(form) ? form : a;
}

std::vector<Architecture> Custom::cover() const {
  std::vector<Architecture> set;
  std::vector<std::vector<char>> seen;
  for (const Choice& choice : choices_) seen.emplace_back(choice.options.size(), 0);
  const auto add = [&](Architecture a) {
    for (size_t c = 0; c < choices_.size(); ++c)
      if (active(a, c)) seen[c][static_cast<size_t>(a.genes[c])] = 1;
    set.push_back(fix_inactive(std::move(a)));
  };
  add(smallest_);
  add(largest_);
  for (size_t c = 0; c < choices_.size(); ++c)
    for (size_t o = 0; o < choices_[c].options.size(); ++o) {
      std::vector<std::vector<int16_t>> open(choices_.size());
      if (seen[c][o] || !wake(c, {static_cast<int16_t>(o)}, open)) continue;
      Architecture a{std::vector<int16_t>(choices_.size(), -1)};
      for (size_t k = 0; k < choices_.size(); ++k)
        if (!open[k].empty()) a.genes[k] = open[k].back();
      // The rest shows what else has not been seen yet.
      for (size_t other = 0; other < choices_.size(); ++other) {
        if (a.genes[other] >= 0) continue;
        const auto fresh = std::find(seen[other].begin(), seen[other].end(), 0);
        a.genes[other] = fresh == seen[other].end()
                             ? int16_t{0}
                             : static_cast<int16_t>(fresh - seen[other].begin());
      }
      add(std::move(a));
    }
  return set;
}

void Custom::build(const Architecture& a, Plan& plan) const {
  const Model& model = layout_.model;
  const int resolution = model.option(layout_.resolution, a);
  Shape image = input_;
  image.h = image.w = o_.resolutions[static_cast<size_t>(resolution)];
  PlanBuilder b(plan, symbols_, image);
  plan.resize_input = o_.resolutions.size() > 1;
  b.origin({});
  Width width{o_.stem.width, o_.stem.width};
  int32_t x = add_conv_bn(
      b, Plan::kInput, stem_, {o_.channels, o_.channels}, width, o_.stem.kernel, o_.stem.stride);
  x = b.add(Activation{o_.stem.act}, 0, x);
  bool one_width = true;
  for (size_t s = 0; s < layout_.stages.size(); ++s) x = stage(b, a, s, x, width, one_width);
  b.origin({});
  head(b, x, width);
}

bool Custom::allowed(const Architecture& a, std::string* why) const {
  for (size_t r = 0; r < rules_.size(); ++r)
    if (!rules_[r].holds(a)) {
      if (why != nullptr) *why = "breaks the rule that requires " + rule_text(r);
      return false;
    }
  return true;
}

void Custom::name_layers(size_t s) {
  for (size_t j = 0; j < layout_.stages[s].layers.size(); ++j) {
    Layer& layer = layout_.stages[s].layers[j];
    const std::string name = o_.stages[s].name + ".layer" + std::to_string(j + 1);
    layer.shortcut = BlockNames::intern(symbols_, name);
    for (Candidate& candidate : layer.candidates)
      candidate.names = BlockNames::intern(symbols_, name + "." + candidate.options.name);
  }
}

bool Custom::fulfilled(const Condition& condition,
                       const Architecture& a,
                       bool when_inactive) const {
  const auto on = static_cast<size_t>(condition.on);
  if (!active_by_conditions(choices_, a, on)) return when_inactive;
  return std::find(condition.options.begin(), condition.options.end(), a.genes[on]) !=
         condition.options.end();
}

SpaceRule Custom::space_rule(const Rule& rule) const {
  SpaceRule made;
  for (const auto* side : {&rule.when, &rule.require})
    for (const Condition& condition : *side)
      made.choices.push_back(static_cast<size_t>(condition.on));
  made.holds = [this, rule](const Architecture& a) {
    for (const Condition& condition : rule.when)
      if (!fulfilled(condition, a, false)) return true;
    return std::all_of(rule.require.begin(), rule.require.end(), [&](const Condition& c) {
      return fulfilled(c, a, true);
    });
  };
  return made;
}

std::string Custom::conditions_text(const std::vector<Condition>& conditions) const {
  std::string text;
  for (const Condition& condition : conditions) {
    const Choice& choice = choices_[static_cast<size_t>(condition.on)];
    text += (text.empty() ? "" : " and ") + choice.name + " in [";
    for (size_t i = 0; i < condition.options.size(); ++i)
      text += (i > 0 ? ", " : "") + choice.options[static_cast<size_t>(condition.options[i])];
    text += "]";
  }
  return text;
}
std::string Custom::rule_text(size_t r) const {
  const Rule& rule = layout_.model.rules()[r];
  const std::string require = conditions_text(rule.require);
  return rule.when.empty() ? require : require + " when " + conditions_text(rule.when);
}

// Coordinate search by MACs (sign 1: most, -1: least), from the corner where it is valid, else from
// the best of some draws. Two rounds suffice where choices hardly interact.
Architecture Custom::extreme(int sign) const {
  Plan plan;
  const auto size = [&](const Architecture& a) {
    build(a, plan);
    const Cost cost = cost_of(plan);
    return std::pair(sign * cost.macs, sign * cost.params);
  };
  Architecture best;
  for (const Choice& choice : choices_)
    best.genes.push_back(sign < 0 ? int16_t{0} : static_cast<int16_t>(choice.options.size() - 1));
  best = fix_inactive(std::move(best));
  if (!valid(best)) {
    Rng rng(0, sign > 0 ? "largest" : "smallest");
    sample(rng, best);
    Architecture drawn;
    for (int i = 1; i < kExtremeDraws; ++i) {
      sample(rng, drawn);
      if (size(drawn) > size(best)) best = drawn;
    }
  }
  auto most = size(best);
  for (int round = 0, builds = 0; round < 2; ++round, builds = 0)
    for (size_t c = 0; c < choices_.size(); ++c)
      for (size_t o = 0; o < choices_[c].options.size() && builds < kExtremeBuilds; ++o) {
        if (!active(best, c)) break;
        Architecture other = best;
        other.genes[c] = static_cast<int16_t>(o);
        // What this option opens counts at its best, not at its first option.
        for (size_t k = 0; k < choices_.size(); ++k)
          if (!active(best, k))
            other.genes[k] =
                sign < 0 ? int16_t{0} : static_cast<int16_t>(choices_[k].options.size() - 1);
        other = fix_inactive(std::move(other));
        if (other == best || !valid(other)) continue;
        ++builds;
        const auto macs = size(other);
        if (macs <= most) continue;
        most = macs;
        best = std::move(other);
      }
  return best;
}

// Keeps choice `c` to `options` and wakes what it hangs on. Every condition must hold, so what two
// of them leave of one choice is what both allow; `open` is empty where nothing is asked.
bool Custom::wake(size_t c,
                  const std::vector<int16_t>& options,
                  std::vector<std::vector<int16_t>>& open) const {
  if (!open[c].empty()) {
    std::erase_if(open[c], [&](int16_t o) {
      return std::find(options.begin(), options.end(), o) == options.end();
    });
    return !open[c].empty();
  }
  open[c] = options;
  for (const Condition& condition : choices_[c].conditions)
    if (!wake(static_cast<size_t>(condition.on), condition.options, open)) return false;
  return true;
}

// Appends a stage; `width` and `one_width` (whether the channels that arrive are the same in
// every architecture) are those of its input, then of its output.
int32_t Custom::stage(PlanBuilder& b,
                      const Architecture& a,
                      size_t s,
                      int32_t x,
                      Width& width,
                      bool& one_width) const {
  const Model& model = layout_.model;
  const Stage& stage = layout_.stages[s];
  const StageOptions& options = o_.stages[s];
  const auto fixed = [&model](size_t param) { return model.params()[param].choice < 0; };
  const int width_option = model.option(stage.width, a);
  const int depth_option = model.option(stage.depth, a);
  const int depth = options.depths[static_cast<size_t>(depth_option)];
  const int widest = fixed(stage.width) ? options.widths[static_cast<size_t>(width_option)]
                                        : options.widths.back();
  const Width out{options.widths[static_cast<size_t>(width_option)], widest};
  for (size_t j = 0; j < static_cast<size_t>(depth); ++j) {
    Block block;
    block.in = j == 0 ? width : out;
    block.out = out;
    block.stride = j == 0 ? options.stride : 1;
    block.same_width =
        j > 0 || (one_width && fixed(stage.width) && width.full == widest && width.now == out.now);
    x = layer(b, a, s, j, block, {width_option, depth_option}, x);
  }
  const bool may_be_empty = fixed(stage.depth) ? depth == 0 : options.depths.front() == 0;
  const int32_t full = may_be_empty ? std::max(width.full, widest) : widest;
  one_width =
      may_be_empty ? one_width && fixed(stage.width) && width.full == widest : fixed(stage.width);
  width = {depth > 0 ? out.now : width.now, full};
  return x;
}

int32_t Custom::layer(PlanBuilder& b,
                      const Architecture& a,
                      size_t s,
                      size_t j,
                      Block block,
                      StageGenes genes,
                      int32_t x) const {
  const Model& model = layout_.model;
  const Stage& stage = layout_.stages[s];
  const bool shortcut = o_.stages[s].shortcut;
  const Layer& layer = stage.layers[j];
  const int kind = model.option(layer.kind, a);
  const Candidate& candidate = layer.candidates[static_cast<size_t>(kind)];
  const BlockOptions& options = candidate.options;
  Origins outer, inner;
  block.kind = options.kind;
  block.act = options.act;
  block.se = options.se;
  block.own_shortcut = !shortcut;
  inner.put(model, layer.kind, kind);
  outer.put(model, layer.kind, kind);
  if (candidate.kernel != kNoParam) {
    const int option = model.option(candidate.kernel, a);
    block.kernel = options.kernels[static_cast<size_t>(option)];
    const bool fixed = model.params()[candidate.kernel].choice < 0;
    block.full_kernel = fixed ? block.kernel : options.kernels.back();
    inner.put(model, candidate.kernel, option);
  }
  if (candidate.expansion != kNoParam) {
    const int option = model.option(candidate.expansion, a);
    block.expansion = options.expansions[static_cast<size_t>(option)];
    const bool fixed = model.params()[candidate.expansion].choice < 0;
    block.full_expansion = fixed ? block.expansion : options.expansions.back();
    block.expands = fixed ? block.expansion != 1
                          : std::any_of(options.expansions.begin(),
                                        options.expansions.end(),
                                        [](double e) { return e != 1; });
    inner.put(model, candidate.expansion, option);
  }
  for (Origins* origins : {&inner, &outer}) {
    origins->put(model, stage.width, genes.width);
    origins->put(model, stage.depth, genes.depth);
  }
  int32_t y = Plan::kInput;
  if (block.kind != Kind::kNone) {
    inner.set(b);
    y = add_block(b, block, candidate.names, x);
  }
  if (!shortcut) return y;
  outer.set(b);
  const int32_t beside = add_shortcut(b, block, layer.shortcut, x);
  return block.kind == Kind::kNone ? beside : b.add(Add{}, 0, {y, beside});
}

void Custom::head(PlanBuilder& b, int32_t x, Width width) const {
  if (o_.head.width > 0) {
    const Width out{o_.head.width, o_.head.width};
    x = add_conv_bn(b, x, head_, width, out, 1, 1);
    x = b.add(Activation{o_.head.act}, 0, x);
    width = out;
  }
  x = b.add(GlobalAvgPool{}, 0, x);
  if (o_.head.dropout > 0) x = b.add(Dropout{static_cast<float>(o_.head.dropout)}, 0, x);
  Linear linear;
  linear.in = width.now;
  linear.full_in = width.full;
  linear.out = linear.full_out = classes_;
  b.add(linear, classifier_, x);
}

}  // namespace nas::custom
