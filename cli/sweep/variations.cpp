// Grid, list and random sample are one thing in three forms: a list of partial settings. They are
// multiplied, so that a grid over seeds of draws, or a list of methods at every size, needs no
// fourth form. Draws come from one named stream, key by key in the order of the file, so that a
// draw more leaves the earlier ones as they are.
#include "cli/sweep/variations.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "spaces/random.hpp"
#include "spaces/yaml/binder_state.hpp"

namespace nas::cli {
namespace {

using detail::problem_at;
using detail::YamlNode;
using Problems = std::vector<Problem>;
using Combination = std::vector<StageSetting>;

constexpr size_t kLongestLabel = 24;

std::string fit(std::string text) {
  return text.size() <= kLongestLabel ? text : text.substr(0, kLongestLabel - 2) + "..";
}

/// `panda`, `{name: panda, preset: paper}` -> panda-paper, `[1, 2]` -> 1-2, nothing -> none.
std::string label_of(const YamlNode& node) {
  if (node.is_scalar()) return fit(node.text.empty() ? "none" : node.text);
  std::string text;
  const auto add = [&text](const YamlNode& part) {
    text += (text.empty() ? "" : "-") + label_of(part);
  };
  for (const auto& item : node.items) add(*item);
  for (const YamlNode::Entry& entry : node.entries) add(*entry.value);
  return fit(text.empty() ? "none" : text);
}

/// The stage that a key of grid, list or random names, or nothing and a problem.
std::optional<StageKind> stage_of(const SweepFile& file,
                                  const YamlNode::Entry& entry,
                                  const std::string& path,
                                  std::vector<std::string> others,
                                  Problems& problems) {
  for (const StageKind kind : kStageKinds) {
    others.emplace_back(to_string(kind));
    if (entry.key != to_string(kind)) continue;
    if (file.has(kind)) return kind;
    problems.push_back(problem_at(
        entry.place, path, "this sweep has no stage " + entry.key, "add it below `stages:`"));
    return std::nullopt;
  }
  std::string all;
  for (const std::string& name : others) all += (all.empty() ? "" : ", ") + name;
  const std::string near = nearest(entry.key, others);
  problems.push_back(problem_at(
      entry.place,
      path,
      "unknown key; expected one of: " + all,
      near.empty() ? "Write the key below its stage, e.g. train: {" + entry.key + ": [...]}"
                   : "Did you mean " + near + "?"));
  return std::nullopt;
}

bool need_map(const YamlNode& node, const std::string& path, Problems& problems) {
  if (node.is_map()) return true;
  problems.push_back(problem_at(
      node.place, path, "expected keys with values below it, got " + detail::show(node)));
  return false;
}

/// All values of a key: a list, or LABEL: VALUE pairs.
std::vector<Setting> values_of(const YamlNode::Entry& entry,
                               const std::string& path,
                               Problems& problems) {
  std::vector<Setting> values;
  const YamlNode& node = *entry.value;
  if (node.is_list()) {
    for (const auto& item : node.items) values.push_back(setting_of(entry.key, *item, item->place));
  } else if (node.is_map()) {
    for (const YamlNode::Entry& named : node.entries) {
      values.push_back(setting_of(entry.key, *named.value, named.place));
      values.back().label = fit(named.key);
    }
  } else {
    problems.push_back(
        problem_at(node.place,
                   path,
                   "expected a list of values, got " + detail::show(node),
                   (node.is_scalar() ? "Write [" + node.text + "]" : "Write a list") +
                       ", or move what does not change to the stage's `set:`"));
    return {};
  }
  if (values.empty())
    problems.push_back(problem_at(node.place, path, "has no values, so nothing would run"));
  std::set<std::string> seen;
  for (const Setting& value : values)
    if (!seen.insert(value.value).second)
      problems.push_back(
          problem_at(value.place, path, "the value " + value.value + " comes twice"));
  // Two values must be told apart in names and tables.
  std::set<std::string> labels;
  for (Setting& value : values) {
    std::string label = value.label;
    for (int n = 2; !labels.insert(label).second; ++n)
      label = value.label + "~" + std::to_string(n);
    value.label = label;
  }
  return values;
}

/// Every one of `first` with every one of `second`; nothing beyond what a sweep may have.
std::vector<Combination> product(const std::vector<Combination>& first,
                                 const std::vector<Combination>& second) {
  std::vector<Combination> all;
  for (const Combination& a : first)
    for (const Combination& b : second) {
      if (all.size() > kMostCells) return all;
      all.push_back(a);
      all.back().insert(all.back().end(), b.begin(), b.end());
    }
  return all;
}

std::vector<Combination> grid_of(const SweepFile& file, Problems& problems) {
  std::vector<Combination> all = {{}};
  const auto& tree = file.config.grid.tree;
  if (!tree || tree->is_null() || !need_map(*tree, "grid", problems)) return all;
  for (const YamlNode::Entry& stage : tree->entries) {
    const std::string path = "grid." + stage.key;
    const auto kind = stage_of(file, stage, path, {}, problems);
    if (!kind || !need_map(*stage.value, path, problems)) continue;
    for (const YamlNode::Entry& key : stage.value->entries) {
      std::vector<Combination> values;
      for (Setting& value : values_of(key, path + "." + key.key, problems))
        values.push_back({{*kind, std::move(value)}});
      if (!values.empty()) all = product(all, values);
    }
  }
  return all;
}

std::vector<Combination> list_of(const SweepFile& file, Problems& problems) {
  const auto& tree = file.config.list.tree;
  if (!tree || tree->is_null()) return {{}};
  if (!tree->is_list() || tree->items.empty()) {
    problems.push_back(problem_at(tree->place,
                                  "list",
                                  "expected a list of combinations, got " + detail::show(*tree),
                                  "e.g. list: [{train: {train.epochs: 10}}, ...]"));
    return {{}};
  }
  std::vector<Combination> all;
  for (size_t i = 0; i < tree->items.size(); ++i) {
    const std::string at = "list." + std::to_string(i);
    const YamlNode& item = *tree->items[i];
    Combination one;
    if (!need_map(item, at, problems)) continue;
    std::string label;
    for (const YamlNode::Entry& stage : item.entries) {
      if (stage.key == "label") {
        if (!stage.value->is_scalar())
          problems.push_back(problem_at(stage.value->place, at + ".label", "expected a text"));
        label = fit(stage.value->text);
        continue;
      }
      const std::string path = at + "." + stage.key;
      const auto kind = stage_of(file, stage, path, {"label"}, problems);
      if (!kind || !need_map(*stage.value, path, problems)) continue;
      for (const YamlNode::Entry& key : stage.value->entries)
        one.push_back({*kind, setting_of(key.key, *key.value, key.place)});
    }
    // One word stands for the whole item.
    if (!label.empty())
      for (StageSetting& s : one) s.setting.label = label;
    all.push_back(std::move(one));
  }
  return all;
}

/// `{from: 0.01, to: 0.3, scale: log}`.
struct Span {
  double from = std::numeric_limits<double>::quiet_NaN();
  double to = std::numeric_limits<double>::quiet_NaN();
  bool log = false, whole = false;
};

bool is_whole(const std::string& text) {
  return !text.empty() && text.find_first_not_of("+-0123456789") == std::string::npos;
}

std::optional<Span> span_of(const YamlNode& node, const std::string& path, Problems& problems) {
  Span span;
  span.whole = true;
  const size_t before = problems.size();
  for (const YamlNode::Entry& entry : node.entries) {
    const std::string at = path + "." + entry.key;
    if (entry.key == "from" || entry.key == "to") {
      double& bound = entry.key == "from" ? span.from : span.to;
      if (!entry.value->is_scalar() || !detail::read_double(entry.value->text, bound))
        problems.push_back(problem_at(
            entry.value->place, at, "expected a number, got " + detail::show(*entry.value)));
      span.whole = span.whole && is_whole(entry.value->text);
    } else if (entry.key == "scale") {
      span.log = entry.value->text == "log";
      if (!span.log && entry.value->text != "linear")
        problems.push_back(problem_at(entry.value->place, at, "expected linear or log"));
    } else {
      const std::string near = nearest(entry.key, {"from", "to", "scale"});
      problems.push_back(problem_at(entry.place,
                                    at,
                                    "unknown key; expected one of: from, to, scale",
                                    near.empty() ? "" : "Did you mean " + near + "?"));
    }
  }
  if (problems.size() != before) return std::nullopt;
  std::string why;
  if (std::isnan(span.from) || std::isnan(span.to))
    why = "needs from and to";
  else if (!(span.from < span.to))
    why = "from must be less than to";
  else if (span.log && span.from <= 0)
    why = "from must be more than 0 on a log scale";
  if (why.empty()) return span;
  problems.push_back(problem_at(node.place, path, why, "e.g. {from: 0.01, to: 0.3, scale: log}"));
  return std::nullopt;
}

std::string drawn(const Span& span, Rng& rng) {
  const double u = rng.uniform();
  if (span.whole) {
    // Every whole number has its share, the ends included.
    const double low = span.from - 0.5, high = span.to + 0.5;
    const double value =
        span.log ? std::exp(std::log(span.from) + u * (std::log(span.to + 1) - std::log(span.from)))
                 : low + u * (high - low);
    const double whole = span.log ? std::floor(value) : std::round(value);
    return detail::number_text(std::clamp(whole, span.from, span.to));
  }
  const double value = span.log ? std::exp(std::log(span.from) + u * std::log(span.to / span.from))
                                : span.from + u * (span.to - span.from);
  // Four digits: what is read in names and tables is what was trained with.
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

struct RandomKey {
  StageKind stage;
  std::string key;
  detail::YamlPlace place;
  std::vector<Setting> values;  ///< One of these,
  std::optional<Span> span;     ///< or a number between two.
};

int64_t whole_number(const YamlNode::Entry& entry,
                     const std::string& path,
                     int64_t low,
                     int64_t high,
                     Problems& problems) {
  double value = 0;
  if (entry.value->is_scalar() && is_whole(entry.value->text) &&
      detail::read_double(entry.value->text, value) && value >= static_cast<double>(low) &&
      value <= static_cast<double>(high))
    return static_cast<int64_t>(value);
  problems.push_back(problem_at(entry.value->place,
                                path,
                                "expected a whole number from " + std::to_string(low) + " to " +
                                    std::to_string(high) + ", got " + detail::show(*entry.value)));
  return low;
}

std::vector<Combination> random_of(const SweepFile& file, Problems& problems) {
  const auto& tree = file.config.random.tree;
  if (!tree || tree->is_null() || !need_map(*tree, "random", problems)) return {{}};
  int64_t draws = 0, seed = 0;
  std::vector<RandomKey> keys;
  for (const YamlNode::Entry& entry : tree->entries) {
    const std::string path = "random." + entry.key;
    if (entry.key == "draws") {
      draws = whole_number(entry, path, 1, static_cast<int64_t>(kMostCells), problems);
      continue;
    }
    if (entry.key == "seed") {
      seed = whole_number(entry, path, 0, 2147483647, problems);
      continue;
    }
    const auto kind = stage_of(file, entry, path, {"draws", "seed"}, problems);
    if (!kind || !need_map(*entry.value, path, problems)) continue;
    for (const YamlNode::Entry& key : entry.value->entries) {
      RandomKey one{*kind, key.key, key.place, {}, {}};
      if (key.value->is_map())
        one.span = span_of(*key.value, path + "." + key.key, problems);
      else
        one.values = values_of(key, path + "." + key.key, problems);
      keys.push_back(std::move(one));
    }
  }
  if (draws == 0)
    problems.push_back(problem_at(tree->place, "random.draws", "missing: how many draws"));
  std::vector<Rng> streams;
  for (const RandomKey& key : keys)
    streams.emplace_back(static_cast<uint64_t>(seed),
                         std::string("sweep/") + to_string(key.stage) + "/" + key.key);
  std::vector<Combination> all;
  for (int64_t d = 0; d < draws; ++d) {
    Combination one;
    for (size_t k = 0; k < keys.size(); ++k) {
      if (keys[k].span) {
        const std::string value = drawn(*keys[k].span, streams[k]);
        one.push_back({keys[k].stage, {keys[k].key, value, value, keys[k].place}});
      } else if (!keys[k].values.empty()) {
        const auto i =
            static_cast<size_t>(streams[k].uniform() * static_cast<double>(keys[k].values.size()));
        one.push_back({keys[k].stage, keys[k].values[std::min(i, keys[k].values.size() - 1)]});
      }
    }
    all.push_back(std::move(one));
  }
  return all.empty() ? std::vector<Combination>{{}} : all;
}

/// Two places that change one key: which would win?
void check_twice(const std::vector<Combination>& all, Problems& problems) {
  std::set<std::pair<int, std::string>> told;
  for (const Combination& one : all) {
    std::set<std::pair<int, std::string>> seen;
    for (const StageSetting& s : one) {
      const std::pair<int, std::string> key(static_cast<int>(s.stage), s.setting.key);
      if (seen.insert(key).second || !told.insert(key).second) continue;
      problems.push_back(problem_at(s.setting.place,
                                    std::string(to_string(s.stage)) + "." + s.setting.key,
                                    "is changed in two places (grid, list, random)",
                                    "Keep one of them."));
    }
  }
}

}  // namespace

Setting setting_of(const std::string& key, const YamlNode& value, const detail::YamlPlace& place) {
  // JSON is YAML on one line. A plain scalar stays as it is written.
  const bool plain = value.is_scalar() && !value.quoted;
  return {key, plain ? value.text : detail::emit_json(value, -1), label_of(value), place};
}

std::vector<Combination> combinations_of(const SweepFile& file, Problems& problems) {
  const std::vector<Combination> list = list_of(file, problems), grid = grid_of(file, problems),
                                 draws = random_of(file, problems);
  const size_t seeds = std::max<size_t>(1, file.config.seeds.size());
  // Each factor has at most a few more than a sweep may have: their product fits a double.
  const double cells = static_cast<double>(list.size()) * static_cast<double>(grid.size()) *
                       static_cast<double>(draws.size()) * static_cast<double>(seeds);
  if (cells > kMostCells) {
    problems.push_back(yaml_problem(file.source,
                                    "",
                                    "more than " + std::to_string(kMostCells) + " cells",
                                    "draw some of them: random: {draws: N, ...}"));
    return {};
  }
  std::vector<Combination> all = product(product(list, grid), draws);
  check_twice(all, problems);
  return all;
}

}  // namespace nas::cli
