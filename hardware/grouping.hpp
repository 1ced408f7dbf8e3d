#pragma once
// Groupings: what one time of a latency table covers. A table of this program has a time for every
// single op, as the executor runs them; runtimes fuse a convolution with the normalisation and
// activation behind it, and published tables hold whole blocks. A grouping cuts a network into such
// pieces and names each by the key that a table has.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spaces/plan.hpp"

namespace nas {

/// The pieces of one network, each with a key of a few numbers; equal keys, equal work. No text is
/// made, and an object that is used again allocates nothing. Keys hold within this process.
class Pieces {
 public:
  void clear();
  size_t size() const { return pieces_.size(); }
  std::span<const uint64_t> key(size_t piece) const {
    return {words_.data() + pieces_[piece].word, pieces_[piece].words};
  }
  /// Ids of the nodes it covers; those that cost nothing may be left out.
  std::span<const int32_t> nodes(size_t piece) const {
    return {nodes_.data() + pieces_[piece].node, pieces_[piece].nodes};
  }

  /// For groupings: begins a piece, then its numbers and nodes in any order.
  void begin() {
    pieces_.push_back(
        {static_cast<uint32_t>(words_.size()), 0, static_cast<uint32_t>(nodes_.size()), 0});
  }
  void word(uint64_t value) {
    words_.push_back(value);
    ++pieces_.back().words;
  }
  void node(size_t id) {
    nodes_.push_back(static_cast<int32_t>(id));
    ++pieces_.back().nodes;
  }

  /// Scratch of groupings, by node: how many read it, who reads it last, the piece it is part of.
  struct Use {
    int32_t readers = 0, last_reader = -1, part_of = -1;
  };
  std::vector<Use> uses;

 private:
  struct Piece {
    uint32_t word, words, node, nodes;
  };
  std::vector<Piece> pieces_;
  std::vector<uint64_t> words_;
  std::vector<int32_t> nodes_;
};

struct Grouping {
  std::string_view name;
  std::string_view summary;
  /// Every node that costs something is in exactly one piece; what the grouping has no key for is a
  /// piece of its own, with the signature of the op as its key.
  void (*split)(const Plan& plan, Pieces& pieces);
  /// The key as tables have it.
  std::string (*text)(const Plan& plan, const Pieces& pieces, size_t piece);
};

/// ops, fused, ofa-mobilenetv3, ofa-proxyless.
const std::vector<Grouping>& groupings();
/// nullptr where there is none of that name.
const Grouping* find_grouping(std::string_view name);
/// Single ops: nas::signature.
const Grouping& op_grouping();

/// Numbers keys 0, 1, ... in the order in which they are first seen.
class KeyIndex {
 public:
  uint32_t id_of(std::span<const uint64_t> key);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t hash;
    uint32_t word, words;
  };
  void grow();
  std::vector<uint32_t> slots_;  ///< Id + 1; 0: free. A power of two of them.
  std::vector<Entry> entries_;
  std::vector<uint64_t> words_;
};

}  // namespace nas
