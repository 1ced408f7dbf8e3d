// What drawings say, read from their Graphviz source.
#include "spaces/draw/plan_draw.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "spaces/plan_builder.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

/// A node of the drawing.
struct Drawn {
  std::string id, label, colour, tooltip;
  std::string frame;   ///< Label of the innermost cluster.
  std::string column;  ///< Name of the outermost one.
};

std::string first_match(const std::string& text, const std::string& pattern) {
  std::smatch m;
  return std::regex_search(text, m, std::regex(pattern)) ? m[1].str() : "";
}

/// The drawing, line by line.
struct Dot {
  std::vector<Drawn> nodes;                                ///< In order.
  std::vector<std::string> frames;                         ///< Labels in order.
  std::vector<std::pair<std::string, std::string>> edges;  ///< Visible ones.
  std::string heads;                                       ///< In order of columns.
  std::string legend;

  explicit Dot(const std::string& text) {
    std::istringstream lines(text);
    std::vector<std::pair<std::string, std::string>> open;  // Name and label.
    for (std::string line; std::getline(lines, line);) read(line, open);
    EXPECT_TRUE(open.empty()) << "clusters left open";
  }

  const Drawn* find(const std::string& id) const {
    for (const Drawn& node : nodes)
      if (node.id == id) return &node;
    return nullptr;
  }
  /// Nodes whose label holds `part`.
  std::vector<Drawn> with(const std::string& part) const {
    std::vector<Drawn> found;
    for (const Drawn& node : nodes)
      if (node.label.find(part) != std::string::npos) found.push_back(node);
    return found;
  }

 private:
  void read(const std::string& line, std::vector<std::pair<std::string, std::string>>& open) {
    static const std::regex cluster(R"re(subgraph cluster_(\w+) \{.*label="([^"]*)")re");
    static const std::regex node(R"re(^ +(\w+) \[label=(.*), (?:fillcolor|shape)=("?[^",\]]*))re");
    static const std::regex edge(R"re(^ +(\w+) -> (\w+)(.*);$)re");
    static const std::regex fork(R"re(^ +(\w+) \[shape=point)re");
    std::smatch m;
    if (std::regex_search(line, m, cluster)) {
      open.emplace_back(m[1], m[2]);
      if (!open.back().second.empty()) frames.push_back(m[2]);
    } else if (!open.empty() && line.find_first_not_of(' ') == line.find('}')) {
      open.pop_back();
    } else if (line.find("rank=same") != std::string::npos) {
      if (open.empty()) heads = line;
    } else if (std::regex_search(line, m, edge)) {
      if (line.find("invis") == std::string::npos) edges.emplace_back(m[1], m[2]);
    } else if (std::regex_search(line, m, node) && !open.empty()) {
      const std::string colour = first_match(line, "fillcolor=\"([^\"]*)\"");
      nodes.push_back({m[1],
                       m[2],
                       colour,
                       first_match(line, "tooltip=\"([^\"]*)\""),
                       open.back().second,
                       open.front().first});
    } else if (std::regex_search(line, m, fork)) {
      nodes.push_back({m[1], "", "", "", open.back().second, open.front().first});
    } else if (line.rfind("  label=<<table", 0) == 0) {
      legend = line;
    }
  }
};

/// Ids of `ops 3-5, 9`.
std::vector<int> ops_of(const std::string& tooltip) {
  std::vector<int> ids;
  static const std::regex range(R"((\d+)(?:-(\d+))?)");
  for (std::sregex_iterator it(tooltip.begin(), tooltip.end(), range), end; it != end; ++it) {
    const int first = std::stoi((*it)[1]);
    const int last = (*it)[2].matched ? std::stoi((*it)[2]) : first;
    for (int i = first; i <= last; ++i) ids.push_back(i);
  }
  return ids;
}

Dot draw(const Space& space, const std::string& arch) {
  return Dot(draw_network(space.plan(space.parse(arch)), space.choices()));
}
Dot draw(const std::string& space, const std::string& arch) {
  return draw(*load_space(space), arch);
}

const char* const kSpaces[] = {"digits",
                               "resnet20-pool",
                               "resnet18-stride",
                               "resnet50-stride",
                               "resnet50-stride-food101",
                               "nasbench201",
                               "nasbench201-standalone",
                               "nasbench201-n1",
                               "nasbench-macro",
                               "mobilenet",
                               "mobilenet-32",
                               "mobilenet-elastic-resolution",
                               "proxyless",
                               "ofa-resnet50",
                               "darts",
                               "darts-small",
                               "darts-final",
                               "custom-digits",
                               "custom-cifar10"};

class DrawnSpace : public testing::TestWithParam<const char*> {
 protected:
  /// Calls f(plan, drawing) for the ends of the space and some networks between.
  template <typename F>
  void each(F f) const {
    std::vector<Architecture> all = {space_->smallest(), space_->largest()};
    Rng rng(1, "draw");
    for (int i = 0; i < 10; ++i) all.push_back(space_->sample(rng));
    for (const Architecture& a : all) {
      SCOPED_TRACE(space_->text(a));
      const Plan plan = space_->plan(a);
      f(plan, Dot(draw_network(plan, space_->choices())));
    }
  }
  std::unique_ptr<Space> space_ = load_space(GetParam());
};

TEST_P(DrawnSpace, EveryOpStandsInOneBox) {
  each([](const Plan& plan, const Dot& dot) {
    std::vector<int> ids;
    for (const Drawn& node : dot.nodes)
      for (const int id : ops_of(node.tooltip)) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    std::vector<int> all(plan.nodes.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
    EXPECT_EQ(ids, all);
  });
}

// Edges join boxes of one column: none runs behind boxes of another. Nothing hangs loose.
TEST_P(DrawnSpace, EdgesStayInTheirColumn) {
  each([](const Plan&, const Dot& dot) {
    std::set<std::string> reached;
    for (const auto& [from, to] : dot.edges) {
      ASSERT_NE(dot.find(from), nullptr) << from;
      ASSERT_NE(dot.find(to), nullptr) << to;
      EXPECT_EQ(dot.find(from)->column, dot.find(to)->column) << from << " -> " << to;
      reached.insert(to);
    }
    for (const Drawn& node : dot.nodes) {
      const bool source =
          node.id == "image" || node.id.rfind("from", 0) == 0 || node.id.rfind("in", 0) == 0;
      EXPECT_NE(reached.count(node.id) > 0, source) << node.id << " " << node.label;
    }
  });
}

TEST_P(DrawnSpace, ColumnsAreInOrderAndBounded) {
  each([](const Plan&, const Dot& dot) {
    std::map<std::string, int> boxes;
    std::vector<std::string> columns;
    for (const Drawn& node : dot.nodes) {
      if (columns.empty() || columns.back() != node.column) columns.push_back(node.column);
      if (node.column.rfind("network", 0) == 0) ++boxes[node.column];
    }
    EXPECT_EQ(std::set<std::string>(columns.begin(), columns.end()).size(), columns.size());
    for (const auto& [column, n] : boxes) EXPECT_LE(n, 32) << column;
    // One head or more for each column, in their order.
    size_t at = 0;
    for (const std::string& column : columns) {
      const auto head = std::find_if(dot.nodes.begin(), dot.nodes.end(), [&](const Drawn& node) {
        return node.column == column && dot.heads.find(node.id) != std::string::npos;
      });
      ASSERT_NE(head, dot.nodes.end()) << column;
      const size_t here = dot.heads.find(head->id);
      EXPECT_GE(here, at) << column;
      at = here;
    }
  });
}

TEST_P(DrawnSpace, ColouredBoxesAreInTheLegend) {
  each([](const Plan& plan, const Dot& dot) {
    for (const Drawn& node : dot.nodes) {
      const std::vector<int> ids = ops_of(node.tooltip);
      if (ids.empty()) continue;
      const auto origins = plan.origins(plan.nodes[static_cast<size_t>(ids[0])]);
      EXPECT_EQ(node.colour == "white", origins.empty()) << node.label;
      EXPECT_TRUE(dot.legend.empty() ||
                  dot.legend.find("bgcolor=\"" + node.colour + "\"") != std::string::npos);
      EXPECT_TRUE(origins.empty() || !dot.legend.empty());
    }
  });
}

INSTANTIATE_TEST_SUITE_P(All, DrawnSpace, testing::ValuesIn(kSpaces), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// Layers that are an identity have no parameters, hence no name of their own.
TEST(PlanDraw, NasBenchMacroLayersStandInTheirOwnBlocks) {
  const Dot dot = draw("nasbench-macro", "00200111");
  const std::vector<std::string> expected = {
      "layer2\\l", "layer5\\l", "layer6\\l", "layer7\\l", "classifier\\l"};
  EXPECT_EQ(dot.frames, expected);
  for (const char* layer : {"layer1", "layer3", "layer4"}) {
    const auto boxes = dot.with("<b>" + std::string(layer) + "</b><br/>identity");
    ASSERT_EQ(boxes.size(), 1U) << layer;
    EXPECT_EQ(boxes[0].frame, "") << layer;
  }
  // All boxes of the frame "layer2" belong to its inverted residual.
  for (const Drawn& node : dot.nodes)
    if (node.frame == "layer2\\l") {
      EXPECT_NE(node.label.find("mb6_k5"), std::string::npos) << node.label;
    }
  ASSERT_EQ(dot.with("global avg pool").size(), 1U);
  EXPECT_EQ(dot.with("global avg pool")[0].frame, "classifier\\l");
}

TEST(PlanDraw, GlobalPoolWithoutAHeadIsOfTheClassifier) {
  for (const char* space : {"digits", "resnet20-pool", "darts-small", "custom-digits"}) {
    const auto spc = load_space(space);
    const Dot dot(draw_network(spc->plan(spc->largest()), spc->choices()));
    ASSERT_EQ(dot.with("global avg pool").size(), 1U) << space;
    EXPECT_EQ(dot.with("global avg pool")[0].frame, "classifier\\l") << space;
  }
  // A pool of the stem stays there.
  const auto food = load_space("resnet50-stride-food101");
  const Dot dot(draw_network(food->plan(food->smallest()), food->choices()));
  EXPECT_EQ(dot.with("max pool")[0].frame, "stem\\l");
}

TEST(PlanDraw, PoolOfAChoiceIsNamedByIt) {
  const Dot dot = draw("resnet20-pool", "[4,3,3]");
  EXPECT_EQ(dot.with("<b>down1</b><br/>max pool 2x2 stride 2").size(), 1U);
  EXPECT_EQ(dot.with("<b>down2</b><br/>max pool 2x2 stride 2").size(), 1U);
}

TEST(PlanDraw, BlocksAreInOrder) {
  const Dot dot = draw("resnet20-pool", "[4,3,3]");
  const std::vector<std::string> expected = {"block1 ...\\lblock3\\l(3 times)\\l",
                                             "block4\\l",
                                             "block5 ...\\lblock6\\l(2 times)\\l",
                                             "block7\\l",
                                             "block8 ...\\lblock9\\l(2 times)\\l",
                                             "classifier\\l"};
  EXPECT_EQ(dot.frames, expected);
}

TEST(PlanDraw, NasBench201DrawsItsCellOnce) {
  const Dot dot = draw("nasbench201",
                       "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+"
                       "|skip_connect~0|none~1|skip_connect~2|");
  const std::vector<std::string> expected = {
      "reduction0\\l",
      "reduction1\\l",
      "classifier\\l",
      "cell A: cell0 ... cell4, cell5 ... cell9, cell10 ... cell14\\l"};
  EXPECT_EQ(dot.frames, expected);
  const auto folded = dot.with("(5 times)");
  ASSERT_EQ(folded.size(), 3U);
  EXPECT_NE(folded[0].label.find("<b>cell0 ...</b><br/><b>cell4</b>"), std::string::npos);
  EXPECT_NE(folded[1].label.find("<b>cell9</b>"), std::string::npos);
  EXPECT_NE(folded[2].label.find("64x8x8"), std::string::npos);
  // Six edges, each one box that names option and choice.
  std::vector<std::string> edges;
  for (const Drawn& node : dot.nodes)
    if (node.column == "cells0" && node.colour != "white" && !node.colour.empty())
      edges.push_back(node.label);
  EXPECT_EQ(edges.size(), 6U);
  EXPECT_EQ(dot.with("<b>nor_conv_3x3</b><br/>relu, conv 3x3, BN").size(), 2U);
  EXPECT_EQ(dot.with("1&lt;-0").size(), 1U);
}

// No op of such a cell has a name.
TEST(PlanDraw, CellsWithoutParametersAreCellsStill) {
  const Dot dot = draw("nasbench201", "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|");
  EXPECT_EQ(dot.with("<b>cell</b><br/><b>(5 times)</b>").size(), 3U);
  EXPECT_EQ(dot.frames.back(), "cell A: cell (15 times)\\l");
}

TEST(PlanDraw, DartsCellsAreInOrderAndEachWiringIsDrawnOnce) {
  const auto space = load_space("darts");
  const Dot dot(draw_network(space->plan(space->largest()), space->choices()));
  const std::vector<std::string> frames = {"classifier\\l",
                                           "cell A (normal): cell0 ... cell1, cell4, cell7\\l",
                                           "cell B (reduce): cell2, cell5\\l",
                                           "cell C (normal): cell3, cell6\\l"};
  EXPECT_EQ(dot.frames, frames);
  std::vector<std::string> chain;
  for (const Drawn& node : dot.nodes)
    if (node.column == "network0") chain.push_back(first_match(node.label, "<b>([^<]*)</b>"));
  const std::vector<std::string> expected = {
      "", "stem", "cell0 ...", "cell2", "cell3", "cell4", "cell5", "cell6", "cell7", "", ""};
  EXPECT_EQ(chain, expected);
  EXPECT_EQ(dot.with("cell B<br/>").size(), 2U);
  // Eight edges a cell, each one box.
  EXPECT_EQ(dot.with("<b>sep_conv_5x5</b>").size(), 24U);
  EXPECT_EQ(dot.with("from the block 2 before (cell0: from stem)").size(), 1U);
}

TEST(PlanDraw, AuxiliaryHeadIsNotDrawn) {
  const auto make = [](const char* options) {
    YamlSource source;
    source.text = std::string("family: darts\nform: final\n") + options;
    return make_space(source);
  };
  const auto with = make("auxiliary: 0.4\n"), without = make("");
  const Plan plan = with->plan(with->largest());
  ASSERT_FALSE(plan.auxiliary.empty());
  EXPECT_EQ(draw_network(plan, with->choices()),
            draw_network(without->plan(without->largest()), without->choices()));
}

// About twenty ops are read from top to bottom; a hundred boxes are not.
TEST(PlanDraw, LongNetworksHaveColumns) {
  const Dot small = draw("digits", "12-conv5/16-conv3-conv3");
  EXPECT_TRUE(small.with("from ").empty());
  const auto mobilenet = load_space("mobilenet");
  const Dot large(draw_network(mobilenet->plan(mobilenet->largest()), mobilenet->choices()));
  std::set<std::string> columns;
  for (const Drawn& node : large.nodes) columns.insert(node.column);
  EXPECT_GE(columns.size(), 5U);
  EXPECT_LE(columns.size(), 8U);
  // Each way out of a column is taken up at the top of the next.
  std::vector<std::string> to, from;
  for (const Drawn& node : large.nodes) {
    if (node.id.rfind("to_", 0) == 0) to.push_back(first_match(node.label, "to ([^\"]*)"));
    if (node.id.rfind("from", 0) == 0) from.push_back(first_match(node.label, "from ([^\"]*)"));
  }
  EXPECT_EQ(to.size(), columns.size() - 1);
  EXPECT_EQ(from.size(), columns.size() - 1);
  for (const std::string& name : to)
    EXPECT_NE(std::find(large.frames.begin(), large.frames.end(), name + "\\l"),
              large.frames.end());
}

// A chain conv -> relu of one odd choice.
TEST(PlanDraw, OddNamesAreQuoted) {
  SymbolTable symbols;
  symbols.intern("");
  const std::string odd = "a\"b\\c<d>&e";
  const std::vector<Choice> choices = {{odd + ".kind", {"<\"x\" & y\\>"}, {}}};
  Plan plan;
  PlanBuilder b(plan, symbols, {3, 8, 8});
  const Conv2d conv{.in = 3, .out = 4, .kernel = 3, .padding = 1};
  b.origin({{0, 0}});
  int32_t x = b.add(conv, symbols.intern(odd + ".conv"), Plan::kInput);
  x = b.add(Pool{}, 0, x);
  b.origin({});
  x = b.add(GlobalAvgPool{}, 0, x);
  b.add(Linear{.in = 4, .out = 2}, symbols.intern(odd + "2"), x);
  const std::string text = draw_network(plan, choices);
  const std::string label = "label=\"a\\\"b\\\\c<d>&e\\l\"";
  EXPECT_NE(text.find(label), std::string::npos) << text;
  EXPECT_NE(text.find("kind &lt;&quot;x&quot; &amp; y\\&gt;</font>"), std::string::npos) << text;
  EXPECT_NE(text.find("a&quot;b\\c&lt;d&gt;&amp;e.kind"), std::string::npos) << text;
}

TEST(PlanDraw, ResidualEntersItsBlockOnce) {
  const Dot dot = draw("digits", "12-conv5/16");
  std::vector<std::string> readers;
  for (const auto& [from, to] : dot.edges)
    if (dot.find(to)->frame == "stage1.layer1\\l" && dot.find(from)->frame != "stage1.layer1\\l")
      readers.push_back(to);
  ASSERT_EQ(readers.size(), 1U);
  EXPECT_EQ(dot.find(readers[0])->label, "");
}

}  // namespace
}  // namespace nas
