// The association of a mixture with its rows: which networks are one, what an epoch comes to, what
// is told. Numbers only.
#include "supernet/weights/math/mixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "supernet/weights/math/association_document.hpp"

namespace nas {
namespace {

std::unique_ptr<Space> cells() {
  YamlSource source;
  source.text =
      "family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\ninput_channels: 1\n"
      "form: supernet\n";
  return make_space(source);
}

// A signature of all choices is the table form (2.4).
TEST(ArchitectureRows, ASignatureOfAllChoicesAgreesWithTheTable) {
  const auto space = load_space("resnet20-pool");
  MixtureOptions table, signature;
  table.association.models = signature.association.models = 4;
  for (const Choice& c : space->choices()) signature.key.push_back(c.name);
  Mixture a(*space, table, 5, 0), b(*space, signature, 5, 0);
  EXPECT_EQ(a.rows().rows(), 36u);
  EXPECT_EQ(b.rows().possible(), 36);
  for (size_t r = 0; r < 36; ++r) EXPECT_NEAR(a.rows().weights()[r], 1.0 / 36, 1e-15);
  Rng rng(5, "trace");
  for (int64_t e = 0; e < 5; ++e) {
    a.begin_epoch(e);
    b.begin_epoch(e);
    for (size_t m = 0; m < 4; ++m)
      EXPECT_NEAR(a.association().balance().b[m], b.association().balance().b[m], 1e-12);
    for (int i = 0; i < 400; ++i) {
      const Architecture x = space->sample(rng);
      const double u = rng.uniform(), accuracy = rng.uniform();
      const int model = a.draw(x, u);
      ASSERT_EQ(model, b.draw(x, u));
      a.observe(x, model, accuracy);
      b.observe(x, model, accuracy);
    }
    a.end_epoch();
    b.end_epoch();
  }
  for (int i = 0; i < 100; ++i) {
    const Architecture x = space->sample(rng);
    EXPECT_EQ(a.best(x), b.best(x));
  }
  EXPECT_NEAR(a.association().entropy(), b.association().entropy(), 1e-12);
}

// 3.4: E + 1 epochs; the last is at T_max.
TEST(Mixture, TheLastEpochIsTheColdest) {
  const auto space = load_space("resnet20-pool");
  MixtureOptions options;
  options.association.t_max = 100;
  Mixture m(*space, options, 101, 0);
  const std::pair<int64_t, double> want[] = {{0, 1}, {1, 1.99}, {50, 50.5}, {100, 100}};
  for (const auto& [epoch, t] : want) {
    m.begin_epoch(epoch);
    EXPECT_NEAR(m.association().temperature(), t, 1e-12);
  }
}

TEST(ArchitectureRows, LimitsAreTold) {
  const auto large = load_space("mobilenet-32");
  const auto told = [&](const Space& space, std::vector<std::string> key, int models) {
    try {
      const ArchitectureRows rows(space, key, models);
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(told(*large, {}, 2),
              testing::AllOf(testing::HasSubstr("1e7 cells"), testing::HasSubstr("weights.key")));
  // The limit is on rows times models.
  const auto small = cells();
  EXPECT_EQ(told(*small, {}, 640), "");
  EXPECT_THAT(told(*small, {}, 641), testing::HasSubstr("1e7 cells"));
  EXPECT_THAT(told(*large, {"nonsense"}, 2), testing::HasSubstr("no choice 'nonsense'"));
  const auto pool = load_space("resnet20-pool");
  EXPECT_EQ(told(*pool, {}, 4), "");
  // 2.4: fewer than 40 visits of each pair are warned of.
  MixtureOptions options;
  const Mixture mixture(*pool, options, 10, 0);
  EXPECT_EQ(mixture.advice(40 * 36 * 4).size(), 0u);
  EXPECT_THAT(mixture.advice(40 * 36 * 4 - 1).at(0),
              testing::AllOf(testing::HasSubstr("40 the association hardly forms"),
                             testing::HasSubstr("5760 steps or more")));
  EXPECT_EQ(mixture.summary(19'695),
            "4 models for 36 networks, 137 visits of each pair in 19695 "
            "steps");
}

// A network outside the part that was trained has no row.
TEST(ArchitectureRows, NetworksOutsideTheTrainedPartAreTold) {
  const auto space = cells();
  const Choice& choice = space->choices()[0];
  const ArchitectureRows rows(
      Domain(*space, Restriction::parse(*space, {choice.name + "=" + choice.options[3]})), {}, 2);
  EXPECT_LT(rows.rows(), 3126u);
  double sum = 0;
  for (const double w : rows.weights()) sum += w;
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_LT(rows.row(space->parse("3,3,3,3,3,3")), rows.rows());
  try {
    rows.row(space->parse("2,3,3,3,3,3"));
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("outside the part of the space"));
  }
}

// Networks of equal function are one row, which weighs what they are together.
TEST(ArchitectureRows, EqualNetworksAreOneRow) {
  const auto space = cells();
  const ArchitectureRows rows(*space, {}, 1);
  double sum = 0;
  for (const double w : rows.weights()) sum += w;
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_LT(rows.rows(), 15625u);
  Rng rng(1, "rows");
  for (int i = 0; i < 100; ++i) {
    const Architecture a = space->sample(rng);
    EXPECT_EQ(rows.row(a), rows.row(space->canonical(a)));
  }
}

TEST(Mixture, ARandomAssignmentIsEvenAndStays) {
  const auto space = load_space("resnet20-pool");
  MixtureOptions options;
  options.random = true;
  Mixture m(*space, options, 3, 4);
  std::vector<int> owned(4, 0);
  space->enumerate([&](const Architecture& a) {
    EXPECT_EQ(m.draw(a, 0.999), m.best(a));
    ++owned[static_cast<size_t>(m.best(a))];
    m.observe(a, m.best(a), 0.1);
    return true;
  });
  EXPECT_EQ(owned, std::vector<int>(4, 9));
}

// The telemetry of a control that learns nothing tells of its own assignment, and of no balancing.
TEST(Mixture, ARandomAssignmentIsWhatIsTold) {
  const auto space = load_space("resnet20-pool");
  MixtureOptions options;
  options.random = true;
  Mixture m(*space, options, 3, 4);
  m.begin_epoch(0);
  space->enumerate([&](const Architecture& a) {
    m.observe(a, m.draw(a, 0.3), 0.5);
    return true;
  });
  m.end_epoch();
  const auto entries = m.telemetry();
  const std::map<std::string, double> told(entries.begin(), entries.end());
  EXPECT_FALSE(told.contains("mixture.kl_after"));
  for (const char* model : {"0", "1", "2", "3"}) {
    EXPECT_EQ(told.at(std::string("mixture.rows.") + model), 9);
    EXPECT_EQ(told.at(std::string("mixture.draws.") + model), 9);
    EXPECT_NEAR(told.at(std::string("mixture.validation.") + model), 0.5, 1e-12);
  }
}

TEST(Mixture, TelemetryOfAnEpoch) {
  const auto space = load_space("resnet20-pool");
  MixtureOptions options;
  options.association.models = 3;
  options.association.beta = 0.5;
  Mixture m(*space, options, 3, 0);
  Rng rng(2, "telemetry");
  std::vector<int> before;
  std::map<std::string, double> told;
  for (int64_t e = 0; e < 3; ++e) {
    before = m.assignment();
    m.begin_epoch(e);
    for (int i = 0; i < 500; ++i) {
      const Architecture a = space->sample(rng);
      m.observe(a, m.draw(a, rng.uniform()), rng.uniform());
    }
    m.end_epoch();
    const auto entries = m.telemetry();
    told = {entries.begin(), entries.end()};
    EXPECT_EQ(told.size(), entries.size()) << "each name once";
    EXPECT_LE(told.at("mixture.kl_after"), 1e-4);
    EXPECT_LE(told.at("mixture.margin_error"), 0.05);
  }
  EXPECT_GT(told.at("mixture.kl_before"), 1e-4);
  EXPECT_EQ(told.at("mixture.inverse_temperature"), 100);
  EXPECT_NEAR(told.at("mixture.entropy"), m.association().entropy(), 1e-12);
  double steps = 0, draws = 0, rows = 0, changed = 0;
  for (const char* model : {"0", "1", "2"}) {
    steps += told.at(std::string("mixture.steps.") + model);
    draws += told.at(std::string("mixture.draws.") + model);
    rows += told.at(std::string("mixture.rows.") + model);
  }
  EXPECT_EQ(steps, 1500);
  EXPECT_EQ(draws, 500);
  EXPECT_EQ(rows, 36);
  const std::vector<int> now = m.assignment();
  for (size_t r = 0; r < 36; ++r) changed += (now[r] != before[r]) / 36.0;
  EXPECT_NEAR(told.at("mixture.drift"), changed, 1e-12);
}

TEST(Mixture, SaysWhenBalancingStoppedAtItsCap) {
  const auto space = load_space("resnet20-pool");
  MixtureOptions options;
  options.association.cap = 1;
  options.association.beta = 0;
  Mixture m(*space, options, 3, 0);
  Rng rng(1, "x");
  for (int64_t e = 0; e < 3; ++e) {
    m.begin_epoch(e);
    for (int i = 0; i < 3000; ++i) {
      const Architecture a = space->sample(rng);
      const int model = m.draw(a, rng.uniform());
      // Groups of unequal size: one update does not balance them.
      m.observe(a, model, a.genes[0] % 3 == model ? 0.9 : 0.5);
    }
    m.end_epoch();
  }
  EXPECT_THAT(m.health(),
              testing::Contains(testing::HasSubstr("balancing stopped at weights.cap")));
  // What was capped is kept by a checkpoint.
  Mixture other(*space, options, 3, 0);
  other.load(m.save());
  EXPECT_EQ(other.health(), m.health());
  EXPECT_EQ(other.save(), m.save());
}

// 3.6: W[a, m*(a)]; the optimistic start is nobody's accuracy.
TEST(Mixture, WhatWasSeenIsTheAverageWithTheBestModel) {
  const auto space = load_space("resnet20-pool");
  MixtureOptions options;
  options.association.beta = 0.5;
  Mixture m(*space, options, 3, 0);
  m.begin_epoch(0);
  Rng rng(1, "x");
  const Architecture a = space->sample(rng);
  EXPECT_FALSE(m.seen_accuracy(a).has_value());
  for (int model = 0; model < m.models(); ++model) m.observe(a, model, model == 2 ? 0.9 : 0.1);
  m.end_epoch();
  m.begin_epoch(2);
  ASSERT_EQ(m.best(a), 2);
  EXPECT_DOUBLE_EQ(m.seen_accuracy(a).value(), 0.5 * 1 + 0.5 * 0.9);
}

TEST(Mixture, SaysWhenTheAssociationNeverFormed) {
  const auto space = load_space("resnet20-pool");
  Mixture m(*space, {}, 3, 0);
  m.begin_epoch(0);
  Rng rng(1, "x");
  for (int i = 0; i < 36 * 4 * 12; ++i) {
    const Architecture a = space->sample(rng);
    m.observe(a, m.draw(a, rng.uniform()), 0.5);
  }
  m.end_epoch();
  EXPECT_THAT(m.health(), testing::Contains(testing::HasSubstr("never formed: 12 visits")));
}

// What is drawn of a mixture: probabilities that are those it draws with, of what trained most.
TEST(Mixture, ItsDocumentHoldsTheProbabilitiesOfWhatTrainedMost) {
  struct Holder final : HoldsMixtures {
    std::vector<std::pair<std::string, const Mixture*>> all;
    std::vector<std::pair<std::string, const Mixture*>> mixtures() const override { return all; }
  } holder;
  EXPECT_EQ(association_document(holder), "");
  const auto space = load_space("resnet20-pool");
  MixtureOptions options, one, random;
  options.association.models = 3;
  one.association.models = 1;
  random.association.models = 3;
  random.random = true;
  Mixture m(*space, options, 3, 0), plain(*space, one, 3, 0), control(*space, random, 3, 7);
  m.begin_epoch(0);
  const Architecture a = space->smallest();
  for (int i = 0; i < 3; ++i) m.observe(a, i % 2, 0.25);
  m.end_epoch();
  m.begin_epoch(1);
  holder.all = {{"", &m}, {"leaf 4", &plain}, {"leaf 5", &control}};
  const auto json = nlohmann::json::parse(association_document(holder, 5));
  ASSERT_EQ(json["mixtures"].size(), 2U);  // One model associates nothing.
  const auto& first = json["mixtures"][0];
  EXPECT_EQ(first["models"], 3);
  EXPECT_EQ(first["rows"], 36);
  ASSERT_EQ(first["shown"].size(), 5U);
  const auto row = std::find_if(first["shown"].begin(), first["shown"].end(), [&](const auto& r) {
    return r["row"] == space->text(a);
  });
  ASSERT_NE(row, first["shown"].end());
  EXPECT_EQ((*row)["q"].get<std::vector<double>>(), m.association().q(m.rows().row(a)));
  EXPECT_EQ((*row)["visits"], nlohmann::json({2, 1, 0}));
  EXPECT_NEAR((*row)["seen"][0], 0.25, 1e-12);
  EXPECT_TRUE((*row)["seen"][2].is_null());
  EXPECT_EQ((*row)["model"], m.best(a));
  // The control draws from nothing: each network has its model.
  EXPECT_EQ(json["mixtures"][1]["name"], "leaf 5");
  for (const auto& dealt : json["mixtures"][1]["shown"])
    EXPECT_EQ(dealt["q"][dealt["model"].get<size_t>()], 1);
}

}  // namespace
}  // namespace nas
