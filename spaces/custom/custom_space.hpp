#pragma once
// A custom space, once its options are read and its parameters are decided.
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spaces/counting/space_tables.hpp"
#include "spaces/custom/custom_model.hpp"
#include "spaces/domain.hpp"
#include "spaces/text/notation.hpp"

namespace nas::custom {

constexpr size_t kNoParam = static_cast<size_t>(-1);

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

/// What the constructor of the space needs; made before it, so that mistakes are told first.
struct Layout {
  Model model;
  size_t resolution = kNoParam;
  std::vector<Stage> stages;
};

class Custom final : public Space, public Notated {
 public:
  Custom(Options options, Layout layout, std::vector<Choice> choices);
  ~Custom() override;

  std::string legacy_fingerprint() const override;
  BigInt count() const override { return tables_->count(); }
  using Space::sample;
  void sample(Rng& rng, Architecture& out) const override { tables_->sample(choices_, rng, out); }
  /// The first valid architecture, by genes, of the same network: see custom_canonical.cpp.
  Architecture canonical(Architecture a) const override;
  /// By MACs: options may stand in any order. Exact unless conditions and rules name too many
  /// choices to go through their combinations.
  Architecture smallest() const override { return smallest_; }
  Architecture largest() const override { return largest_; }
  /// Every option of every choice at least once, each in a network where it is active. Rules are
  /// left aside: the tensors of the supernet are those of all options.
  std::vector<Architecture> cover() const override;
  void build(const Architecture& a, Plan& plan) const override;
  /// Resolution and stages joined by '/', a stage is width:layers, a layer is its block and the
  /// block's open choices: `r32/16:conv+k3,mb+k5+e4/48:skip`. parse also takes choice=option,...
  std::string text(const Architecture& a) const override;
  Architecture parse(std::string_view text) const override;
  Notation notation() const override;

 protected:
  bool constrained() const override { return !rules_.empty(); }
  bool allowed(const Architecture& a, std::string* why) const override;
  std::string constraints_text() const override;
  std::vector<SpaceRule> rules() const override { return rules_; }
  std::optional<Architecture> extreme_of(const Domain& part, int sign) const override;
  std::optional<Architecture> canonical_in(const Domain& part,
                                           const Architecture& a) const override;

 private:
  struct StageGenes {
    int width, depth;
  };
  void name_layers(size_t s);
  bool fulfilled(const Condition& condition, const Architecture& a, bool when_inactive) const;
  SpaceRule space_rule(const Rule& rule) const;
  std::string conditions_text(const std::vector<Condition>& conditions) const;
  std::string rule_text(size_t r) const;
  class Networks;
  class Extremes;
  int32_t stem(PlanBuilder& b) const;
  Block block_at(size_t s, size_t j, Width in, size_t width_option, bool one_width) const;
  /// `width` and `one_width` (whether the channels that arrive are the same in every
  /// architecture) of a stage's input become those of its output.
  void pass(size_t s, StageGenes genes, Width& width, bool& one_width) const;
  int32_t stage(PlanBuilder& b,
                const Architecture& a,
                size_t s,
                int32_t x,
                Width& width,
                bool& one_width) const;
  int32_t layer(PlanBuilder& b,
                const Architecture& a,
                size_t s,
                size_t j,
                const Block& block,
                StageGenes genes,
                int32_t x) const;
  /// One kind of a layer; `block` but for its kind.
  int32_t candidate(PlanBuilder& b,
                    const Architecture& a,
                    size_t s,
                    size_t j,
                    size_t kind,
                    Block block,
                    StageGenes genes,
                    int32_t x) const;
  /// None for a parameter that is fixed.
  Provenance origin(size_t param, int option) const {
    if (!open(param)) return {};
    return {static_cast<int16_t>(choice_of(param)), static_cast<int16_t>(option)};
  }
  void head(PlanBuilder& b, int32_t x, Width width) const;

  bool open(size_t param) const {
    return param != kNoParam && layout_.model.params()[param].choice >= 0;
  }
  int depth_of(size_t s, const Architecture& a) const {
    const int option = layout_.model.option(layout_.stages[s].depth, a);
    return o_.stages[s].depths[static_cast<size_t>(option)];
  }
  size_t choice_of(size_t param) const {
    return static_cast<size_t>(layout_.model.params()[param].choice);
  }
  void parse_stage(size_t s, std::string_view part, std::string_view text, Architecture& a) const;
  void parse_layer(
      size_t s, size_t j, std::string_view part, std::string_view text, Architecture& a) const;
  void set(size_t param,
           std::string_view word,
           const std::string& where,
           std::string_view text,
           Architecture& a) const;

  Options o_;
  Layout layout_;
  std::vector<SpaceRule> rules_;
  std::optional<SamplingTables> tables_;
  Architecture smallest_, largest_;
  std::pair<uint32_t, uint32_t> stem_, head_;
  uint32_t classifier_ = 0;
  mutable std::mutex networks_mutex_;
  std::unique_ptr<Networks> networks_;
};

}  // namespace nas::custom
