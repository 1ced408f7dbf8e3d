#include "spaces/custom/custom.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "spaces/custom/custom_space.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace custom {
namespace {

std::string number_word(double v) {
  // The shortest that reads back as the same number.
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), v).ptr;
  return {text.data(), end};
}

template <typename T>
std::vector<std::string> words(const std::vector<T>& values) {
  std::vector<std::string> out;
  for (const T value : values) out.push_back(number_word(static_cast<double>(value)));
  return out;
}

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
    // A block that is not known is a mistake that was told: it must not bring choices of its own
    // into further messages.
    if (!is_block(o, blocks[i])) {
      layer.candidates.push_back(std::move(candidate));
      continue;
    }
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
      // Layers that are always there stay open even where the depth is closed by a condition.
      if (deep.options.size() < options.depths.size()) layout.model.need(layer.kind, deep);
      stage.layers.push_back(std::move(layer));
    }
    layout.stages.push_back(std::move(stage));
  }
  return layout;
}

bool hangs_on(const Model& model, size_t param, size_t on) {
  std::vector<char> seen(model.params().size(), 0);
  std::vector<size_t> open{param};
  while (!open.empty()) {
    const size_t p = open.back();
    open.pop_back();
    if (p == on) return true;
    for (const Need& need : model.params()[p].needs) {
      if (seen[need.on] == 0) open.push_back(need.on);
      seen[need.on] = 1;
    }
  }
  return false;
}

// An empty stage hands on what arrives: its width is then nobody's. As a need of the width this is
// known to all who count, draw, vary and name architectures (one network, one architecture), and
// conditions and rules see a width that is not active. Only where the depth itself hangs on the
// width that need would close a circle; there Custom::canonical alone tells networks apart.
void close_widths_of_empty_stages(const Options& o, Layout& layout) {
  for (size_t s = 0; s < layout.stages.size(); ++s) {
    const Stage& stage = layout.stages[s];
    const std::vector<int>& depths = o.stages[s].depths;
    Need filled{stage.depth, {}};
    for (size_t d = 0; d < depths.size(); ++d)
      if (depths[d] > 0) filled.options.push_back(static_cast<int16_t>(d));
    if (filled.options.size() < depths.size() && !hangs_on(layout.model, stage.depth, stage.width))
      layout.model.need(stage.width, filled);
  }
}

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
  // Sizes past their bounds are told before anything is made of them.
  if (options.stages.size() > 32 || options.blocks.size() > 64 || options.rules.size() > 200 ||
      options.conditions.size() > 200 || options.freeze.size() > 1000)
    mistakes.raise();
  Layout layout = plan_stages(options);
  layout.model.read(options, mistakes);
  close_widths_of_empty_stages(options, layout);
  std::vector<Choice> choices = layout.model.resolve(mistakes);
  mistakes.raise();
  std::unique_ptr<Custom> space;
  try {
    space = std::make_unique<Custom>(options, std::move(layout), std::move(choices));
  } catch (const ConfigError& error) {
    const Problem& problem = error.problems().front();
    mistakes.add(options.rules.empty() ? "conditions" : "rules", problem.message, problem.hint);
    mistakes.raise();
  } catch (const InternalShapeError& error) {
    mistakes.add("stages", std::string("a network cannot be built: ") + error.what());
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

void describe_custom(Binder& b) {
  custom::Options options;
  describe(b, options);
}

}  // namespace nas
