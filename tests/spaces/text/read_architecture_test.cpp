// Architectures as people, logs and other programs write them, one by one and in lists.
#include "spaces/text/read_architecture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/architecture_list.hpp"
#include "spaces/text/literal.hpp"
#include "spaces/text/notation.hpp"

namespace nas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const Space& space, const std::string& text) {
  try {
    read_architecture(space, text);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "accepted";
}

std::string joined(const std::string& value, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += (i > 0 ? ", " : "") + value;
  return "[" + text + "]";
}

/// The once-for-all dictionary of depths 2 in every stage.
std::string ofa(const std::string& ks, const std::string& e, const std::string& more = "") {
  return "{'ks': " + ks + ", 'e': " + e + ", 'd': [2, 2, 2, 2, 2]" + more + "}";
}

TEST(ReadArchitecture, EverySpaceReadsWhatItAndItsEnumerationWrite) {
  for (const char* name : {"digits",
                           "custom-digits",
                           "nasbench201",
                           "nasbench-macro",
                           "mobilenet",
                           "mobilenet-elastic-resolution",
                           "proxyless",
                           "darts-small",
                           "ofa-resnet50",
                           "resnet20-pool",
                           "resnet18-stride"}) {
    SCOPED_TRACE(name);
    const auto space = load_space(name);
    Rng rng(7, "read");
    for (int i = 0; i < 5; ++i) {
      const Architecture a = space->fix_inactive(space->sample(rng));
      const std::string text = space->text(a);
      const std::string json = space->json(a);
      std::string python = json;
      std::replace(python.begin(), python.end(), '"', '\'');
      for (const std::string& form : {text,
                                      "\xef\xbb\xbf" + text,
                                      "  " + text + "\r\n",
                                      "\"" + text + "\"",
                                      "'" + text + "'",
                                      json,
                                      python,
                                      space->Space::text(a),
                                      "{\"architecture\": \"" + text + "\", \"accuracy\": 0.5}"})
        EXPECT_EQ(space->fix_inactive(read_architecture(*space, form)), a) << form;
    }
    if (space->count() < 100000) {
      Architecture third;
      int64_t n = 0;
      space->enumerate([&](const Architecture& a) {
        third = a;
        return ++n < 3;
      });
      EXPECT_EQ(read_architecture(*space, "#2"), third);
      EXPECT_THAT(refusal(*space, "#999999999"), HasSubstr("the numbers 0 to"));
      for (const char* none : {"#", "#-1", "#1.5", "#0x1", "#99999999999999999999"})
        EXPECT_THAT(refusal(*space, none), HasSubstr("is no number of an architecture")) << none;
    }
    EXPECT_FALSE(notation_of(*space).parts.empty());
    EXPECT_THAT(refusal(*space, ""), HasSubstr("is empty"));
    EXPECT_THAT(refusal(*space, std::string("a\0b", 3)), HasSubstr("NUL"));
    EXPECT_THAT(refusal(*space, "\xff\xfe"), HasSubstr("UTF-8"));
    EXPECT_THAT(refusal(*space, std::string(2 << 20, '[')), HasSubstr("longer than 1 MiB"));
  }
}

TEST(ReadArchitecture, OnceForAllDictionaries) {
  const auto space = load_space("mobilenet");
  const Architecture a = read_architecture(*space, ofa(joined("3", 20), joined("3", 20)));
  EXPECT_EQ(space->text(a), "k3e3-k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3/k3e3-k3e3");
  std::string unused = "[";
  for (int i = 0; i < 20; ++i)
    unused += std::string(i > 0 ? ", " : "") + (i % 4 < 2 ? "3" : "None");
  unused += "]";
  const std::string zeros = std::string(unused).replace(unused.find("None"), 4, "0");
  for (const std::string& text :
       {ofa(unused, unused),
        ofa(zeros, unused),
        ofa("3", "3"),  // As set_active_subnet(ks=3, e=3, ...).
        ofa(joined("3.0", 20), joined("np.int64(3)", 20)),
        ofa("array(" + joined("3", 20) + ")", "(3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3)"),
        ofa("3", "3", ", 'r': 224"),
        ofa("3", "3", ", 'r': [224]"),
        ofa("3", "3", ", 'image_size': 224"),
        ofa("3", "3", ", 'wid': None, 'w': None"),
        std::string("best config: ") + ofa("3", "3"),
        "[11/27 10:00:01] best: (0.784, " + ofa("3", "3") + ", 599.9)",
        std::string("dict(ks=3, e=3, d=2)"),
        std::string("OrderedDict([('ks', 3), ('e', 3), ('d', 2)])"),
        std::string("{\"ks\": 3, \"e\": 3, \"d\": [2, 2, 2, 2, 2,]}"),
        std::string("{\xe2\x80\x98ks\xe2\x80\x99: 3, 'e': 3,\n 'd': 2}")})
    EXPECT_EQ(read_architecture(*space, text), a) << text;
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {ofa("3", "3", ", 'image_size': 128"), "128 is not 224"},
           {ofa("3", "3", ", 'r': 128"), "128 is not 224"},
           {ofa("3", "3", ", 'r': [224, 224]"), "expected one resolution"},
           {ofa("3", "3", ", 'r': 'big'"), "expected one resolution"},
           {ofa("3", "3", ", 'wid': [1.2]"), "unknown key 'wid'"},
           {ofa("3", "3", ", 'dd': [2]"), "Did you mean 'd'"},
           {ofa("3", "3", ", 'imagesize': 224"), "Did you mean 'image_size'"},
           {ofa("3", "3", ", 'ks': 3"), "'ks' is given twice"},
           {ofa("3", joined("3", 19)), "e: 19 values where 20"},
           {ofa("3", "'wide'"), "e: expected a list of 20 numbers"},
           {ofa("3", joined("'3'", 20)), "e[0]: expected a number"},
           {ofa(joined("None", 20), "3"), "ks: missing"},
           {ofa("[None, " + joined("3", 19).substr(1), "3"), "ks[0]: None is not 3, 5 or 7"},
           {ofa("3", "5"), "e[0]: 5 is not 3, 4 or 6"},
           {ofa("3", "3") + " and more", "something follows"},
           {"{'ks': [3, 3", "ends without its ']'"}})
    EXPECT_THAT(refusal(*space, text), HasSubstr(what)) << text;

  const auto elastic = load_space("mobilenet-elastic-resolution");
  for (const char* r : {"192", "[192]", "192.0"})
    EXPECT_EQ(elastic->text(read_architecture(*elastic, ofa("3", "3", std::string(", 'r': ") + r)))
                  .substr(0, 5),
              "r192:");
  EXPECT_THAT(refusal(*elastic, ofa("3", "3")), HasSubstr("r: missing"));
  EXPECT_THAT(refusal(*elastic, ofa("3", "3", ", 'r': 192, 'image_size': 224")),
              HasSubstr("differ"));

  const auto resnet = load_space("ofa-resnet50");
  const std::string lists = "{'d': [2,2,2,2,2], 'e': " + joined("0.35", 18) + ", 'w': 0";
  const Architecture b = read_architecture(*resnet, lists + "}");
  EXPECT_EQ(read_architecture(*resnet, lists + ", 'r': 224, 'ks': None}"), b);
  EXPECT_EQ(read_architecture(*resnet, lists + ", 'image_size': [224]}"), b);
  EXPECT_THAT(refusal(*resnet, lists + ", 'r': 128}"), HasSubstr("r: 128 is not 224"));
  EXPECT_THAT(refusal(*resnet, lists + ", 'image_size': 128}"), HasSubstr("128 is not 224"));
  EXPECT_THAT(refusal(*resnet, lists + ", 'ks': 3}"), HasSubstr("unknown key 'ks'"));
  EXPECT_THAT(refusal(*resnet, lists + ", 'width': 3}"), HasSubstr("unknown key 'width'"));
}

TEST(ReadArchitecture, GenotypesAsLogsPrintThem) {
  const auto space = load_space("darts");
  const std::string cell =
      "[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
      "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)]";
  const std::string fields = "normal=" + cell + ", normal_concat=range(2, 6), reduce=" + cell +
                             ", reduce_concat=range(2, 6)";
  const Architecture a = read_architecture(*space, "Genotype(" + fields + ")");
  std::string broken = "03/12 04:05:06 PM genotype = Genotype(\n  " + fields + "\n)\n";
  for (size_t at = 0; (at = broken.find("), (", at)) != std::string::npos; ++at)
    broken.replace(at, 3, "),\r\n   ");
  std::string json = "{\"normal\": " + cell +
                     ", \"normal_concat\": [2, 3, 4, 5], \"reduce\": " + cell +
                     ", \"reduce_concat\": [2, 3, 4, 5]}";
  std::replace(json.begin(), json.end(), '(', '[');
  std::replace(json.begin(), json.end(), ')', ']');
  for (const std::string& text : {broken,
                                  "DARTS_V2 = Genotype(" + fields + ")",
                                  "Genotype(" + cell + ", range(2, 6), " + cell + ", range(2, 6))",
                                  "Genotype (" + fields + ")",
                                  json})
    EXPECT_EQ(read_architecture(*space, text), a) << text;
  const std::string one = "Genotype(" + fields + ")";
  EXPECT_THAT(refusal(*space, one + " " + one), HasSubstr("two genotypes"));
  EXPECT_THAT(refusal(*space, "Genotype(normals=" + cell + ")"), HasSubstr("mean 'normal'"));
  EXPECT_THAT(refusal(*space, "Genotype(normal=" + cell + ", normal=" + cell + ")"),
              HasSubstr("given twice"));
  EXPECT_THAT(refusal(*space, one.substr(0, one.size() - 1)), HasSubstr("ends without its ')'"));

  const auto cells = load_space("nasbench201");
  const std::string arch =
      "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|";
  const Architecture b = read_architecture(*cells, arch);
  for (const std::string& text : {"genotype: " + arch,
                                  "Structure(4 nodes with " + arch + ")",
                                  std::string("[3, 0, 2, 1, 0, 4]"),
                                  std::string("3, 0, 2, 1, 0, 4"),
                                  std::string("[(('nor_conv_3x3', 0),), (('none', 0), "
                                              "('nor_conv_1x1', 1)), (('skip_connect', 0), "
                                              "('none', 1), ('avg_pool_3x3', 2))]")})
    EXPECT_EQ(read_architecture(*cells, text), b) << text;
  EXPECT_THAT(refusal(*cells, arch + " 68.1"), HasSubstr("something follows"));
  const auto macro = load_space("nasbench-macro");
  EXPECT_EQ(macro->text(read_architecture(*macro, "[2, 2, 1, 0, 2, 2, 2, 0]")), "22102220");
  EXPECT_THAT(refusal(*macro, "[22, 2, 1, 0, 2, 2, 2]"), HasSubstr("'22' is not"));
}

TEST(ReadArchitecture, ChoicesRefuseWhatTheyDoNotKnow) {
  const auto space = load_space("resnet20-pool");
  const Architecture a = read_architecture(*space, "[4,3,3]");
  const std::string json = space->json(a);
  EXPECT_EQ(read_architecture(*space, "arch = [4, 3, 3]"), a);
  EXPECT_THAT(refusal(*space, json.substr(0, json.size() - 1) + ", \"x\": \"1\"}"),
              HasSubstr("unknown choice 'x'"));
  EXPECT_THAT(refusal(*space, "{\"architecture\": {\"architecture\": 3}}"), HasSubstr("expected"));
  EXPECT_THAT(refusal(*space, "{}"), HasSubstr("is missing"));
  const auto digits = load_space("digits");
  const std::string first = digits->json(digits->smallest());
  const std::string key = first.substr(1, first.find(',') - 1);
  EXPECT_THAT(refusal(*digits, "{" + key + "," + first.substr(1)), HasSubstr("given twice"));
}

class ArchitectureList : public testing::Test {
 protected:
  std::vector<std::string> read(const std::string& text) const {
    std::vector<std::string> out;
    for (const Architecture& a : read_architecture_list(*space_, text, "list.txt"))
      out.push_back(space_->text(a));
    return out;
  }
  std::vector<std::string> problems(const std::string& text) const {
    std::vector<std::string> out;
    try {
      read(text);
    } catch (const ConfigError& e) {
      for (const Problem& p : e.problems())
        out.push_back(std::to_string(p.line) + ":" + std::to_string(p.column));
    }
    return out;
  }
  std::unique_ptr<Space> space_ = load_space("resnet20-pool");
};

TEST_F(ArchitectureList, Forms) {
  for (const std::string& text :
       {std::string("[4,3,3]\n[1,1,8]\n"),
        std::string("\xef\xbb\xbf[4,3,3]\r\n\r\n# two\r\n[1,1,8]"),
        std::string("[4,3,3]\r[1,1,8]\r"),
        std::string("  [4,3,3]  # first\n\t[1,1,8]\n"),
        std::string("\"[4,3,3]\",\n\"[1,1,8]\"\n"),
        std::string("[\"[4,3,3]\",\n \"[1,1,8]\"]"),
        std::string("[[4,3,3], [1,1,8]]"),
        std::string("[{\"arch\": [4,3,3], \"accuracy\": 1}, {\"arch\": [1,1,8]}]"),
        std::string("{\"architecture\": \"[4,3,3]\"}\n{\"architecture\": [1,1,8]}\n"),
        std::string("{\n  \"architecture\":\n  \"[4,3,3]\"\n}\n[1,1,8]\n"),
        std::string("architecture,accuracy\n\"[4,3,3]\",0.5\n\"[1,1,8]\",0.6\n"),
        std::string("architecture\n[4,3,3]\n[1,1,8]\n"),
        std::string("{\"schema\": \"x\", \"architectures\": [{\"architecture\": \"[4,3,3]\"}, "
                    "{\"architecture\": \"[1,1,8]\"}]}")})
    EXPECT_THAT(read(text), ElementsAre("[4,3,3]", "[1,1,8]")) << text;
  EXPECT_TRUE(read("\n# nothing\n").empty());
}

TEST_F(ArchitectureList, WrongLinesAreToldWhereTheyStandAndShiftNone) {
  EXPECT_THAT(problems("[4,3,3]\n  nonsense\n[1,1,8]\n[4,3\n{\"architecture\": \n[9,9,9]\n"),
              ElementsAre("2:3", "4:1", "5:1", "6:1"));
  EXPECT_THAT(problems("[\"[4,3,3]\",\n \"[4,3,4]\"]"), ElementsAre("2:2"));
  EXPECT_THAT(problems("[\"[4,3,3]\",\n \"[4,3,4]\""), ElementsAre("2:11"));
  EXPECT_THAT(problems("architecture;accuracy\n[4,3,3];1\n [4,3,5] ;2\n"), ElementsAre("3:2"));
  EXPECT_THAT(problems("[4,3,3]\n\xff\n"), ElementsAre("2:1"));
  std::string many;
  for (int i = 0; i < 100000; ++i) many += "x {\n";
  EXPECT_EQ(problems(many).size(), 21u);
}

TEST_F(ArchitectureList, FilesThatEndOrNot) {
  const std::string name = testing::TempDir() + "nas-list-" + std::to_string(getpid());
  const auto error = [&](const std::string& content) -> std::string {
    std::ofstream(name, std::ios::binary) << content;
    try {
      read_architecture_file(*space_, name);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error("[4,3,3]\n"), "");
  EXPECT_THAT(error(std::string("[4,3,3]\n[1\0,8]\n", 16)), HasSubstr(":2:3: holds a NUL byte"));
  EXPECT_THAT(error("\xff\xfe[\x01"), HasSubstr("is UTF-16"));
  EXPECT_THAT(error("[4,3,3]\n" + std::string(3 << 20, 'x')), HasSubstr(":2:"));
  std::filesystem::remove(name);
  EXPECT_THROW(read_architecture_file(*space_, name), ConfigError);
  EXPECT_THROW(read_architecture_file(*space_, "/tmp"), ConfigError);
  EXPECT_THROW(read_architecture_file(*space_, "/dev/zero"), DataError);
}

TEST(ArchitectureLists, GenotypesOverSeveralLines) {
  const auto space = load_space("darts");
  const std::string cell =
      "[\n ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),\n ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),\n "
      "('sep_conv_3x3', 1), ('skip_connect', 0), # it's\n ('skip_connect', 0), "
      "('dil_conv_3x3', 2)],\n";
  const std::string one = "A = Genotype(\n normal = " + cell + " normal_concat = range(2, 6),\n" +
                          " reduce = " + cell + " reduce_concat = range(2, 6))\n";
  EXPECT_EQ(read_architecture_list(*space, one + "\n" + one, "list").size(), 2u);
  // One without its end leaves the next one alone.
  try {
    read_architecture_list(*space, "A = Genotype(normal = [\n" + one, "list");
    ADD_FAILURE();
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.problems().size(), 1u) << e.what();
    EXPECT_EQ(e.problems()[0].line, 1);
  }
}

TEST(Literals, ReadJsonAndPython) {
  const Literal map =
      parse_literal("{'a': [1, -2.5e3, None], \"b\": (True, NaN), 'c': 'x\\n\\u00e9'}");
  EXPECT_EQ(map.find("a")->items[1].source, "-2.5e3");
  EXPECT_TRUE(map.find("a")->items[2].is(Literal::Kind::kNull));
  EXPECT_TRUE(map.find("b")->items[1].is(Literal::Kind::kNumber));
  EXPECT_EQ(map.find("c")->text, "x\n\xc3\xa9");
  EXPECT_EQ(parse_literal("[3 5 7]").items.size(), 3u);
  for (const auto& [text, at] : std::vector<std::pair<std::string, size_t>>{
           {"[1, 2", 5}, {"[1 x]", 3}, {"{1 2}", 3}, {"'abc", 0}, {"[1] 2", 4}, {"1x", 0}, {"", 0}})
    try {
      parse_literal(text);
      ADD_FAILURE() << text;
    } catch (const LiteralError& e) {
      EXPECT_EQ(e.at, at) << text << ": " << e.what();
    }
  EXPECT_THROW(parse_literal(std::string(100000, '[')), LiteralError);
}

// A command that is given many says which one is wrong, whoever found it.
TEST(ReadArchitecture, MistakesNameTheArchitecture) {
  const auto space = load_space("digits");
  ArchitectureReader reader(*space);
  for (const char* text : {"stage1.width=12",
                           "stage1.width=9, stage1.depth=1",
                           "{\"stage1.width\": 8}",
                           "{\"stage1.width\": 8, \"stage1.widht\": 8}",
                           "no such"}) {
    try {
      reader.read(text);
      ADD_FAILURE() << text;
    } catch (const ConfigError& e) {
      EXPECT_TRUE(e.problems().front().message.starts_with("architecture '" + std::string(text)))
          << e.problems().front().message;
    }
  }
}

TEST(ReadArchitecture, NumbersAsOtherProgramsPrintThem) {
  const auto pools = load_space("resnet20-pool");
  for (const char* text : {"[4,3,3]", "(4, 3, 3)", "4,3,3", "4 3 3", "[4 3 3]", "(4, 3, 3,)"})
    EXPECT_EQ(pools->text(read_architecture(*pools, text)), "[4,3,3]") << text;
  const auto cells = load_space("nasbench201");
  const std::string known = cells->text(read_architecture(*cells, "[3, 0, 3, 1, 0, 1]"));
  for (const char* text : {"(3, 0, 3, 1, 0, 1)", "[3 0 3 1 0 1]"})
    EXPECT_EQ(cells->text(read_architecture(*cells, text)), known) << text;
  for (const char* text : {"(4, 3)", "4,,3,3", "(4, 3, 3", "4.0 3 3", "4 3 -3"})
    EXPECT_THROW(read_architecture(*pools, text), ConfigError) << text;
}

}  // namespace
}  // namespace nas
