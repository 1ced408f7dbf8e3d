// What editors, documents and other programs put into text files, byte by byte.
#include "spaces/text/plain_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "spaces/text/arch_text.hpp"

namespace nas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// By the table of RFC 3629: code points 0 to 10FFFF without the surrogates, each written shortest.
std::string encoded(uint32_t code) {
  const auto byte = [](uint32_t b) { return std::string(1, static_cast<char>(b)); };
  const auto tail = [&](int shift) { return byte(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) return byte(0xc0 | (code >> 6)) + tail(0);
  if (code < 0x10000) return byte(0xe0 | (code >> 12)) + tail(6) + tail(0);
  return byte(0xf0 | (code >> 18)) + tail(12) + tail(6) + tail(0);
}

TEST(Utf8, EveryCharacterThereIsAndNoOther) {
  for (uint32_t code = 0; code < 0x120000; code += code < 0x11000 ? 1 : 37) {
    const bool exists = code < 0xd800 || (code > 0xdfff && code <= 0x10ffff);
    ASSERT_EQ(not_utf8(encoded(code)) == std::string::npos, exists) << std::hex << code;
    ASSERT_EQ(is_utf8(encoded(code)), exists) << std::hex << code;
  }
  for (const uint32_t code : {0x10ffffu, 0xffffu, 0x10000u, 0xfffdu})
    EXPECT_EQ(not_utf8(encoded(code)), std::string::npos);
}

TEST(Utf8, SpellingsThatAreTooLongAreNone) {
  for (const char* bytes : {"\xc0\x80",          // U+0000 in two.
                            "\xc0\xaf",          // '/' in two.
                            "\xc1\xbf",          // U+007F in two.
                            "\xe0\x80\xaf",      // '/' in three.
                            "\xe0\x9f\xbf",      // U+07FF in three.
                            "\xf0\x80\x80\xaf",  // '/' in four.
                            "\xf0\x8f\xbf\xbf",  // U+FFFF in four.
                            "\xed\xa0\x80",      // Half of a pair.
                            "\xed\xbf\xbf",
                            "\xf4\x90\x80\x80",  // Beyond U+10FFFF.
                            "\xf5\x80\x80\x80",
                            "\xff",
                            "\x80",
                            "\xc3",
                            "\xe2\x82",
                            "\xf0\x9f\x98",
                            "\xc3(",
                            "\xe2(\xa1"}) {
    EXPECT_EQ(not_utf8(bytes), 0u) << printable(bytes);
    EXPECT_EQ(not_utf8(std::string("ab\xc3\xa9") + bytes + "z"), 4u) << printable(bytes);
    EXPECT_FALSE(is_utf8(bytes)) << printable(bytes);
  }
  EXPECT_EQ(not_utf8(""), std::string::npos);
  EXPECT_EQ(not_utf8("plain"), std::string::npos);
}

TEST(PlainText, TypographyOfDocumentsBecomesPlain) {
  EXPECT_EQ(plain("\xef\xbb\xbf"
                  "a"),
            "a");
  EXPECT_EQ(plain("\xe2\x80\x98"
                  "a\xe2\x80\x99 \xe2\x80\x9c"
                  "b\xe2\x80\x9d"),
            "'a' \"b\"");
  EXPECT_EQ(plain("1\xc2\xa0"
                  "2\xe2\x80\xaf"
                  "3"),
            "1 2 3");
  EXPECT_EQ(plain("a\xe2\x80\x8b"
                  "b"),
            "ab");
  EXPECT_EQ(plain("\xe2\x88\x92"
                  "5"),
            "-5");
  // Everything else stays, other dashes and letters too.
  for (const char* text :
       {"", "plain", "na\xc3\xafve", "\xe2\x80\x94", "\xf0\x9f\x98\x80", "\xc2", "\xff"})
    EXPECT_EQ(plain(text), text);
  // Twice is once.
  Rng rng(1, "plain");
  const std::vector<std::string> parts = {"a",
                                          " ",
                                          "\xe2\x80\x98",
                                          "\xc2\xa0",
                                          "\xe2\x80\x8b",
                                          "\xe2\x88\x92",
                                          "\xc3\xa9",
                                          "\"",
                                          "\xe2\x80\x9d"};
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (uint64_t k = rng.below(12); k > 0; --k) text += parts[rng.below(parts.size())];
    EXPECT_EQ(plain(plain(text)), plain(text));
    EXPECT_EQ(not_utf8(plain(text)), std::string::npos);
  }
}

TEST(TextPlaces, AreThoseOfCountingLines) {
  Rng rng(2, "places");
  for (int i = 0; i < 100; ++i) {
    std::string text;
    for (uint64_t k = rng.below(40); k > 0; --k) text += "ab\n\r\t"[rng.below(5)];
    const TextPlaces places(text);
    int line = 1, column = 1;
    for (size_t at = 0; at <= text.size(); ++at) {
      ASSERT_EQ(places.of(at), std::pair(line, column)) << at << " of " << printable(text);
      if (at < text.size() && text[at] == '\n') {
        ++line;
        column = 1;
      } else {
        ++column;
      }
    }
  }
  EXPECT_EQ(TextPlaces("").of(0), std::pair(1, 1));
}

class TextFile : public testing::Test {
 protected:
  std::string error(const std::string& content, size_t longest = 1 << 20, size_t most = 1 << 20) {
    std::ofstream(path_, std::ios::binary) << content;
    try {
      read_ = read_text_file(path_, "a list", longest, most);
      return "";
    } catch (const Error& e) {
      return e.what();
    }
  }
  void TearDown() override { std::filesystem::remove(path_); }
  std::string path_ = testing::TempDir() + "nas-text-" + std::to_string(getpid());
  std::string read_;
};

TEST_F(TextFile, IsReadToItsLastByte) {
  for (const std::string& content : {std::string(),
                                     std::string("a"),
                                     std::string("a\r\nb\rc\n"),
                                     std::string(200000, '\n'),
                                     std::string("\xef\xbb\xbf")}) {
    EXPECT_EQ(error(content), "");
    EXPECT_EQ(read_, content == "\xef\xbb\xbf" ? "" : content);
  }
  EXPECT_EQ(error("\xef\xbb\xbf"
                  "a\xef\xbb\xbf"),
            "");
  EXPECT_EQ(read_, "a\xef\xbb\xbf") << "only the first is a mark";
}

TEST_F(TextFile, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error(std::string("ab\ncd\0e", 7)), path_ + ":2:3: holds a NUL byte: not a text file");
  EXPECT_EQ(error("\xfe\xff\x01"), path_ + ": is UTF-16; save it as UTF-8");
  EXPECT_EQ(error("ok\n" + std::string((1 << 20) + 1, 'x'), 1 << 20, 1 << 22),
            path_ + ":2:1048578: the line is longer than 1 MiB");
  EXPECT_EQ(error(std::string(1 << 20, 'x'), 1 << 20, 1 << 22), "") << "just as long";
  std::string lines;
  while (lines.size() <= (1 << 20)) lines.append(1000, 'x').append("\n");
  EXPECT_EQ(error(lines), path_ + ": is larger than 1 MiB");
  // The mistake stands where it is, across the pieces a file is read in.
  std::string far;
  for (int i = 0; i < 5000; ++i) far += std::string(99, 'y') + "\n";
  EXPECT_EQ(error(far + std::string("z\0", 2)),
            path_ + ":5001:2: holds a NUL byte: not a text file");
}

TEST_F(TextFile, ThatIsNotThereOrIsNoFileIsAMistakeOfTheUser) {
  const auto said = [](const std::string& path) -> std::string {
    try {
      read_text_file(path, "a list of architectures");
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "read";
  };
  EXPECT_EQ(said(path_ + "-none"),
            "a list of architectures " + path_ +
                "-none cannot be read: No such file or directory\n  name a file that exists");
  EXPECT_EQ(said("/tmp"), "/tmp is a folder; a list of architectures is needed");
}

TEST(ArchText, TrimAndSplit) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_THAT(split("a,b", ','), ElementsAre("a", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split(",a,,", ','), ElementsAre("", "a", "", ""));
  EXPECT_THAT(split("a b", ','), ElementsAre("a b"));
}

TEST(ArchText, WholeNumbersAreDigitsAndNothingElse) {
  EXPECT_EQ(whole_number("0"), 0);
  EXPECT_EQ(whole_number("007"), 7);
  EXPECT_EQ(whole_number("999999999"), 999999999);
  for (const char* text : {"",
                           " 1",
                           "1 ",
                           "+1",
                           "-1",
                           "-0",
                           "1.0",
                           "1e3",
                           "x",
                           "1000000000",
                           "0x1",
                           "99999999999999999999"})
    EXPECT_EQ(whole_number(text), std::nullopt) << text;
}

TEST(ArchText, RefusalsNameTheTextAndTheNearestWord) {
  const auto said = [](const std::function<void()>& f) -> std::string {
    try {
      f();
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "nothing";
  };
  EXPECT_EQ(said([] { bad_architecture("k3", "is short", "add"); }),
            "architecture 'k3': is short\n  add");
  const std::string shortened = said([] { bad_architecture(std::string(500, 'x'), "is long"); });
  EXPECT_EQ(shortened, "architecture '" + std::string(160, 'x') + "...': is long");
  const std::vector<std::string> names = {"skip_connect", "nor_conv_3x3", "none"};
  EXPECT_EQ(position_of("none", names, "t", "edge"), 2u);
  EXPECT_EQ(said([&] { position_of("nor_conv_3x4", names, "t", "edge 1"); }),
            "architecture 't': edge 1: unknown operation 'nor_conv_3x4'\n"
            "  Did you mean 'nor_conv_3x3'?");
  EXPECT_EQ(said([&] { position_of("zzzzzzzzzzzz", names, "t", "edge 1"); }),
            "architecture 't': edge 1: unknown operation 'zzzzzzzzzzzz'\n"
            "  Known: skip_connect, nor_conv_3x3, none.");
}

TEST(ArchText, WhatLogsPrintAroundIsLeftOut) {
  EXPECT_EQ(inside_log("best: |a~0|b~1| ", '|', '|'), "|a~0|b~1|");
  EXPECT_EQ(inside_log("([1, 2]),", '[', ']'), "[1, 2]");
  EXPECT_EQ(inside_log("no brackets", '[', ']'), "no brackets");
  EXPECT_EQ(inside_log("] [", '[', ']'), "] [");
  EXPECT_THROW(inside_log("[1, 2] 0.5", '[', ']'), ConfigError);
  EXPECT_EQ(index_of(5, {3, 5, 7}), 1u);
  EXPECT_EQ(index_of(4, {3, 5, 7}), std::nullopt);
  EXPECT_EQ(one_of({3}), "3");
  EXPECT_EQ(one_of({3, 5}), "3 or 5");
  EXPECT_EQ(one_of({3, 5, 7}), "3, 5 or 7");
  EXPECT_EQ(one_of({}), "");
}

}  // namespace
}  // namespace nas
