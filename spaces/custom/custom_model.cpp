// Conditions and rules are sentences about choices (`a >= 3 and b in [1, 2]`): read once into sets
// of allowed options, so that no text is looked at while architectures are drawn.
#include "spaces/custom/custom_model.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "spaces/base/joined.hpp"
#include "spaces/counting/space_tables.hpp"
#include "spaces/text/arch_text.hpp"

namespace nas::custom {
namespace {

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text.substr(0, 80)) + (text.size() > 80 ? "...'" : "'");
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// `a and b and c`, at the word; an `and` at an end leaves an empty part there.
std::vector<std::string_view> split_and(std::string_view text) {
  constexpr std::string_view kAnd = "and";
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (size_t at = 0; (at = text.find(kAnd, at)) != text.npos; at += kAnd.size()) {
    const size_t end = at + kAnd.size();
    const bool word =
        (at == 0 || is_blank(text[at - 1])) && (end == text.size() || is_blank(text[end]));
    if (!word) continue;
    parts.push_back(trim(text.substr(begin, at - begin)));
    begin = end;
  }
  parts.push_back(trim(text.substr(begin)));
  return parts;
}

constexpr std::string_view kOperators[] = {">=", "<=", "==", "!=", ">", "<", "=", "in"};
const char* const kForm = "The form is: choice >= 3, choice == conv, or choice in [16, 24].";

// A word of other languages that has no meaning here, or "".
std::string foreign_word(std::string_view text) {
  if (text.find_first_of("()") != text.npos) return "( )";
  for (const std::string_view word : split(text, ' '))
    for (const char* known :
         {"or", "not", "xor", "OR", "NOT", "AND", "||", "&&", "|", "&", "!", "+", "-", "*", "/"})
      if (word == known) return known;
  return "";
}

struct Fault {
  std::string message, hint;
};

Fault foreign_fault(const std::string& word, std::string_view text) {
  Fault fault{in_quotes(text) + ": '" + word +
                  "' has no meaning in expressions; they have >=, <=, >, <, ==, != and in [ ], "
                  "joined by and",
              kForm};
  if (word == "or" || word == "OR" || word == "||" || word == "|")
    fault.hint =
        "For other options of one choice: choice in [16, 24]. What must hold as a whole "
        "is written as rules.";
  if (word == "not" || word == "NOT" || word == "!")
    fault.hint = "Write choice != option, or the options that are left: choice in [16, 24].";
  return fault;
}

/// One comparison, taken apart; what is wrong with its form stands in `fault`.
struct Comparison {
  std::string name;
  std::string_view op;
  std::vector<std::string_view> words;  ///< What the choice is compared with.
  std::optional<Fault> fault;
};

std::string_view operator_at(std::string_view text) {
  const size_t signs = std::min(text.find_first_not_of("<>=!"), text.size());
  if (signs > 0) return text.substr(0, signs);
  return text.substr(0, std::min(text.find_first_of(" \t["), text.size()));
}

void read_list(std::string_view text, Comparison& c) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
    c.fault = Fault{"a list in [ ] must follow 'in', got " + in_quotes(text), kForm};
    return;
  }
  c.words = split(text.substr(1, text.size() - 2), ',');
  for (std::string_view& word : c.words) {
    word = trim(word);
    if (word.empty())
      c.fault = Fault{c.words.size() == 1 ? "the list after 'in' is empty"
                                          : "an option is missing in " + in_quotes(text),
                      kForm};
  }
}

Comparison take_apart(std::string_view text) {
  Comparison c;
  if (text.empty()) {
    c.fault = Fault{"a comparison is missing before or after 'and'", kForm};
    return c;
  }
  const size_t end = std::min(text.find_first_of(" \t<>=!"), text.size());
  c.name = std::string(text.substr(0, end));
  const std::string_view rest = trim(text.substr(end));
  c.op = operator_at(rest);
  const std::string_view right = trim(rest.substr(c.op.size()));
  const bool known =
      std::find(std::begin(kOperators), std::end(kOperators), c.op) != std::end(kOperators);
  if (c.name.empty()) {
    c.fault = Fault{in_quotes(text) + " has no choice on the left", kForm};
  } else if (c.op.empty()) {
    c.fault = Fault{in_quotes(text) + " is not a comparison", kForm};
  } else if (!known) {
    c.fault = Fault{in_quotes(c.op) + " is not an operator; there are >=, <=, >, <, ==, != and in",
                    kForm};
  } else if (right.empty()) {
    c.fault = Fault{in_quotes(text) + ": nothing follows " + std::string(c.op), kForm};
  } else if (c.op == "in") {
    read_list(right, c);
  } else {
    c.words = {right};
  }
  return c;
}

bool compare(double a, std::string_view op, double b) {
  if (op == ">=") return a >= b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  if (op == "<") return a < b;
  return op == "!=" ? a != b : a == b;
}

// Whether an option fulfils `op word`; nullopt: an order was asked of a text.
std::optional<bool> fulfils(const std::string& option, std::string_view op, std::string_view word) {
  const std::optional<double> a = number(option), b = number(word);
  if (a && b) return compare(*a, op, *b);
  if (op == "==" || op == "=") return option == word;
  if (op == "!=") return option != word;
  return std::nullopt;
}

bool names_option(const Param& param, std::string_view word) {
  return std::any_of(param.options.begin(), param.options.end(), [&](const std::string& option) {
    return fulfils(option, "==", word).value_or(false);
  });
}

// What is wrong with comparing this parameter so, or nothing.
std::optional<Fault> comparison_fault(const Param& param, const Comparison& c) {
  const bool equality = c.op == "in" || c.op == "=" || c.op == "==" || c.op == "!=";
  const bool numbers = std::all_of(param.options.begin(),
                                   param.options.end(),
                                   [](const std::string& o) { return number(o).has_value(); });
  for (const std::string_view word : c.words) {
    if (equality && !names_option(param, word))
      return Fault{
          param.name + " has no option " + in_quotes(word) + "; it has " + joined(param.options),
          ""};
    if (!equality && !numbers)
      return Fault{std::string(c.op) + " needs numbers, and " + param.name + " has the options " +
                       joined(param.options),
                   "Use ==, != or in [ ]."};
    if (!equality && !number(word))
      return Fault{
          "what follows " + std::string(c.op) + " must be a number, got " + in_quotes(word),
          param.name + " has the options " + joined(param.options) + "."};
  }
  return std::nullopt;
}

}  // namespace

size_t Model::add(const std::string& name, std::vector<std::string> options) {
  Param param;
  param.name = name;
  param.options = std::move(options);
  params_.push_back(std::move(param));
  asked_at_.emplace_back();
  return params_.size() - 1;
}

const Param* Model::find(const std::string& name,
                         const std::string& key,
                         Mistakes& mistakes) const {
  for (const Param& param : params_)
    if (param.name == name) return &param;
  // A block or stage named twice, which is told elsewhere, brings its parameters twice.
  std::set<std::string> seen;
  std::vector<std::string> names, open;
  for (const Param& param : params_) {
    if (!seen.insert(param.name).second) continue;
    names.push_back(param.name);
    if (param.options.size() > 1) open.push_back(param.name);
  }
  const std::string near = nearest(name.substr(0, 80), names);
  constexpr size_t kShown = 8;
  const bool more = open.size() > kShown;
  if (more) open.resize(kShown);
  mistakes.add(key,
               "unknown choice " + in_quotes(name),
               near.empty() ? "Known: " + joined(open) + (more ? ", ..." : "")
                            : "Did you mean '" + near + "'?");
  return nullptr;
}

void Model::freeze(const std::string& text, const std::string& key, Mistakes& mistakes) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    mistakes.add(key, in_quotes(text) + " is not of the form choice=option");
    return;
  }
  const Param* found =
      find(std::string(trim(std::string_view(text).substr(0, equals))), key, mistakes);
  if (found == nullptr) return;
  Param& param = params_[static_cast<size_t>(found - params_.data())];
  const std::string option(trim(std::string_view(text).substr(equals + 1)));
  const auto it = std::find(param.options.begin(), param.options.end(), option);
  if (it == param.options.end()) {
    const std::string near = nearest(option.substr(0, 80), param.options);
    mistakes.add(
        key,
        param.name + " has no option " + in_quotes(option) + "; it has " + joined(param.options),
        near.empty() ? "" : "Did you mean '" + near + "'?");
    return;
  }
  if (param.fixed >= 0) mistakes.add(key, param.name + " is frozen twice", "Keep one of the two.");
  param.fixed = static_cast<int>(it - param.options.begin());
}

bool Model::comparison(std::string_view text,
                       const std::string& key,
                       Expression& out,
                       Mistakes& mistakes) const {
  const auto refuse = [&](const Fault& fault) {
    // What the author meant is known then; the rest would mislead.
    const std::string foreign = foreign_word(text);
    const Fault told = foreign.empty() ? fault : foreign_fault(foreign, text);
    mistakes.add(key, told.message, told.hint);
    return false;
  };
  const Comparison c = take_apart(text);
  if (c.fault) return refuse(*c.fault);
  if (number(c.name))
    return refuse({"the choice stands on the left of " + std::string(c.op), kForm});
  const bool named = std::any_of(
      params_.begin(), params_.end(), [&c](const Param& p) { return p.name == c.name; });
  if (!named && !foreign_word(text).empty()) return refuse({});
  const Param* param = find(c.name, key, mistakes);
  if (param == nullptr) return false;
  if (const auto fault = comparison_fault(*param, c)) return refuse(*fault);
  Need need{static_cast<size_t>(param - params_.data()), {}};
  const std::string_view op = c.op == "in" ? "==" : c.op;
  for (size_t o = 0; o < param->options.size(); ++o)
    if (std::any_of(c.words.begin(), c.words.end(), [&](std::string_view word) {
          return fulfils(param->options[o], op, word).value_or(false);
        }))
      need.options.push_back(static_cast<int16_t>(o));
  if (need.options.empty())
    return refuse({"no option of " + c.name + " fulfils " + in_quotes(text) + "; it has " +
                       joined(param->options),
                   ""});
  out.push_back(std::move(need));
  return true;
}

Expression Model::expression(const std::string& text,
                             const std::string& key,
                             Mistakes& mistakes) const {
  Expression out;
  for (const std::string_view part : split_and(text))
    if (!comparison(part, key, out, mistakes)) break;
  return out;
}

void Model::read(const Options& options, Mistakes& mistakes) {
  for (size_t i = 0; i < options.freeze.size(); ++i)
    freeze(options.freeze[i], "freeze." + std::to_string(i), mistakes);
  for (size_t i = 0; i < options.conditions.size(); ++i) {
    const std::string key = "conditions." + std::to_string(i);
    const ConditionOptions& condition = options.conditions[i];
    Expression when = expression(condition.when, key + ".when", mistakes);
    const Param* param = find(condition.choice, key + ".choice", mistakes);
    if (param == nullptr) continue;
    const auto p = static_cast<size_t>(param - params_.data());
    for (Need& need : when) params_[p].needs.push_back(std::move(need));
    asked_at_[p] = key + ".when";
    params_[p].tied = true;
  }
  for (size_t i = 0; i < options.rules.size(); ++i) {
    const std::string key = "rules." + std::to_string(i);
    const RuleOptions& rule = options.rules[i];
    NamedRule named;
    named.key = key + ".require";
    if (!rule.when.empty()) named.when = expression(rule.when, key + ".when", mistakes);
    named.require = expression(rule.require, named.key, mistakes);
    named_rules_.push_back(std::move(named));
  }
}

// Parameters after those they need. A cycle is told with its members at one of its conditions.
std::vector<size_t> Model::order(Mistakes& mistakes) const {
  std::vector<size_t> order, path;
  std::vector<int> state(params_.size(), 0);
  const std::function<void(size_t)> visit = [&](size_t p) {
    if (state[p] == 2) return;
    if (state[p] == 1) {
      std::string ring, key;
      for (auto it = std::find(path.begin(), path.end(), p); it != path.end(); ++it) {
        ring += params_[*it].name + " needs ";
        if (!asked_at_[*it].empty()) key = asked_at_[*it];
      }
      mistakes.add(
          key, "the conditions form a cycle: " + ring + params_[p].name, "Remove one of them.");
      return;
    }
    state[p] = 1;
    path.push_back(p);
    for (const Need& need : params_[p].needs) visit(need.on);
    path.pop_back();
    state[p] = 2;
    order.push_back(p);
  };
  for (size_t p = 0; p < params_.size(); ++p) visit(p);
  return order;
}

// Needs on fixed parameters are decided now: they hold (and hand on what the fixed parameter
// itself needs) or never do. Several needs on one parameter become one.
void Model::decide(Param& param) const {
  std::vector<Need> open;
  const auto put = [&](const Need& need) {
    const auto same = std::find_if(
        open.begin(), open.end(), [&](const Need& other) { return other.on == need.on; });
    if (same == open.end()) return open.push_back(need);
    std::erase_if(same->options, [&](int16_t option) {
      return std::find(need.options.begin(), need.options.end(), option) == need.options.end();
    });
    param.never = param.never || same->options.empty();
  };
  for (const Need& need : param.needs) {
    const Param& on = params_[need.on];
    if (on.never) param.never = true;
    if (on.fixed < 0) {
      const bool always = need.options.size() == on.options.size() && on.needs.empty();
      if (!always) put(need);
      continue;
    }
    const auto fixed = static_cast<int16_t>(on.fixed);
    if (std::find(need.options.begin(), need.options.end(), fixed) == need.options.end())
      param.never = true;
    for (const Need& inherited : on.needs) put(inherited);
    param.tied = param.tied || on.tied;
  }
  param.needs = std::move(open);
  if (param.fixed < 0 && (param.never || param.options.size() == 1)) param.fixed = 0;
}

std::vector<Choice> Model::resolve(Mistakes& mistakes) {
  const std::vector<size_t> sorted = order(mistakes);
  if (!mistakes.empty()) return {};
  for (const size_t p : sorted) {
    const bool fixed_before = params_[p].fixed >= 0 || params_[p].options.size() == 1;
    decide(params_[p]);
    if (params_[p].never && !asked_at_[p].empty() && !fixed_before)
      mistakes.add(asked_at_[p],
                   params_[p].name + " can never be open: its conditions exclude one another",
                   "Loosen the condition, or freeze the choice at one option.");
  }
  std::vector<Choice> choices;
  for (Param& param : params_)
    if (param.fixed < 0) {
      param.choice = static_cast<int>(choices.size());
      choices.push_back({param.name, param.options, {}});
    }
  for (const Param& param : params_) {
    if (param.choice < 0) continue;
    auto& conditions = choices[static_cast<size_t>(param.choice)].conditions;
    for (const Need& need : param.needs)
      conditions.push_back({params_[need.on].choice, need.options});
  }
  Demands demands(choices);
  for (size_t p = 0; p < params_.size() && mistakes.empty(); ++p) {
    demands.undo(0);
    // What several choices on the way ask of one may leave nothing.
    if (asked_at_[p].empty() || params_[p].choice < 0 ||
        demands.wake(static_cast<size_t>(params_[p].choice)))
      continue;
    mistakes.add(asked_at_[p],
                 params_[p].name +
                     " can never be open: its conditions, and those of the choices "
                     "it needs, exclude one another",
                 "Loosen the condition, or freeze the choice at one option.");
  }
  if (choices.empty() && mistakes.empty())
    mistakes.add("stages",
                 "nothing is left to search: each choice has one option or is frozen",
                 "Give some stage several widths, depths or blocks.");
  resolve_rules(mistakes);
  return choices;
}

// False: the comparison can never hold. A fixed parameter leaves what it needs itself.
bool Model::conditions_of(const Need& need, std::vector<Condition>& out) const {
  const Param& param = params_[need.on];
  if (param.choice >= 0) {
    out.push_back({param.choice, need.options});
    return true;
  }
  const auto fixed = static_cast<int16_t>(param.fixed);
  if (param.never ||
      std::find(need.options.begin(), need.options.end(), fixed) == need.options.end())
    return false;
  for (const Need& inherited : param.needs)
    out.push_back({params_[inherited.on].choice, inherited.options});
  return true;
}

void Model::resolve_rules(Mistakes& mistakes) {
  for (const NamedRule& named : named_rules_) {
    Rule rule;
    bool applies = true;
    for (const Need& need : named.when) applies = conditions_of(need, rule.when) && applies;
    if (!applies) continue;
    for (const Need& need : named.require) {
      const Param& param = params_[need.on];
      if (param.choice >= 0) {
        rule.require.push_back({param.choice, need.options});
        continue;
      }
      const auto fixed = static_cast<int16_t>(param.fixed);
      const bool holds =
          std::find(need.options.begin(), need.options.end(), fixed) != need.options.end();
      if (holds || param.never) continue;
      // What cannot hold: where the parameter is active, the rule's condition must not be met.
      if (rule.when.empty() && param.needs.empty())
        mistakes.add(named.key,
                     "can never hold: " + param.name + " is always " +
                         param.options[static_cast<size_t>(param.fixed)] +
                         ", so the space has no valid architecture",
                     "Change the rule, or what is frozen.");
      Rule forbidden;
      forbidden.when = rule.when;
      for (const Need& inherited : param.needs)
        forbidden.when.push_back({params_[inherited.on].choice, inherited.options});
      if (forbidden.when.empty()) continue;
      forbidden.require.push_back({forbidden.when.front().on, {}});
      rules_.push_back(std::move(forbidden));
    }
    if (!rule.require.empty()) rules_.push_back(std::move(rule));
  }
}

}  // namespace nas::custom
