#include "cli/results/data_results.hpp"

#include <algorithm>

#include "cli/command.hpp"
#include "cli/config/config_problems.hpp"
#include "cli/runs/data_notes.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

// Printed for people; JSON has all.
constexpr size_t kListed = 20;     ///< Groups of duplicates, sizes.
constexpr size_t kMostRows = 100;  ///< Classes, problems.
constexpr size_t kNamedClasses = 12;
constexpr size_t kFewEmpty = 10;  ///< Empty classes are rows only where they are no more.

std::string size_text(const std::array<int, 3>& s) {
  return std::to_string(s[0]) + "x" + std::to_string(s[1]) + "x" + std::to_string(s[2]);
}

Json sizes_json(const Splits& s) {
  return {{"train", s.train.size()}, {"validation", s.validation.size()}, {"test", s.test.size()}};
}

/// The first of some classes by name.
std::string first_classes(const Dataset& data, const std::vector<size_t>& classes) {
  constexpr size_t kNamed = 5;
  std::string text;
  for (size_t i = 0; i < std::min(classes.size(), kNamed); ++i)
    text += (i > 0 ? ", " : "") + printable(data.class_names()[classes[i]]);
  return text + (classes.size() > kNamed ? ", ..." : "");
}

Json duplicates_json(const Dataset& data, const DataCheck& check) {
  Json groups = Json::array();
  for (const auto& group : check.duplicates) {
    Json members = Json::array();
    for (const int64_t i : group.indices)
      members.push_back(
          {{"where", data.where(i)},
           {"split", kSplitNames[static_cast<size_t>(check.split_of[static_cast<size_t>(i)])]},
           {"class", data.class_names()[static_cast<size_t>(data.label(i))]}});
    groups.push_back(std::move(members));
  }
  return {{"inside",
           {{"train", check.copies_inside[0]},
            {"validation", check.copies_inside[1]},
            {"test", check.copies_inside[2]}}},
          {"between",
           {{"train-validation", check.shared[0]},
            {"train-test", check.shared[1]},
            {"validation-test", check.shared[2]}}},
          {"labels_differ", check.conflicting},
          {"groups", std::move(groups)}};
}

void print_group(const DataCheckResult& c, const DataCheck::Duplicates& group) {
  std::string line = " ";
  for (size_t i = 0; i < std::min(group.indices.size(), kListed); ++i) {
    const int64_t index = group.indices[i];
    const auto split = static_cast<size_t>(c.check.split_of[static_cast<size_t>(index)]);
    const auto label = static_cast<size_t>(c.data->label(index));
    line += " " + printable(c.data->where(index)) + " (" + kSplitNames[split] + ", " +
            printable(c.data->class_names()[label]) + ")";
  }
  if (group.indices.size() > kListed)
    line += " and " + std::to_string(group.indices.size() - kListed) + " more";
  print_prose(line);
}

void print_duplicates(const DataCheckResult& c) {
  const DataCheck& check = c.check;
  if (check.duplicates.empty()) return print_prose("duplicates: none");
  const auto& in = check.copies_inside;
  const auto& between = check.shared;
  print_prose("duplicates: superfluous copies inside train " + std::to_string(in[0]) +
              ", validation " + std::to_string(in[1]) + ", test " + std::to_string(in[2]) +
              "; images in both train and validation " + std::to_string(between[0]) +
              ", train and test " + std::to_string(between[1]) + ", validation and test " +
              std::to_string(between[2]) + "; with different labels " +
              std::to_string(check.conflicting));
  for (size_t g = 0; g < std::min(check.duplicates.size(), kListed); ++g)
    print_group(c, check.duplicates[g]);
  if (check.duplicates.size() > kListed)
    print_prose("  and " + std::to_string(check.duplicates.size() - kListed) +
                " more (--json lists all)");
}

void print_classes(const DataCheckResult& c) {
  Table table({"class", "train", "validation", "test"});
  std::array<int64_t, 3> sums{};
  const bool leave_out = c.check.empty_classes.size() > kFewEmpty;
  size_t rows = 0, hidden = 0;
  for (size_t k = 0; k < c.check.classes.size(); ++k) {
    const auto& n = c.check.classes[k];
    for (size_t s = 0; s < 3; ++s) sums[s] += n[s];
    if (leave_out && n == std::array<int64_t, 3>{}) continue;
    if (++rows > kMostRows)
      ++hidden;
    else
      table.row({printable(c.data->class_names()[k]),
                 std::to_string(n[0]),
                 std::to_string(n[1]),
                 std::to_string(n[2])});
  }
  table.row({"all", std::to_string(sums[0]), std::to_string(sums[1]), std::to_string(sums[2])});
  print(table.text());
  if (hidden > 0)
    print_prose("and " + std::to_string(hidden) +
                " more classes, counted in the last line (--json lists all)");
}

void print_sizes(const DataCheck& check) {
  size_t shown = 0;
  for (const auto& [size, count] : check.sizes) {
    if (++shown > kListed) break;
    print_prose("size " + size_text(size) + ": " + std::to_string(count) + " images");
  }
  if (check.sizes.size() > kListed)
    print_prose("and " + std::to_string(check.sizes.size() - kListed) +
                " more sizes (--json lists all)");
}

}  // namespace

std::string counted(size_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::vector<std::string> DataCheckResult::warnings() const {
  std::vector<std::string> warnings;
  const std::string of = " of " + counted(check.classes.size(), "class", "classes");
  const auto& empty = check.empty_classes;
  const auto& untrained = check.untrained_classes;
  if (!empty.empty())
    warnings.push_back(std::to_string(empty.size()) + of + (empty.size() == 1 ? " has" : " have") +
                       " no images: " + first_classes(*data, empty));
  if (!untrained.empty())
    warnings.push_back(
        std::to_string(untrained.size()) + of + (untrained.size() == 1 ? " has" : " have") +
        " images in validation or test but none in train: " + first_classes(*data, untrained));
  if (data->class_names().size() == 1)
    warnings.push_back("there is only one class, '" + data->class_names()[0] + "'");
  if (check.conflicting > 0)
    warnings.push_back(counted(static_cast<size_t>(check.conflicting), "image is", "images are") +
                       " there with different labels (see duplicates)");
  return warnings;
}

Json data_problems_json(const std::vector<std::string>& found) {
  std::vector<Problem> problems;
  for (const std::string& text : found) problems.push_back({"", 0, 0, "", text, ""});
  return problems_json(problems);
}

Json data_check_json(const DataCheckResult& c) {
  const Dataset& data = *c.data;
  Json json{{"schema", "nas-data-check/1"},
            {"ok", c.fine()},
            {"kind", resolve_kind(c.options)},
            {"path", c.options.path},
            {"images", data.size()},
            {"splits", sizes_json(c.splits)},
            {"splits_hash", c.splits.hash}};
  Json classes = Json::array(), sizes = Json::array(), bad = Json::array();
  for (size_t k = 0; k < c.check.classes.size(); ++k)
    classes.push_back({{"name", data.class_names()[k]},
                       {"train", c.check.classes[k][0]},
                       {"validation", c.check.classes[k][1]},
                       {"test", c.check.classes[k][2]}});
  for (const auto& [size, count] : c.check.sizes)
    sizes.push_back(
        {{"channels", size[0]}, {"height", size[1]}, {"width", size[2]}, {"images", count}});
  for (const auto& entry : c.check.unreadable)
    bad.push_back(
        {{"index", entry.index}, {"where", data.where(entry.index)}, {"reason", entry.reason}});
  json["classes"] = std::move(classes);
  json["sizes"] = std::move(sizes);
  json["unreadable"] = std::move(bad);
  json["problems"] = data_problems_json(c.problems);
  json["warnings"] = c.warnings();
  json["remarks"] = data.remarks();
  json["unused"] = Json::array();
  json["ignored_files"] = Json::array();  // All of them in one list.
  for (const Unused& unused : data.unused()) {
    for (const std::string& name : unused.names) json["ignored_files"].push_back(name);
    json["unused"].push_back(
        {{"why", unused.why}, {"count", unused.count}, {"names", unused.names}});
  }
  json["duplicates"] = duplicates_json(data, c.check);
  return json;
}

void print_data_problems(const std::vector<std::string>& problems) {
  print_prose("problems: " + (problems.empty() ? "none" : std::to_string(problems.size())));
  for (size_t i = 0; i < std::min(problems.size(), kMostRows); ++i)
    print_prose("  " + printable(problems[i]));
  if (problems.size() > kMostRows)
    print_prose("  and " + std::to_string(problems.size() - kMostRows) +
                " more (--json lists all)");
}

void print_data_check(const DataCheckResult& c) {
  print_prose(printable(c.data->describe()));
  print_classes(c);
  print_sizes(c.check);
  print_duplicates(c);
  for (const std::string& text : data_notes(*c.data)) print_prose("note: " + text);
  for (const std::string& text : c.warnings()) print_prose("warning: " + printable(text));
  const auto& unreadable = c.check.unreadable;
  print_prose("unreadable: " + (unreadable.empty() ? "none" : std::to_string(unreadable.size())));
  for (size_t i = 0; i < std::min(unreadable.size(), kMostRows); ++i)
    print_prose("  " + printable(unreadable[i].reason));
  if (unreadable.size() > kMostRows)
    print_prose("  and " + std::to_string(unreadable.size() - kMostRows) +
                " more (--json lists all)");
  print_data_problems(c.problems);
}

Json data_info_json(const DataInfo& info) {
  return {{"schema", "nas-data-info/1"},
          {"kind", resolve_kind(info.options)},
          {"path", info.options.path},
          {"images", info.data->size()},
          {"shape", {info.shape.c, info.shape.h, info.shape.w}},
          {"classes", info.data->class_names()},
          {"splits", sizes_json(info.splits)},
          {"splits_hash", info.splits.hash},
          {"mean", info.normalisation.mean},
          {"std", info.normalisation.std},
          {"normalisation", info.origin},
          {"preparation", preparation_json(*info.data)}};
}

void print_data_info(const DataInfo& info) {
  const auto list = [](const std::vector<float>& values) {
    std::string text;
    for (const float v : values) text += (text.empty() ? "" : ", ") + format_number(v, 6);
    return "[" + text + "]";
  };
  const std::vector<std::string>& classes = info.data->class_names();
  std::string names;
  for (size_t k = 0; k < std::min<size_t>(classes.size(), kNamedClasses); ++k)
    names += (k ? ", " : "") + printable(classes[k]);
  if (classes.size() > kNamedClasses) names += ", ...";
  print_prose(printable(info.data->describe()));
  print_prose("input        " + size_text({info.shape.c, info.shape.h, info.shape.w}));
  print_prose("classes      " + std::to_string(classes.size()) + ": " + names);
  print_prose("splits       train " + std::to_string(info.splits.train.size()) + ", validation " +
              std::to_string(info.splits.validation.size()) + ", test " +
              std::to_string(info.splits.test.size()) +
              (info.data->test_indices().empty() ? "" : " (named by the data)"));
  print_prose("splits hash  " + info.splits.hash);
  print_prose("evaluation   " + preparation_text(*info.data, info.shape));
  print_prose("mean         " + list(info.normalisation.mean) + " (" + info.origin + ")");
  print_prose("std          " + list(info.normalisation.std));
}

}  // namespace nas::cli
