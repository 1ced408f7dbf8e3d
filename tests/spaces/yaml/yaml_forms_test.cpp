// Overrides, sub-trees, files, and what one description gives beside a reader: text, schema, help.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "spaces/yaml/yaml_binder.hpp"
#include "yaml_options.hpp"

namespace nas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing_yaml;

TEST(YamlOverride, ChangesAndAdds) {
  const Options o = read("optimizer: {lr: 1}\nwidths: [1, 2]\n",
                         {"optimizer.lr=0.5",
                          "optimizer.name=adam",
                          "widths.1=7",
                          "widths.2=9",
                          "rates=[1, 2]",
                          "schedule=step",
                          "fast=true",
                          "epochs=5",
                          "epochs=6"});
  EXPECT_EQ(o.optimizer.lr, 0.5);
  EXPECT_EQ(o.optimizer.name, "adam");
  EXPECT_THAT(o.widths, ElementsAre(1, 7, 9));
  EXPECT_THAT(o.rates, ElementsAre(1, 2));
  EXPECT_EQ(o.schedule, Schedule::kStep);
  EXPECT_EQ(o.epochs, 6);
}

TEST(YamlOverride, ItemsOfDefaultLists) {
  const Options o = read("", {"stages.1.width=99", "widths.0=5"});
  ASSERT_EQ(o.stages.size(), 2u);
  EXPECT_EQ(o.stages[1].width, 99);
  EXPECT_EQ(o.stages[1].kind, "skip");
  EXPECT_THAT(o.widths, ElementsAre(5, 16));
  EXPECT_EQ(error_of("", {"stages.7.width=1"}),
            "--set stages.7.width: stages.7: \"7\" is not an item of a list of 2\n"
            "  Items count from 0.");
  EXPECT_EQ(error_of("widths: [1]\n", {"widths.x=1"}),
            "--set widths.x: widths.x: \"x\" is not an item of a list of 1\n"
            "  Items count from 0; 1 appends.");
}

TEST(YamlOverride, Malformed) {
  for (const char* text : {"epochs", "=3", "a..b=1", ".a=1", ""})
    EXPECT_EQ(error_of("", {text}),
              std::string("--set ") + text +
                  ": not of the form key=value\n"
                  "  Write --set section.key=value, e.g. --set train.epochs=10.");
  EXPECT_THAT(error_of("", {"epochs=[1"}), HasSubstr("--set epochs: not valid YAML"));
  EXPECT_EQ(error_of("", {"epochs=0"}),
            "--set epochs: epochs: 0 is out of range, expected 1 to 1e6");
  EXPECT_EQ(error_of("epochs: 3\n", {"epochs.width=3"}),
            "--set epochs.width: epochs: is \"3\" and has no keys below it\n"
            "  Give the whole section, e.g. --set 'epochs={key: value}'.");
}

struct Inner {
  int width = 1;
};
void describe(Binder& b, Inner& o) {
  b.ignore("family");
  b.value("width", o.width, "Width").range(1, 9);
}

TEST(YamlRaw, KeepsPlacesAndOverrides) {
  const Options o = read("epochs: 1\n\nspace:\n  family: x\n  # a comment\n  width: 77\n");
  EXPECT_EQ(o.space.line, 4);
  EXPECT_EQ(o.space.column, 3);
  EXPECT_EQ(o.space.yaml, "family: x\nwidth: 77\n");
  const YamlSource source = yaml_source(o.space);
  EXPECT_EQ(yaml_scalar(source, "family"), "x");
  EXPECT_EQ(yaml_scalar(source), std::nullopt);
  try {
    read_yaml_as<Inner>(source);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "a.yaml:6:10: space.width: 77 is out of range, expected 1 to 9");
  }
  const Options changed = read("space: {width: 77}\n", {"space.width=3"});
  EXPECT_EQ(read_yaml_as<Inner>(yaml_source(changed.space)).width, 3);
  EXPECT_EQ(yaml_problem(source, "family", "bad").text(), "a.yaml:4:11: space.family: bad");
  EXPECT_EQ(yaml_problem(source, "other", "bad").text(), "a.yaml:4:3: space.other: bad");
  // Without the tree, from the text alone.
  Binder::Raw by_hand;
  by_hand.yaml = "width: 5\n";
  EXPECT_EQ(read_yaml_as<Inner>(yaml_source(by_hand)).width, 5);
}

TEST(YamlWrite, ReadsBackToTheSame) {
  Options o;
  o.epochs = 7;
  o.seed = std::numeric_limits<uint64_t>::max();
  o.rates = {0.1, 1e-9, 3};
  o.constraints = {"macs <= 20M", "true", "", "a: b", "#x", " lead", "10", "line\nbreak", "ümlaut"};
  o.schedule = Schedule::kStep;
  o.optimizer.clip = 0.25;
  o.optimizer.name = "null";
  o.stages = {{1, "a"}, {2, "- b"}};
  o.space.yaml = "{family: x, list: [1, {a: b}], empty: [], text: '010'}";
  const Describe description = [&](Binder& b) { describe(b, o); };
  const std::string text = write_yaml(description);
  Options back = read(text);
  EXPECT_EQ(back.epochs, 7);
  EXPECT_EQ(back.seed, o.seed);
  EXPECT_EQ(back.rates, o.rates);
  EXPECT_EQ(back.constraints, o.constraints);
  EXPECT_EQ(back.schedule, Schedule::kStep);
  EXPECT_EQ(back.optimizer.clip, 0.25);
  EXPECT_EQ(back.optimizer.name, "null");
  ASSERT_EQ(back.stages.size(), 2u);
  EXPECT_EQ(back.stages[1].kind, "- b");
  EXPECT_EQ(write_yaml([&](Binder& b) { describe(b, back); }), text);
  const auto json = nlohmann::json::parse(write_json(description));
  EXPECT_EQ(json["seed"], o.seed);
  EXPECT_EQ(json["space"]["text"], "010");
  EXPECT_EQ(json["space"]["list"][1]["a"], "b");
  EXPECT_EQ(json["constraints"][6], "10");
}

TEST(YamlWrite, InOrderOfDeclaration) {
  Optimizer o;
  EXPECT_EQ(write_yaml([&](Binder& b) { describe(b, o); }), "name: sgd\nlr: 0.1\nclip: null\n");
}

TEST(YamlSchema, HoldsTypesRangesAndDefaults) {
  Options o;
  const auto schema =
      nlohmann::json::parse(json_schema("Options", [&](Binder& b) { describe(b, o); }));
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["title"], "Options");
  EXPECT_EQ(schema["additionalProperties"], false);
  const auto& keys = schema["properties"];
  EXPECT_EQ(keys["epochs"],
            nlohmann::json::parse(R"({"type": "integer", "description": "Passes over the data",
                                      "default": 30, "minimum": 1, "maximum": 1000000})"));
  EXPECT_EQ(keys["schedule"]["enum"], nlohmann::json::parse(R"(["cosine", "step"])"));
  EXPECT_EQ(keys["schedule"]["default"], "cosine");
  EXPECT_EQ(keys["widths"]["items"],
            nlohmann::json::parse(R"({"type": "integer", "minimum": 1, "maximum": 64})"));
  EXPECT_EQ(keys["widths"]["maxItems"], 4);
  EXPECT_EQ(keys["optimizer"]["properties"]["clip"]["type"],
            nlohmann::json::parse(R"(["number", "null"])"));
  EXPECT_EQ(keys["optimizer"]["properties"]["name"]["minLength"], 1);
  EXPECT_EQ(keys["stages"]["items"]["required"], nlohmann::json::parse(R"(["kind"])"));
  EXPECT_EQ(keys["stages"]["items"]["properties"]["width"]["description"], "Channels [channels]");
  EXPECT_EQ(keys["space"]["type"], nlohmann::json::parse(R"(["object", "string"])"));
}

TEST(YamlHelp, OneLineForEachKey) {
  Options o;
  std::string text;
  for (const HelpLine& line : help_lines([&](Binder& b) { describe(b, o); }))
    text +=
        line.key + "|" + line.type + "|" + line.value + "|" + line.range + "|" + line.help + "\n";
  EXPECT_EQ(text,
            "epochs|whole number|30|1 to 1e6|Passes over the data\n"
            "big|whole number|5||A long number\n"
            "seed|whole number|0||Seed\n"
            "fast|true or false|false||Quick\n"
            "widths|list of whole numbers|[8, 16]|1 to 4 items, each 1 to 64|Widths\n"
            "rates|list of numbers|[]||Rates\n"
            "constraints|list of texts|[]||Limits\n"
            "schedule|cosine|step|cosine||Learning-rate schedule\n"
            "optimizer.name|text|sgd|1 to 20|Rule\n"
            "optimizer.lr|number|0.1|0 to 10|Learning rate\n"
            "optimizer.clip|number|null|0 to 1e9|Gradient norm\n"
            "stages[].width|whole number|16|1 to 4096 channels|Channels\n"
            "stages[].kind|text|(required)||Block\n"
            "space|name or section|||Space\n");
}

TEST(YamlFile, SaysWhatHindersIt) {
  const auto said = [](const std::string& path) -> std::string {
    try {
      yaml_file(path);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_THAT(said("/tmp"), HasSubstr("/tmp: cannot be read: it is a folder"));
  EXPECT_THAT(said("/nonexistent/x.yaml"), HasSubstr("No such file or directory"));
  const std::string loop = ::testing::TempDir() + "nas-loop-" + std::to_string(::getpid());
  std::filesystem::create_symlink(loop, loop);
  EXPECT_THAT(said(loop), HasSubstr("symbolic links"));
  std::filesystem::remove(loop);
  // An endless device ends as a file that is too large.
  try {
    read_yaml_as<Options>(yaml_file("/dev/zero"));
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("larger than 16 MiB"));
  }
}

TEST(YamlFile, ThatCannotBeRead) {
  EXPECT_THROW(yaml_file("/nonexistent/x.yaml"), ConfigError);
  EXPECT_THROW(yaml_file("/tmp"), ConfigError);
  const YamlSource none = yaml_file("", {"a=1"});
  EXPECT_EQ(none.text, "");
  EXPECT_EQ(none.sets.size(), 1u);
}

}  // namespace
}  // namespace nas
