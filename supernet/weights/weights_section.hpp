#pragma once
// The `weights:` section: where weights come from. One table; a store that trains in stages brings
// its curriculum along.
#include <memory>
#include <string>
#include <vector>

#include "spaces/yaml/yaml_binder.hpp"
#include "supernet/train/curriculum.hpp"
#include "supernet/train/train_options.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

/// What a store may know of a run.
struct WeightsContext {
  const Space& space;
  uint64_t seed = 0;
  Placement place = {};
  TrainOptions train = {};
};

struct Weights {
  std::unique_ptr<WeightStore> store;
  std::unique_ptr<Curriculum> curriculum;  ///< Null: all sets in every epoch.
};

struct WeightsEntry {
  std::string name;
  std::string summary;
  Weights (*make)(const WeightsContext& context, const YamlSource& options);
  void (*describe)(Binder& b);
};
/// single, mixture: one table.
const std::vector<WeightsEntry>& weight_stores();
/// `section`: a kind, or a mapping with `kind`; empty: single. ConfigError on an unknown kind or
/// wrong options.
Weights make_weights(const WeightsContext& context, const Binder::Raw& section);
/// Only the options are checked; nothing is allocated.
std::string weights_kind(const Binder::Raw& section);

// One factory per kind; the table is in weights_section.cpp.
WeightsEntry single_weights();
WeightsEntry mixture_weights();

}  // namespace nas
