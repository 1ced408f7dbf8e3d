// Options of search algorithms as written: what cannot be is told with its place before anything
// runs.
#include "search/search_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spaces/error.hpp"

namespace nas {
namespace {

/// What reading says, or "".
std::string problems(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  source.file = "search.yaml";
  try {
    read_yaml_as<SearchOptions>(source);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(SearchOptions, AlgorithmsOfOneObjectiveRefuseTwoAtTheirPlace) {
  for (const std::string name : {"sga", "cmaes", "gaco", "simulated-annealing", "ofa"}) {
    EXPECT_EQ(
        problems("evaluations: 50\nalgorithm: " + name + "\nobjectives: [maximize: accuracy]\n"),
        "")
        << name;
    EXPECT_THAT(problems("evaluations: 50\nalgorithm: " + name +
                         "\nobjectives: [maximize: accuracy, minimize: macs]\n"),
                testing::AllOf(testing::HasSubstr("search.yaml:2:12"),
                               testing::HasSubstr(name + " has one objective")));
  }
}

TEST(SearchOptions, AlgorithmsOfSeveralObjectivesRefuseOne) {
  for (const std::string name : {"moead", "nspso", "maco"}) {
    EXPECT_THAT(
        problems("evaluations: 50\nalgorithm: " + name + "\nobjectives: [maximize: accuracy]\n"),
        testing::AllOf(testing::HasSubstr("search.yaml:2:12"),
                       testing::HasSubstr("needs at least 2 objectives")));
    EXPECT_EQ(problems("evaluations: 50\nalgorithm: " + name +
                       "\nobjectives: [maximize: accuracy, minimize: macs, minimize: params, "
                       "minimize: latency_ms]\n"),
              "");
  }
}

TEST(SearchOptions, WhatEndsByItselfNeedsNoBudget) {
  EXPECT_EQ(problems("algorithm: exact\nobjectives: [minimize: macs, maximize: params]\n"), "");
  EXPECT_EQ(problems("algorithm: blockwise\n"), "");
  EXPECT_EQ(problems("algorithm: ofa\nobjectives: [maximize: accuracy]\n"), "");
  for (const std::string name : {"nsga2", "random", "linas", "ehvi", "local-search"})
    EXPECT_THAT(problems("algorithm: " + name + "\n"), testing::HasSubstr("a budget is needed"));
}

TEST(SearchOptions, EarlierRunsAreForThoseThatBeginWithThem) {
  EXPECT_EQ(problems("evaluations: 50\nalgorithm: concurrent\nwarm_from: first\n"), "");
  EXPECT_EQ(problems("evaluations: 50\nalgorithm: ehvi\nwarm_from: first\n"), "");
  EXPECT_THAT(problems("evaluations: 50\nalgorithm: nsga2\nwarm_from: first\n"),
              testing::AllOf(testing::HasSubstr("search.yaml:3:12"),
                             testing::HasSubstr("nsga2 does not begin from an earlier search")));
  EXPECT_THAT(problems("evaluations: 50\nalgorithm: concurrent\n"),
              testing::HasSubstr("warm_from is missing"));
}

TEST(SearchOptions, OptionsOfAlgorithmsAreChecked) {
  EXPECT_THAT(problems("evaluations: 50\nsurrogate: {predictor: rigde}\n"),
              testing::HasSubstr("Did you mean 'ridge'"));
  EXPECT_THAT(problems("evaluations: 50\nsimulated_annealing: {hot: 1, cold: 2}\n"),
              testing::HasSubstr("cold is at most hot"));
  EXPECT_THAT(problems("evaluations: 50\nehvi: {batsch: 2}\n"), testing::HasSubstr("batch"));
  EXPECT_EQ(problems("evaluations: 50\nsurrogate: {predictor: gp, explore: never}\n"), "");
}

}  // namespace
}  // namespace nas
