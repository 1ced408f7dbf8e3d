// Two values are compared only when they came about the same way. That is equality of documents: a
// key that one of them lacks may be a version's, and is forgiven only where it names the weights.
#include "search/fidelity.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace nas {
namespace {

using Json = nlohmann::json;

constexpr size_t kShortHash = 8;

Json object_of(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_object() ? json : Json{{"fidelity", text}};
}

std::string value_text(const Json& value) {
  if (value.is_null()) return "none";
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_identity(const std::string& key) {
  return key == "checkpoint" || key == "sha256";
}

}  // namespace

bool same_fidelity(const std::string& a, const std::string& b) {
  return a == b || object_of(a) == object_of(b);
}

bool lacks_only_identity(const std::string& older, const std::string& newer) {
  const Json a = object_of(older), b = object_of(newer);
  for (const auto& [key, value] : a.items())
    if (!b.contains(key) || b[key] != value) return false;
  bool lacks = false;
  for (const auto& [key, value] : b.items()) {
    if (a.contains(key)) continue;
    if (!is_identity(key)) return false;
    lacks = true;
  }
  return lacks;
}

std::string fidelity_text(const std::string& source, const std::string& fidelity_json) {
  Json json = object_of(fidelity_json);
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  const auto take = [&](const char* key) {
    std::string value = json.contains(key) ? value_text(json[key]) : "";
    json.erase(key);
    return value;
  };
  if (const std::string split = take("split"); !split.empty()) add(split + " split");
  if (const std::string images = take("images"); !images.empty()) add(images + " images");
  if (const std::string bn = take("bn"); !bn.empty()) {
    const std::string images = take("bn_images");
    add(bn == "recalibrated" ? "recalibrated" + (images.empty() ? "" : " on " + images)
        : bn == "running"    ? "not recalibrated (running statistics)"
                             : bn + " statistics");
  }
  const std::string weights = take("checkpoint");
  // The table's or program's own.
  for (const char* key : {"file", "command", "table"})
    if (const std::string value = take(key); !value.empty()) add(value);
  if (const std::string hash = take("sha256"); !hash.empty())
    add("content " + hash.substr(0, kShortHash));
  for (const char* key : {"batch", "seed", "bn_batch", "bn_seed"}) json.erase(key);
  for (const auto& [key, value] : json.items()) add(key + " " + value_text(value));
  if (!weights.empty()) add("weights " + weights.substr(0, kShortHash));
  return text.empty() ? source : source == "supernet" ? text : source + ": " + text;
}

std::string fidelity_difference(const std::string& a, const std::string& b) {
  const Json x = object_of(a), y = object_of(b);
  std::set<std::string> keys;
  for (const Json* json : {&x, &y})
    for (const auto& [key, value] : json->items()) keys.insert(key);
  std::string text;
  for (const std::string& key : keys) {
    const Json left = x.value(key, Json()), right = y.value(key, Json());
    if (left == right) continue;
    const auto shown = [&](const Json& v) {
      const std::string all = value_text(v);
      return is_identity(key) && !v.is_null() ? all.substr(0, kShortHash) : all;
    };
    text += (text.empty() ? "" : "; ") + (key == "checkpoint" ? std::string("weights") : key) +
            " (" + shown(left) + ", " + shown(right) + ")";
  }
  return text;
}

}  // namespace nas
