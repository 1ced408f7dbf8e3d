// What is chosen to be measured tells more than as many random rows.
#include "hardware/prediction/choose.hpp"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <set>

#include "hardware/op_cases.hpp"
#include "spaces/random.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

double log_det(const MatrixXd& x, const std::vector<int>& rows, double prior) {
  const MatrixXd part = x(rows, Eigen::all);
  const MatrixXd information =
      part.transpose() * part + prior * MatrixXd::Identity(x.cols(), x.cols());
  return std::log(information.determinant());
}

MatrixXd random_rows(Index n, Index p) {
  Rng rng(5, "choose");
  MatrixXd x(n, p);
  for (double& v : x.reshaped()) v = rng.normal();
  return x;
}

// A straight line: its two ends, and nothing else, decide it.
TEST(DOptimal, TakesTheEndsOfALine) {
  MatrixXd x(11, 2);
  for (int i = 0; i < 11; ++i) x.row(i) << 1, i - 5;
  std::vector<int> rows = d_optimal(x, 2, 1e-9);
  std::sort(rows.begin(), rows.end());
  EXPECT_EQ(rows, (std::vector<int>{0, 10}));
}

TEST(DOptimal, IsTheBestOfAllPairsAndTriples) {
  const MatrixXd x = random_rows(12, 2);
  double best = -1e9;
  for (int i = 0; i < 12; ++i)
    for (int j = i + 1; j < 12; ++j)
      for (int k = j + 1; k < 12; ++k) best = std::max(best, log_det(x, {i, j, k}, 1e-3));
  EXPECT_NEAR(log_det(x, d_optimal(x, 3), 1e-3), best, 1e-9);
}

TEST(DOptimal, BeatsRandomRowsAndRepeatsNone) {
  const MatrixXd x = random_rows(300, 8);
  const std::vector<int> rows = d_optimal(x, 20, 1e-3, std::vector<int>{7});
  EXPECT_EQ(rows.size(), 20U);
  EXPECT_EQ(rows[0], 7);
  EXPECT_EQ(std::set<int>(rows.begin(), rows.end()).size(), 20U);
  Rng rng(1, "other");
  for (int trial = 0; trial < 50; ++trial) {
    const auto order = rng.permutation(300);
    const std::vector<int> other(order.begin(), order.begin() + 20);
    EXPECT_GT(log_det(x, rows, 1e-3), log_det(x, other, 1e-3) + 1);
  }
  EXPECT_EQ(d_optimal(x, 1000).size(), 300U);
}

TEST(ChooseNetworks, HoldsTheEndsAndNoNetworkTwice) {
  for (const char* name : {"digits", "resnet20-pool", "nasbench201"}) {
    const auto space = load_space(name);
    const std::vector<Architecture> chosen = choose_networks(*space, nullptr, 12, 3);
    ASSERT_EQ(chosen.size(), 12U) << name;
    EXPECT_EQ(chosen[0], space->canonical(space->smallest())) << name;
    EXPECT_EQ(std::set<Architecture>(chosen.begin(), chosen.end()).size(), 12U) << name;
    EXPECT_EQ(chosen, choose_networks(*space, nullptr, 12, 3)) << name;
  }
}

TEST(ChooseNetworks, SayAmongWhichTheyWereChosen) {
  const auto space = load_space("digits");
  Candidates among;
  EXPECT_EQ(choose_networks(*space, nullptr, 5, 0, 300, &among).size(), 5U);
  EXPECT_EQ(among.looked_at, 302);
  EXPECT_FALSE(among.all);
  EXPECT_LE(among.different, 302);
  choose_networks(*space, nullptr, 5, 0, 4000, &among);
  EXPECT_EQ(among.looked_at, 3969);
  EXPECT_EQ(among.different, 3969);
  EXPECT_TRUE(among.all);
}

TEST(ChooseOps, NamesOpsOfEveryKind) {
  const auto space = load_space("digits");
  bool complete = false;
  LatencyTable table;
  for (const auto& [key, op] : distinct_ops(*space, complete)) table.entries[key] = {1, 1, 1, 1};
  std::set<std::string> kinds, met;
  for (const auto& [key, entry] : table.entries) kinds.insert(key.substr(0, key.find(' ')));
  const std::vector<std::string> keys = choose_ops(table, 16);
  EXPECT_EQ(keys.size(), 16U);
  for (const std::string& key : keys) met.insert(key.substr(0, key.find(' ')));
  EXPECT_EQ(met, kinds);
}

}  // namespace
}  // namespace nas
