#pragma once
// Which tar files a path means, and which split each is of.
#include <string>
#include <vector>

#include "supernet/data/sources/sources.hpp"

namespace nas {

struct Shard {
  std::string path;
  Part part = Part::kTrain;
};
/// `path`: one .tar file, a folder of them (with or without folders of splits), or a pattern (see
/// is_shard_pattern). Names that leave the split in doubt are faults. Empty where nothing is there.
std::vector<Shard> find_shards(const std::string& path, UnusedList& unused, Faults& faults);

}  // namespace nas
