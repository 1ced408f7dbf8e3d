// Text and JSON forms of architectures.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "spaces/error.hpp"
#include "spaces/space.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/literal.hpp"
#include "spaces/text/notation.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas {
namespace {

std::vector<std::string> names_of(const std::vector<Choice>& choices) {
  std::vector<std::string> names;
  for (const Choice& choice : choices) names.push_back(choice.name);
  return names;
}

[[noreturn]] void unknown(const std::string& what,
                          const std::string& word,
                          const std::vector<std::string>& known) {
  std::string all;
  for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
  const std::string shown = word.substr(0, 64), near = nearest(shown, known);
  throw ConfigError("architecture: unknown " + what + " '" + shown + "'; expected one of: " + all,
                    near.empty() ? "" : "did you mean '" + near + "'?");
}

int16_t option_of(const Choice& choice, const std::string& word) {
  const auto it = std::find(choice.options.begin(), choice.options.end(), word);
  if (it == choice.options.end()) unknown("option of " + choice.name, word, choice.options);
  return static_cast<int16_t>(it - choice.options.begin());
}

}  // namespace

std::string Space::text(const Architecture& a) const {
  std::string text;
  for (size_t c = 0; c < choices_.size(); ++c) {
    if (!active(a, c)) continue;
    if (!text.empty()) text += ',';
    text += choices_[c].name + "=" + choices_[c].options[static_cast<size_t>(a.genes[c])];
  }
  return text;
}

Architecture Space::parse(std::string_view text) const {
  const std::vector<std::string> names = names_of(choices_);
  Architecture a{std::vector<int16_t>(choices_.size(), -1)};
  text = trim(text);
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view item = trim(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : trim(text.substr(comma + 1));
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos)
      throw ConfigError("architecture: '" + std::string(item.substr(0, 64)) +
                        "' is not of the form choice=option");
    const std::string name(trim(item.substr(0, equals)));
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) unknown("choice", name, names);
    const auto c = static_cast<size_t>(it - names.begin());
    if (a.genes[c] >= 0) throw ConfigError("architecture: choice " + name + " is given twice");
    a.genes[c] = option_of(choices_[c], std::string(trim(item.substr(equals + 1))));
  }
  Architecture result = a;
  for (int16_t& gene : result.genes) gene = std::max<int16_t>(gene, 0);
  for (size_t c = 0; c < choices_.size(); ++c) {
    if (a.genes[c] >= 0 && !active(result, c))
      throw ConfigError("architecture: choice " + names[c] +
                        " is not active with the other choices given");
    if (a.genes[c] < 0 && active(result, c))
      throw ConfigError("architecture: choice " + names[c] + " is missing");
  }
  std::string why;
  if (!valid(result, &why)) throw ConfigError("architecture: " + why);
  return result;
}

std::string Space::json(const Architecture& a) const {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (size_t c = 0; c < choices_.size(); ++c)
    if (active(a, c)) out[choices_[c].name] = choices_[c].options[static_cast<size_t>(a.genes[c])];
  return out.dump();
}

Notation notation_of(const Space& space) {
  const auto* own = dynamic_cast<const Notated*>(&space);
  if (own == nullptr)
    return {{{"choice=option,...", "the option of every choice that is active"}}, {}, {}};
  return own->notation();
}

Architecture Space::parse_json(std::string_view json) const {
  Literal map;
  try {
    map = parse_literal(json);
  } catch (const LiteralError& e) {
    throw ConfigError("architecture: not an object of choice: option: at character " +
                      std::to_string(e.at + 1) + ": " + e.what());
  }
  if (!map.is(Literal::Kind::kMap))
    throw ConfigError("architecture: not an object of choice: option");
  Architecture a = read_choices(*this, map);
  std::string why;
  if (!valid(a, &why)) throw ConfigError("architecture: " + why);
  return a;
}

}  // namespace nas
