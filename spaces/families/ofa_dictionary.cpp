// Logs and lookup tables of once-for-all write a network as {'ks': [...], 'e': [...], 'd': [...]},
// with keys that some spaces lack and others fill with None. Unknown keys are refused, because a
// misspelt one would silently give the default network.
#include "spaces/families/ofa_dictionary.hpp"

#include <algorithm>

#include "spaces/error.hpp"
#include "spaces/text/arch_text.hpp"

namespace nas {
namespace {

constexpr const char* kResolutionKeys[] = {"r", "image_size"};

std::vector<std::string> published_keys() {
  return {"wid", "ks", "e", "d", "w", "r", "image_size"};
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool nothing(const Literal& value) {
  return value.is(Literal::Kind::kNull) ||
         (value.is(Literal::Kind::kList) &&
          std::all_of(value.items.begin(), value.items.end(), nothing));
}

}  // namespace

OfaDictionary::OfaDictionary(std::string_view text, const std::vector<std::string>& known)
    : text_(text) {
  try {
    map_ = parse_literal(text);
  } catch (const LiteralError& e) {
    fail("at character " + std::to_string(e.at + 1) + ": " + e.what());
  }
  if (!map_.is(Literal::Kind::kMap)) fail("is no dictionary");
  if (const std::string* twice = doubled_key(map_))
    fail("'" + twice->substr(0, 64) + "' is given twice");
  std::vector<std::string> keys = known;
  keys.insert(keys.end(), std::begin(kResolutionKeys), std::end(kResolutionKeys));
  std::string all;
  for (const std::string& key : keys) all += (all.empty() ? "" : ", ") + key;
  for (size_t i = 0; i < map_.keys.size(); ++i) {
    const std::string& key = map_.keys[i];
    if (contains(keys, key) || (contains(published_keys(), key) && nothing(map_.items[i])))
      continue;
    const std::string near = nearest(key.substr(0, 64), keys);
    fail("unknown key '" + key.substr(0, 64) + "'",
         contains(published_keys(), key) ? "It is no choice of this space: leave it out."
         : near.empty()                  ? "This space reads the keys " + all + "."
                                         : "Did you mean '" + near + "'?");
  }
}

void OfaDictionary::fail(const std::string& what, const std::string& hint) const {
  bad_architecture(text_, what, hint);
}

const Literal* OfaDictionary::given(const std::string& key) const {
  const Literal* value = map_.find(key);
  return value == nullptr || nothing(*value) ? nullptr : value;
}

size_t OfaDictionary::size_of(const std::string& key) const {
  const Literal* value = given(key);
  return value == nullptr || !value->is(Literal::Kind::kList) ? 0 : value->items.size();
}

std::vector<const Literal*> OfaDictionary::list(const std::string& key, size_t size) const {
  const Literal* value = given(key);
  if (value == nullptr) fail(key + ": missing");
  if (value->is(Literal::Kind::kNumber)) return std::vector<const Literal*>(size, value);
  if (!value->is(Literal::Kind::kList))
    fail(key + ": expected a list of " + std::to_string(size) + " numbers, got " +
         std::string(value->source.substr(0, 40)));
  std::vector<const Literal*> out;
  for (size_t i = 0; i < value->items.size(); ++i) {
    const Literal& item = value->items[i];
    if (!item.is(Literal::Kind::kNumber) && !item.is(Literal::Kind::kNull))
      fail(key + "[" + std::to_string(i) + "]: expected a number, got " +
           std::string(item.source.substr(0, 40)));
    out.push_back(&item);
  }
  if (value->items.size() != size)
    fail(key + ": " + std::to_string(value->items.size()) + " values where " +
         std::to_string(size) + " are needed");
  return out;
}

std::optional<int> OfaDictionary::resolution() const {
  std::optional<int> found;
  for (const char* key : kResolutionKeys) {
    const Literal* value = given(key);
    if (value == nullptr) continue;
    if (value->is(Literal::Kind::kList) && value->items.size() == 1) value = &value->items[0];
    const int r = whole_number_of(*value);
    if (r <= 0)
      fail(std::string(key) + ": expected one resolution, such as 192 or [192], got " +
           std::string(value->source.substr(0, 40)));
    if (found && *found != r) fail("'r' and 'image_size' differ");
    found = r;
  }
  return found;
}

bool OfaDictionary::says_nothing(const Literal& value) {
  return value.is(Literal::Kind::kNull) || whole_number_of(value) == 0;
}

}  // namespace nas
