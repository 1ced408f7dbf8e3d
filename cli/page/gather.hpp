#pragma once
// What a report is about: the runs named and those that belong to them.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/page/page.hpp"
#include "cli/runs/results/search_record.hpp"

namespace nas::cli {

struct Gathered {
  const Store& store;
  const Common& common;
  std::vector<RunRow> runs;  ///< Oldest first: those named, their supernets, the searches in them.
  std::vector<SearchRecord> searches;         ///< Of them, those that can be read.
  std::vector<std::string> problems;          ///< What cannot be shown, and why.
  std::map<std::string, std::string> labels;  ///< By id: a name that tells a run from the others.

  std::vector<const RunRow*> of(const std::string& command) const;
  /// Calls `part`; what it throws becomes a problem, so that one bad document costs one section.
  void guarded(const std::string& what, const std::function<void()>& part);
};
Gathered gather(const Store& store, const std::vector<RunRow>& named, const Common& common);

// Sections, in order; each adds nothing where the store holds nothing for it.
void add_runs(Page& page, Gathered& g);        ///< What ran.
void add_fronts(Page& page, Gathered& g);      ///< Fronts, hypervolume over evaluations.
void add_choices(Page& page, Gathered& g);     ///< What was tried and what the front chooses.
void add_predictors(Page& page, Gathered& g);  ///< Their quality, learning curves.
void add_latency(Page& page, Gathered& g);     ///< Tables; predicted against measured.
void add_rankings(Page& page, Gathered& g);    ///< Against ground truth.
void add_training(Page& page, Gathered& g);    ///< Curves.
void add_health(Page& page, Gathered& g);      ///< Probabilities, draws, mixtures, split trees.
void add_networks(Page& page, Gathered& g);    ///< The best, drawn.
void add_provenance(Page& page, Gathered& g);  ///< Seeds, hashes, configurations.

/// `percent`, `count` or "": how page.js writes values of a metric.
std::string form_of(const std::string& metric);
/// {name, form} of an axis.
nlohmann::ordered_json axis_json(const std::string& name, const std::string& form = "");

}  // namespace nas::cli
