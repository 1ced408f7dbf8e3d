// The fingerprint of a space. It is taken from the networks themselves and not from the options:
// an option that changes no network must not part two spaces, and one that changes any, even where
// every tensor keeps its size (a stride, a dropout, how a weight starts), must.
#include <algorithm>
#include <cstdio>

#include "spaces/base/sha256.hpp"
#include "spaces/counting/space_tables.hpp"
#include "spaces/space.hpp"

namespace nas {
namespace {

// Writes all that an op is: every field, which each op's fields() names.
void append_op(const Op& op, std::string& text) {
  const auto put = [&text](auto value, const char* = nullptr, const char* = nullptr) {
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      char number[32];
      std::snprintf(number, sizeof number, " %.9g", double{value});
      text += number;
    } else {
      (text += ' ') += std::to_string(static_cast<int64_t>(value));
    }
  };
  std::visit([&put](const auto& o) { o.fields(put); }, op);
}

void append_plan(const Plan& plan, std::string& text) {
  text += "plan " + to_string(plan.input());
  for (size_t i = 1; i < plan.input_shapes.size(); ++i)
    (text += " and ") += to_string(plan.input_shapes[i]);
  text += (plan.resize_input ? " resized" : "");
  text += "\n";
  for (const std::vector<Node>* nodes : {&plan.nodes, &plan.auxiliary}) {
    for (const Node& node : *nodes) {
      (text += op_name(node.op)) += ' ';
      text += plan.name(node);
      append_op(node.op, text);
      text += " <-";
      for (const int32_t id : plan.inputs(node)) (text += ' ') += std::to_string(id);
      text += '\n';
    }
    if (nodes == &plan.auxiliary && !nodes->empty())
      text += "weight " + std::to_string(plan.auxiliary_weight) + "\n";
  }
}

// Architectures in which every option of every choice is active once, unless its conditions never
// hold. No random numbers and no constraints: how a space is drawn from must not change its
// fingerprint.
std::vector<Architecture> witnesses(const std::vector<Choice>& choices) {
  std::vector<Architecture> set;
  std::vector<std::vector<char>> seen;
  size_t most = 1;
  for (const Choice& choice : choices) {
    seen.emplace_back(choice.options.size(), 0);
    most = std::max(most, choice.options.size());
  }
  const auto add = [&](Architecture a) {
    const std::vector<char> active = active_choices(choices, a);
    for (size_t c = 0; c < choices.size(); ++c)
      if (active[c] != 0)
        seen[c][static_cast<size_t>(a.genes[c])] = 1;
      else
        a.genes[c] = 0;
    set.push_back(std::move(a));
  };
  for (size_t k = 0; k < most; ++k) {
    Architecture a;
    for (const Choice& choice : choices)
      a.genes.push_back(static_cast<int16_t>(std::min(k, choice.options.size() - 1)));
    add(std::move(a));
  }
  Demands demands(choices);
  const auto option_for = [&](size_t c) {
    const size_t options = choices[c].options.size();
    for (size_t o = options; demands.awake(c) && o-- > 0;)
      if (demands.allows(c, o)) return static_cast<int16_t>(o);
    const auto fresh = std::find(seen[c].begin(), seen[c].end(), 0);
    return fresh == seen[c].end() ? int16_t{0} : static_cast<int16_t>(fresh - seen[c].begin());
  };
  for (size_t c = 0; c < choices.size(); ++c)
    for (size_t o = 0; o < choices[c].options.size(); ++o) {
      demands.undo(0);
      if (seen[c][o] != 0 || !demands.wake(c)) continue;
      Architecture a{std::vector<int16_t>(choices.size(), 0)};
      for (size_t other = 0; other < choices.size(); ++other)
        a.genes[other] = other == c ? static_cast<int16_t>(o) : option_for(other);
      add(std::move(a));
    }
  return set;
}

void append_choices(const std::vector<Choice>& choices, std::string& text) {
  for (const Choice& choice : choices) {
    text += choice.name + ":";
    for (const std::string& option : choice.options) text += option + ";";
    for (const Condition& condition : choice.conditions) {
      text += "?" + std::to_string(condition.on);
      for (const int16_t option : condition.options) text += "," + std::to_string(option);
    }
    text += "\n";
  }
}

}  // namespace

std::string Space::fingerprint() const {
  std::string text = "nas-space/2\n" + name_ + "\n" + to_string(input_) + "\n" +
                     std::to_string(classes_) + " " + std::to_string(static_cast<int>(counting_)) +
                     "\n";
  append_choices(choices_, text);
  text += constraints_text() + "\n";
  Plan plan;
  for (const Architecture& a : witnesses(choices_)) {
    build(a, plan);
    append_plan(plan, text);
  }
  return sha256_hex(text);
}

// Options that leave every size as it is are not seen by this one.
std::string Space::legacy_fingerprint() const {
  std::string text =
      "nas-space/1\n" + name_ + "\n" + to_string(input_) + "\n" + std::to_string(classes_) + "\n";
  append_choices(choices_, text);
  for (const SupernetTensor& tensor : supernet_tensors()) {
    text += tensor.name;
    for (const int64_t size : tensor.full.span()) text += " " + std::to_string(size);
    text += "\n";
  }
  return sha256_hex(text);
}

bool Space::has_fingerprint(const std::string& stored) const {
  return stored == fingerprint() || stored == legacy_fingerprint();
}

}  // namespace nas
