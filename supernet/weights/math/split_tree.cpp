// Each node is a restriction; children divide one choice's options, so that the leaf of an
// architecture is found by walking down its options, and leaves never overlap nor leave a gap.
#include "supernet/weights/math/split_tree.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

Json json_of(const Partition& p) {
  return {{"groups", p.groups},
          {"value", p.value},
          {"within", p.within},
          {"cut", p.cut},
          {"pairs_cut", p.pairs_cut},
          {"exhaustive", p.exhaustive}};
}

Json json_of(const ChoiceScore& s, const Space& space) {
  Json names = Json::array();
  for (const int16_t o : s.options)
    names.push_back(space.choices()[s.choice].options[static_cast<size_t>(o)]);
  return {{"choice", space.choices()[s.choice].name},
          {"options", names},
          {"option_numbers", s.options},
          {"batches", s.batches},
          {"usable", s.usable},
          {"halves_agree", s.halves_agree},
          {"distance", s.distance.values()},
          {"partition", json_of(s.partition)}};
}

Json json_of(const SplitNode& n, const Space& space) {
  Json scores = Json::array();
  for (const ChoiceScore& s : n.scores) scores.push_back(json_of(s, space));
  return {
      {"id", n.id},
      {"parent", n.parent},
      {"depth", n.depth},
      {"restriction", n.within.text()},
      {"masks", n.within.bits()},
      {"first_epoch", n.first},
      {"epochs", n.epochs},
      {"restarted", n.restarted},
      {"status", n.choice < 0 ? "leaf" : "split"},
      {"choice",
       n.choice < 0 ? Json(nullptr) : Json(space.choices()[static_cast<size_t>(n.choice)].name)},
      {"groups", n.groups},
      {"children", n.children},
      {"scoring_passes", n.scoring_passes},
      {"scoring_macs", n.scoring_macs},
      {"scores", scores}};
}

size_t choice_named(const Space& space, const std::string& name) {
  for (size_t c = 0; c < space.choices().size(); ++c)
    if (space.choices()[c].name == name) return c;
  throw DataError("the split tree names a choice '" + name + "' that the space '" + space.name() +
                  "' does not have");
}

ChoiceScore score_of(const Json& j, const Space& space) {
  ChoiceScore s;
  s.choice = choice_named(space, j.at("choice"));
  s.options = j.at("option_numbers").get<std::vector<int16_t>>();
  s.batches = j.at("batches");
  s.usable = j.at("usable");
  s.halves_agree = j.at("halves_agree");
  s.distance = DistanceMatrix(s.options.size());
  const auto values = j.at("distance").get<std::vector<double>>();
  const size_t n = s.options.size();
  if (values.size() != n * n) throw DataError("the split tree has a matrix of another size");
  for (size_t i = 0; i < n; ++i)
    for (size_t k = 0; k < n; ++k) s.distance.at(i, k) = values[i * n + k];
  const Json& p = j.at("partition");
  s.partition.groups = p.at("groups").get<std::vector<std::vector<int16_t>>>();
  s.partition.value = p.at("value");
  s.partition.within = p.at("within");
  s.partition.cut = p.at("cut");
  s.partition.pairs_cut = p.at("pairs_cut");
  s.partition.exhaustive = p.at("exhaustive");
  return s;
}

SplitNode node_of(const Json& j, const Space& space) {
  SplitNode n;
  n.id = j.at("id");
  n.parent = j.at("parent");
  n.depth = j.at("depth");
  n.within = Restriction::from_bits(space, j.at("masks").get<std::string>());
  n.first = j.at("first_epoch");
  n.epochs = j.at("epochs");
  n.restarted = j.at("restarted");
  n.choice = j.at("choice").is_null() ? -1 : static_cast<int>(choice_named(space, j.at("choice")));
  n.groups = j.at("groups").get<std::vector<std::vector<int16_t>>>();
  n.children = j.at("children").get<std::vector<int>>();
  n.scoring_passes = j.at("scoring_passes");
  n.scoring_macs = j.at("scoring_macs");
  for (const Json& s : j.at("scores")) n.scores.push_back(score_of(s, space));
  return n;
}

std::string group_text(const Choice& choice, const std::vector<int16_t>& group) {
  std::string text;
  for (const int16_t o : group)
    text += (text.empty() ? "" : "|") + choice.options[static_cast<size_t>(o)];
  return text;
}

}  // namespace

std::string score_json(const ChoiceScore& score, const Space& space) {
  return json_of(score, space).dump();
}

ChoiceScore score_from_json(std::string_view json, const Space& space) {
  try {
    return score_of(Json::parse(json), space);
  } catch (const nlohmann::json::exception& e) {
    throw DataError(std::string("the score of a choice is malformed: ") + e.what());
  }
}

SplitTree::SplitTree(const Space& space) : space_(space) {
  SplitNode root;
  root.within = Restriction(space);
  nodes_.push_back(std::move(root));
}

std::vector<int> SplitTree::leaves() const {
  std::vector<int> ids;
  for (const SplitNode& n : nodes_)
    if (n.choice < 0) ids.push_back(n.id);
  return ids;
}

int SplitTree::leaf_of(const Architecture& a) const {
  const Architecture form = space_.canonical(a);
  int id = 0;
  while (node(id).choice >= 0) {
    const SplitNode& n = node(id);
    const int16_t option = form.genes[static_cast<size_t>(n.choice)];
    int next = -1;
    for (size_t g = 0; g < n.groups.size(); ++g)
      if (std::find(n.groups[g].begin(), n.groups[g].end(), option) != n.groups[g].end())
        next = n.children[g];
    if (next < 0) throw std::logic_error("no leaf of the split tree holds " + space_.text(a));
    id = next;
  }
  return id;
}

Restriction SplitTree::open_only(size_t choice, Restriction within) const {
  for (const Condition& c : space_.choices()[choice].conditions) {
    const auto on = static_cast<size_t>(c.on);
    within = open_only(on, within.keep(on, c.options));
  }
  return within;
}

Restriction SplitTree::own(int leaf) const {
  Restriction own = node(leaf).within;
  for (int id = leaf; node(id).parent >= 0; id = node(id).parent) {
    const SplitNode& parent = node(node(id).parent);
    const auto place = std::find(parent.children.begin(), parent.children.end(), id);
    const std::vector<int16_t>& group =
        parent.groups[static_cast<size_t>(place - parent.children.begin())];
    // Where the choice is closed its gene is 0.
    if (std::find(group.begin(), group.end(), int16_t{0}) == group.end())
      own = open_only(static_cast<size_t>(parent.choice), own);
  }
  return own;
}

bool SplitTree::may_be_active(size_t choice, const Restriction& within) const {
  const std::vector<Condition>& conditions = space_.choices()[choice].conditions;
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& c) {
    const auto on = static_cast<size_t>(c.on);
    return may_be_active(on, within) &&
           std::any_of(c.options.begin(), c.options.end(), [&](int16_t option) {
             return within.allows(on, option);
           });
  });
}

std::vector<size_t> SplitTree::splittable(int id,
                                          int groups,
                                          int min_group,
                                          bool conditional) const {
  std::vector<size_t> choices;
  for (size_t c = 0; c < space_.choices().size(); ++c) {
    const Choice& choice = space_.choices()[c];
    if (!choice.conditions.empty() && !(conditional && may_be_active(c, node(id).within))) continue;
    bool whole = true;
    for (size_t o = 0; o < choice.options.size(); ++o)
      whole = whole && node(id).within.allows(c, static_cast<int16_t>(o));
    if (whole && choice.options.size() >= static_cast<size_t>(groups * min_group))
      choices.push_back(c);
  }
  return choices;
}

std::vector<int> SplitTree::split(int id, size_t choice, std::vector<std::vector<int16_t>> groups) {
  std::vector<int16_t> all;
  for (const auto& group : groups) all.insert(all.end(), group.begin(), group.end());
  std::sort(all.begin(), all.end());
  std::vector<int16_t> allowed;
  for (size_t o = 0; o < space_.choices()[choice].options.size(); ++o)
    if (node(id).within.allows(choice, static_cast<int16_t>(o)))
      allowed.push_back(static_cast<int16_t>(o));
  if (all != allowed || groups.size() < 2 || node(id).choice >= 0)
    throw std::logic_error("a split must be a partition of a leaf's options");
  std::vector<int> children;
  for (const auto& group : groups) {
    SplitNode child;
    child.id = static_cast<int>(nodes_.size());
    child.parent = id;
    child.depth = node(id).depth + 1;
    child.within = node(id).within.keep(choice, group);
    children.push_back(child.id);
    nodes_.push_back(std::move(child));
  }
  node(id).choice = static_cast<int>(choice);
  node(id).groups = std::move(groups);
  node(id).children = children;
  return children;
}

std::string SplitTree::json() const {
  Json nodes = Json::array();
  for (const SplitNode& n : nodes_) nodes.push_back(json_of(n, space_));
  return Json{{"version", kVersion}, {"nodes", nodes}}.dump();
}

void SplitTree::load(std::string_view json) {
  try {
    const Json j = Json::parse(json);
    if (j.at("version") != kVersion)
      throw DataError("the split tree is of version " + j.at("version").dump() +
                      ", this program reads " + std::to_string(kVersion));
    std::vector<SplitNode> nodes;
    for (const Json& n : j.at("nodes")) nodes.push_back(node_of(n, space_));
    const auto count = static_cast<int>(nodes.size());
    for (int i = 0; i < count; ++i) {
      const SplitNode& n = nodes[static_cast<size_t>(i)];
      const bool inner = n.choice >= 0;
      const auto child = [&](int k) { return k > i && k < count; };
      if (n.id != i || n.parent >= i || inner == n.children.empty() ||
          n.groups.size() != n.children.size() ||
          !std::all_of(n.children.begin(), n.children.end(), child))
        throw DataError("the split tree is not a tree at node " + std::to_string(i));
    }
    if (nodes.empty()) throw DataError("the split tree has no root");
    nodes_ = std::move(nodes);
  } catch (const nlohmann::json::exception& e) {
    throw DataError(std::string("the split tree is malformed: ") + e.what());
  }
}

std::string SplitTree::text(const std::vector<std::string>& values) const {
  std::string out;
  const std::function<void(int, const std::string&, const std::string&)> write =
      [&](int id, const std::string& lead, const std::string& label) {
        const SplitNode& n = node(id);
        const std::string epochs =
            std::to_string(n.epochs) + (n.epochs == 1 ? " epoch" : " epochs");
        out += label + "node " + std::to_string(id) + " (" + epochs +
               (n.restarted ? ", fresh weights" : "") + ")";
        if (n.choice < 0) {
          const auto k = static_cast<size_t>(id);
          if (k < values.size() && !values[k].empty()) out += ": " + values[k];
          out += "\n";
          return;
        }
        const Choice& choice = space_.choices()[static_cast<size_t>(n.choice)];
        out += " split on " + choice.name;
        for (const ChoiceScore& s : n.scores)
          if (static_cast<int>(s.choice) == n.choice) {
            char cut[120];
            std::snprintf(cut,
                          sizeof cut,
                          ", cut %.4g, within %.4g%s",
                          s.partition.cut,
                          s.partition.within,
                          s.halves_agree ? "" : " (no evidence: halves disagree)");
            out += cut;
          }
        out += "\n";
        for (size_t g = 0; g < n.children.size(); ++g) {
          const bool last = g + 1 == n.children.size();
          write(n.children[g],
                lead + (last ? "   " : "|  "),
                lead + "+- " + group_text(choice, n.groups[g]) + ": ");
        }
      };
  write(0, "", "");
  return out;
}

}  // namespace nas
