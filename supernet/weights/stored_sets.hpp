#pragma once
// What a checkpoint says of a store and of its sets.
#include <map>
#include <string>

#include "supernet/files/checkpoint.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {

/// File of each of `sets` sets. DataError, naming `path`, where there are others.
std::map<int, SetFile> named_set_files(const Checkpoint& checkpoint,
                                       const std::string& path,
                                       int sets);
/// Gives a store its own state back. DataError when it is another store's.
void load_store_state(WeightStore& store, const Checkpoint& checkpoint);

}  // namespace nas
