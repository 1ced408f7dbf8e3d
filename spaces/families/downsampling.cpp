// Where a ResNet halves its resolution: a chain of units with fixed widths and exactly D
// downsamplings, each at another unit (balanced_mixture.md section 2).
#include <algorithm>

#include "spaces/error.hpp"
#include "spaces/plan_builder.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/notation.hpp"

namespace nas {
namespace {

enum class Variant { kResNet20Pool, kResNet18Stride, kResNet50Stride };
enum class Form { kSupernet, kStandalone };

struct Options {
  Variant variant = Variant::kResNet20Pool;
  int classes = 10;
  int resolution = 32;
  bool imagenet_stem = false;
  Form form = Form::kSupernet;
  int last_width = 0;
};

void describe(Binder& b, Options& o) {
  b.ignore("family");
  b.choice("variant",
           o.variant,
           {{"resnet20-pool", Variant::kResNet20Pool},
            {"resnet18-stride", Variant::kResNet18Stride},
            {"resnet50-stride", Variant::kResNet50Stride}},
           "Backbone, and how a unit downsamples: max-pool before it, or stride 2 inside it");
  b.value("classes", o.classes, "Number of classes").range(2, 100000);
  b.value("resolution", o.resolution, "Height and width of the image")
      .range(8, 1024)
      .unit("pixels");
  b.value("imagenet_stem",
          o.imagenet_stem,
          "7x7 stride-2 stem and max-pool, not counted as a unit (strided variants)")
      .check([&o] {
        return o.imagenet_stem && o.variant == Variant::kResNet20Pool
                   ? "resnet20-pool has no such stem"
                   : std::string();
      });
  b.choice(
      "form",
      o.form,
      {{"supernet", Form::kSupernet}, {"standalone", Form::kStandalone}},
      "supernet: batch norm by batch statistics, no parameters; standalone: with parameters and "
      "running statistics");
  b.value("last_width",
          o.last_width,
          "resnet20-pool: width of the last block, 0 for the backbone's own (the published "
          "stand-alone networks: 10)")
      .range(0, 4096);
}

struct Block {
  int in, out, mid;
  bool projection;
};

class Downsampling final : public Space, public Notated {
 public:
  explicit Downsampling(const Options& o) : o_(o) {
    static constexpr const char* kNames[] = {"resnet20-pool", "resnet18-stride", "resnet50-stride"};
    name_ = kNames[static_cast<size_t>(o.variant)];
    if (o.imagenet_stem) name_ += "-imagenet";
    classes_ = o.classes;
    input_ = {3, o.resolution, o.resolution};
    stem_width_ = o.variant == Variant::kResNet20Pool ? 16 : 64;
    make_blocks();
    downs_ = o.variant == Variant::kResNet20Pool ? 2 : 3;
    units_ = static_cast<int>(blocks_.size()) + (o.imagenet_stem ? 0 : 1);
    for (int j = 1; j <= downs_; ++j) {
      Choice choice{"down" + std::to_string(j), {}, {}};
      for (int unit = j; unit <= units_ - 1 - (downs_ - j); ++unit)
        choice.options.push_back(std::to_string(unit));
      choices_.push_back(std::move(choice));
    }
    intern_names();
  }

  void build(const Architecture& a, Plan& plan) const override {
    PlanBuilder b(plan, symbols_, input_);
    int32_t x = stem(b);
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const int unit = static_cast<int>(i) + (o_.imagenet_stem ? 0 : 1);
      int down = -1;
      for (int j = 0; j < downs_; ++j)
        if (position(a, j) == unit) down = j;
      // A unit itself is fixed; only what halves the resolution belongs to a choice.
      const Provenance origin{static_cast<int16_t>(down),
                              down < 0 ? int16_t{-1} : a.genes[static_cast<size_t>(down)]};
      x = block(b, x, i, down >= 0, origin);
    }
    b.origin({});
    x = b.add(GlobalAvgPool{}, 0, x);
    const int width = blocks_.back().out;
    b.classifier(
        Linear{width, o_.classes, true, Init::kFrameworkDefault, width, o_.classes}, linear_, x);
  }

  /// A stride changes nothing where the map has one pixel (small images after the ImageNet stem):
  /// such a downsampling moves to the unit after the one before it.
  Architecture canonical(Architecture a) const override {
    int map = o_.resolution;
    for (int halvings = o_.imagenet_stem ? 2 : 0; halvings > 0; --halvings) map = (map + 1) / 2;
    for (size_t j = 0; j < a.genes.size(); ++j) {
      if (map == 1) a.genes[j] = j == 0 ? int16_t{0} : a.genes[j - 1];
      map = o_.variant == Variant::kResNet20Pool ? map / 2 : (map + 1) / 2;
    }
    return a;
  }

  std::string text(const Architecture& a) const override {
    std::string text = "[";
    int before = 0;
    for (int j = 0; j < downs_; ++j) {
      text += std::to_string(position(a, j) - before) + ",";
      before = position(a, j);
    }
    return text + std::to_string(units_ - before) + "]";
  }

  /// `[4,3,3]`, or a code of one digit a unit, 1 where it downsamples: 0000100100.
  Architecture parse(std::string_view text) const override {
    if (text.size() > 1000) bad_architecture(text, "is too long");
    if (text.find('[') != text.npos) text = inside_log(text, '[', ']');
    std::string plain;
    for (const char c : text)
      if (!std::isspace(static_cast<unsigned char>(c))) plain += c;
    const bool code =
        plain.size() == static_cast<size_t>(units_) &&
        std::all_of(plain.begin(), plain.end(), [](char c) { return c == '0' || c == '1'; });
    std::vector<int> units = code ? positions_of_code(plain) : positions_of_parts(plain);
    if (static_cast<int>(units.size()) != downs_)
      throw ConfigError("architecture " + plain + ": expected " + std::to_string(downs_) +
                        " downsamplings");
    Architecture a;
    for (int j = 0; j < downs_; ++j)
      a.genes.push_back(static_cast<int16_t>(units[static_cast<size_t>(j)] - j - 1));
    std::string why;
    if (!valid(a, &why)) throw ConfigError("architecture " + plain + ": " + why);
    return a;
  }

  Notation notation() const override {
    std::string code(static_cast<size_t>(units_), '0');
    for (int j = 0; j < downs_; ++j) code[static_cast<size_t>(j) + 1] = '1';
    return {{{text(smallest()),
              "units at each resolution, from the image's on: " + std::to_string(downs_ + 1) +
                  " numbers from 1 whose sum is " + std::to_string(units_)}},
            {{code, "a digit for each unit, 1 where it halves the resolution first"}},
            {}};
  }

 protected:
  bool constrained() const override { return true; }
  bool allowed(const Architecture& a, std::string* why) const override {
    for (int j = 1; j < downs_; ++j)
      if (position(a, j) <= position(a, j - 1)) {
        if (why != nullptr)
          *why = "downsampling " + std::to_string(j + 1) +
                 " must come at a later unit than the one before it";
        return false;
      }
    return true;
  }
  std::vector<SpaceRule> rules() const override {
    std::vector<SpaceRule> rules;
    for (int j = 1; j < downs_; ++j) {
      const auto now = static_cast<size_t>(j);
      rules.push_back({{now - 1, now}, [this, j](const Architecture& a) {
                         return position(a, j) > position(a, j - 1);
                       }});
    }
    return rules;
  }

 private:
  /// Unit (0-based) in front of which downsampling j stands: c_{j+1} of the specification.
  int position(const Architecture& a, int j) const {
    return a.genes[static_cast<size_t>(j)] + j + 1;
  }

  std::vector<int> positions_of_code(const std::string& code) const {
    std::vector<int> units;
    for (size_t i = 0; i < code.size(); ++i)
      if (code[i] == '1') units.push_back(static_cast<int>(i));
    if (!units.empty() && units[0] == 0)
      throw ConfigError("architecture " + code + ": the first unit never downsamples");
    return units;
  }

  std::vector<int> positions_of_parts(const std::string& plain) const {
    const std::string form = "architecture '" + plain + "': expected " +
                             std::to_string(downs_ + 1) + " positive numbers that add up to " +
                             std::to_string(units_) + ", such as " +
                             (downs_ == 2 ? "[4,3,3]" : "[3,2,2,2]");
    if (plain.size() < 2 || plain.front() != '[' || plain.back() != ']') throw ConfigError(form);
    std::vector<int> units;
    int sum = 0, parts = 0;
    for (size_t at = 1; at < plain.size();) {
      size_t end = plain.find_first_of(",]", at);
      const std::string number = plain.substr(at, end - at);
      if (number.empty() || number.size() > 3 ||
          number.find_first_not_of("0123456789") != std::string::npos || number == "0")
        throw ConfigError(form);
      sum += std::stoi(number);
      if (++parts <= downs_) units.push_back(sum);
      at = end + 1;
    }
    if (parts != downs_ + 1 || sum != units_) throw ConfigError(form);
    return units;
  }

  void make_blocks() {
    int in = stem_width_;
    const auto stage = [&](int count, int width, int expansion, bool first_projects) {
      for (int i = 0; i < count; ++i) {
        const int out = width * expansion;
        blocks_.push_back({in, out, width, i == 0 && (in != out || first_projects)});
        in = out;
      }
    };
    switch (o_.variant) {
      case Variant::kResNet20Pool:
        for (const int width : {16, 32, 64}) stage(3, width, 1, false);
        if (o_.last_width > 0) {
          Block& last = blocks_.back();
          last.out = last.mid = o_.last_width;
          last.projection = last.in != last.out;
        }
        break;
      case Variant::kResNet18Stride:
        for (const int width : {64, 128, 256, 512}) stage(2, width, 1, false);
        break;
      case Variant::kResNet50Stride: {
        const int counts[] = {3, 4, 6, 3};
        for (int s = 0; s < 4; ++s) stage(counts[s], 64 << s, 4, true);
        break;
      }
    }
  }

  void intern_names() {
    stem_conv_ = symbols_.intern("stem.conv");
    stem_bn_ = symbols_.intern("stem.bn");
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const std::string base = "block" + std::to_string(i + 1) + ".";
      Names n{};
      for (int k = 0; k < 3; ++k) {
        n.conv[k] = symbols_.intern(base + "conv" + std::to_string(k + 1));
        n.bn[k] = symbols_.intern(base + "bn" + std::to_string(k + 1));
      }
      n.projection = symbols_.intern(base + "projection.conv");
      n.projection_bn = symbols_.intern(base + "projection.bn");
      names_.push_back(n);
    }
    linear_ = symbols_.intern("classifier");
  }

  int32_t conv(
      PlanBuilder& b, int32_t x, uint32_t name, int in, int out, int kernel, int stride) const {
    Conv2d c;
    c.in = c.full_in = in;
    c.out = c.full_out = out;
    c.kernel = c.full_kernel = static_cast<int16_t>(kernel);
    c.stride = static_cast<int16_t>(stride);
    c.padding = static_cast<int16_t>(kernel / 2);
    c.init =
        o_.variant == Variant::kResNet20Pool ? Init::kFrameworkDefault : Init::kKaimingNormalFanOut;
    return b.add(c, name, x);
  }

  int32_t norm(PlanBuilder& b, int32_t x, uint32_t name, bool plain = false) const {
    BatchNorm bn;
    bn.channels = bn.full = b.shape(x).c;
    bn.affine = bn.running = o_.form == Form::kStandalone && !plain;
    return b.add(bn, name, x);
  }

  static int32_t relu(PlanBuilder& b, int32_t x) { return b.add(Activation{Act::kRelu}, 0, x); }

  int32_t stem(PlanBuilder& b) const {
    b.origin({});
    if (!o_.imagenet_stem)
      return relu(b, norm(b, conv(b, Plan::kInput, stem_conv_, 3, stem_width_, 3, 1), stem_bn_));
    const int32_t x =
        relu(b, norm(b, conv(b, Plan::kInput, stem_conv_, 3, stem_width_, 7, 2), stem_bn_));
    return b.add(Pool{true, 3, 2, 1}, 0, x);
  }

  int32_t block(PlanBuilder& b, int32_t x, size_t i, bool down, Provenance origin) const {
    const Block& block = blocks_[i];
    const Names& n = names_[i];
    const bool pooled = o_.variant == Variant::kResNet20Pool;
    const int stride = down && !pooled ? 2 : 1;
    b.origin({origin});
    if (down && pooled) {
      x = b.add(Pool{true, 2, 2, 0}, 0, x);
      b.origin({});
    }
    int32_t y;
    if (o_.variant == Variant::kResNet50Stride) {
      y = relu(b, norm(b, conv(b, x, n.conv[0], block.in, block.mid, 1, 1), n.bn[0]));
      y = relu(b, norm(b, conv(b, y, n.conv[1], block.mid, block.mid, 3, stride), n.bn[1]));
      y = norm(b, conv(b, y, n.conv[2], block.mid, block.out, 1, 1), n.bn[2]);
    } else {
      // The published stand-alone ResNet20 leaves the first norm of a block without parameters.
      y = relu(b, norm(b, conv(b, x, n.conv[0], block.in, block.out, 3, stride), n.bn[0], pooled));
      y = norm(b, conv(b, y, n.conv[1], block.out, block.out, 3, 1), n.bn[1]);
    }
    int32_t shortcut = x;
    if (block.projection) {
      shortcut = norm(b, conv(b, x, n.projection, block.in, block.out, 1, stride), n.projection_bn);
    } else if (stride == 2) {
      shortcut = b.add(Subsample{2, 0}, 0, x);
    }
    const int32_t sum = b.add(Add{}, 0, {y, shortcut});
    return relu(b, sum);
  }

  struct Names {
    uint32_t conv[3], bn[3], projection, projection_bn;
  };
  Options o_;
  int stem_width_ = 0, downs_ = 0, units_ = 0;
  std::vector<Block> blocks_;
  std::vector<Names> names_;
  uint32_t stem_conv_ = 0, stem_bn_ = 0, linear_ = 0;
};

}  // namespace

std::unique_ptr<Space> make_downsampling(const YamlSource& section) {
  return std::make_unique<Downsampling>(read_yaml_as<Options>(section));
}

void describe_downsampling(Binder& b) {
  Options options;
  describe(b, options);
}

}  // namespace nas
