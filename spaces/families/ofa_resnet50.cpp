#include "spaces/families/ofa_resnet50.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "spaces/families/mobile_block.hpp"

namespace nas {
namespace {

std::string number(double v) {
  // The shortest that reads back as the same number, 1 as 1.0.
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v).ptr;
  std::string text(buffer.data(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

constexpr std::array<int, 4> kBaseWidths{256, 512, 1024, 2048};

template <typename Unit>
int32_t conv_bn(PlanBuilder& b,
                const Unit& names,
                int32_t x,
                int out,
                int full_in,
                int full_out,
                int kernel,
                int stride) {
  const auto k = static_cast<int16_t>(kernel);
  x = b.add(Conv2d{.in = b.shape(x).c,
                   .out = out,
                   .kernel = k,
                   .stride = static_cast<int16_t>(stride),
                   .padding = static_cast<int16_t>(kernel / 2),
                   .init = Init::kKaimingNormalFanOut,
                   .full_kernel = k,
                   .full_in = full_in,
                   .full_out = full_out},
            names.conv,
            x);
  return b.add(BatchNorm{.channels = out, .full = full_out}, names.bn, x);
}

}  // namespace

OfaResNet50::OfaResNet50(const OfaResNet50Options& options) : o_(options) {
  name_ = "ofa_resnet50";
  input_ = {o_.input_channels, o_.resolution, o_.resolution};
  classes_ = o_.classes;
  add_choices();
  stem_[0] = unit("stem.conv0");
  stem_[1] = unit("stem.conv1");
  stem_[2] = unit("stem.conv2");
  classifier_ = symbols_.intern("classifier");
}

OfaResNet50::Unit OfaResNet50::unit(const std::string& name) {
  return {symbols_.intern(name), symbols_.intern(name + ".bn")};
}

void OfaResNet50::add_choices() {
  choices_.push_back({"stem.residual", {"off", "on"}, {}});
  for (int s = 0; s < kStages; ++s) {
    Choice depth{"stage" + std::to_string(s + 1) + ".more_blocks", {}, {}};
    for (int d = 0; d <= kMore; ++d) depth.options.push_back(std::to_string(d));
    choices_.push_back(std::move(depth));
  }
  std::vector<std::string> expansions, widths;
  for (const double e : o_.expansions) expansions.push_back(number(e));
  for (const double w : o_.widths) widths.push_back(number(w));
  for (int s = 0; s < kStages; ++s)
    for (int j = 0; j < kBaseDepths[static_cast<size_t>(s)] + kMore; ++j) {
      const std::string name = "stage" + std::to_string(s + 1) + ".block" + std::to_string(j + 1);
      Choice expand{name + ".expansion", expansions, {}};
      const int more = j - kBaseDepths[static_cast<size_t>(s)];
      if (more >= 0) {
        Condition condition;
        condition.on = 1 + s;
        for (int d = more + 1; d <= kMore; ++d)
          condition.options.push_back(static_cast<int16_t>(d));
        expand.conditions.push_back(condition);
      }
      Block names{unit(name + ".conv1"), unit(name + ".conv2"), unit(name + ".conv3"), {}, 0};
      if (j == 0) names.shortcut = unit(name + ".shortcut");
      names.expand = static_cast<int>(choices_.size());
      choices_.push_back(std::move(expand));
      stages_[static_cast<size_t>(s)].push_back(names);
    }
  first_width_ = choices_.size();
  for (const char* part : {"stem.middle", "stem.end"})
    choices_.push_back({std::string(part) + ".width", widths, {}});
  for (int s = 0; s < kStages; ++s)
    choices_.push_back({"stage" + std::to_string(s + 1) + ".width", widths, {}});
}

int OfaResNet50::stem_out(size_t option) const {
  return divisible_by_8(64 * o_.widths[option]);
}
int OfaResNet50::stem_middle(size_t option) const {
  return divisible_by_8(std::floor(stem_out(option) / 2.0));
}
int OfaResNet50::width(int stage, size_t option) const {
  return divisible_by_8(kBaseWidths[static_cast<size_t>(stage)] * o_.widths[option]);
}

void OfaResNet50::build(const Architecture& a, Plan& plan) const {
  PlanBuilder b(plan, symbols_, input_);
  int32_t x = stem(b, a);
  int full_in = stem_out(o_.widths.size() - 1);
  for (int s = 0; s < kStages; ++s) {
    const auto& blocks = stages_[static_cast<size_t>(s)];
    const int depth = kBaseDepths[static_cast<size_t>(s)] + a.genes[static_cast<size_t>(1 + s)];
    for (int j = 0; j < depth; ++j)
      x = block(b, a, s, j, blocks[static_cast<size_t>(j)], x, j == 0 ? full_in : full_width(s));
    full_in = full_width(s);
  }
  b.origin({});
  const int features = b.shape(x).c;
  x = b.add(GlobalAvgPool{}, 0, x);
  b.classifier(Linear{.in = features, .out = classes_, .full_in = full_in, .full_out = classes_},
               classifier_,
               x);
}

int32_t OfaResNet50::stem(PlanBuilder& b, const Architecture& a) const {
  const size_t last = o_.widths.size() - 1;
  const int middle = stem_middle(width_gene(a, 0)), full_middle = stem_middle(last);
  const auto relu = [&](int32_t x) { return b.add(Activation{Act::kRelu}, 0, x); };
  b.origin({origin(a, first_width_)});
  int32_t x =
      relu(conv_bn(b, stem_[0], Plan::kInput, middle, o_.input_channels, full_middle, 3, 2));
  b.origin({});
  x = b.choose(a.genes, 0, [&](int16_t on) {
    if (on == 0) return x;
    b.origin({origin(a, first_width_)});
    const int32_t y = relu(conv_bn(b, stem_[1], x, middle, full_middle, full_middle, 3, 1));
    return b.add(Add{}, 0, {x, y});
  });
  b.origin({origin(a, first_width_ + 1)});
  x = relu(conv_bn(b, stem_[2], x, stem_out(width_gene(a, 1)), full_middle, stem_out(last), 3, 1));
  b.origin({});
  return b.add(Pool{.max = true, .kernel = 3, .stride = 2, .padding = 1}, 0, x);
}

int OfaResNet50::middle(int channels, size_t option) const {
  return divisible_by_8(std::round(channels * o_.expansions[option]));
}

Architecture OfaResNet50::canonical(Architecture a) const {
  a = fix_inactive(std::move(a));
  const auto first = [&a](size_t choice, const auto& size_of) {
    int16_t& gene = a.genes[choice];
    const int size = size_of(static_cast<size_t>(gene));
    int16_t option = 0;
    while (size_of(static_cast<size_t>(option)) != size) ++option;
    gene = option;
  };
  first(first_width_, [this](size_t o) { return stem_middle(o); });
  first(first_width_ + 1, [this](size_t o) { return stem_out(o); });
  for (int s = 0; s < kStages; ++s) {
    const size_t wide = first_width_ + 2 + static_cast<size_t>(s);
    first(wide, [&](size_t o) { return width(s, o); });
    const int out = width(s, static_cast<size_t>(a.genes[wide]));
    for (const Block& block : stages_[static_cast<size_t>(s)])
      first(static_cast<size_t>(block.expand), [&](size_t o) { return middle(out, o); });
  }
  return a;
}

int32_t OfaResNet50::block(PlanBuilder& b,
                           const Architecture& a,
                           int stage,
                           int j,
                           const Block& names,
                           int32_t x,
                           int full_in) const {
  const auto expand = static_cast<size_t>(names.expand);
  const size_t wide = first_width_ + 2 + static_cast<size_t>(stage);
  const int out = width(stage, width_gene(a, 2 + static_cast<size_t>(stage)));
  const int full_out = full_width(stage);
  const int mid = middle(out, static_cast<size_t>(a.genes[expand]));
  const int full_middle = middle(full_out, o_.expansions.size() - 1);
  const int stride = j == 0 && stage > 0 ? 2 : 1;
  const auto relu = [&](int32_t v) { return b.add(Activation{Act::kRelu}, 0, v); };
  const bool more = j >= kBaseDepths[static_cast<size_t>(stage)];
  b.origin({origin(a, expand),
            origin(a, wide),
            more ? origin(a, static_cast<size_t>(1 + stage)) : Provenance{}});
  int32_t y = relu(conv_bn(b, names.a, x, mid, full_in, full_middle, 1, 1));
  y = relu(conv_bn(b, names.b, y, mid, full_middle, full_middle, 3, stride));
  y = conv_bn(b, names.c, y, out, full_middle, full_out, 1, 1);
  int32_t shortcut = x;
  if (j == 0) {
    b.origin({origin(a, wide)});
    if (stride == 2)
      shortcut = b.add(Pool{.max = false, .kernel = 2, .stride = 2, .padding = 0}, 0, x);
    shortcut = conv_bn(b, names.shortcut, shortcut, out, full_in, full_out, 1, 1);
  }
  return relu(b.add(Add{}, 0, {y, shortcut}));
}

void describe(Binder& b, OfaResNet50Options& o) {
  b.ignore("family");
  b.list("expansions", o.expansions, "Middle channels of a block per output channel, ascending")
      .range(1, 16)
      .each(0.01, 4);
  b.list("widths", o.widths, "Factors of the base widths, ascending").range(1, 16).each(0.05, 8);
  b.value("classes", o.classes, "Classes").range(2, 1e6);
  b.value("resolution", o.resolution, "Height and width of the image")
      .range(32, 4096)
      .unit("pixels")
      .check([&o] { return o.resolution % 32 == 0 ? "" : "must be a multiple of 32"; });
  b.value("input_channels", o.input_channels, "Channels of the image").range(1, 64);
  const auto ascending = [](const std::vector<double>& v) {
    return std::adjacent_find(v.begin(), v.end(), std::greater_equal<>()) == v.end();
  };
  if (b.reading() && !ascending(o.expansions)) b.problem("expansions", "must ascend");
  if (b.reading() && !ascending(o.widths)) b.problem("widths", "must ascend");
}

std::unique_ptr<Space> make_ofa_resnet50(const YamlSource& section) {
  return std::make_unique<OfaResNet50>(read_yaml_as<OfaResNet50Options>(section));
}

void describe_ofa_resnet50(Binder& b) {
  OfaResNet50Options options;
  describe(b, options);
}

}  // namespace nas
