#include "cli/runs/results/comparable.hpp"

#include <algorithm>
#include <cmath>

#include "cli/command.hpp"
#include "cli/report/training/compute.hpp"
#include "search/fidelity.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::json;

/// As in equal_compute: what differs by less is the same effort.
constexpr double kEqualCompute = 0.05;

struct Kind {
  const char *name, *meaning;
  std::vector<const char*> keys;  ///< Of a stored fidelity.
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> table = {
      {"split", "the images held out", {"split"}},
      {"images", "how many images judge, and which", {"images", "seed", "batch"}},
      {"recalibration",
       "how batch norms were measured",
       {"bn", "bn_images", "bn_seed", "bn_batch"}},
      {"table", "the table or program that values come from", {"file", "sha256", "command"}},
      {"source", "supernet, table or program", {}},
      {"compute", "training and evaluations spent", {}},
      {"limits", "the limits of the search", {}},
      {"latency-table", "the latency table", {}},
  };
  return table;
}

Json object_of(const std::string& text) {
  Json json = Json::parse(text.empty() ? "{}" : text, nullptr, false);
  return json.is_object() ? json : Json{{"fidelity", text}};
}

/// Without what names the weights, and without what is ignored. Of a file with a hash the name says
/// nothing: it lies elsewhere on every machine.
Json comparable_part(const std::string& fidelity, const std::set<std::string>& ignored) {
  Json json = object_of(fidelity);
  json.erase("checkpoint");
  if (json.contains("sha256")) json.erase("file");
  for (const Kind& kind : kinds())
    if (ignored.contains(kind.name))
      for (const char* key : kind.keys) json.erase(key);
  return json;
}

std::string named(const std::string& kind, const std::string& why) {
  return why + " (--ignore " + kind + " compares all the same)";
}

std::string fidelity_reason(const std::string& a,
                            const std::string& b,
                            const std::set<std::string>& ignored) {
  const Json x = comparable_part(a, ignored), y = comparable_part(b, ignored);
  if (x == y) return "";
  std::string list;
  for (const Kind& kind : kinds())
    for (const char* key : kind.keys)
      if (x.value(key, Json()) != y.value(key, Json())) {
        list += (list.empty() ? "" : " --ignore ") + std::string(kind.name);
        break;
      }
  const std::string why =
      "measured otherwise: " + printable(fidelity_difference(x.dump(), y.dump()));
  return list.empty() ? why : named(list, why);
}

std::string training_of(const SidedRun& r) {
  return r.run.command == "train" ? r.run.id : r.run.parent;
}

std::string hash_of_split(const SidedRun& r, const std::string& split) {
  for (const SplitRow& row : r.store->splits(training_of(r)))
    if (row.name == split) return row.hash;
  return "";
}

std::string split_reason(const SidedRun& a, const SidedRun& b, const std::string& fidelity) {
  const Json json = object_of(fidelity);
  const std::string split =
      json.contains("split") && json["split"].is_string() ? json["split"].get<std::string>() : "";
  if (split.empty()) return "";
  const std::string x = hash_of_split(a, split), y = hash_of_split(b, split);
  constexpr size_t kShort = 8;
  if (x == y || x.empty() || y.empty()) return "";
  return named("split",
               "judged on other images: the " + split + " splits differ (" + x.substr(0, kShort) +
                   ", " + y.substr(0, kShort) + ")");
}

std::string training_reason(const SidedRun& a, const SidedRun& b) {
  const std::string x = training_of(a), y = training_of(b);
  if (x.empty() || y.empty()) return "";
  const double of_a = compute_of(*a.store, x).all_macs(), of_b = compute_of(*b.store, y).all_macs();
  if (!(of_a > 0) || !(of_b > 0) || std::abs(of_b / of_a - 1) <= kEqualCompute) return "";
  return named("compute",
               "other compute: trained with " + format_count(of_a) + " and " + format_count(of_b) +
                   " multiply-adds");
}

std::string limits_text(const Goal& goal) {
  std::vector<std::string> list;
  for (const Constraint& c : goal.constraints) list.push_back(to_string(c));
  std::sort(list.begin(), list.end());
  std::string text;
  for (const std::string& limit : list) text += (text.empty() ? "" : ", ") + limit;
  return text.empty() ? "none" : text;
}

std::string objectives_text(const Goal& goal) {
  std::string text;
  for (const Objective& o : goal.objectives) text += (text.empty() ? "" : ", ") + to_string(o);
  return text;
}

std::string space_reason(const SidedRun& a, const SidedRun& b) {
  if (a.run.fingerprint == b.run.fingerprint) return "";
  return "of another space (" + printable(a.run.space) + ", " + printable(b.run.space) +
         (a.run.space == b.run.space ? " that has changed)" : ")");
}

}  // namespace

const std::vector<std::pair<std::string, std::string>>& difference_kinds() {
  static const auto list = [] {
    std::vector<std::pair<std::string, std::string>> names;
    for (const Kind& kind : kinds()) names.emplace_back(kind.name, kind.meaning);
    return names;
  }();
  return list;
}

std::string not_comparable(const SidedRun& a,
                           const SearchRecord& of_a,
                           const SidedRun& b,
                           const SearchRecord& of_b,
                           bool whole_goal,
                           const std::set<std::string>& ignored) {
  if (std::string why = space_reason(a, b); !why.empty()) return why;
  if (whole_goal && of_a.goal.objectives != of_b.goal.objectives)
    return printable("other objectives (" + objectives_text(of_a.goal) + "; " +
                     objectives_text(of_b.goal) + ")");
  if (!ignored.contains("limits") && limits_text(of_a.goal) != limits_text(of_b.goal))
    return named(
        "limits",
        printable("other limits (" + limits_text(of_a.goal) + "; " + limits_text(of_b.goal) + ")"));
  if (of_a.source != of_b.source && !ignored.contains("source"))
    return named("source",
                 printable("values of another kind (" + of_a.source + ", " + of_b.source + ")"));
  if (std::string why = fidelity_reason(of_a.fidelity, of_b.fidelity, ignored); !why.empty())
    return why;
  if (!ignored.contains("split"))
    if (std::string why = split_reason(a, b, of_a.fidelity); !why.empty()) return why;
  if (ignored.contains("compute")) return "";
  if (std::string why = training_reason(a, b); !why.empty()) return why;
  if (of_a.evaluated.size() != of_b.evaluated.size())
    return named("compute",
                 "other compute: " + std::to_string(of_a.evaluated.size()) + " and " +
                     std::to_string(of_b.evaluated.size()) + " evaluations");
  return "";
}

std::string not_comparable(const SidedRun& a,
                           const std::string& fidelity_a,
                           const SidedRun& b,
                           const std::string& fidelity_b,
                           const std::set<std::string>& ignored) {
  if (std::string why = space_reason(a, b); !why.empty()) return why;
  if (std::string why = fidelity_reason(fidelity_a, fidelity_b, ignored); !why.empty()) return why;
  if (!ignored.contains("split"))
    if (std::string why = split_reason(a, b, fidelity_a); !why.empty()) return why;
  return ignored.contains("compute") ? "" : training_reason(a, b);
}

std::string other_table(const std::string& a,
                        const std::string& b,
                        const std::set<std::string>& ignored) {
  if (ignored.contains("latency-table") || a == b || same_fidelity(a, b)) return "";
  return named("latency-table",
               "of another latency table: " + printable(fidelity_difference(a, b)));
}

}  // namespace nas::cli
