// From what an exported file says of itself to the commands that make it again. The scripts are run
// by sh with a `nas` that writes down the words it was given.
#include "cli/runs/results/reproduction.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "spaces/base/scratch_file.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr const char* kConfig = "space: resnet20-pool\nseed: 3\ntrain:\n  epochs: 8\n";

Json step(const std::string& command, const std::string& run, const std::string& name) {
  return {{"command", command}, {"run", run}, {"name", name}, {"seed", 3}, {"config", kConfig}};
}
Json export_of(const std::string& run) {
  return {{"command", "export"}, {"of", run}, {"architecture", "[1,2,3]"}};
}
ExportedText exported(const std::vector<Json>& steps) {
  const Json about{{"schema", "nas-export/1"},
                   {"run", "t-1"},
                   {"architecture", "[1,2,3]"},
                   {"space", "resnet20-pool"},
                   {"tensors_sha256", "abc"},
                   {"lineage", {{"schema", "nas-lineage/1"}, {"steps", Json(steps)}}}};
  return {"model.ts", "torchscript", about.dump()};
}
std::vector<std::string> lines_of(const Reproduction& r) {
  std::vector<std::string> lines;
  for (const Reproduction::Command& command : r.commands) lines.push_back(command.line);
  return lines;
}

// ---- Commands.

TEST(Reproduction, ATrainingASearchAndAnExport) {
  Json train = step("train", "t-1", "main"), search = step("search", "s-1", "");
  train["versions"] = {{"nas", "0.2"}, {"threads", 2}, {"device", "cpu"}, {"compiler", "gcc"}};
  search["of"] = "t-1";
  Json last = export_of("t-1");
  last["pick"] = "knee";
  last["formats"] = {"torchscript", "onnx"};
  last["opset"] = 13;
  last["fold_bn"] = true;
  last["recalibrate"] = 500;
  last["set"] = Json::array({"threads=1"});
  const Reproduction r = reproduction_of(exported({train, search, last}));
  EXPECT_THAT(lines_of(r),
              ElementsAre("nas train --db nas.db --config main.yaml --name main",
                          "nas search --db nas.db --config search.yaml --name search --run main",
                          "nas export --db nas.db --run main --pick knee --out model --format "
                          "torchscript,onnx --opset 13 --fold-bn --recalibrate 500 --set "
                          "threads=1"));
  EXPECT_THAT(r.made_with,
              ElementsAre(Pair("nas", "0.2"), Pair("device", "cpu"), Pair("threads", "2")));
  ASSERT_EQ(r.files.size(), 2U);
  EXPECT_EQ(r.files[0].first, "main.yaml");
  // Threads and device are part of what is made again.
  EXPECT_THAT(r.files[0].second, HasSubstr("threads: 2"));
  EXPECT_THAT(r.files[0].second, HasSubstr("device: cpu"));
  EXPECT_THAT(r.files[0].second, HasSubstr("epochs: 8"));
  EXPECT_THAT(r.missing, IsEmpty());
}

TEST(Reproduction, PlacesOutsideAreVariables) {
  const auto with = [](const std::string& run, const std::string& data, const std::string& init) {
    Json made = step("import", run, run);
    made["config"] = "space: x\ndata: {path: " + data + "}\ntrain: {init: " + init + "}\n";
    return made;
  };
  const Reproduction r = reproduction_of(
      exported({with("a", "/d", "/w"), with("b", "/e", "/w"), with("c", "/d", "/v")}));
  EXPECT_THAT(
      r.variables,
      ElementsAre(
          Pair("WEIGHTS", "/w"), Pair("DATA", "/d"), Pair("DATA2", "/e"), Pair("WEIGHTS2", "/v")));
  EXPECT_THAT(lines_of(r),
              ElementsAre("nas import --db nas.db --config a.yaml --name a --weights \"$WEIGHTS\" "
                          "--set \"data.path=$DATA\"",
                          "nas import --db nas.db --config b.yaml --name b --weights \"$WEIGHTS\" "
                          "--set \"data.path=$DATA2\"",
                          "nas import --db nas.db --config c.yaml --name c --weights \"$WEIGHTS2\" "
                          "--set \"data.path=$DATA\""));
}

TEST(Reproduction, SplitsGoOnFromTheRunTheyCut) {
  Json cut = step("split", "t-2", "parts");
  cut["of"] = "t-1";
  cut["config"] =
      "space: x\ntrain: {epochs: 8}\nweights:\n  split:\n    epochs: [3]\n    groups: [2]\n"
      "    edge: max_cut\n    choices: [depth, width]\n"
      "    score: {batches: 4, metric: cos, exact: true}\n";
  const Reproduction r = reproduction_of(exported({step("train", "t-1", "main"), cut}));
  EXPECT_EQ(lines_of(r).at(1),
            "nas split --db nas.db --run main --apply --epochs 5 --name parts --groups 2 --edge "
            "max_cut --batches 4 --metric cos --exact --choices depth --choices width &&\n"
            "  nas train --db nas.db --resume parts");
}

TEST(Reproduction, NetworksTrainedAloneSayWhereTheyComeFrom) {
  Json alone = step("train", "t-2", "alone");
  alone["inherits"] = "t-1";
  alone["recipe"] = {{"architecture", "[1,2]"}, {"search", "s-9"}, {"pick", "best"}};
  const Reproduction r = reproduction_of(exported({step("train", "t-1", "main"), alone}));
  EXPECT_EQ(lines_of(r).at(1),
            "nas train --db nas.db --config alone.yaml --name alone --inherit main --arch '[1,2]'");
  EXPECT_THAT(r.commands[1].remarks,
              ElementsAre("its architecture was found by search s-9 (best)"));
}

TEST(Reproduction, NamesAreToldApart) {
  Json space = step("train", "t-4", "mine");
  space["space_file"] = {{"name", "mine.yaml"}, {"text", "family: cnn\n"}};
  const Reproduction r = reproduction_of(exported({step("train", "t-1", "x"),
                                                   step("train", "t-2", "x"),
                                                   step("train", "t-3", "a/b"),
                                                   space,
                                                   step("search", "mine", "mine")}));
  std::set<std::string> files, names;
  for (const auto& [name, content] : r.files) EXPECT_TRUE(files.insert(name).second) << name;
  for (const std::string& line : lines_of(r))
    EXPECT_TRUE(names.insert(line.substr(line.find("--name "))).second) << line;
  // The space keeps its name, which configurations say; a run that is called so does not.
  EXPECT_EQ(lines_of(r).at(3), "nas train --db nas.db --config run-mine.yaml --name mine");
  const auto text = std::find_if(
      r.files.begin(), r.files.end(), [](const auto& file) { return file.first == "mine.yaml"; });
  ASSERT_NE(text, r.files.end());
  EXPECT_EQ(text->second, "family: cnn\n");
}

TEST(Reproduction, WhatIsNotInTheFileIsTold) {
  Json train = step("train", "t-1", "main");
  train["needs"] = {{{"what", "data"}, {"which", "/d"}, {"hash", "12"}},
                    {{"what", "weights"}, {"which", "/w"}, {"hash", "34"}},
                    {{"what", "run"}, {"which", "t-0"}, {"hash", ""}},
                    {{"what", "front of the search"}, {"which", "s-0"}}};
  EXPECT_THAT(
      reproduction_of(exported({train})).missing,
      ElementsAre("data /d (for main; SHA-256 of the images 12)",
                  "weights /w (for main; SHA-256 34)",
                  "run t-0 (for main): no longer in the store when this was exported",
                  "front of the search s-0 (for main): a search began with it; without it the "
                  "search takes another way"));
}

// ---- Scripts, run.

class Script : public testing::Test {
 protected:
  Script() : folder_(scratch_.path()) {
    fs::create_directories(folder_ / "bin");
    std::ofstream(folder_ / "bin/nas")
        << "#!/bin/sh\nfor word in \"$@\"; do printf '[%s]' \"$word\"; done >>'" +
               (folder_ / "words").string() + "'\necho >>'" + (folder_ / "words").string() + "'\n";
    chmod((folder_ / "bin/nas").c_str(), 0755);
  }
  /// What `nas` was given, a line a call.
  std::string run(const std::vector<Json>& steps) {
    const ExportedText file = exported(steps);
    std::ofstream(folder_ / "again.sh") << reproduction_script(file, reproduction_of(file)) << "\n";
    const std::string command =
        "cd '" + folder_.string() + "' && PATH=\"$PWD/bin:$PATH\" sh again.sh >out 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << content("out") << content("again.sh");
    return content("words");
  }
  std::string content(const std::string& name) const {
    std::ifstream stream(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::set<std::string> files(const std::string& below) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / below))
      names.insert(entry.path().filename());
    return names;
  }
  ScratchFolder scratch_{"nas-script"};
  fs::path folder_;
};

TEST_F(Script, WordsArriveAsTheyWere) {
  const std::string odd = "it's \"$HOME\" `id` \\ *";
  Json train = step("train", "t-1", odd);
  train["config"] = "space: x\ndata: {path: '/my data/$(id)'}\n";
  Json last = export_of("t-1");
  last["architecture"] = "a b;c&d|e";
  const std::string words = run({train, last});
  EXPECT_EQ(words,
            "[train][--db][nas.db][--config][" + odd + ".yaml][--name][" + odd +
                "][--set][data.path=/my data/$(id)]\n[export][--db][nas.db][--run][" + odd +
                "][--arch][a b;c&d|e][--out][model]\n[reproduce][" +
                (fs::current_path() / "model.ts").string() + "][--compare][model]\n");
  EXPECT_THAT(content("again/" + odd + ".yaml"), HasSubstr("/my data/$(id)"));
}

// Whoever runs the script of a file of unknown origin runs `nas`, and nothing that the file says.
TEST_F(Script, NothingThatAFileSaysIsACommand) {
  const std::string evil = "x\ntouch pwned ../pwned\n",
                    end = "END_OF_FILE\ntouch pwned\nEND_OF_FILE_\n";
  Json train = step("train", "t-1", "main");
  train["versions"] = {{"nas", evil}, {"libtorch", evil}, {"threads", 1}};
  train["space_file"] = {{"name", "s.yaml"}, {"text", end + evil}};
  train["needs"] = Json::array({Json{{"what", evil}, {"which", evil}, {"hash", evil}}});
  train["recipe"] = {{"search", evil}, {"pick", evil}, {"architecture", evil}};
  Json last = export_of("t-1");
  last["architecture"] = evil;
  last["set"] = Json::array({evil});
  ExportedText file = exported({train, last});
  Json about = Json::parse(file.json);
  about["architecture"] = about["space"] = evil;
  file.json = about.dump();
  std::ofstream(folder_ / "again.sh") << reproduction_script(file, reproduction_of(file)) << "\n";
  const std::string command =
      "cd '" + folder_.string() + "' && PATH=\"$PWD/bin:$PATH\" sh again.sh >out 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << content("out");
  EXPECT_THAT(files("again"), UnorderedElementsAre("main.yaml", "s.yaml"));
  EXPECT_THAT(files("."), UnorderedElementsAre("again", "again.sh", "bin", "out", "words"));
  EXPECT_EQ(content("again/s.yaml"), end + evil);
  EXPECT_EQ(content("out"), "");
  EXPECT_THAT(content("words"), HasSubstr("[--arch][" + evil + "]"));
}

TEST(Reproduction, SpacesAreWrittenNowhereElse) {
  for (const char* name : {"", ".", "..", "../s.yaml", "/etc/s.yaml", "a/b.yaml"}) {
    Json train = step("train", "t-1", "main");
    train["space_file"] = {{"name", name}, {"text", "x"}};
    try {
      reproduction_of(exported({train}));
      FAIL() << name;
    } catch (const DataError& e) {
      EXPECT_STREQ(e.what(), "model.ts: what it says of itself is damaged");
    }
  }
}

// ---- Damage.

/// Every value of a document, one after the other, by something of another type.
void each_changed(const Json& whole, const std::function<void(const Json&)>& look) {
  const Json flat = whole.flatten();
  std::set<std::string> places;
  for (const auto& [place, value] : flat.items())
    for (size_t end = place.size(); end != std::string::npos && end > 0;
         end = place.rfind('/', end - 1))
      places.insert(place.substr(0, end));
  for (const std::string& place : places)
    for (const Json& other : {Json(5),
                              Json("text"),
                              Json(),
                              Json(true),
                              Json::array(),
                              Json::object(),
                              Json({1, "a"})}) {
      Json changed = whole;
      changed[Json::json_pointer(place)] = other;
      look(changed);
    }
}

TEST(Reproduction, DamagedFilesAreReadOrRefused) {
  Json train = step("train", "t-1", "main"), cut = step("split", "t-2", "parts");
  train["versions"] = {{"nas", "0.2"}, {"threads", 2}, {"device", "cpu"}};
  train["space_file"] = {{"name", "s.yaml"}, {"text", "x"}};
  train["hashes"] = {{"space", "12"}};
  train["needs"] = Json::array({Json{{"what", "data"}, {"which", "/d"}, {"hash", "12"}}});
  train["recipe"] = {{"search", "s"}, {"pick", "best"}, {"architecture", "a"}};
  train["inherits"] = "t-0";
  cut["of"] = "t-1";
  Json last = export_of("t-1");
  last["formats"] = Json::array({"onnx"});
  last["set"] = Json::array({"a=1"});
  const ExportedText good = exported({train, cut, last});
  size_t made = 0, refused = 0;
  each_changed(Json::parse(good.json), [&](const Json& changed) {
    if (!changed.is_object()) return;  // read_exported_text gives objects.
    const ExportedText file{"model.ts", "onnx", changed.dump()};
    try {
      reproduction_script(file, reproduction_of(file));
      ++made;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("model.ts: "));
      ++refused;
    } catch (const ConfigError&) {
      ++refused;
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what() << " of " << file.json;
    }
    EXPECT_NO_THROW(compare_exported(file, good)) << file.json;
    EXPECT_NO_THROW(compare_exported(good, file)) << file.json;
  });
  EXPECT_GT(made, 20U);
  EXPECT_GT(refused, 50U);
}

TEST(Reproduction, FilesOfEarlierVersionsSayTooLittle) {
  const auto told = [](const Json& about) {
    try {
      reproduction_of({"f.ts", "torchscript", about.dump()});
    } catch (const DataError& e) {
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  const std::string old =
      "f.ts: does not say how it was made; it was exported by a version before 0.2. Its run may "
      "still be in a store: nas runs show ";
  EXPECT_EQ(told({{"schema", "nas-export/1"}, {"run", "t-7"}}), old + "t-7");
  EXPECT_EQ(told({{"schema", "nas-export/1"}}), old + "RUN");
  EXPECT_EQ(told({{"lineage", Json::array()}}), old + "RUN");
}

// ---- Comparisons.

TEST(ComparedFiles, AgreeOrSayInWhatTheyDiffer) {
  Json ours = step("train", "t-1", "main"), theirs = ours;
  ours["hashes"] = {{"space", "s"}, {"weights", "w"}};
  theirs["hashes"] = {{"space", "s"}, {"weights", "other"}};
  ours["versions"] = {{"nas", "0.2"}, {"threads", 2}};
  theirs["versions"] = {{"nas", "0.2"}, {"threads", 4}};
  theirs["seed"] = 4;
  const auto facts = compare_exported(exported({ours, export_of("t-1")}),
                                      exported({theirs, step("search", "s", "")}));
  std::map<std::string, std::pair<std::string, std::string>> differ;
  std::set<std::string> agree, deciding;
  for (const ComparedFact& fact : facts) {
    if (fact.same())
      agree.insert(fact.what);
    else
      differ[fact.what] = {fact.here, fact.there};
    if (fact.decides) deciding.insert(fact.what);
  }
  EXPECT_THAT(deciding, UnorderedElementsAre("architecture", "tensors"));
  EXPECT_THAT(agree,
              UnorderedElementsAre("architecture", "tensors", "train 1: space", "train 1: nas"));
  EXPECT_THAT(differ,
              UnorderedElementsAre(Pair("train 1: seed", Pair("3", "4")),
                                   Pair("train 1: weights", Pair("w", "other")),
                                   Pair("train 1: threads", Pair("2", "4")),
                                   Pair("search 2: seed", Pair("", "3"))));
}

}  // namespace
}  // namespace nas::cli
