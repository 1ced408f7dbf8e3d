// Building, covering and bounding a custom space.
#include "spaces/custom/custom_space.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <tuple>

#include "spaces/base/sha256.hpp"
#include "spaces/custom/custom_canonical.hpp"

namespace nas::custom {
Custom::Custom(Options options, Layout layout, std::vector<Choice> choices)
    : o_(std::move(options)), layout_(std::move(layout)) {
  name_ = "custom";
  classes_ = o_.classes;
  choices_ = std::move(choices);
  input_ = {o_.channels, o_.resolutions.back(), o_.resolutions.back()};
  stem_ = {symbols_.intern("stem.conv"), symbols_.intern("stem.bn")};
  head_ = {symbols_.intern("head.conv"), symbols_.intern("head.bn")};
  classifier_ = symbols_.intern("classifier");
  for (size_t s = 0; s < layout_.stages.size(); ++s) name_layers(s);
  for (const Rule& rule : layout_.model.rules()) rules_.push_back(space_rule(rule));
  tables_.emplace(choices_, rules_);
  if (tables_->count() == 0) return;
  smallest_ = *extreme_of(Domain(*this), -1);
  largest_ = *extreme_of(Domain(*this), 1);
  networks_ = std::make_unique<Networks>(*this);
}

Custom::~Custom() = default;

std::string Custom::legacy_fingerprint() const {
  Options options = o_;
  return sha256_hex(Space::legacy_fingerprint() +
                    write_yaml([&options](Binder& b) { describe(b, options); }));
}

// Rules in terms of choices, whatever their wording and order.
std::string Custom::constraints_text() const {
  std::set<std::string> lines;
  for (size_t r = 0; r < rules_.size(); ++r) lines.insert(rule_text(r));
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Architecture Custom::canonical(Architecture a) const {
  const std::lock_guard lock(networks_mutex_);
  return networks_->first_of(fix_inactive(std::move(a)), Domain(*this));
}

std::optional<Architecture> Custom::canonical_in(const Domain& part, const Architecture& a) const {
  const std::lock_guard lock(networks_mutex_);
  return networks_->first_of(fix_inactive(a), part);
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
  Demands demands(choices_);
  // What opens the choice at hand, else what has not been seen yet.
  const auto option_for = [&](size_t c) {
    const size_t options = choices_[c].options.size();
    if (demands.awake(c)) {
      for (size_t o = options; o-- > 0;)
        if (demands.allows(c, o)) return static_cast<int16_t>(o);
    }
    const auto fresh = std::find(seen[c].begin(), seen[c].end(), 0);
    return fresh == seen[c].end() ? int16_t{0} : static_cast<int16_t>(fresh - seen[c].begin());
  };
  for (size_t c = 0; c < choices_.size(); ++c)
    for (size_t o = 0; o < choices_[c].options.size(); ++o) {
      demands.undo(0);
      // False: it is never open.
      if (seen[c][o] || !demands.wake(c)) continue;
      Architecture a{std::vector<int16_t>(choices_.size(), 0)};
      for (size_t other = 0; other < choices_.size(); ++other)
        a.genes[other] = other == c ? static_cast<int16_t>(o) : option_for(other);
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
  int32_t x = stem(b);
  Width width{o_.stem.width, o_.stem.width};
  bool one_width = true;
  for (size_t s = 0; s < layout_.stages.size(); ++s) x = stage(b, a, s, x, width, one_width);
  b.origin({});
  head(b, x, width);
}

int32_t Custom::stem(PlanBuilder& b) const {
  const Width image{o_.channels, o_.channels}, out{o_.stem.width, o_.stem.width};
  const int32_t x = add_conv_bn(b, Plan::kInput, stem_, image, out, o_.stem.kernel, o_.stem.stride);
  return b.add(Activation{o_.stem.act}, 0, x);
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

// The block of a layer but for its kind.
Block Custom::block_at(size_t s, size_t j, Width in, size_t width_option, bool one_width) const {
  const StageOptions& options = o_.stages[s];
  const bool fixed = !open(layout_.stages[s].width);
  Block block;
  block.out = {options.widths[width_option],
               fixed ? options.widths[width_option] : options.widths.back()};
  block.in = j == 0 ? in : block.out;
  block.stride = j == 0 ? options.stride : 1;
  block.same_width =
      j > 0 || (one_width && fixed && in.full == block.out.full && in.now == block.out.now);
  return block;
}

void Custom::pass(size_t s, StageGenes genes, Width& width, bool& one_width) const {
  const StageOptions& options = o_.stages[s];
  const bool fixed = !open(layout_.stages[s].width);
  const int now = options.widths[static_cast<size_t>(genes.width)];
  const int widest = fixed ? now : options.widths.back();
  const int depth = options.depths[static_cast<size_t>(genes.depth)];
  const bool one_depth = !open(layout_.stages[s].depth);
  if (one_depth && depth == 0) return;
  const bool may_be_empty = !one_depth && options.depths.front() == 0;
  one_width = may_be_empty ? one_width && fixed && width.full == widest : fixed;
  width = {depth > 0 ? now : width.now, may_be_empty ? std::max(width.full, widest) : widest};
}

// Appends a stage.
int32_t Custom::stage(PlanBuilder& b,
                      const Architecture& a,
                      size_t s,
                      int32_t x,
                      Width& width,
                      bool& one_width) const {
  const Stage& stage = layout_.stages[s];
  const StageGenes genes{layout_.model.option(stage.width, a),
                         layout_.model.option(stage.depth, a)};
  for (size_t j = 0; j < static_cast<size_t>(depth_of(s, a)); ++j)
    x = layer(
        b, a, s, j, block_at(s, j, width, static_cast<size_t>(genes.width), one_width), genes, x);
  pass(s, genes, width, one_width);
  return x;
}

int32_t Custom::layer(PlanBuilder& b,
                      const Architecture& a,
                      size_t s,
                      size_t j,
                      const Block& block,
                      StageGenes genes,
                      int32_t x) const {
  const size_t kind = layout_.stages[s].layers[j].kind;
  const auto branch = [&](int option) {
    return candidate(b, a, s, j, static_cast<size_t>(option), block, genes, x);
  };
  b.origin({});
  return open(kind) ? b.choose(a.genes, choice_of(kind), branch)
                    : branch(layout_.model.option(kind, a));
}

int32_t Custom::candidate(PlanBuilder& b,
                          const Architecture& a,
                          size_t s,
                          size_t j,
                          size_t kind,
                          Block block,
                          StageGenes genes,
                          int32_t x) const {
  const Model& model = layout_.model;
  const Stage& stage = layout_.stages[s];
  const bool shortcut = o_.stages[s].shortcut;
  const Layer& layer = stage.layers[j];
  const Candidate& candidate = layer.candidates[kind];
  const BlockOptions& options = candidate.options;
  const Provenance width = origin(stage.width, genes.width);
  const Provenance depth = origin(stage.depth, genes.depth);
  Provenance kernel, expansion;
  block.kind = options.kind;
  block.act = options.act;
  block.se = options.se;
  block.own_shortcut = !shortcut;
  if (candidate.kernel != kNoParam) {
    const int option = model.option(candidate.kernel, a);
    block.kernel = options.kernels[static_cast<size_t>(option)];
    block.full_kernel = open(candidate.kernel) ? options.kernels.back() : block.kernel;
    kernel = origin(candidate.kernel, option);
  }
  if (candidate.expansion != kNoParam) {
    const int option = model.option(candidate.expansion, a);
    block.expansion = options.expansions[static_cast<size_t>(option)];
    const bool fixed = !open(candidate.expansion);
    block.full_expansion = fixed ? block.expansion : options.expansions.back();
    block.expands = fixed ? block.expansion != 1
                          : std::any_of(options.expansions.begin(),
                                        options.expansions.end(),
                                        [](double e) { return e != 1; });
    expansion = origin(candidate.expansion, option);
  }
  int32_t y = Plan::kInput;
  if (block.kind != Kind::kNone) {
    b.origin({kernel, expansion, width, depth});
    try {
      y = add_block(b, block, candidate.names, x);
    } catch (const InternalShapeError& e) {
      throw InternalShapeError("block '" + options.name + "' in layer " + std::to_string(j + 1) +
                               " of " + o_.stages[s].name + ": " + e.what());
    }
  }
  if (!shortcut) return y;
  b.origin({width, depth});
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
  b.classifier(linear, classifier_, x);
}

}  // namespace nas::custom
