// --tensorboard: the files are read here by a reader of its own, record for record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "process.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

template <typename T>
T number_at(const std::string& bytes, size_t at) {
  T value{};
  if (at + sizeof value > bytes.size()) throw std::runtime_error("cut off");
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// CRC32C bit by bit, as its definition is.
uint32_t crc32c(const std::string& bytes) {
  uint32_t crc = ~0U;
  for (const char c : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const bool odd = ((crc ^ static_cast<unsigned char>(c) >> bit) & 1) != 0;
      crc = (crc >> 1) ^ (odd ? 0x82F63B78U : 0U);
    }
  return ~crc;
}

uint32_t masked(const std::string& bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> list;
  for (size_t at = 0; at < file.size();) {
    const auto length = number_at<uint64_t>(file, at);
    EXPECT_EQ(number_at<uint32_t>(file, at + 8), masked(file.substr(at, 8)));
    list.push_back(file.substr(at + 12, length));
    EXPECT_EQ(number_at<uint32_t>(file, at + 12 + length), masked(list.back()));
    at += 16 + length;
  }
  return list;
}

/// Fields of a message: numbers as text, bytes as they are.
std::multimap<int, std::string> fields(const std::string& message) {
  std::multimap<int, std::string> found;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(message.at(at++));
      value |= uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const uint64_t key = varint();
    size_t size = 0;
    if ((key & 7) == 0) {
      found.emplace(key >> 3, std::to_string(varint()));
      continue;
    }
    size = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : varint();
    found.emplace(key >> 3, message.substr(at, size));
    at += size;
  }
  return found;
}

std::string field(const std::string& message, int number) {
  const auto all = fields(message);
  const auto it = all.find(number);
  return it == all.end() ? "" : it->second;
}

struct Points {
  std::map<std::pair<std::string, int64_t>, float> values;
  std::map<int64_t, double> walls;
  std::map<std::string, std::string> texts;
  size_t doubled = 0;
};

Points points_of(const std::string& file) {
  Points points;
  const std::vector<std::string> all = records(file);
  EXPECT_EQ(field(all.at(0), 3), "brain.Event:2");
  for (const std::string& event : all) {
    const std::string step = field(event, 2);
    const int64_t number = step.empty() ? 0 : std::stoll(step);
    const auto wall = number_at<double>(field(event, 1), 0);
    const std::string summary = field(event, 5);
    for (const auto& [key, value] : fields(summary)) {
      const std::string tag = field(value, 1), simple = field(value, 2);
      if (simple.empty()) {
        EXPECT_EQ(field(field(field(value, 9), 1), 1), "text");
        points.texts[tag] = field(field(value, 8), 8);
        continue;
      }
      points.walls[number] = wall;
      points.doubled += points.values.contains({tag, number}) ? 1 : 0;
      points.values[{tag, number}] = number_at<float>(simple, 0);
    }
  }
  return points;
}

/// The one event file below a folder.
std::string event_file(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  EXPECT_EQ(files.size(), 1U);
  return files.empty() ? "" : files.front();
}

/// Metrics but the clock, as tags.
std::map<std::pair<std::string, int64_t>, float> stored(const Store& store, const std::string& id) {
  std::map<std::pair<std::string, int64_t>, float> values;
  for (const MetricRow& row : store.metrics(id)) {
    std::string tag = row.name;
    if (tag == "time.ended") continue;
    if (tag.find('.') != std::string::npos) tag[tag.find('.')] = '/';
    values[{tag, row.step}] = static_cast<float>(row.value);
  }
  return values;
}

TEST(TensorBoard, AKilledRunGoesOnWithoutLostOrDoubledPoints) {
  const std::string folder = fresh_folder();
  write_file(folder + "/train.yaml",
             "space: digits\n"
             "data: {kind: digits, limit: 320, crop_padding: 1}\n"
             "strategy: uniform\n"
             "threads: 1\n"
             "train:\n  epochs: 5\n  batch: 64\n  checkpoint: {epochs: 2}\n"
             "  validation: {every: 20, subnets: 2, images: 100}\n");
  Launch launch{
      {"train", "--config", "train.yaml", "--name", "small", "--tensorboard", "events/here"},
      folder};
  launch.signal = SIGKILL;
  launch.signal_at = "epoch 3/";
  ASSERT_EQ(run(launch).code, 128 + SIGKILL);
  const std::string before = event_file(folder + "/events/here");
  EXPECT_GE(points_of(read(before)).walls.size(), 3U);
  // As of a process that died while it wrote.
  std::ofstream(before, std::ios::binary | std::ios::app) << "\x20\x00half of a record";

  const Finished done =
      run(Launch{{"train", "--resume", "small", "--tensorboard", "events/here", "-q"}, folder});
  ASSERT_EQ(done.code, 0) << done.err;
  const Store store(folder + "/nas.db");
  const RunRow row = store.run("small").value();
  const Points live = points_of(read(event_file(folder + "/events/here")));
  EXPECT_EQ(live.doubled, 0U);
  EXPECT_EQ(live.values, stored(store, row.id));
  EXPECT_EQ(live.walls.size(), 5U);
  for (int64_t epoch = 2; epoch <= 5; ++epoch)
    EXPECT_LE(live.walls.at(epoch - 1), live.walls.at(epoch));
  EXPECT_NEAR(live.walls.at(5), static_cast<double>(std::time(nullptr)), 60);
  EXPECT_THAT(live.texts.at("configuration"), HasSubstr("limit: 320"));
  EXPECT_THAT(live.texts.at("run"), HasSubstr(row.id));

  // The same of the finished run: in the same place, and elsewhere.
  for (const std::string place : {"events/here", "events/there"}) {
    const Finished again =
        run(Launch{{"results", "small", "--tensorboard", place, "--json"}, folder});
    ASSERT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(Json::parse(again.out)["values"], live.values.size());
    const Points copy = points_of(read(event_file(folder + "/" + place)));
    EXPECT_EQ(copy.values, live.values);
    EXPECT_EQ(copy.walls, live.walls);
    EXPECT_EQ(copy.texts, live.texts);
  }
}

TEST(TensorBoard, WrongUseIsTold) {
  const std::string folder = fresh_folder();
  write_file(folder + "/file", "");
  const Finished blocked = run(
      Launch{{"train", "--config", "quickstart/train", "--tensorboard", "file/events"}, folder});
  EXPECT_EQ(blocked.code, 1);
  EXPECT_THAT(blocked.err, HasSubstr("file/events"));
  EXPECT_FALSE(fs::exists(folder + "/nas.db"));
  Store store(folder + "/nas.db");
  RunRow row;
  row.id = "s-1";
  row.command = "search";
  row.status = "finished";
  row.space = "digits";
  store.add_run(row);
  EXPECT_EQ(run(Launch{{"results", "s-1", "--tensorboard", "events"}, folder}).code, 2);
  store.add_metrics("s-1", {{1, "hypervolume", .5}, {2, "hypervolume", NAN}});
  const Finished mixed =
      run(Launch{{"results", "s-1", "--tensorboard", "events", "--where", "macs <= 1"}, folder});
  EXPECT_EQ(mixed.code, 2);
  EXPECT_THAT(mixed.err, HasSubstr("--where"));
  ASSERT_EQ(run(Launch{{"results", "s-1", "--tensorboard", "events"}, folder}).code, 0);
  const Points points = points_of(read(event_file(folder + "/events")));
  EXPECT_EQ(points.values.at({"hypervolume", 1}), .5F);
  EXPECT_TRUE(std::isnan(points.values.at({"hypervolume", 2})));
}

}  // namespace
}  // namespace nas::test
