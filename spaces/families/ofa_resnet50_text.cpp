// Text forms of the once-for-all ResNet50.
#include <cmath>

#include "spaces/families/ofa_dictionary.hpp"
#include "spaces/families/ofa_resnet50.hpp"
#include "spaces/text/arch_text.hpp"

namespace nas {
namespace {

/// `0.25` and `.250` are one option.
std::optional<double> number_of(std::string_view word) {
  if (word.empty() || word.find_first_not_of("0123456789.") != word.npos) return std::nullopt;
  const std::string copy(word);
  size_t used = 0;
  double value = 0;
  try {
    value = std::stod(copy, &used);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  return used == copy.size() ? std::optional(value) : std::nullopt;
}

std::string offered(const std::vector<std::string>& options) {
  std::string text;
  for (size_t i = 0; i < options.size(); ++i)
    text += (i == 0 ? "" : i + 1 == options.size() ? " or " : ", ") + options[i];
  return text;
}

}  // namespace

int16_t OfaResNet50::option_of(size_t choice,
                               std::string_view word,
                               std::string_view text,
                               const std::string& where) const {
  const std::vector<std::string>& options = choices_[choice].options;
  const std::optional<double> value = number_of(word);
  // The option itself; else, since texts come from other programs too, one next to it.
  for (const double tolerance : {0.0, 1e-9})
    for (size_t i = 0; value && i < options.size(); ++i)
      if (std::abs(std::stod(options[i]) - *value) <= tolerance) return static_cast<int16_t>(i);
  bad_architecture(text,
                   where + ": '" + std::string(word.substr(0, 40)) + "' is not " + offered(options),
                   "The space offers " + offered(options) + ".");
}

std::string OfaResNet50::text(const Architecture& a) const {
  const auto option = [&](size_t choice) {
    return choices_[choice].options[static_cast<size_t>(a.genes[choice])];
  };
  std::string text = "w" + option(first_width_) + "-w" + option(first_width_ + 1);
  if (a.genes[0] == 1) text += "-res";
  for (size_t s = 0; s < kStages; ++s) {
    text += "/w" + option(first_width_ + 2 + s) + ":";
    const int depth = kBaseDepths[s] + a.genes[1 + s];
    for (int j = 0; j < depth; ++j)
      text += (j == 0 ? "e" : "-e") +
              option(static_cast<size_t>(stages_[s][static_cast<size_t>(j)].expand));
  }
  return text;
}

Architecture OfaResNet50::parse(std::string_view raw) const {
  const std::string_view text = trim(raw);
  // A dictionary has brackets, the text form none.
  if (text.find_first_of("{(") != text.npos) return parse_lists(text);
  if (text.find('=') != text.npos) return Space::parse(text);
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  const std::vector<std::string_view> parts = split(text, '/');
  if (parts.size() != kStages + 1)
    bad_architecture(text,
                     std::to_string(parts.size()) + " parts where the stem and 4 stages are needed",
                     "The form is " + this->text(smallest()));
  const auto set =
      [&](size_t choice, std::string_view word, char letter, const std::string& where) {
        word = trim(word);
        if (word.empty() || word[0] != letter)
          bad_architecture(text,
                           where + ": '" + std::string(word.substr(0, 40)) +
                               "' does not begin with " + std::string(1, letter),
                           "The form is " + this->text(smallest()));
        a.genes[choice] = option_of(choice, word.substr(1), text, where);
      };
  const std::vector<std::string_view> stem = split(parts[0], '-');
  if (stem.size() < 2 || stem.size() > 3 || (stem.size() == 3 && trim(stem[2]) != "res"))
    bad_architecture(
        text, "stem: expected two widths, then res or nothing", "Such as w1.0-w0.8-res");
  set(first_width_, stem[0], 'w', "stem: middle width");
  set(first_width_ + 1, stem[1], 'w', "stem: width");
  a.genes[0] = stem.size() == 3 ? 1 : 0;
  for (size_t s = 0; s < kStages; ++s) {
    const std::string where = "stage " + std::to_string(s + 1);
    const std::string_view part = parts[s + 1];
    const size_t colon = part.find(':');
    if (colon == part.npos) bad_architecture(text, where + ": no ':'", "Such as w1.0:e0.2-e0.35");
    set(first_width_ + 2 + s, part.substr(0, colon), 'w', where + ": width");
    const std::vector<std::string_view> blocks = split(part.substr(colon + 1), '-');
    const auto depth = static_cast<int>(blocks.size());
    if (depth < kBaseDepths[s] || depth > kBaseDepths[s] + kMore)
      bad_architecture(text,
                       where + ": " + std::to_string(depth) + " blocks where " +
                           std::to_string(kBaseDepths[s]) + " to " +
                           std::to_string(kBaseDepths[s] + kMore) + " are possible");
    a.genes[1 + s] = static_cast<int16_t>(depth - kBaseDepths[s]);
    for (size_t j = 0; j < blocks.size(); ++j)
      set(static_cast<size_t>(stages_[s][j].expand),
          blocks[j],
          'e',
          where + ", block " + std::to_string(j + 1));
  }
  return a;
}

// {'d': [2, 0, 1, 2, 1], 'e': [0.2, ...], 'w': [0, ...]}: e are values, w positions among the
// widths.
Architecture OfaResNet50::parse_lists(std::string_view text) const {
  const OfaDictionary map(text, {"d", "e", "w"});
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  const auto small = [&](const std::string& key, size_t i, const Literal& value, size_t count) {
    const int number = whole_number_of(value);
    if (number < 0 || number >= static_cast<int>(count))
      map.fail(key + "[" + std::to_string(i) + "]: '" + std::string(value.source.substr(0, 40)) +
               "' is not a whole number from 0 to " + std::to_string(count - 1));
    return static_cast<int16_t>(number);
  };
  const auto d = map.list("d", 1 + kStages);
  // 0 and 1 both leave the residual convolution of the stem out.
  a.genes[0] = small("d", 0, *d[0], kMore + 1) == 2 ? 1 : 0;
  for (size_t s = 0; s < kStages; ++s) a.genes[1 + s] = small("d", 1 + s, *d[1 + s], kMore + 1);
  const auto e = map.list("e", first_width_ - 1 - kStages);
  for (size_t s = 0; s < kStages; ++s)
    for (size_t j = 0; j < stages_[s].size(); ++j) {
      const auto choice = static_cast<size_t>(stages_[s][j].expand);
      const size_t i = choice - 1 - kStages;
      const bool used = static_cast<int>(j) < kBaseDepths[s] + a.genes[1 + s];
      if (!used && OfaDictionary::says_nothing(*e[i])) continue;
      a.genes[choice] = option_of(choice, e[i]->source, text, "e[" + std::to_string(i) + "]");
    }
  const auto w = map.list("w", 2 + kStages);
  for (size_t i = 0; i < w.size(); ++i)
    a.genes[first_width_ + i] = small("w", i, *w[i], o_.widths.size());
  if (const std::optional<int> r = map.resolution(); r && *r != o_.resolution)
    map.fail("r: " + std::to_string(*r) + " is not " + std::to_string(o_.resolution),
             "The resolution is no choice of this space: it is its option `resolution`.");
  return fix_inactive(std::move(a));
}

Notation OfaResNet50::notation() const {
  const auto& widths = choices_[first_width_].options;
  const auto& expansions = choices_[1 + kStages].options;
  Notation n;
  n.parts = {{"w1.0-w0.8-res",
              "the stem: widths of its middle and end, `res` for its residual convolution"},
             {"/", "between the stem and the " + std::to_string(kStages) + " stages"},
             {"w1.0:", "width of a stage: " + offered(widths)},
             {"e0.2-e0.35",
              "the blocks of a stage, as many as they are: expansion " + offered(expansions)}};
  n.others = {{"{'d': [...], 'e': [...], 'w': [...]}",
               "the once-for-all dictionary: " + std::to_string(1 + kStages) +
                   " depths (of the stem 0 or 2; blocks added to a stage), " +
                   std::to_string(first_width_ - 1 - kStages) +
                   " expansions (None where unused), " + std::to_string(2 + kStages) +
                   " positions among the widths"}};
  n.keys = {"d", "e", "w"};
  return n;
}

}  // namespace nas
