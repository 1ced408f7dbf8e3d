#pragma once
// What `nas data` found in a data set, and how it is told.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "supernet/data/check.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas::cli {

/// Every image looked at.
struct DataCheckResult {
  std::unique_ptr<Dataset> data;
  DataOptions options;
  Splits splits;
  DataCheck check;
  std::vector<std::string> problems;  ///< Mistakes of the source, beside unreadable images.
  bool fine() const { return problems.empty() && check.unreadable.empty(); }
  /// What may well be meant so, but seldom is.
  std::vector<std::string> warnings() const;
};

/// As training sees it.
struct DataInfo {
  std::unique_ptr<Dataset> data;
  DataOptions options;
  Splits splits;
  Normalisation normalisation;
  std::string origin;  ///< Of the normalisation: stated, known (of the data set) or measured.
  InputShape shape;
};

/// Schema nas-data-check/1: all of it.
nlohmann::ordered_json data_check_json(const DataCheckResult& result);
/// The problems of a source, in the form that problems of configurations have.
nlohmann::ordered_json data_problems_json(const std::vector<std::string>& problems);
/// For people: long lists are cut.
void print_data_check(const DataCheckResult& result);
void print_data_problems(const std::vector<std::string>& problems);

/// Schema nas-data-info/1.
nlohmann::ordered_json data_info_json(const DataInfo& info);
void print_data_info(const DataInfo& info);

/// `1 image`, `2 images`.
std::string counted(size_t n, const std::string& one, const std::string& many);

}  // namespace nas::cli
