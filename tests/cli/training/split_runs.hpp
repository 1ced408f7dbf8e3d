#pragma once
// Runs that tests of few-shot supernets share: a plain one and a tree of two leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {

inline constexpr const char* kTrain =
    "space:\n  family: cnn\n  channels: 1\n  resolution: 8\n  classes: 10\n  stem_width: 8\n"
    "  kinds: [conv3, conv5, sep3, sep5]\n  stages:\n"
    "    - {widths: [8], depths: [1], stride: 1}\n    - {widths: [12], depths: [2], stride: 2}\n"
    "data: {kind: digits, limit: 320}\nthreads: 1\n"
    "train: {epochs: 3, batch: 64, validation: {every: 0}}\n"
    "evaluate: {images: 60, recalibrate: {images: 100}}\n";
inline constexpr const char* kFewShot =
    "weights={kind: few-shot, split: {epochs: [1], score: {batches: 4}}, restart: none}";

/// `plain`: one set, three epochs; `tree`: a few-shot run of two leaves.
inline const std::string& trained() {
  static const std::string folder = [] {
    const std::string made = fresh_folder();
    write_file(made + "/t.yaml", kTrain);
    EXPECT_EQ(nas(made, {"train", "-q", "--config", "t.yaml", "--name", "plain"}).code, 0);
    const Finished tree =
        nas(made, {"train", "-q", "--config", "t.yaml", "--set", kFewShot, "--name", "tree"});
    EXPECT_EQ(tree.code, 0) << tree.err;
    EXPECT_THAT(tree.out, testing::HasSubstr("scoring of choices"));
    return made;
  }();
  return folder;
}

inline nlohmann::json document(const Finished& f) {
  EXPECT_EQ(f.code, 0) << f.err;
  return nlohmann::json::parse(f.out, nullptr, false);
}

}  // namespace nas::test
