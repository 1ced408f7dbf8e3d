// Once-for-all's tables, in YAML as its authors publish them and in JSON as DynamicOFA does: a key
// with the sizes of a block, and its mean in milliseconds. Whether a table is of MobileNetV3 or of
// ProxylessNAS follows from its keys: the former's blocks say `-se:` and `-hs:`, and its head has
// pooling and a second convolution of its own.
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "hardware/formats/reading.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/located_json.hpp"
#include "hardware/quartiles.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "spaces/yaml/yaml_tree.hpp"

namespace nas {
namespace {

constexpr const char* kMobileNet = "ofa-mobilenetv3";
constexpr const char* kProxyless = "ofa-proxyless";

/// A key with what stands behind it.
struct Row {
  std::string key;
  int line = 0;
  ForeignTime time;
};

/// The grouping that all keys are of.
std::string grouping_of(const ForeignFile& file, const std::vector<Row>& rows) {
  const auto fail = [&](const Row& row, const std::string& why) {
    throw DataError(file.name + (row.line > 0 ? ":" + std::to_string(row.line) : "") + ": \"" +
                    printable(row.key) + "\" " + why);
  };
  std::string grouping;
  const Row* first = nullptr;
  for (const Row& row : rows) {
    OfaBlock block;
    std::string why;
    if (!read_ofa_key(row.key, block, &why)) fail(row, "is no key of once-for-all: " + why);
    std::string own;
    if (block.type == "expanded_conv") own = block.proxyless() ? kProxyless : kMobileNet;
    if (block.type == "AvgPool2D" || block.type == "Conv_2") own = kMobileNet;
    if (own.empty()) continue;
    if (grouping.empty()) {
      grouping = own;
      first = &row;
    } else if (own != grouping) {
      fail(row,
           "is a block of " + std::string(own == kProxyless ? "ProxylessNAS" : "MobileNetV3") +
               ", \"" + printable(first->key) + "\" one of the other");
    }
  }
  return grouping.empty() ? kMobileNet : grouping;
}

Imported imported(const ForeignFile& file,
                  const ImportOptions& options,
                  const std::vector<Row>& rows) {
  EntryReader entries(file, options, grouping_of(file, rows));
  entries.table().conditions["statistic"] = "mean";
  for (const Row& row : rows) entries.add(row.key, row.time, row.line);
  return entries.finish();
}

double number_at(const ForeignFile& file, const detail::YamlNode& node, const std::string& what) {
  const auto number = node.is_scalar() ? number_of(node.text) : std::nullopt;
  if (!number)
    fail_at(file.name,
            node.place.line,
            node.place.column,
            what + ": '" + printable(node.text) + "' is no number");
  return *number;
}

Row yaml_row(const ForeignFile& file, const detail::YamlNode::Entry& entry) {
  Row row{entry.key, entry.place.line, {}};
  if (entry.value->is_scalar()) {
    row.time.value = number_at(file, *entry.value, "\"" + printable(entry.key) + "\"");
    return row;
  }
  const auto* mean = entry.value->is_map() ? entry.value->find("mean") : nullptr;
  if (mean == nullptr)
    fail_at(file.name,
            entry.place.line,
            entry.place.column,
            "\"" + printable(entry.key) + "\" has no mean");
  row.time.value = number_at(file, *mean->value, "mean");
  if (const auto* std = entry.value->find("std"))
    row.time.deviation = number_at(file, *std->value, "std");
  if (const auto* count = entry.value->find("count")) {
    const double number = number_at(file, *count->value, "count");
    if (number < 0)
      fail_at(file.name,
              count->place.line,
              count->place.column,
              "count: " + number_text(number) + " is no number of repeats");
    row.time.repeats = static_cast<int64_t>(std::min(number, 1e9));
  }
  return row;
}

/// Of a normal law with these quartiles.
double deviation_of(const LatencyEntry& entry) {
  return (entry.high_ms - entry.low_ms) / (2 * kQuartileDeviations);
}

const LatencyTable& written(const LatencyTable& table) {
  if (table.grouping != kMobileNet && table.grouping != kProxyless)
    throw DataError("once-for-all's form holds blocks; a table of '" + table.grouping +
                    "' needs --space SPACE, whose blocks are then added up from it");
  return table;
}

}  // namespace

bool is_once_for_all(std::string_view text) {
  return text.find("-input:") != std::string_view::npos && !first_line(text).starts_with('{') &&
         text.find("-output:") != std::string_view::npos && !is_operator_csv(text);
}

Imported read_once_for_all(const ForeignFile& file, const ImportOptions& options) {
  std::vector<Problem> problems;
  const detail::YamlPtr root = detail::parse_yaml(file.text, file.name, 0, problems);
  if (!problems.empty()) throw DataError(problems.front().text());
  if (!root || !root->is_map()) throw DataError(file.name + ": holds no keys with times");
  std::vector<Row> rows;
  for (const auto& entry : root->entries) rows.push_back(yaml_row(file, entry));
  return imported(file, options, rows);
}

std::string write_once_for_all(const LatencyTable& table) {
  std::string text;
  for (const auto& [key, entry] : written(table).entries)
    text += key + ": {count: " + std::to_string(entry.repeats) +
            ", mean: " + number_text(entry.median_ms) +
            (entry.high_ms > entry.low_ms ? ", std: " + number_text(deviation_of(entry)) : "") +
            "}\n";
  return text;
}

bool is_dynamic_ofa(std::string_view text) {
  return text.find("-input:") != std::string_view::npos && first_line(text).starts_with('{');
}

Imported read_dynamic_ofa(const ForeignFile& file, const ImportOptions& options) {
  const LocatedJson json = parse_located(file.text, file.name);
  if (!json.root.is_object()) throw DataError(file.name + ": expected an object of keys");
  std::vector<Row> rows;
  for (const auto& [key, value] : json.root.items()) {
    Row row{key, 0, {}};
    const auto number = [&](const char* name, double otherwise) {
      const auto it = value.find(name);
      if (it == value.end()) return otherwise;
      if (it->is_number()) return it->get<double>();
      throw DataError(json.place(key + "/" + name) + "\"" + printable(key) + "\": " + name + ": " +
                      printable(it->dump()) + " is no number");
    };
    if (value.is_number()) {
      row.time.value = value.get<double>();
    } else if (value.is_object() && value.contains("mean")) {
      const double count = number("count", 0);
      if (count < 0)
        throw DataError(json.place(key + "/count") + "\"" + printable(key) +
                        "\": count: " + number_text(count) + " is no number of repeats");
      row.time = {number("mean", 0), number("std", 0), static_cast<int64_t>(std::min(count, 1e9))};
    } else {
      throw DataError(json.place(key) + "\"" + printable(key) + "\" has no mean");
    }
    // Lines cost a second reading: only where something will be told of this row.
    OfaBlock block;
    if (!(row.time.value > 0) || !(row.time.deviation >= 0) || !read_ofa_key(key, block)) {
      const std::string place = json.place(key);
      const size_t colon = place.find(':', json.where.size());
      row.line = colon + 1 < place.size() ? std::atoi(place.c_str() + colon + 1) : 0;
    }
    rows.push_back(std::move(row));
  }
  return imported(file, options, rows);
}

std::string write_dynamic_ofa(const LatencyTable& table) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [key, entry] : written(table).entries) {
    json[key] = {{"count", entry.repeats}, {"mean", entry.median_ms}};
    if (entry.high_ms > entry.low_ms) json[key]["std"] = deviation_of(entry);
  }
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace nas
