// Results folders that are moved, copied, damaged or deleted, with the real binaries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "../data/tiny_png.hpp"
#include "process.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

std::string config(const std::string& folder, const std::string& rest = "") {
  write_file(folder + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 200}\nstrategy: uniform\nthreads: 1\n"
             "train: {epochs: 8, batch: 64, validation: {every: 0}, checkpoint: {keep: 2}}\n"
             "evaluate: {images: 50, recalibrate: {images: 64}}\n" +
                 rest);
  return "train.yaml";
}

/// A run of 8 epochs that was killed in the middle, with checkpoints.
void killed_run(const std::string& folder) {
  Launch launch;
  launch.folder = folder;
  launch.args = {"train", "--config", config(folder), "--name", "net"};
  launch.signal = SIGKILL;
  launch.signal_at = "epoch 4/";
  ASSERT_EQ(run(launch).code, 128 + SIGKILL);
}

/// Contents of all files below.
std::map<std::string, std::string> snapshot(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().lexically_relative(folder).string()] =
        std::string{std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

/// A copy of such a run, made once.
std::string copy_of_killed_run() {
  static const std::string made = [] {
    std::string folder = fresh_folder();
    killed_run(folder);
    return folder;
  }();
  std::string folder = fresh_folder();
  fs::copy(made, folder, fs::copy_options::recursive);
  return folder;
}

std::string resumed_weights(const std::string& folder) {
  const Finished done = nas(folder, {"train", "--resume", "net", "--json", "-q"});
  EXPECT_EQ(done.code, 0) << done.err;
  return done.code == 0 ? Json::parse(done.out)["weights_sha256"].get<std::string>() : "";
}

std::vector<std::string> checkpoints(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder + "/nas-runs"))
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Moved, ACopyNeverTouchesTheOriginal) {
  const std::string base = fresh_folder(), one = base + "/one", two = base + "/two";
  fs::create_directory(one);
  killed_run(one);
  fs::copy(one, two, fs::copy_options::recursive);
  const auto before = snapshot(one);
  const std::string weights = resumed_weights(two);
  EXPECT_EQ(snapshot(one), before);
  for (const std::string& file : checkpoints(two)) EXPECT_THAT(file, HasSubstr(two));
  // The original goes on by itself, to the same bits.
  EXPECT_EQ(resumed_weights(one), weights);
  EXPECT_EQ(snapshot(two).size(), snapshot(one).size());
}

TEST(Moved, AMovedFolderIsUsedWhereItIs) {
  const std::string base = fresh_folder(), before = base + "/before", after = base + "/after";
  fs::create_directory(before);
  killed_run(before);
  fs::rename(before, after);
  resumed_weights(after);
  EXPECT_FALSE(fs::exists(before));
  const Finished judged = nas(after, {"evaluate", "--run", "net", "--sample", "2", "--json"});
  EXPECT_EQ(judged.code, 0) << judged.err;
  const Finished found =
      nas(after,
          {"search", "--run", "net", "-q", "--evaluations", "8", "--set", "search.population=8"});
  EXPECT_EQ(found.code, 0) << found.err;
  const Finished exported = nas(after, {"export", "--run", "net", "--pick", "best", "--json"});
  ASSERT_EQ(exported.code, 0) << exported.err;
  EXPECT_THAT(Json::parse(exported.out)["files"]["json"]["path"].get<std::string>(),
              HasSubstr(after));
}

TEST(Moved, TheHintOfAMissingCheckpointIsNoDeadEnd) {
  const std::string folder = fresh_folder();
  ASSERT_EQ(
      nas(folder,
          {"train", "-q", "--config", config(folder), "--name", "net", "--set", "train.epochs=1"})
          .code,
      0);
  fs::remove_all(folder + "/nas-runs");
  const Finished judged = nas(folder, {"evaluate", "--run", "net", "--sample", "1"});
  EXPECT_EQ(judged.code, 1) << "what was written is gone, as if it were damaged";
  EXPECT_THAT(judged.err, HasSubstr("has no checkpoint"));
  EXPECT_THAT(judged.err, Not(HasSubstr("--resume")));
  EXPECT_THAT(judged.err, HasSubstr("--config-only > again.yaml"));
}

TEST(Moved, AKilledRunWhoseCheckpointsAreGoneDoesNotStartOverSilently) {
  const std::string folder = fresh_folder();
  killed_run(folder);
  fs::remove_all(folder + "/nas-runs");
  const Finished done = nas(folder, {"train", "--resume", "net"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("has no checkpoint"));
}

TEST(Moved, AStoreDeletedUnderATrainingStopsIt) {
  const std::string folder = fresh_folder();
  Launch launch;
  launch.folder = folder;
  launch.args = {"train", "--config", config(folder), "--set", "train.epochs=100000"};
  std::thread deleter([&] {
    const auto begun = [&] {
      return fs::exists(folder + "/nas-runs") && !checkpoints(folder).empty();
    };
    for (int i = 0; i < 60000 && !begun(); ++i) usleep(1000);
    fs::remove(folder + "/nas.db");
  });
  const Finished done = run(launch);
  deleter.join();
  EXPECT_EQ(done.code, 1) << done.out;
  EXPECT_THAT(done.err, HasSubstr("the store was deleted, moved or replaced"));
  EXPECT_FALSE(fs::exists(folder + "/nas.db"));
  EXPECT_FALSE(checkpoints(folder).empty());
}

TEST(Damaged, TheOlderCheckpointIsUsedAndSaid) {
  const auto flip = [](const std::string& file, int64_t at) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(at);
    const char byte = static_cast<char>(stream.get() ^ 1);
    stream.seekp(at);
    stream.put(byte);
  };
  const std::vector<std::pair<std::string, std::function<void(const std::string&)>>> damages = {
      {"truncated", [](const std::string& f) { fs::resize_file(f, fs::file_size(f) / 2); }},
      {"empty", [](const std::string& f) { fs::resize_file(f, 0); }},
      {"header", [&](const std::string& f) { flip(f, 60); }},
      {"data",
       [&](const std::string& f) { flip(f, static_cast<int64_t>(fs::file_size(f)) - 100); }},
      {"missing", [](const std::string& f) { fs::remove(f); }}};
  std::string weights;
  for (const auto& [name, damage] : damages) {
    const std::string folder = copy_of_killed_run();
    const std::vector<std::string> files = checkpoints(folder);
    ASSERT_GE(files.size(), 2u);
    const std::string victim = fs::path(files.back()).filename().string(),
                      older = fs::path(files[files.size() - 2]).filename().string();
    damage(files.back());
    const std::string told = "the older " + older + " is used instead";
    // Judging opens runs as resuming does.
    if (name == "data") {
      const Finished judged = nas(folder, {"evaluate", "--run", "net", "--sample", "1"});
      EXPECT_EQ(judged.code, 0) << judged.err;
      EXPECT_THAT(judged.err, HasSubstr(victim));
      EXPECT_THAT(judged.err, HasSubstr(told));
    }
    const Finished done = nas(folder, {"train", "--resume", "net", "--json"});
    ASSERT_EQ(done.code, 0) << name << done.err;
    EXPECT_THAT(done.err, HasSubstr(victim)) << name;
    EXPECT_THAT(done.err, HasSubstr(told)) << name;
    const std::string found = Json::parse(done.out)["weights_sha256"];
    EXPECT_EQ(found, weights.empty() ? found : weights) << name;
    weights = found;
    // Nothing more to warn of.
    if (name != "data") continue;
    EXPECT_THAT(nas(folder, {"evaluate", "--run", "net", "--sample", "1"}).err,
                Not(HasSubstr("used instead")));
  }
  EXPECT_EQ(resumed_weights(copy_of_killed_run()), weights);
}

TEST(Damaged, WhenNoneCanBeReadAllAreNamed) {
  const std::string folder = copy_of_killed_run();
  for (const std::string& file : checkpoints(folder)) fs::resize_file(file, 100);
  const Finished done = nas(folder, {"train", "--resume", "net"});
  EXPECT_EQ(done.code, 1);
  for (const std::string& file : checkpoints(folder))
    EXPECT_THAT(done.err, HasSubstr(fs::path(file).filename().string()));
  EXPECT_EQ(nas(folder, {"evaluate", "--run", "net", "--sample", "1"}).code, 1);
}

TEST(Damaged, TemporaryFilesOfKilledWritersGoWhenTheRunGoesOn) {
  const std::string folder = copy_of_killed_run();
  const std::string own = fs::path(checkpoints(folder).front()).parent_path().string();
  const std::string dead = own + "/checkpoint-000000000999.safetensors.tmp999999999";
  const std::string living =
      own + "/checkpoint-000000000999.safetensors.tmp" + std::to_string(getpid());
  write_file(dead, "x");
  write_file(living, "x");
  resumed_weights(folder);
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(living));
}

/// 60 images of the idx format, 8x8, six of each class.
void write_idx(const std::string& folder, int shift_of_pixels = 0) {
  fs::create_directories(folder);
  const auto number = [](std::string& to, uint32_t v) {
    for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(v >> shift & 255);
  };
  for (const char* kind : {"train", "t10k"}) {
    std::string images, labels;
    for (const uint32_t v : {0x803U, 120U, 8U, 8U}) number(images, v);
    for (const uint32_t v : {0x801U, 120U}) number(labels, v);
    for (int i = 0; i < 120; ++i) {
      labels += static_cast<char>(i % 10);
      for (int p = 0; p < 64; ++p)
        images += static_cast<char>((i % 10) * 20 + (p * (i + 3) + kind[0] + shift_of_pixels) % 19);
    }
    write_file(folder + "/" + kind + "-images-idx3-ubyte", images);
    write_file(folder + "/" + kind + "-labels-idx1-ubyte", labels);
  }
}

/// A project folder whose configuration names its own space and data by relative paths.
void write_project(const std::string& folder) {
  write_idx(folder + "/images");
  fs::create_directories(folder + "/spaces");
  write_file(folder + "/spaces/mine.yaml",
             "family: custom\nchannels: 1\nresolutions: [8]\nstages:\n"
             "  - {widths: [4, 8], depths: [1], blocks: [conv]}\n");
  write_file(folder + "/train.yaml",
             "space: spaces/mine.yaml\ndata: {kind: idx, path: images}\nthreads: 1\n"
             "train: {epochs: 1, batch: 32, validation: {every: 0}}\n"
             "evaluate: {images: 20, recalibrate: {images: 32}}\n");
}

TEST(Paths, AreRelativeToTheConfigurationAndFoundFromAnyFolder) {
  const std::string base = fresh_folder(), project = base + "/project", else_ = base + "/else";
  write_project(project);
  fs::create_directory(else_);
  const std::string db = base + "/nas.db";
  const Finished done = nas(
      else_,
      {"train", "-q", "--config", project + "/train.yaml", "--name", "net", "--db", db, "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  for (const std::string& folder : {project, else_}) {
    const Finished judged =
        nas(folder, {"evaluate", "--run", "net", "--db", db, "--sample", "1", "--json"});
    EXPECT_EQ(judged.code, 0) << judged.err;
  }
  // The space belongs to the run from now on; the data can be told anew.
  fs::remove_all(project + "/spaces");
  fs::rename(project + "/images", base + "/elsewhere");
  const Finished lost = nas(else_, {"evaluate", "--run", "net", "--db", db, "--sample", "1"});
  EXPECT_EQ(lost.code, 2);
  EXPECT_THAT(lost.err, HasSubstr("--set data.path=FOLDER"));
  const std::string told = "data.path=" + base + "/elsewhere";
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"evaluate", "--sample", "1"},
        {"export", "--arch", "4:conv", "--out", base + "/out"},
        {"search", "-q", "--evaluations", "2", "--algorithm", "random"}}) {
    std::vector<std::string> args = command;
    args.insert(args.end(), {"--run", "net", "--db", db, "--set", told});
    const Finished found = nas(else_, args);
    EXPECT_EQ(found.code, 0) << command[0] << ": " << found.err;
  }
  // Other images are not those of the run.
  write_idx(base + "/other");
  std::string labels(8, '\0');
  labels[2] = 8;
  labels[3] = 1;
  labels[7] = 120;
  for (int i = 0; i < 120; ++i) labels += static_cast<char>((i / 3) % 10);
  write_file(base + "/other/train-labels-idx1-ubyte", labels);
  const Finished other = nas(else_,
                             {"evaluate",
                              "--run",
                              "net",
                              "--db",
                              db,
                              "--sample",
                              "1",
                              "--set",
                              "data.path=" + base + "/other"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("are not those of run"));
  const Finished wrong = nas(
      else_, {"evaluate", "--run", "net", "--db", db, "--sample", "1", "--set", "data.limit=10"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("data.path"));
}

// Equal labels, one other pixel: nothing but the contents tells.
TEST(Paths, ChangedImagesAreRefusedAndARunThatCannotGoOnStaysAsItWas) {
  const std::string folder = fresh_folder() + "/my project";
  write_project(folder);
  ASSERT_EQ(nas(folder, {"train", "-q", "--config", "train.yaml", "--name", "net"}).code, 0);
  const Json shown = Json::parse(nas(folder, {"runs", "show", "net", "--json"}).out);
  EXPECT_EQ(shown["data"]["contents_sha256"].get<std::string>().size(), 64U);
  EXPECT_EQ(shown["data"]["images"], 240);
  const std::string images = folder + "/images/t10k-images-idx3-ubyte";
  {
    std::fstream file(images, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16 + 5 * 64);
    file.put('\xfe');
  }
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"evaluate", "--sample", "1"},
        {"export", "--arch", "4:conv"},
        {"search", "--evaluations", "2"}}) {
    std::vector<std::string> all = args;
    all.insert(all.end(), {"--run", "net"});
    const Finished done = nas(folder, all);
    EXPECT_EQ(done.code, 1) << done.out;
    EXPECT_THAT(done.err, HasSubstr("the contents of the images have changed"));
    EXPECT_THAT(done.err, HasSubstr("--set data.path=FOLDER"));
  }
  const std::string id = shown["run"];
  RunRow before;
  {
    Store store(folder + "/nas.db");
    store.finish_run(id, "failed", "the disk was full");
    before = *store.run(id);
  }
  EXPECT_EQ(nas(folder, {"train", "--resume", "net"}).code, 1);
  const RunRow after = *Store(folder + "/nas.db").run(id);
  EXPECT_EQ(after.status, "failed");
  EXPECT_EQ(after.error, "the disk was full");
  EXPECT_EQ(after.ended, before.ended);
  EXPECT_EQ(after.pid, before.pid);
  // Put back, they are those of the run; runs of earlier versions kept no contents.
  {
    std::fstream file(images, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16 + 5 * 64);
    file.put(static_cast<char>((5 % 10) * 20 + 't' % 19));
  }
  EXPECT_EQ(nas(folder, {"evaluate", "--run", "net", "--sample", "1", "-q"}).code, 0);
  Store(folder + "/nas.db").set_document(id, "data", "{}");
  write_idx(folder + "/images", /*shift_of_pixels=*/1);
  EXPECT_EQ(nas(folder, {"evaluate", "--run", "net", "--sample", "1", "-q"}).code, 0);
}

// The images and their labels are the same; what a label means is not.
TEST(Paths, RenamedClassesAreRefused) {
  const std::string folder = fresh_folder();
  write_project(folder);
  for (const char* name : {"ant", "bee"}) {
    const std::string place = folder + "/pictures/" + name + "/";
    fs::create_directories(place);
    for (int i = 0; i < 20; ++i)
      write_file(place + std::to_string(i) + ".png",
                 tiny_png(static_cast<uint8_t>(10 * i + (name[0] == 'a' ? 0 : 5)), 8));
  }
  write_file(folder + "/spaces/mine.yaml",
             "family: custom\nclasses: 2\nchannels: 1\nresolutions: [8]\nstages:\n"
             "  - {widths: [4, 8], depths: [1], blocks: [conv]}\n");
  const Finished trained = nas(folder,
                               {"train",
                                "-q",
                                "--config",
                                "train.yaml",
                                "--name",
                                "net",
                                "--set",
                                "data={kind: auto, path: pictures, resolution: 8, channels: 1}"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  ASSERT_EQ(nas(folder, {"evaluate", "--run", "net", "--sample", "1"}).code, 0);
  // Still the second by name: labels and contents stay as they were.
  fs::rename(folder + "/pictures/bee", folder + "/pictures/wasp");
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"evaluate", "--run", "net", "--sample", "1"},
        {"export", "--run", "net", "--arch", "4:conv"}}) {
    const Finished done = nas(folder, args);
    EXPECT_EQ(done.code, 1) << done.out;
    EXPECT_THAT(done.err, HasSubstr("class 1 is called 'wasp', trained as 'bee'"));
  }
}

TEST(Paths, WhatIsSuggestedFindsTheDataWhereTheUserSaidItLies) {
  const std::string folder = fresh_folder();
  write_project(folder);
  const std::string db = folder + "/a store.db", place = folder + "/new place";
  ASSERT_EQ(
      nas(folder, {"train", "-q", "--config", "train.yaml", "--name", "net", "--db", db}).code, 0);
  fs::rename(folder + "/images", place);
  const Finished searched = nas(
      folder,
      {"search", "--run", "net", "--evaluations", "2", "--db", db, "--set", "data.path=" + place});
  ASSERT_EQ(searched.code, 0) << searched.err;
  // The line itself, as a shell runs it.
  const size_t at = searched.out.find("next: nas export");
  ASSERT_NE(at, std::string::npos) << searched.out;
  const std::string line = searched.out.substr(at + 6, searched.out.find('\n', at) - at - 6);
  EXPECT_EQ(std::system(("cd '" + folder + "' && PATH=" NAS_BINARY_DIR ":$PATH " + line +
                         " -q --out exported > /dev/null")
                            .c_str()),
            0)
      << line;
  EXPECT_TRUE(fs::exists(folder + "/exported/model.ts"));
}

TEST(Paths, ARunOfOneArchitectureIsToldWhatFitsIt) {
  const std::string folder = fresh_folder();
  write_project(folder);
  const Finished done =
      nas(folder, {"train", "--config", "train.yaml", "--strategy", "fixed", "--db", "my own.db"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("--arch 8:conv --split test --db 'my own.db'"));
  EXPECT_THAT(done.out, Not(HasSubstr("nas search")));
  for (const std::vector<std::string>& args : {std::vector<std::string>{"export"},
                                               {"export", "--pick", "best"},
                                               {"evaluate"},
                                               {"evaluate", "--pick", "best"}}) {
    std::vector<std::string> all = args;
    all.insert(all.end(), {"--db", "my own.db"});
    const Finished refused = nas(folder, all);
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr("--arch 8:conv"));
    EXPECT_THAT(refused.err, Not(HasSubstr("nas search")));
    EXPECT_THAT(refused.err, Not(HasSubstr("--sample")));
  }
  const Finished measured =
      nas(folder, {"measure", "--run", "last", "--repeats", "1", "--db", "my own.db", "-q"});
  EXPECT_EQ(measured.code, 0) << measured.err;
  EXPECT_THAT(measured.out, Not(HasSubstr("next:")));
}

TEST(Paths, AProjectMovesWithItsDataAndItsStore) {
  const std::string base = fresh_folder(), before = base + "/before", after = base + "/after";
  write_project(before);
  ASSERT_EQ(nas(before, {"train", "-q", "--config", "train.yaml", "--name", "net"}).code, 0);
  fs::rename(before, after);
  const Finished judged = nas(after, {"evaluate", "--run", "net", "--sample", "1"});
  EXPECT_EQ(judged.code, 0) << judged.err;
  const Finished measured = nas(after, {"measure", "--run", "net", "--repeats", "2", "-q"});
  EXPECT_EQ(measured.code, 0) << measured.err;
}

}  // namespace
}  // namespace nas::test
