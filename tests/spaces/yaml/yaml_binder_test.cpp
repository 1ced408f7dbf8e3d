// The messages are the product here, so the tests compare whole texts.
#include "spaces/yaml/yaml_binder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spaces/base/printable.hpp"
#include "yaml_options.hpp"

namespace nas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing_yaml;

TEST(YamlBinder, ReadsEveryType) {
  const Options o = read(R"(epochs: 1e2
big: -9223372036854775808
seed: 18446744073709551615
fast: true
widths: [1, 2, +3]
rates: [.5, 1e-3, 2]
constraints: ["macs <= 20M", latency_ms <= 5]
schedule: step
optimizer: {name: "adam", lr: 1e-3, clip: 5}
stages:
  - kind: conv
  - {kind: skip, width: 7}
space: resnet20-pool
)");
  EXPECT_EQ(o.epochs, 100);
  EXPECT_EQ(o.big, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(o.seed, std::numeric_limits<uint64_t>::max());
  EXPECT_TRUE(o.fast);
  EXPECT_THAT(o.widths, ElementsAre(1, 2, 3));
  EXPECT_THAT(o.rates, ElementsAre(.5, 1e-3, 2));
  EXPECT_THAT(o.constraints, ElementsAre("macs <= 20M", "latency_ms <= 5"));
  EXPECT_EQ(o.schedule, Schedule::kStep);
  EXPECT_EQ(o.optimizer.name, "adam");
  EXPECT_EQ(o.optimizer.clip, 5);
  ASSERT_EQ(o.stages.size(), 2u);
  EXPECT_EQ(o.stages[1].width, 7);
  EXPECT_EQ(yaml_scalar(yaml_source(o.space)), "resnet20-pool");
}

TEST(YamlBinder, EmptySourcesKeepDefaults) {
  for (const char* text : {"", "\n# nothing\n", "---\n", "{}\n", "~"}) {
    const Options o = read(text);
    EXPECT_EQ(o.epochs, 30) << text;
    EXPECT_EQ(o.stages.size(), 2u) << text;
  }
}

TEST(YamlBinder, UnknownKeysNameTheNearest) {
  EXPECT_EQ(error_of("epoch: 3\n"), "a.yaml:1:1: epoch: unknown key\n  Did you mean epochs?");
  EXPECT_EQ(error_of("optimizer:\n  name: sgd\n  lrr: 3\n"),
            "a.yaml:3:3: optimizer.lrr: unknown key\n  Did you mean optimizer.lr?");
  // Right name, wrong section.
  EXPECT_EQ(error_of("clip: 3\n"), "a.yaml:1:1: clip: unknown key\n  Did you mean optimizer.clip?");
  EXPECT_EQ(error_of("optimizer: {zzzzzzzz: 1}\n"),
            "a.yaml:1:13: optimizer.zzzzzzzz: unknown key\n  Known here: name, lr, clip.");
}

TEST(YamlBinder, UnknownOverridesSuggestToo) {
  EXPECT_EQ(error_of("", {"epoch=3"}), "--set epoch: epoch: unknown key\n  Did you mean epochs?");
  EXPECT_EQ(error_of("optimizer: {lr: 1}\n", {"optimizer.lrr=3"}),
            "--set optimizer.lrr: optimizer.lrr: unknown key\n  Did you mean optimizer.lr?");
  EXPECT_EQ(error_of("", {"lr=3"}), "--set lr: lr: unknown key\n  Did you mean optimizer.lr?");
}

TEST(YamlBinder, DuplicateKeys) {
  EXPECT_EQ(error_of("epochs: 3\nfast: true\nepochs: 4\n"),
            "a.yaml:3:1: epochs: given twice; first in line 1\n  Keep one of the two.");
  EXPECT_EQ(error_of("optimizer: {lr: 1, \"lr\": 2}\n"),
            "a.yaml:1:20: optimizer.lr: given twice; first in line 1\n  Keep one of the two.");
  EXPECT_EQ(error_of("stages:\n- kind: a\n- kind: a\n  kind: b\n"),
            "a.yaml:4:3: stages.1.kind: given twice; first in line 3\n  Keep one of the two.");
}

TEST(YamlBinder, WrongTypes) {
  EXPECT_EQ(error_of("epochs: many\n"),
            "a.yaml:1:9: epochs: expected a whole number, got \"many\"");
  EXPECT_EQ(error_of("epochs: 1.5\n"), "a.yaml:1:9: epochs: expected a whole number, got \"1.5\"");
  EXPECT_EQ(error_of("epochs: [1]\n"), "a.yaml:1:9: epochs: expected a whole number, got a list");
  EXPECT_EQ(error_of("epochs: \"3\"\n"),
            "a.yaml:1:9: epochs: expected a whole number, got \"3\" in quotes; remove them");
  EXPECT_EQ(error_of("epochs:\n"), "a.yaml:1:1: epochs: has no value; expected whole number");
  EXPECT_EQ(error_of("epochs: 010\n"),
            "a.yaml:1:9: epochs: expected a whole number, got \"010\"; a leading zero is octal for "
            "some readers: write it without");
  EXPECT_EQ(error_of("epochs: 0x10\n"),
            "a.yaml:1:9: epochs: expected a whole number, got \"0x10\"");
  EXPECT_EQ(error_of("epochs: 1_000\n"),
            "a.yaml:1:9: epochs: expected a whole number, got \"1_000\"");
  EXPECT_EQ(error_of("fast: yes\n"), "a.yaml:1:7: fast: expected true or false, got \"yes\"");
  EXPECT_EQ(error_of("optimizer: sgd\n"),
            "a.yaml:1:12: optimizer: expected a section (key: value), got \"sgd\"");
  EXPECT_EQ(error_of("stages: {a: 1}\n"),
            "a.yaml:1:9: stages: expected a list, got a section\n  Start each item with '- '.");
  EXPECT_EQ(error_of("widths: 8\n"), "a.yaml:1:9: widths: expected a list, got \"8\"; write [8]");
  EXPECT_EQ(error_of("widths: [8, x]\n"),
            "a.yaml:1:13: widths: item 1: expected a whole number, got \"x\"");
  EXPECT_EQ(error_of("optimizer:\n  name: [a]\n"),
            "a.yaml:2:9: optimizer.name: expected a text, got a list");
  EXPECT_EQ(error_of("- 1\n"),
            "a.yaml:1:1: expected a section (key: value), got a list\n"
            "  A configuration is lines of `key: value`.");
  EXPECT_EQ(error_of("just text\n"),
            "a.yaml:1:1: expected a section (key: value), got \"just text\"\n"
            "  A configuration is lines of `key: value`.");
}

TEST(YamlBinder, NumbersThatAreNone) {
  for (const char* text : {".nan", ".NaN", ".inf", "-.inf", "nan", "inf", "+.Inf"})
    EXPECT_EQ(error_of(std::string("optimizer: {lr: ") + text + "}\n"),
              std::string("a.yaml:1:17: optimizer.lr: expected a number, got \"") + text +
                  "\"; it must be finite");
  EXPECT_THAT(error_of("optimizer: {lr: 1e999}\n"), HasSubstr("expected a number, got \"1e999\""));
  EXPECT_THAT(error_of("optimizer: {lr: 00.1}\n"), HasSubstr("expected a number, got \"00.1\""));
  EXPECT_THAT(error_of("optimizer: {lr: 0.1.2}\n"), HasSubstr("expected a number"));
  EXPECT_THAT(error_of("optimizer: {lr: -}\n"), HasSubstr("optimizer.lr"));
}

TEST(YamlBinder, RangesOfEachType) {
  EXPECT_EQ(error_of("epochs: 0\n"), "a.yaml:1:9: epochs: 0 is out of range, expected 1 to 1e6");
  EXPECT_EQ(error_of("optimizer: {lr: -0.5}\n"),
            "a.yaml:1:17: optimizer.lr: -0.5 is out of range, expected 0 to 10");
  EXPECT_EQ(error_of("optimizer: {clip: -1}\n"),
            "a.yaml:1:19: optimizer.clip: -1 is out of range, expected 0 to 1e9");
  EXPECT_EQ(error_of("widths: []\n"), "a.yaml:1:9: widths: a list of 0, expected 1 to 4 items");
  EXPECT_EQ(error_of("widths: [1, 65]\n"),
            "a.yaml:1:13: widths: item 1: 65 is out of range, expected 1 to 64");
  EXPECT_EQ(error_of("optimizer: {name: ''}\n"), "a.yaml:1:19: optimizer.name: must not be empty");
  EXPECT_EQ(error_of("epochs: 3000000000\n"),
            "a.yaml:1:9: epochs: expected a whole number from -2147483648 to 2147483647, got "
            "\"3000000000\"");
  EXPECT_THAT(error_of("seed: -1\n"), HasSubstr("from 0 to 18446744073709551615, got \"-1\""));
  EXPECT_THAT(error_of("seed: 18446744073709551616\n"), HasSubstr("18446744073709551616"));
  EXPECT_THAT(error_of("big: 1e19\n"), HasSubstr("got \"1e19\""));
}

TEST(YamlBinder, ChoicesSuggest) {
  EXPECT_EQ(error_of("schedule: cosin\n"),
            "a.yaml:1:11: schedule: expected one of cosine, step; got \"cosin\"; did you mean "
            "cosine?");
  EXPECT_EQ(error_of("schedule: [step]\n"),
            "a.yaml:1:11: schedule: expected one of cosine, step; got a list");
}

TEST(YamlBinder, MissingRequiredKeys) {
  EXPECT_EQ(error_of("stages:\n  - width: 3\n"),
            "a.yaml:2:5: stages.0.kind: is missing; expected text");
  // Untouched defaults miss nothing.
  EXPECT_EQ(error_of("epochs: 3\n"), "(no error)");
}

TEST(YamlBinder, AllMistakesAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(error_of("epochs: 0\nfasst: true\noptimizer:\n  lr: fast\n  nme: x\nschedule: none\n",
                     {"big=x"}),
            "a.yaml:1:9: epochs: 0 is out of range, expected 1 to 1e6\n"
            "a.yaml:2:1: fasst: unknown key\n  Did you mean fast?\n"
            "a.yaml:4:7: optimizer.lr: expected a number, got \"fast\"\n"
            "a.yaml:5:3: optimizer.nme: unknown key\n  Did you mean optimizer.name?\n"
            "a.yaml:6:11: schedule: expected one of cosine, step; got \"none\"\n"
            "--set big: big: expected a whole number, got \"x\"");
}

TEST(YamlBinder, SyntaxErrorsHaveAPlace) {
  EXPECT_EQ(error_of("epochs: 3\nfast: a: b\n"),
            "a.yaml:2:8: not valid YAML: illegal map value\n"
            "  Check the indentation; a text that holds ': ' needs quotes.");
  EXPECT_THAT(error_of("widths: [1, 2\n"), HasSubstr("a.yaml:2:1: not valid YAML"));
  EXPECT_THAT(error_of("a: *nowhere\n"), HasSubstr("a.yaml:1:4: not valid YAML"));
  EXPECT_EQ(error_of("epochs: 3\n---\nepochs: 4\n"),
            "a.yaml:3:1: a second document ('---') starts here\n"
            "  Give one document in each file.");
  EXPECT_EQ(error_of("{[a]: 1}\n"),
            "a.yaml:1:2: a key must be plain text, not a section or a list");
  EXPECT_EQ(error_of("epochs: !magic 3\n"),
            "a.yaml:1:9: epochs: the tag !magic has no meaning here\n  Remove it.");
  EXPECT_EQ(error_of(std::string("epochs: 3\nfast\0: 1\n", 19)),
            "a.yaml:2:1: a zero byte: not a text file");
}

TEST(YamlBinder, HostileInputEndsSoon) {
  // Deeper than any configuration, and deep enough to exhaust a stack.
  for (const int depth : {100, 100000}) {
    EXPECT_NE(error_of(std::string(static_cast<size_t>(depth), '[')), "(no error)");
    EXPECT_NE(error_of(std::string(static_cast<size_t>(depth), '{')), "(no error)");
  }
  EXPECT_EQ(error_of(std::string(17 << 20, 'a')),
            "a.yaml: larger than 16 MiB: not a configuration file");
  // Every level names the one below ten times.
  std::string bomb = "a0: &a0 [1, 1]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += (k ? ", " : "") + below;
    bomb += "]\n";
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("aliases expand to too many values"));
  EXPECT_THAT(error_of("space: &a [*a]\n"), HasSubstr("this alias is inside the value it names"));
}

TEST(YamlBinder, AnchorsMeanTheirValue) {
  const Options o = read("widths: &w [3, 4]\nrates: *w\nstages: [&s {kind: conv}, *s]\n");
  EXPECT_THAT(o.rates, ElementsAre(3, 4));
  EXPECT_EQ(o.stages[1].kind, "conv");
  // An override of one use leaves the other.
  const Options p = read("stages: [&s {kind: conv}, *s]\n", {"stages.1.kind=skip"});
  EXPECT_EQ(p.stages[0].kind, "conv");
  EXPECT_EQ(p.stages[1].kind, "skip");
}

struct Checked {
  int population = 48, parents = 2;
};
void describe(Binder& b, Checked& o) {
  b.value("population", o.population, "Size").check([&o] {
    return o.population % 4 == 0 ? "" : std::to_string(o.population) + " is not a multiple of 4";
  });
  b.value("parents", o.parents, "Parents");
  if (b.reading() && o.parents > o.population)
    b.problem("parents", "more than population", "Use at most " + std::to_string(o.population));
}

TEST(YamlBinder, ChecksOfTheOwner) {
  YamlSource source;
  source.file = "s.yaml";
  source.text = "population: 50\nparents: 60\n";
  try {
    read_yaml_as<Checked>(source);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(),
                 "s.yaml:1:13: population: 50 is not a multiple of 4\n"
                 "s.yaml:2:10: parents: more than population\n  Use at most 50");
    ASSERT_EQ(e.problems().size(), 2u);
    EXPECT_EQ(e.problems()[1].key, "parents");
  }
}

TEST(Printable, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(printable("plain ümlaut 漢字 \U0001F600"), "plain ümlaut 漢字 \U0001F600");
  EXPECT_EQ(printable("a\x1b]0;x\x07\n\t\r\x7f"), "a\\x1b]0;x\\x07\\n\\t\\r\\x7f");
  // One-byte and UTF-8 forms of the control characters of 8-bit terminals; cut and wrong UTF-8.
  EXPECT_EQ(printable("\x9b"
                      "1m \xc2\x9b \xe6\xbc \xc0\x80"),
            "\\x9b"
            "1m \\xc2\\x9b \\xe6\\xbc \\xc0\\x80");
  EXPECT_EQ(printable_lines("a\nb\x1b"), "a\nb\\x1b");
}

TEST(YamlBinder, KeysAndValuesReachNoTerminalRaw) {
  EXPECT_EQ(error_of("\"ch\\e]0;pwned\\a\": 3\n"),
            "a.yaml:1:1: ch\\x1b]0;pwned\\x07: unknown key\n  Known here: epochs, big, seed, "
            "fast, widths, rates, constraints, schedule, optimizer, stages, space.");
  EXPECT_EQ(error_of("epochs: \"\\e[2J\"\n"),
            "a.yaml:1:9: epochs: expected a whole number, got \"\\x1b[2J\"");
  YamlSource source;
  source.text = "\"a\\eb\": 3\n";
  try {
    read_yaml_as<Options>(source);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.problems()[0].key,
              "a\x1b"
              "b")
        << "programs get it as it is";
  }
}

}  // namespace
}  // namespace nas
