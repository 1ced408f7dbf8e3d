// Zip archives, written here byte by byte: what is in them is found, what is wrong is told.
#include <gmock/gmock.h>

#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "supernet/files/zip_reader.hpp"
#include "tests/supernet/files/zip_archive.hpp"

namespace nas {
namespace {

using test::little;
using test::zip_of;
using test::ZipEntry;
using ::testing::StartsWith;

std::span<const uint8_t> bytes_of(const std::string& file) {
  return {reinterpret_cast<const uint8_t*>(file.data()), file.size()};
}
std::string text(std::span<const uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}
std::string entry(const std::string& file, const std::string& name, bool others = false) {
  return text(ZipReader(bytes_of(file), "f.zip", others).at(name));
}
/// What is wrong with the file, or with reading that entry.
std::string told(const std::string& file, const std::string& name = "", bool others = false) {
  try {
    const ZipReader zip(bytes_of(file), "f.zip", others);
    if (!name.empty()) zip.at(name);
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), StartsWith("f.zip: "));
    return std::string(e.what()).substr(7);
  }
  return "nothing";
}
std::string replaced(std::string file, size_t at, const std::string& by) {
  return file.replace(at, by.size(), by);
}

const std::vector<ZipEntry> kTwo = {{"a/data.pkl", "first"}, {"a/version", "3\n"}};

TEST(ZipArchives, TheChecksumIsThatOfTheStandard) {
  EXPECT_EQ(test::crc32_of("123456789"), 0xcbf43926);  // The catalogue's check value.
}

TEST(ZipReader, EntriesAreFoundByTheirNames) {
  const std::string file = zip_of(kTwo);
  const ZipReader zip(bytes_of(file), "f.zip");
  EXPECT_TRUE(zip.has("a/version"));
  EXPECT_FALSE(zip.has("version"));
  EXPECT_EQ(text(zip.at("a/data.pkl")), "first");
  EXPECT_EQ(text(zip.at("a/version")), "3\n");
  // Nothing is copied.
  EXPECT_EQ(zip.at("a/data.pkl").data(), bytes_of(file).data() + 30 + 10);
  EXPECT_EQ(told(file, "version"), "the zip archive has no entry 'version'");
  EXPECT_EQ(told(zip_of({})), "nothing");  // An archive of nothing is one.
}

TEST(ZipReader, TheEndOfANameFindsOneEntry) {
  const auto found = [](const std::vector<ZipEntry>& entries, const std::string& tail) {
    const std::string file = zip_of(entries);
    const ZipReader zip(bytes_of(file), "f.zip");
    try {
      return zip.find(tail);
    } catch (const DataError& e) {
      return std::string(e.what());
    }
  };
  EXPECT_EQ(found(kTwo, "/data.pkl"), "a/data.pkl");
  EXPECT_EQ(found(kTwo, "a/version"), "a/version");
  EXPECT_EQ(found(kTwo, "/data"),
            "f.zip: a zip archive, but not one of torch.save: no entry '/data'");
  EXPECT_EQ(found({{"a/data.pkl", ""}, {"b/data.pkl", ""}}, "/data.pkl"),
            "f.zip: several entries end in '/data.pkl'");
}

TEST(ZipReader, SizesOf64BitsAndWhatOthersAddAreRead) {
  // A field of another kind (time stamps) before that of 64 bits.
  ZipEntry big{"big", "content", 0, 0, true, little(0x5455, 2) + little(5, 2) + "abcde", "local!"};
  ZipEntry small{"small", "x"};
  small.comment = "a comment of the entry";
  for (const bool directory_64 : {false, true})
    for (const char* comment : {"", "a comment of the archive"}) {
      const std::string file = zip_of({small, big, {"last", "y"}}, {directory_64, comment});
      EXPECT_EQ(entry(file, "big"), "content");
      EXPECT_EQ(entry(file, "last"), "y");
    }
}

TEST(ZipReader, AFieldOf64BitsThatEndsEarlyIsTold) {
  ZipEntry e{"big", "content", 0, 0, true};
  std::string file = zip_of({e});
  // Its size says 16 bytes, and three numbers of 8 are wanted.
  const size_t field = file.find("big", 40) + 3;
  ASSERT_EQ(file.substr(field, 4), little(1, 2) + little(24, 2));
  EXPECT_EQ(told(replaced(file, field + 2, little(16, 2))),
            "a size of 64 bits is missing in its directory");
  // Without the field the number is what it says: more than there is.
  EXPECT_EQ(told(replaced(file, field, little(2, 2))),
            "its entries are longer than the file: truncated, or they overlap");
}

TEST(ZipReader, WhatIsCompressedOrEncryptedIsRefusedOrLeftOut) {
  for (const bool encrypted : {false, true}) {
    ZipEntry other{"code.py", "aaaaaaaaaaaaaaaaaaaaaaaa"};
    other.method = encrypted ? 0 : 8;
    other.flags = encrypted ? 1 : 0;
    other.stored = "short";
    const std::string file = zip_of({other, {"plain", "text"}});
    EXPECT_EQ(told(file),
              "entry 'code.py' is compressed or encrypted; torch.save stores them plainly");
    EXPECT_EQ(entry(file, "plain", true), "text");
    EXPECT_EQ(told(file, "code.py", true), "the zip archive has no entry 'code.py'");
  }
  // Stored, and yet of two sizes.
  ZipEntry odd{"odd", "four"};
  odd.stored = "longer";
  EXPECT_EQ(told(zip_of({odd})),
            "entry 'odd' is compressed or encrypted; torch.save stores them plainly");
}

TEST(ZipReader, DamageIsToldByWhatIsDamaged) {
  const std::string file = zip_of(kTwo);
  const size_t directory = file.find("PK\1\2"), second = file.find("PK\1\2", directory + 1);
  const size_t end = file.find("PK\5\6");
  EXPECT_EQ(told("PK"), "too short for a zip archive");
  EXPECT_EQ(told(std::string(500, 'x')), "the zip archive has no directory: it is truncated");
  EXPECT_EQ(told(replaced(file, 40, "F"), "a/data.pkl"),
            "entry 'a/data.pkl' is corrupt (its CRC differs)");
  EXPECT_EQ(told(replaced(file, 40, "F"), "a/version"), "nothing");  // Only what is read.
  EXPECT_EQ(told(replaced(file, 0, "XX"), "a/data.pkl"),
            "entry 'a/data.pkl' is not where the directory says");
  EXPECT_EQ(told(replaced(file, directory + 42, little(file.size() + 1, 4)), "a/data.pkl"),
            "the zip archive is truncated or its offsets are wrong");
  EXPECT_EQ(told(replaced(file, second, "XX")), "the directory of the zip archive is damaged");
  EXPECT_EQ(told(replaced(file, end + 10, little(3, 2))),
            "the directory of the zip archive is damaged");
  EXPECT_EQ(told(replaced(file, end + 16, little(0xfffffff0, 4))),
            "the zip archive is truncated or its offsets are wrong");
  // The local header's name is longer than it says there: data then lie beyond the end.
  EXPECT_EQ(told(replaced(file, 26, little(60000, 2)), "a/data.pkl"),
            "entry 'a/data.pkl' is longer than the file");
}

TEST(ZipReader, EntriesAreNotThereTwiceAndDoNotOverlap) {
  EXPECT_EQ(told(zip_of({{"a", "1"}, {"a", "2"}})), "two entries are named 'a'");
  // A thousand names for one block of data would ask for a thousand times its memory.
  const std::string data(1000, 'd');
  std::string file = zip_of({{"a", data}, {"b", ""}});
  const size_t second = file.find("PK\1\2", file.find("PK\1\2") + 1);
  file = replaced(file, second + 20, little(1000, 4) + little(1000, 4));
  file = replaced(file, second + 42, little(0, 4));
  EXPECT_EQ(told(file), "its entries are longer than the file: truncated, or they overlap");
}

TEST(ZipReader, TheDirectoryOf64BitsIsWhereItShouldBe) {
  const std::string file = zip_of(kTwo, {true, ""});
  const size_t locator = file.find("PK\6\7"), at = file.find("PK\6\6");
  EXPECT_EQ(told(file, "a/version"), "nothing");
  EXPECT_EQ(told(replaced(file, locator + 8, little(at + 1, 8))),
            "the zip64 directory is not where it should be");
  for (const uint64_t far : {uint64_t{file.size()}, ~uint64_t{0}, ~uint64_t{0} - 3})
    EXPECT_EQ(told(replaced(file, locator + 8, little(far, 8))),
              "the zip archive is truncated or its offsets are wrong")
        << far;
  EXPECT_EQ(told(replaced(file, at + 48, little(~uint64_t{0} - 20, 8))),
            "the zip archive is truncated or its offsets are wrong");
  // More entries than 2^63: ends at the first that is none.
  EXPECT_EQ(told(replaced(file, at + 32, little(~uint64_t{0}, 8))),
            "the directory of the zip archive is damaged");
}

TEST(ZipReader, EveryPartOfAnArchiveIsRefused) {
  for (const bool directory_64 : {false, true}) {
    const std::string file = zip_of(kTwo, {directory_64, ""});
    for (size_t size = 0; size < file.size(); ++size)
      EXPECT_NE(told(file.substr(0, size)), "nothing") << size;
  }
}

// Whatever one byte becomes: what is read is what was written, or an error.
TEST(ZipReader, AChangedByteNeverChangesWhatIsRead) {
  ZipEntry big{"c", "third entry", 0, 0, true};
  const std::string file = zip_of({kTwo[0], kTwo[1], big}, {true, "end"});
  Rng rng(8, "bytes");
  int read = 0, refused = 0;
  for (size_t at = 0; at < file.size(); ++at)
    for (int k = 0; k < 8; ++k) {
      const std::string bad = replaced(file, at, std::string(1, static_cast<char>(rng.below(256))));
      for (const auto& [name, data] :
           {std::pair("a/data.pkl", "first"), {"a/version", "3\n"}, {"c", "third entry"}}) {
        try {
          EXPECT_EQ(entry(bad, name), data) << at;
          ++read;
        } catch (const DataError&) {
          ++refused;
        }
      }
    }
  EXPECT_GT(read, 2000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace nas
