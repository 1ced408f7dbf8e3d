#include "spaces/custom_model.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>

#include "spaces/arch_text.hpp"

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

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text.substr(0, 80)) + (text.size() > 80 ? "...'" : "'");
}

// `a and b and c`, at the word.
std::vector<std::string_view> split_and(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(" and ", begin);
    parts.push_back(trim(text.substr(begin, end == text.npos ? text.npos : end - begin)));
    if (end == text.npos) return parts;
    begin = end + 5;
  }
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
  std::vector<std::string> names;
  for (const Param& param : params_) names.push_back(param.name);
  const std::string near = nearest(name.substr(0, 80), names);
  constexpr size_t kShown = 8;
  const bool more = names.size() > kShown;
  if (more) names.resize(kShown);
  mistakes.add(key,
               "unknown choice " + in_quotes(name),
               near.empty() ? "Known: " + joined(names) + (more ? ", ..." : "")
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
  const auto refuse = [&](const std::string& message, const std::string& hint = "") {
    mistakes.add(key, message, hint);
    return false;
  };
  const std::string form = "The form is: choice >= 3, choice == conv, or choice in [16, 24].";
  const size_t end = text.find_first_of(" <>=!");
  if (end == text.npos || end == 0) return refuse(in_quotes(text) + " is not a comparison", form);
  const std::string name(text.substr(0, end));
  std::string_view rest = trim(text.substr(end));
  std::string_view op;
  for (const std::string_view known : {">=", "<=", "==", "!=", ">", "<", "=", "in"})
    if (op.empty() && rest.substr(0, known.size()) == known) op = known;
  if (op.empty()) return refuse(in_quotes(text) + " has no comparison", form);
  rest = trim(rest.substr(op.size()));
  const Param* param = find(name, key, mistakes);
  if (param == nullptr) return false;
  std::vector<std::string_view> words{rest};
  if (op == "in") {
    if (rest.size() < 2 || rest.front() != '[' || rest.back() != ']')
      return refuse(in_quotes(text) + ": a list in [ ] must follow 'in'", form);
    words = split(rest.substr(1, rest.size() - 2), ',');
  }
  const bool equality = op == "in" || op == "=" || op == "==" || op == "!=";
  Need need{static_cast<size_t>(param - params_.data()), {}};
  for (std::string_view& word : words) {
    word = trim(word);
    if (equality && !names_option(*param, word))
      return refuse(name + " has no option " + in_quotes(word) + "; it has " +
                    joined(param->options));
  }
  for (size_t o = 0; o < param->options.size(); ++o) {
    bool holds = false;
    for (const std::string_view word : words) {
      const auto result = fulfils(param->options[o], op == "in" ? "==" : op, word);
      if (!result)
        return refuse(in_quotes(text) + ": " + std::string(op) + " needs numbers, and " + name +
                      " has the options " + joined(param->options));
      holds = holds || *result;
    }
    if (holds) need.options.push_back(static_cast<int16_t>(o));
  }
  if (need.options.empty())
    return refuse("no option of " + name + " fulfils " + in_quotes(text) + "; it has " +
                  joined(param->options));
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
