// Tar files as ustar, GNU and pax write them, built here byte by byte; and damaged ones.
#include "supernet/data/codecs/tar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "spaces/error.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

std::string header(const std::string& name, const std::string& size, char type = '0') {
  std::string block(512, '\0');
  name.copy(block.data(), 100);
  size.copy(block.data() + 124, 12);
  block[156] = type;
  std::memcpy(block.data() + 257,
              "ustar\0"
              "00",
              8);
  std::fill_n(block.begin() + 148, 8, ' ');
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(block.data() + 148, 8, "%06o", sum);
  return block;
}
std::string octal(size_t size) {
  char text[13];
  std::snprintf(text, sizeof text, "%011zo", size);
  return text;
}
std::string padded(std::string content) {
  content.resize((content.size() + 511) / 512 * 512, '\0');
  return content;
}
std::string member(const std::string& name, const std::string& content, char type = '0') {
  return header(name, octal(content.size()), type) + padded(content);
}
const std::string kEnd(1024, '\0');

class Tar : public testing::Test {
 protected:
  ~Tar() override { std::filesystem::remove(path_); }
  std::string write(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    return path_;
  }
  std::string why(const std::string& bytes) {
    try {
      index_tar(write(bytes));
    } catch (const DataError& e) {
      return e.what();
    }
    return "";
  }
  std::string path_ =
      std::filesystem::temp_directory_path() / ("nas-tar-" + std::to_string(::getpid()) + ".tar");
};

TEST_F(Tar, MembersInOrderWhereTheyLie) {
  const std::vector<TarMember> found = index_tar(
      write(member("a.txt", "hello") + member("folder/", "", '5') + member("link", "", '2') +
            member("folder/b.txt", std::string(600, 'x')) + kEnd));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "a.txt");
  EXPECT_EQ(found[0].offset, 512u);
  EXPECT_EQ(found[0].size, 5u);
  EXPECT_EQ(found[1].name, "folder/b.txt");
  EXPECT_EQ(found[1].offset, 4 * 512u + 512u);
  EXPECT_EQ(found[1].size, 600u);
}

TEST_F(Tar, LongNamesAndSizesOfGnuAndPax) {
  const std::string deep(150, 'd');
  const std::string pax = "19 path=over/there\n10 size=3\n";
  const std::vector<TarMember> found =
      index_tar(write(member("././@LongLink", deep + '\0', 'L') + member("short", "1") +
                      member("pax", pax, 'x') + header("here", octal(0)) + padded("abc") + kEnd));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, deep);
  EXPECT_EQ(found[1].name, "over/there");
  EXPECT_EQ(found[1].size, 3u);
  // GNU writes sizes beyond 8 GiB in base 256: here 5.
  std::string large(12, '\0');
  large[0] = static_cast<char>(0x80);
  large[11] = 5;
  const auto base256 = index_tar(write(header("big", large) + padded("12345") + kEnd));
  ASSERT_EQ(base256.size(), 1u);
  EXPECT_EQ(base256[0].size, 5u);
}

TEST_F(Tar, DamageIsToldWithItsPlace) {
  std::string flipped = member("a", "1") + member("b", "2") + kEnd;
  flipped[1024] ^= 1;
  EXPECT_THAT(why(flipped), HasSubstr("at byte 1024: damaged header (wrong checksum)"));
  EXPECT_THAT(why(member("a", std::string(400, '1')).substr(0, 700)),
              HasSubstr("the file ends after"));
  EXPECT_THAT(why(member("a", "1")), HasSubstr("without an end mark"));
  EXPECT_THAT(why("\x1f\x8b" + std::string(600, 'z')), HasSubstr("a compressed file"));
  EXPECT_THAT(why(std::string(1024, 'z')), HasSubstr("not a tar header"));
  EXPECT_THAT(why(header("a", "99999999999") + kEnd), HasSubstr("not a number"));
  EXPECT_THAT(why(member("a", "", 'S') + kEnd), HasSubstr("sparse"));
  EXPECT_THAT(why(member("x", "7 path\n", 'x') + kEnd), testing::IsEmpty());
  EXPECT_THAT(why(member("x", "70 path=a\n", 'x') + kEnd), HasSubstr("pax record"));
  // Told aside, what came before is the answer.
  std::string damage;
  EXPECT_EQ(index_tar(write(flipped), &damage).size(), 1u);
  EXPECT_THAT(damage, HasSubstr("1024"));
}

}  // namespace
}  // namespace nas
