// Pairs of paths: a random one, then the one with the opposite option of every choice, so that what
// a pair trains is balanced.
#include <algorithm>

#include "spaces/random.hpp"
#include "supernet/samplers/section.hpp"
#include "supernet/train/strategy_state.hpp"
#include "toys/toys.hpp"

namespace nas::test {
namespace {

struct Options {};
void describe(Binder&, Options&) {}

class AntitheticPaths final : public PathSampler {
 public:
  explicit AntitheticPaths(const StrategyContext& context)
      : domain_(context.domain()), rng_(context.seed, context.stream("paths")) {}

  void draw(Path& path) override {
    if (pending_.genes.empty()) {
      domain_.sample(rng_, path.architecture);
      pending_ = opposite(path.architecture);
    } else {
      path.architecture = std::move(pending_);
      pending_.genes.clear();
    }
  }
  void save(StrategyState& state) override {
    state.text["rng"] = rng_.state();
    state.put_doubles("pending", {pending_.genes.begin(), pending_.genes.end()});
  }
  void load(const StrategyState& state) override {
    rng_.restore(state.string_at("rng"));
    const auto size = static_cast<size_t>(state.tensor_at("pending").numel());
    const std::vector<double> genes = state.doubles_at("pending", size);
    pending_.genes.assign(genes.begin(), genes.end());
  }

 private:
  Architecture opposite(const Architecture& a) const {
    Architecture b = a;
    for (size_t c = 0; c < b.genes.size(); ++c) {
      const std::vector<int16_t> options = domain_.options(c);
      const auto at = std::find(options.begin(), options.end(), a.genes[c]);
      if (at != options.end()) b.genes[c] = options[options.end() - at - 1];
    }
    b = domain_.space().fix_inactive(std::move(b));
    return domain_.contains(b) ? b : a;  // Where options depend on one another.
  }

  Domain domain_;
  Rng rng_;
  Architecture pending_;  ///< The second of a pair; no genes: a pair begins.
};

}  // namespace

PathSamplerEntry antithetic_paths() {
  return {
      "antithetic",
      "Pairs of opposite paths.",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<PathSampler> {
        read_named<Options>(source);
        return std::make_unique<AntitheticPaths>(context);
      },
      [](Binder&) {}};
}

}  // namespace nas::test
