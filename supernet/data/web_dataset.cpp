// WebDataset: tar shards in which NAME.jpg (or .png) and NAME.cls (or .json) make one sample.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "spaces/error.hpp"
#include "supernet/data/bytes.hpp"
#include "supernet/data/image_codec.hpp"
#include "supernet/data/prepare.hpp"
#include "supernet/data/sources.hpp"
#include "supernet/data/tar.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestImage = uint64_t{1} << 30;
constexpr uint64_t kLargestLabel = 1 << 20;
constexpr int kMostClasses = 1'000'000;
constexpr size_t kHead = 64 << 10;

struct Shard {
  std::string path;
  Part part = Part::kTrain;
};

/// {000..012} in a name: the numbers from the first to the last, with its leading zeros.
std::vector<std::string> expand_braces(const std::string& pattern) {
  const size_t open = pattern.find('{'), dots = pattern.find("..", open),
               close = pattern.find('}', open);
  if (open == pattern.npos || dots == pattern.npos || close == pattern.npos || dots > close)
    return {};
  const std::string low = pattern.substr(open + 1, dots - open - 1);
  const std::string high = pattern.substr(dots + 2, close - dots - 2);
  int64_t first = 0, last = -1;
  const auto read = [](const std::string& text, int64_t& v) {
    return std::from_chars(text.data(), text.data() + text.size(), v).ptr ==
           text.data() + text.size();
  };
  if (!read(low, first) || !read(high, last) || last < first || last - first > 1'000'000) return {};
  std::vector<std::string> names;
  for (int64_t i = first; i <= last; ++i) {
    std::string number = std::to_string(i);
    if (number.size() < low.size()) number.insert(0, low.size() - number.size(), '0');
    names.push_back(pattern.substr(0, open) + number + pattern.substr(close + 1));
  }
  return names;
}

/// The part that a shard's name begins with: train-000.tar, val_3.tar, test.tar.
Part part_of_name(const std::string& name) {
  size_t end = 0;
  while (end < name.size() && std::isalpha(static_cast<unsigned char>(name[end]))) ++end;
  return part_of_word(name.substr(0, end)).value_or(Part::kTrain);
}

std::vector<std::string> tars_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const std::string& name : list_folder(folder.string()))
    if (name.ends_with(".tar")) names.push_back(name);
  return names;
}

std::vector<Shard> find_shards(const std::string& path) {
  std::vector<Shard> shards;
  for (const std::string& name : expand_braces(path)) shards.push_back({name, Part::kTrain});
  if (!shards.empty()) return shards;
  if (!fs::is_directory(path)) return {{path, Part::kTrain}};
  for (const std::string& name : tars_in(path))
    shards.push_back({(fs::path(path) / name).string(), part_of_name(name)});
  for (const std::string& name : list_folder(path)) {
    const auto part = part_of_word(name);
    const fs::path folder = fs::path(path) / name;
    if (!part || !fs::is_directory(folder)) continue;
    for (const std::string& tar : tars_in(folder))
      shards.push_back({(folder / tar).string(), *part});
  }
  // Only held-out shards: then they are simply the data.
  const bool trains = std::any_of(
      shards.begin(), shards.end(), [](const Shard& s) { return s.part == Part::kTrain; });
  for (Shard& s : shards)
    if (!trains) s.part = Part::kTrain;
  return shards;
}

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
  return shard + ": member " + m.name + " (at byte " + std::to_string(m.offset) + ")";
}

/// Members by key (the name up to the first dot of its last part), in order of first appearance.
std::vector<Sample> group(const std::vector<TarMember>& members, const std::string& shard) {
  std::vector<Sample> samples;
  std::map<std::string, size_t> by_key;
  for (const TarMember& m : members) {
    const size_t slash = m.name.rfind('/');
    const size_t dot = m.name.find('.', slash == m.name.npos ? 0 : slash + 1);
    if (dot == m.name.npos || dot == (slash == m.name.npos ? 0 : slash + 1)) continue;
    std::string extension = m.name.substr(dot + 1);
    std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
      return std::tolower(c);
    });
    const bool image = has_image_extension("x." + extension);
    const bool label = extension == "cls" || extension == "json";
    if (!image && !label) continue;
    const auto [it, fresh] = by_key.try_emplace(m.name.substr(0, dot), samples.size());
    if (fresh) samples.push_back({it->first, nullptr, nullptr});
    Sample& s = samples[it->second];
    if (image && s.image)
      throw DataError(at_member(shard, m) + ": a second image for the sample '" + s.key + "'");
    if (image) s.image = &m;
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
  explicit WebDataset(std::vector<Shard> shards) : shards_(std::move(shards)) {
    std::vector<Label> labels;
    std::string problems;
    for (uint32_t s = 0; s < shards_.size(); ++s) try {
        read_shard(s, labels);
      } catch (const DataError& e) {
        // All damaged shards are named at once.
        problems += (problems.empty() ? "" : "\n") + std::string(e.what());
      }
    if (!problems.empty()) throw DataError(problems);
    number_classes(labels);
    std::vector<Part> parts;
    for (const Item& item : items_) parts.push_back(shards_[item.shard].part);
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
  std::string describe() const override {
    return "webdataset: " + std::to_string(items_.size()) + " images in " +
           std::to_string(shards_.size()) + " shards, " + std::to_string(classes_.size()) +
           " classes";
  }

  void load(int64_t index, Image& out) const override {
    const Item& item = items_[static_cast<size_t>(index)];
    thread_local Bytes bytes;
    if (item.size > kLargestImage)
      throw DataError(where(index) + ": " + std::to_string(item.size) + " bytes are too many");
    read_range(shards_[item.shard].path, item.offset, item.size, bytes);
    decode_image(bytes, where(index), out);
    convert_channels(out, 3);
  }

  std::optional<std::pair<int, int>> fixed_size() const override {
    std::call_once(sizes_read_, [this] { size_ = common_size(); });
    return size_;
  }

 private:
  void read_shard(uint32_t s, std::vector<Label>& labels) {
    const std::string& path = shards_[s].path;
    const std::vector<TarMember> members = index_tar(path);
    for (const Sample& sample : group(members, path)) {
      const TarMember& any = sample.image ? *sample.image : *sample.label;
      if (!sample.image) {
        // A .json without an image describes the shard, not a sample.
        if (any.name.ends_with(".json")) continue;
        throw DataError(at_member(path, any) + ": a label without an image");
      }
      if (!sample.label)
        throw DataError(at_member(path, any) + ": an image without a label (" + sample.key +
                        ".cls or .json)");
      labels.push_back(read_label(path, *sample.label));
      items_.push_back({s, 0, any.offset, any.size});
      names_.push_back(any.name);
    }
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
    if (largest >= 0 && !named.empty())
      throw DataError(shards_.front().path + ": some labels are numbers, others names (such as '" +
                      named.begin()->first + "')");
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
  std::vector<Item> items_;
  std::vector<std::string> names_, classes_;
  NamedParts parts_;
  mutable std::once_flag sizes_read_;
  mutable std::optional<std::pair<int, int>> size_;
};

}  // namespace

bool is_web_dataset(const std::string& path) {
  if (!expand_braces(path).empty()) return true;
  if (!fs::is_directory(path)) return path.ends_with(".tar");
  return !find_shards(path).empty();
}

std::unique_ptr<Dataset> open_web_dataset(const DataOptions& options) {
  std::vector<Shard> shards = find_shards(options.path);
  if (shards.empty()) throw DataError(options.path + ": holds no .tar files");
  return std::make_unique<WebDataset>(std::move(shards));
}

}  // namespace nas
