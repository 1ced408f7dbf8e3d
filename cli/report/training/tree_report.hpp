#pragma once
// The split tree of a few-shot run, as the store keeps it: for people, programs and Graphviz.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "search/store/store.hpp"

namespace nas::cli {

/// The document of a run that holds its split tree.
inline constexpr const char* kSplitTree = "split-tree";

struct TreeReport {
  std::string text;     ///< As lines.
  std::string dot;      ///< Graphviz source.
  bool judged = false;  ///< Some leaf has an accuracy.
  /// Nodes as stored, without scores of what was not split; leaves with `architectures`, `judged`,
  /// `accuracy_mean`, `accuracy_best`.
  nlohmann::ordered_json json;
};
/// With the number of architectures of each leaf, and the accuracies that the store has of them as
/// the run judges now. None where the run has no tree; DataError where it cannot be read.
std::optional<TreeReport> tree_report(const Store& store, const RunRow& run);
/// TreeReport::text in lines of `width` columns (0: as they are), the drawing of the tree kept
/// whole.
std::string fold_tree(const std::string& text, size_t width);

}  // namespace nas::cli
