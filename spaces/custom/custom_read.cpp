// Options of a custom space: one table for reading, schema and help; then the checks across keys.
#include <algorithm>
#include <cmath>
#include <set>

#include "spaces/base/joined.hpp"
#include "spaces/custom/custom.hpp"

namespace nas::custom {
namespace {

const std::vector<std::pair<std::string, Act>>& acts() {
  static const std::vector<std::pair<std::string, Act>> table = {{"relu", Act::kRelu},
                                                                 {"relu6", Act::kRelu6},
                                                                 {"hswish", Act::kHSwish},
                                                                 {"swish", Act::kSwish}};
  return table;
}

template <typename T>
std::string rising(const std::vector<T>& v) {
  for (size_t i = 1; i < v.size(); ++i)
    if (!(v[i] > v[i - 1])) return "must rise: each value greater than the one before";
  return "";
}

std::string odd(const std::vector<int>& kernels) {
  for (const int k : kernels)
    if (k % 2 == 0)
      return std::to_string(k) + " is not odd: even kernels would change the size of the map";
  return "";
}

// Names become parts of choice names (`stage1.layer2.mb.kernel=5,...`) and of the names of tensors.
std::string name_fault(const std::string& name) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  if (!std::all_of(name.begin(), name.end(), fine))
    return "a name has letters, digits, - and _ only";
  return "";
}

std::string twice(const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const std::string& name : names)
    if (!seen.insert(name).second) return "'" + name + "' stands twice";
  return "";
}

}  // namespace

void describe(Binder& b, BlockOptions& o) {
  b.value("name", o.name, "How stages and choices name it").range(1, 40).required().check([&o] {
    return name_fault(o.name);
  });
  b.choice("kind",
           o.kind,
           kinds(),
           "conv; sep (depthwise-separable); mbconv (inverted residual); bottleneck and basic "
           "(residual); maxpool, avgpool; skip (identity); none (only the layer's shortcut)")
      .required();
  b.list("kernels",
         o.kernels,
         "Kernel sizes, odd, rising; more than one makes a choice (smaller kernels share the "
         "centre of the largest). Empty: 3")
      .range(0, 8)
      .each(1, 15)
      .check([&o] {
        const std::string fault = odd(o.kernels);
        return fault.empty() ? rising(o.kernels) : fault;
      });
  b.list("expansions",
         o.expansions,
         "mbconv: middle over input channels, empty: 4; bottleneck: middle over output channels, "
         "empty: 0.25. More than one makes a choice")
      .range(0, 8)
      .each(0.05, 16)
      .check([&o] { return rising(o.expansions); });
  b.value("se", o.se, "mbconv: squeeze-excitation channels over middle channels; 0: none")
      .range(0, 1);
  b.choice("act", o.act, acts(), "Activation");
}

void describe(Binder& b, LayerOptions& o) {
  b.list("blocks", o.blocks, "Candidates of this layer; empty: those of the stage")
      .range(0, 16)
      .check([&o] { return twice(o.blocks); });
}

void describe(Binder& b, StageOptions& o) {
  b.value("name", o.name, "First part of its choices' names; empty: stage1, stage2, ...")
      .range(0, 40)
      .check([&o] { return name_fault(o.name); });
  b.list("widths", o.widths, "Output channels, rising; more than one makes a choice (shared)")
      .range(1, 32)
      .each(2, 8192)
      .check([&o] { return rising(o.widths); });
  b.list("depths", o.depths, "Numbers of layers, rising; more than one makes a choice")
      .range(1, 32)
      .each(0, 32)
      .check([&o] { return rising(o.depths); });
  b.value("stride", o.stride, "Of the stage's first layer").range(1, 8);
  b.list("blocks", o.blocks, "Candidates of each layer: names of `blocks:`, or kinds")
      .range(1, 16)
      .check([&o] { return twice(o.blocks); });
  b.items("layers", o.layers, "Layers with candidates of their own, from the first on");
  b.value("shortcut",
          o.shortcut,
          "Adds each layer's input to its output (a 1x1 convolution where the shape changes) "
          "instead of the blocks' own shortcuts; makes `none` possible");
}

void describe(Binder& b, StemOptions& o) {
  b.value("width", o.width, "Channels of the first convolution").range(1, 4096);
  b.value("kernel", o.kernel, "Its kernel, odd").range(1, 15).check([&o] {
    return odd({o.kernel});
  });
  b.value("stride", o.stride, "Its stride").range(1, 8);
  b.choice("act", o.act, acts(), "Activation");
}

void describe(Binder& b, HeadOptions& o) {
  b.value("width", o.width, "Channels of a 1x1 convolution before pooling; 0: none").range(0, 8192);
  b.choice("act", o.act, acts(), "Its activation");
  b.value("dropout", o.dropout, "Before the classifier, in training").range(0, 0.95);
}

void describe(Binder& b, ConditionOptions& o) {
  b.value("choice", o.choice, "A choice that is open only at times").range(1, 200).required();
  b.value("when",
          o.when,
          "When it is open, e.g. \"stage2.depth >= 3 and stage1.width in [16, 24]\" (brackets need "
          "the quotes); otherwise it has its first option")
      .range(1, 2000)
      .required();
}

void describe(Binder& b, RuleOptions& o) {
  b.value("when", o.when, "Where the rule applies; empty: everywhere").range(0, 2000);
  b.value("require", o.require, "What must then hold, e.g. \"stage3.width in [64, 96]\"")
      .range(1, 2000)
      .required();
}

namespace {

std::vector<std::string> known_blocks(const Options& o) {
  std::vector<std::string> names;
  const auto put = [&names](const std::string& name) {
    const bool fresh = std::find(names.begin(), names.end(), name) == names.end();
    if (fresh && !name.empty()) names.push_back(name);
  };
  for (const BlockOptions& block : o.blocks) put(block.name);
  for (const auto& [name, kind] : kinds()) put(name);
  return names;
}

std::string kind_name(Kind kind) {
  for (const auto& [name, known] : kinds())
    if (known == kind) return name;
  return "";
}

void check_blocks(const Options& o, Mistakes& mistakes) {
  for (size_t i = 0; i < o.blocks.size(); ++i) {
    const BlockOptions& block = o.blocks[i];
    const std::string key = "blocks." + std::to_string(i) + ".";
    const std::string kind = kind_name(block.kind);
    if (!block.kernels.empty() && !has_kernel(block.kind))
      mistakes.add(key + "kernels", kind + " has no kernel", "Remove the key.");
    if (!block.expansions.empty() && !has_expansion(block.kind))
      mistakes.add(key + "expansions",
                   kind + " has no expansion (mbconv and bottleneck have)",
                   "Remove the key.");
    if (block.se > 0 && block.kind != Kind::kMbConv)
      mistakes.add(key + "se", kind + " has no squeeze-excitation (mbconv has)", "Remove the key.");
    for (size_t j = 0; j < i; ++j)
      if (!block.name.empty() && o.blocks[j].name == block.name)
        mistakes.add(key + "name", "'" + block.name + "' is the name of an earlier block too");
  }
}

void check_candidates(const Options& o,
                      const std::vector<std::string>& names,
                      bool shortcut,
                      const std::string& key,
                      Mistakes& mistakes) {
  const std::vector<std::string> known = known_blocks(o);
  for (size_t i = 0; i < std::min<size_t>(names.size(), 16); ++i) {
    const std::string at = key + "." + std::to_string(i);
    if (std::find(known.begin(), known.end(), names[i]) == known.end()) {
      const std::string near = nearest(names[i].substr(0, 64), known);
      mistakes.add(at,
                   "unknown block '" + names[i].substr(0, 64) + "'; known: " + joined(known),
                   near.empty() ? "Define it under blocks:, or use a kind."
                                : "Did you mean '" + near + "'?");
    } else if (block_named(o, names[i]).kind == Kind::kNone && !shortcut) {
      mistakes.add(at,
                   "'" + names[i] + "' would cut the network in two here",
                   "Set shortcut: true for this stage, or use skip.");
    }
  }
}

// Follows the map through the strides of one image size: the smallest map that can arrive.
void check_strides(const Options& o, int size, Mistakes& mistakes) {
  const auto shrink = [&](int stride, const std::string& key) {
    if (stride < 1) return;  // Told already.
    if (stride > size)
      mistakes.add(key,
                   "stride " + std::to_string(stride) + " is larger than the " +
                       std::to_string(size) + "x" + std::to_string(size) +
                       " map that arrives here (image " + std::to_string(o.resolutions.front()) +
                       "x" + std::to_string(o.resolutions.front()) + ")",
                   "Lower this stride or one before it, or use larger images.");
    size = (size + stride - 1) / stride;
  };
  shrink(o.stem.stride, "stem.stride");
  for (size_t s = 0; s < o.stages.size(); ++s)
    shrink(o.stages[s].stride, "stages." + std::to_string(s) + ".stride");
}

void check_stages(Options& o, Mistakes& mistakes) {
  if (o.stages.empty())
    mistakes.add("stages",
                 "at least one stage is needed",
                 "For example: stages: [{widths: [16, 32], depths: [1, 2], blocks: [conv, skip]}]");
  if (o.stages.size() > 32) mistakes.add("stages", "more than 32 stages");
  int layers = 0;
  for (const StageOptions& stage : o.stages)
    if (!stage.depths.empty()) layers += std::clamp(stage.depths.back(), 0, 32);
  if (layers > 128)
    mistakes.add(
        "stages", std::to_string(layers) + " layers; 128 is the most", "Lower the depths.");
  if (o.conditions.size() > 200) mistakes.add("conditions", "more than 200 conditions");
  if (o.rules.size() > 200) mistakes.add("rules", "more than 200 rules");
  if (o.blocks.size() > 64) mistakes.add("blocks", "more than 64 blocks");
  std::set<std::string> names{"stem", "head", "classifier", "resolution"};
  for (size_t s = 0; s < o.stages.size(); ++s) {
    StageOptions& stage = o.stages[s];
    const std::string key = "stages." + std::to_string(s);
    if (stage.name.empty()) stage.name = "stage" + std::to_string(s + 1);
    if (!names.insert(stage.name).second)
      mistakes.add(key + ".name", "'" + stage.name + "' is taken", "Give the stage another name.");
    check_candidates(o, stage.blocks, stage.shortcut, key + ".blocks", mistakes);
    for (size_t j = 0; j < stage.layers.size(); ++j)
      check_candidates(o,
                       stage.layers[j].blocks,
                       stage.shortcut,
                       key + ".layers." + std::to_string(j) + ".blocks",
                       mistakes);
    if (!stage.depths.empty() && stage.layers.size() > static_cast<size_t>(stage.depths.back()))
      mistakes.add(key + ".layers",
                   std::to_string(stage.layers.size()) +
                       " layers are described, but the stage has " +
                       std::to_string(stage.depths.back()) + " at most",
                   "Raise depths, or remove layers.");
  }
}

}  // namespace

void describe(Binder& b, Options& o) {
  b.ignore("family");
  b.value("channels", o.channels, "Channels of the image").range(1, 64);
  b.list("resolutions", o.resolutions, "Image sizes, rising; more than one makes it a choice")
      .range(1, 64)
      .each(1, 1024)
      .unit("pixels")
      .check([&o] { return rising(o.resolutions); });
  b.value("classes", o.classes, "Number of classes").range(2, 100000);
  b.section("stem", o.stem, "The first convolution, not searched");
  b.items("blocks", o.blocks, "Named candidates; kinds can be named without being listed");
  b.items("stages", o.stages, "Stages in order");
  b.needs_item("stages");
  b.section("head", o.head, "What follows the stages, not searched");
  b.items("conditions", o.conditions, "Choices that are open only at times");
  b.items("rules", o.rules, "What valid architectures must keep");
  b.list("freeze", o.freeze, "Choices that are not searched: `stage1.width=24`").range(0, 1000);
}

BlockOptions block_named(const Options& options, const std::string& name) {
  BlockOptions block;
  block.name = name;
  const auto named = [&name](const BlockOptions& other) { return other.name == name; };
  const auto found = std::find_if(options.blocks.begin(), options.blocks.end(), named);
  if (found != options.blocks.end()) {
    block = *found;
  } else {
    for (const auto& [known, kind] : kinds())
      if (known == name) block.kind = kind;
  }
  if (block.kernels.empty()) block.kernels = {has_kernel(block.kind) ? 3 : 1};
  if (block.expansions.empty()) block.expansions = default_expansions(block.kind);
  return block;
}

bool is_block(const Options& options, const std::string& name) {
  const std::vector<std::string> known = known_blocks(options);
  return std::find(known.begin(), known.end(), name) != known.end();
}

const std::vector<std::string>& blocks_of(const StageOptions& stage, size_t j) {
  const bool own = j < stage.layers.size() && !stage.layers[j].blocks.empty();
  return own ? stage.layers[j].blocks : stage.blocks;
}

void Mistakes::take(const ConfigError& error) {
  problems_.insert(problems_.end(), error.problems().begin(), error.problems().end());
}

void Mistakes::add(const std::string& key, const std::string& message, const std::string& hint) {
  constexpr size_t kMost = 100;
  if (problems_.size() >= kMost) return;
  const Problem problem = yaml_problem(source_, key, message, hint);
  const auto told = [&problem](const Problem& other) {
    // The key, a part of it, or the section around it has a mistake already.
    const auto inside = [](const std::string& a, const std::string& b) {
      return a == b ||
             (a.size() > b.size() && a.compare(0, b.size(), b) == 0 && a[b.size()] == '.');
    };
    return inside(problem.key, other.key) || inside(other.key, problem.key);
  };
  if (std::none_of(problems_.begin(), problems_.end(), told)) problems_.push_back(problem);
}

void Mistakes::raise() {
  if (problems_.empty()) return;
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  throw ConfigError(std::move(problems_));
}

Options read_options(const YamlSource& source, Mistakes& mistakes) {
  // A file that does not parse has nothing to check.
  yaml_keys(source);
  Options options;
  try {
    read_yaml(source, [&options](Binder& b) { describe(b, options); });
  } catch (const ConfigError& error) {
    mistakes.take(error);
  }
  check_blocks(options, mistakes);
  check_stages(options, mistakes);
  if (!options.resolutions.empty() && options.resolutions.front() > 0)
    check_strides(options, options.resolutions.front(), mistakes);
  return options;
}

}  // namespace nas::custom
