// What a file says of its network is read strictly: another type is told with file and key, and
// never becomes a number.
#include "cli/runs/results/exported_description.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Json good() {
  const Json train{{"command", "train"},
                   {"run", "t-1"},
                   {"config", "space: digits\n"},
                   {"hashes", {{"split", "ab"}, {"data", "cd"}, {"data_every", 3}}}};
  return {
      {"schema", "nas-export/1"},
      {"run", "t-1"},
      {"task", "classification"},
      {"architecture", "a"},
      {"macs", 12},
      {"params", 34},
      {"batch_norm", {{"treatment", "recalibrated"}, {"images", 100}}},
      {"input", {{"mean", {0.5, 0.25}}, {"std", {1, 0.5}}}},
      {"lineage", {{"steps", Json::array({train, Json{{"command", "export"}, {"of", "t-1"}}})}}}};
}
ExportedDescription read(const Json& json) {
  return description_of({"dir/model.onnx", "onnx", json.dump()});
}
std::string refused(const Json& json) {
  try {
    read(json);
  } catch (const DataError& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("not a DataError: ") + e.what();
  }
  return "taken";
}

TEST(ExportedDescription, SaysWhatTheFileSays) {
  const ExportedDescription d = read(good());
  EXPECT_EQ(d.run, "t-1");
  EXPECT_EQ(d.macs, 12);
  EXPECT_EQ(d.params, 34);
  EXPECT_THAT(d.mean, ElementsAre(0.5F, 0.25F));
  EXPECT_THAT(d.std, ElementsAre(1.F, 0.5F));
  EXPECT_EQ(d.treatment, "recalibrated");
  EXPECT_EQ(d.calibration_images, 100);
  EXPECT_EQ(d.config, "space: digits\n");
  EXPECT_EQ(d.split_hash, "ab");
  EXPECT_EQ(d.data_hash, "cd");
  EXPECT_EQ(d.data_every, 3);
  // Hashes may lack: not every version kept them.
  Json bare = good();
  bare["lineage"]["steps"][0].erase("hashes");
  EXPECT_EQ(read(bare).split_hash, "");
  EXPECT_EQ(read(bare).data_every, 1);
}

TEST(ExportedDescription, AnotherTypeIsToldWithItsKey) {
  const std::vector<std::pair<std::string, std::string>> values{
      {"/macs", "macs"},
      {"/params", "params"},
      {"/architecture", "architecture"},
      {"/task", "task"},
      {"/batch_norm", "batch_norm"},
      {"/batch_norm/images", "batch_norm.images"},
      {"/batch_norm/treatment", "batch_norm.treatment"},
      {"/input", "input"},
      {"/input/mean", "input.mean"},
      {"/input/std", "input.std"},
      {"/input/std/0", "input.std"},
      {"/lineage/steps/0/config", "lineage.steps of run t-1.config"},
      {"/lineage/steps/0/hashes", "lineage.steps of run t-1.hashes"},
      {"/lineage/steps/0/hashes/data_every", "lineage.steps of run t-1.hashes.data_every"}};
  for (const auto& [place, key] : values)
    for (const Json& other : {Json(), Json(true), Json::array(), Json::array({"1"}), Json(-1.5)}) {
      Json json = good();
      json[Json::json_pointer(place)] = other;
      EXPECT_THAT(
          refused(json),
          StartsWith("dir/model.onnx: what it says of itself is damaged: " + key + ": expected "))
          << place << " " << other;
    }
}

TEST(ExportedDescription, NumbersAreNumbersInTheirRange) {
  const auto with = [](const char* place, const Json& value) {
    Json json = good();
    json[Json::json_pointer(place)] = value;
    return refused(json);
  };
  EXPECT_THAT(with("/macs", "12"),
              HasSubstr("macs: expected a whole number of 0 or more, found \"12\""));
  EXPECT_THAT(with("/macs", 1.5), HasSubstr("found 1.5"));
  EXPECT_THAT(with("/macs", -1), HasSubstr("found -1"));
  EXPECT_THAT(with("/macs", UINT64_MAX), HasSubstr("macs: expected"));
  EXPECT_THAT(with("/input/std", Json::array({0.5, 0})),
              HasSubstr("input.std: expected a list of numbers above 0"));
  EXPECT_THAT(with("/input/mean", Json::array({1e300, 0})),
              HasSubstr("input.mean: expected a list of numbers"));
  EXPECT_THAT(with("/input/mean", Json::array({1})),
              HasSubstr("input.mean has 1 values and input.std 2"));
  EXPECT_THAT(with("/lineage/steps/0/hashes/data_every", 0),
              HasSubstr("data_every: expected a whole number of 1 or more"));
  EXPECT_THAT(with("/architecture", ""), HasSubstr("architecture: expected a text"));
  Json json = good();
  json.erase("params");
  EXPECT_THAT(refused(json), HasSubstr("params: expected a value, but it is missing"));
  json = good();
  json["run"] = "t-2";
  EXPECT_THAT(refused(json), HasSubstr("no training of run t-2"));
}

TEST(ExportedDescription, FilesOfEarlierVersionsSayTooLittle) {
  Json json = good();
  json.erase("lineage");
  try {
    read(json);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("a version before 0.2")));
    EXPECT_THAT(e.problems().front().hint, HasSubstr("nas evaluate --run t-1"));
  }
}

}  // namespace
}  // namespace nas::cli
