#pragma once
// What another program needs to build the networks of a space and to know that it built them right.
#include <map>
#include <string>
#include <vector>

#include "spaces/space.hpp"

namespace nas::bench {

/// The networks that a benchmark trains, and which of them the steps of each kind take in turn:
/// `fixed` (the given one, or the largest), `uniform` (drawn ones, one a step), `sandwich` (the
/// largest, which teaches the others, the smallest, and two drawn), and where all choices have as
/// many options `fair` (as many paths, in which each option stands once).
struct Networks {
  std::vector<Architecture> all;
  std::map<std::string, std::vector<std::vector<size_t>>> steps;
};
Networks networks(const Space& space, const std::string& fixed);

/// FOLDER/SPACE.json (schema nas-bench/2): `space`, `classes`, `input`, `tensors` of the supernet
/// (`name`, `shape`, `buffer`, `learned_crop`), `architectures` and `plans` of networks() (as `nas
/// space show` writes them), `steps`. FOLDER/SPACE.safetensors: every parameter and buffer at its
/// start, `images`, `labels`, and for the first plans `loss/K` and `gradient/K/NAME` of one pass on
/// the CPU with dropout off.
void write_bundle(const std::string& folder, const std::string& space, const std::string& fixed);

}  // namespace nas::bench
