#include "spaces/custom.hpp"

#include <algorithm>
#include <optional>

#include "spaces/custom_model.hpp"
#include "spaces/registry.hpp"
#include "spaces/sha256.hpp"
#include "spaces/space_tables.hpp"

namespace nas {
namespace custom {
namespace {

constexpr size_t kNoParam = static_cast<size_t>(-1);
// Draws that look for the smallest and largest valid architecture under rules.
constexpr int kExtremeDraws = 2000;

std::string number_word(double v) {
  std::string text = std::to_string(v);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

template <typename T>
std::vector<std::string> words(const std::vector<T>& values) {
  std::vector<std::string> out;
  for (const T value : values) out.push_back(number_word(static_cast<double>(value)));
  return out;
}

struct Candidate {
  BlockOptions options;
  BlockNames names;
  size_t kernel = kNoParam, expansion = kNoParam;  ///< Parameters, where the kind has them.
};
struct Layer {
  size_t kind = kNoParam;  ///< Parameter: which candidate.
  std::vector<Candidate> candidates;
  BlockNames shortcut;
};
struct Stage {
  size_t width = kNoParam, depth = kNoParam;
  std::vector<Layer> layers;
};

/// What the constructor of the space needs; made by plan_stages before anything can fail.
struct Layout {
  Model model;
  size_t resolution = kNoParam;
  std::vector<Stage> stages;
};

void add_candidates(Layout& layout,
                    const Options& o,
                    const StageOptions& stage,
                    Layer& layer,
                    const std::string& name,
                    size_t j) {
  const std::vector<std::string>& blocks = blocks_of(stage, j);
  layer.kind = layout.model.add(name, blocks);
  for (size_t i = 0; i < blocks.size(); ++i) {
    Candidate candidate{block_named(o, blocks[i]), {}};
    const Need chosen{layer.kind, {static_cast<int16_t>(i)}};
    if (has_kernel(candidate.options.kind)) {
      candidate.kernel =
          layout.model.add(name + "." + blocks[i] + ".kernel", words(candidate.options.kernels));
      layout.model.need(candidate.kernel, chosen);
    }
    if (has_expansion(candidate.options.kind)) {
      candidate.expansion =
          layout.model.add(name + "." + blocks[i] + ".expand", words(candidate.options.expansions));
      layout.model.need(candidate.expansion, chosen);
    }
    layer.candidates.push_back(std::move(candidate));
  }
}

Layout plan_stages(const Options& o) {
  Layout layout;
  layout.resolution = layout.model.add("resolution", words(o.resolutions));
  for (const StageOptions& options : o.stages) {
    Stage stage;
    stage.width = layout.model.add(options.name + ".width", words(options.widths));
    stage.depth = layout.model.add(options.name + ".depth", words(options.depths));
    const int layers = options.depths.empty() ? 0 : std::clamp(options.depths.back(), 0, 32);
    for (int j = 0; j < layers; ++j) {
      Layer layer;
      add_candidates(layout,
                     o,
                     options,
                     layer,
                     options.name + ".layer" + std::to_string(j + 1),
                     static_cast<size_t>(j));
      Need deep{stage.depth, {}};
      for (size_t d = 0; d < options.depths.size(); ++d)
        if (options.depths[d] > j) deep.options.push_back(static_cast<int16_t>(d));
      layout.model.need(layer.kind, deep);
      stage.layers.push_back(std::move(layer));
    }
    layout.stages.push_back(std::move(stage));
  }
  return layout;
}

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

class Custom final : public Space {
 public:
  Custom(Options options, Layout layout, std::vector<Choice> choices)
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
  }

  std::string fingerprint() const override {
    Options options = o_;
    return sha256_hex(Space::fingerprint() +
                      write_yaml([&options](Binder& b) { describe(b, options); }));
  }

  BigInt count() const override { return tables_->count(); }
  using Space::sample;
  void sample(Rng& rng, Architecture& out) const override { tables_->sample(choices_, rng, out); }

  Architecture smallest() const override {
    const Architecture zero{std::vector<int16_t>(choices_.size(), 0)};
    return valid(zero) ? zero : extreme(-1);
  }
  Architecture largest() const override {
    Architecture last;
    for (const Choice& choice : choices_)
      last.genes.push_back(static_cast<int16_t>(choice.options.size() - 1));
    last = fix_inactive(std::move(last));
    return valid(last) ? last : extreme(1);
  }

  /// Rules are left aside: the tensors of the supernet are those of all options.
  std::vector<Architecture> cover() const override {
    std::vector<Architecture> set{smallest(), largest()};
    const auto seen = [&set, this](size_t c, int16_t option) {
      return std::any_of(set.begin(), set.end(), [&](const Architecture& a) {
        return a.genes[c] == option && active(a, c);
      });
    };
    for (size_t c = 0; c < choices_.size(); ++c)
      for (size_t o = 0; o < choices_[c].options.size(); ++o) {
        const auto option = static_cast<int16_t>(o);
        if (seen(c, option)) continue;
        Architecture a{std::vector<int16_t>(choices_.size(), -1)};
        if (!wake(c, {option}, a)) continue;
        for (int16_t& gene : a.genes) gene = std::max<int16_t>(gene, 0);
        set.push_back(fix_inactive(std::move(a)));
      }
    return set;
  }

  void build(const Architecture& a, Plan& plan) const override {
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
    // Sources of the maps that can arrive: a stage of depth 0 hands on the one before.
    bool one_width = true;
    for (size_t s = 0; s < layout_.stages.size(); ++s) x = stage(b, a, s, x, width, one_width);
    b.origin({});
    head(b, x, width);
  }

 protected:
  bool constrained() const override { return !rules_.empty(); }
  bool allowed(const Architecture& a, std::string* why) const override {
    for (size_t r = 0; r < rules_.size(); ++r)
      if (!rules_[r].holds(a)) {
        if (why != nullptr) *why = "breaks the rule that requires " + rule_text(r);
        return false;
      }
    return true;
  }

 private:
  void name_layers(size_t s) {
    for (size_t j = 0; j < layout_.stages[s].layers.size(); ++j) {
      Layer& layer = layout_.stages[s].layers[j];
      const std::string name = o_.stages[s].name + ".layer" + std::to_string(j + 1);
      layer.shortcut = BlockNames::intern(symbols_, name);
      for (Candidate& candidate : layer.candidates)
        candidate.names = BlockNames::intern(symbols_, name + "." + candidate.options.name);
    }
  }

  bool fulfilled(const Condition& condition, const Architecture& a, bool when_inactive) const {
    const auto on = static_cast<size_t>(condition.on);
    if (!active_by_conditions(choices_, a, on)) return when_inactive;
    return std::find(condition.options.begin(), condition.options.end(), a.genes[on]) !=
           condition.options.end();
  }

  SpaceRule space_rule(const Rule& rule) const {
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

  std::string conditions_text(const std::vector<Condition>& conditions) const {
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
  std::string rule_text(size_t r) const {
    const Rule& rule = layout_.model.rules()[r];
    const std::string require = conditions_text(rule.require);
    return rule.when.empty() ? require : require + " when " + conditions_text(rule.when);
  }

  /// Among many draws the one with most (sign 1) or least (-1) MACs; ties by genes.
  Architecture extreme(int sign) const {
    Rng rng(0, sign > 0 ? "largest" : "smallest");
    Architecture best, drawn;
    int64_t best_macs = 0;
    Plan plan;
    for (int i = 0; i < kExtremeDraws; ++i) {
      sample(rng, drawn);
      build(drawn, plan);
      const int64_t macs = sign * cost_of(plan).macs;
      if (i > 0 && (macs < best_macs || (macs == best_macs && best <= drawn))) continue;
      best_macs = macs;
      best = drawn;
    }
    return best;
  }

  /// Sets choice `c` to one of `options` and wakes what it hangs on; -1 is a gene not set yet.
  bool wake(size_t c, std::vector<int16_t> options, Architecture& a) const {
    if (a.genes[c] >= 0)
      return std::find(options.begin(), options.end(), a.genes[c]) != options.end();
    a.genes[c] = options.back();
    for (const Condition& condition : choices_[c].conditions)
      if (!wake(static_cast<size_t>(condition.on), condition.options, a)) return false;
    return true;
  }

  /// Appends a stage; `width` and `one_width` (whether the channels that arrive are the same in
  /// every architecture) are those of its input, then of its output.
  int32_t stage(PlanBuilder& b,
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
      block.same_width = j > 0 || (one_width && fixed(stage.width) && width.full == widest &&
                                   width.now == out.now);
      x = layer(b, a, stage, options.shortcut, j, block, {width_option, depth_option}, x);
    }
    const bool may_be_empty = fixed(stage.depth) ? depth == 0 : options.depths.front() == 0;
    const int32_t full = may_be_empty ? std::max(width.full, widest) : widest;
    one_width =
        may_be_empty ? one_width && fixed(stage.width) && width.full == widest : fixed(stage.width);
    width = {depth > 0 ? out.now : width.now, full};
    return x;
  }

  struct StageGenes {
    int width, depth;
  };

  int32_t layer(PlanBuilder& b,
                const Architecture& a,
                const Stage& stage,
                bool shortcut,
                size_t j,
                Block block,
                StageGenes genes,
                int32_t x) const {
    const Model& model = layout_.model;
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

  void head(PlanBuilder& b, int32_t x, Width width) const {
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

  Options o_;
  Layout layout_;
  std::vector<SpaceRule> rules_;
  std::optional<SamplingTables> tables_;
  std::pair<uint32_t, uint32_t> stem_, head_;
  uint32_t classifier_ = 0;
};

// Networks at the corners must chain. What the checks of the options let through is told by
// architecture, not from within the training.
void check_networks(const Custom& space, Mistakes& mistakes) {
  Plan plan;
  for (const Architecture& a : space.cover()) {
    try {
      space.build(a, plan);
    } catch (const InternalShapeError& e) {
      mistakes.add("stages", "the network " + space.text(a) + " cannot be built: " + e.what());
      return;
    }
  }
}

std::unique_ptr<Space> make(const YamlSource& source) {
  Mistakes mistakes(source);
  Options options = read_options(source, mistakes);
  if (options.stages.size() > 32 || options.blocks.size() > 64) mistakes.raise();
  Layout layout = plan_stages(options);
  layout.model.read(options, mistakes);
  std::vector<Choice> choices = layout.model.resolve(mistakes);
  mistakes.raise();
  std::unique_ptr<Custom> space;
  try {
    space = std::make_unique<Custom>(options, std::move(layout), std::move(choices));
  } catch (const ConfigError& error) {
    const Problem& problem = error.problems().front();
    mistakes.add(options.rules.empty() ? "conditions" : "rules", problem.message, problem.hint);
    mistakes.raise();
  }
  if (space->count() == 0)
    mistakes.add("rules",
                 "the space has no valid architecture: no combination of options keeps all rules",
                 "Remove rules until 'nas space count' answers more than 0.");
  else
    check_networks(*space, mistakes);
  mistakes.raise();
  return space;
}

}  // namespace
}  // namespace custom

std::unique_ptr<Space> make_custom(const YamlSource& section) {
  // Parsed once, since each mistake looks up its place.
  return custom::make(yaml_section(section, "").value_or(section));
}

std::string schema_custom() {
  return json_schema("space: family custom", [](Binder& b) {
    custom::Options options;
    describe(b, options);
  });
}

}  // namespace nas
