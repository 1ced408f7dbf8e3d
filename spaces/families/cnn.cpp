// Small convolutional networks for small images: per stage an elastic width (slices of one shared
// weight), an elastic depth, and a kind for every layer (choice blocks with weights of their own).
#include <algorithm>

#include "spaces/error.hpp"
#include "spaces/plan_builder.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/notation.hpp"

namespace nas {
namespace {

struct StageOptions {
  std::vector<int> widths{16, 24, 32};
  std::vector<int> depths{0, 1, 2};
  int stride = 1;
};
void describe(Binder& b, StageOptions& o) {
  // A depthwise convolution of one channel could not be told from a dense one.
  b.list("widths", o.widths, "Channel numbers to choose from, rising").range(1, 16).each(2, 65536);
  b.list("depths", o.depths, "Numbers of layers after the stage's first convolution, rising")
      .range(1, 16);
  b.value("stride", o.stride, "Of the stage's first convolution").range(1, 4);
}

struct Options {
  int channels = 1;
  int resolution = 8;
  int classes = 10;
  int stem_width = 16;
  std::vector<std::string> kinds{"conv3", "conv5", "sep3", "mb3"};
  std::vector<StageOptions> stages;
};

bool rising(const std::vector<int>& v, int least) {
  return !v.empty() && v[0] >= least && std::is_sorted(v.begin(), v.end()) &&
         std::adjacent_find(v.begin(), v.end()) == v.end() && v.back() <= 4096;
}

const std::vector<std::string>& known_kinds() {
  static const std::vector<std::string> kinds = {"conv3", "conv5", "sep3", "sep5", "mb3", "mb5"};
  return kinds;
}

void describe(Binder& b, Options& o) {
  b.ignore("family");
  b.value("channels", o.channels, "Channels of the image").range(1, 16);
  b.value("resolution", o.resolution, "Height and width of the image")
      .range(4, 1024)
      .unit("pixels");
  b.value("classes", o.classes, "Number of classes").range(2, 100000);
  b.value("stem_width", o.stem_width, "Channels of the fixed first convolution").range(1, 4096);
  b.list("kinds",
         o.kinds,
         "What a layer can be: conv3, conv5 (plain), sep3, sep5 (depthwise-separable), mb3, mb5 "
         "(inverted residual)")
      .check([&o]() -> std::string {
        if (o.kinds.empty()) return "at least one kind is needed";
        for (size_t i = 0; i < o.kinds.size(); ++i) {
          const auto& known = known_kinds();
          if (std::find(known.begin(), known.end(), o.kinds[i]) == known.end())
            return "unknown kind '" + o.kinds[i] + "'; known: conv3, conv5, sep3, sep5, mb3, mb5";
          if (std::find(o.kinds.begin(), o.kinds.begin() + static_cast<long>(i), o.kinds[i]) !=
              o.kinds.begin() + static_cast<long>(i))
            return "'" + o.kinds[i] + "' stands twice";
        }
        return "";
      });
  b.items("stages", o.stages, "Stages in order");
  if (!b.reading()) return;
  if (o.stages.empty()) b.problem("stages", "at least one stage is needed");
  for (size_t s = 0; s < o.stages.size(); ++s) {
    if (!rising(o.stages[s].widths, 1))
      b.problem("stages", "stage " + std::to_string(s) + ": widths must rise, from 1 to 4096");
    if (!rising(o.stages[s].depths, 0) || o.stages[s].depths.back() > 32)
      b.problem("stages", "stage " + std::to_string(s) + ": depths must rise, from 0 to 32");
  }
}

class Cnn final : public Space, public Notated {
 public:
  explicit Cnn(const Options& o) : o_(o) {
    name_ = "cnn";
    classes_ = o.classes;
    input_ = {o.channels, o.resolution, o.resolution};
    stem_ = names("stem");
    for (size_t s = 0; s < o.stages.size(); ++s) add_stage(s);
    classifier_ = symbols_.intern("classifier");
  }

  void build(const Architecture& a, Plan& plan) const override {
    PlanBuilder b(plan, symbols_, input_);
    b.origin({});
    int32_t x = unit(
        b, Plan::kInput, stem_, {o_.channels, o_.channels}, {o_.stem_width, o_.stem_width}, 3, 1);
    Width in{o_.stem_width, o_.stem_width};
    for (size_t s = 0; s < stages_.size(); ++s) {
      const Stage& stage = stages_[s];
      const StageOptions& options = o_.stages[s];
      const int16_t width_option = a.genes[stage.width];
      const Width width{options.widths[static_cast<size_t>(width_option)], options.widths.back()};
      const Provenance width_origin{static_cast<int16_t>(stage.width), width_option};
      b.origin({width_origin});
      x = unit(b, x, stage.first, in, width, 3, options.stride);
      const int depth = options.depths[static_cast<size_t>(a.genes[stage.depth])];
      const Provenance depth_origin{static_cast<int16_t>(stage.depth), a.genes[stage.depth]};
      for (int j = 0; j < depth; ++j) {
        const auto at = static_cast<size_t>(j);
        b.origin({});
        x = b.choose(a.genes, stage.kinds[at], [&](int16_t option) {
          const auto kind = static_cast<size_t>(option);
          b.origin({width_origin, depth_origin});
          return layer(b, x, o_.kinds[kind], stage.layers[at][kind], width);
        });
      }
      in = width;
    }
    b.origin({});
    x = b.add(GlobalAvgPool{}, 0, x);
    b.classifier(Linear{in.now, o_.classes, true, Init::kFrameworkDefault, in.full, o_.classes},
                 classifier_,
                 x);
  }

  /// Kinds may be listed in any order; widths and depths rise.
  Architecture smallest() const override { return extreme_kinds(Space::smallest(), -1); }
  Architecture largest() const override { return extreme_kinds(Space::largest(), 1); }

  /// Stages joined by '/', each its width and the kinds of its layers: 12-conv5-sep3/32-mb3.
  std::string text(const Architecture& a) const override {
    std::string text;
    for (size_t s = 0; s < stages_.size(); ++s) {
      const Stage& stage = stages_[s];
      if (s > 0) text += '/';
      text += choices_[stage.width].options[static_cast<size_t>(a.genes[stage.width])];
      const int depth = o_.stages[s].depths[static_cast<size_t>(a.genes[stage.depth])];
      for (size_t j = 0; j < static_cast<size_t>(depth); ++j)
        text += '-' + o_.kinds[static_cast<size_t>(a.genes[stage.kinds[j]])];
    }
    return text;
  }

  Architecture parse(std::string_view text) const override {
    const std::vector<std::string> parts = split(text, '/');
    if (parts.size() != stages_.size())
      bad_architecture(text,
                       "has " + std::to_string(parts.size()) + " stages; the space has " +
                           std::to_string(stages_.size()),
                       "the form is " + this->text(largest()));
    Architecture a{std::vector<int16_t>(choices_.size(), 0)};
    for (size_t s = 0; s < parts.size(); ++s) parse_stage(s, parts[s], a);
    return a;
  }

  Notation notation() const override {
    std::string kinds;
    for (const std::string& kind : o_.kinds) kinds += (kinds.empty() ? "" : ", ") + kind;
    const Stage& first = stages_[0];
    return {{{"/", "between the " + std::to_string(stages_.size()) + " stages"},
             {choices_[first.width].options.back(), "in front: the width (channels) of the stage"},
             {"-" + o_.kinds.back(),
              "then each of its layers: " + kinds + "; their number is the depth"}},
            {},
            {}};
  }

 private:
  /// Multiply-adds per pixel of a layer.
  static int64_t macs(const std::string& kind, int64_t width) {
    const int64_t window = (kind.back() - '0') * (kind.back() - '0');
    if (kind[0] == 'c') return width * width * window;
    if (kind[0] == 's') return width * window + width * width;
    return 2 * width * (2 * width + window);
  }
  /// The active layers of `a` with the kind of the most (sign 1) or fewest multiply-adds.
  Architecture extreme_kinds(Architecture a, int sign) const {
    for (size_t s = 0; s < stages_.size(); ++s) {
      const Stage& stage = stages_[s];
      const int width = o_.stages[s].widths[static_cast<size_t>(a.genes[stage.width])];
      size_t best = 0;
      for (size_t k = 1; k < o_.kinds.size(); ++k)
        if (sign * macs(o_.kinds[k], width) > sign * macs(o_.kinds[best], width)) best = k;
      for (const size_t kind : stage.kinds)
        if (active(a, kind)) a.genes[kind] = static_cast<int16_t>(best);
    }
    return a;
  }

  static std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
      if (c == separator)
        parts.emplace_back();
      else if (!std::isspace(static_cast<unsigned char>(c)))
        parts.back() += c;
    }
    return parts;
  }

  int16_t option(size_t choice, const std::string& word) const {
    const auto& options = choices_[choice].options;
    const auto it = std::find(options.begin(), options.end(), word);
    if (it != options.end()) return static_cast<int16_t>(it - options.begin());
    std::string all;
    for (const std::string& known : options) all += (all.empty() ? "" : ", ") + known;
    const std::string shown = word.substr(0, 64), near = nearest(shown, options);
    throw ConfigError("architecture: " + choices_[choice].name + ": unknown option '" + shown +
                          "'; expected one of: " + all,
                      near.empty() ? "" : "did you mean '" + near + "'?");
  }

  void parse_stage(size_t s, const std::string& part, Architecture& a) const {
    const Stage& stage = stages_[s];
    const std::vector<std::string> words = split(part, '-');
    a.genes[stage.width] = option(stage.width, words[0]);
    a.genes[stage.depth] = option(stage.depth, std::to_string(words.size() - 1));
    for (size_t j = 1; j < words.size(); ++j)
      a.genes[stage.kinds[j - 1]] = option(stage.kinds[j - 1], words[j]);
  }

  struct Width {
    int now, full;
  };
  struct Names {
    uint32_t conv, bn;
  };
  struct Stage {
    size_t width, depth;
    std::vector<size_t> kinds;  ///< Choice of each layer.
    Names first;
    std::vector<std::vector<std::vector<Names>>> layers;  ///< [layer][kind][convolution]
  };

  Names names(const std::string& base) {
    return {symbols_.intern(base + ".conv"), symbols_.intern(base + ".bn")};
  }

  void add_stage(size_t s) {
    const StageOptions& options = o_.stages[s];
    const std::string base = "stage" + std::to_string(s + 1);
    Stage stage;
    stage.first = names(base + ".first");
    const auto texts = [](const std::vector<int>& values) {
      std::vector<std::string> out;
      for (const int value : values) out.push_back(std::to_string(value));
      return out;
    };
    stage.width = choices_.size();
    choices_.push_back({base + ".width", texts(options.widths), {}});
    stage.depth = choices_.size();
    choices_.push_back({base + ".depth", texts(options.depths), {}});
    for (int j = 0; j < options.depths.back(); ++j) {
      const std::string layer = base + ".layer" + std::to_string(j + 1);
      Choice kind{layer, o_.kinds, {}};
      Condition deep{static_cast<int>(stage.depth), {}};
      for (size_t d = 0; d < options.depths.size(); ++d)
        if (options.depths[d] > j) deep.options.push_back(static_cast<int16_t>(d));
      if (deep.options.size() < options.depths.size()) kind.conditions.push_back(deep);
      stage.kinds.push_back(choices_.size());
      choices_.push_back(std::move(kind));
      auto& by_kind = stage.layers.emplace_back();
      for (const std::string& name : o_.kinds) {
        auto& convs = by_kind.emplace_back();
        for (int k = 1; k <= 3; ++k)
          convs.push_back(names(layer + "." + name + "." + std::to_string(k)));
      }
    }
    stages_.push_back(std::move(stage));
  }

  static int32_t convolution(PlanBuilder& b,
                             int32_t x,
                             Names n,
                             Width in,
                             Width out,
                             int kernel,
                             int stride,
                             bool depthwise) {
    Conv2d c;
    c.in = in.now;
    c.full_in = in.full;
    c.out = out.now;
    c.full_out = out.full;
    c.kernel = c.full_kernel = static_cast<int16_t>(kernel);
    c.stride = static_cast<int16_t>(stride);
    c.padding = static_cast<int16_t>(kernel / 2);
    c.groups = depthwise ? in.now : 1;
    c.init = Init::kKaimingNormalFanOut;
    x = b.add(c, n.conv, x);
    BatchNorm bn;
    bn.channels = out.now;
    bn.full = out.full;
    return b.add(bn, n.bn, x);
  }

  static int32_t unit(
      PlanBuilder& b, int32_t x, Names n, Width in, Width out, int kernel, int stride) {
    return b.add(Activation{Act::kRelu}, 0, convolution(b, x, n, in, out, kernel, stride, false));
  }

  /// One residual layer at constant width.
  static int32_t layer(
      PlanBuilder& b, int32_t x, const std::string& kind, const std::vector<Names>& n, Width w) {
    const int kernel = kind.back() - '0';
    const auto relu = [&b](int32_t y) { return b.add(Activation{Act::kRelu}, 0, y); };
    int32_t y;
    if (kind[0] == 'c') {
      y = convolution(b, x, n[0], w, w, kernel, 1, false);
    } else if (kind[0] == 's') {
      y = relu(convolution(b, x, n[0], w, w, kernel, 1, true));
      y = convolution(b, y, n[1], w, w, 1, 1, false);
    } else {
      const Width mid{2 * w.now, 2 * w.full};
      y = relu(convolution(b, x, n[0], w, mid, 1, 1, false));
      y = relu(convolution(b, y, n[1], mid, mid, kernel, 1, true));
      y = convolution(b, y, n[2], mid, w, 1, 1, false);
    }
    return relu(b.add(Add{}, 0, {y, x}));
  }

  Options o_;
  std::vector<Stage> stages_;
  Names stem_{};
  uint32_t classifier_ = 0;
};

}  // namespace

std::unique_ptr<Space> make_cnn(const YamlSource& section) {
  return std::make_unique<Cnn>(read_yaml_as<Options>(section));
}

void describe_cnn(Binder& b) {
  Options options;
  describe(b, options);
}

}  // namespace nas
