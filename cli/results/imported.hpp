#pragma once
// What `nas import` made of a file of weights, and how it is told.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace nas::cli {

struct ImportResult {
  std::string run, name, space, directory;
  std::string weights;  ///< The file, as it was named.
  std::string kind;     ///< `once-for-all checkpoint`, `checkpoint`.
  int64_t parameters = 0;
  std::string checkpoint_sha256;  ///< Of the checkpoint that was written.
};

/// Schema nas-import/1.
nlohmann::ordered_json import_json(const ImportResult& result);
void print_import(const ImportResult& result);

}  // namespace nas::cli
