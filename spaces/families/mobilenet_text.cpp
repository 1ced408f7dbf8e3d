// Text forms of the elastic MobileNets.
#include <algorithm>

#include "spaces/families/mobilenet.hpp"
#include "spaces/families/ofa_dictionary.hpp"
#include "spaces/text/arch_text.hpp"

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
  // A dictionary has brackets, the text form none.
  return text.find_first_of("{(") != text.npos ? parse_lists(text) : parse_blocks(text);
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
  const OfaDictionary map(text, {"ks", "e", "d"});
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  const auto ks = map.list("ks", slots_.size()), e = map.list("e", slots_.size());
  // A stage of one block has no depth; lists name it or leave it out.
  const auto elastic = static_cast<size_t>(std::count_if(
      stages_.begin(), stages_.end(), [](const Stage& s) { return s.depth_choice >= 0; }));
  const bool whole = map.size_of("d") == stages_.size();
  const auto d = map.list("d", whole ? stages_.size() : elastic);
  for (size_t s = 0, next = 0; s < stages_.size(); ++s)
    if (whole || stages_[s].depth_choice >= 0) set_depth(a, s, whole_number_of(*d[next++]), text);
  for (size_t s = 0; s < stages_.size(); ++s)
    for (int j = 0; j < stages_[s].slots; ++j) {
      const auto i = static_cast<size_t>(stages_[s].first_block + j);
      const bool used = j < depth(a, stages_[s]);
      const auto set = [&](const Literal& value,
                           const std::vector<int>& offered,
                           const std::string& key) -> int16_t {
        if (!used && OfaDictionary::says_nothing(value)) return 0;
        const std::string where = key + "[" + std::to_string(i) + "]";
        const int number = whole_number_of(value);
        if (number < 0)
          map.fail(
              where + ": " + std::string(value.source.substr(0, 40)) + " is not " + one_of(offered),
              used ? "The block is used: the depth of its stage says so." : "");
        return option_of(number, offered, text, where);
      };
      a.genes[i] = set(*ks[i], o_.kernels, "ks");
      a.genes[slots_.size() + i] = set(*e[i], o_.expansions, "e");
    }
  if (const std::optional<int> r = map.resolution())
    set_resolution(a, std::to_string(*r), text);
  else if (resolution_choice_ >= 0)
    map.fail("r: missing", "The resolution is a choice of this space: " + one_of(o_.resolutions));
  return fix_inactive(std::move(a));
}

Notation MobileNet::notation() const {
  const std::string name =
      resolution_choice_ >= 0 ? "r" + std::to_string(o_.resolutions.back()) : "";
  Notation n;
  if (resolution_choice_ >= 0)
    n.parts.emplace_back(name + ":", "resolution of the image: " + one_of(o_.resolutions));
  n.parts.emplace_back("/", "between stages, " + std::to_string(stages_.size()) + " of them");
  n.parts.emplace_back(
      "-", "between the blocks of a stage; their number is its depth: " + one_of(o_.depths));
  n.parts.emplace_back(
      "k" + std::to_string(o_.kernels.back()) + "e" + std::to_string(o_.expansions.back()),
      "a block: kernel " + one_of(o_.kernels) + ", expansion " + one_of(o_.expansions));
  const std::string values = std::to_string(slots_.size());
  n.others.emplace_back("{'ks': [...], 'e': [...], 'd': [...]" +
                            std::string(resolution_choice_ >= 0 ? ", 'r': [192]}" : "}"),
                        "the once-for-all dictionary: " + values + " kernels, " + values +
                            " expansions, the depths; None or 0 for blocks that are not used");
  n.keys = {"ks", "e", "d"};
  return n;
}

}  // namespace nas
