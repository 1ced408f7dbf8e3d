// What a supernet's configuration says of many networks (strategy, weights, the part of the space,
// a budget in multiply-adds of supernet steps) is left out; what it says of one (data, optimizer,
// epochs, augmentation) is the recipe.
#include "cli/runs/trained/retrain.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/config/stored_config.hpp"
#include "cli/config/train_config.hpp"
#include "cli/runs/arch_list.hpp"
#include "cli/runs/pick.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/trained/supernet_run.hpp"
#include "cli/terminal/suggest.hpp"
#include "supernet/files/checkpoint_files.hpp"
#include "supernet/weights/trained_weights.hpp"

namespace nas::cli {
namespace {

bool is_pick(const std::string& text) {
  constexpr size_t kLongest = 4;  // Longer ones are architectures of spaces that write digits.
  const bool digits = !text.empty() && text.size() <= kLongest &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  return text == "best" || text == "knee" || digits;
}

bool sets(const std::vector<std::string>& list, const std::string& key) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& set) {
    return set.starts_with(key + "=") || set.starts_with(key + ".");
  });
}

/// The run that is named, its architecture where one is to be picked.
struct Source {
  RunRow supernet;  ///< No id: none was named.
  std::string architecture, search, pick;
};

Source source_of(const RetrainOptions& o, const Store* store, const Common& common) {
  Source source;
  const std::string run = o.inherit.empty() ? o.run : o.inherit;
  source.architecture = o.inherit.empty() ? o.from_scratch : o.architecture;
  const bool picks = o.inherit.empty() ? is_pick(o.from_scratch) : o.architecture.empty();
  if (picks) {
    source.architecture.clear();
    source.pick = !o.inherit.empty() ? (o.pick.empty() ? "best" : o.pick) : o.from_scratch;
  }
  if (store == nullptr) return source;
  const Picked picked = pick_architecture(*store, run, source.pick, common);
  source.supernet = store->run(picked.supernet, "train").value();
  if (!picks) return source;
  source.architecture = picked.architecture;
  source.search = picked.search;
  return source;
}

/// As any training reads it, but for the sections that retraining decides.
TrainConfig config_from(const Source& source, const Store* store, const Common& common) {
  if (!common.config.empty()) {
    auto config = read_yaml_as<TrainConfig>(yaml_file(common.config, common.sets));
    const bool typed = sets(common.sets, "data");
    config.data.path = absolute_place(config.data.path, typed ? "" : common.config);
    config.space = absolute_space(config.space);
    return config;
  }
  auto config = read_yaml_as<TrainConfig>(stored_config(source.supernet, common.sets));
  config.data.path = sets(common.sets, "data.path")
                         ? absolute_place(config.data.path, "")
                         : place_of_data(*store, source.supernet.id, config.data.path);
  config.space = space_of_run(*store, source.supernet);
  return config;
}

void require_same_space(const Space& space, const RunRow& supernet, const Common& common) {
  if (supernet.id.empty() || space.has_fingerprint(supernet.fingerprint)) return;
  throw ConfigError("the space of " + common.config + " (" + space.name() +
                        ") is not that of run " + supernet.id + " (" + supernet.space + ")",
                    "name a configuration of that space, or leave --config out: then that of the "
                    "run is taken");
}

/// A supernet's weights without its data.
struct Opened {
  std::unique_ptr<Space> space;
  TrainConfig config;
  std::unique_ptr<WeightStore> weights;
  ReadCheckpoint read;
  Weights make(const Binder::Raw& section) const {
    return make_weights(WeightsContext{*space, config.seed, {}, config.train}, section);
  }
};

Opened open_weights(const Store& store, const RunRow& row, const Common& common) {
  if (checkpoints_in(row.directory).empty()) refuse_without_checkpoint(store, row, common);
  Opened opened;
  opened.space = open_space(space_of_run(store, row));
  opened.config = stored_train_config(row);
  if (!opened.space->has_fingerprint(row.fingerprint))
    throw DataError(
        "run " + row.id + " was trained on another version of the space '" + row.space +
        "' (its fingerprint has changed), so its weights fit no network of it any more");
  opened.weights = opened.make(opened.config.weights).store;
  opened.read = checkpoint_to_judge(store, row, *opened.weights, common);
  open_weights_of(*opened.weights, *opened.read.checkpoint, opened.read.path, opened.read.lost);
  return opened;
}

}  // namespace

void check_retrain(const RetrainOptions& o, const Common& common, const std::string& strategy) {
  if (!o.given()) {
    for (const auto& [option, value] : {std::pair("--run", &o.run),
                                        std::pair("--arch", &o.architecture),
                                        std::pair("--pick", &o.pick)})
      if (!value->empty())
        throw ConfigError(std::string(option) + " says which network is trained alone",
                          "Add --from-scratch best (new weights) or --inherit RUN (those of the "
                          "supernet).");
    return;
  }
  if (!o.from_scratch.empty() && (!o.architecture.empty() || !o.pick.empty()))
    throw ConfigError("--arch and --pick are for --inherit",
                      "name the network with --from-scratch itself, e.g. --from-scratch best --run "
                      "SEARCH");
  if (!o.inherit.empty() && !o.run.empty())
    throw ConfigError("--inherit names its run itself", "Leave out --run.");
  if (is_pick(o.from_scratch) && o.run.empty())
    throw ConfigError("--from-scratch " + o.from_scratch + " is of which search?",
                      "Add --run SEARCH, or name an architecture.");
  if (!o.from_scratch.empty() && o.run.empty() && common.config.empty() && common.sets.empty())
    throw ConfigError("--from-scratch needs a recipe",
                      "Add --config FILE, or --run RUN: then the configuration of that run is "
                      "taken.");
  if (!strategy.empty() && strategy != "fixed")
    throw ConfigError("one network is trained alone by the strategy `fixed`, not " + strategy,
                      "Leave out --strategy.");
  for (const char* key : {"strategy", "weights", "train.fix", "train.init"})
    if (sets(common.sets, key))
      throw ConfigError(std::string("--set ") + key + ": where one network is trained alone, " +
                            (o.inherit.empty() ? "--from-scratch" : "--inherit") + " decides that",
                        "Leave it out.");
}

Retraining retraining_of(const RetrainOptions& o, const Common& common) {
  std::unique_ptr<Store> store;
  if (!o.run.empty() || !o.inherit.empty())
    store = std::make_unique<Store>(common.db, Store::Mode::kRead);
  const Source source = source_of(o, store.get(), common);
  Retraining r;
  r.config = config_from(source, store.get(), common);
  if (common.seed_given) r.config.seed = common.seed;
  const auto space = open_space(r.config.space);
  require_same_space(*space, source.supernet, common);
  const std::vector<Architecture> named = named_architectures(*space, {source.architecture});
  if (named.size() != 1)
    throw ConfigError("one architecture is trained alone, here are " +
                      std::to_string(named.size()));
  r.recipe.architecture = space->text(named[0]);
  r.recipe.search = source.search;
  r.recipe.pick = source.pick;
  if (!o.inherit.empty()) r.recipe.inherited = source.supernet.id;
  r.config.strategy = {};
  r.config.strategy.yaml =
      nlohmann::ordered_json{{"name", "fixed"}, {"architecture", r.recipe.architecture}}.dump();
  r.config.weights = {};
  r.config.train.fix.clear();
  r.config.train.init.clear();
  if (common.config.empty()) r.config.train.budget = {};
  return r;
}

void write_inherited(const std::string& path, const Common& common, Recipe& recipe) {
  const Store store(common.db, Store::Mode::kRead);
  const RunRow row = store.run(recipe.inherited, "train").value();
  const Opened from = open_weights(store, row, common);
  const Architecture a = named_architectures(*from.space, {recipe.architecture}).at(0);
  const int set = from.weights->owner(a);
  if (from.weights->sets() > 1) recipe.weights = from.weights->set_name(set);
  recipe.checkpoint = from.read.sha256;
  const auto to = from.make({}).store;
  copy_weights(*from.weights->open(set), *to->open(0));
  write_weights(path,
                *to,
                {{"strategy", "inherited"},
                 {"fingerprint", from.space->fingerprint()},
                 {"config_hash", ""},
                 {"split_hash", ""}});
}

std::string recipe_file(const Recipe& r, const std::string& config_yaml) {
  std::string text = "# Trains one network alone: " + r.architecture + "\n";
  if (!r.search.empty()) text += "# Found by search " + r.search + " (" + r.pick + ").\n";
  if (!r.inherited.empty())
    text += "# Begins with the weights of run " + r.inherited +
            (r.weights.empty() ? "" : ", " + r.weights) + " (checkpoint " +
            r.checkpoint.substr(0, 16) + "), copied to train.init.\n";
  text += "# Again: nas train --config recipe.yaml\n";
  return text + config_yaml;
}

}  // namespace nas::cli
