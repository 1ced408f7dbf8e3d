#include "cli/report/training/tree_report.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "cli/command.hpp"
#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "cli/report/result_rows.hpp"
#include "cli/runs/run_files.hpp"
#include "spaces/domain.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/read_architecture.hpp"
#include "supernet/weights/math/split_tree.hpp"
#include "supernet/weights/math/tree_draw.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

/// What the store knows of a leaf.
struct Leaf {
  std::string architectures;  ///< That find their way to it.
  std::string trained;        ///< That it is trained on.
  size_t judged = 0;
  double sum = 0, best = 0;

  void add(double accuracy) {
    best = judged == 0 ? accuracy : std::max(best, accuracy);
    sum += accuracy;
    ++judged;
  }
  double mean() const { return sum / static_cast<double>(judged); }
  std::vector<std::string> lines() const {
    std::vector<std::string> all = {architectures + " architectures"};
    if (trained != architectures)
      all.back() += " (trained on " + trained + ": those without the choice, too)";
    if (judged > 0) {
      all.push_back(std::to_string(judged) + " judged");
      all.push_back("mean " + format_number(100 * mean()) + " %, best " +
                    format_number(100 * best) + " %");
    }
    return all;
  }
};

/// Each accuracy that is of the weights the run has now goes to its leaf.
void judge(const Store& store,
           const RunRow& run,
           const Space& space,
           const SplitTree& tree,
           std::map<int, Leaf>& leaves) {
  const Results results = collect_results(store, run, {});
  ArchitectureReader reader(space);
  for (const Entry& entry : results.entries) {
    const auto accuracy = entry.values.find("accuracy");
    if (!results.fidelities[entry.fidelity].own || accuracy == entry.values.end()) continue;
    try {
      leaves[tree.leaf_of(reader.read(entry.architecture))].add(accuracy->second);
    } catch (const ConfigError&) {
      // Not of this space as it is now.
    }
  }
}

/// How the nodes were split; runs made by `nas split --apply` say so too.
std::string criterion_of(const RunRow& run) {
  return yaml_scalar(stored_config(run), "weights.split.criterion").value_or("gradient");
}

std::string told(const RunRow& run) {
  const std::string criterion = criterion_of(run);
  const YamlSource config = stored_config(run);
  const std::string edge = yaml_scalar(config, "weights.split.edge").value_or("max_cut");
  const std::string metric = yaml_scalar(config, "weights.split.score.metric").value_or("cos");
  const bool fixed = edge.starts_with("fixed");
  const std::string choice = fixed ? "the choices that were named" : "the choice by " + edge;
  if (criterion == "exhaustive") return "split exhaustively: a leaf for every option";
  if (criterion == "random")
    return fixed ? "split at random: " + choice + ", their groups drawn"
                 : "split at random: choices and groups were drawn";
  return "split by gradient matching: " + choice + ", groups by " + metric + " distances";
}

Json json_of(const SplitTree& tree, const std::map<int, Leaf>& leaves, const RunRow& run) {
  Json json{{"criterion", criterion_of(run)}};
  json.update(Json::parse(tree.json()));
  for (Json& node : json["nodes"]) {
    Json scores = Json::array();
    for (const Json& score : node["scores"])
      if (score["choice"] == node["choice"]) scores.push_back(score);
    node["scores"] = std::move(scores);
    const auto leaf = leaves.find(node["id"].get<int>());
    if (leaf == leaves.end()) continue;
    const Leaf& l = leaf->second;
    node["architectures"] = l.architectures;
    node["trained_architectures"] = l.trained;
    node["judged"] = l.judged;
    node["accuracy_mean"] = l.judged > 0 ? Json(l.mean()) : Json(nullptr);
    node["accuracy_best"] = l.judged > 0 ? Json(l.best) : Json(nullptr);
  }
  return json;
}

/// Columns of the drawing in front of a line: `|  |  +- `.
size_t drawn_columns(const std::string& line) {
  size_t at = 0;
  while (line.compare(at, 3, "|  ") == 0 || line.compare(at, 3, "   ") == 0) at += 3;
  return line.compare(at, 3, "+- ") == 0 ? at + 3 : at;
}

/// What stands in front of the further lines of line `i`, so that the tree is not cut in two: the
/// drawing of its own node, a line to its next sibling and one down to its children.
std::string continued(const std::vector<std::string>& lines, size_t i) {
  const size_t own = drawn_columns(lines[i]);
  std::string lead = own == 0 ? "" : lines[i].substr(0, own - 3);
  size_t next = i + 1;
  const bool inner = next < lines.size() && drawn_columns(lines[next]) > own;
  while (next < lines.size() && drawn_columns(lines[next]) > own) ++next;
  if (own > 0) lead += next < lines.size() && drawn_columns(lines[next]) == own ? "|  " : "   ";
  return lead + (inner ? "|    " : "  ");
}

/// Length of the start of `text` that fits: up to a blank, else behind a `|` between options.
size_t fitting(const std::string& text, size_t width) {
  if (text.size() <= width) return text.size();
  for (const auto& [end, taken] : {std::pair(' ', 0), std::pair('|', 1)})
    if (const size_t at = text.rfind(end, width - static_cast<size_t>(taken));
        at != std::string::npos && at > 0)
      return at + static_cast<size_t>(taken);
  return text.size();
}

}  // namespace

std::string fold_tree(const std::string& text, size_t width) {
  if (width == 0) return text;
  constexpr size_t kLeast = 16;
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::string folded;
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string lead = lines[i].substr(0, drawn_columns(lines[i]));
    std::string rest = lines[i].substr(lead.size());
    do {
      const size_t room = std::max(width - std::min(width, lead.size()), kLeast);
      const size_t n = fitting(rest, room);
      folded += (folded.empty() ? "" : "\n") + lead + rest.substr(0, n);
      rest.erase(0, rest.find_first_not_of(' ', n));
      lead = continued(lines, i);
    } while (!rest.empty());
  }
  return folded;
}

std::optional<TreeReport> tree_report(const Store& store, const RunRow& run) {
  const auto document = store.document(run.id, kSplitTree);
  if (!document) return std::nullopt;
  const auto space = open_space(space_of_run(store, run));
  if (!space->has_fingerprint(run.fingerprint))
    throw DataError("the space '" + run.space + "' has changed since run " + run.id +
                    " was trained, so its split tree cannot be shown");
  SplitTree tree(*space);
  tree.load(*document);
  std::map<int, Leaf> leaves;
  for (const int id : tree.leaves()) {
    leaves[id].trained = Domain(*space, tree.node(id).within).count().str();
    leaves[id].architectures = Domain(*space, tree.own(id)).count().str();
  }
  judge(store, run, *space, tree, leaves);
  std::vector<std::string> values(tree.nodes().size());
  std::vector<std::vector<std::string>> lines(tree.nodes().size());
  TreeReport report;
  for (const auto& [id, leaf] : leaves) {
    report.judged = report.judged || leaf.judged > 0;
    lines[static_cast<size_t>(id)] = leaf.lines();
    for (const std::string& line : leaf.lines()) {
      std::string& value = values[static_cast<size_t>(id)];
      value += (value.empty() ? "" : ", ") + line;
    }
  }
  report.text = told(run) + "\n" + tree.text(values);
  if (!report.text.empty() && report.text.back() == '\n') report.text.pop_back();
  report.dot = draw_tree(
      tree,
      *space,
      {"run " + run.id + (run.name.empty() ? "" : " (" + run.name + ")") + ", space " + run.space,
       told(run)},
      lines);
  report.json = json_of(tree, leaves, run);
  return report;
}

}  // namespace nas::cli
