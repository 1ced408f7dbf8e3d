#include "cli/runs/trained/stand_alone.hpp"

#include "cli/terminal/suggest.hpp"
#include "supernet/train/strategy.hpp"

namespace nas::cli {
namespace {

std::string what_to_do(const SupernetRun& run, const std::string& text) {
  return "its own network: " +
         suggested({"export", "--run", run.row.id, "--arch", text}, run.common) +
         ", or nas evaluate with the same; to compare others train a supernet (another "
         "`strategy:`)";
}

}  // namespace

std::optional<Architecture> stand_alone(const RunParts& parts) {
  const TrainConfig& c = parts.config;
  if (strategy_name(c) != "fixed") return std::nullopt;
  const StrategyContext context{*parts.space, c.seed, c.train.epochs, 1, 1, c.train};
  const auto strategy = make_strategy("fixed", context, strategy_source(c));
  return strategy->only();
}

void require_supernet(const SupernetRun& run, const std::string& doing) {
  const Space& space = *run.parts->space;
  const auto own = stand_alone(*run.parts);
  if (!own) return;
  const std::string text = space.text(*own);
  throw ConfigError("run " + run.row.id + " trained the architecture " + text +
                        " alone (strategy `fixed`), so it cannot be " + doing +
                        ": the weights of all others are untrained",
                    what_to_do(run, text));
}

void require_trained(const SupernetRun& run, const Architecture& a) {
  const Space& space = *run.parts->space;
  const Restriction part = trained_part(space, run.parts->config.train);
  std::string why;
  if (!part.contains(a, &why) && !part.contains(space.canonical(a)))
    throw ConfigError("run " + run.row.id + " trained a part of the space only (train.fix: " +
                          part.text() + "), and " + space.text(a) + " is outside: " + why,
                      "the weights that it needs are untrained; name another, or train the whole "
                      "space");
  const auto own = stand_alone(*run.parts);
  if (!own || space.canonical(a) == space.canonical(*own)) return;
  const std::string text = space.text(*own);
  throw ConfigError("run " + run.row.id + " trained the architecture " + text +
                        " alone (strategy `fixed`); the weights of " + space.text(a) +
                        " are untrained",
                    what_to_do(run, text));
}

}  // namespace nas::cli
