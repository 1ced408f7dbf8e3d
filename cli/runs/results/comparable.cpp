#include "cli/runs/results/comparable.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "cli/command.hpp"
#include "cli/report/training/compute.hpp"
#include "search/fidelity.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/yaml/yaml_tree.hpp"

namespace nas::cli {
namespace {

using SortedJson = nlohmann::json;

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

SortedJson object_of(const std::string& text) {
  SortedJson json = SortedJson::parse(text.empty() ? "{}" : text, nullptr, false);
  return json.is_object() ? json : SortedJson{{"fidelity", text}};
}

/// Without what names the weights, and without what is ignored. Of a file with a hash the name says
/// nothing: it lies elsewhere on every machine.
SortedJson comparable_part(const std::string& fidelity, const std::set<std::string>& ignored) {
  SortedJson json = object_of(fidelity);
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
  const SortedJson x = comparable_part(a, ignored), y = comparable_part(b, ignored);
  if (x == y) return "";
  std::string list;
  for (const Kind& kind : kinds())
    for (const char* key : kind.keys)
      if (x.value(key, SortedJson()) != y.value(key, SortedJson())) {
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
  const SortedJson json = object_of(fidelity);
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

// ---- what was spent

/// Keys that say which run it is, where it lies or how fast it computes.
bool names_a_run(const std::string& key) {
  static const std::set<std::string> keys = {
      "seed", "threads", "path", "file", "run", "cache", "init", "checkpoint", "workers"};
  return keys.contains(key) || key.ends_with("_seed");
}

std::string recipe_text(const detail::YamlNode& node, bool top) {
  std::string text;
  if (node.is_map()) {
    std::map<std::string, std::string> sorted;
    for (const auto& entry : node.entries)
      if (!names_a_run(entry.key) && !(top && entry.key == "name"))
        sorted[entry.key] = recipe_text(*entry.value, false);
    for (const auto& [key, value] : sorted) text += key + ":" + value + ",";
    return "{" + text + "}";
  }
  if (!node.is_list()) return node.text;
  for (const auto& item : node.items) {
    const size_t end = item->text.find('=');  // KEY=VALUE
    if (end == std::string::npos || !names_a_run(item->text.substr(0, end)))
      text += recipe_text(*item, false) + ",";
  }
  return "[" + text + "]";
}

std::string recipe_text(const RunRow& run) {
  std::vector<Problem> problems;
  const detail::YamlPtr tree = detail::parse_yaml(run.config_yaml, "", 0, problems);
  return run.command + " " + run.fingerprint + " " +
         (tree ? recipe_text(*tree, true) : run.config_yaml);
}

/// Runs of one recipe, or of all that count on one side.
struct Spent {
  std::vector<size_t> runs;  ///< Positions in its side.
  double macs = 0;           ///< Mean of those that are known; 0: none is.
  double evaluations = 0;    ///< Mean.
  bool varies = false;       ///< In evaluations, from one seed to the next.
};

Spent spent(const std::vector<Effort>& side, std::vector<size_t> runs) {
  Spent s;
  double known = 0;
  for (const size_t i : runs) {
    if (side[i].macs > 0) {
      s.macs += side[i].macs;
      ++known;
    }
    s.evaluations += side[i].evaluations / static_cast<double>(runs.size());
    s.varies = s.varies || side[i].evaluations != side[runs[0]].evaluations;
  }
  if (!s.varies) s.evaluations = side[runs[0]].evaluations;
  if (known > 0) s.macs /= known;
  s.runs = std::move(runs);
  return s;
}

/// By recipe; the most runs first.
std::vector<Spent> by_recipe(const std::vector<Effort>& side) {
  std::map<std::string, std::vector<size_t>> recipes;
  for (size_t i = 0; i < side.size(); ++i) recipes[side[i].recipe].push_back(i);
  std::vector<Spent> list;
  for (auto& [recipe, runs] : recipes) list.push_back(spent(side, std::move(runs)));
  std::stable_sort(list.begin(), list.end(), [](const Spent& a, const Spent& b) {
    return a.runs.size() > b.runs.size();
  });
  return list;
}

std::string spent_reason(const Spent& a, const Spent& b) {
  const bool means = a.runs.size() > 1 || b.runs.size() > 1;
  const std::string end = means ? ", means over runs" : "";
  if (a.macs > 0 && b.macs > 0 && std::abs(b.macs / a.macs - 1) > kEqualCompute)
    return named("compute",
                 "other compute: trained with " + format_count(a.macs) + " and " +
                     format_count(b.macs) + " multiply-adds" + end);
  const double allowed = a.varies || b.varies ? kEqualCompute * a.evaluations : 0;
  if (std::abs(a.evaluations - b.evaluations) > allowed)
    return named("compute",
                 "other compute: " + format_number(a.evaluations, 6) + " and " +
                     format_number(b.evaluations, 6) + " evaluations" + end);
  return "";
}

/// Drops the recipes of a side that cost other than its main one; answers the rest.
Spent keep_equal(const std::vector<Effort>& side,
                 const std::vector<Spent>& recipes,
                 const Spent& main,
                 std::vector<std::string>& why) {
  std::vector<size_t> kept;
  for (const Spent& recipe : recipes) {
    const std::string reason = &recipe == &main ? "" : spent_reason(main, recipe);
    for (const size_t i : recipe.runs) {
      why[i] = reason;
      if (reason.empty()) kept.push_back(i);
    }
  }
  std::sort(kept.begin(), kept.end());
  return spent(side, std::move(kept));
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
  return "";
}

size_t yardstick(const Side& base,
                 const Side& head,
                 const std::function<bool(size_t, size_t)>& fits) {
  const auto run = [&](size_t i) -> const SidedRun& {
    return i < base.size() ? base[i] : head[i - base.size()];
  };
  std::vector<size_t> order(base.size() + head.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const bool head_a = a >= base.size(), head_b = b >= base.size();
    return head_a != head_b ? head_b : run(a).run.id < run(b).run.id;
  });
  struct Group {
    size_t first, of_base = 0, of_head = 0;
    std::pair<bool, size_t> rank() const { return {of_base > 0 && of_head > 0, of_base + of_head}; }
  };
  std::vector<Group> groups;
  for (const size_t i : order) {
    auto group = std::find_if(
        groups.begin(), groups.end(), [&](const Group& g) { return fits(g.first, i); });
    if (group == groups.end()) group = groups.insert(group, Group{i});
    ++(i < base.size() ? group->of_base : group->of_head);
  }
  const auto best =
      std::max_element(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
        return a.rank() < b.rank();
      });
  return best == groups.end() ? 0 : best->first;
}

Effort effort_of(const SidedRun& r, size_t evaluations) {
  Effort effort;
  effort.recipe = recipe_text(r.run);
  effort.evaluations = static_cast<double>(evaluations);
  const std::string training = training_of(r);
  if (training.empty()) return effort;
  effort.macs = compute_of(*r.store, training).all_macs();
  if (training == r.run.id) return effort;
  if (const auto run = r.store->run(training)) effort.recipe += "\n" + recipe_text(*run);
  return effort;
}

std::vector<std::string> other_compute(const std::vector<Effort>& base,
                                       const std::vector<Effort>& head) {
  std::vector<std::string> why_base(base.size()), why_head(head.size());
  if (!base.empty() && !head.empty()) {
    const std::vector<Spent> of_base = by_recipe(base), of_head = by_recipe(head);
    // The two recipes that cost the same and have most runs; else the main ones.
    const Spent *b = &of_base[0], *h = &of_head[0];
    size_t most = 0;
    for (const Spent& x : of_base)
      for (const Spent& y : of_head)
        if (const size_t n = x.runs.size() + y.runs.size();
            n > most && spent_reason(x, y).empty()) {
          most = n;
          b = &x;
          h = &y;
        }
    const Spent all_base = keep_equal(base, of_base, *b, why_base);
    const Spent all_head = keep_equal(head, of_head, *h, why_head);
    const std::string reason = spent_reason(all_base, all_head);
    if (!reason.empty())
      for (const size_t i : all_head.runs) why_head[i] = reason;
  }
  why_base.insert(why_base.end(), why_head.begin(), why_head.end());
  return why_base;
}

std::string other_table(const std::string& a,
                        const std::string& b,
                        const std::set<std::string>& ignored) {
  if (ignored.contains("latency-table") || a == b || same_fidelity(a, b)) return "";
  return named("latency-table",
               "of another latency table: " + printable(fidelity_difference(a, b)));
}

}  // namespace nas::cli
