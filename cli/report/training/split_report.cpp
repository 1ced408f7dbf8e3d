#include "cli/report/training/split_report.hpp"

#include "cli/report/document.hpp"
#include "cli/terminal/fold.hpp"
#include "spaces/base/joined.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

const Choice& choice_of(const SplitReport& r, const ChoiceScore& s) {
  return r.space.choices()[s.choice];
}

std::vector<std::vector<std::string>> group_names(const SplitReport& r, const ChoiceScore& s) {
  std::vector<std::vector<std::string>> groups;
  for (const auto& group : option_groups(s)) {
    groups.emplace_back();
    for (const int16_t o : group)
      groups.back().push_back(choice_of(r, s).options[static_cast<size_t>(o)]);
  }
  return groups;
}

std::string groups_text(const SplitReport& r, const ChoiceScore& s) {
  std::vector<std::string> groups;
  for (const auto& group : group_names(r, s)) groups.push_back(joined(group, ", "));
  return joined(groups, " | ");
}

std::string edge_name(EdgeRule rule) {
  switch (rule) {
    case EdgeRule::kMaxCut:
      return "max_cut";
    case EdgeRule::kMinWithin:
      return "min_within";
    case EdgeRule::kMeanCut:
      return "mean_cut";
    case EdgeRule::kRandom:
      return "random";
    case EdgeRule::kFixed:
      return "fixed";
  }
  return "";
}

std::string table_text(const SplitReport& r) {
  Table table({"choice", "groups", "cut", "within", "mean cut", "halves agree"});
  for (const ChoiceScore& s : r.found.scoring.choices) {
    const std::string name =
        choice_of(r, s).name + (s.choice == r.chosen().choice ? " (taken)" : "");
    if (!s.usable) {
      table.row(
          {name, "not comparable: no shared weights, or no finite gradients", "-", "-", "-", "-"});
      continue;
    }
    table.row({name,
               groups_text(r, s),
               format_number(s.partition.cut),
               format_number(s.partition.within),
               format_number(s.partition.mean_cut()),
               s.only_way()     ? "only one way"
               : s.halves_agree ? "yes"
                                : "no evidence"});
  }
  return table.text();
}

std::string matrix_text(const SplitReport& r, const ChoiceScore& s) {
  std::vector<std::string> header = {choice_of(r, s).name};
  for (const int16_t o : s.options)
    header.push_back(choice_of(r, s).options[static_cast<size_t>(o)]);
  Table table(header);
  for (size_t i = 0; i < s.options.size(); ++i) {
    std::vector<std::string> row = {header[i + 1]};
    for (size_t k = 0; k < s.options.size(); ++k) row.push_back(format_number(s.distance.at(i, k)));
    table.row(row);
  }
  return table.text(0);
}

std::string cost_text(const SplitReport& r) {
  const Scoring& s = r.found.scoring;
  std::string text = "scoring: " + format_count(static_cast<double>(s.passes)) +
                     " forward-backward passes, " + format_count(s.macs) + " multiply-adds, " +
                     format_seconds(r.seconds);
  if (r.training.macs > 0)
    text += "; " + format_number(100 * r.share(), 3) + " % of the training's " +
            format_count(r.training.macs) + " so far";
  else
    text += "; the run was not trained here, so there is no training to compare it with";
  const auto leaves = static_cast<int64_t>(r.chosen().partition.groups.size());
  const std::string n = std::to_string(leaves);
  text += "\nleaves: " + n + ", each with all " + format_count(static_cast<double>(r.parameters)) +
          " weights of the supernet (" + format_count(4.0 * static_cast<double>(r.parameters)) +
          "B, as much again for each moment " + "of the optimizer); ";
  text += r.epochs > 0 ? std::to_string(r.epochs) +
                             (r.epochs == 1 ? " epoch each are " : " epochs each are ") +
                             std::to_string(leaves * r.epochs) + " epochs of training"
                       : "each of their epochs is one of the run: " + n + " for one of each leaf";
  return text;
}

}  // namespace

double SplitReport::share() const {
  return training.macs > 0 ? found.scoring.macs / training.macs : 0;
}

std::string split_text(const SplitReport& r, bool matrices) {
  const size_t width = output_width(1);
  const ChoiceScore& c = r.chosen();
  std::string text = table_text(r) + "\n";
  if (matrices)
    for (const ChoiceScore& s : r.found.scoring.choices)
      if (s.usable) text += "\n" + matrix_text(r, s) + "\n";
  const std::string of = r.weights.empty() ? "" : " (" + r.weights + ")";
  std::string words = "run " + r.run + of + ": by " + edge_name(r.options.edge) +
                      (r.own_edge ? " (choices have different numbers of options)" : "") + ", " +
                      choice_of(r, c).name + " is split into " + groups_text(r, c) + " (mean of " +
                      std::to_string(c.batches) + " batches";
  words += c.only_way()     ? "; there is no other way to divide it)"
           : c.halves_agree ? ", both halves of them agree)"
                            : "): no evidence, two halves of them give different groups";
  text += fold(words, width) + "\n" + fold(cost_text(r), width);
  return text;
}

Json split_json(const SplitReport& r) {
  Json choices = Json::array();
  const Scoring& scoring = r.found.scoring;
  for (size_t i = 0; i < scoring.choices.size(); ++i) {
    const ChoiceScore& s = scoring.choices[i];
    Json options = Json::array(), distance = Json::array();
    for (size_t a = 0; a < s.options.size(); ++a) {
      options.push_back(choice_of(r, s).options[static_cast<size_t>(s.options[a])]);
      Json row = Json::array();
      for (size_t b = 0; b < s.options.size(); ++b) row.push_back(s.distance.at(a, b));
      distance.push_back(std::move(row));
    }
    Json entry{{"choice", choice_of(r, s).name}, {"options", options}, {"usable", s.usable}};
    if (s.usable) {
      entry["groups"] = group_names(r, s);
      entry["cut"] = s.partition.cut;
      entry["within"] = s.partition.within;
      entry["mean_cut"] = s.partition.mean_cut();
      entry["value"] = s.partition.value;
      entry["exhaustive"] = s.partition.exhaustive;
      entry["batches"] = s.batches;
      entry["halves_agree"] = s.only_way() ? Json(nullptr) : Json(s.halves_agree);
      entry["tensors_compared"] = scoring.compared[i].size();
      entry["distance"] = std::move(distance);
    }
    choices.push_back(std::move(entry));
  }
  const auto leaves = static_cast<int64_t>(r.chosen().partition.groups.size());
  return {{"schema", "nas-split/1"},
          {"run", r.run},
          {"space", r.space.name()},
          {"weights", r.weights.empty() ? Json(nullptr) : Json(r.weights)},
          {"set", r.set},
          {"options", Json::parse(write_json([&](Binder& b) {
             auto options = r.options;
             describe(b, options);
           }))},
          {"choices", choices},
          {"chosen", choice_of(r, r.chosen()).name},
          {"scoring",
           {{"passes", scoring.passes},
            {"macs", scoring.macs},
            {"seconds", r.seconds},
            {"share_of_training", r.training.macs > 0 ? Json(r.share()) : Json(nullptr)}}},
          {"training", compute_json(r.training)},
          {"leaves",
           {{"count", leaves},
            {"parameters_each", r.parameters},
            {"epochs_each", r.epochs > 0 ? Json(r.epochs) : Json(nullptr)},
            {"epochs", r.epochs > 0 ? Json(leaves * r.epochs) : Json(nullptr)}}},
          {"applied", r.applied.empty() ? Json(nullptr) : Json(r.applied)}};
}

}  // namespace nas::cli
