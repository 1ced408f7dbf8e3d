// The three published search spaces on inverted residuals: once-for-all's MobileNetV3 (width
// multipliers 1.0 and 1.2), ProxylessNAS, and the first at the size of CIFAR images. What differs
// is in tables; what they share is one builder, so a kernel, a depth and a width mean the same in
// all of them.
#include "spaces/families/mobilenet.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace nas {
namespace {

using Variant = MobileNetOptions::Variant;

struct StageTable {
  int width, stride;
  bool se;
  Act act;
  int slots;  ///< 0: as the largest depth.
};

const std::vector<StageTable>& stage_table(Variant variant) {
  static const std::vector<StageTable> v3 = {{24, 2, false, Act::kRelu, 0},
                                             {40, 2, true, Act::kRelu, 0},
                                             {80, 2, false, Act::kHSwish, 0},
                                             {112, 1, true, Act::kHSwish, 0},
                                             {160, 2, true, Act::kHSwish, 0}};
  static const std::vector<StageTable> small = {{24, 1, false, Act::kRelu, 0},
                                                {40, 2, true, Act::kRelu, 0},
                                                {80, 2, false, Act::kHSwish, 0},
                                                {112, 1, true, Act::kHSwish, 0},
                                                {160, 2, true, Act::kHSwish, 0}};
  static const std::vector<StageTable> proxyless = {{24, 2, false, Act::kRelu6, 0},
                                                    {40, 2, false, Act::kRelu6, 0},
                                                    {80, 2, false, Act::kRelu6, 0},
                                                    {96, 1, false, Act::kRelu6, 0},
                                                    {192, 2, false, Act::kRelu6, 0},
                                                    {320, 1, false, Act::kRelu6, 1}};
  if (variant == Variant::kProxyless) return proxyless;
  return variant == Variant::kMobileNetV3 ? v3 : small;
}

std::string rising(const std::vector<int>& v) {
  if (v.empty()) return "at least one value is needed";
  for (size_t i = 1; i < v.size(); ++i)
    if (v[i] <= v[i - 1]) return "must rise";
  return "";
}

std::vector<std::string> texts_of(const std::vector<int>& values) {
  std::vector<std::string> texts;
  for (const int value : values) texts.push_back(std::to_string(value));
  return texts;
}

}  // namespace

void describe(Binder& b, MobileNetOptions& o) {
  b.ignore("family");
  b.choice("variant",
           o.variant,
           {{"mobilenetv3", Variant::kMobileNetV3},
            {"mobilenetv3-32", Variant::kMobileNetV3Small32},
            {"proxyless", Variant::kProxyless}},
           "mobilenetv3: squeeze-excitation and h-swish; mobilenetv3-32: the same for images of "
           "32x32, total stride 8; proxyless: ReLU6, a sixth stage of one block");
  b.value("width_mult", o.width_mult, "Times all base widths (published: 1.0, 1.2; proxyless 1.3)")
      .range(0.1, 8);
  b.list("kernels", o.kernels, "Depthwise kernel sizes, odd, rising")
      .range(1, 8)
      .each(1, 15)
      .check([&o]() -> std::string {
        for (const int k : o.kernels)
          if (k % 2 == 0) return std::to_string(k) + " is not odd";
        return rising(o.kernels);
      });
  b.list("expansions", o.expansions, "Middle channels over input channels, rising")
      .range(1, 8)
      .each(1, 16)
      .check([&o] { return rising(o.expansions); });
  b.list("depths", o.depths, "Blocks of a stage, rising").range(1, 8).each(1, 16).check([&o] {
    return rising(o.depths);
  });
  b.list("resolutions", o.resolutions, "Image sizes, rising; more than one makes it a choice")
      .range(1, 64)
      .each(16, 1024)
      .unit("pixels")
      .check([&o] { return rising(o.resolutions); });
  b.value("classes", o.classes, "Number of classes").range(2, 100000);
  b.value("input_channels", o.input_channels, "Channels of the image").range(1, 64);
  b.value("kernel_transform",
          o.kernel_transform,
          "Smaller kernels are centre crops times a learned matrix; false: plain crops")
      .check([&o]() -> std::string {
        return o.kernel_transform && o.kernels.size() > 1 && o.kernels.front() < 3
                   ? "has no matrix for kernels below 3; set it to false, or leave them out"
                   : "";
      });
  b.value("dropout", o.dropout, "In front of the classifier, in training").range(0, 0.95);
  b.value("drop_path", o.drop_path, "Probability that training drops a residual branch")
      .range(0, 0.95);
  b.value("zero_init_residual",
          o.zero_init_residual,
          "The last batch norm of every residual branch starts at 0 (BigNAS)");
}

MobileNet::MobileNet(const MobileNetOptions& options) : o_(options) {
  const bool proxyless = o_.variant == Variant::kProxyless;
  name_ = proxyless                                    ? "proxyless"
          : o_.variant == Variant::kMobileNetV3Small32 ? "mobilenet-32"
                                                       : "mobilenet";
  input_ = {o_.input_channels, o_.resolutions.back(), o_.resolutions.back()};
  classes_ = o_.classes;
  stem_width_ = scaled(proxyless ? 32 : 16);
  stem_stride_ = o_.variant == Variant::kMobileNetV3Small32 ? 1 : 2;
  stem_act_ = proxyless ? Act::kRelu6 : Act::kHSwish;
  expand_width_ = scaled(proxyless ? 1280 : 960);
  mix_width_ = proxyless ? 0 : scaled(1280);

  stem_conv_ = symbols_.intern("stem.conv");
  stem_bn_ = symbols_.intern("stem.bn");
  fixed_names_ = MobileBlockNames::intern(symbols_, "first");
  const int fixed_width = scaled(16);
  fixed_block_ = {.in = stem_width_,
                  .mid = stem_width_,
                  .out = fixed_width,
                  .expand = false,
                  .residual = stem_width_ == fixed_width,
                  .full_in = stem_width_,
                  .full_mid = stem_width_,
                  .full_out = fixed_width,
                  .full_kernel = 3,
                  .act = proxyless ? Act::kRelu6 : Act::kRelu,
                  .init = Init::kKaimingNormalFanOut,
                  .bn = batch_norm(0)};
  int in = fixed_width;
  for (const StageTable& row : stage_table(o_.variant)) {
    Stage stage;
    stage.width = scaled(row.width);
    stage.stride = row.stride;
    stage.se = row.se;
    stage.act = row.act;
    stage.slots = row.slots > 0 ? row.slots : o_.depths.back();
    stage.first_block = static_cast<int>(slots_.size());
    stage.depth_choice = row.slots > 0 ? -1 : 0;  // numbered by add_choices
    stages_.push_back(stage);
    add_slots(stages_.size() - 1, in);
    in = stage.width;
  }
  add_choices();
  head_conv_ = symbols_.intern("head.expand.conv");
  head_bn_ = symbols_.intern("head.expand.bn");
  mix_ = symbols_.intern("head.mix");
  classifier_ = symbols_.intern("classifier");
}

int MobileNet::scaled(double width) const {
  return divisible_by_8(width * o_.width_mult);
}

BatchNorm MobileNet::batch_norm(int channels) const {
  BatchNorm bn;
  bn.channels = bn.full = channels;
  if (o_.variant == Variant::kProxyless) bn.eps = 1e-3f;
  return bn;
}

void MobileNet::add_slots(size_t s, int in) {
  const Stage& stage = stages_[s];
  for (int j = 0; j < stage.slots; ++j) {
    Slot slot;
    slot.names = MobileBlockNames::intern(
        symbols_, "stage" + std::to_string(s + 1) + ".block" + std::to_string(j + 1));
    for (const int e : o_.expansions) {
      const int mid = divisible_by_8(std::round(static_cast<double>(in) * e));
      slot.mids.push_back({mid, stage.se ? divisible_by_8(std::floor(mid / 4)) : 0});
    }
    MobileBlock& block = slot.block;
    block.in = block.full_in = in;
    block.out = block.full_out = stage.width;
    block.full_mid = slot.mids.back().channels;
    block.full_se = slot.mids.back().se;
    block.full_kernel = o_.kernels.back();
    block.kernel_transform = o_.kernel_transform;
    block.stride = j == 0 ? stage.stride : 1;
    block.residual = block.stride == 1 && in == stage.width;
    block.act = stage.act;
    block.init = Init::kKaimingNormalFanOut;
    block.drop_path = o_.drop_path;
    block.zero_init = o_.zero_init_residual;
    block.bn = batch_norm(0);
    slots_.push_back(std::move(slot));
    in = stage.width;
  }
}

void MobileNet::add_choices() {
  const auto slot_count = static_cast<int>(slots_.size());
  int depth_choice = 2 * slot_count;
  for (Stage& stage : stages_)
    if (stage.depth_choice >= 0) stage.depth_choice = depth_choice++;
  for (const bool kernel : {true, false})
    for (size_t s = 0; s < stages_.size(); ++s)
      for (int j = 0; j < stages_[s].slots; ++j) {
        Choice choice{"stage" + std::to_string(s + 1) + ".block" + std::to_string(j + 1) +
                          (kernel ? ".kernel" : ".expand"),
                      texts_of(kernel ? o_.kernels : o_.expansions),
                      {}};
        Condition deep{stages_[s].depth_choice, {}};
        for (size_t d = 0; d < o_.depths.size(); ++d)
          if (o_.depths[d] > j) deep.options.push_back(static_cast<int16_t>(d));
        if (deep.on >= 0 && deep.options.size() < o_.depths.size())
          choice.conditions.push_back(std::move(deep));
        choices_.push_back(std::move(choice));
      }
  for (size_t s = 0; s < stages_.size(); ++s)
    if (stages_[s].depth_choice >= 0)
      choices_.push_back({"stage" + std::to_string(s + 1) + ".depth", texts_of(o_.depths), {}});
  if (o_.resolutions.size() > 1) {
    resolution_choice_ = static_cast<int>(choices_.size());
    choices_.push_back({"resolution", texts_of(o_.resolutions), {}});
  }
  // A stage of depth d has (kernels * expansions)^d forms.
  const auto forms = static_cast<double>(o_.kernels.size() * o_.expansions.size());
  double total = 0;
  for (const int d : o_.depths) depth_cumulative_.push_back(total += std::pow(forms, d));
  for (double& c : depth_cumulative_) c /= total;
}

int MobileNet::depth(const Architecture& a, const Stage& stage) const {
  if (stage.depth_choice < 0) return stage.slots;
  const int16_t gene = a.genes[static_cast<size_t>(stage.depth_choice)];
  return o_.depths[static_cast<size_t>(gene)];
}

void MobileNet::sample(Rng& rng, Architecture& out) const {
  out.genes.assign(choices_.size(), 0);
  const size_t expand = slots_.size();
  const auto kernels = o_.kernels.size();
  for (const Stage& stage : stages_) {
    if (stage.depth_choice >= 0)
      out.genes[static_cast<size_t>(stage.depth_choice)] =
          static_cast<int16_t>(draw_from_cumulative(depth_cumulative_, rng.uniform()));
    const auto first = static_cast<size_t>(stage.first_block);
    const auto last = first + static_cast<size_t>(depth(out, stage));
    for (size_t i = first; i < last; ++i) {
      const uint64_t form = rng.below(kernels * o_.expansions.size());
      out.genes[i] = static_cast<int16_t>(form % kernels);
      out.genes[expand + i] = static_cast<int16_t>(form / kernels);
    }
  }
  if (resolution_choice_ >= 0)
    out.genes[static_cast<size_t>(resolution_choice_)] =
        static_cast<int16_t>(rng.below(o_.resolutions.size()));
}

int32_t MobileNet::conv_unit(
    PlanBuilder& b, uint32_t conv, uint32_t bn, int32_t x, int out, int kernel, int stride) const {
  const int in = b.shape(x).c;
  x = b.add(Conv2d{.in = in,
                   .out = out,
                   .kernel = static_cast<int16_t>(kernel),
                   .stride = static_cast<int16_t>(stride),
                   .padding = static_cast<int16_t>(kernel / 2),
                   .init = Init::kKaimingNormalFanOut,
                   .full_kernel = static_cast<int16_t>(kernel),
                   .full_in = in,
                   .full_out = out},
            conv,
            x);
  x = b.add(batch_norm(out), bn, x);
  return b.add(Activation{stem_act_}, 0, x);
}

int32_t MobileNet::head(PlanBuilder& b, int32_t x) const {
  x = conv_unit(b, head_conv_, head_bn_, x, expand_width_, 1, 1);
  x = b.add(GlobalAvgPool{}, 0, x);
  int width = expand_width_;
  if (mix_width_ > 0) {
    x = b.add(Linear{.in = width,
                     .out = mix_width_,
                     .bias = false,
                     .full_in = width,
                     .full_out = mix_width_},
              mix_,
              x);
    x = b.add(Activation{Act::kHSwish}, 0, x);
    width = mix_width_;
  }
  if (o_.dropout > 0) x = b.add(Dropout{static_cast<float>(o_.dropout)}, 0, x);
  return b.classifier(
      Linear{.in = width, .out = classes_, .full_in = width, .full_out = classes_}, classifier_, x);
}

Architecture MobileNet::canonical(Architecture a) const {
  a = fix_inactive(std::move(a));
  for (size_t i = 0; i < slots_.size(); ++i) {
    int16_t& gene = a.genes[slots_.size() + i];
    const std::vector<Mid>& mids = slots_[i].mids;
    const Mid& mine = mids[static_cast<size_t>(gene)];
    const auto same = [&mine](const Mid& m) {
      return m.channels == mine.channels && m.se == mine.se;
    };
    gene = static_cast<int16_t>(std::find_if(mids.begin(), mids.end(), same) - mids.begin());
  }
  for (size_t s = 0; s + 1 < stages_.size(); ++s) share_blocks(s, a);
  return a;
}

// Small width_mult rounds two stages to one width. Without a stride between them, the blocks after
// the first one of the earlier stage could as well stand in the later one: it gets all it can take.
void MobileNet::share_blocks(size_t s, Architecture& a) const {
  const Stage &early = stages_[s], &late = stages_[s + 1];
  if (early.depth_choice < 0 || late.stride != 1 || late.width != early.width ||
      late.se != early.se || late.act != early.act)
    return;
  std::vector<std::pair<int16_t, int16_t>> blocks;  // Kernel and expansion.
  const auto slot = [&](const Stage& stage, int j) {
    return static_cast<size_t>(stage.first_block + j);
  };
  const int before = depth(a, early), after = depth(a, late);
  for (int j = 1; j < before + after; ++j) {
    const size_t i = j < before ? slot(early, j) : slot(late, j - before);
    blocks.emplace_back(a.genes[i], a.genes[slots_.size() + i]);
  }
  for (size_t option = 0; option < o_.depths.size(); ++option) {
    const int stay = o_.depths[option] - 1;
    const int go = static_cast<int>(blocks.size()) - stay;
    const auto fits = std::find(o_.depths.begin(), o_.depths.end(), go);
    if (late.depth_choice < 0 ? go != late.slots : fits == o_.depths.end()) continue;
    a.genes[static_cast<size_t>(early.depth_choice)] = static_cast<int16_t>(option);
    if (late.depth_choice >= 0)
      a.genes[static_cast<size_t>(late.depth_choice)] =
          static_cast<int16_t>(fits - o_.depths.begin());
    for (int j = 0; j < static_cast<int>(blocks.size()); ++j) {
      const size_t i = j < stay ? slot(early, j + 1) : slot(late, j - stay);
      std::tie(a.genes[i], a.genes[slots_.size() + i]) = blocks[static_cast<size_t>(j)];
    }
    a = fix_inactive(std::move(a));
    return;
  }
}

void MobileNet::build(const Architecture& a, Plan& plan) const {
  Shape image = input_;
  if (resolution_choice_ >= 0)
    image.h = image.w =
        o_.resolutions[static_cast<size_t>(a.genes[static_cast<size_t>(resolution_choice_)])];
  PlanBuilder b(plan, symbols_, image);
  plan.resize_input = resolution_choice_ >= 0;
  b.origin({});
  int32_t x = conv_unit(b, stem_conv_, stem_bn_, Plan::kInput, stem_width_, 3, stem_stride_);
  x = add_mobile_block(b, fixed_block_, fixed_names_, {}, x);
  const size_t expand = slots_.size();
  for (const Stage& stage : stages_) {
    const int blocks = depth(a, stage);
    MobileBlockOrigin origin;
    if (stage.depth_choice >= 0)
      origin.depth = {static_cast<int16_t>(stage.depth_choice),
                      a.genes[static_cast<size_t>(stage.depth_choice)]};
    for (int j = 0; j < blocks; ++j) {
      const auto i = static_cast<size_t>(stage.first_block + j);
      const Slot& slot = slots_[i];
      const int16_t kernel = a.genes[i], expansion = a.genes[expand + i];
      MobileBlock block = slot.block;
      const Mid& mid = slot.mids[static_cast<size_t>(expansion)];
      block.kernel = o_.kernels[static_cast<size_t>(kernel)];
      block.mid = mid.channels;
      block.se_mid = mid.se;
      origin.kernel = {static_cast<int16_t>(i), kernel};
      origin.expand = {static_cast<int16_t>(expand + i), expansion};
      x = add_mobile_block(b, block, slot.names, origin, x);
    }
  }
  b.origin({});
  head(b, x);
}

namespace {

std::unique_ptr<Space> make(const YamlSource& section, const MobileNetOptions& defaults) {
  MobileNetOptions options = defaults;
  read_yaml(section, [&](Binder& b) { describe(b, options); });
  return std::make_unique<MobileNet>(options);
}

MobileNetOptions proxyless_defaults() {
  MobileNetOptions options;
  options.variant = Variant::kProxyless;
  options.width_mult = 1.3;
  return options;
}

}  // namespace

std::unique_ptr<Space> make_mobilenet(const YamlSource& section) {
  return make(section, {});
}
void describe_mobilenet(Binder& b) {
  MobileNetOptions options;
  describe(b, options);
}
std::unique_ptr<Space> make_proxyless(const YamlSource& section) {
  return make(section, proxyless_defaults());
}
void describe_proxyless(Binder& b) {
  MobileNetOptions options = proxyless_defaults();
  describe(b, options);
}

}  // namespace nas
