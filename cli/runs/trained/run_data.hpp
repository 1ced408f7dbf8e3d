#pragma once
// What a run was trained on: kept with it, and compared wherever it is opened again.
#include <string>

#include "cli/runs/trained/supernet_run.hpp"
#include "supernet/data/contents.hpp"

namespace nas::cli {

/// Keeps the splits, the names of the classes and the hash of the images' contents (document
/// `data`) with a new run.
void record_data(Store& store,
                 const std::string& run,
                 const RunParts& parts,
                 const Contents& contents);
/// Notes how the data of a new run were read, and warns of images that lie in two splits. `common`:
/// where its configuration comes from, for the command that lists them.
void tell_data(const RunParts& parts, const Contents& contents, const Common& common);
/// DataError that says what to do when the data, their classes, splits or the images' contents are
/// not those that the run was trained on. Runs of earlier versions kept no contents and no names.
void require_same_data(const Store& store, const std::string& run, const RunParts& parts);

}  // namespace nas::cli
