// Uniform paths (single-path one-shot training, panda.md 3.5), and the same path always.
#include "spaces/random.hpp"
#include "spaces/text/read_architecture.hpp"
#include "supernet/samplers/path_sampler.hpp"
#include "supernet/samplers/section.hpp"
#include "supernet/train/strategy_state.hpp"

namespace nas {
namespace {

class UniformPaths final : public PathSampler {
 public:
  UniformPaths(const StrategyContext& context, UniformOver over)
      : domain_(context.domain()), over_(over), rng_(context.seed, context.stream("paths")) {}
  void draw(Path& path) override {
    if (over_ == UniformOver::kChoices)
      domain_.sample_choices(rng_, path.architecture);
    else
      domain_.sample(rng_, path.architecture);
  }
  void save(StrategyState& state) override { state.text["rng"] = rng_.state(); }
  void load(const StrategyState& state) override { rng_.restore(state.string_at("rng")); }

 private:
  Domain domain_;
  UniformOver over_;
  Rng rng_;
};

class FixedPath final : public PathSampler {
 public:
  explicit FixedPath(Architecture a) : architecture_(std::move(a)) {}
  void draw(Path& path) override { path.architecture = architecture_; }
  std::optional<Architecture> only() const override { return architecture_; }
  void save(StrategyState&) override {}
  void load(const StrategyState&) override {}

 private:
  Architecture architecture_;
};

struct UniformOptions {
  UniformOver over = UniformOver::kChoices;
};
void describe(Binder& b, UniformOptions& o) {
  describe_over(b, o.over);
}

}  // namespace

void describe_over(Binder& b, UniformOver& over) {
  b.choice("over",
           over,
           {{"choices", UniformOver::kChoices}, {"architectures", UniformOver::kArchitectures}},
           "What is uniform: the options of every choice, or the valid architectures");
}

std::unique_ptr<PathSampler> make_uniform_paths(const StrategyContext& context, UniformOver over) {
  return std::make_unique<UniformPaths>(context, over);
}

std::unique_ptr<PathSampler> make_fixed_path(const StrategyContext& context,
                                             const std::string& text) {
  return std::make_unique<FixedPath>(text.empty() ? context.domain().largest()
                                                  : read_architecture(context.space, text));
}

PathSamplerEntry uniform_paths() {
  return {"uniform",
          "Every choice uniform among its options, or uniform over architectures.",
          [](const StrategyContext& context, const YamlSource& source) {
            return make_uniform_paths(context, read_named<UniformOptions>(source).over);
          },
          [](Binder& b) {
            UniformOptions o;
            describe(b, o);
          }};
}

}  // namespace nas
