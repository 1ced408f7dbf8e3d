// What each kind of block costs, by formulas of its layers; what conditions, rules and frozen
// choices leave, by reading them as sentences about options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "spaces/custom/custom_blocks.hpp"
#include "spaces/domain.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using custom::Kind;
using testing::HasSubstr;

std::unique_ptr<Space> space_of(const std::string& text) {
  YamlSource source;
  source.text = "family: custom\n" + text;
  source.file = "space.yaml";
  return make_space(source);
}

std::string error_of(const std::string& text) {
  try {
    space_of(text);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

/// Sizes of one layer, as the field writes them down.
struct Layer {
  Kind kind;
  int kernel = 3;
  double expansion = 1;
  double se = 0;
  int stride = 1;
  int64_t in = 8, out = 8, map = 8;
  bool shortcut = false;  ///< Of the layer.
  bool same = false;      ///< Every architecture has these channels in and out.
  bool expands = true;    ///< mbconv: its first 1x1 is there.
};
struct Work {
  int64_t macs = 0, params = 0;
  void conv(int64_t in, int64_t out, int64_t kernel, int64_t map, int64_t groups = 1) {
    const int64_t weights = in / groups * out * kernel * kernel;
    macs += weights * map * map;
    params += weights + 2 * out;  // Its norm.
  }
};

int64_t rounded(int64_t channels, double factor) {
  return std::max<int64_t>(2, std::lround(static_cast<double>(channels) * factor));
}

Work by_hand(const Layer& l) {
  Work w;
  const int64_t small = (l.map - 1) / l.stride + 1;
  const bool moves = !l.same || l.stride > 1;
  switch (l.kind) {
    case Kind::kConv:
      w.conv(l.in, l.out, l.kernel, small);
      break;
    case Kind::kSep:
      w.conv(l.in, l.in, l.kernel, small, l.in);
      w.conv(l.in, l.out, 1, small);
      break;
    case Kind::kMbConv: {
      const int64_t mid = rounded(l.in, l.expansion);
      if (l.expands) w.conv(l.in, mid, 1, l.map);
      w.conv(mid, mid, l.kernel, small, mid);
      if (l.se > 0) {
        // Two 1x1 convolutions with bias on one pixel, no norms.
        const int64_t squeezed = rounded(mid, l.se);
        w.macs += 2 * mid * squeezed;
        w.params += 2 * mid * squeezed + squeezed + mid;
      }
      w.conv(mid, l.out, 1, small);
      break;
    }
    case Kind::kBottleneck: {
      const int64_t mid = rounded(l.out, l.expansion);
      w.conv(l.in, mid, 1, l.map);
      w.conv(mid, mid, l.kernel, small);
      w.conv(mid, l.out, 1, small);
      if (moves && !l.shortcut) w.conv(l.in, l.out, 1, small);
      break;
    }
    case Kind::kBasic:
      w.conv(l.in, l.out, l.kernel, small);
      w.conv(l.out, l.out, l.kernel, small);
      if (moves && !l.shortcut) w.conv(l.in, l.out, 1, small);
      break;
    case Kind::kMaxPool:
    case Kind::kAvgPool:
      if (!l.same) w.conv(l.in, l.out, 1, small);
      break;
    case Kind::kSkip:
      if (moves) w.conv(l.in, l.out, 1, small);
      break;
    case Kind::kNone:
      break;
  }
  if (l.shortcut && moves) w.conv(l.in, l.out, 1, small);
  return w;
}

/// All of a network with one layer but for stem and classifier.
Work of_layer(const Space& space, const Architecture& a, const Layer& l) {
  const Cost cost = cost_of(space.plan(a));
  Work w{cost.macs, cost.params};
  const int64_t stem = 3 * l.in * 9;
  w.macs -= stem * l.map * l.map + l.out * 10;
  w.params -= stem + 2 * l.in + l.out * 10 + 10;
  return w;
}

TEST(CustomBlocks, EveryKindCostsWhatItsLayersDo) {
  for (const auto& [name, kind] : custom::kinds())
    for (const int kernel : {1, 3, 5, 7})
      for (const int stride : {1, 2, 3})
        for (const int out : {8, 20})
          for (const bool shortcut : {false, true}) {
            if (kind == Kind::kNone && !shortcut) continue;
            Layer l{kind, kernel};
            l.stride = stride;
            l.out = out;
            l.map = 7;
            l.shortcut = shortcut;
            l.same = out == 8;
            l.expansion = kind == Kind::kBottleneck ? 0.25 : 4;
            std::string block = "{name: b, kind: " + name;
            if (custom::has_kernel(kind)) block += ", kernels: [" + std::to_string(kernel) + "]";
            // A second candidate makes a space of it.
            const auto space =
                space_of("resolutions: [7]\nstem: {width: 8}\nblocks: [" + block +
                         "}]\nstages: [{widths: [" + std::to_string(out) +
                         "], depths: [1], stride: " + std::to_string(stride) +
                         ", shortcut: " + (shortcut ? "true" : "false") + ", blocks: [b, " +
                         (kind == Kind::kSkip ? "conv" : "skip") + "]}]\n");
            const Architecture a{{0}};
            const Work found = of_layer(*space, a, l), expected = by_hand(l);
            EXPECT_EQ(found.macs, expected.macs)
                << name << " k" << kernel << " s" << stride << " to " << out << " " << shortcut;
            EXPECT_EQ(found.params, expected.params)
                << name << " k" << kernel << " s" << stride << " to " << out << " " << shortcut;
          }
}

TEST(CustomBlocks, ExpansionsAndSqueezesRound) {
  for (const double expansion : {0.1, 0.5, 1.0, 1.5, 3.3, 16.0})
    for (const double se : {0.0, 0.03, 0.25, 1.0}) {
      Layer l{Kind::kMbConv};
      l.expansion = expansion;
      l.se = se;
      l.same = true;
      l.expands = expansion != 1.0;
      const auto space = space_of(
          "resolutions: [8]\nstem: {width: 8}\nblocks: [{name: b, kind: "
          "mbconv, expansions: [" +
          std::to_string(expansion) + "], se: " + std::to_string(se) +
          "}]\nstages: [{widths: [8], depths: [1], blocks: [b, conv]}]\n");
      const Work found = of_layer(*space, Architecture{{0}}, l), expected = by_hand(l);
      EXPECT_EQ(found.macs, expected.macs) << expansion << " " << se;
      EXPECT_EQ(found.params, expected.params) << expansion << " " << se;
    }
}

TEST(CustomBlocks, ElasticSizesAreCutFromTheLargest) {
  const auto space = space_of(
      "resolutions: [8]\nstem: {width: 4}\n"
      "blocks: [{name: mb, kind: mbconv, kernels: [3, 5, 7], expansions: [1, 2, 6], se: 0.25}]\n"
      "stages:\n  - {widths: [8, 12], depths: [2], blocks: [mb]}\n");
  std::map<std::string, Dims> full;
  for (const SupernetTensor& t : space->supernet_tensors()) full[t.name] = t.full;
  EXPECT_EQ(full["stage1.layer1.mb.conv1.weight"], (Dims{{24, 4, 1, 1}, 4}));
  EXPECT_EQ(full["stage1.layer1.mb.conv2.weight"], (Dims{{24, 1, 7, 7}, 4}));
  EXPECT_EQ(full["stage1.layer1.mb.conv3.weight"], (Dims{{12, 24, 1, 1}, 4}));
  EXPECT_EQ(full["stage1.layer2.mb.conv1.weight"], (Dims{{72, 12, 1, 1}, 4}));
  EXPECT_EQ(full["stage1.layer2.mb.se.reduce.weight"], (Dims{{18, 72, 1, 1}, 4}));
  // Every architecture has its own sizes of them, never more.
  space->enumerate([&](const Architecture& a) {
    const Plan plan = space->plan(a);
    for (const Node& node : plan.nodes) {
      TensorSpec specs[kMostTensors];
      const int n = tensors_of(node.op, specs);
      for (int i = 0; i < n; ++i) {
        EXPECT_EQ(specs[i].full, full[plan.tensor_name(node, specs[i].role)]) << space->text(a);
        for (int d = 0; d < specs[i].shape.rank; ++d)
          EXPECT_LE(specs[i].shape.size[d], specs[i].full.size[d]);
      }
    }
    return true;
  });
}

// ---- Sentences about choices.

constexpr const char* kBase =
    "resolutions: [8, 16]\nchannels: 1\nstem: {width: 4}\n"
    "blocks: [{name: mb, kind: mbconv, kernels: [3, 5]}]\n"
    "stages:\n"
    "  - {name: a, widths: [4, 8, 12], depths: [1, 2], blocks: [conv, mb]}\n"
    "  - {name: b, widths: [6, 10], depths: [1], blocks: [conv, skip, sep]}\n";

/// A comparison with its meaning: what option texts fulfil it.
struct Comparison {
  std::string choice, op, word;
  std::vector<std::string> list;
  std::string text() const {
    if (op != "in") return choice + " " + op + " " + word;
    std::string all;
    for (const std::string& w : list) all += (all.empty() ? "" : ", ") + w;
    return choice + " in [" + all + "]";
  }
  bool holds(const std::string& option) const {
    if (op == "in") return std::count(list.begin(), list.end(), option) > 0;
    if (op == "==") return option == word;
    if (op == "!=") return option != word;
    const double x = std::stod(option), y = std::stod(word);
    return op == ">=" ? x >= y : op == "<=" ? x <= y : op == ">" ? x > y : x < y;
  }
};

Comparison random_comparison(const Space& space, Rng& rng) {
  const Choice& choice = space.choices()[rng.below(space.choices().size())];
  const auto any = [&] { return choice.options[rng.below(choice.options.size())]; };
  const bool numbers = choice.options[0].find_first_not_of("0123456789") == std::string::npos;
  Comparison c{choice.name, "", any(), {any(), any()}};
  static const char* const kOps[] = {"==", "!=", "in", ">=", "<=", ">", "<"};
  c.op = kOps[rng.below(numbers ? 7 : 3)];
  return c;
}

TEST(CustomRules, AreReadAsTheyAreWritten) {
  const auto base = space_of(kBase);
  std::vector<Architecture> all;
  base->enumerate([&](const Architecture& a) { return all.push_back(a), true; });
  Rng rng(1, "rules");
  const auto option = [&](const Architecture& a, const std::string& choice) -> std::string {
    for (size_t c = 0; c < base->choices().size(); ++c)
      if (base->choices()[c].name == choice)
        return base->active(a, c) ? base->choices()[c].options[static_cast<size_t>(a.genes[c])]
                                  : "";
    return "";
  };
  int with = 0, without = 0;
  for (int i = 0; i < 150; ++i) {
    std::vector<Comparison> when, require;
    for (uint64_t k = rng.below(3); k > 0; --k) when.push_back(random_comparison(*base, rng));
    for (uint64_t k = 1 + rng.below(2); k > 0; --k)
      require.push_back(random_comparison(*base, rng));
    const auto sentence = [](const std::vector<Comparison>& parts) {
      std::string text;
      for (const Comparison& c : parts) text += (text.empty() ? "" : " and ") + c.text();
      return text;
    };
    std::string yaml = std::string(kBase) + "rules: [{";
    if (!when.empty()) yaml += "when: \"" + sentence(when) + "\", ";
    yaml += "require: \"" + sentence(require) + "\"}]\n";
    std::set<Architecture> expected;
    for (const Architecture& a : all) {
      // A closed choice fulfils no condition, and breaks no requirement.
      const bool applies = std::all_of(when.begin(), when.end(), [&](const Comparison& c) {
        const std::string o = option(a, c.choice);
        return !o.empty() && c.holds(o);
      });
      const bool kept = std::all_of(require.begin(), require.end(), [&](const Comparison& c) {
        const std::string o = option(a, c.choice);
        return o.empty() || c.holds(o);
      });
      if (!applies || kept) expected.insert(a);
    }
    std::unique_ptr<Space> space;
    try {
      space = space_of(yaml);
    } catch (const ConfigError& e) {
      // Comparisons that nothing fulfils are mistakes (`< 4`), and so is an empty space.
      const std::string what = e.what();
      EXPECT_TRUE(what.find("no option of") != std::string::npos || expected.empty())
          << yaml << what;
      ++without;
      continue;
    }
    ++with;
    ASSERT_EQ(space->count(), BigInt(expected.size())) << yaml;
    for (const Architecture& a : all) {
      std::string why;
      ASSERT_EQ(space->valid(a, &why), expected.count(a) > 0) << yaml << base->text(a) << why;
    }
  }
  EXPECT_GT(with, 80);
  EXPECT_GT(without, 5);
}

TEST(CustomRules, FrozenChoicesLeaveThePartThatHasThem) {
  const auto base = space_of(kBase);
  const std::vector<std::string> terms = {"a.width=8",
                                          "a.width=4",
                                          "b.layer1=sep",
                                          "b.width=10",
                                          "a.depth=1",
                                          "a.depth=2",
                                          "a.layer1=mb",
                                          "resolution=16"};
  for (const std::string& term : terms) {
    const auto frozen = space_of(std::string(kBase) + "freeze: [" + term + "]\n");
    const Domain part(*base, Restriction::parse(*base, {term}));
    EXPECT_EQ(frozen->count(), part.count()) << term;
    // With one layer the second has nothing to choose: its kind and its kernel.
    EXPECT_EQ(frozen->choices().size() + (term == "a.depth=1" ? 3 : 1), base->choices().size())
        << term;
    // The same networks: as many of each cost.
    std::multiset<std::pair<int64_t, int64_t>> a, b;
    const auto into = [](const Space& space, std::multiset<std::pair<int64_t, int64_t>>& costs) {
      return [&space, &costs](const Architecture& x) {
        const Cost cost = cost_of(space.plan(x));
        costs.emplace(cost.macs, cost.params);
        return true;
      };
    };
    frozen->enumerate(into(*frozen, a));
    part.enumerate(into(*base, b));
    EXPECT_EQ(a, b) << term;
  }
}

TEST(CustomRules, FrozenChoicesThatContradictAreTold) {
  const auto said = [](const std::string& freeze) {
    return error_of(std::string(kBase) + "freeze: [" + freeze + "]\n");
  };
  EXPECT_THAT(said("a.width=8, a.width=12"), HasSubstr("freeze.1: a.width is frozen twice"));
  EXPECT_THAT(said("a.width"), HasSubstr("freeze.0: 'a.width' is not of the form choice=option"));
  EXPECT_THAT(said("a.widht=8"),
              HasSubstr("freeze.0: unknown choice 'a.widht'\n  Did you mean 'a.width'?"));
  EXPECT_THAT(said("a.layer1=cnov"),
              HasSubstr("a.layer1 has no option 'cnov'; it has conv, mb\n  Did you mean 'conv'?"));
  EXPECT_THAT(said("a.width=8, a.depth=1, b.width=6, a.layer1=conv, b.layer1=conv, resolution=8"),
              HasSubstr("nothing is left to search"));
}

TEST(CustomText, NamesEveryOpenChoiceAndNothingElse) {
  const auto space = space_of(kBase);
  EXPECT_EQ(space->text(space->smallest()), "r8/4:conv/6:skip");
  const Architecture a = space->parse("r16/12:mb+k5,conv/10:sep");
  EXPECT_EQ(space->Space::text(a),
            "resolution=16,a.width=12,a.depth=2,a.layer1=mb,a.layer1.mb.kernel=5,a.layer2=conv,"
            "b.width=10,b.layer1=sep");
  EXPECT_EQ(space->parse(space->Space::text(a)), a);
  EXPECT_EQ(space->parse(" r16 / 12 : mb + k5 , conv / 10 : sep "), a);
  const auto said = [&](const std::string& text) -> std::string {
    try {
      space->parse(text);
    } catch (const ConfigError& e) {
      return e.problems()[0].message + (e.problems()[0].hint.empty() ? "" : "|") +
             e.problems()[0].hint;
    }
    return "read";
  };
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"4:conv/6:skip", "has 2 parts between '/'; expected 3|The form is r16/"},
           {"8/4:conv/6:skip", "must start with the resolution|"},
           {"r9/4:conv/6:skip", "resolution: resolution has no option '9'; it has 8, 16"},
           {"r8/4/6:skip", "stage 'a': no ':' after the width|The form is width:layer,layer."},
           {"r8/5:conv/6:skip", "stage 'a': a.width has no option '5'; it has 4, 8, 12"},
           {"r8/4:/6:skip", "stage 'a': a.depth has no option '0'; it has 1, 2"},
           {"r8/4:conv,conv,conv/6:skip", "a.depth has no option '3'"},
           {"r8/4:mb/6:skip", "stage 'a', layer 1: +k is missing after 'mb' (its kernel)"},
           {"r8/4:mb+e5/6:skip", "+k is missing after 'mb'"},
           {"r8/4:mb+k5+e4/6:skip", "nothing is to be chosen by '+e4'"},
           {"r8/4:conv+k3/6:skip", "nothing is to be chosen by '+k3'"},
           {"r8/4:conv/6:skp",
            "stage 'b', layer 1: b.layer1 has no option 'skp'; it has conv, "
            "skip, sep|Did you mean 'skip'?"},
           {"r8/4:conv/6:skip,skip", "stage 'b': b.depth has no option '2'; it has 1"}})
    EXPECT_THAT(said(text), HasSubstr(what)) << text;
}

TEST(CustomOptions, AreCheckedOneByOne) {
  const std::string end = "stages: [{widths: [8, 16]}]\n";
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"resolutions: [16, 8]\n" + end, "space.yaml:2:14: resolutions: must rise"},
           {"resolutions: [8, 8]\n" + end, "must rise: each value greater than the one before"},
           {"classes: 1\n" + end, "classes: 1 is out of range, expected 2 to 1e5"},
           {"stem: {kernel: 4}\n" + end, "stem.kernel: 4 is not odd: even kernels would change"},
           {"blocks: [{name: b, kind: conv, kernels: [3, 4]}]\n" + end, "kernels: 4 is not odd"},
           {"blocks: [{name: 'a b', kind: conv}]\n" + end,
            "blocks.0.name: a name has letters, digits, - and _ only"},
           {"blocks: [{name: a, kind: conv, se: 0.5}]\n" + end,
            "blocks.0.se: conv has no squeeze-excitation (mbconv has)"},
           {"blocks: [{name: a, kind: conv, expansions: [2]}]\n" + end,
            "blocks.0.expansions: conv has no expansion (mbconv and bottleneck have)"},
           {"blocks: [{name: a, kind: mbconv, expansions: [0.01]}]\n" + end,
            "0.01 is out of range, expected 0.05 to 16"},
           {"blocks: [{name: a, kind: conv}, {name: a, kind: sep}]\n" + end,
            "blocks.1.name: 'a' is the name of an earlier block too"},
           {"blocks: [{name: a}]\n" + end, "blocks.0.kind: is missing"},
           {"stages: [{widths: [8, 16], blocks: [conv, conv]}]\n",
            "stages.0.blocks: 'conv' stands twice"},
           {"stages: [{widths: [8, 16], layers: [{}, {}]}]\n",
            "stages.0.layers: 2 layers are described, but the stage has 1 at most"},
           {"stages: [{name: head, widths: [8, 16]}]\n", "stages.0.name: 'head' is taken"},
           {"stages: [{name: a, widths: [8, 16]}, {name: a}]\n", "stages.1.name: 'a' is taken"},
           {"stages: [{widths: [8, 16], blocks: [none]}]\n",
            "'none' would cut the network in two here\n  Set shortcut: true"},
           {"stages: [{widths: [1, 16]}]\n", "item 0: 1 is out of range, expected 2 to 8192"},
           {"stages: [{widths: []}]\n", "a list of 0, expected 1 to 32 items"},
           {"resolutions: [4]\nstem: {stride: 8}\n" + end,
            "stem.stride: stride 8 is larger than the 4x4 map that arrives here (image 4x4)"},
           {"stages: [{widths: [8, 16], depths: [32]}, {depths: [32]}, {depths: [32]}, {depths: "
            "[32]}, {depths: [1]}]\n",
            "stages: 129 layers; 128 is the most"}})
    EXPECT_THAT(error_of(text), HasSubstr(what)) << text;
}

TEST(CustomOptions, LayersMayHaveCandidatesOfTheirOwn) {
  const auto space = space_of(
      "stages: [{widths: [16], depths: [1, 3], blocks: [conv, sep, skip], layers: [{blocks: "
      "[basic]}, {}]}]\n");
  // One layer: 1. Three: 1 * 3 * 3.
  EXPECT_EQ(space->count(), 1 + 9);
  EXPECT_EQ(space->text(space->largest()), "16:basic,conv,conv");
  EXPECT_THROW(space->parse("16:conv"), ConfigError);
}

TEST(CustomBlocks, KindsSayWhatTheyHave) {
  const std::set<std::string> weightless = {"maxpool", "avgpool", "skip", "none"};
  for (const auto& [name, kind] : custom::kinds()) {
    EXPECT_EQ(custom::has_weights(kind), weightless.count(name) == 0) << name;
    EXPECT_EQ(custom::has_kernel(kind), name != "skip" && name != "none") << name;
    EXPECT_EQ(custom::has_expansion(kind), name == "mbconv" || name == "bottleneck") << name;
  }
  EXPECT_EQ(custom::default_expansions(Kind::kMbConv), std::vector<double>{4});
  EXPECT_EQ(custom::default_expansions(Kind::kBottleneck), std::vector<double>{0.25});
}

}  // namespace
}  // namespace nas
