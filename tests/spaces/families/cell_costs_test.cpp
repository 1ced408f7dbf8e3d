// Costs of random DARTS genotypes and of ResNets that halve their maps elsewhere, by a count of
// their layers from the texts (gradient_matching.md 2.1, balanced_mixture.md 2).
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <sstream>

#include "spaces/registry.hpp"

namespace nas {
namespace {

std::unique_ptr<Space> space_of(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  return make_space(source);
}

struct Work {
  int64_t macs = 0, params = 0;
  /// Convolution; its norm has `norm` parameters a channel.
  void conv(
      int64_t in, int64_t out, int64_t kernel, int64_t map, int64_t norm, int64_t groups = 1) {
    const int64_t weights = in / groups * out * kernel * kernel;
    macs += weights * map * map;
    params += weights + norm * out;
  }
};

/// Operations and sources of both cells, in the order of the text.
struct Genotype {
  std::vector<std::pair<std::string, int>> cells[2];
  explicit Genotype(const std::string& text) {
    std::istringstream halves(text);
    std::string half, node, edge;
    for (auto& cell : cells) {
      std::getline(halves, half, ';');
      std::istringstream nodes(half);
      while (std::getline(nodes, node, '|')) {
        std::istringstream edges(node);
        while (std::getline(edges, edge, ',')) {
          const size_t tilde = edge.find('~');
          cell.emplace_back(edge.substr(0, tilde), std::stoi(edge.substr(tilde + 1)));
        }
      }
    }
  }
};

Work darts_by_hand(
    const Genotype& genotype, int64_t width, int layers, int64_t map, bool final_form) {
  Work w;
  const int64_t norm = final_form ? 2 : 0;  // Parameters of the norms in cells.
  const int64_t stem = 3 * width;
  w.conv(3, stem, 3, map, 2);
  int64_t before = stem, last = stem;  // Channels of the two cells before.
  for (int i = 0; i < layers; ++i) {
    const bool reduction = i == layers / 3 || i == 2 * layers / 3;
    if (reduction) width *= 2;
    // What comes from two cells before has twice the map right after a reduction: two convolutions
    // of half the channels, one norm.
    w.conv(before, width, 1, map, norm);
    w.conv(last, width, 1, map, norm);
    const int64_t out = reduction ? map / 2 : map;
    for (const auto& [op, source] : genotype.cells[reduction ? 1 : 0]) {
      const bool strided = reduction && source < 2;
      const int64_t kernel = op.back() == '3' ? 3 : 5;
      if (op.substr(0, 3) == "sep" || op.substr(0, 3) == "dil")
        for (int half = 0; half < (op[0] == 's' ? 2 : 1); ++half) {
          w.conv(width, width, kernel, out, 0, width);
          w.conv(width, width, 1, out, norm);
        }
      else if (op == "skip_connect" && strided)
        w.conv(width, width, 1, out, norm);
    }
    map = out;
    before = last;
    last = 4 * width;
  }
  w.macs += last * 10;
  w.params += last * 10 + 10;
  return w;
}

TEST(DartsCosts, RandomGenotypesCostWhatTheirLayersDo) {
  for (const auto& [width, layers, final_form] : std::vector<std::tuple<int, int, bool>>{
           {16, 8, false}, {4, 3, false}, {6, 5, true}, {36, 20, true}}) {
    const auto space =
        space_of("family: darts\nform: " + std::string(final_form ? "final" : "search") +
                 "\nwidth: " + std::to_string(width) + "\nlayers: " + std::to_string(layers) +
                 "\nnone: true\n");
    Rng rng(1, "darts");
    for (int i = 0; i < 40; ++i) {
      const Architecture a = i == 0 ? space->largest() : space->sample(rng);
      const Cost cost = cost_of(space->plan(a));
      const Work expected = darts_by_hand(Genotype(space->text(a)), width, layers, 32, final_form);
      ASSERT_EQ(cost.macs, expected.macs) << width << " " << layers << " " << space->text(a);
      ASSERT_EQ(cost.params, expected.params) << width << " " << layers << " " << space->text(a);
    }
  }
}

TEST(DartsCanonical, IsAnotherGenotypeOfTheSameCostOrLess) {
  Rng rng(2, "canonical");
  for (const char* yaml :
       {"family: darts\nwidth: 4\nlayers: 3\nnone: true\n",
        "family: darts\nwidth: 4\nlayers: 3\nform: final\n",
        "family: darts\nwidth: 4\nlayers: 3\nform: final\nnone: true\ndrop_path: 0.2\n"}) {
    const auto space = space_of(yaml);
    for (int i = 0; i < 200; ++i) {
      const Architecture a = space->sample(rng), form = space->canonical(a);
      EXPECT_TRUE(space->valid(form));
      EXPECT_LE(form, a) << "not the first by genes";
      EXPECT_EQ(space->canonical(form), form);
      EXPECT_LE(cost_of(space->plan(form)).macs, cost_of(space->plan(a)).macs) << space->text(a);
    }
  }
}

TEST(DartsCanonical, SpellingsOfOneCell) {
  const auto space = space_of("family: darts\nnone: true\nform: final\n");
  const std::string reduce =
      ";sep_conv_3x3~0,sep_conv_3x3~1|sep_conv_3x3~0,sep_conv_3x3~1|"
      "sep_conv_3x3~0,sep_conv_3x3~1|sep_conv_3x3~0,sep_conv_3x3~1";
  const auto same = [&](const std::string& a, const std::string& b) {
    return space->canonical(space->parse(a + reduce)) == space->canonical(space->parse(b + reduce));
  };
  const std::string rest = "|sep_conv_3x3~0,sep_conv_3x3~1|sep_conv_3x3~0,sep_conv_3x3~1";
  // Node 2 is node 0: whoever reads 0 could read 2. A pool of a sum of one is that pool.
  const std::string head = "skip_connect~0,none~1";
  EXPECT_TRUE(same(head + "|max_pool_3x3~2,none~1" + rest, head + "|max_pool_3x3~0,none~1" + rest));
  EXPECT_TRUE(same(head + "|none~0,none~1" + rest, head + "|none~1,none~2" + rest));
  // Convolutions have weights of their own edge: another edge, another function set, but alone
  // trained the same; the spelling with the lower genes stands for both.
  EXPECT_TRUE(same(head + "|sep_conv_3x3~2,none~1" + rest, head + "|sep_conv_3x3~0,none~1" + rest));
  EXPECT_FALSE(
      same(head + "|sep_conv_3x3~0,none~1" + rest, head + "|sep_conv_3x3~1,none~0" + rest));
  EXPECT_FALSE(
      same(head + "|max_pool_3x3~0,none~1" + rest, head + "|avg_pool_3x3~0,none~1" + rest));
}

// ---- Where a ResNet halves its maps.

/// A chain of blocks with fixed widths; `parts`: units at each resolution.
Work resnet18_by_hand(const std::vector<int>& parts, int64_t map) {
  Work w;
  w.conv(3, 64, 3, map, 0);  // Norms of the supernet have no parameters.
  const std::vector<std::pair<int64_t, int64_t>> blocks = {
      {64, 64}, {64, 64}, {64, 128}, {128, 128}, {128, 256}, {256, 256}, {256, 512}, {512, 512}};
  // Units: the stem, then the blocks; before the first unit of a part the map halves.
  std::vector<bool> halves(9, false);
  for (size_t p = 0, unit = 0; p + 1 < parts.size(); ++p)
    halves[unit += static_cast<size_t>(parts[p])] = true;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto [in, out] = blocks[i];
    if (halves[i + 1]) map = (map - 1) / 2 + 1;
    w.conv(in, out, 3, map, 0);
    w.conv(out, out, 3, map, 0);
    // Where the shape may change, in some architecture or this one, a 1x1 convolution.
    if (in != out) w.conv(in, out, 1, map, 0);
  }
  w.macs += 5120;
  w.params += 5120 + 10;
  return w;
}

TEST(DownsamplingCosts, MapsHalveWhereTheTextSays) {
  const auto space = space_of("family: downsampling\nvariant: resnet18-stride\n");
  int seen = 0;
  space->enumerate([&](const Architecture& a) {
    const std::string text = space->text(a);
    std::vector<int> parts;
    std::istringstream numbers(text.substr(1, text.size() - 2));
    for (std::string word; std::getline(numbers, word, ',');) parts.push_back(std::stoi(word));
    EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), 0), 9);
    const Cost cost = cost_of(space->plan(a));
    const Work expected = resnet18_by_hand(parts, 32);
    EXPECT_EQ(cost.params, expected.params) << text;
    EXPECT_EQ(cost.macs, expected.macs) << text;
    ++seen;
    return true;
  });
  EXPECT_EQ(seen, 56) << "three of eight places";
}

}  // namespace
}  // namespace nas
