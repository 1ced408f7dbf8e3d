// Values as JSON, Python and logs write them: kinds, escapes, places of mistakes, and random values
// written in both languages and read back.
#include "spaces/text/literal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "spaces/random.hpp"

namespace nas {
namespace {

using Kind = Literal::Kind;

/// One form for equal values: kinds by letter, texts in quotes, numbers as written.
std::string shown(const Literal& value) {
  const auto items = [&] {
    std::string text;
    for (size_t i = 0; i < value.items.size(); ++i) {
      if (i > 0) text += ",";
      if (i < value.keys.size() && (value.is(Kind::kMap) || !value.keys[i].empty()))
        text += value.keys[i] + ":";
      text += shown(value.items[i]);
    }
    return text;
  };
  switch (value.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return value.source[0] == 'T' || value.source[0] == 't' ? "true" : "false";
    case Kind::kNumber:
      return std::string(value.source);
    case Kind::kText:
      return "'" + value.text + "'";
    case Kind::kWord:
      return "word " + std::string(value.source);
    case Kind::kList:
      return "[" + items() + "]";
    case Kind::kMap:
      return "{" + items() + "}";
    case Kind::kCall:
      return value.text + "(" + items() + ")";
  }
  return "";
}
std::string read(const std::string& text) {
  return shown(parse_literal(text));
}

/// `at: message` of what is wrong.
std::string refusal(const std::string& text) {
  try {
    return "read as " + read(text);
  } catch (const LiteralError& e) {
    return std::to_string(e.at) + ": " + e.what();
  }
}

TEST(Literal, WordsOfBothLanguages) {
  for (const char* text : {"None", "null"}) EXPECT_EQ(read(text), "null");
  for (const char* text : {"True", "true"}) EXPECT_EQ(read(text), "true");
  for (const char* text : {"False", "false"}) EXPECT_EQ(read(text), "false");
  for (const char* text : {"NaN", "nan", "Infinity", "inf", "-inf", "-nan"})
    EXPECT_TRUE(parse_literal(text).is(Kind::kNumber)) << text;
  EXPECT_EQ(read("NONE"), "word NONE");
  EXPECT_EQ(read("sep_conv_3x3"), "word sep_conv_3x3");
  EXPECT_EQ(read("np.nan"), "word np.nan");
}

TEST(Literal, NumbersStayAsTheyAreWritten) {
  for (const char* text : {"0",
                           "-1",
                           "+5",
                           "1.50",
                           ".5",
                           "5.",
                           "1e9",
                           "1E-9",
                           "-2.5e+3",
                           "007",
                           "123456789012345678901234567890",
                           "1e999"})
    EXPECT_EQ(read(text), text);
  for (const char* text : {"1x", "--1", "+-1", "-", "+", ".", "1..2", "1e", "0x10", "1_000", "-x"})
    EXPECT_THAT(refusal(text), testing::EndsWith("is not a number")) << text;
  EXPECT_EQ(refusal("[1, 2x]"), "4: '2x' is not a number");
}

TEST(Literal, WholeNumbers) {
  const auto whole = [](const std::string& text) { return whole_number_of(parse_literal(text)); };
  for (const auto& [text, value] :
       std::vector<std::pair<std::string, int>>{{"5", 5},
                                                {"+5", 5},
                                                {"5.0", 5},
                                                {"5.", 5},
                                                {"5e0", 5},
                                                {"50e-1", 5},
                                                {"0", 0},
                                                {"-0", 0},
                                                {"0.0", 0},
                                                {"1e3", 1000},
                                                {"999999999", 999999999}})
    EXPECT_EQ(whole(text), value) << text;
  for (const char* text : {"-1",
                           "0.5",
                           "1e9",
                           "1000000000",
                           "1e999",
                           "nan",
                           "inf",
                           "-inf",
                           "'5'",
                           "None",
                           "five",
                           "[5]",
                           "True"})
    EXPECT_EQ(whole(text), -1) << text;
}

TEST(Literal, TextsAndTheirEscapes) {
  EXPECT_EQ(parse_literal(R"("a\"b'c")").text, "a\"b'c");
  EXPECT_EQ(parse_literal(R"('a"b\'c')").text, "a\"b'c");
  EXPECT_EQ(parse_literal(R"("\n\r\t\b\f\\\/")").text, "\n\r\t\b\f\\/");
  EXPECT_EQ(parse_literal(R"('\x41\xe9')").text, "A\xc3\xa9");
  EXPECT_EQ(parse_literal(R"("\u0041\u00e9\u20ac\ud83d\ude00")").text,
            "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(parse_literal(R"('\d\.')").text, "\\d\\.") << "as Python";
  EXPECT_EQ(parse_literal("u'x'").text, "x");
  EXPECT_EQ(parse_literal("b\"x\"").text, "x");
  EXPECT_EQ(parse_literal("''").text, "");
  EXPECT_EQ(parse_literal("'a\nb'").text, "a\nb");
}

TEST(Literal, EscapesThatAreNoneAreToldWhereTheyStand) {
  EXPECT_EQ(refusal("'abc"), "0: a quoted text does not end");
  EXPECT_EQ(refusal("['a', 'bc]"), "6: a quoted text does not end");
  EXPECT_EQ(refusal("'abc\\"), "5: a quoted text does not end");
  EXPECT_EQ(refusal(R"("\u12")"), "3: an escape needs hexadecimal digits");
  EXPECT_EQ(refusal(R"("\u12g4")"), "3: an escape needs hexadecimal digits");
  EXPECT_EQ(refusal(R"("\x-1")"), "3: an escape needs hexadecimal digits");
  for (const char* text : {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\u0041")"})
    EXPECT_THAT(refusal(text), testing::EndsWith("half of a surrogate pair")) << text;
}

TEST(Literal, ListsTuplesAndWhatNumpyPrints) {
  EXPECT_EQ(read("[1, 2, 3]"), "[1,2,3]");
  EXPECT_EQ(read("(1, 2, 3)"), "[1,2,3]");
  EXPECT_EQ(read("[1, 2, 3,]"), "[1,2,3]");
  EXPECT_EQ(read("[3 5 7]"), "[3,5,7]");
  EXPECT_EQ(read("[ 0.5 -1.  .25]"), "[0.5,-1.,.25]");
  EXPECT_EQ(read("[]"), "[]");
  EXPECT_EQ(read("()"), "[]");
  EXPECT_EQ(read("[\t[1],\n(2, [3]) ]"), "[[1],[2,[3]]]");
  EXPECT_EQ(refusal("[1 'a']"), "3: expected ',' or ']'");
  EXPECT_EQ(refusal("['a' 'b']"), "5: expected ',' or ']'");
  EXPECT_EQ(refusal("[1, 2"), "5: ends without its ']'");
  EXPECT_EQ(refusal("(1, 2]"), "5: expected ',' or ')'");
  EXPECT_EQ(refusal("[1,, 2]"), "3: unexpected character where a value is expected");
  EXPECT_EQ(refusal("["), "1: ends where a value is expected");
  EXPECT_EQ(refusal("[1] 2"), "4: something follows the value");
  EXPECT_EQ(refusal(""), "0: ends where a value is expected");
  EXPECT_EQ(refusal("  "), "2: ends where a value is expected");
}

TEST(Literal, MapsKeepOrderAndDoubledKeys) {
  EXPECT_EQ(read("{'a': 1, \"b\": [2], c: 3, 4: 5,}"), "{a:1,b:[2],c:3,4:5}");
  EXPECT_EQ(read("{}"), "{}");
  EXPECT_EQ(refusal("{[1]: 2}"), "4: a key must be a text");
  EXPECT_EQ(refusal("{None: 2}"), "5: a key must be a text");
  EXPECT_EQ(refusal("{'a' 2}"), "5: expected ':' after a key");
  EXPECT_EQ(refusal("{'a': 2"), "7: ends without its '}'");
  EXPECT_EQ(refusal("{'a':}"), "5: unexpected character where a value is expected");
  EXPECT_EQ(refusal("{'a': 1 'b': 2}"), "8: expected ',' or '}'");
  const Literal twice = parse_literal("{'b': 1, 'a': 2, 'c': 3, 'a': 4}");
  EXPECT_EQ(twice.items.size(), 4u);
  EXPECT_EQ(twice.find("a")->source, "2") << "the first";
  ASSERT_NE(doubled_key(twice), nullptr);
  EXPECT_EQ(*doubled_key(twice), "a");
  EXPECT_EQ(doubled_key(parse_literal("{'b': 1, 'a': 2}")), nullptr);
  EXPECT_EQ(*doubled_key(parse_literal("{'': 1, '': 2}")), "");
  EXPECT_EQ(doubled_key(parse_literal("f(1, 2)")), nullptr) << "given by position";
  EXPECT_EQ(*doubled_key(parse_literal("f(1, k=2, k=3)")), "k");
  EXPECT_EQ(parse_literal("{'a': 1}").find("b"), nullptr);
}

TEST(Literal, CallsAndWhatOnlyHoldsAValue) {
  EXPECT_EQ(read("range(2, 6)"), "range(2,6)");
  EXPECT_EQ(read("Genotype(normal=[1], reduce = [2])"), "Genotype(normal:[1],reduce:[2])");
  EXPECT_EQ(read("f()"), "f()");
  for (const char* text : {"array([1, 2])",
                           "np.array([1, 2])",
                           "tensor([1, 2])",
                           "torch.tensor([1, 2], device='cpu')",
                           "list([1, 2])",
                           "tuple((1, 2))"})
    EXPECT_EQ(read(text), "[1,2]") << text;
  for (const char* text : {"np.int64(3)", "numpy.uint8(3)", "int32(3)", "float(3)"})
    EXPECT_EQ(read(text), "3") << text;
  EXPECT_EQ(read("np.float32(0.5)"), "0.5");
  EXPECT_EQ(read("np.str_('x')"), "'x'");
  EXPECT_EQ(read("dict(a=1, b=[2])"), "{a:1,b:[2]}");
  EXPECT_EQ(read("dict()"), "{}");
  EXPECT_EQ(read("OrderedDict([('a', 1), ('b', (2,))])"), "{a:1,b:[2]}");
  EXPECT_EQ(read("OrderedDict({'a': 1})"), "{a:1}");
  EXPECT_EQ(read("OrderedDict([('a', 1), ('b',)])"), "[['a',1],['b']]") << "no pairs";
  EXPECT_EQ(read("[np.int64(3), np.int64(5)]"), "[3,5]");
  EXPECT_EQ(refusal("f(1, 2"), "6: ends without its ')'");
  EXPECT_EQ(refusal("f(a=)"), "4: unexpected character where a value is expected");
  EXPECT_EQ(refusal("f(1 2)"), "4: expected ',' or ')'");
}

TEST(Literal, PlacesPointIntoTheText) {
  const std::string text = "  [1, {'key' : 'value'}, f(x)]";
  const Literal list = parse_literal(text);
  const auto at = [&](const Literal& value) { return value.source.data() - text.data(); };
  EXPECT_EQ(at(list), 2);
  EXPECT_EQ(list.source, text.substr(2));
  EXPECT_EQ(at(list.items[0]), 3);
  EXPECT_EQ(list.items[1].source, "{'key' : 'value'}");
  EXPECT_EQ(list.items[1].find("key")->source, "'value'");
  EXPECT_EQ(at(*list.items[1].find("key")), 15);
  EXPECT_EQ(list.items[2].source, "f(x)");
  // What holds a value leaves the value's own place.
  const std::string held = "np.array([1])";
  EXPECT_EQ(parse_literal(held).source, "[1]");
}

TEST(Literal, ReadsOnFromWhereItIsTold) {
  const std::string text = "first: 1 second: [2] rest";
  size_t at = 6;
  EXPECT_EQ(shown(parse_literal(text, at)), "1");
  EXPECT_EQ(at, 8u);
  at = 16;
  EXPECT_EQ(shown(parse_literal(text, at)), "[2]");
  EXPECT_EQ(at, 20u);
}

TEST(Literal, DepthIsBounded) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_EQ(refusal(nested(64)).substr(0, 8), "read as ");
  EXPECT_EQ(refusal(nested(66)), "65: is nested too deeply");
  std::string maps = "1";
  for (int i = 0; i < 70; ++i) maps = "{'a': " + maps + "}";
  EXPECT_THAT(refusal(maps), testing::EndsWith("is nested too deeply"));
  std::string calls = "1";
  for (int i = 0; i < 70; ++i) calls = "f(" + calls + ")";
  EXPECT_THAT(refusal(calls), testing::EndsWith("is nested too deeply"));
}

nlohmann::json random_value(Rng& rng, int depth) {
  switch (rng.below(depth > 0 ? 7 : 5)) {
    case 0:
      return nullptr;
    case 1:
      return rng.below(2) == 0;
    case 2:
      return static_cast<int64_t>(rng.next() >> rng.below(60)) / 2 - 1000;
    case 3:
      return (rng.uniform() - 0.5) * std::pow(10.0, static_cast<double>(rng.below(40)) - 20);
    case 4: {
      static const std::vector<std::string> kParts = {"a",
                                                      "Z9",
                                                      " ",
                                                      "'",
                                                      "\"",
                                                      "\\",
                                                      "\n",
                                                      "\t",
                                                      "{",
                                                      "]",
                                                      ",",
                                                      ":",
                                                      "\xc3\xa9",
                                                      "\xf0\x9f\x98\x80",
                                                      "\xe2\x82\xac",
                                                      "/",
                                                      "\x01",
                                                      "#"};
      std::string text;
      for (uint64_t k = rng.below(6); k > 0; --k) text += kParts[rng.below(kParts.size())];
      return text;
    }
    case 5: {
      nlohmann::json list = nlohmann::json::array();
      for (uint64_t k = rng.below(5); k > 0; --k) list.push_back(random_value(rng, depth - 1));
      return list;
    }
    default: {
      nlohmann::json map = nlohmann::json::object();
      for (uint64_t k = rng.below(5); k > 0; --k)
        map["k" + std::to_string(rng.below(100))] = random_value(rng, depth - 1);
      return map;
    }
  }
}

nlohmann::json as_json(const Literal& value) {
  switch (value.kind) {
    case Kind::kNull:
      return nullptr;
    case Kind::kBool:
      return value.source == "true" || value.source == "True";
    case Kind::kNumber:
      return nlohmann::json::parse(value.source);
    case Kind::kList: {
      nlohmann::json list = nlohmann::json::array();
      for (const Literal& item : value.items) list.push_back(as_json(item));
      return list;
    }
    case Kind::kMap: {
      nlohmann::json map = nlohmann::json::object();
      for (size_t i = 0; i < value.items.size(); ++i) map[value.keys[i]] = as_json(value.items[i]);
      return map;
    }
    default:
      return value.text;
  }
}

/// As Python's repr prints it.
std::string python(const nlohmann::json& value) {
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  std::string text;
  if (value.is_string()) {
    for (const char c : value.get<std::string>())
      text += c == '\'' || c == '\\' ? std::string("\\") + c
              : c == '\n'            ? "\\n"
              : c == '\x01'          ? "\\x01"
                                     : std::string(1, c);
    return "'" + text + "'";
  }
  if (value.is_array()) {
    for (const auto& item : value) text += python(item) + ", ";
    return "(" + text + ")";
  }
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) text += python(key) + ": " + python(item) + ", ";
    return "{" + text + "}";
  }
  return value.dump();
}

TEST(Literal, WhatOtherProgramsWriteIsReadBack) {
  Rng rng(1, "literal");
  for (int i = 0; i < 1500; ++i) {
    const nlohmann::json value = random_value(rng, 4);
    for (const std::string& text :
         {value.dump(), value.dump(2), value.dump(-1, ' ', true), python(value)})
      ASSERT_EQ(as_json(parse_literal(text)), value) << text;
  }
}

// What JSON takes is taken as JSON means it; any other bytes end in a value or a place inside.
TEST(Literal, AnyBytesAreAValueOrARefusal) {
  Rng rng(2, "literal");
  const std::vector<std::string> parts = {"[",    "]",  "{",  "}", "(",     ")",    ",",     ":",
                                          "'",    "\"", "\\", "u", "1",     "-",    ".",     "e",
                                          "None", " ",  "a",  "=", "dict(", "\xff", "array("};
  for (int i = 0; i < 4000; ++i) {
    std::string text;
    for (uint64_t k = rng.below(14); k > 0; --k) text += parts[rng.below(parts.size())];
    std::string outcome = "refused";
    try {
      const Literal value = parse_literal(text);
      outcome = shown(value);
      ASSERT_GE(value.source.data(), text.data());
      ASSERT_LE(value.source.data() + value.source.size(), text.data() + text.size());
    } catch (const LiteralError& e) {
      ASSERT_LE(e.at, text.size()) << text;
    }
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded() || json.is_string()) continue;
    ASSERT_NE(outcome, "refused") << text;
    ASSERT_EQ(as_json(parse_literal(text)), json) << text;
  }
}

}  // namespace
}  // namespace nas
