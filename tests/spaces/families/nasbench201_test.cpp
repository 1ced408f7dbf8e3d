// panda.md 2.1, 7.1 and 7.2: strings, indices, equivalence classes, parameters and MACs.
#include "spaces/families/nasbench201.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "spaces/error.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas {
namespace {

using Form = NasBench201Options::Form;

NasBench201 space_with(int width, int cells, Form form, int classes = 10, int resolution = 32) {
  NasBench201Options o;
  o.width = width;
  o.cells = cells;
  o.form = form;
  o.classes = classes;
  o.resolution = resolution;
  return NasBench201(o);
}

TEST(NasBench201, StringsGenesAndIndices) {
  const auto space = space_with(16, 5, Form::kSupernet);
  struct Row {
    const char* text;
    std::vector<int16_t> genes;
    int index;
  };
  const Row rows[] = {
      {"|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|",
       {3, 0, 3, 1, 0, 1},
       9776},
      {"|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+"
       "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
       {4, 2, 1, 2, 1, 1},
       13931},
  };
  for (const Row& row : rows) {
    const Architecture a = space.parse(row.text);
    EXPECT_EQ(a.genes, row.genes);
    EXPECT_EQ(space.text(a), row.text);
    EXPECT_EQ(NasBench201::index(a), row.index);
    EXPECT_EQ(read_architecture(space, "#" + std::to_string(row.index)), a);
  }
  EXPECT_EQ(space.parse("1,1,1,0,2,0"), NasBench201::from_index(3885));
  EXPECT_EQ(space.parse("3,3,4,0,3,4"), NasBench201::from_index(11769));
  EXPECT_EQ(read_architecture(space, "#0").genes, std::vector<int16_t>(6, 0));
  EXPECT_EQ(read_architecture(space, "#15624").genes, std::vector<int16_t>(6, 4));
  EXPECT_EQ(space.count(), 15625);
  // Inputs of a node in any order; printed in order.
  EXPECT_EQ(space.parse("|nor_conv_3x3~0|+|nor_conv_3x3~1|none~0|+"
                        "|skip_connect~2|none~1|skip_connect~0|"),
            NasBench201::from_index(9776));
}

TEST(NasBench201, BadTextsNameTheFieldAndTheNearestWord) {
  const auto space = space_with(16, 5, Form::kSupernet);
  const auto says = [&](const std::string& text, const std::string& part) {
    try {
      space.parse(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const ConfigError& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  // Not the benchmark's own index, which counts in another order.
  for (const char* number : {"9776", "0", "15624", "99999", "'12'", "303101"}) {
    try {
      read_architecture(space, number);
      ADD_FAILURE() << number;
    } catch (const ConfigError& e) {
      const std::string text = e.what();
      EXPECT_NE(text.find("bare number"), std::string::npos) << text;
      EXPECT_NE(text.find("Write #"), std::string::npos) << text;
    }
  }
  says("|nor_conv3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|", "Did you mean 'nor_conv_3x3'?");
  says("|none~0|+|none~0|none~2|+|none~0|none~1|none~2|", "node 2: 'none~2'");
  says("|none~0|+|none~0|none~0|+|none~0|none~1|none~2|", "node 2: input 0 twice");
  says("|none~0|+|none~0|none~1|+|none~0|none~2|", "node 3: no edge from node 1");
  says("|none~0|+|none~0|none~1|", "2 nodes where 3 are needed");
  says("|none|+|none~0|none~1|+|none~0|none~1|none~2|", "node 1: 'none' has no '~'");
  says("|none~-1|+|none~0|none~1|+|none~0|none~1|none~2|", "does not name an earlier node");
  try {
    read_architecture(space, "#15625");
    ADD_FAILURE() << "accepted: #15625";
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("15624"), std::string::npos) << e.what();
  }
  says(" ", "is empty");
  says("1,2,3,4,5,0", "gene '5'");
  says("1,2,3", "3 genes where 6 are needed");
}

TEST(NasBench201, EquivalenceClasses) {
  const auto space = space_with(16, 1, Form::kSupernet);
  std::set<Architecture> classes;
  int disconnected = 0;
  const Architecture none = NasBench201::from_index(0);
  for (int i = 0; i < NasBench201::kSize; ++i) {
    const Architecture a = NasBench201::from_index(i);
    const Architecture c = space.canonical(a);
    ASSERT_LE(NasBench201::index(c), i);
    ASSERT_EQ(space.canonical(c), c);
    classes.insert(c);
    ASSERT_EQ(!NasBench201::connected(a), c == none) << i;
    disconnected += NasBench201::connected(a) ? 0 : 1;
  }
  EXPECT_EQ(classes.size(), 4930U);
  EXPECT_EQ(disconnected, 341);
  NasBench201Options o;
  o.connected = true;
  EXPECT_EQ(NasBench201(o).count(), 15284);
}

/// Key of a cell by recursive node keys. With `benchmark`, that of the published API, which maps
/// `none` and what follows from it to '#', but does not see that '#+#' is zero too.
std::string node_key(const Architecture& a, bool benchmark) {
  std::vector<std::string> keys{"0"};
  for (int target = 1; target < 4; ++target) {
    std::vector<std::string> terms;
    for (size_t e = 0; e < 6; ++e) {
      const auto [t, source] = NasBench201::kEdgeNodes[e];
      if (t != target) continue;
      const std::string& from = keys[static_cast<size_t>(source)];
      const int16_t op = a.genes[e];
      if (benchmark && (op == NasBench201::kNone || from == "#"))
        terms.emplace_back("#");
      else
        terms.push_back(op == NasBench201::kSkip ? from : "(" + from + ")@" + std::to_string(op));
    }
    std::sort(terms.begin(), terms.end());
    std::string key;
    for (const std::string& term : terms) key += (key.empty() ? "" : "+") + term;
    keys.push_back(key);
  }
  return keys[3];
}

/// Edges on no way from input to output become `none`.
Architecture without_dead_edges(Architecture a) {
  bool fed[4] = {true, false, false, false}, used[4] = {false, false, false, true};
  for (size_t e = 0; e < 6; ++e) {
    const auto [t, s] = NasBench201::kEdgeNodes[e];
    if (a.genes[e] != NasBench201::kNone && fed[s]) fed[t] = true;
  }
  for (size_t e = 6; e-- > 0;) {
    const auto [t, s] = NasBench201::kEdgeNodes[e];
    if (a.genes[e] != NasBench201::kNone && used[t]) used[s] = true;
  }
  for (size_t e = 0; e < 6; ++e) {
    const auto [t, s] = NasBench201::kEdgeNodes[e];
    if (!fed[s] || !used[t]) a.genes[e] = NasBench201::kNone;
  }
  return a;
}

// panda.md 2.1: coarser keys never join what is not one function, but the benchmark's splits some.
TEST(NasBench201, CountsOfOtherKeys) {
  const auto space = space_with(16, 1, Form::kSupernet);
  std::set<Architecture> pruned;
  std::set<std::string> flattened, benchmark;
  std::map<std::string, Architecture> function_of;
  for (int i = 0; i < NasBench201::kSize; ++i) {
    const Architecture a = NasBench201::from_index(i);
    const Architecture c = space.canonical(a);
    EXPECT_EQ(space.canonical(without_dead_edges(a)), c) << i;
    pruned.insert(without_dead_edges(a));
    flattened.insert(node_key(a, false));
    benchmark.insert(node_key(a, true));
    EXPECT_EQ(function_of.emplace(node_key(a, false), c).first->second, c) << i;
  }
  EXPECT_EQ(pruned.size(), 9445U);
  EXPECT_EQ(flattened.size(), 12751U);
  EXPECT_EQ(benchmark.size(), 6466U);
}

TEST(NasBench201, PublishedCosts) {
  struct Row {
    const char* genes;
    int64_t params, macs;
  };
  const Row rows[] = {
      {"0,0,0,0,0,0", 73306, 7783050},
      {"4,2,1,2,1,1", 129306, 15647370},
      {"1,1,1,0,2,0", 101306, 11715210},
      {"3,3,4,0,3,4", 802426, 113951370},
      {"3,0,3,1,0,1", 559386, 78561930},
      {"3,3,3,3,3,3", 1531546, 220119690},
      {"3,3,3,1,2,3", 1073466, 153272970},
  };
  const auto ten = space_with(16, 5, Form::kStandalone);
  const auto hundred = space_with(16, 5, Form::kStandalone, 100);
  const auto small = space_with(16, 5, Form::kStandalone, 120, 16);
  const auto cost = [](const Space& s, const char* genes) {
    return cost_of(s.plan(s.parse(genes)), s.counting());
  };
  for (const Row& row : rows) {
    EXPECT_EQ(cost(ten, row.genes).params, row.params) << row.genes;
    EXPECT_EQ(cost(ten, row.genes).macs, row.macs) << row.genes;
    EXPECT_EQ(cost(hundred, row.genes).params, row.params + 5850);
    EXPECT_EQ(cost(hundred, row.genes).macs, row.macs + 5850);
    EXPECT_EQ(cost(small, row.genes).params, row.params + 7150);
    EXPECT_EQ(cost(small, row.genes).macs, (row.macs - 650) / 4 + 7800);
  }
}

TEST(NasBench201, CostFormulasForAnyWidthAndDepth) {
  for (const auto& [c, n] : {std::pair<int64_t, int64_t>{16, 5}, {16, 1}, {4, 1}, {8, 3}}) {
    const auto space = space_with(static_cast<int>(c), static_cast<int>(n), Form::kStandalone);
    std::set<std::pair<int64_t, int64_t>> pairs;
    Plan plan;
    for (int i = 0; i < NasBench201::kSize; i += c == 4 ? 1 : 97) {
      const Architecture a = NasBench201::from_index(i);
      const int64_t n1 = std::count(a.genes.begin(), a.genes.end(), 2);
      const int64_t n3 = std::count(a.genes.begin(), a.genes.end(), 3);
      space.build(a, plan);
      const Cost cost = cost_of(plan, space.counting());
      ASSERT_EQ(cost.params,
                280 * c * c + 101 * c + 10 + n1 * n * (21 * c * c + 14 * c) +
                    n3 * n * (189 * c * c + 14 * c));
      ASSERT_EQ(cost.macs,
                27648 * c + 28672 * c * c + 40 * c + 10 + (n1 + 9 * n3) * n * 3072 * c * c);
      pairs.emplace(cost.params, cost.macs);
    }
    if (c == 4) {
      EXPECT_EQ(pairs.size(), 28U);
    }
  }
}

TEST(NasBench201, SupernetSize) {
  for (const auto& [c, n, total, tensors] :
       {std::tuple<int, int, int64_t, size_t>{16, 5, 1692474, 373},
        {16, 1, 396858, 85},
        {4, 1, 25302, 85}}) {
    int64_t sum = 0;
    const auto all = space_with(c, n, Form::kSupernet).supernet_tensors();
    for (const SupernetTensor& t : all) sum += t.full.elements();
    EXPECT_EQ(sum, total);
    EXPECT_EQ(all.size(), tensors);
  }
}

}  // namespace
}  // namespace nas
