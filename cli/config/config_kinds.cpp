#include "cli/config/config_kinds.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <yaml-cpp/yaml.h>

#include "search/search_options.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace cli {
namespace {

using Json = nlohmann::ordered_json;

std::string joined(const Json& names, const std::string& separator) {
  std::string text;
  for (const Json& name : names) text += (text.empty() ? "" : separator) + name.get<std::string>();
  return text;
}

// In the words of help_lines().
std::string type_of(const Json& entry) {
  if (entry.contains("const")) return entry["const"].get<std::string>();
  if (entry.contains("enum")) return joined(entry["enum"], "|");
  const Json type = entry.value("type", Json("string"));
  // [type, null], or a name or a section.
  if (type.is_array() && type[1] == "string") return "name or section";
  const std::string name = type.is_array() ? type[0].get<std::string>() : type.get<std::string>();
  if (name == "boolean") return "true or false";
  if (name == "integer") return "whole number";
  if (name == "number") return "number";
  if (name == "array") return "list of " + type_of(entry["items"]) + "s";
  return "text";
}

std::string number(const Json& v) {
  std::string text = v.dump();
  // Powers of ten as help_lines() writes them: 1000000 -> 1e6.
  const size_t zeros = text.size() - 1 - std::min(text.find_last_not_of('0'), text.size() - 1);
  if (text.find('.') == std::string::npos && zeros >= 5)
    text = text.substr(0, text.size() - zeros) + "e" + std::to_string(zeros);
  return text;
}

std::string range_of(const Json& entry, const char* low, const char* high) {
  const bool from = entry.contains(low), to = entry.contains(high);
  if (from && to) return number(entry[low]) + " to " + number(entry[high]);
  if (from) return "at least " + number(entry[low]);
  return to ? "at most " + number(entry[high]) : "";
}

std::string range_of(const Json& entry) {
  std::string text = range_of(entry, "minimum", "maximum");
  if (text.empty()) text = range_of(entry, "minLength", "maxLength");
  if (!entry.contains("items")) return text;
  text = range_of(entry, "minItems", "maxItems");
  if (!text.empty()) text += " items";
  const std::string each = range_of(entry["items"], "minimum", "maximum");
  return text + (each.empty() ? "" : (text.empty() ? "each " : ", each ") + each);
}

std::string default_of(const Json& entry) {
  if (!entry.contains("default")) return "";
  const Json& value = entry["default"];
  if (value.is_string() && !value.get<std::string>().empty()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const Json& item : value)
    text += (text.empty() ? "" : ", ") + (item.is_string() ? item.get<std::string>() : item.dump());
  return "[" + text + "]";
}

void add_keys(const Json& object, const std::string& path, std::vector<HelpLine>& lines) {
  const Json required = object.value("required", Json::array());
  const Json properties = object.value("properties", Json::object());
  for (const auto& [key, entry] : properties.items()) {
    if (entry.contains("properties")) {
      add_keys(entry, path + key + ".", lines);
      continue;
    }
    if (entry.contains("items") && entry["items"].contains("properties")) {
      add_keys(entry["items"], path + key + "[].", lines);
      continue;
    }
    const bool needed = std::find(required.begin(), required.end(), key) != required.end();
    lines.push_back({path + key,
                     type_of(entry),
                     needed ? "(required)" : default_of(entry),
                     range_of(entry),
                     entry.value("description", "")});
  }
}

Json json_of(const YAML::Node& node) {
  if (node.IsMap()) {
    Json map = Json::object();
    for (const auto& entry : node) map[entry.first.Scalar()] = json_of(entry.second);
    return map;
  }
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const YAML::Node& item : node) list.push_back(json_of(item));
    return list;
  }
  if (!node.IsScalar()) return nullptr;
  // Quoted scalars have the tag "!".
  if (node.Tag() == "!") return node.Scalar();
  if (int64_t whole = 0; YAML::convert<int64_t>::decode(node, whole)) return whole;
  if (double number = 0; YAML::convert<double>::decode(node, number)) return number;
  if (bool yes = false; YAML::convert<bool>::decode(node, yes)) return yes;
  return node.Scalar();
}

// A family's own schema leaves open what `family` is: only the table of families knows.
std::string family_schema(const SpaceFamily& family) {
  Json schema = Json::parse(family.schema());
  schema["properties"]["family"] = {
      {"type", "string"}, {"const", family.name}, {"description", family.summary}};
  Json required = Json::array({"family"});
  for (const Json& key : schema.value("required", Json::array()))
    if (key != "family") required.push_back(key);
  schema["required"] = std::move(required);
  return schema.dump(2);
}

}  // namespace

std::vector<HelpLine> keys_of_schema(const std::string& schema) {
  std::vector<HelpLine> lines;
  add_keys(Json::parse(schema), "", lines);
  return lines;
}

std::vector<ConfigKind> config_kinds() {
  std::vector<ConfigKind> kinds = torch_config_kinds();
  kinds.push_back(config_kind<SearchConfig>("search", "nas search --config", "search"));
  for (const SpaceFamily& family : space_families()) {
    ConfigKind kind{family.name, "space: " + family.summary, ""};
    kind.resolve = [make = family.make](const YamlSource& source, bool json) {
      make(source);
      const std::string text = yaml_text(source);
      return json ? json_of(YAML::Load(text)).dump() : text;
    };
    kind.schema = [&family] { return family_schema(family); };
    kinds.push_back(std::move(kind));
  }
  return kinds;
}

}  // namespace cli
}  // namespace nas
