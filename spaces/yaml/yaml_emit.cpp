#include <nlohmann/json.hpp>

#include "spaces/yaml/yaml_tree.hpp"

namespace nas::detail {
namespace {

std::string quote(const std::string& text) {
  // A JSON string is a YAML double-quoted scalar.
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string scalar(const YamlNode& node) {
  if (node.is_null()) return "null";
  if (node.quoted) {
    const auto plain = make_text(node.text);
    return plain->quoted ? quote(node.text) : node.text;
  }
  // A plain text that was legal where it stood may not be inside [ ].
  if (node.text.find_first_of(",[]{}#:&*!|>'\"%@`\n") != std::string::npos) return quote(node.text);
  return node.text;
}

bool flat(const YamlNode& node) {
  return node.is_scalar() || node.is_null();
}

std::string flow(const YamlNode& node) {
  if (flat(node)) return scalar(node);
  std::string text;
  if (node.is_list()) {
    for (const YamlPtr& item : node.items) text += (text.empty() ? "" : ", ") + flow(*item);
    return "[" + text + "]";
  }
  for (const YamlNode::Entry& entry : node.entries)
    text += (text.empty() ? "" : ", ") + scalar(*make_text(entry.key)) + ": " + flow(*entry.value);
  return "{" + text + "}";
}

bool one_line(const YamlNode& node) {
  if (flat(node) || (node.entries.empty() && node.items.empty())) return true;
  if (node.is_map()) return false;
  for (const YamlPtr& item : node.items)
    if (!one_line(*item)) return false;
  return flow(node).size() <= 80;
}

void block(const YamlNode& node, const std::string& indent, bool after_dash, std::string& out) {
  bool first = true;
  if (node.is_map()) {
    for (const YamlNode::Entry& entry : node.entries) {
      if (!(first && after_dash)) out += indent;
      first = false;
      out += scalar(*make_text(entry.key)) + ":";
      if (one_line(*entry.value)) {
        out += " " + flow(*entry.value) + "\n";
      } else {
        out += "\n";
        block(*entry.value, indent + "  ", false, out);
      }
    }
    return;
  }
  for (const YamlPtr& item : node.items) {
    if (!(first && after_dash)) out += indent;
    first = false;
    out += "- ";
    if (one_line(*item)) {
      out += flow(*item) + "\n";
    } else {
      block(*item, indent + "  ", true, out);
    }
  }
}

nlohmann::ordered_json to_json(const YamlNode& node) {
  nlohmann::ordered_json json;
  if (node.is_map()) {
    json = nlohmann::ordered_json::object();
    for (const YamlNode::Entry& entry : node.entries) json[entry.key] = to_json(*entry.value);
  } else if (node.is_list()) {
    json = nlohmann::ordered_json::array();
    for (const YamlPtr& item : node.items) json.push_back(to_json(*item));
  } else if (node.is_scalar()) {
    bool truth = false;
    double number = 0;
    if (node.quoted) {
      json = node.text;
    } else if (read_bool(node.text, truth)) {
      json = truth;
    } else if (read_double(node.text, number)) {
      // Integers beyond 2^53 keep all digits.
      const bool whole = node.text.find_first_not_of("-0123456789") == std::string::npos;
      json = nlohmann::ordered_json::parse(node.text, nullptr, false);
      if (!whole || json.is_discarded()) json = number;
    } else {
      json = node.text;
    }
  }
  return json;
}

}  // namespace

std::string emit_yaml(const YamlNode& node) {
  if (one_line(node)) return flow(node) + "\n";
  std::string out;
  block(node, "", false, out);
  return out;
}

std::string emit_json(const YamlNode& node, int indent) {
  return to_json(node).dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace nas::detail
