// NAS-Bench-Macro: a chain of 8 layers in three stages, each layer identity or one of two inverted
// residual blocks (panda.md section 2.2).
#include <algorithm>
#include <array>

#include "spaces/error.hpp"
#include "spaces/families/mobile_block.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/notation.hpp"

namespace nas {
namespace {

enum class Form { kStandalone, kSupernet };

struct Options {
  int classes = 10;
  int resolution = 32;
  int input_channels = 3;
  Form form = Form::kStandalone;
};

void describe(Binder& b, Options& o) {
  b.ignore("family");
  b.value("classes", o.classes, "Number of classes").range(2, 100000);
  b.value("resolution", o.resolution, "Height and width of the image")
      .range(8, 1024)
      .unit("pixels");
  b.value("input_channels", o.input_channels, "Channels of the image").range(1, 64);
  b.choice("form",
           o.form,
           {{"standalone", Form::kStandalone}, {"supernet", Form::kSupernet}},
           "standalone: batch norm with parameters and running statistics, as the published "
           "networks were trained; supernet: batch statistics only, no parameters");
}

constexpr int kLayers = 8, kStem = 32, kHead = 1280;
constexpr std::array<int, 4> kStageBegin{0, 2, 5, kLayers};
constexpr int16_t kIdentity = 0;

class NasBenchMacro final : public Space, public Notated {
 public:
  explicit NasBenchMacro(const Options& o) : o_(o) {
    name_ = "nasbench-macro";
    input_ = {o.input_channels, o.resolution, o.resolution};
    classes_ = o.classes;
    stem_ = unit("stem");
    for (int i = 0; i < kLayers; ++i) {
      const std::string base = "layer" + std::to_string(i);
      choices_.push_back({base, {"identity", "mb3_k3", "mb6_k5"}, {}});
      layers_[static_cast<size_t>(i)] = {unit(base + ".identity"),
                                         MobileBlockNames::intern(symbols_, base + ".mb3_k3"),
                                         MobileBlockNames::intern(symbols_, base + ".mb6_k5")};
    }
    head_ = unit("head");
    classifier_ = symbols_.intern("classifier");
  }

  void build(const Architecture& a, Plan& plan) const override {
    PlanBuilder b(plan, symbols_, input_);
    b.origin({});
    int32_t x = conv_unit(b, stem_, Plan::kInput, kStem, 3, 1, true);
    size_t stage = 0;
    int width = kStem;
    for (int i = 0; i < kLayers; ++i) {
      const bool first = i == kStageBegin[stage];
      if (first) {
        width *= 2;
        ++stage;
      }
      const auto at = static_cast<size_t>(i);
      x = b.choose(a.genes, at, [&](int16_t gene) { return layer(b, at, gene, x, width, first); });
    }
    b.origin({});
    x = conv_unit(b, head_, x, kHead, 1, 1, true);
    x = b.add(GlobalAvgPool{}, 0, x);
    b.classifier(Linear{.in = kHead, .out = classes_, .full_in = kHead, .full_out = classes_},
                 classifier_,
                 x);
  }

  /// Identities that are not first in their stage compute nothing: they move to its end.
  Architecture canonical(Architecture a) const override {
    for (size_t s = 0; s < 3; ++s)
      std::stable_partition(a.genes.begin() + kStageBegin[s] + 1,
                            a.genes.begin() + kStageBegin[s + 1],
                            [](int16_t gene) { return gene != kIdentity; });
    return a;
  }

  std::string text(const Architecture& a) const override {
    std::string text;
    for (const int16_t gene : a.genes) text += static_cast<char>('0' + gene);
    return text;
  }

  Architecture parse(std::string_view raw) const override {
    std::string text(trim(raw));
    // Also [2, 2, 2, 1, 2, 2, 2, 0].
    if (text.find('[') != text.npos) {
      const std::string list(inside_log(text, '[', ']'));
      text.clear();
      for (const std::string_view digit :
           split(std::string_view(list).substr(1, list.size() - 2), ',')) {
        if (trim(digit).size() != 1)
          bad_architecture(list,
                           "'" + std::string(trim(digit).substr(0, 40)) + "' is not 0, 1 or 2");
        text += trim(digit);
      }
    }
    if (text.size() != kLayers)
      bad_architecture(text,
                       std::to_string(text.size()) + " characters where 8 digits are needed",
                       "Write one digit a layer: 0 identity, 1 mb3_k3, 2 mb6_k5.");
    Architecture a;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] < '0' || text[i] > '2')
        bad_architecture(text,
                         choices_[i].name + ": '" + std::string(1, text[i]) + "' is not 0, 1 or 2",
                         "0 identity, 1 mb3_k3, 2 mb6_k5.");
      a.genes.push_back(static_cast<int16_t>(text[i] - '0'));
    }
    return a;
  }

  Notation notation() const override {
    return {{{"2",
              "a digit for each of the 8 layers: 0 identity, 1 mb3_k3, 2 mb6_k5; layers 1 and "
              "2 are the first stage, 3 to 5 the second, 6 to 8 the third"}},
            {{"[2, 2, 2, 1, 2, 2, 2, 0]", "the same as a list"}},
            {}};
  }

 private:
  struct Unit {
    uint32_t conv, bn;
  };
  struct Layer {
    Unit identity;
    MobileBlockNames small, large;
  };

  Unit unit(const std::string& base) {
    return {symbols_.intern(base + ".conv"), symbols_.intern(base + ".bn")};
  }
  BatchNorm norm(int channels) const {
    const bool alone = o_.form == Form::kStandalone;
    return {.channels = channels, .full = channels, .affine = alone, .running = alone};
  }
  int32_t conv_unit(
      PlanBuilder& b, const Unit& n, int32_t x, int out, int kernel, int stride, bool act) const {
    const int in = b.shape(x).c;
    x = b.add(Conv2d{.in = in,
                     .out = out,
                     .kernel = static_cast<int16_t>(kernel),
                     .stride = static_cast<int16_t>(stride),
                     .padding = static_cast<int16_t>(kernel / 2),
                     .full_kernel = static_cast<int16_t>(kernel),
                     .full_in = in,
                     .full_out = out},
              n.conv,
              x);
    x = b.add(norm(out), n.bn, x);
    return act ? b.add(Activation{Act::kRelu}, 0, x) : x;
  }

  int32_t layer(PlanBuilder& b, size_t i, int16_t gene, int32_t x, int out, bool first) const {
    const int stride = first ? 2 : 1;
    if (gene == kIdentity)
      return first ? conv_unit(b, layers_[i].identity, x, out, 1, 2, false)
                   : b.add(Identity{}, 0, x);
    MobileBlock block;
    block.in = block.full_in = b.shape(x).c;
    block.mid = block.full_mid = block.in * (gene == 1 ? 3 : 6);
    block.out = block.full_out = out;
    block.kernel = block.full_kernel = gene == 1 ? 3 : 5;
    block.stride = stride;
    block.residual = !first;
    block.bn = norm(0);
    return add_mobile_block(b, block, gene == 1 ? layers_[i].small : layers_[i].large, {}, x);
  }

  Options o_;
  Unit stem_{}, head_{};
  std::array<Layer, kLayers> layers_{};
  uint32_t classifier_ = 0;
};

}  // namespace

std::unique_ptr<Space> make_nasbench_macro(const YamlSource& section) {
  return std::make_unique<NasBenchMacro>(read_yaml_as<Options>(section));
}

void describe_nasbench_macro(Binder& b) {
  Options options;
  describe(b, options);
}

}  // namespace nas
