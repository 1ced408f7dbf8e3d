// Text forms of the elastic MobileNets.
#include <algorithm>

#include "spaces/arch_text.hpp"
#include "spaces/mobilenet.hpp"

namespace nas {
namespace {

int16_t option_of(int value,
                  const std::vector<int>& values,
                  std::string_view text,
                  const std::string& where) {
  const std::optional<size_t> option = index_of(value, values);
  if (!option)
    bad_architecture(text,
                     where + ": " + std::to_string(value) + " is not " + one_of(values),
                     "The space offers " + one_of(values) + ".");
  return static_cast<int16_t>(*option);
}

}  // namespace

std::string MobileNet::text(const Architecture& a) const {
  std::string text;
  if (resolution_choice_ >= 0) {
    const auto gene = static_cast<size_t>(a.genes[static_cast<size_t>(resolution_choice_)]);
    text = "r" + std::to_string(o_.resolutions[gene]) + ":";
  }
  for (const Stage& stage : stages_) {
    if (&stage != &stages_.front()) text += '/';
    for (int j = 0; j < depth(a, stage); ++j) {
      const auto i = static_cast<size_t>(stage.first_block + j);
      if (j > 0) text += '-';
      text += "k" + std::to_string(o_.kernels[static_cast<size_t>(a.genes[i])]) + "e" +
              std::to_string(o_.expansions[static_cast<size_t>(a.genes[slots_.size() + i])]);
    }
  }
  return text;
}

void MobileNet::set_depth(Architecture& a, size_t s, int depth, std::string_view text) const {
  const Stage& stage = stages_[s];
  const std::string where = "stage " + std::to_string(s + 1) + ": depth";
  if (stage.depth_choice < 0)
    option_of(depth, {stage.slots}, text, where);
  else
    a.genes[static_cast<size_t>(stage.depth_choice)] = option_of(depth, o_.depths, text, where);
}

void MobileNet::set_resolution(Architecture& a,
                               std::string_view word,
                               std::string_view text) const {
  const std::optional<int> value = whole_number(word);
  if (!value)
    bad_architecture(text, "resolution: '" + std::string(word) + "' is not a whole number");
  const int16_t option = option_of(*value, o_.resolutions, text, "resolution");
  if (resolution_choice_ >= 0) a.genes[static_cast<size_t>(resolution_choice_)] = option;
}

Architecture MobileNet::parse(std::string_view raw) const {
  const std::string_view text = trim(raw);
  return !text.empty() && text.front() == '{' ? parse_lists(text) : parse_blocks(text);
}

Architecture MobileNet::parse_blocks(std::string_view text) const {
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  std::string_view body = text;
  if (!text.empty() && text[0] == 'r') {
    const size_t colon = text.find(':');
    if (colon == text.npos)
      bad_architecture(text, "resolution: no ':' after it", "Write r224:k3e6-...");
    set_resolution(a, text.substr(1, colon - 1), text);
    body = text.substr(colon + 1);
  } else if (resolution_choice_ >= 0) {
    bad_architecture(text,
                     "resolution: missing",
                     "Write r" + std::to_string(o_.resolutions.back()) + ": in front.");
  }
  return parse_block_stages(text, body, std::move(a));
}

Architecture MobileNet::parse_block_stages(std::string_view text,
                                           std::string_view body,
                                           Architecture a) const {
  const std::vector<std::string_view> stages = split(body, '/');
  if (stages.size() != stages_.size())
    bad_architecture(text,
                     std::to_string(stages.size()) + " stages where " +
                         std::to_string(stages_.size()) + " are needed",
                     "The form is " + this->text(smallest()));
  for (size_t s = 0; s < stages.size(); ++s) {
    const std::vector<std::string_view> blocks = split(stages[s], '-');
    set_depth(a, s, static_cast<int>(blocks.size()), text);
    for (size_t j = 0; j < blocks.size(); ++j) {
      const std::string_view block = trim(blocks[j]);
      const std::string where =
          "stage " + std::to_string(s + 1) + ", block " + std::to_string(j + 1);
      const size_t e = block.find('e');
      const bool formed = !block.empty() && block[0] == 'k' && e != block.npos;
      const auto kernel = formed ? whole_number(block.substr(1, e - 1)) : std::nullopt;
      const auto expansion = formed ? whole_number(block.substr(e + 1)) : std::nullopt;
      if (!kernel || !expansion)
        bad_architecture(text,
                         where + ": '" + std::string(block.substr(0, 40)) + "' is no block",
                         "Write k and e with their numbers, such as k5e4.");
      const size_t i = static_cast<size_t>(stages_[s].first_block) + j;
      a.genes[i] = option_of(*kernel, o_.kernels, text, where + ": kernel");
      a.genes[slots_.size() + i] =
          option_of(*expansion, o_.expansions, text, where + ": expansion");
    }
  }
  return a;
}

// {'wid': None, 'ks': [...], 'e': [...], 'd': [...], 'r': [224]}
Architecture MobileNet::parse_lists(std::string_view text) const {
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  const auto need = [&](const std::string& key, size_t size) {
    const std::optional<std::vector<int>> list = numbers_of(text, key);
    if (!list) bad_architecture(text, key + ": missing");
    if (list->size() != size)
      bad_architecture(text,
                       key + ": " + std::to_string(list->size()) + " values where " +
                           std::to_string(size) + " are needed");
    return *list;
  };
  const std::vector<int> ks = need("ks", slots_.size()), e = need("e", slots_.size());
  const auto elastic = static_cast<size_t>(std::count_if(
      stages_.begin(), stages_.end(), [](const Stage& s) { return s.depth_choice >= 0; }));
  std::vector<int> d = numbers_of(text, "d").value_or(std::vector<int>());
  if (d.size() != stages_.size()) d = need("d", elastic);
  for (size_t s = 0; s < d.size(); ++s) set_depth(a, s, d[s], text);
  for (size_t i = 0; i < slots_.size(); ++i) {
    const std::string at = "[" + std::to_string(i) + "]";
    a.genes[i] = option_of(ks[i], o_.kernels, text, "ks" + at);
    a.genes[slots_.size() + i] = option_of(e[i], o_.expansions, text, "e" + at);
  }
  if (const auto r = numbers_of(text, "r")) {
    if (r->size() != 1) bad_architecture(text, "r: expected one resolution");
    set_resolution(a, std::to_string((*r)[0]), text);
  } else if (resolution_choice_ >= 0) {
    bad_architecture(text, "r: missing");
  }
  return fix_inactive(std::move(a));
}

}  // namespace nas
