// Results that no change of the code's shape may move by a bit: weights after short trainings of
// every strategy, fronts, rank tables, exported tensors, all made by the real binary with the
// plainest instruction set, so that they do not depend on the processor.
//
// A change that is meant to alter results writes them anew and says so in its commit:
//   NAS_WRITE_REFERENCE=tests/cli/reference.json build/release/tests/cli/test_cli
//   --gtest_filter='Reference.*'
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "process.hpp"
#include "spaces/base/sha256.hpp"

namespace nas::test {
namespace {

using Json = nlohmann::json;

struct Space {
  const char* name;
  const char* yaml;
  int resolution;
  std::vector<const char*> strategies;
};

const Space kSpaces[] = {
    {"cells",
     "family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\ninput_channels: 1\nform: supernet\n",
     8,
     {"uniform",
      "fair",
      "sandwich",
      "fixed",
      "{name: panda, preset: paper}",
      "{name: panda, preset: unbiased}",
      "sumnas",
      "{name: sumnas, inner_momentum: persist}"}},
    {"elastic",
     "family: cnn\nchannels: 1\nresolution: 8\nclasses: 10\nstem_width: 4\nkinds: [sep3, conv3]\n"
     "stages:\n  - {widths: [4, 8], depths: [1, 2], stride: 1}\n"
     "  - {widths: [8, 12], depths: [0, 1], stride: 2}\n",
     8,
     {"uniform",
      "{name: uniform, over: architectures}",
      "fair",
      "sandwich",
      "{name: panda, preset: paper}",
      "{name: panda, preset: unbiased}",
      "sumnas"}},
    {"mobile",
     "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.1\nresolutions: [16, 24]\n"
     "expansions: [2, 3]\ndepths: [1, 2]\nkernels: [3, 5]\nclasses: 10\ninput_channels: 1\n"
     "dropout: 0.1\n",
     24,
     {"uniform", "sandwich", "progressive", "{name: panda, preset: paper}"}},
};

/// Everything of one space happens in one folder.
class Bench {
 public:
  explicit Bench(const Space& space) : space_(space), folder_(fresh_folder()) {
    write_file(folder_ + "/space.yaml", space.yaml);
    write_file(folder_ + "/train.yaml",
               "space: space.yaml\ndata: {kind: digits, limit: 240, resolution: " +
                   std::to_string(space.resolution) +
                   "}\nthreads: 1\ntrain: {epochs: 5, batch: 48, shards: 0, memory_format: "
                   "contiguous, validation: {every: 5, images: "
                   "40}, optimizer: {lr: 0.05, clip_norm: 5, untouched: decay}}\n"
                   "evaluate: {images: 40, recalibrate: {images: 60}}\n");
  }

  Json call(std::vector<std::string> args, const std::string& stop_at = "") const {
    Launch launch;
    launch.folder = folder_;
    launch.args = std::move(args);
    launch.environment = {{"ATEN_CPU_CAPABILITY", "default"},
                          {"ONEDNN_MAX_CPU_ISA", "SSE41"},
                          {"MKL_CBWR", "COMPATIBLE"},
                          {"OMP_NUM_THREADS", "1"}};
    if (!stop_at.empty()) {
      launch.signal = 2;
      launch.signal_at = stop_at;
    }
    const Finished done = run(launch);
    if (!stop_at.empty()) return done.code;
    EXPECT_EQ(done.code, 0) << done.err;
    return Json::parse(done.out, nullptr, false);
  }

  /// Of the tensors of a safetensors file: its header also names the run.
  std::string data_hash(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
    uint64_t header = 0;
    if (bytes.size() < sizeof header) return "no file";
    std::memcpy(&header, bytes.data(), sizeof header);
    return sha256_hex(bytes.substr(std::min<size_t>(bytes.size(), sizeof header + header)));
  }

  void everything(Json& found) const {
    const std::string base = space_.name;
    int number = 0;
    std::string last;
    for (const char* strategy : space_.strategies) {
      last = "run" + std::to_string(number++);
      const Json done = call({"train",
                              "--config",
                              "train.yaml",
                              "--set",
                              std::string("strategy=") + strategy,
                              "--name",
                              last,
                              "--seed",
                              "7",
                              "-q",
                              "--json"});
      ASSERT_TRUE(done.is_object()) << strategy;
      found[base + "/train/" + strategy] = done["weights_sha256"];
    }
    const std::string run = "run0";
    for (const char* algorithm : {"nsga2", "random"}) {
      const Json done = call({"search",
                              "--run",
                              run,
                              "--algorithm",
                              algorithm,
                              "--evaluations",
                              "24",
                              "--set",
                              "search.population=8",
                              "--seed",
                              "3",
                              "-q",
                              "--json",
                              "--name",
                              std::string("search-") + algorithm});
      ASSERT_TRUE(done.is_object());
      Json front = Json::array();
      for (const Json& point : done["front"])
        front.push_back({point["architecture"], point["values"]});
      found[base + "/search/" + algorithm] = front;
    }
    call({"export", "--run", "search-nsga2", "--pick", "best", "--out", "model", "-q", "--json"});
    found[base + "/export"] = data_hash("model/model.safetensors");
    const Json listed =
        call({"space", "sample", "space.yaml", "-n", "12", "--seed", "1", "--json"});
    found[base + "/sample"] = listed["architectures"];
    const Json judged = call({"evaluate", "--run", run, "--sample", "4", "-q", "--json"});
    Json values = Json::array();
    std::string truth = "architecture,score\n";
    for (const Json& e : judged["evaluations"]) {
      values.push_back({e["architecture"], e["accuracy"], e["loss"]});
      truth += "\"" + e["architecture"].get<std::string>() + "\"," + e["macs"].dump() + "\n";
    }
    found[base + "/evaluate"] = values;
    write_file(folder_ + "/truth.csv", truth);
    const Json ranked = call({"rank", "--run", run, "--truth", "truth.csv", "-q", "--json"});
    Json rankers = ranked["rankers"];
    for (Json& ranker : rankers) ranker.erase("run");
    found[base + "/rank"] = rankers;
  }

 private:
  const Space& space_;
  std::string folder_;
};

class Reference : public testing::TestWithParam<const Space*> {};

TEST_P(Reference, NothingMovesByABit) {
  Json found = Json::object();
  Bench(*GetParam()).everything(found);
  const char* write = std::getenv("NAS_WRITE_REFERENCE");
  const std::string path =
      write != nullptr ? write : std::string(NAS_SOURCE_DIR) + "/tests/cli/reference.json";
  Json stored = Json::object();
  if (std::ifstream file(path); file) stored = Json::parse(file, nullptr, false);
  if (write != nullptr) {
    stored.update(found);
    std::ofstream(path) << stored.dump(1) << "\n";
    return;
  }
  ASSERT_FALSE(found.empty());
  for (const auto& [name, value] : found.items())
    EXPECT_EQ(value, stored.value(name, Json())) << name;
}

std::vector<const Space*> spaces() {
  std::vector<const Space*> all;
  for (const Space& space : kSpaces) all.push_back(&space);
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, Reference, testing::ValuesIn(spaces()), [](const auto& info) {
  return std::string(info.param->name);
});

// ---- What version 0.1.0 left behind still opens, and goes on to the same bits (tests/cli/old).

class OldStore : public testing::Test {
 protected:
  OldStore() : folder_(fresh_folder()) {
    const std::string command =
        "tar -xzf '" NAS_SOURCE_DIR "/tests/cli/old/store.tar.gz' -C '" + folder_ + "'";
    if (std::system(command.c_str()) != 0) ADD_FAILURE() << command;
  }
  Finished call(std::vector<std::string> args) const {
    Launch launch;
    launch.folder = folder_;
    launch.args = std::move(args);
    launch.environment = {{"ATEN_CPU_CAPABILITY", "default"},
                          {"ONEDNN_MAX_CPU_ISA", "SSE41"},
                          {"MKL_CBWR", "COMPATIBLE"},
                          {"OMP_NUM_THREADS", "1"}};
    return run(launch);
  }
  std::string folder_;
};

TEST_F(OldStore, IsReadAsItIs) {
  const Finished runs = call({"runs", "--json"});
  ASSERT_EQ(runs.code, 0) << runs.err;
  EXPECT_EQ(Json::parse(runs.out)["runs"].size(), 4u);
  const Finished check = call({"db", "check"});
  EXPECT_EQ(check.code, 0) << check.err << check.out;
  const Finished results = call({"results", "old-search", "--format", "csv"});
  EXPECT_EQ(results.code, 0) << results.err;
  EXPECT_THAT(results.out, testing::HasSubstr("4-conv3/8,0.21666666666666667"));
}

#ifdef NAS_TORCH
TEST_F(OldStore, IsJudgedAsBefore) {
  const Finished done = call({"evaluate",
                              "--run",
                              "old-uniform",
                              "--arch",
                              "4-conv3/8",
                              "--split",
                              "test",
                              "--json",
                              "-q"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json["evaluations"][0]["accuracy"], 0.21666666666666667);
  EXPECT_EQ(json["evaluations"][0]["loss"], 2.271636199951172);
}

// `strategy: panda` meant then what is now the preset `unbiased`.
TEST_F(OldStore, InterruptedRunsGoOnToTheSameBits) {
  const std::pair<const char*, const char*> runs[] = {
      {"old-panda", "182ab9e30b2da7071d0bb1f7747f8f91daa425857c244e32481fc3ae4f4e1df0"},
      {"old-sumnas", "5624bb3a9fd455c65d647418d384e2aaa4204b9dc544b7362ce8733a11a5b9cc"}};
  for (const auto& [name, weights] : runs) {
    const Finished done = call({"train", "--resume", name, "-q", "--json"});
    ASSERT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(Json::parse(done.out)["weights_sha256"], weights) << name;
  }
}
#endif

}  // namespace
}  // namespace nas::test
