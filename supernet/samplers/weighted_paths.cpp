// Fixed option probabilities: by the option's name for all choices, or for one choice. The control
// that separates what importance sampling learns from what it merely prefers: probabilities equal
// to those that it ended with, from the first step on.
#include <algorithm>
#include <cmath>

#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "supernet/samplers/path_sampler.hpp"
#include "supernet/samplers/section.hpp"
#include "supernet/train/strategy_state.hpp"

namespace nas {
namespace {

/// `p: ["conv=2", "edge3.skip=0.5"]`: relative weights of options; 1 where none is named.
struct Options {
  std::vector<std::string> p;
};
void describe(Binder& b, Options& o) {
  b.list("p",
         o.p,
         "Relative probability of options, OPTION=WEIGHT for every choice that has it or "
         "CHOICE.OPTION=WEIGHT; 1 where none is named");
}

class WeightedPaths final : public PathSampler {
 public:
  WeightedPaths(const StrategyContext& context, const Options& options, const YamlSource& source)
      : context_(context), domain_(context.domain()), rng_(context.seed, context.stream("paths")) {
    const std::vector<Choice>& choices = context_.space.choices();
    std::vector<std::vector<double>> weights;
    for (const Choice& c : choices) weights.emplace_back(c.options.size(), 1.0);
    for (const std::string& entry : options.p) put(entry, weights, source);
    const Domain domain = context_.domain();
    for (size_t c = 0; c < choices.size(); ++c) {
      for (size_t o = 0; o < weights[c].size(); ++o)
        if (!domain.allows(c, static_cast<int16_t>(o))) weights[c][o] = 0;
      double sum = 0;
      for (const double w : weights[c]) sum += w;
      if (sum <= 0)
        throw ConfigError(
            {yaml_problem(source,
                          "p",
                          "leaves choice '" + choices[c].name + "' without any option",
                          "give at least one of its options a weight above 0")});
      cumulative_.push_back(cumulative_of(weights[c]));
    }
    Path probe;  // Found out before a run is recorded.
    const Rng untouched = rng_;
    draw(probe);
    rng_ = untouched;
  }

  void draw(Path& path) override {
    constexpr int kTries = 10'000;
    Architecture& a = path.architecture;
    a.genes.resize(cumulative_.size());
    for (int i = 0; i < kTries; ++i) {
      for (size_t c = 0; c < cumulative_.size(); ++c)
        a.genes[c] = static_cast<int16_t>(draw_from_cumulative(cumulative_[c], rng_.uniform()));
      a = context_.space.fix_inactive(std::move(a));
      if (domain_.contains(a)) return;
    }
    throw ConfigError("path sampler weighted: no valid architecture among " +
                          std::to_string(kTries) + " drawn with these probabilities",
                      "give more options a weight above 0");
  }

  void save(StrategyState& state) override { state.text["rng"] = rng_.state(); }
  void load(const StrategyState& state) override { rng_.restore(state.string_at("rng")); }

 private:
  void put(const std::string& entry,
           std::vector<std::vector<double>>& weights,
           const YamlSource& source) const {
    const auto refuse = [&](const std::string& what, const std::string& hint) {
      return ConfigError({yaml_problem(source, "p", "'" + entry + "': " + what, hint)});
    };
    const size_t equals = entry.rfind('=');
    char* end = nullptr;
    const std::string number = equals == std::string::npos ? "" : entry.substr(equals + 1);
    const double weight = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0' || !std::isfinite(weight) || weight < 0)
      throw refuse("is not OPTION=WEIGHT with a weight of 0 or more", "e.g. \"conv3=2\"");
    const std::string name = entry.substr(0, equals);
    bool found = false;
    std::vector<std::string> known;
    const std::vector<Choice>& choices = context_.space.choices();
    for (size_t c = 0; c < choices.size(); ++c)
      for (size_t o = 0; o < choices[c].options.size(); ++o) {
        const std::string& option = choices[c].options[o];
        known.push_back(option);
        if (name != option && name != choices[c].name + "." + option) continue;
        weights[c][o] = weight;
        found = true;
      }
    if (found) return;
    const std::string near = nearest(name, known);
    throw refuse("no choice of space '" + context_.space.name() + "' has such an option",
                 near.empty() ? "`nas space show` lists them" : "did you mean '" + near + "'?");
  }

  StrategyContext context_;
  Domain domain_;
  Rng rng_;
  std::vector<std::vector<double>> cumulative_;  ///< Of each choice's options.
};

}  // namespace

PathSamplerEntry weighted_paths() {
  return {
      "weighted",
      "Options drawn with fixed probabilities.",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<PathSampler> {
        return std::make_unique<WeightedPaths>(context, read_named<Options>(source), source);
      },
      [](Binder& b) {
        Options o;
        describe(b, o);
      }};
}

}  // namespace nas
