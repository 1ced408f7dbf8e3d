// Texts of drawings against undoing them, and drawings of random networks: every op in one box,
// edges between boxes that are there.
#include "spaces/draw/dot_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "spaces/draw/plan_blocks.hpp"
#include "spaces/draw/plan_draw.hpp"
#include "spaces/draw/plan_sketch.hpp"
#include "spaces/plan_builder.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using dot::Strings;
using testing::ElementsAre;

TEST(DotText, QuotedAndEscapedTextsAreReadBack) {
  Rng rng(1, "dot");
  const std::string alphabet = "ab\"\\\n<>&'; \xc3\xa9";
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (uint64_t k = rng.below(10); k > 0; --k) text += alphabet[rng.below(alphabet.size())];
    const std::string quoted = dot::in_quotes(text);
    ASSERT_EQ(quoted.front(), '"');
    ASSERT_EQ(quoted.back(), '"');
    std::string back;
    for (size_t k = 1; k + 1 < quoted.size(); ++k) {
      if (quoted[k] != '\\') {
        EXPECT_NE(quoted[k], '"') << "it would end the text";
        back += quoted[k];
        continue;
      }
      ++k;
      back += quoted[k] == 'l' ? '\n' : quoted[k];
    }
    EXPECT_EQ(back, text);
    std::string plain = dot::escaped(text);
    EXPECT_EQ(plain.find_first_of("<>\""), plain.npos);
    for (const auto& [entity, sign] : std::vector<std::pair<std::string, std::string>>{
             {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}})
      for (size_t at = 0; (at = plain.find(entity, at)) != plain.npos; at += sign.size())
        plain.replace(at, entity.size(), sign);
    EXPECT_EQ(plain, text);
  }
}

/// `2 x (a, b)` written out.
Strings expanded(const Strings& words) {
  Strings out;
  for (const std::string& word : words) {
    std::smatch m;
    static const std::regex times(R"((\d+) x \((.*)\))");
    if (!std::regex_match(word, m, times)) {
      out.push_back(word);
      continue;
    }
    std::istringstream parts(m[2].str());
    Strings period;
    for (std::string part; std::getline(parts, part, ',');)
      period.push_back(part.substr(part.find_first_not_of(' ')));
    for (int k = 0; k < std::stoi(m[1]); ++k) out.insert(out.end(), period.begin(), period.end());
  }
  return out;
}

TEST(DotText, RepeatsAreSaidOnceAndNothingIsLost) {
  EXPECT_THAT(dot::without_repeats({"a", "b", "a", "b", "c"}), ElementsAre("2 x (a, b)", "c"));
  EXPECT_THAT(dot::without_repeats({"a", "a", "a"}), ElementsAre("3 x (a)"));
  EXPECT_THAT(dot::without_repeats({"a", "b"}), ElementsAre("a", "b"));
  EXPECT_THAT(dot::without_repeats({}), ElementsAre());
  Rng rng(2, "repeats");
  for (int i = 0; i < 500; ++i) {
    Strings words;
    for (uint64_t k = rng.below(14); k > 0; --k)
      words.push_back(std::string(1, "abc"[rng.below(3)]));
    const Strings shorter = dot::without_repeats(words);
    EXPECT_EQ(expanded(shorter), words);
    EXPECT_LE(shorter.size(), words.size());
  }
}

TEST(DotText, LinesBreakAfterCommasOnly) {
  EXPECT_THAT(dot::wrapped("conv 3x3, BN, relu", 12), ElementsAre("conv 3x3, BN,", "relu"));
  EXPECT_THAT(dot::wrapped("a word that is far too long", 5),
              ElementsAre("a word that is far too long"));
  EXPECT_THAT(dot::wrapped("", 5), ElementsAre());
  Rng rng(3, "wrap");
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (uint64_t k = 1 + rng.below(8); k > 0; --k)
      text += (text.empty() ? "" : ", ") + std::string(1 + rng.below(12), 'x');
    const Strings lines = dot::wrapped(text, 20);
    EXPECT_EQ(joined(lines, " "), text);
    for (const std::string& line : lines) EXPECT_LE(line.size(), 22u) << text;
  }
}

TEST(DotText, NamesAndTheirPatterns) {
  EXPECT_EQ(dot::pattern("stage12.block3.kernel"), "stage#.block#.kernel");
  EXPECT_EQ(dot::pattern("3<-0"), "#<-#");
  EXPECT_EQ(dot::pattern(""), "");
  EXPECT_EQ(dot::relative("stage1.block2.kernel", "stage1.block2"), "kernel");
  EXPECT_EQ(dot::relative("stage1.block2.kernel", "stage1.block3.kernel"), "block2.kernel");
  EXPECT_EQ(dot::relative("stage1.block20", "stage1.block2"), "block20") << "only whole parts";
  EXPECT_EQ(dot::relative("stage1", "stage1"), "");
  EXPECT_EQ(dot::relative("stage1", "stage2"), "stage1");
  EXPECT_EQ(dot::relative("a.b", ""), "a.b");
}

TEST(DotText, LabelsAreHtmlOfTheirLines) {
  dot::Label label;
  label.title = {"block<1>"};
  label.words = {"conv & BN"};
  label.shape = "16x8x8";
  label.options = {"kernel 5"};
  EXPECT_EQ(label.html(),
            "<<b>block&lt;1&gt;</b><br/>conv &amp; BN<br/><font color=\"#555555\">16x8x8</font>"
            "<br/><font point-size=\"9\">kernel 5</font>>");
  const int height = label.height();
  label.words.push_back("relu");
  EXPECT_GT(label.height(), height);
}

// ---- Networks that no family builds.

struct Network {
  SymbolTable symbols;
  Plan plan;
  std::vector<Choice> choices;
};

/// A chain of blocks with branches, some ops of choices, some values that nobody reads.
std::unique_ptr<Network> random_network(Rng& rng) {
  auto made = std::make_unique<Network>();
  made->symbols.intern("");
  for (int c = 0; c < 6; ++c)
    made->choices.push_back({"c" + std::to_string(c), {"x", "y", "z"}, {}});
  PlanBuilder b(made->plan, made->symbols, {4, 8, 8});
  std::vector<int32_t> values = {Plan::kInput};
  const auto recent = [&] {
    return values[values.size() - 1 - rng.below(std::min<size_t>(3, values.size()))];
  };
  const auto block = [&] {
    return "block" + std::to_string(values.size() / 5) + ".part" + std::to_string(values.size());
  };
  for (uint64_t i = 3 + rng.below(40); i > 0; --i) {
    if (rng.below(3) == 0)
      b.origin({{static_cast<int16_t>(rng.below(6)), static_cast<int16_t>(rng.below(3))}});
    else
      b.origin({});
    const int32_t x = recent();
    switch (rng.below(8)) {
      case 0:
      case 1:
        values.push_back(b.add(Conv2d{.in = 4, .out = 4, .kernel = 3, .padding = 1},
                               made->symbols.intern(block() + ".conv"),
                               x));
        break;
      case 2:
        values.push_back(b.add(BatchNorm{.channels = 4}, made->symbols.intern(block() + ".bn"), x));
        break;
      case 3:
        values.push_back(b.add(Activation{}, 0, x));
        break;
      case 4:
        values.push_back(b.add(Add{}, 0, {x, recent()}));
        break;
      case 5:
        values.push_back(b.add(Identity{}, 0, x));
        break;
      case 6:
        values.push_back(b.add(Zero{}, 0, x));
        break;
      default: {
        const int32_t gate = b.add(GlobalAvgPool{.keep = true}, 0, x);
        values.push_back(b.add(Mul{}, 0, {x, gate}));
      }
    }
  }
  b.origin({});
  const int32_t pooled = b.add(GlobalAvgPool{}, 0, values.back());
  b.classifier(Linear{.in = 4, .out = 10}, made->symbols.intern("classifier"), pooled);
  return made;
}

std::vector<int> ids_of(const std::string& tooltip) {
  std::vector<int> ids;
  static const std::regex range(R"((\d+)(?:-(\d+))?)");
  for (std::sregex_iterator it(tooltip.begin(), tooltip.end(), range), end; it != end; ++it)
    for (int i = std::stoi((*it)[1]); i <= std::stoi((*it)[2].matched ? (*it)[2] : (*it)[1]); ++i)
      ids.push_back(i);
  return ids;
}

TEST(DrawnNetworks, RandomOnesStandInBoxesWhole) {
  Rng rng(4, "draw");
  for (int i = 0; i < 150; ++i) {
    const auto network = random_network(rng);
    const size_t n = network->plan.nodes.size();
    const Sketch sketch = sketch_of(network->plan, network->choices);
    // Boxes: every op once; what a box reads stands before it.
    std::vector<int> box_of(n, -1);
    for (size_t k = 0; k < sketch.boxes.size(); ++k) {
      const SketchBox& box = sketch.boxes[k];
      EXPECT_EQ(box.words.empty(), false);
      for (const int op : box.ops) {
        EXPECT_EQ(box_of[static_cast<size_t>(op)], -1) << "op " << op << " stands twice";
        box_of[static_cast<size_t>(op)] = static_cast<int>(k);
      }
      for (const int input : box.inputs) EXPECT_LT(input, static_cast<int>(k));
    }
    for (size_t op = 0; op < n; ++op) {
      ASSERT_GE(box_of[op], 0) << "op " << op << " is not drawn";
      // What an op reads is in its box or read by its box.
      const SketchBox& box = sketch.boxes[static_cast<size_t>(box_of[op])];
      for (const int32_t id : network->plan.inputs(network->plan.nodes[op])) {
        const int from = id < 0 ? SketchBox::kImage : box_of[static_cast<size_t>(id)];
        EXPECT_TRUE(from == box_of[op] ||
                    std::count(box.inputs.begin(), box.inputs.end(), from) == 1)
            << "op " << op << " reads " << id;
      }
    }
    // Frames are one after the other, folds are all frames.
    int at = 0;
    for (const SketchFrame& frame : sketch.frames) {
      EXPECT_EQ(frame.first, at);
      EXPECT_GT(frame.last, frame.first);
      at = frame.last;
    }
    EXPECT_EQ(at, static_cast<int>(sketch.boxes.size()));
    int folded = 0;
    for (const SketchFold& fold : sketch.folds) {
      EXPECT_EQ(fold.first, folded);
      folded += fold.times;
    }
    EXPECT_EQ(folded, static_cast<int>(sketch.frames.size()));
    // The drawing says all ops in its tooltips, each once.
    const std::string text = draw_network(network->plan, network->choices, {"title <&>"});
    std::multiset<int> told;
    static const std::regex tooltip("tooltip=\"ops ([^\"]*)\"");
    for (std::sregex_iterator it(text.begin(), text.end(), tooltip), end; it != end; ++it)
      for (const int id : ids_of((*it)[1])) told.insert(id);
    for (size_t op = 0; op < n; ++op) EXPECT_EQ(told.count(static_cast<int>(op)), 1u) << op;
    EXPECT_EQ(std::count(text.begin(), text.end(), '{'), std::count(text.begin(), text.end(), '}'));
    ASSERT_FALSE(HasFailure()) << plan_text(network->plan);
  }
}

TEST(PlanReading, AnswersAreThoseOfThePlan) {
  Rng rng(5, "reading");
  for (int i = 0; i < 50; ++i) {
    const auto network = random_network(rng);
    const Plan& plan = network->plan;
    const PlanReading reading(plan);
    ASSERT_EQ(reading.size(), plan.nodes.size());
    for (size_t k = 0; k < reading.size(); ++k) {
      std::multiset<size_t> readers;
      for (size_t r = 0; r < plan.nodes.size(); ++r)
        for (const int32_t id : plan.inputs(plan.nodes[r]))
          if (id == static_cast<int32_t>(k)) readers.insert(r);
      EXPECT_EQ(std::multiset<size_t>(reading.readers(k).begin(), reading.readers(k).end()),
                readers);
      EXPECT_EQ(reading.read_once(static_cast<int32_t>(k)), readers.size() == 1);
      const auto inputs = plan.inputs(plan.nodes[k]);
      EXPECT_EQ(reading.only_input(k), inputs.size() == 1 ? inputs[0] : -2);
      EXPECT_EQ(reading.merges(k), inputs.size() > 1);
      EXPECT_TRUE(reading.same_origins(k, k));
    }
    const PlanBlocks blocks = blocks_of(reading, network->choices);
    ASSERT_EQ(blocks.of_node.size(), plan.nodes.size());
    for (size_t k = 0; k < plan.nodes.size(); ++k) {
      ASSERT_GE(blocks.of_node[k], 0);
      ASSERT_LT(static_cast<size_t>(blocks.of_node[k]), blocks.names.size());
      // What has a name tells its block by it.
      if (plan.nodes[k].name == 0) continue;
      const std::string name = plan.name(plan.nodes[k]),
                        block = blocks.names[static_cast<size_t>(blocks.of_node[k])];
      EXPECT_EQ(name.substr(0, block.size()), block);
    }
  }
}

}  // namespace
}  // namespace nas
