// panda.md 2.2 and 7.3: costs of published rows, canonical form.
#include <gtest/gtest.h>

#include <set>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

class NasBenchMacroTest : public testing::Test {
 protected:
  std::unique_ptr<Space> space_ = load_space("nasbench-macro");
};

TEST_F(NasBenchMacroTest, PublishedCosts) {
  struct Row {
    const char* text;
    int64_t params, macs;
  };
  const Row rows[] = {
      {"00000000", 387882, 7713280},
      {"10000000", 396298, 12128768},
      {"00000002", 1219370, 20910592},
      {"02012100", 890666, 47327744},
      {"11111111", 1588874, 53246464},
      {"12121212", 2330186, 80617984},
      {"21021010", 1163434, 51315200},
      {"22222222", 2932586, 105660928},
  };
  for (const Row& row : rows) {
    const Cost cost = cost_of(space_->plan(space_->parse(row.text)), space_->counting());
    EXPECT_EQ(cost.params, row.params) << row.text;
    EXPECT_EQ(cost.macs, row.macs) << row.text;
  }
}

TEST_F(NasBenchMacroTest, CountsMeanAndClasses) {
  std::set<Architecture> classes;
  int64_t macs = 0, n = 0;
  Plan plan;
  space_->enumerate([&](const Architecture& a) {
    space_->build(a, plan);
    macs += cost_of(plan, space_->counting()).macs;
    ++n;
    classes.insert(space_->canonical(a));
    return true;
  });
  EXPECT_EQ(n, 6561);
  EXPECT_EQ(macs / n, 55540224);
  EXPECT_EQ(classes.size(), 3969U);
}

TEST_F(NasBenchMacroTest, CanonicalForms) {
  const std::pair<const char*, const char*> pairs[] = {{"00101202", "00110220"},
                                                       {"21002012", "21020012"},
                                                       {"00000001", "00000010"},
                                                       {"01002200", "01020200"},
                                                       {"11201100", "11210100"},
                                                       {"20011012", "20011012"},
                                                       {"22212202", "22212220"}};
  for (const auto& [from, to] : pairs)
    EXPECT_EQ(space_->text(space_->canonical(space_->parse(from))), to);
}

TEST_F(NasBenchMacroTest, BadTextsNameTheLayer) {
  const auto says = [&](const std::string& text, const std::string& part) {
    try {
      space_->parse(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const ConfigError& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  says("00000003", "layer7: '3'");
  says("0000000", "7 characters where 8");
  says("0x000000", "layer1: 'x'");
}

}  // namespace
}  // namespace nas
