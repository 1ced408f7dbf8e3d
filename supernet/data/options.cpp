// The `data:` section, and opening what it names.
#include <algorithm>
#include <filesystem>

#include "supernet/data/dataset.hpp"
#include "supernet/data/prepare.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

const SourceKind* find_kind(const std::string& name) {
  for (const SourceKind& kind : source_kinds())
    if (kind.name == name) return &kind;
  return nullptr;
}

/// Something to read lies at the path; a pattern of shard names is checked when it is opened.
void check_path(const std::string& path) {
  if (is_shard_pattern(path)) return;
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  const std::string start = "data.path: '" + path + "' ";
  if (type == fs::file_type::not_found) throw ConfigError(start + "does not exist");
  if (type == fs::file_type::none) throw ConfigError(start + "cannot be read: " + error.message());
  if (type != fs::file_type::directory && type != fs::file_type::regular)
    throw ConfigError(start + "is neither a folder nor a regular file");
}

std::string kind_names() {
  std::string text;
  for (const auto& [name, help] : data_kinds()) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Mean and deviation are those of pixel/255, so neither can be beyond 1. Values for pixels of 0 to
/// 255 are in circulation too (123.675, 58.395, ...); taken here they would make all images alike.
std::string check_list(const std::vector<double>& v, bool deviation) {
  if (v.size() == 2 || v.size() > 3) return "expected 1 or 3 values, one per channel";
  for (const double x : v) {
    if (x > 1 && x <= 255)
      return "values are those of pixel/255 and at most 1; divide these by 255";
    if (!(x >= 0 && x <= 1)) return "values are those of pixel/255 and lie between 0 and 1";
    if (deviation && x == 0) return "every value must be greater than 0";
    // A quarter of a shade of 255: images that hold less hold nothing, and inputs would be huge.
    if (deviation && x < 1e-3)
      return "every value must be at least 0.001; inputs are divided by it";
  }
  return "";
}

/// What one key alone cannot tell.
void check_together(Binder& b, const DataOptions& o) {
  const SourceKind* kind = find_kind(o.kind);
  if (o.path.empty() && (o.kind == "auto" || (kind && kind->needs_path)))
    b.problem("path",
              "missing: kind '" + o.kind + "' needs the folder or file with the data",
              "add `path: ...` to the section, or --set data.path=...");
  if (!o.path.empty() && kind && !kind->needs_path)
    b.problem("path",
              "kind '" + o.kind + "' reads no files, so this path would be ignored",
              "set `kind: auto` to find the kind from the path, or name it: " + kind_names());
  if (o.mean.empty() != o.std.empty() || o.mean.size() != o.std.size())
    b.problem(o.mean.empty() ? "mean" : "std",
              "mean and std go together: " + std::to_string(o.mean.size()) + " and " +
                  std::to_string(o.std.size()) + " values are given");
  if (o.validation + o.test >= 1)
    b.problem("validation",
              "validation and test together leave no training images",
              "their sum must be less than 1");
}

}  // namespace

void describe(Binder& b, DataOptions& o) {
  std::vector<std::pair<std::string, std::string>> kinds;
  for (const auto& [name, help] : data_kinds()) kinds.emplace_back(name, name);
  b.choice("kind", o.kind, kinds, "What the data is; auto finds it from the path");
  b.value("path", o.path, "Folder or file with the data (not for digits, synthetic)");
  b.value("resolution",
          o.resolution,
          "Side of the images: short side resized, centre cropped; 0: as they are")
      .range(0, 4096)
      .unit("pixels");
  b.value("channels", o.channels, "1 grey, 3 RGB; 0: as the data is").check([&o] {
    return o.channels == 0 || o.channels == 1 || o.channels == 3 ? "" : "expected 0, 1 or 3";
  });
  b.value("limit", o.limit, "Train on only this many images, stratified; 0: all").range(0, 1e15);
  b.choice<std::string>("labels",
                        o.labels,
                        {{"fine", "fine"}, {"coarse", "coarse"}},
                        "Which labels of cifar100 (100 fine or 20 coarse classes)");
  b.value("validation", o.validation, "Share of what is not test, held out for the search")
      .range(0, 0.95);
  b.value("test", o.test, "Share held out for the final test, where the data names no test images")
      .range(0, 0.95);
  b.list("mean", o.mean, "Subtracted from pixel/255, per channel; empty: known or measured")
      .check([&o] { return check_list(o.mean, false); });
  b.list("std", o.std, "Divides after the mean, per channel; empty: known or measured").check([&o] {
    return check_list(o.std, true);
  });
  b.value("crop_pct",
          o.crop_pct,
          "Evaluation scales the short side to resolution / crop_pct and cuts out the centre "
          "(0.875: to 256 for 224); training is not touched")
      .range(0.05, 1);
  b.value("crop_padding", o.crop_padding, "Random crop after zero padding; 0: off")
      .range(0, 512)
      .unit("pixels");
  b.value("flip", o.flip, "Mirror left to right with probability 0.5 in training");
  b.value("cutout", o.cutout, "Side of the square set to zero in training; 0: off")
      .range(0, 4096)
      .unit("pixels");
  b.value("workers", o.workers, "Threads that decode and augment").range(1, 256);
  b.value("prefetch", o.prefetch, "Batches prepared ahead").range(1, 1024);
  b.choice<std::string>("cache",
                        o.cache,
                        {{"auto", "auto"}, {"off", "off"}},
                        "Keep decoded images in memory where they fit");
  b.value("synthetic_size", o.synthetic_size, "Images of kind synthetic").range(1, 1e9);
  b.value("synthetic_classes", o.synthetic_classes, "Classes of kind synthetic").range(2, 10000);
  b.value("synthetic_resolution", o.synthetic_resolution, "Side of kind synthetic")
      .range(4, 1024)
      .unit("pixels");
  b.value("synthetic_seed", o.synthetic_seed, "Seed of the images of kind synthetic");
  b.value("split_seed", o.split_seed, "Seed of the splits; not the run's, so that runs compare");
  if (b.reading()) check_together(b, o);
}

const std::vector<std::pair<std::string, std::string>>& data_kinds() {
  static const std::vector<std::pair<std::string, std::string>> kinds = [] {
    std::vector<std::pair<std::string, std::string>> list;
    for (const SourceKind& kind : source_kinds()) list.emplace_back(kind.name, kind.help);
    list.emplace_back("auto", "found from what lies at `path`");
    return list;
  }();
  return kinds;
}

std::string resolve_kind(const DataOptions& options) {
  if (options.kind != "auto") return options.kind;
  check_path(options.path);
  if (is_shard_pattern(options.path)) return "webdataset";
  for (const SourceKind& kind : source_kinds())
    if (kind.recognises && kind.recognises(options.path)) return kind.name;
  throw ConfigError(
      "data.path: '" + options.path + "' holds none of the known kinds of data",
      "known kinds: " + kind_names() + "; name one with data.kind to see what it misses");
}

std::unique_ptr<Dataset> open_source(const DataOptions& options, Faults& faults) {
  const SourceKind* kind = find_kind(resolve_kind(options));
  if (!kind)
    throw ConfigError("data.kind: unknown kind '" + options.kind + "'", "known: " + kind_names());
  if (kind->needs_path) {
    if (options.path.empty())
      throw ConfigError("data.path: missing; kind '" + kind->name + "' needs a folder or file",
                        "set data.path");
    check_path(options.path);
  }
  std::unique_ptr<Dataset> data = kind->open(options, faults);
  if (data->size() == 0) throw DataError(options.path + ": holds no images");
  return data;
}

std::unique_ptr<Dataset> open_source(const DataOptions& options) {
  Faults faults(/*collect=*/false);
  return open_source(options, faults);
}

std::unique_ptr<Dataset> open_dataset(const DataOptions& options) {
  return prepare_dataset(open_source(options), options);
}

InputShape input_shape(const Dataset& data, const DataOptions& options) {
  InputShape shape;
  shape.c = options.channels > 0 ? options.channels : data.channels();
  if (options.resolution > 0) {
    shape.h = shape.w = options.resolution;
  } else if (const auto size = data.fixed_size()) {
    std::tie(shape.h, shape.w) = *size;
  } else {
    throw ConfigError("data.resolution: the images differ in size, so a resolution must be stated",
                      "e.g. data.resolution: 224");
  }
  return shape;
}

}  // namespace nas
