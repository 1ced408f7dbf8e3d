#include "supernet/weights/weights_section.hpp"

#include "supernet/samplers/section.hpp"
#include "supernet/train/split/few_shot.hpp"

namespace nas {

const std::vector<WeightsEntry>& weight_stores() {
  static const std::vector<WeightsEntry> table = {
      single_weights(),
      mixture_weights(),
      few_shot_weights(),
  };
  return table;
}

std::string weights_kind(const Binder::Raw& section) {
  if (section.yaml.empty() && !section.tree) return "single";
  const YamlSource source = named_section(section, "kind");
  return entry_named(weight_stores(), "kind of weights", source, "kind").name;
}

Weights make_weights(const WeightsContext& context, const Binder::Raw& section) {
  if (section.yaml.empty() && !section.tree) {
    YamlSource none;
    none.prefix = "weights";
    return single_weights().make(context, none);
  }
  const YamlSource source = named_section(section, "kind");
  return entry_named(weight_stores(), "kind of weights", source, "kind").make(context, source);
}

}  // namespace nas
