// What runs of earlier versions were stored with means what it meant then.
#include "cli/config/stored_config.hpp"

#include <gtest/gtest.h>

#include "search/search_options.hpp"
#include "supernet/train/train_options.hpp"

namespace nas::cli {
namespace {

RunRow stored(const std::string& command, const std::string& yaml) {
  RunRow row;
  row.id = "x-1";
  row.command = command;
  row.config_yaml = yaml;
  return row;
}

std::string algorithm_of(const std::string& yaml) {
  return read_yaml_as<SearchConfig>(stored_config(stored("search", yaml))).search.algorithm;
}

TEST(StoredConfig, ASearchWithoutAnAlgorithmIsNsga2WhichWasTheDefault) {
  const std::string rest = "space: digits\nevaluator: {kind: none}\nsearch: {evaluations: 8";
  EXPECT_EQ(algorithm_of(rest + ", objectives: [minimize: macs, minimize: params]}\n"), "nsga2");
  EXPECT_EQ(algorithm_of(rest + ", algorithm: random, objectives: [minimize: macs]}\n"), "random");
  EXPECT_EQ(algorithm_of(rest + ", algorithm: auto, objectives: [minimize: macs]}\n"), "auto");
  // A configuration of today is none that was stored.
  YamlSource today;
  today.text = rest + ", objectives: [minimize: macs]}\n";
  today.file = "today.yaml";
  EXPECT_EQ(read_yaml_as<SearchConfig>(today).search.algorithm, "auto");
}

TEST(StoredConfig, PandaWithoutAPresetIsUnbiased) {
  const auto text = [](const std::string& strategy) {
    return stored_config_text(stored("train", "space: digits\nstrategy: " + strategy + "\n"));
  };
  EXPECT_NE(text("panda").find("unbiased"), std::string::npos);
  EXPECT_NE(text("{name: panda}").find("unbiased"), std::string::npos);
  EXPECT_EQ(text("{name: panda, preset: paper}").find("unbiased"), std::string::npos);
  EXPECT_EQ(text("uniform").find("unbiased"), std::string::npos);
}

}  // namespace
}  // namespace nas::cli
