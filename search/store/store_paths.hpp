#pragma once
// Paths in the store are relative to its own folder, so that a results folder can be moved, and a
// copy works in its own files and never in those of the original.
#include <string>

namespace nas::store_detail {

/// Folder of the store file, symbolic links resolved.
std::string folder_of_store(const std::string& store);
/// What is kept: relative when it lies inside the store's folder, else as given.
std::string kept_path(const std::string& store, const std::string& path);
/// Where a kept file is. An absolute one that is gone (kept by earlier versions) is looked for in
/// the folder of its run beside the store.
std::string found_file(const std::string& store, const std::string& run, const std::string& kept);
/// Where the folder of a run is; an absolute one (of earlier versions) is looked for beside the
/// store first.
std::string found_folder(const std::string& store, const std::string& run, const std::string& kept);

}  // namespace nas::store_detail
