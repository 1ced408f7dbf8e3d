// nas export with the real binary, and nas evaluate --pick.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "process.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class Export : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new std::string(fresh_folder());
    write_file(*folder_ + "/train.yaml",
               "space: digits\ndata: {kind: digits, limit: 320}\nthreads: 1\n"
               "train: {epochs: 2, validation: {every: 0}}\n"
               "evaluate: {images: 100, recalibrate: {images: 200}}\n");
    ASSERT_EQ(call({"train", "-q", "--config", "train.yaml", "--name", "net"}).code, 0);
    ASSERT_EQ(
        call(
            {"search", "-q", "--run", "net", "--set", "search.population=8", "--evaluations", "24"})
            .code,
        0);
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static Finished call(std::vector<std::string> args) {
    Launch launch;
    launch.args = std::move(args);
    launch.folder = *folder_;
    return run(launch);
  }
  static std::string* folder_;
};
std::string* Export::folder_ = nullptr;

// The resolution is a choice: the exported network resizes as the executor does.
TEST_F(Export, ElasticResolutionIsPartOfTheSubnet) {
  write_file(*folder_ + "/elastic.yaml",
             "family: custom\nchannels: 1\nresolutions: [6, 8]\nstages:\n"
             "  - {widths: [4], depths: [1], blocks: [conv]}\n");
  write_file(*folder_ + "/elastic-train.yaml",
             "space: elastic.yaml\ndata: {kind: digits, limit: 200}\nthreads: 1\n"
             "train: {epochs: 1, validation: {every: 0}}\n");
  const Finished trained =
      call({"train", "-q", "--config", "elastic-train.yaml", "--name", "elastic"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Finished all = call({"evaluate", "--run", "elastic", "--sample", "12", "--json", "-q"});
  ASSERT_EQ(all.code, 0) << all.err;
  std::set<int> sizes;
  std::set<std::string> seen;
  const Json document = Json::parse(all.out);
  for (const Json& e : document["evaluations"]) {
    const std::string arch = e["architecture"];
    if (!seen.insert(arch).second) continue;
    const Finished done = call(
        {"export", "--run", "elastic", "--arch", arch, "--out", "elastic", "--force", "--json"});
    ASSERT_EQ(done.code, 0) << arch << done.err;
    EXPECT_TRUE(Json::parse(done.out)["check"]["logits_equal"].get<bool>()) << arch;
    std::ifstream file(*folder_ + "/elastic/model.json");
    const Json model = Json::parse(file);
    sizes.insert(model["input"]["shape"][1].get<int>());
    EXPECT_NE(model["input"]["resizes"], "no");
  }
  EXPECT_EQ(sizes, (std::set<int>{6, 8}));
}

TEST_F(Export, BitEqualInAFreshProcessAndOnlyItsOwnWeights) {
  const Finished done =
      call({"export", "--run", "net", "--pick", "best", "--out", "one", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_TRUE(json["check"]["logits_equal"].get<bool>());
  EXPECT_TRUE(json["check"]["tensors_equal"].get<bool>());
  EXPECT_EQ(json["params_in_file"], json["params"]);
  // safetensors: parameters and two statistics a batch-norm channel, 4 bytes each, and a header.
  std::ifstream file(*folder_ + "/one/model.safetensors", std::ios::binary);
  uint64_t header = 0;
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  std::string text(header, ' ');
  file.read(text.data(), static_cast<std::streamsize>(header));
  const Json tensors = Json::parse(text);
  int64_t parameters = 0, all = 0;
  for (const auto& [name, tensor] : tensors.items()) {
    if (name == "__metadata__") continue;
    int64_t n = 1;
    for (const Json& size : tensor["shape"]) n *= size.get<int64_t>();
    all += n;
    if (name.find("running_") == std::string::npos) parameters += n;
  }
  EXPECT_EQ(parameters, json["params"].get<int64_t>());
  EXPECT_EQ(std::filesystem::file_size(*folder_ + "/one/model.safetensors"),
            8 + header + 4 * static_cast<uint64_t>(all));
  const Store store(*folder_ + "/nas.db");
  const auto exports = store.exports(store.run("net")->id);
  ASSERT_GE(exports.size(), 3U);
}

TEST_F(Export, FoldedAnswersNearlyTheSame) {
  const Finished done = call({"export",
                              "--run",
                              "net",
                              "--arch",
                              "24-mb3-sep3/48-conv5-conv3",
                              "--fold-bn",
                              "--out",
                              "folded",
                              "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_GT(json["batch_norms_folded"].get<int>(), 3);
  EXPECT_LT(json["check"]["max_difference"].get<double>(), 1e-3);
  EXPECT_TRUE(json["check"]["passed"].get<bool>());
}

TEST_F(Export, DescriptionHasThePlan) {
  ASSERT_EQ(
      call({"export", "--run", "net", "--pick", "knee", "--format", "json", "--out", "text"}).code,
      0);
  std::ifstream file(*folder_ + "/text/model.json");
  const Json json = Json::parse(file);
  EXPECT_EQ(json["schema"], "nas-export/1");
  EXPECT_GT(json["plan"]["nodes"].size(), 3U);
  EXPECT_EQ(json["input"]["shape"], Json({1, 8, 8}));
  EXPECT_EQ(json["classes"].size(), 10U);
  EXPECT_FALSE(std::filesystem::exists(*folder_ + "/text/model.ts"));
}

/// Tensors of a safetensors file: name to shape and bytes.
std::map<std::string, std::pair<Json, std::string>> tensors_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  uint64_t size = 0;
  file.read(reinterpret_cast<char*>(&size), sizeof size);
  std::string header(size, ' ');
  file.read(header.data(), static_cast<std::streamsize>(size));
  const std::string data{std::istreambuf_iterator<char>(file), {}};
  std::map<std::string, std::pair<Json, std::string>> tensors;
  const Json parsed = Json::parse(header);
  for (const auto& [name, t] : parsed.items())
    if (name != "__metadata__") {
      const auto from = t["data_offsets"][0].get<size_t>(), to = t["data_offsets"][1].get<size_t>();
      tensors[name] = {t["shape"], data.substr(from, to - from)};
    }
  return tensors;
}

// With recalibration off a subnet is judged with the supernet's running statistics, and that is
// what the file holds: the first channels of the checkpoint's, byte for byte.
TEST_F(Export, BatchNormsAreThoseItWasJudgedWith) {
  write_file(*folder_ + "/running.yaml",
             "space: digits\ndata: {kind: digits, limit: 320}\nthreads: 1\n"
             "train: {epochs: 1, validation: {every: 0}}\n"
             "evaluate: {images: 100, recalibrate: {enabled: false, images: 200}}\n");
  ASSERT_EQ(call({"train", "-q", "--config", "running.yaml", "--name", "running"}).code, 0);
  const auto exported = [&](const std::string& out, std::vector<std::string> more) {
    std::vector<std::string> words = {
        "export", "--run", "running", "--arch", "24-conv3/48-conv3", "--out", out, "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const Finished done = call(words);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_TRUE(Json::parse(done.out)["check"]["logits_equal"].get<bool>());
    std::ifstream file(*folder_ + "/" + out + "/model.json");
    return Json::parse(file)["batch_norm"];
  };
  const Json as_judged = exported("judged", {});
  EXPECT_EQ(as_judged["treatment"], "running");
  EXPECT_EQ(as_judged["images"], 0);
  EXPECT_EQ(as_judged["of_each_batch_in_supernet"], 0);
  EXPECT_GT(as_judged["from"]["running"], 2);
  const Json measured = exported("measured", {"--recalibrate", "200"});
  EXPECT_EQ(measured["treatment"], "recalibrated");
  EXPECT_EQ(measured["images"], 200);

  std::string checkpoint;
  const Store store(*folder_ + "/nas.db");
  for (const auto& entry : std::filesystem::directory_iterator(store.run("running")->directory))
    if (entry.path().extension() == ".safetensors") checkpoint = entry.path().string();
  const auto shared = tensors_of(checkpoint);
  const auto own = tensors_of(*folder_ + "/judged/model.safetensors");
  const auto anew = tensors_of(*folder_ + "/measured/model.safetensors");
  int looked_at = 0, different = 0;
  for (const auto& [name, tensor] : own) {
    if (name.find("running_") == std::string::npos) continue;
    const std::string& whole = shared.at("model/" + name).second;
    EXPECT_EQ(whole.substr(0, tensor.second.size()), tensor.second) << name;
    different += anew.at(name).second != tensor.second ? 1 : 0;
    ++looked_at;
  }
  EXPECT_GT(looked_at, 4);
  EXPECT_EQ(different, looked_at);
  EXPECT_EQ(call({"export",
                  "--run",
                  "running",
                  "--arch",
                  "24-conv3/48-conv3",
                  "--no-recalibrate",
                  "--recalibrate",
                  "5"})
                .code,
            2);
}

TEST_F(Export, TheDescriptionTellsWhatIsDoneToAnImage) {
  std::filesystem::remove_all(*folder_ + "/text2");
  ASSERT_EQ(
      call({"export", "--run", "net", "--pick", "best", "--format", "json", "--out", "text2"}).code,
      0);
  std::ifstream file(*folder_ + "/text2/model.json");
  const Json json = Json::parse(file);
  EXPECT_EQ(json["batch_norm"]["treatment"], "recalibrated");
  EXPECT_EQ(json["batch_norm"]["images"], 200);
  EXPECT_EQ(json["batch_norm"]["split"], "train");
  EXPECT_EQ(json["input"]["preparation"][0]["op"], "decode");
  EXPECT_EQ(json["input"]["preparation"].back()["divide_by"], 255);
  EXPECT_EQ(json["input"]["channel_order"], "grey");
}

TEST_F(Export, NothingIsOverwrittenUnasked) {
  const std::vector<std::string> words = {
      "export", "--run", "net", "--pick", "best", "--format", "json", "--out", "twice"};
  ASSERT_EQ(call(words).code, 0);
  const Finished again = call(words);
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
}

// Any measured time is within a thousand percent of the prediction, hardly any within a
// hundredth of one: both ends, whatever this machine does meanwhile.
TEST_F(Export, ThePredictedLatencyIsMeasured) {
  ASSERT_EQ(call({"measure",
                  "--space",
                  "digits",
                  "--threads",
                  "1",
                  "--repeats",
                  "2",
                  "--name",
                  "ops",
                  "-q"})
                .code,
            0);
  std::vector<std::string> words = {"export",
                                    "--run",
                                    "net",
                                    "--pick",
                                    "best",
                                    "--format",
                                    "json",
                                    "--verify-latency",
                                    "--latency-table",
                                    "ops",
                                    "--tolerance",
                                    "1000",
                                    "--out",
                                    "fast",
                                    "--json"};
  const Finished done = call(words);
  ASSERT_EQ(done.code, 0) << done.err;
  const Json latency = Json::parse(done.out)["latency"];
  const double predicted = latency["predicted_ms"], measured = latency["measured_ms"];
  EXPECT_NEAR(latency["error_percent"], 100 * (predicted / measured - 1), 1e-6);
  EXPECT_EQ(latency["within"], true);
  words[11] = "0.01";
  words[13] = "far";
  const Finished far = call(words);
  EXPECT_EQ(far.code, 3) << far.err;
  EXPECT_EQ(Json::parse(far.out)["latency"]["within"], false);
  EXPECT_TRUE(std::filesystem::exists(*folder_ + "/far/model.json"));
  // Compared is the network that the table's ops add up to; the folded one is told beside it.
  std::vector<std::string> fold = words;
  fold[13] = "folded-latency";
  fold.push_back("--fold-bn");
  const Finished both = call(fold);
  ASSERT_EQ(both.code, 3) << both.err;
  const Json folded = Json::parse(both.out)["latency"];
  EXPECT_EQ(folded["measured"], "as built");
  EXPECT_EQ(folded["predicted_ms"], latency["predicted_ms"]);
  EXPECT_GT(folded["folded_ms"], 0);
  words.erase(words.begin() + 8, words.begin() + 10);
  EXPECT_EQ(call(words).code, 2);  // The search had no table.
}

// A predictor knows under what its rows were measured: the network is timed so, or not at all.
TEST_F(Export, APredictedLatencyIsMeasuredUnderItsConditions) {
  const Json all = Json::parse(call({"space", "enumerate", "digits", "--json"}).out);
  const auto fit = [&](const std::string& name, const std::string& conditions) {
    std::ofstream file(*folder_ + "/" + name + ".csv");
    file << conditions << "architecture,latency_ms\n";
    for (size_t i = 0; i < 40; ++i)
      file << all.at("architectures")[i * 90].at("architecture").get<std::string>() << ","
           << 1 + 0.01 * static_cast<double>(i) << "\n";
    file.close();
    return call({"predict",
                 "fit",
                 "--data",
                 name + ".csv",
                 "--space",
                 "digits",
                 "--target",
                 "latency_ms",
                 "--model",
                 "ridge",
                 "--out",
                 name + ".json"});
  };
  ASSERT_EQ(fit("here", "# device: cpu\n# threads: 1\n# batch: 3\n# dtype: float32\n").code, 0);
  ASSERT_EQ(fit("phone", "# device: phone\n").code, 0);
  ASSERT_EQ(fit("half", "# device: cpu\n# dtype: fp16\n").code, 0);
  const auto exported = [&](const std::string& table) {
    return call({"export",
                 "--run",
                 "net",
                 "--pick",
                 "best",
                 "--format",
                 "json",
                 "--verify-latency",
                 "--latency-table",
                 table + ".json",
                 "--tolerance",
                 "1000",
                 "--out",
                 "by-" + table,
                 "--json"});
  };
  const Finished here = exported("here");
  ASSERT_TRUE(here.code == 0 || here.code == 3) << here.err;
  const Json latency = Json::parse(here.out)["latency"];
  EXPECT_EQ(latency["threads"], "1");
  EXPECT_EQ(latency["batch"], 3);
  EXPECT_EQ(latency["measured_with"]["threads"], "1");
  EXPECT_EQ(latency["measured_with"]["batch"], "3");
  for (const char* elsewhere : {"phone", "half"}) {
    const Finished refused = exported(elsewhere);
    EXPECT_EQ(refused.code, 2) << refused.err;
    EXPECT_FALSE(std::filesystem::exists(*folder_ + "/by-" + elsewhere));
  }
  EXPECT_THAT(exported("phone").err, HasSubstr("is of the device 'phone'"));
  EXPECT_EQ(call({"export", "--run", "net", "--pick", "best", "--tolerance", "5"}).code, 2);
}

TEST_F(Export, RefusesWhatCannotBe) {
  EXPECT_EQ(call({"export", "--run", "net"}).code, 2);
  EXPECT_EQ(call({"export", "--run", "nobody", "--pick", "best"}).code, 2);
  const Finished index = call({"export", "--run", "net", "--pick", "99"});
  EXPECT_EQ(index.code, 2);
  EXPECT_THAT(index.err, HasSubstr("an index from 0 to"));
  EXPECT_EQ(call({"export", "--run", "net", "--arch", "[4,3,3]"}).code, 2);
  EXPECT_EQ(call({"export", "--run", "net", "--pick", "best", "--out", "train.yaml"}).code, 2);
  EXPECT_EQ(call({"export", "--run", "net", "--pick", "best", "--format", "pickle"}).code, 2);
  EXPECT_EQ(call({"export", "--run", "net", "--pick", "best", "--opset", "15"}).code, 2);
  EXPECT_EQ(
      call({"export", "--run", "net", "--pick", "best", "--format", "onnx", "--opset", "18"}).code,
      2);
}

TEST_F(Export, EvaluateTakesTheSamePick) {
  const Finished done =
      call({"evaluate", "--run", "net", "--pick", "best", "--split", "test", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["split"], "test");
  EXPECT_EQ(json["evaluations"].size(), 1U);
}

}  // namespace
}  // namespace nas::test
