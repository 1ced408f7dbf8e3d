// What the plans of the shipped spaces are, to the last attribute: ops, shapes, names, tensors,
// costs, keys of latency tables, provenance, drawings. A hash of all of it for each space, of its
// covering architectures and of random ones. How plans are made may change, what they are may not;
// a change that is meant to alter them writes the hashes anew (the test prints them) and says so.
#include <gtest/gtest.h>

#include <map>

#include "spaces/base/sha256.hpp"
#include "spaces/draw/plan_draw.hpp"
#include "spaces/registry.hpp"
#include "tests/spaces/all_spaces.hpp"

namespace nas {
namespace {

const std::map<std::string, std::string>& golden() {
  static const std::map<std::string, std::string> hashes = {
      {"digits", "727fc41db5810099ff7187de18328e89b521291264aaad1549566c5d631f3010"},
      {"custom-digits", "d96598084b42a341f55bb9a1056ea4ac03f50e5f0483df4cbd08ae82fec14d14"},
      {"custom-cifar10", "de0931b2d3019b12867814aff85e81b6a4426928746d5d743a503a31fb72baec"},
      {"nasbench201", "5cbc725d4e5922b9895cb71c5866746a0694ca7466d10231d931220ee84a14d7"},
      {"nasbench201-n1", "b9a994f9e37ed8bfc024b96c7d04ea5f0d190268d2939d97c05b5bfc8d7944f9"},
      {"nasbench201-standalone",
       "d7d63af4580e6fec01606a9435cad50fe6e059289b5146ee3f948c9888d22886"},
      {"nasbench-macro", "6590d794d7a6c4ea2f6d60ec7228466f4f060e18402935dc1d4bbccae547e57e"},
      {"mobilenet", "9057553cc91640dcd6eb408490d1657e06b23ac85f366ea32841a7f5dce677c6"},
      {"mobilenet-elastic-resolution",
       "ff2cf84a002bd3efcf6c0db715d45c0013aebff8d9655fe93fe85a3b5716f5f5"},
      {"mobilenet-32", "b1aa1e681a3cf43aa658e74aad6adc55af4ebc4abbb1f2166ddf2a8f8513df11"},
      {"proxyless", "7429181d642960e01cac79a8913f889fbe0b24a6a19fa8a805193f325a6dd12f"},
      {"ofa-resnet50", "7b54da7db9ee5ecba332ee8a5126d02f90046fd95c2f3501643caabecd278675"},
      {"darts", "5b835c8d49854ac0ccb20a0fc8ecc02f8cdc728b1a2a7882f9f11ebbf863d40d"},
      {"darts-small", "8e1e2b818538ef7dbe66de7a866faed1fc9646a0ca9b78ba93302291a8d7accb"},
      {"darts-final", "068dee34d796bbb1cd8e307244fe85036b2b026a3de6d5aa886968eb2e18a6b4"},
      {"resnet20-pool", "8a048f2c4e0b38129557eec70c4c31e8210044f8124d11dd2dcc11256ea3feb2"},
      {"resnet18-stride", "08e6f15b95eba58d14b4930710840426be985b71a51e7583bd9ff372ba7416e9"},
      {"resnet50-stride", "2b18e9267150b9d488e8891c21fee2d6bb33e9bcc1e22d9536ff08aa19adc1eb"},
      {"resnet50-stride-food101",
       "340d74ec2a4169b6c7c98e56d0b915829c565f53dbf079db525c83ad6ea4faa1"},
  };
  return hashes;
}

void append(const Space& space, const Architecture& a, Plan& plan, std::string& text) {
  space.build(a, plan);
  text += plan_json(plan) + plan_text(plan);
  for (const Node& node : plan.nodes) text += signature(plan, node) + "\n";
  for (const std::vector<Node>* nodes : {&plan.nodes, &plan.auxiliary})
    for (const Node& node : *nodes)
      text += std::to_string(macs_of(plan, node, space.counting())) + " " +
              std::to_string(params_of(node.op)) + "\n";
}

class PlanGolden : public testing::TestWithParam<const char*> {};

TEST_P(PlanGolden, StaysAsItIs) {
  const auto space = load_space(GetParam());
  std::string text = space->fingerprint() + space->legacy_fingerprint() + "\n";
  for (const SupernetTensor& t : space->supernet_tensors()) {
    text += t.name;
    for (const int64_t size : t.full.span()) text += " " + std::to_string(size);
    text += "\n";
  }
  Plan plan;
  const std::vector<Architecture> cover = space->cover();
  for (size_t i = 0; i < std::min<size_t>(cover.size(), 40); ++i)
    append(*space, cover[i], plan, text);
  Rng rng(1, "golden");
  for (int i = 0; i < 40; ++i) append(*space, space->sample(rng), plan, text);
  text += draw_network(plan, space->choices());
  const auto known = golden().find(GetParam());
  ASSERT_NE(known, golden().end()) << "{\"" << GetParam() << "\", \"" << sha256_hex(text) << "\"},";
  EXPECT_EQ(sha256_hex(text), known->second) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(All, PlanGolden, testing::ValuesIn(kSpaces), test_name);

}  // namespace
}  // namespace nas
