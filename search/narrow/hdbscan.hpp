#pragma once
// HDBSCAN*: clusters of any density, and noise (Campello, Moulavi, Sander, PAKDD 2013; selection by
// excess of mass).
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace nas {

struct HdbscanOptions {
  size_t min_cluster_size = 50;  ///< Smaller groups that split off are noise, not clusters; >= 2.
  /// A point's core distance is that to its so many-th neighbour, itself not counted.
  size_t min_samples = 10;
};

/// Distances of point `i` to all n points, into `row` (n values >= 0; its own: 0).
using DistanceRow = std::function<void(size_t i, std::span<double> row)>;

/// For each of n points the number of its cluster, from 0 in the order of the clusters' first
/// points, or -1 for noise. All points together are no cluster: where nothing splits in two, all
/// are noise. n^2 distances are computed twice, and 2n kept.
std::vector<int> hdbscan(size_t n, const DistanceRow& distances, const HdbscanOptions& options);

}  // namespace nas
