// Every value is asked for by name and type: what JSON libraries convert on their own (a number for
// a truth value, a fraction for a whole number) would end as a wrong number in a result.
#include "cli/runs/results/exported_description.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/runs/results/lineage.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string shown(const Json& value) {
  constexpr size_t kMost = 40;
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return printable(text);
}

/// An object of the file, and where in it.
class Section {
 public:
  Section(const Json& json, std::string file, std::string place = "")
      : json_(json), file_(std::move(file)), place_(std::move(place)) {
    if (!json.is_object()) fail("", "a section {...}", &json);
  }

  Section section(const char* key) const { return {at(key), file_, path(key)}; }
  /// `otherwise` where it is missing: for what older versions did not write.
  std::string text(const char* key) const {
    const Json& value = at(key);
    if (!value.is_string()) fail(key, "a text", &value);
    return value.get<std::string>();
  }
  std::string text(const char* key, const std::string& otherwise) const {
    return json_.contains(key) ? text(key) : otherwise;
  }
  /// A text that says something.
  std::string name(const char* key) const {
    std::string value = text(key);
    if (value.empty()) fail(key, "a text", &at(key));
    return value;
  }
  int64_t count(const char* key) const {
    const Json& value = at(key);
    const bool whole = value.is_number_integer() &&
                       (!value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX);
    if (!whole || value.get<int64_t>() < 0) fail(key, "a whole number of 0 or more", &value);
    return value.get<int64_t>();
  }
  int64_t count(const char* key, int64_t otherwise) const {
    return json_.contains(key) ? count(key) : otherwise;
  }
  std::vector<float> numbers(const char* key, bool above_zero) const {
    const Json& value = at(key);
    const char* expected = above_zero ? "a list of numbers above 0" : "a list of numbers";
    if (!value.is_array() || value.empty()) fail(key, expected, &value);
    std::vector<float> list;
    for (const Json& one : value) {
      const float number = one.is_number() ? one.get<float>() : NAN;
      if (!std::isfinite(number) || (above_zero && number <= 0)) fail(key, expected, &value);
      list.push_back(number);
    }
    return list;
  }
  [[noreturn]] void fail(const std::string& key,
                         const std::string& expected,
                         const Json* found) const {
    throw DataError(file_ + ": what it says of itself is damaged: " + path(key) + ": expected " +
                    expected +
                    (found == nullptr ? ", but it is missing" : ", found " + shown(*found)));
  }

 private:
  const Json& at(const char* key) const {
    if (!json_.contains(key)) fail(key, "a value", nullptr);
    return json_.at(key);
  }
  std::string path(const std::string& key) const {
    return place_ + (place_.empty() || key.empty() ? "" : ".") + key;
  }

  const Json& json_;
  std::string file_, place_;
};

[[noreturn]] void too_old(const std::string& file, const std::string& run) {
  throw ConfigError(
      file + " does not say which data it was made for: it was exported by a version before 0.2",
      "export it again, or judge it in its run: nas evaluate --run " +
          (run.empty() ? "RUN" : printable(run)));
}

/// The step of its training.
const Json& training(const Json& about, const ExportedText& file, const std::string& run) {
  if (!about.contains("lineage")) too_old(file.path, run);
  const Section lineage(about.at("lineage"), file.path, "lineage");
  if (!about["lineage"].contains("steps") || !about["lineage"]["steps"].is_array())
    lineage.fail("steps",
                 "a list",
                 about["lineage"].contains("steps") ? &about["lineage"]["steps"] : nullptr);
  for (const Json& step : about["lineage"]["steps"]) {
    const Section section(step, file.path, "lineage.steps");
    const std::string command = section.text("command");
    // A search may stand beside it, and the export says what it is of.
    if (command != "search" && command != "export" && section.text("run") == run) return step;
  }
  throw DataError(file.path +
                  ": what it says of itself is damaged: lineage.steps: no training of run " +
                  printable(run));
}

}  // namespace

ExportedDescription description_of(const ExportedText& file) {
  const Json about = Json::parse(file.json, nullptr, false);
  const Section root(about, file.path);
  ExportedDescription d;
  d.run = root.name("run");
  const Json& step = training(about, file, d.run);
  d.architecture = root.name("architecture");
  d.task = root.name("task");
  d.macs = root.count("macs");
  d.params = root.count("params");
  const Section input = root.section("input");
  d.mean = input.numbers("mean", /*above_zero=*/false);
  d.std = input.numbers("std", /*above_zero=*/true);
  if (d.mean.size() != d.std.size())
    throw DataError(file.path + ": what it says of itself is damaged: input.mean has " +
                    std::to_string(d.mean.size()) + " values and input.std " +
                    std::to_string(d.std.size()));
  const Section norms = root.section("batch_norm");
  d.treatment = norms.text("treatment");
  d.calibration_images = norms.count("images");
  d.norms_of_each_batch = norms.count("of_each_batch_in_supernet", 0);
  const Section train(step, file.path, "lineage.steps of run " + printable(d.run));
  d.config = train.text("config");
  if (!step.contains("hashes")) return d;
  const Section hashes = train.section("hashes");
  d.split_hash = hashes.text("split", "");
  d.data_hash = hashes.text("data", "");
  d.data_every = hashes.count("data_every", 1);
  if (d.data_every < 1)
    hashes.fail("data_every", "a whole number of 1 or more", &step["hashes"]["data_every"]);
  return d;
}

}  // namespace nas::cli
