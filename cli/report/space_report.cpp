#include "cli/report/space_report.hpp"

#include "cli/report/document.hpp"
#include "cli/terminal/fold.hpp"
#include "spaces/text/notation.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

Json cost_json(const Space& space, const Plan& plan) {
  const Cost cost = cost_of(plan, space.counting());
  return {{"macs", cost.macs},
          {"params", cost.params},
          {"activation_bytes", cost.activation_bytes},
          {"peak_bytes", cost.peak_bytes},
          {"ops", plan.nodes.size()}};
}

/// The options of a choice that are open.
std::vector<std::string> open_options(const Domain& domain, size_t choice) {
  std::vector<std::string> options;
  for (const int16_t o : domain.options(choice))
    options.push_back(domain.space().choices()[choice].options[static_cast<size_t>(o)]);
  return options;
}

std::string choices_text(const Domain& domain) {
  const Space& space = domain.space();
  Table table({"choice", "options", "active when"});
  for (size_t c = 0; c < space.choices().size(); ++c) {
    const Choice& choice = space.choices()[c];
    std::string options, when;
    for (const std::string& option : open_options(domain, c))
      options += (options.empty() ? "" : " ") + option;
    for (const Condition& condition : choice.conditions) {
      const Choice& on = space.choices()[static_cast<size_t>(condition.on)];
      when += (when.empty() ? "" : " and ") + on.name + " is ";
      for (size_t i = 0; i < condition.options.size(); ++i)
        when += (i > 0 ? " or " : "") + on.options[static_cast<size_t>(condition.options[i])];
    }
    table.row({choice.name, options, when});
  }
  return table.text();
}

/// How architectures are written, with an example of this space.
std::string notation_text(const Domain& domain) {
  const Space& space = domain.space();
  Rng rng(0, "example");
  const Notation notation = notation_of(space);
  std::string text =
      "An architecture is written such as\n  " + space.text(domain.sample(rng)) + "\n";
  Table parts({"part", "meaning"});
  for (const auto& [part, meaning] : notation.parts) parts.row({part, meaning});
  text += parts.text() + "\nAlso read:\n";
  for (const auto& [form, what] : notation.others) text += "  " + form + "\n    " + what + "\n";
  text += "  {\"" + space.choices()[0].name + "\": \"" + space.choices()[0].options[0] +
          "\", ...}\n    every active choice with its option, as JSON or as choice=option,...\n";
  if (space.count() <= kCountDistinctUpTo)
    text += "  #12\n    the number that nas space enumerate " + space.name() + " gives it\n";
  return text;
}

Json notation_json(const Space& space) {
  const Notation notation = notation_of(space);
  Json parts = Json::array(), others = Json::array();
  for (const auto& [part, meaning] : notation.parts)
    parts.push_back({{"part", part}, {"meaning", meaning}});
  for (const auto& [form, what] : notation.others)
    others.push_back({{"form", form}, {"meaning", what}});
  return {{"parts", parts}, {"others", others}};
}

}  // namespace

void put_fix(Json& document, const Domain& domain) {
  if (!domain.whole()) document["fix"] = domain.restriction().text();
}

void print_space(const Domain& domain, bool as_json) {
  const Space& space = domain.space();
  const auto tensors = space.supernet_tensors();
  int64_t params = 0;
  for (const SupernetTensor& t : tensors)
    if (t.role == Role::kWeight || t.role == Role::kBias) params += t.full.elements();
  const Architecture smallest = domain.smallest(), largest = domain.largest();
  const Plan small = space.plan(smallest);
  const Plan large = space.plan(largest);
  if (as_json) {
    Json choices = Json::array();
    for (size_t c = 0; c < space.choices().size(); ++c)
      choices.push_back({{"name", space.choices()[c].name}, {"options", open_options(domain, c)}});
    Json json{
        {"schema", "nas-space/1"},
        {"space", space.name()},
        {"fingerprint", space.fingerprint()},
        {"count", domain.count().str()},
        {"classes", space.classes()},
        {"input", to_string(space.input())},
        {"supernet_params", params},
        {"smallest", {{"architecture", space.text(smallest)}, {"cost", cost_json(space, small)}}},
        {"largest", {{"architecture", space.text(largest)}, {"cost", cost_json(space, large)}}},
        {"notation", notation_json(space)},
        {"choices", choices}};
    put_fix(json, domain);
    print(json.dump(2));
    return;
  }
  const auto line = [&](const char* label, const Architecture& a, const Plan& plan) {
    const Cost cost = cost_of(plan, space.counting());
    return std::string(label) + space.text(a) + "  (" +
           format_count(static_cast<double>(cost.macs)) + " MACs, " +
           format_count(static_cast<double>(cost.params)) + " parameters)\n";
  };
  const std::string head = domain.name() + ": " + domain.count().str() + " architectures, input " +
                           to_string(space.input()) + ", " + std::to_string(space.classes()) +
                           " classes, supernet of " + format_count(static_cast<double>(params)) +
                           " parameters\n" + line("smallest  ", smallest, small) +
                           line("largest   ", largest, large) + "\n" + notation_text(domain);
  print(fold(head, output_width(1)) + "\n" + choices_text(domain));
}

}  // namespace nas::cli
