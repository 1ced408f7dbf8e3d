// The compact form of a table: the same values as the text it was made from, or an error.
#include "search/evaluators/compact_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/table_text.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Compact : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "nas-compact-" + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
    text_.file = folder_ + "/t.csv";
    file_ = folder_ + "/t.nast";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string convert(const std::string& content) {
    std::ofstream(text_.file, std::ios::binary) << content;
    const std::string bytes(read_text_rows(*space_, text_, true).bytes());
    write(bytes);
    return bytes;
  }
  void write(const std::string& bytes) { std::ofstream(file_, std::ios::binary) << bytes; }
  TableEvaluator compact(std::vector<std::string> metrics = {}, bool each_form = false) {
    TableOptions options;
    options.file = file_;
    options.metrics = std::move(metrics);
    return TableEvaluator(*space_, options, each_form);
  }
  std::string error(const std::function<void()>& f) {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  std::map<std::string, double> of(TableEvaluator& table, const std::string& arch) {
    const Architecture a = space_->parse(arch);
    return table.evaluate({&a, 1})[0].values;
  }

  std::unique_ptr<Space> space_ = load_space("resnet20-pool");
  std::string folder_, file_;
  TableOptions text_;
};

const char* const kRows =
    "arch;acc;loss;note\n[4,3,3];63.2%;0.1;a\n[1,1,8];50%;;b\n[2,2,6];;3e-300;c\n[3,3,4];;;d\n"
    "[4,3,3];63.2%;0.1;again\n";

TEST_F(Compact, SaysWhatTheTextSays) {
  convert(kRows);
  TableEvaluator text(*space_, text_), read = compact();
  EXPECT_EQ(read.metrics(), text.metrics());
  EXPECT_EQ(read.architectures(), text.architectures());
  EXPECT_EQ(read.size(), 3u);
  space_->enumerate([&](const Architecture& a) {
    const Evaluation x = text.evaluate({&a, 1})[0], y = read.evaluate({&a, 1})[0];
    EXPECT_EQ(x.values, y.values);
    EXPECT_EQ(x.error.empty(), y.error.empty());
    return true;
  });
  EXPECT_THAT(of(read, "[4,3,3]"),
              ElementsAre(testing::Pair("acc", 0.632), testing::Pair("loss", 0.1)));
  EXPECT_THAT(of(read, "[2,2,6]"), ElementsAre(testing::Pair("loss", 3e-300)));
  EXPECT_EQ(read.facts().without_value, 1);
  EXPECT_EQ(read.facts().repeated, 1);
  EXPECT_THAT(read.notes(),
              ElementsAre(HasSubstr("acc is written in percent"), HasSubstr("1 row")));
  // The header is what the file says of itself.
  const CompactHeader header = CompactTable::map(file_).header();
  EXPECT_EQ(header.space, "resnet20-pool");
  EXPECT_EQ(header.fingerprint, space_->fingerprint());
  EXPECT_EQ(header.source, "t.csv");
  EXPECT_EQ(header.source_sha256, sha256_hex(kRows));
  EXPECT_EQ(header.columns[0].unit, "share");
  // The general reader of tables gives the rows in their old order.
  const TableFile cells = read_table_file(file_, "");
  ASSERT_EQ(cells.rows.size(), 3u);
  EXPECT_EQ(cells.rows[1][cells.key].line, 3);
  EXPECT_EQ(value_of(cells.rows[0][column_of(cells, "acc")]).number, 0.632);
  EXPECT_EQ(value_of(cells.rows[1][column_of(cells, "loss")]).kind, CellValue::Kind::kNone);
}

TEST_F(Compact, ColumnsAreChosenAndNamedAsOfText) {
  convert(kRows);
  TableEvaluator one = compact({"test_loss = loss"});
  EXPECT_THAT(one.metrics(), ElementsAre("test_loss"));
  EXPECT_EQ(one.size(), 2u);  // [1,1,8] has none.
  EXPECT_TRUE(of(one, "[1,1,8]").empty());
  EXPECT_THAT(error([&] { compact({"los"}); }), HasSubstr("Did you mean 'loss'?"));
  EXPECT_THAT(error([&] { compact({"latency_ms = acc"}); }), HasSubstr("cannot be"));
  EXPECT_THAT(error([&] { compact({"acc_percent = acc"}); }), HasSubstr("shares, no percents"));
  EXPECT_THAT(error([&] { compact({"acc", "acc"}); }), HasSubstr("twice"));
  TableOptions numbered;
  numbered.file = file_;
  numbered.index_from = 0;
  EXPECT_THROW(TableEvaluator(*space_, numbered), ConfigError);
}

// The rule for several rows of one network is that of text, in either form.
TEST_F(Compact, FormsOfOneNetwork) {
  space_ = load_space("nasbench201");
  convert("arch;acc\n3,0,0,0,1,0;1\n0,3,0,0,0,1;4\n3,3,3,3,3,3;2\n");
  TableEvaluator text(*space_, text_), read = compact();
  for (const char* form : {"3,0,0,0,1,0", "0,3,0,0,0,1", "3,3,3,3,3,3"})
    EXPECT_EQ(of(read, form), of(text, form)) << form;
  EXPECT_EQ(read.size(), 2u);
  EXPECT_EQ(read.facts().merged, 1);
  EXPECT_EQ(read.facts().largest_spread, 3);
  TableEvaluator each = compact({}, true);
  EXPECT_EQ(of(each, "3,0,0,0,1,0").at("acc"), 1);
  EXPECT_EQ(of(each, "0,3,0,0,0,1").at("acc"), 4);
  EXPECT_EQ(each.architectures().size(), 3u);
}

// 60, 62, 64: mean 62, deviation 2; one measurement has no spread.
TEST_F(Compact, MeasurementsKeepTheirSpread) {
  text_.repeats = Repeats::kMean;
  convert("arch;acc\n[4,3,3];60\n[1,1,8];50\n[4,3,3];64\n[4,3,3];62\n");
  TableEvaluator text(*space_, text_), read = compact();
  for (TableEvaluator* table : {&text, &read}) {
    EXPECT_THAT(table->metrics(), ElementsAre("acc", "acc_spread", "acc_n"));
    EXPECT_THAT(table->columns(), ElementsAre("acc"));
    const auto values = of(*table, "[4,3,3]");
    EXPECT_EQ(values.at("acc"), 62);
    EXPECT_EQ(values.at("acc_spread"), 2);
    EXPECT_EQ(values.at("acc_n"), 3);
    EXPECT_EQ(of(*table, "[1,1,8]").at("acc_n"), 1);
    EXPECT_FALSE(of(*table, "[1,1,8]").contains("acc_spread"));
  }
  text_.repeats = Repeats::kRefuse;
  EXPECT_THAT(error([&] { TableEvaluator(*space_, text_); }), HasSubstr("repeats: mean"));
}

TEST_F(Compact, WhatIsDamagedOrForeignIsRefused) {
  const std::string good = convert(kRows);
  ASSERT_NO_THROW(compact());
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    if (CompactTable::is_one(bad)) {
      EXPECT_THROW(CompactTable::of(bad, "t"), DataError) << at;
    }
  }
  for (size_t size = 8; size < good.size(); size += 7)
    EXPECT_THROW(CompactTable::of(good.substr(0, size), "t"), DataError) << size;
  EXPECT_THAT(error([&] { CompactTable::of(good + "x", "t"); }), HasSubstr("added to"));
  std::string newer = good;
  newer[8] = 2;
  EXPECT_THAT(error([&] { CompactTable::of(newer, "t"); }), HasSubstr("is of version 2"));
  // Of a space with other networks, of another with as many choices.
  space_ = load_space("nasbench201");
  EXPECT_THAT(error([&] { compact(); }), HasSubstr("holds networks of space resnet20-pool"));
  write("");
  EXPECT_FALSE(CompactTable::is_file(file_));
  EXPECT_THROW(compact(), DataError);
}

// With a check sum that fits: what the parts say must still fit together.
TEST_F(Compact, PartsThatContradictEachOtherAreRefused) {
  const std::string good = convert(kRows);
  const size_t header =
      static_cast<unsigned char>(good[12]) + 256u * static_cast<unsigned char>(good[13]);
  const size_t choices = space_->choices().size(), keys = 24 + header;
  const auto last_option = static_cast<char>(space_->choices()[0].options.size() - 1);
  const auto changed = [&](size_t at, char to) {
    std::string bytes = good;
    bytes[at] = to;
    bytes.resize(bytes.size() - 64);
    return error([&] { CompactTable::of(bytes + sha256_hex(bytes), "t"); });
  };
  EXPECT_THAT(changed(keys, 100), HasSubstr("an option that there is not"));
  EXPECT_THAT(changed(keys, last_option), HasSubstr("out of order"));
  EXPECT_THAT(changed(keys + 3 * choices, 1), HasSubstr("belong to nothing"));
  EXPECT_THAT(changed(keys + 3 * choices + 4, 9), HasSubstr("out of order"));
  // The last value as infinity.
  std::string bytes = good.substr(0, good.size() - 64);
  for (size_t i = 0; i < 8; ++i) bytes[bytes.size() - 8 + i] = "\0\0\0\0\0\0\xf0\x7f"[i];
  EXPECT_THAT(error([&] { CompactTable::of(bytes + sha256_hex(bytes), "t"); }),
              HasSubstr("not finite"));
}

}  // namespace
}  // namespace nas
