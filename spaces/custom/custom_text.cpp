// Text form of a custom space's architectures.
#include <algorithm>

#include "spaces/custom/custom_space.hpp"
#include "spaces/text/arch_text.hpp"

namespace nas::custom {

std::string Custom::text(const Architecture& a) const {
  const Model& model = layout_.model;
  const auto word = [&](size_t param) {
    return model.params()[param].options[static_cast<size_t>(model.option(param, a))];
  };
  std::string text;
  if (open(layout_.resolution)) text = "r" + word(layout_.resolution);
  for (size_t s = 0; s < layout_.stages.size(); ++s) {
    const Stage& stage = layout_.stages[s];
    text += (text.empty() ? "" : "/") + word(stage.width) + ":";
    for (size_t j = 0; j < static_cast<size_t>(depth_of(s, a)); ++j) {
      const Layer& layer = stage.layers[j];
      const Candidate& candidate =
          layer.candidates[static_cast<size_t>(model.option(layer.kind, a))];
      text += (j > 0 ? "," : "") + word(layer.kind);
      if (open(candidate.kernel)) text += "+k" + word(candidate.kernel);
      if (open(candidate.expansion)) text += "+e" + word(candidate.expansion);
    }
  }
  return text;
}

// `where` names the field in messages: "stage 'early', layer 2".
void Custom::set(size_t param,
                 std::string_view word,
                 const std::string& where,
                 std::string_view text,
                 Architecture& a) const {
  const Param& p = layout_.model.params()[param];
  const auto it = std::find(p.options.begin(), p.options.end(), word);
  const std::string shown(word.substr(0, 64));
  std::string all;
  for (const std::string& option : p.options) all += (all.empty() ? "" : ", ") + option;
  if (it == p.options.end()) {
    const std::string near = nearest(shown, p.options);
    bad_architecture(text,
                     where + ": " + p.name + " has no option '" + shown + "'; it has " + all,
                     near.empty() ? "" : "Did you mean '" + near + "'?");
  }
  const auto option = static_cast<int16_t>(it - p.options.begin());
  if (p.choice >= 0) {
    a.genes[static_cast<size_t>(p.choice)] = option;
  } else if (option != p.fixed) {
    bad_architecture(text,
                     where + ": " + p.name + " is fixed at " +
                         p.options[static_cast<size_t>(p.fixed)] + ", got '" + shown + "'");
  }
}

void Custom::parse_layer(
    size_t s, size_t j, std::string_view part, std::string_view text, Architecture& a) const {
  const Layer& layer = layout_.stages[s].layers[j];
  const std::string where = "stage '" + o_.stages[s].name + "', layer " + std::to_string(j + 1);
  const std::vector<std::string_view> words = split(part, '+');
  set(layer.kind, trim(words[0]), where, text, a);
  const Candidate& candidate =
      layer.candidates[static_cast<size_t>(layout_.model.option(layer.kind, a))];
  size_t next = 1;
  for (const auto& [param, letter] :
       {std::pair(candidate.kernel, 'k'), std::pair(candidate.expansion, 'e')}) {
    if (!open(param)) continue;
    const std::string_view word = next < words.size() ? trim(words[next]) : std::string_view();
    if (word.size() < 2 || word[0] != letter)
      bad_architecture(text,
                       where + ": +" + letter + " is missing after '" +
                           std::string(words[0].substr(0, 64)) + "' (its " +
                           (letter == 'k' ? "kernel)" : "expansion)"));
    set(param, word.substr(1), where, text, a);
    ++next;
  }
  if (next < words.size())
    bad_architecture(
        text,
        where + ": nothing is to be chosen by '+" + std::string(words[next].substr(0, 64)) + "'");
}

void Custom::parse_stage(size_t s,
                         std::string_view part,
                         std::string_view text,
                         Architecture& a) const {
  const Stage& stage = layout_.stages[s];
  const std::string where = "stage '" + o_.stages[s].name + "'";
  const size_t colon = part.find(':');
  if (colon == part.npos)
    bad_architecture(text, where + ": no ':' after the width", "The form is width:layer,layer.");
  set(stage.width, trim(part.substr(0, colon)), where, text, a);
  const std::string_view layers = trim(part.substr(colon + 1));
  const std::vector<std::string_view> parts =
      layers.empty() ? std::vector<std::string_view>() : split(layers, ',');
  set(stage.depth, std::to_string(parts.size()), where, text, a);
  for (size_t j = 0; j < parts.size(); ++j) parse_layer(s, j, parts[j], text, a);
}

Architecture Custom::parse(std::string_view text) const {
  // choice=option,... is read too: conditions and rules speak of choices by name.
  if (text.find('=') != text.npos) return Space::parse(text);
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  std::vector<std::string_view> parts = split(trim(text), '/');
  const size_t head = open(layout_.resolution) ? 1 : 0;
  if (parts.size() != layout_.stages.size() + head)
    bad_architecture(text,
                     "has " + std::to_string(parts.size()) + " parts between '/'; expected " +
                         std::to_string(layout_.stages.size() + head),
                     "The form is " + this->text(largest_));
  if (head > 0) {
    const std::string_view word = trim(parts[0]);
    if (word.empty() || word[0] != 'r')
      bad_architecture(
          text, "must start with the resolution", "The form is " + this->text(largest_));
    set(layout_.resolution, word.substr(1), "resolution", text, a);
  }
  for (size_t s = 0; s < layout_.stages.size(); ++s) parse_stage(s, parts[s + head], text, a);
  // An empty stage has no width; texts may name any.
  for (size_t s = 0; s < layout_.stages.size(); ++s) {
    const size_t width = layout_.stages[s].width;
    if (depth_of(s, a) == 0 && open(width) && !active(a, choice_of(width)))
      a.genes[choice_of(width)] = 0;
  }
  for (size_t c = 0; c < choices_.size(); ++c)
    if (a.genes[c] != 0 && !active(a, c))
      bad_architecture(
          text,
          choices_[c].name + " is closed by a condition and must be " + choices_[c].options[0]);
  std::string why;
  if (!valid(a, &why)) bad_architecture(text, why);
  return a;
}

Notation Custom::notation() const {
  const auto options = [&](size_t param) {
    std::string all;
    for (const std::string& option : layout_.model.params()[param].options)
      all += (all.empty() ? "" : ", ") + option;
    return all;
  };
  Notation n;
  if (open(layout_.resolution))
    n.parts.emplace_back("r32",
                         "in front: resolution of the image: " + options(layout_.resolution));
  n.parts.emplace_back("/", "between the " + std::to_string(layout_.stages.size()) + " stages");
  const Stage& first = layout_.stages[0];
  n.parts.emplace_back(layout_.model.params()[first.width].options.back() + ":",
                       "width (channels) of a stage");
  n.parts.emplace_back(",", "between its layers; their number is its depth");
  if (!first.layers.empty())
    n.parts.emplace_back(layout_.model.params()[first.layers[0].kind].options.front(),
                         "a layer: its block");
  n.parts.emplace_back("+k5, +e4", "kernel and expansion of a block, where they are choices");
  n.others.emplace_back("choice=option,...", "every active choice by its name, as listed below");
  return n;
}

}  // namespace nas::custom
