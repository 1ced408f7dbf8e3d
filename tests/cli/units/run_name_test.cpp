// Names of runs: which characters may be in them, decided over all of Unicode, and how texts that
// are no UTF-8 are told.
#include "cli/runs/run_name.hpp"

#include <gmock/gmock.h>

#include "spaces/base/printable.hpp"
#include "spaces/base/scratch_file.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string utf8(char32_t c) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  const auto tail = [&](int shift) { return byte(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), tail(0)};
  if (c < 0x10000) return {byte(0xe0 | c >> 12), tail(6), tail(0)};
  return {byte(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

std::string told(const std::string& name) {
  try {
    checked_name(name);
  } catch (const ConfigError& e) {
    return e.problems().at(0).message;
  }
  return "";
}

/// Characters of the Unicode categories Cc, Zs (but the blank), Zl and Zp; of Cf those that are not
/// seen or turn the line around; and letters that are blank (the fillers of Hangul).
const std::pair<char32_t, char32_t> kUnseen[] = {{0x00, 0x1f},
                                                 {0x7f, 0xa0},
                                                 {0xad, 0xad},
                                                 {0x61c, 0x61c},
                                                 {0x115f, 0x1160},
                                                 {0x1680, 0x1680},
                                                 {0x180e, 0x180e},
                                                 {0x2000, 0x200f},
                                                 {0x2028, 0x202f},
                                                 {0x205f, 0x206f},
                                                 {0x3000, 0x3000},
                                                 {0x3164, 0x3164},
                                                 {0xfeff, 0xfeff},
                                                 {0xffa0, 0xffa0},
                                                 {0xfff9, 0xfffb},
                                                 {0x1d173, 0x1d17a},
                                                 {0xe0000, 0xe007f}};

TEST(RunNames, HoldEveryCharacterThatIsSeenAndNoOther) {
  size_t wrong = 0, refused = 0;
  for (char32_t c = 1; c <= 0x10ffff; ++c) {
    // A step through the planes that hold nothing but letters, every one of the first.
    if (c > 0x30000 && c < 0xe0000 && c % 101 != 0) continue;
    if (c >= 0xd800 && c < 0xe000) continue;
    if (c == '*' || c == '?') continue;
    bool unseen = false;
    for (const auto& [first, last] : kUnseen) unseen |= c >= first && c <= last;
    const std::string name = "a" + utf8(c) + "b", what = told(name);
    refused += unseen;
    if ((what.find("cannot be seen") != std::string::npos) == unseen && what.empty() != unseen)
      continue;
    if (++wrong < 10) ADD_FAILURE() << std::hex << static_cast<uint32_t>(c) << ": " << what;
  }
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(refused, 200U);
}

TEST(RunNames, TextsThatAreNoUtf8AreTold) {
  // Cut short, a byte that only continues, two bytes for one of ASCII, half of a pair, beyond all.
  for (const char* bad : {"a\xc3",
                          "\x80",
                          "\xc0\xaf",
                          "\xe0\x80\x80",
                          "\xed\xa0\x80",
                          "\xf4\x90\x80\x80",
                          "\xf8\x88\x80\x80\x80",
                          "\xff",
                          "a\xe2\x82",
                          "\xc3("})
    EXPECT_THAT(told(bad), HasSubstr("is not UTF-8")) << printable(bad);
}

TEST(RunNames, AreUtf8AsOthersReadIt) {
  Rng rng(5, "bytes");
  int whole = 0;
  for (int k = 0; k < 20000; ++k) {
    std::string name = "n";
    for (uint64_t n = 1 + rng.below(4); n > 0; --n)
      name += static_cast<char>(rng.below(3) == 0 ? rng.below(256) : 0x80 + rng.below(0x45));
    const bool utf8 = is_utf8(name);
    whole += utf8;
    EXPECT_EQ(told(name).find("is not UTF-8") == std::string::npos, utf8) << printable(name);
  }
  EXPECT_GT(whole, 200);
}

TEST(RunNames, WhatIsRefusedIsShownWithoutDoingHarm) {
  // Escape sequences, and what turns the line around.
  EXPECT_EQ(told("a\x1b[31m"),
            "--name \"a\\x1b[31m\": holds a character that cannot be seen (line break, tab, escape "
            "...)");
  EXPECT_EQ(told("abc\xe2\x80\xae"
                 "fed"),
            "--name \"abc???fed\": holds a character that cannot be seen (line break, tab, escape "
            "...)");
  std::string long_one(50, 'x');
  long_one += '\n';
  EXPECT_THAT(told(long_one),
              StartsWith(R"(--name "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...": )"));
}

TEST(RunNames, BlanksAroundThemAreCut) {
  EXPECT_EQ(checked_name(""), "");
  EXPECT_EQ(checked_name("  a b  "), "a b");
  EXPECT_EQ(checked_name("lasting"), "lasting");
  EXPECT_EQ(checked_name(" \xc3\xa4\xe7\x8c\xab "), "\xc3\xa4\xe7\x8c\xab");
  EXPECT_THAT(told("   "), HasSubstr("holds nothing but blanks"));
}

TEST(RunNames, OnesThatMeanSomethingElseAreRefused) {
  for (const char* last : {"last", "LAST", " Last "})
    EXPECT_THAT(told(last), HasSubstr("is reserved: it means the newest run"));
  for (const char* pattern : {"a*", "?", "x?y"}) EXPECT_THAT(told(pattern), HasSubstr("* or ?"));
  for (const char* flag : {"-x", "--all", " -"})
    EXPECT_THAT(told(flag), HasSubstr("begins with -"));
  for (const char* id : {"t-20250131-", "t-20250131-abcdef", "s-99999999-anything"})
    EXPECT_THAT(told(id), HasSubstr("looks like the id of a run")) << id;
  for (int k = 0; k < 20; ++k)
    EXPECT_THAT(told(new_run_id(k % 2 == 0 ? "train" : "search")),
                HasSubstr("looks like the id of a run"));
  // Not quite an id.
  for (const char* name : {"t-2025013-x", "T-20250131-x", "t-2025013x-", "20250131", "t20250131-x"})
    EXPECT_EQ(checked_name(name), name);
}

TEST(RunNames, AreAHundredCharactersLongAtMost) {
  std::string hundred;
  for (int k = 0; k < 100; ++k) hundred += "\xe7\x8c\xab";  // Characters, not bytes.
  EXPECT_EQ(checked_name(hundred), hundred);
  EXPECT_THAT(told(hundred + "a"), HasSubstr("has 101 characters; at most 100 fit"));
}

TEST(RunNames, TheFlagIsNamed) {
  try {
    checked_name("last", "runs rename");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), StartsWith("runs rename \"last\": "));
  }
}

// ---- Runs by what they are called.

class FoundRuns : public testing::Test {
 protected:
  void add(const std::string& id, const std::string& name) {
    RunRow row;
    row.id = id;
    row.name = name;
    row.command = "train";
    row.status = "running";
    row.versions_json = "{}";
    store_.add_run(row);
  }
  std::string found(const std::string& which) const {
    try {
      return find_run(store_, which).id;
    } catch (const ConfigError& e) {
      return e.what();
    }
  }
  ScratchFolder folder_{"nas-names"};
  Store store_{folder_.path() + "/nas.db"};
};

TEST_F(FoundRuns, ByIdNameStartOrAsTheLast) {
  add("t-20250101-aaaa", "first");
  add("t-20250102-bbbb", "again");
  add("t-20250103-cccc", "again");
  EXPECT_EQ(found("t-20250101-aaaa"), "t-20250101-aaaa");
  EXPECT_EQ(found("first"), "t-20250101-aaaa");
  EXPECT_EQ(found("again"), "t-20250103-cccc");  // The newest of that name.
  EXPECT_EQ(found("t-20250102"), "t-20250102-bbbb");
  EXPECT_EQ(found("last"), "t-20250103-cccc");
  EXPECT_THAT(found("t-202501"), HasSubstr("t-20250101-aaaa"));  // Of several: they are named.
}

TEST_F(FoundRuns, TheNearestIsNamedWhereThereIsNone) {
  add("t-20250101-aaaa", "baseline");
  try {
    find_run(store_, "basline");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), StartsWith("no run \"basline\" in " + store_.path()));
    ASSERT_EQ(e.problems().size(), 1U);
    EXPECT_EQ(e.problems()[0].hint, "Did you mean baseline?");
  }
  EXPECT_THAT(found("a\x1b[2J"), StartsWith("no run \"a\\x1b[2J\""));
}

}  // namespace
}  // namespace nas::cli
