// A minimum spanning tree of the mutual reachability distances (Prim: n^2 steps, no matrix kept)
// gives all clusterings by one distance. They are told as a tree: what comes apart into two or more
// groups of min_cluster_size makes new clusters, what loses less only shrinks. A cluster's
// stability is the sum over its points of how long, in 1 / distance, they stay; a cluster is taken
// where it is more stable than the clusters below it together.
//
// Distances between networks are small integers, so that many are equal, and what a binary tree
// makes of them depends on the order of its points. Here all edges of one length are cut at once:
// the answer depends on the points alone.
#include "search/narrow/hdbscan.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace nas {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Edge {
  size_t a = 0, b = 0;
  double length = 0;
};

/// Distance to the min_samples-th neighbour, or to the farthest where there are fewer.
std::vector<double> core_distances(size_t n, const DistanceRow& distances, size_t min_samples) {
  std::vector<double> core(n), row(n);
  const size_t nth = std::min(min_samples, n - 1);
  for (size_t i = 0; i < n; ++i) {
    distances(i, row);
    row[i] = -1;  // Itself stands first, whatever stands at distance 0.
    std::nth_element(row.begin(), row.begin() + static_cast<ptrdiff_t>(nth), row.end());
    core[i] = std::max(row[nth], 0.0);
  }
  return core;
}

/// n - 1 edges by rising length.
std::vector<Edge> spanning_tree(size_t n, const DistanceRow& distances, size_t min_samples) {
  const std::vector<double> core = core_distances(n, distances, min_samples);
  std::vector<double> row(n), nearest(n, kInfinity);
  std::vector<size_t> from(n, 0);
  std::vector<char> inside(n, 0);
  std::vector<Edge> edges;
  size_t last = 0;
  for (size_t step = 1; step < n; ++step) {
    inside[last] = 1;
    distances(last, row);
    size_t next = n;
    for (size_t j = 0; j < n; ++j) {
      if (inside[j] != 0) continue;
      const double reach = std::max({row[j], core[j], core[last]});
      if (reach < nearest[j]) {
        nearest[j] = reach;
        from[j] = last;
      }
      if (next == n || nearest[j] < nearest[next]) next = j;
    }
    edges.push_back({from[next], next, nearest[next]});
    last = next;
  }
  std::stable_sort(
      edges.begin(), edges.end(), [](const Edge& x, const Edge& y) { return x.length < y.length; });
  return edges;
}

/// A group of points that hang together at `length`, and at less only in its parts.
struct Group {
  double length = 0;
  size_t size = 1;
  std::vector<size_t> parts;  ///< Numbers of groups; of a point none.
};

struct Dendrogram {
  std::vector<Group> groups;  ///< 0 .. n - 1 are the points; some of the others led nowhere.
  size_t whole = 0;
};

Dendrogram merged(size_t n, const std::vector<Edge>& edges) {
  std::vector<Group> groups(n);
  std::vector<size_t> parent(n), group(n);
  std::iota(parent.begin(), parent.end(), size_t{0});
  std::iota(group.begin(), group.end(), size_t{0});
  const auto root = [&](size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (size_t begin = 0; begin < edges.size();) {
    size_t end = begin;
    while (end < edges.size() && edges[end].length == edges[begin].length) ++end;
    const size_t first_new = groups.size();
    for (size_t k = begin; k < end; ++k) {
      const size_t a = root(edges[k].a), b = root(edges[k].b);
      if (group[a] < first_new) {  // The first edge of this length at this group.
        groups.push_back({edges[k].length, groups[group[a]].size, {group[a]}});
        group[a] = groups.size() - 1;
      }
      Group& whole = groups[group[a]];
      if (group[b] < first_new)
        whole.parts.push_back(group[b]);
      else  // Of the same length: its parts are parts of both together.
        whole.parts.insert(
            whole.parts.end(), groups[group[b]].parts.begin(), groups[group[b]].parts.end());
      whole.size += groups[group[b]].size;
      parent[b] = a;
    }
    begin = end;
  }
  const size_t whole = group[root(0)];
  return {std::move(groups), whole};
}

struct Cluster {
  size_t group = 0;  ///< Where it begins.
  double birth = 0;  ///< 1 / length.
  double stability = 0;
  std::vector<size_t> children = {};
  bool chosen = false;
};

double density(double length) {
  return length > 0 ? 1 / length : kInfinity;
}

/// Parents stand before their children; 0 is the whole.
std::vector<Cluster> condensed(const Dendrogram& tree, size_t least) {
  const std::vector<Group>& groups = tree.groups;
  std::vector<Cluster> clusters{{tree.whole, 0}};
  for (size_t c = 0; c < clusters.size(); ++c) {
    const double birth = clusters[c].birth;
    double stability = 0;
    const auto leaves = [&](size_t count, double at) {
      if (at > birth) stability += (at - birth) * static_cast<double>(count);
    };
    for (size_t at = clusters[c].group;;) {
      const Group& g = groups[at];
      if (g.parts.empty()) break;  // A point alone: min_cluster_size is at least 2.
      const double end = density(g.length);
      std::vector<size_t> large;
      for (const size_t part : g.parts)
        if (groups[part].size >= least) large.push_back(part);
      if (large.size() != 1) {
        leaves(g.size, end);
        for (const size_t part : large) {
          clusters[c].children.push_back(clusters.size());
          clusters.push_back({part, end});
        }
        break;
      }
      leaves(g.size - groups[large[0]].size, end);
      at = large[0];
    }
    clusters[c].stability = stability;
  }
  return clusters;
}

/// Excess of mass, from the smallest clusters up.
void choose(std::vector<Cluster>& clusters) {
  for (size_t c = clusters.size(); c-- > 1;) {
    double below = 0;
    for (const size_t child : clusters[c].children) below += clusters[child].stability;
    clusters[c].chosen = clusters[c].children.empty() || !(below > clusters[c].stability);
    clusters[c].stability = std::max(below, clusters[c].stability);
  }
  // What stands above hides what stands below; parents come first.
  for (size_t c = 1; c < clusters.size(); ++c) {
    std::vector<size_t> open = clusters[c].chosen ? clusters[c].children : std::vector<size_t>{};
    while (!open.empty()) {
      Cluster& below = clusters[open.back()];
      open.pop_back();
      below.chosen = false;
      open.insert(open.end(), below.children.begin(), below.children.end());
    }
  }
}

}  // namespace

std::vector<int> hdbscan(size_t n, const DistanceRow& distances, const HdbscanOptions& options) {
  if (options.min_cluster_size < 2 || options.min_samples < 1)
    throw std::invalid_argument("hdbscan: a cluster has two points at least, a neighbour is one");
  std::vector<int> label(n, -1);
  if (n < options.min_cluster_size) return label;
  const Dendrogram tree = merged(n, spanning_tree(n, distances, options.min_samples));
  std::vector<Cluster> clusters = condensed(tree, options.min_cluster_size);
  choose(clusters);
  std::vector<std::vector<size_t>> members;
  for (const Cluster& cluster : clusters) {
    if (!cluster.chosen) continue;
    std::vector<size_t> open{cluster.group}, points;
    while (!open.empty()) {
      const size_t at = open.back();
      open.pop_back();
      if (at < n) points.push_back(at);
      const std::vector<size_t>& parts = tree.groups[at].parts;
      open.insert(open.end(), parts.begin(), parts.end());
    }
    std::sort(points.begin(), points.end());
    members.push_back(std::move(points));
  }
  std::sort(members.begin(), members.end());
  int number = 0;
  for (const std::vector<size_t>& points : members) {
    for (const size_t i : points) label[i] = number;
    ++number;
  }
  return label;
}

}  // namespace nas
