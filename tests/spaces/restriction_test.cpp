// Which options of each choice are open: reading, writing, joining, and what is inside.
#include "spaces/restriction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

std::string error_of(const Space& space, const std::vector<std::string>& terms) {
  try {
    Restriction::parse(space, terms, "search.fix");
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

TEST(Restriction, TermsAreReadAndWritten) {
  const auto space = load_space("nasbench201");
  const auto text = [&](const std::vector<std::string>& terms) {
    return Restriction::parse(*space, terms).text();
  };
  EXPECT_EQ(text({}), "");
  EXPECT_EQ(text({"1<-0=nor_conv_3x3"}), "1<-0=nor_conv_3x3");
  EXPECT_EQ(text({" 3<-2 = nor_conv_3x3 | skip_connect "}), "3<-2=skip_connect|nor_conv_3x3");
  EXPECT_EQ(text({"2<-1!=none"}), "2<-1!=none");
  EXPECT_EQ(text({"2<-1!=none|avg_pool_3x3"}), "2<-1=skip_connect|nor_conv_1x1|nor_conv_3x3");
  EXPECT_EQ(text({"1<-0!=none, 2<-0=none"}), "1<-0!=none, 2<-0=none");
  EXPECT_EQ(text({"3<-*!=none"}), "3<-0!=none, 3<-1!=none, 3<-2!=none");
  // Several terms about a choice all hold, and all options are no restriction.
  EXPECT_EQ(text({"1<-0!=none", "1<-0!=skip_connect"}),
            "1<-0=nor_conv_1x1|nor_conv_3x3|avg_pool_3x3");
  EXPECT_EQ(text({"1<-0=none|skip_connect|nor_conv_1x1|nor_conv_3x3|avg_pool_3x3"}), "");
  for (const char* terms : {"1<-0!=none, 2<-0=none", "3<-2=skip_connect|nor_conv_3x3", "*=none"}) {
    const Restriction made = Restriction::parse(*space, {terms});
    EXPECT_EQ(Restriction::parse(*space, {made.text()}), made) << terms;
    EXPECT_EQ(Restriction::from_bits(*space, made.bits()), made) << made.bits();
  }
}

// The terms of the README and of `nas help parts`: a star means the choices that have the option.
TEST(Restriction, AStarLeavesChoicesWithoutTheOptionAlone) {
  const auto space = load_space("digits");
  const std::string both = Restriction::parse(*space, {"stage1.depth=2", "stage2.*!=conv5"}).text();
  EXPECT_THAT(both, HasSubstr("stage1.depth=2"));
  EXPECT_THAT(both, HasSubstr("stage2.layer1!=conv5"));
  EXPECT_THAT(both, testing::Not(HasSubstr("width")));
  EXPECT_EQ(Restriction::parse(*space, {"stage1.depth=2,stage2.*!=conv5"}).text(), both);
  EXPECT_THAT(error_of(*space, {"stage2.*!=conv9"}), HasSubstr("no option 'conv9'"));
}

TEST(Restriction, MistakesNameTheTermAndTheNearestName) {
  const auto space = load_space("digits");
  EXPECT_THAT(error_of(*space, {"stage1.dpth=2"}),
              AllOf(HasSubstr("search.fix 'stage1.dpth=2'"),
                    HasSubstr("no choice 'stage1.dpth'"),
                    HasSubstr("Did you mean 'stage1.depth'?")));
  EXPECT_THAT(error_of(*space, {"stage1.depth=2", "stage1.layer1=conv33"}),
              AllOf(HasSubstr("no option 'conv33'"),
                    HasSubstr("Did you mean 'conv3'?"),
                    HasSubstr("It has sep3, ")));
  EXPECT_THAT(error_of(*space, {"stage1.depth"}), HasSubstr("is not CHOICE=OPTION"));
  EXPECT_THAT(error_of(*space, {""}), HasSubstr("is not CHOICE=OPTION"));
  EXPECT_THAT(error_of(*space, {"=2"}), HasSubstr("is not CHOICE=OPTION"));
  EXPECT_THAT(error_of(*space, {"stage1.depth=1||2"}), HasSubstr("names an empty option"));
  EXPECT_THAT(error_of(*space, {"stage1.depth=1,stage1.depth=2"}),
              AllOf(HasSubstr("leaves the choice stage1.depth without an option"),
                    HasSubstr("stage1.depth=1 are allowed")));
  EXPECT_THAT(error_of(*space, {"stage1.depth!=0|1|2"}), HasSubstr("without an option"));
  EXPECT_THAT(error_of(*space, {"nothing*=2"}), HasSubstr("no choice 'nothing*'"));
  EXPECT_THAT(error_of(*space, {"*****=2"}), HasSubstr("more than 4 '*'"));
  EXPECT_EQ(error_of(*space, {"stage1.depth=2"}), "no error");
}

TEST(Restriction, BitsAreThoseOfTheOptions) {
  const auto space = load_space("nasbench201");
  const Restriction made = Restriction::parse(*space, {"1<-0!=none", "3<-2=nor_conv_3x3"});
  EXPECT_EQ(made.bits(), "01111,11111,11111,11111,11111,00010");
  EXPECT_EQ(Restriction().bits(), "");
  EXPECT_TRUE(Restriction::from_bits(*space, "").everything());
  EXPECT_TRUE(Restriction::from_bits(*space, "11111,11111,11111,11111,11111,11111").everything());
  for (const char* bad : {"1",
                          "01111,11111,11111,11111,11111",
                          "0111x,11111,11111,11111,11111,00010",
                          "00000,11111,11111,11111,11111,00010",
                          "01111,11111,11111,11111,11111,000100",
                          "01111,11111,11111,11111,11111,00010,"})
    EXPECT_THROW(Restriction::from_bits(*space, bad), DataError) << bad;
}

TEST(Restriction, KeepAndIntersectionNarrow) {
  const auto space = load_space("nasbench201");
  const Restriction all(*space);
  EXPECT_TRUE(all.everything());
  EXPECT_EQ(all, Restriction());
  const Restriction some = all.keep(2, std::vector<int16_t>{1, 3});
  EXPECT_TRUE(some.allows(2, 1));
  EXPECT_FALSE(some.allows(2, 0));
  EXPECT_FALSE(some.allows(2, 99));
  EXPECT_TRUE(some.allows(1, 0));
  EXPECT_NE(some, all);
  EXPECT_TRUE(all.allows(2, 0)) << "keep makes a new one";
  EXPECT_EQ(some.keep(2, std::vector<int16_t>{3, 4}).text(), "2<-1=nor_conv_3x3");
  EXPECT_THROW(some.keep(2, std::vector<int16_t>{0, 4}), ConfigError);
  EXPECT_THROW(some.keep(2, std::vector<int16_t>{}), ConfigError);
  const Restriction other =
      all.keep(0, std::vector<int16_t>{4}).keep(2, std::vector<int16_t>{1, 2});
  EXPECT_EQ(some.intersection(other).text(), "1<-0=avg_pool_3x3, 2<-1=skip_connect");
  EXPECT_EQ(some.intersection(other), other.intersection(some));
  EXPECT_EQ(some.intersection(all), some);
  EXPECT_EQ(Restriction().intersection(some), some);
  EXPECT_THROW(some.intersection(all.keep(2, std::vector<int16_t>{0})), ConfigError);
}

// What stands at a closed choice means nothing, so it keeps no architecture out.
TEST(Restriction, OnlyActiveChoicesCount) {
  const auto space = load_space("digits");
  const Restriction made = Restriction::parse(*space, {"stage1.layer2!=sep3"});
  const auto& choices = space->choices();
  const auto at = [&](const std::string& name) {
    for (size_t c = 0; c < choices.size(); ++c)
      if (choices[c].name == name) return c;
    ADD_FAILURE() << name;
    return size_t{0};
  };
  Architecture a = space->smallest();
  a.genes.assign(a.genes.size(), 0);
  ASSERT_FALSE(space->active(a, at("stage1.layer2")));
  EXPECT_TRUE(made.contains(a));
  a.genes[at("stage1.depth")] = 2;
  std::string why;
  EXPECT_FALSE(made.contains(a, &why));
  EXPECT_EQ(why, "stage1.layer2 is sep3; allowed is stage1.layer2!=sep3");
  a.genes[at("stage1.layer2")] = 1;
  EXPECT_TRUE(made.contains(a));
}

}  // namespace
}  // namespace nas
