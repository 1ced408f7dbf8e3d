// Which form a text has is told by its first bracket, so that what a log prints before it (a name,
// a date) need not be understood: `{` opens a dictionary, `Genotype(` a genotype, `name=` choices;
// all else is the space's own text.
#include "spaces/text/read_architecture.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/literal.hpp"
#include "spaces/text/notation.hpp"
#include "spaces/text/plain_text.hpp"
#include "spaces/yaml/yaml_tree.hpp"

namespace nas {
namespace {

constexpr int kMostNumbered = 1'000'000;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

void refuse_bytes(std::string_view text) {
  if (text.size() > kLongestArchitecture)
    bad_architecture(text.substr(0, 40), "is longer than 1 MiB");
  if (text.find('\0') != text.npos) bad_architecture(text, "holds a NUL byte");
  if (not_utf8(text) != text.npos) bad_architecture(text, "is not UTF-8");
}

/// `(4, 3, 3)`, `4 3 3`, `[4 3 3]`: numbers as tuples, shells and numpy print them, as `[4, 3, 3]`;
/// "" for all else.
std::string as_number_list(std::string_view text) {
  const bool round = text.starts_with('(') && text.ends_with(')');
  if (round || (text.starts_with('[') && text.ends_with(']')))
    text = trim(text.substr(1, text.size() - 2));
  if (text.find_first_not_of("0123456789, \t") != text.npos) return "";
  std::string list;
  size_t numbers = 0;
  while (true) {
    const size_t begin = text.find_first_of("0123456789");
    if (text.substr(0, begin).find(',') != text.substr(0, begin).rfind(',')) return "";
    if (begin == text.npos) break;
    const size_t end = text.find_first_not_of("0123456789", begin);
    list += (numbers++ == 0 ? "" : ", ") +
            std::string(text.substr(begin, end == text.npos ? end : end - begin));
    if (end == text.npos) break;
    text.remove_prefix(end);
  }
  return numbers < 2 ? "" : "[" + list + "]";
}

/// Inside of '...' or "..." around the whole text, as lists and logs have them.
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || (text[0] != '"' && text[0] != '\'')) return std::string(text);
  try {
    const Literal value = parse_literal(text);
    if (value.is(Literal::Kind::kText)) return value.text;
  } catch (const LiteralError&) {
  }
  return std::string(text);
}

/// Where `{`, `dict(` or `OrderedDict(` stands first, or npos.
size_t begin_of_map(std::string_view text) {
  const size_t brace = text.find('{'), call = text.find("ict(");
  if (call == text.npos || brace < call) return brace;
  size_t begin = call;
  while (begin > 0 && (std::isalnum(static_cast<unsigned char>(text[begin - 1])) != 0 ||
                       text[begin - 1] == '.' || text[begin - 1] == '_'))
    --begin;
  return begin;
}

int16_t option_at(const Choice& choice, const Literal& value, const std::string& written) {
  const auto& options = choice.options;
  const auto it = std::find(options.begin(), options.end(), written);
  if (it != options.end()) return static_cast<int16_t>(it - options.begin());
  if (value.is(Literal::Kind::kNumber))
    for (size_t i = 0; i < options.size(); ++i) {
      double number = 0, option = 0;
      const auto read = [](std::string_view text, double& out) {
        return std::from_chars(text.data(), text.data() + text.size(), out).ptr ==
               text.data() + text.size();
      };
      if (read(value.source, number) && read(options[i], option) && number == option)
        return static_cast<int16_t>(i);
    }
  std::string all;
  for (const std::string& option : options) all += (all.empty() ? "" : ", ") + option;
  const std::string near = nearest(written.substr(0, 64), options);
  throw ConfigError("architecture: unknown option of " + choice.name + " '" +
                        written.substr(0, 64) + "'; expected one of: " + all,
                    near.empty() ? "" : "did you mean '" + near + "'?");
}

/// As Python would print it; plain words stay, so that None is no text.
std::string in_brackets(const detail::YamlNode& node) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  const auto word = [](const std::string& value, bool quoted) {
    constexpr const char* kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-";
    if (!quoted && !value.empty() && value.find_first_not_of(kPlain) == value.npos) return value;
    std::string out = "'";
    for (const char c : value)
      out += c == '\\' || c == '\'' ? std::string("\\") + c : std::string(1, c);
    return out + "'";
  };
  if (node.is_null()) return "null";
  if (node.is_scalar()) return word(node.text, node.quoted);
  for (const detail::YamlPtr& item : node.items) add(in_brackets(*item));
  if (node.is_list()) return "[" + text + "]";
  for (const auto& entry : node.entries)
    add(word(entry.key, true) + ": " + in_brackets(*entry.value));
  return "{" + text + "}";
}

}  // namespace

std::string architecture_in_yaml(const Binder::Raw& raw) {
  if (raw.tree == nullptr || raw.tree->is_null()) return "";
  return raw.tree->is_scalar() ? raw.tree->text : in_brackets(*raw.tree);
}

const std::string* architecture_key(const std::vector<std::string>& keys) {
  for (const char* wanted : {"architecture", "arch"}) {
    for (const std::string& key : keys)
      if (key == wanted) return &key;
    for (const std::string& key : keys)
      if (lower(key) == wanted) return &key;
  }
  return nullptr;
}

Architecture read_choices(const Space& space, const Literal& map) {
  const std::vector<Choice>& choices = space.choices();
  if (const std::string* twice = doubled_key(map))
    throw ConfigError("architecture: '" + twice->substr(0, 64) + "' is given twice");
  std::vector<std::string> names;
  for (const Choice& choice : choices) names.push_back(choice.name);
  Architecture a{std::vector<int16_t>(choices.size(), 0)};
  std::vector<char> given(choices.size(), 0);
  for (size_t i = 0; i < map.keys.size(); ++i) {
    const auto it = std::find(names.begin(), names.end(), map.keys[i]);
    if (it == names.end()) {
      const std::string word = map.keys[i].substr(0, 64), near = nearest(word, names);
      throw ConfigError("architecture: unknown choice '" + word + "'",
                        near.empty() ? "nas space show lists the choices of a space"
                                     : "did you mean '" + near + "'?");
    }
    const auto c = static_cast<size_t>(it - names.begin());
    const Literal& value = map.items[i];
    using Kind = Literal::Kind;
    if (value.is(Kind::kNull)) continue;
    if (!value.is(Kind::kText) && !value.is(Kind::kNumber) && !value.is(Kind::kWord))
      throw ConfigError("architecture: " + names[c] + ": expected the name of an option, got " +
                        std::string(value.source.substr(0, 40)));
    a.genes[c] = option_at(
        choices[c], value, value.is(Kind::kText) ? value.text : std::string(value.source));
    given[c] = 1;
  }
  for (size_t c = 0; c < choices.size(); ++c)
    if (space.active(a, c) != static_cast<bool>(given[c]))
      throw ConfigError("architecture: choice " + names[c] +
                        (given[c] ? " is not active" : " is missing"));
  return a;
}

std::string_view ArchitectureReader::text_of(const Literal& value) {
  return value.is(Literal::Kind::kText) ? std::string_view(value.text) : value.source;
}

Architecture ArchitectureReader::numbered(int64_t number) {
  if (space_.count() > kMostNumbered)
    throw ConfigError("architecture #" + std::to_string(number) + ": the space has " +
                          space_.count().str() + " architectures, too many to number",
                      "write the architecture as text");
  if (numbered_.empty())
    space_.enumerate([&](const Architecture& a) {
      numbered_.push_back(a);
      return true;
    });
  if (number < 0 || number >= static_cast<int64_t>(numbered_.size()))
    throw ConfigError("architecture #" + std::to_string(number) +
                      ": the space has the numbers 0 to " + std::to_string(numbered_.size() - 1));
  return numbered_[static_cast<size_t>(number)];
}

Architecture ArchitectureReader::read_map(std::string_view text, size_t begin) {
  // What stands before is a name or a date, unless it is an architecture of its own.
  if (text.substr(0, begin).find_first_of("{}|~") != text.npos)
    bad_architecture(text, "a dictionary follows something that is no name of it");
  size_t at = begin;
  Literal map;
  try {
    map = parse_literal(text, at);
  } catch (const LiteralError& e) {
    bad_architecture(text, "at character " + std::to_string(e.at + 1) + ": " + e.what());
  }
  const std::string_view after = trim(text.substr(at));
  // A tuple of a log may go on with numbers.
  if (after.find_first_not_of("0123456789 ,.;:)]'\"%+-") != after.npos)
    bad_architecture(text, "something follows the '}'");
  if (!map.is(Literal::Kind::kMap)) bad_architecture(text, "is no dictionary");
  const auto named = [&](const std::string& key) {
    const std::vector<Choice>& choices = space_.choices();
    return std::any_of(
        choices.begin(), choices.end(), [&](const Choice& c) { return c.name == key; });
  };
  if (std::any_of(map.keys.begin(), map.keys.end(), named)) return read_choices(space_, map);
  if (const std::string* key = architecture_key(map.keys)) {
    if (const std::string* twice = doubled_key(map); twice != nullptr && *twice == *key)
      bad_architecture(text, "'" + *key + "' is given twice");
    const std::string inner(text_of(*map.find(*key)));
    if (inner.size() >= text.size()) bad_architecture(text, "names no architecture");
    return read(inner);
  }
  if (notation_of(space_).keys.empty()) return read_choices(space_, map);
  return space_.parse(map.source);
}

Architecture ArchitectureReader::read(std::string_view raw) {
  refuse_bytes(raw);
  const std::string cleaned = plain(raw);
  const std::string text = unquoted(trim(cleaned));
  if (text.empty())
    bad_architecture(text, "is empty", "The form is " + space_.text(space_.largest()));
  try {
    return read_plain(text);
  } catch (const ConfigError& e) {
    // Who reads a part of it knows only that part; a user with many needs to know which.
    const std::string anonymous = "architecture: ", &what = e.problems().front().message;
    if (!what.starts_with(anonymous)) throw;
    bad_architecture(text, what.substr(anonymous.size()), e.problems().front().hint);
  }
}

Architecture ArchitectureReader::read_plain(const std::string& text) {
  const bool genotype = text.find("Genotype") != text.npos;
  Architecture a;
  if (const size_t begin = begin_of_map(text); begin != text.npos && !genotype) {
    a = read_map(text, begin);
  } else if (text[0] == '#') {
    const auto number = whole_number(text.substr(1));
    if (!number)
      bad_architecture(text,
                       "is no number of an architecture",
                       "#N counts as nas space enumerate does, from #0");
    a = numbered(*number);
  } else if (text.find('=') != text.npos && !genotype && text.find('|') == text.npos &&
             text.find('[') == text.npos) {
    a = space_.Space::parse(text);
  } else {
    const std::string list = as_number_list(text);
    try {
      a = space_.parse(text);
    } catch (const ConfigError&) {
      if (list.empty()) throw;
      a = space_.parse(list);
    }
  }
  std::string why;
  if (!space_.valid(a, &why)) bad_architecture(text, why);
  return a;
}

Architecture read_architecture(const Space& space, std::string_view text) {
  return ArchitectureReader(space).read(text);
}

}  // namespace nas
