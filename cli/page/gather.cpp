#include "cli/page/gather.hpp"

#include <algorithm>
#include <set>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "spaces/metric.hpp"

namespace nas::cli {
namespace {

/// A sweep ends the names of its runs with a part of the stage's hash, which people need not read:
/// the command tells a training from the search in it.
std::string without_tag(const RunRow& run) {
  constexpr size_t kTag = 12;
  const std::string& name = run.name;
  if (name.size() < kTag + 2 || name[name.size() - kTag - 1] != '-' ||
      name.find_last_not_of("0123456789abcdef") != name.size() - kTag - 1)
    return name;
  return name.substr(0, name.size() - kTag - 1) + " (" + run.command + ")";
}

std::map<std::string, std::string> labels_of(const std::vector<RunRow>& runs) {
  std::map<std::string, int> count;
  for (const RunRow& run : runs) ++count[without_tag(run)];
  std::map<std::string, std::string> labels;
  for (const RunRow& run : runs) {
    const std::string name = without_tag(run);
    labels[run.id] = name.empty()      ? run.id
                     : count[name] > 1 ? printable(run.name) + " (" + run.id + ")"
                                       : printable(name);
  }
  return labels;
}

}  // namespace

std::vector<const RunRow*> Gathered::of(const std::string& command) const {
  std::vector<const RunRow*> list;
  for (const RunRow& run : runs)
    if (run.command == command) list.push_back(&run);
  return list;
}

void Gathered::guarded(const std::string& what, const std::function<void()>& part) {
  try {
    part();
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& e) {
    problems.push_back(what + ": " + e.what());
  }
}

Gathered gather(const Store& store, const std::vector<RunRow>& named, const Common& common) {
  Gathered g{store, common, {}, {}, {}, {}};
  std::set<std::string> wanted;
  for (const RunRow& run : named) {
    wanted.insert(run.id);
    if (!run.parent.empty()) wanted.insert(run.parent);
    for (const RunRow& child : store.runs_of(run.id)) wanted.insert(child.id);
  }
  for (const RunRow& run : store.runs())
    if (wanted.contains(run.id)) g.runs.push_back(run);
  g.labels = labels_of(g.runs);
  for (const RunRow* run : g.of("search"))
    g.guarded("search " + g.labels[run->id],
              [&] { g.searches.push_back(search_record(store, *run)); });
  return g;
}

std::string form_of(const std::string& metric) {
  const Metric* known = find_metric(metric);
  if (known == nullptr) return "";
  if (known->unit == MetricUnit::kShare) return "percent";
  return known->unit == MetricUnit::kCount || known->unit == MetricUnit::kBytes ? "count" : "";
}

nlohmann::ordered_json axis_json(const std::string& name, const std::string& form) {
  return {{"name", printable(name)}, {"form", form}};
}

}  // namespace nas::cli
