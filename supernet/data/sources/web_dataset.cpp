// WebDataset: tar shards in which NAME.jpg (or .png) and NAME.cls (or .json) make one sample.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "supernet/data/codecs/bytes.hpp"
#include "supernet/data/codecs/image_codec.hpp"
#include "supernet/data/codecs/tar.hpp"
#include "supernet/data/prepare.hpp"
#include "supernet/data/sources/shards.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestImage = uint64_t{1} << 30;
constexpr uint64_t kLargestLabel = 1 << 20;
constexpr int kMostClasses = 1'000'000;
constexpr size_t kHead = 64 << 10;

struct Item {
  uint32_t shard = 0;
  int label = 0;
  uint64_t offset = 0, size = 0;
};

/// What one key of a shard has gathered.
struct Sample {
  std::string key;
  const TarMember* image = nullptr;
  const TarMember* label = nullptr;
};

std::string at_member(const std::string& shard, const TarMember& m) {
  return printable(shard) + ": member " + printable(m.name) + " (at byte " +
         std::to_string(m.offset) + ")";
}

/// Members by key (the name up to the first dot of its last part), in order of first appearance.
std::vector<Sample> group(const std::vector<TarMember>& members,
                          const std::string& shard,
                          UnusedList& unused,
                          Faults& faults) {
  std::vector<Sample> samples;
  std::map<std::string, size_t> by_key;
  for (const TarMember& m : members) {
    const size_t slash = m.name.rfind('/');
    const size_t dot = m.name.find('.', slash == m.name.npos ? 0 : slash + 1);
    if (dot == m.name.npos || dot == (slash == m.name.npos ? 0 : slash + 1)) {
      unused.add("members that are neither images nor labels", at_member(shard, m));
      continue;
    }
    std::string extension = m.name.substr(dot + 1);
    std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
      return std::tolower(c);
    });
    const bool image = has_image_extension("x." + extension);
    const bool label = extension == "cls" || extension == "json";
    if (!image && !label) {
      unused.add("members that are neither images nor labels", at_member(shard, m));
      continue;
    }
    const auto [it, fresh] = by_key.try_emplace(m.name.substr(0, dot), samples.size());
    if (fresh) samples.push_back({it->first, nullptr, nullptr});
    Sample& s = samples[it->second];
    if (image && s.image)
      faults.add(at_member(shard, m) + ": a second image for the sample '" + printable(s.key) +
                 "'");
    if (image && !s.image) s.image = &m;
    // A .cls is the label and nothing else, so it goes before a .json of further facts.
    if (label && (!s.label || extension == "cls")) s.label = &m;
  }
  return samples;
}

/// A class as number or as name.
struct Label {
  int number = -1;
  std::string name;
};

Label number_label(int64_t value, const std::string& where) {
  if (value < 0 || value >= kMostClasses)
    throw DataError(where + ": label " + std::to_string(value) + "; expected 0 to " +
                    std::to_string(kMostClasses - 1));
  return {static_cast<int>(value), ""};
}

Label parse_cls(std::string text, const std::string& where) {
  const auto blank = [](unsigned char c) { return std::isspace(c); };
  while (!text.empty() && blank(static_cast<unsigned char>(text.back()))) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), blank));
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return number_label(value, where);
  if (text.empty()) throw DataError(where + ": holds no label");
  if (text.size() > 200)
    throw DataError(where + ": a label of " + std::to_string(text.size()) + " bytes");
  return {-1, text};
}

Label parse_json(const std::string& text, const std::string& where) {
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded()) throw DataError(where + ": not valid JSON");
  if (document.is_number_integer()) return number_label(document.get<int64_t>(), where);
  for (const char* key : {"label", "cls", "class", "class_id", "target"}) {
    if (!document.is_object() || !document.contains(key)) continue;
    const nlohmann::json& v = document[key];
    if (v.is_number_integer()) return number_label(v.get<int64_t>(), where);
    if (v.is_string()) return parse_cls(v.get<std::string>(), where);
    throw DataError(where + ": \"" + key + "\" is neither a whole number nor a text");
  }
  throw DataError(
      where + ": no label (a whole number or a text under label, cls, class, class_id or target)");
}

Label read_label(const std::string& shard, const TarMember& m) {
  const std::string where = at_member(shard, m);
  if (m.size > kLargestLabel)
    throw DataError(where + ": " + std::to_string(m.size) + " bytes are too many for a label");
  Bytes bytes;
  read_range(shard, m.offset, m.size, bytes);
  const std::string text(bytes.begin(), bytes.end());
  return m.name.ends_with("cls") ? parse_cls(text, where) : parse_json(text, where);
}

class WebDataset : public Dataset {
 public:
  WebDataset(std::vector<Shard> shards, UnusedList unused, Faults& faults)
      : shards_(std::move(shards)), unused_(std::move(unused)) {
    std::vector<Label> labels;
    std::string problems;
    for (uint32_t s = 0; s < shards_.size(); ++s) try {
        read_shard(s, labels, faults);
      } catch (const DataError& e) {
        // All damaged shards are named at once.
        problems += (problems.empty() ? "" : "\n") + std::string(e.what());
      }
    if (!problems.empty()) throw DataError(problems);
    keep_one_form(labels, faults);
    number_classes(labels);
    std::vector<Part> parts;
    for (const Item& item : items_) parts.push_back(shards_[item.shard].part);
    tell_empty_parts(parts, faults);
    parts_ = named_parts(parts);
  }
  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  int label(int64_t index) const override { return items_[static_cast<size_t>(index)].label; }
  const std::vector<std::string>& class_names() const override { return classes_; }
  int channels() const override { return 3; }
  std::vector<int64_t> test_indices() const override { return parts_.test; }
  std::vector<int64_t> validation_indices() const override { return parts_.validation; }
  std::string where(int64_t index) const override {
    const Item& item = items_[static_cast<size_t>(index)];
    return at_member(shards_[item.shard].path,
                     {names_[static_cast<size_t>(index)], item.offset, item.size});
  }
  std::vector<Unused> unused() const override { return unused_.list(); }
  std::string describe() const override {
    return "webdataset: " + std::to_string(items_.size()) + " images in " +
           std::to_string(shards_.size()) + " shards, " + std::to_string(classes_.size()) +
           " classes";
  }

  void load(int64_t index, Image& out) const override {
    thread_local Bytes bytes;
    read_stored(index, bytes);
    decode_image(bytes, where(index), out);
    convert_channels(out, 3);
  }

  uint64_t stored_size(int64_t index) const override {
    return items_[static_cast<size_t>(index)].size;
  }
  void read_stored(int64_t index, std::vector<uint8_t>& out) const override {
    const Item& item = items_[static_cast<size_t>(index)];
    if (item.size > kLargestImage)
      throw DataError(where(index) + ": " + std::to_string(item.size) + " bytes are too many");
    read_range(shards_[item.shard].path, item.offset, item.size, out);
  }

  std::optional<std::pair<int, int>> fixed_size() const override {
    std::call_once(sizes_read_, [this] { size_ = common_size(); });
    return size_;
  }

 private:
  void read_shard(uint32_t s, std::vector<Label>& labels, Faults& faults) {
    const std::string& path = shards_[s].path;
    std::string damage;
    const std::vector<TarMember> members = index_tar(path, &damage);
    if (!damage.empty()) faults.add(damage);
    for (const Sample& sample : group(members, path, unused_, faults)) {
      const TarMember& any = sample.image ? *sample.image : *sample.label;
      const std::optional<Label> label = label_of(sample, path, faults);
      if (!label) continue;
      labels.push_back(*label);
      items_.push_back({s, 0, any.offset, any.size});
      names_.push_back(any.name);
    }
  }

  /// A split whose shards hold nothing would be taken from elsewhere without a word.
  void tell_empty_parts(const std::vector<Part>& parts, Faults& faults) const {
    for (const Part part : {Part::kValidation, Part::kTest}) {
      const auto shard = std::find_if(
          shards_.begin(), shards_.end(), [&](const Shard& s) { return s.part == part; });
      if (shard != shards_.end() && std::find(parts.begin(), parts.end(), part) == parts.end())
        faults.add(printable(shard->path) + ": holds no images, so it cannot be the " +
                   name_of(part) + " split; put its images there, or move it away");
    }
  }

  /// Nothing for what is no sample, or (where faults are collected) no whole one.
  std::optional<Label> label_of(const Sample& sample, const std::string& path, Faults& faults) {
    if (!sample.image) {
      // A .json without an image describes the shard, not a sample.
      if (sample.label->name.ends_with(".json"))
        unused_.add(".json members without an image", at_member(path, *sample.label));
      else
        faults.add(at_member(path, *sample.label) + ": a label without an image");
      return std::nullopt;
    }
    if (!sample.label) {
      faults.add(at_member(path, *sample.image) + ": an image without a label (" +
                 printable(sample.key) + ".cls or .json)");
      return std::nullopt;
    }
    try {
      return read_label(path, *sample.label);
    } catch (const DataError& e) {
      faults.add(e.what());
      return std::nullopt;
    }
  }

  /// Labels are numbers or names; those of the rarer form are mistakes.
  void keep_one_form(std::vector<Label>& labels, Faults& faults) {
    const auto is_number = [](const Label& l) { return l.number >= 0; };
    const int64_t numbers = std::count_if(labels.begin(), labels.end(), is_number);
    const int64_t names = static_cast<int64_t>(labels.size()) - numbers;
    if (numbers == 0 || names == 0) return;
    const bool keep_numbers = numbers >= names;
    const auto rare = std::find_if(
        labels.begin(), labels.end(), [&](const Label& l) { return is_number(l) != keep_numbers; });
    faults.add(where(rare - labels.begin()) + ": some labels are numbers (" +
               std::to_string(numbers) + "), others names (" + std::to_string(names) +
               "); this one is " +
               (keep_numbers ? "'" + printable(rare->name) + "'" : std::to_string(rare->number)));
    size_t kept = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (is_number(labels[i]) != keep_numbers) continue;
      labels[kept] = labels[i];
      items_[kept] = items_[i];
      names_[kept] = names_[i];
      ++kept;
    }
    labels.resize(kept);
    items_.resize(kept);
    names_.resize(kept);
  }

  void number_classes(const std::vector<Label>& labels) {
    std::map<std::string, int> named;
    int largest = -1;
    for (const Label& l : labels) {
      if (l.number >= 0)
        largest = std::max(largest, l.number);
      else
        named.emplace(l.name, 0);
    }
    for (auto& [name, number] : named) {
      number = static_cast<int>(classes_.size());
      classes_.push_back(name);
    }
    if (named.empty()) classes_ = numbered_classes(largest + 1);
    for (size_t i = 0; i < items_.size(); ++i)
      items_[i].label = labels[i].number >= 0 ? labels[i].number : named.at(labels[i].name);
  }

  std::optional<std::pair<int, int>> common_size() const {
    std::optional<std::pair<int, int>> common;
    Bytes head;
    for (const Item& item : items_) {
      read_range(shards_[item.shard].path, item.offset, std::min<uint64_t>(item.size, kHead), head);
      const auto size = peek_image_size(head);
      if (!size) continue;
      const auto pair = std::make_pair(size->h, size->w);
      if (common && *common != pair) return std::nullopt;
      common = pair;
    }
    return common;
  }

  std::vector<Shard> shards_;
  UnusedList unused_;
  std::vector<Item> items_;
  std::vector<std::string> names_, classes_;
  NamedParts parts_;
  mutable std::once_flag sizes_read_;
  mutable std::optional<std::pair<int, int>> size_;
};

}  // namespace

bool is_web_dataset(const std::string& path) {
  if (is_shard_pattern(path)) return true;
  if (!fs::is_directory(path)) return path.ends_with(".tar");
  UnusedList unused;
  Faults none(/*collect=*/true);
  return !find_shards(path, unused, none).empty();
}

std::unique_ptr<Dataset> open_web_dataset(const DataOptions& options, Faults& faults) {
  UnusedList unused;
  std::vector<Shard> shards = find_shards(options.path, unused, faults);
  if (shards.empty()) throw DataError(options.path + ": holds no .tar files");
  return std::make_unique<WebDataset>(std::move(shards), std::move(unused), faults);
}

}  // namespace nas
