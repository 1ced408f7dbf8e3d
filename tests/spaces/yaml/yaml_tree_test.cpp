// Trees of YAML: random ones are written and read back, values mean what YAML 1.2 says, places are
// those of the text, overrides change what they name and nothing else.
#include "spaces/yaml/yaml_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "spaces/random.hpp"
#include "spaces/yaml/binder_state.hpp"
#include "spaces/yaml/resolved_sections.hpp"
#include "yaml_options.hpp"

namespace nas {
namespace {

using detail::YamlNode;
using detail::YamlPtr;
using testing::ElementsAre;
using testing::HasSubstr;

YamlPtr parsed(const std::string& text) {
  std::vector<Problem> problems;
  YamlPtr tree = detail::parse_yaml(text, "t.yaml", 0, problems);
  EXPECT_TRUE(problems.empty()) << text << problems[0].text();
  return tree;
}

std::string first_problem(const std::string& text) {
  std::vector<Problem> problems;
  detail::parse_yaml(text, "t.yaml", 0, problems);
  return problems.empty() ? "none" : problems[0].text();
}

/// What a value means, one form for equal ones.
std::string meaning(const YamlNode& node) {
  if (node.is_null()) return "null";
  if (node.is_scalar()) {
    bool truth = false;
    double number = 0;
    if (!node.quoted && detail::read_bool(node.text, truth)) return truth ? "true" : "false";
    if (!node.quoted && detail::read_double(node.text, number)) return "number " + node.text;
    return "text '" + node.text + "'";
  }
  std::string text;
  if (node.is_list()) {
    for (const YamlPtr& item : node.items) text += meaning(*item) + "; ";
    return "[" + text + "]";
  }
  for (const YamlNode::Entry& entry : node.entries)
    text += "'" + entry.key + "': " + meaning(*entry.value) + "; ";
  return "{" + text + "}";
}

std::string random_text(Rng& rng) {
  static const std::vector<std::string> kParts = {
      "a",   "Z",   "0",    "1e3",  " ",    "  ",  ":",  ": ", "#",        " #",
      "-",   "- ",  "'",    "\"",   "\\",   "\n",  "\t", "{",  "}",        "[",
      "]",   ",",   "&",    "*",    "!",    "|",   ">",  "%",  "@",        "`",
      "?",   "~",   "null", "true", "no",   ".",   "/",  "=",  "\xc3\xa9", "\xf0\x9f\x98\x80",
      "---", "...", "<<",   "\r",   "\x01", "\x7f"};
  std::string text;
  for (uint64_t k = rng.below(5); k > 0; --k) text += kParts[rng.below(kParts.size())];
  return text;
}

std::shared_ptr<YamlNode> random_tree(Rng& rng, int depth) {
  auto node = std::make_shared<YamlNode>();
  switch (rng.below(depth > 0 ? 7 : 4)) {
    case 0:
      return node;  // null
    case 1: {
      static const std::vector<std::string> kPlain = {"true",
                                                      "False",
                                                      "3",
                                                      "-7",
                                                      "+5",
                                                      ".5",
                                                      "1e-9",
                                                      "18446744073709551615",
                                                      "word",
                                                      "a b",
                                                      "-x",
                                                      "x-",
                                                      "1.2.3",
                                                      "12abc"};
      return detail::make_scalar(kPlain[rng.below(kPlain.size())], false);
    }
    case 2:
      return detail::make_scalar(random_text(rng), true);
    case 3:
      return detail::make_text(random_text(rng));
    case 4:
    case 5:
      node->kind = YamlNode::Kind::kMap;
      for (uint64_t k = rng.below(5); k > 0; --k) {
        const std::string key = rng.below(2) == 0 ? "k" + std::to_string(k)
                                                  : random_text(rng) + "k" + std::to_string(k);
        node->entries.push_back({key, {}, random_tree(rng, depth - 1)});
      }
      return node;
    default:
      node->kind = YamlNode::Kind::kList;
      for (uint64_t k = rng.below(5); k > 0; --k)
        node->items.push_back(random_tree(rng, depth - 1));
      return node;
  }
}

TEST(YamlTree, WhatIsWrittenIsReadBack) {
  Rng rng(1, "yaml");
  for (int i = 0; i < 3000; ++i) {
    const auto tree = random_tree(rng, 4);
    const std::string text = detail::emit_yaml(*tree);
    std::vector<Problem> problems;
    const YamlPtr back = detail::parse_yaml(text, "t.yaml", 0, problems);
    ASSERT_TRUE(problems.empty()) << text << problems[0].text();
    ASSERT_TRUE(back) << text;
    ASSERT_EQ(meaning(*back), meaning(*tree)) << text;
  }
}

TEST(YamlTree, JsonHasTheSameValues) {
  Rng rng(2, "yaml");
  for (int i = 0; i < 1000; ++i) {
    const auto tree = random_tree(rng, 4);
    const std::string text = detail::emit_json(*tree, rng.below(2) == 0 ? -1 : 2);
    const auto json = nlohmann::json::parse(text, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << text;
    // JSON is YAML: read as such it means the same, but for how numbers are spelled.
    const auto compare = [&](const auto& self, const YamlNode& a, const nlohmann::json& b) -> void {
      bool truth = false;
      double number = 0;
      if (a.is_null()) {
        ASSERT_TRUE(b.is_null()) << text;
      } else if (a.is_list()) {
        ASSERT_EQ(a.items.size(), b.size()) << text;
        for (size_t k = 0; k < a.items.size(); ++k) self(self, *a.items[k], b[k]);
      } else if (a.is_map()) {
        ASSERT_EQ(a.entries.size(), b.size()) << text;
        for (const YamlNode::Entry& entry : a.entries) self(self, *entry.value, b.at(entry.key));
      } else if (!a.quoted && detail::read_bool(a.text, truth)) {
        ASSERT_EQ(b, truth) << text;
      } else if (!a.quoted && detail::read_double(a.text, number)) {
        ASSERT_EQ(b.get<double>(), number) << text;
      } else {
        ASSERT_EQ(b, a.text) << text;
      }
    };
    compare(compare, *tree, json);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(detail::emit_json(*parsed("[18446744073709551615, -9007199254740993]"), -1),
            "[18446744073709551615,-9007199254740993]");
}

TEST(YamlTree, NumbersAreThoseOfTheCoreSchema) {
  double v = 0;
  for (const auto& [text, value] : std::vector<std::pair<std::string, double>>{{"0", 0},
                                                                               {"-0", 0},
                                                                               {"12", 12},
                                                                               {"+12", 12},
                                                                               {"-12", -12},
                                                                               {"0.5", .5},
                                                                               {".5", .5},
                                                                               {"-.5", -.5},
                                                                               {"5.", 5},
                                                                               {"1e3", 1000},
                                                                               {"1E+3", 1000},
                                                                               {"1.5e-3", .0015},
                                                                               {"0e0", 0},
                                                                               {"0.0", 0},
                                                                               {"1e308", 1e308}})
    EXPECT_TRUE(detail::read_double(text, v) && v == value) << text;
  for (const char* text :
       {"",      "+",    "-",    ".",   "-.",    "e3",     "1e",  "1e+", "1.2.3", "1 2",     "0x10",
        "0o7",   "010",  "-010", "00",  "1_000", "1,5",    "+-5", "-+5", "++5",   "--5",     ".inf",
        "-.inf", ".nan", "inf",  "nan", "1e309", "-1e309", "5x",  " 5",  "5 ",    "\xd9\xa1"})
    EXPECT_FALSE(detail::read_double(text, v)) << text;
  bool truth = false;
  for (const char* text : {"true", "True", "TRUE"})
    EXPECT_TRUE(detail::read_bool(text, truth) && truth);
  for (const char* text : {"false", "False", "FALSE"})
    EXPECT_TRUE(detail::read_bool(text, truth) && !truth);
  for (const char* text : {"yes", "no", "on", "off", "y", "n", "tRUE", "1", "0", ""})
    EXPECT_FALSE(detail::read_bool(text, truth)) << text;
}

TEST(YamlTree, NumbersAreWrittenShortest) {
  for (const auto& [v, text] : std::vector<std::pair<double, std::string>>{
           {3, "3"}, {0.1, "0.1"}, {1e-5, "1e-05"}, {-2.5, "-2.5"}, {1e21, "1e+21"}, {0, "0"}})
    EXPECT_EQ(detail::number_text(v), text);
  Rng rng(3, "numbers");
  for (int i = 0; i < 2000; ++i) {
    const double v = (rng.uniform() - 0.5) * std::pow(10, static_cast<double>(rng.below(80)) - 40);
    double back = 0;
    ASSERT_TRUE(detail::read_double(detail::number_text(v), back)) << v;
    ASSERT_EQ(back, v);
  }
}

TEST(YamlTree, RangesReadAsSentences) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(detail::range_text(0, 1, false), "0 to 1");
  EXPECT_EQ(detail::range_text(-0.5, 1e6, false), "-0.5 to 1e6");
  EXPECT_EQ(detail::range_text(1, kInf, true), "at least 1");
  EXPECT_EQ(detail::range_text(-kInf, 3, true), "at most 3");
  EXPECT_EQ(detail::range_text(-kInf, kInf, true), "any");
  EXPECT_EQ(detail::range_text(-1e300, 1e300, true), "any");
  EXPECT_EQ(detail::range_text(0, 123456, true), "0 to 123456");
}

TEST(YamlTree, EveryValueKnowsItsPlace) {
  const YamlPtr tree =
      parsed("a: 1\n\nb:   [x, 'y',\n  {c: z}]\n# note\nd:\n  - |\n    text\n  - \n");
  const auto at = [](const detail::YamlPlace& place) {
    return std::pair(place.line, place.column);
  };
  EXPECT_EQ(at(tree->find("a")->place), std::pair(1, 1));
  EXPECT_EQ(at(tree->find("a")->value->place), std::pair(1, 4));
  const YamlNode& b = *tree->find("b")->value;
  EXPECT_EQ(at(b.place), std::pair(3, 6));
  EXPECT_EQ(at(b.items[1]->place), std::pair(3, 10));
  EXPECT_EQ(at(b.items[2]->find("c")->value->place), std::pair(4, 7));
  EXPECT_EQ(at(tree->find("d")->value->items[0]->place), std::pair(7, 5));
  EXPECT_TRUE(tree->find("d")->value->items[1]->is_null());
  EXPECT_EQ(*tree->find("a")->place.file, "t.yaml");
  EXPECT_EQ(tree->find("e"), nullptr);
  std::vector<Problem> problems;
  const YamlPtr moved = detail::parse_yaml("x: 1\n", "f", 41, problems);
  EXPECT_EQ(at(moved->find("x")->place), std::pair(42, 1)) << "a part of a larger file";
}

TEST(YamlTree, QuotedAndBlockTextsAreTexts) {
  const YamlPtr tree = parsed("a: '3'\nb: \"true\"\nc: |\n  7\nd: >\n  8\ne: 9\nf: !!str 10\n");
  for (const char* key : {"a", "b", "c", "d", "f"})
    EXPECT_TRUE(tree->find(key)->value->quoted) << key;
  EXPECT_FALSE(tree->find("e")->value->quoted);
  EXPECT_EQ(tree->find("c")->value->text, "7\n");
}

TEST(YamlTree, MistakesOfTheTextAreTold) {
  EXPECT_EQ(first_problem("a: 1\nb: 2\na: 3\n"),
            "t.yaml:3:1: a: given twice; first in line 1\n  Keep one of the two.");
  EXPECT_THAT(first_problem("\ta: 1\n"), HasSubstr("t.yaml:1:"));
  EXPECT_THAT(first_problem("a: [1, 2\nb: 3\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(first_problem("a: {b: 1\n"), HasSubstr("closing brackets"));
  EXPECT_THAT(first_problem("a: !color red\n"), HasSubstr("a: the tag !color has no meaning here"));
  EXPECT_THAT(first_problem("a: 1\n--- \nb: 2\n"), HasSubstr("t.yaml:3:1: a second document"));
  EXPECT_THAT(first_problem("? [x]\n: 1\n"), HasSubstr("a key must be plain text"));
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += "[";
  EXPECT_THAT(first_problem(deep + std::string(70, ']')), HasSubstr("nested too deeply"));
  EXPECT_EQ(first_problem("a: &x 1\nb: *x\n"), "none");
}

TEST(YamlTree, ShownValuesAreShort) {
  EXPECT_EQ(detail::show(*detail::make_scalar("x", false)), "\"x\"");
  EXPECT_EQ(detail::show(*parsed("[1]")), "a list");
  EXPECT_EQ(detail::show(*parsed("{a: 1}")), "a section");
  EXPECT_EQ(detail::show(YamlNode()), "nothing");
  EXPECT_EQ(detail::show(*detail::make_scalar(std::string(100, 'x'), false)),
            "\"" + std::string(60, 'x') + "...\"");
  // Never cut inside of a character: 59 bytes, then one of two.
  EXPECT_EQ(detail::show(*detail::make_scalar(std::string(59, 'x') + "\xc3\xa9\xc3\xa9", false)),
            "\"" + std::string(59, 'x') + "...\"");
  EXPECT_EQ(detail::join_path("a", "b"), "a.b");
  EXPECT_EQ(detail::join_path("", "b"), "b");
  EXPECT_EQ(detail::join_path("a", ""), "a");
}

// ---- Overrides.

std::string with_sets(const std::string& text, const std::vector<std::string>& sets) {
  std::vector<Problem> problems;
  YamlPtr tree = text.empty() ? nullptr : parsed(text);
  for (const std::string& set : sets) tree = detail::apply_override(tree, set, problems);
  if (!problems.empty()) return problems[0].text();
  return detail::emit_yaml(*tree);
}

TEST(YamlOverrides, ChangeWhatTheyNameAndNothingElse) {
  EXPECT_EQ(with_sets("{a: 1, b: {c: 2, d: 3}}", {"b.c=9"}), "a: 1\nb:\n  c: 9\n  d: 3\n");
  EXPECT_EQ(with_sets("{a: 1}", {"b.c.d=9"}), "a: 1\nb:\n  c:\n    d: 9\n");
  EXPECT_EQ(with_sets("", {"a=1"}), "a: 1\n");
  EXPECT_EQ(with_sets("{a: [1, 2]}", {"a.0=9", "a.2=3"}), "a: [9, 2, 3]\n");
  EXPECT_EQ(with_sets("{a: [{b: 1}]}", {"a.1.b=2"}), "a:\n  - b: 1\n  - b: 2\n");
  EXPECT_EQ(with_sets("{a: 1}", {"a="}), "a: null\n");
  EXPECT_EQ(with_sets("{a: 1}", {"a={x: [1, 2]}"}), "a:\n  x: [1, 2]\n");
  EXPECT_EQ(with_sets("{a: 1}", {"a='1'"}), "a: \"1\"\n");
  EXPECT_EQ(with_sets("{a: 1}", {"b=x=y"}), "a: 1\nb: x=y\n") << "the first sign parts";
  EXPECT_EQ(with_sets("{a: null}", {"a.b=1"}), "a:\n  b: 1\n");
  // The later of two holds; a later one may change what an earlier one made.
  EXPECT_EQ(with_sets("{a: 1}", {"a={b: 1}", "a.b=2", "a.c=3"}), "a:\n  b: 2\n  c: 3\n");
}

TEST(YamlOverrides, AliasesOfOneValueStayApart) {
  const std::string text = "a: &v {k: 1}\nb: *v\nc: *v\n";
  EXPECT_EQ(with_sets(text, {"b.k=2"}), "a:\n  k: 1\nb:\n  k: 2\nc:\n  k: 1\n");
}

TEST(YamlOverrides, RefusalsNameTheOverride) {
  EXPECT_EQ(with_sets("{a: 1}", {"a.b=2"}),
            "--set a.b: a: is \"1\" and has no keys below it\n"
            "  Give the whole section, e.g. --set 'a={key: value}'.");
  EXPECT_EQ(
      with_sets("{a: [1]}", {"a.2=5"}),
      "--set a.2: a.2: \"2\" is not an item of a list of 1\n  Items count from 0; 1 appends.");
  EXPECT_EQ(
      with_sets("{a: [1]}", {"a.x=5"}),
      "--set a.x: a.x: \"x\" is not an item of a list of 1\n  Items count from 0; 1 appends.");
  EXPECT_THAT(with_sets("{a: 1}", {"a=x #3"}), HasSubstr("what stands behind \" #\" is a comment"));
  EXPECT_THAT(with_sets("{a: 1}", {"a=[1"}), HasSubstr("--set a: not valid YAML"));
  EXPECT_THAT(with_sets("{a: 1}", {"a=b: c: d"}), HasSubstr("quote a text with"));
  std::string deep = "a";
  for (int i = 0; i < 40; ++i) deep += ".a";
  EXPECT_THAT(with_sets("{a: 1}", {deep + "=1"}), HasSubstr("not of the form key=value"));
  EXPECT_THAT(with_sets("{a: 1}", {"a=\"x #3\""}), testing::Eq("a: \"x #3\"\n"));
}

TEST(YamlOverrides, RandomTreesKeepTheirOtherValues) {
  Rng rng(4, "overrides");
  for (int i = 0; i < 300; ++i) {
    // Three levels of three keys each; one leaf is changed.
    std::string text, path, expected;
    const uint64_t a = rng.below(3), b = rng.below(3), c = rng.below(3);
    for (uint64_t x = 0; x < 3; ++x) {
      const std::string head = "k" + std::to_string(x) + ":\n";
      text += head;
      expected += head;
      for (uint64_t y = 0; y < 3; ++y) {
        const std::string next = "  l" + std::to_string(y) + ":\n";
        text += next;
        expected += next;
        for (uint64_t z = 0; z < 3; ++z) {
          const std::string leaf = "    m" + std::to_string(z) + ": ";
          text += leaf + "0\n";
          expected += leaf + (x == a && y == b && z == c ? "77" : "0") + "\n";
        }
      }
    }
    path = "k" + std::to_string(a) + ".l" + std::to_string(b) + ".m" + std::to_string(c);
    ASSERT_EQ(with_sets(text, {path + "=77"}), expected);
  }
}

// ---- Integers, exactly.

struct Numbers {
  int64_t big = 0;
  uint64_t seed = 0;
  int small = 0;
};
void describe(Binder& b, Numbers& o) {
  b.value("big", o.big, "Big");
  b.value("seed", o.seed, "Seed");
  b.value("small", o.small, "Small");
}
std::string read_number(const std::string& text) {
  YamlSource source;
  source.text = text;
  try {
    const auto o = read_yaml_as<Numbers>(source);
    return std::to_string(o.big) + " " + std::to_string(o.seed) + " " + std::to_string(o.small);
  } catch (const ConfigError& e) {
    return e.what();
  }
}

TEST(YamlIntegers, AreExactOrRefused) {
  EXPECT_EQ(read_number("big: -9223372036854775808"), "-9223372036854775808 0 0");
  EXPECT_EQ(read_number("big: 9223372036854775807"), "9223372036854775807 0 0");
  EXPECT_EQ(read_number("seed: 18446744073709551615"), "0 18446744073709551615 0");
  EXPECT_EQ(read_number("small: 1e6"), "0 0 1000000");
  EXPECT_EQ(read_number("small: 20.0"), "0 0 20");
  EXPECT_EQ(read_number("small: +7"), "0 0 7");
  EXPECT_EQ(read_number("seed: -0"), "0 0 0");
  for (const char* text : {"big: -9223372036854775809",
                           "big: 9223372036854775808",
                           "big: -9223372036854776000",
                           "seed: 18446744073709551616",
                           "seed: -1",
                           "small: -2147483649",
                           "small: 2147483648"})
    EXPECT_THAT(read_number(text), HasSubstr("expected a whole number from ")) << text;
  for (const char* text : {"small: +-5", "small: 5.5", "small: 0x5", "small: five", "small: .inf"})
    EXPECT_THAT(read_number(text), HasSubstr("expected a whole number, got ")) << text;
}

// ---- Sections that readers of their own complete.

TEST(ResolvedSectionsOf, PutsWhatWasReadInItsPlace) {
  struct Inner {
    int width = 7;
    std::string mode = "fast";
  };
  const auto read_inner = [](const std::string& text, const std::string& prefix) {
    YamlSource source;
    source.text = text;
    source.prefix = prefix;
    Inner o;
    read_yaml(source, [&o](Binder& b) {
      b.ignore("name");
      b.value("width", o.width, "Width");
      b.value("mode", o.mode, "Mode");
    });
  };
  const ResolvedSections sections;
  read_inner("{name: x, width: 9}", "a.b");
  read_inner("", "word");
  const std::string document = "a: {b: {name: x, width: 9}, other: 1}\nword: few\n";
  EXPECT_EQ(sections.into(document, {{"word", "kind"}}, false, false),
            "a:\n  b:\n    name: x\n    width: 9\n    mode: fast\n  other: 1\n"
            "word:\n  kind: few\n  width: 7\n  mode: fast\n");
  // A word without a key for it stays a word; JSON says the same.
  const auto json = nlohmann::json::parse(sections.into(document, {}, false, true));
  EXPECT_EQ(json["word"], "few");
  EXPECT_EQ(json["a"]["b"]["mode"], "fast");
  // What leads nowhere changes nothing.
  EXPECT_EQ(sections.into("c: 1\n", {}, false, false), "c: 1\n");
}

TEST(ResolvedSectionsOf, OnlyWhileOneLives) {
  const auto read_one = [](int& v) {
    YamlSource source;
    source.text = "{v: 3}";
    source.prefix = "s";
    read_yaml(source, [&v](Binder& b) { b.value("v", v, "V"); });
  };
  int v = 0;
  read_one(v);  // Nobody listens.
  const ResolvedSections outer;
  {
    const ResolvedSections inner;
    read_one(v);
    EXPECT_EQ(inner.into("s: {}\n", {}, false, false), "s:\n  v: 3\n");
  }
  EXPECT_EQ(outer.into("s: {}\n", {}, false, false), "s: {}\n") << "the inner one heard it";
  read_one(v);
  EXPECT_EQ(outer.into("s: {}\n", {}, false, false), "s:\n  v: 3\n");
}

}  // namespace
}  // namespace nas
