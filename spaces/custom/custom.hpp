#pragma once
// The `custom` family: a space written entirely in YAML. Its parts: options and their checks
// (custom_read), the block kinds (custom_blocks), named parameters with conditions, rules and
// freezing (custom_model), and the space itself (custom).
#include <string>
#include <vector>

#include "spaces/custom/custom_blocks.hpp"
#include "spaces/error.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas::custom {

/// A candidate for a layer. Empty lists mean the default of the kind.
struct BlockOptions {
  std::string name;
  Kind kind = Kind::kConv;
  std::vector<int> kernels;
  std::vector<double> expansions;
  double se = 0.0;
  Act act = Act::kRelu;
};
struct LayerOptions {
  std::vector<std::string> blocks;
};
struct StageOptions {
  std::string name;  ///< Empty: stage1, stage2, ...
  std::vector<int> widths{16};
  std::vector<int> depths{1};
  int stride = 1;
  std::vector<std::string> blocks{"conv"};
  std::vector<LayerOptions> layers;
  bool shortcut = false;
};
struct StemOptions {
  int width = 16, kernel = 3, stride = 1;
  Act act = Act::kRelu;
};
struct HeadOptions {
  int width = 0;
  Act act = Act::kRelu;
  double dropout = 0.0;
};
struct ConditionOptions {
  std::string choice, when;
};
struct RuleOptions {
  std::string when, require;
};
struct Options {
  int channels = 3;
  std::vector<int> resolutions{32};
  int classes = 10;
  StemOptions stem;
  std::vector<BlockOptions> blocks;
  std::vector<StageOptions> stages;
  HeadOptions head;
  std::vector<ConditionOptions> conditions;
  std::vector<RuleOptions> rules;
  std::vector<std::string> freeze;
};
void describe(Binder& b, BlockOptions& options);
void describe(Binder& b, LayerOptions& options);
void describe(Binder& b, StageOptions& options);
void describe(Binder& b, StemOptions& options);
void describe(Binder& b, HeadOptions& options);
void describe(Binder& b, ConditionOptions& options);
void describe(Binder& b, RuleOptions& options);
void describe(Binder& b, Options& options);

/// Collects mistakes with their places; a key that has one already gets no second.
class Mistakes {
 public:
  explicit Mistakes(const YamlSource& source) : source_(source) {}
  void take(const ConfigError& error);
  void add(const std::string& key, const std::string& message, const std::string& hint = "");
  bool empty() const { return problems_.empty(); }
  /// Throws them all, in the order of the file; nothing where there are none.
  void raise();

 private:
  const YamlSource& source_;
  std::vector<Problem> problems_;
};

/// Reads strictly and checks what one key alone cannot tell (known blocks, strides that fit ...).
/// Names of stages are filled in.
Options read_options(const YamlSource& source, Mistakes& mistakes);
/// The candidate of this name: one of `blocks:`, else the kind of this name with its defaults;
/// its lists are filled in.
BlockOptions block_named(const Options& options, const std::string& name);
/// Whether `name` is one of `blocks:` or a kind.
bool is_block(const Options& options, const std::string& name);
/// Candidates of layer `j` of a stage.
const std::vector<std::string>& blocks_of(const StageOptions& stage, size_t j);

}  // namespace nas::custom
