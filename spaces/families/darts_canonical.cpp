// Which DARTS genotypes are one network. Node by node: what a node computes is a sum of terms, and
// a genotype is another spelling of it where each node has the same sum (the four nodes are all
// handed on, one after the other, so none may change its place). Sums are compared as multisets of
// terms in which skips are resolved, `none` and what only reads zero are gone, an average of a sum
// is the sum of averages, and a factor is taken out of a maximum. An operation with weights is a
// term of its own each time it stands somewhere. Since all spellings have the same values at each
// node, the first edges (in the order of genes) that give a node its sum can be taken one by one.
#include <algorithm>
#include <map>
#include <numeric>

#include "spaces/families/darts.hpp"

namespace nas {
namespace {

using Terms = std::vector<int>;  ///< Sorted, equal ones as often as they are added.

/// Numbers terms: an operation with what it reads and, where it has weights, where it stands.
class TermTable {
 public:
  int term(int op, int stride, const Terms& reads, int place) {
    std::vector<int> key{op, stride, place};
    key.insert(key.end(), reads.begin(), reads.end());
    return ids_.try_emplace(std::move(key), static_cast<int>(ids_.size())).first->second;
  }

 private:
  std::map<std::vector<int>, int> ids_;
};

/// The largest number of times that all terms can be divided by.
size_t common_factor(const Terms& terms) {
  size_t factor = 0;
  for (size_t i = 0; i < terms.size();) {
    size_t end = i;
    while (end < terms.size() && terms[end] == terms[i]) ++end;
    factor = std::gcd(factor, end - i);
    i = end;
  }
  return factor;
}

Terms every(const Terms& terms, size_t step) {
  Terms out;
  for (size_t i = 0; i < terms.size(); i += step) out.push_back(terms[i]);
  return out;
}

}  // namespace

/// The sums of one cell's nodes.
class Darts::CellSums {
 public:
  CellSums(const Darts& space, bool reduction) : space_(space), reduction_(reduction) {
    sums_ = {{table_.term(-1, 0, {}, 0)}, {table_.term(-1, 0, {}, 1)}};
  }
  bool zero() const {
    return std::all_of(
        sums_.begin() + kInputs, sums_.end(), [](const Terms& t) { return t.empty(); });
  }

  /// Rewrites the edges of the next node as the first ones with the same sum.
  void add_node(std::vector<int16_t>& genes, const NodeGenes& at, std::array<int, 2> from) {
    const int node = static_cast<int>(sums_.size());
    const auto gene = [&](int g) -> int16_t& { return genes[static_cast<size_t>(g)]; };
    const Terms sum =
        sum_of(edge(from[0], gene(at.first), 0),
               edge(from[1], gene(at.second), second_place(from, gene(at.first), gene(at.second))));
    std::vector<std::array<int, 2>> pairs{{0, 1}};
    if (at.pair >= 0) {
      pairs.clear();
      for (int i = 0; i < node; ++i)
        for (int j = i + 1; j < node; ++j) pairs.push_back({i, j});
    }
    const auto ops = static_cast<int16_t>(space_.op_names_.size());
    bool found = false;
    for (size_t p = 0; p < pairs.size() && !found; ++p)
      for (int16_t first = 0; first < ops && !found; ++first) {
        const Terms one = edge(pairs[p][0], first, 0);
        if (!std::includes(sum.begin(), sum.end(), one.begin(), one.end())) continue;
        for (int16_t second = 0; second < ops && !found; ++second) {
          if (sum_of(one, edge(pairs[p][1], second, second_place(pairs[p], first, second))) != sum)
            continue;
          if (at.pair >= 0) gene(at.pair) = static_cast<int16_t>(p);
          gene(at.first) = first;
          gene(at.second) = second;
          found = true;
        }
      }
    sums_.push_back(sum);
  }

 private:
  static constexpr int kInputs = 2;
  static constexpr int kConstant = 100;

  static Terms sum_of(Terms a, const Terms& b) {
    a.insert(a.end(), b.begin(), b.end());
    std::sort(a.begin(), a.end());
    return a;
  }
  /// Two edges of a node may do the same with the same value, by weights of their own.
  int second_place(std::array<int, 2> from, int16_t first, int16_t second) const {
    const bool same = first == second &&
                      sums_[static_cast<size_t>(from[0])] == sums_[static_cast<size_t>(from[1])];
    return same ? 1 : 0;
  }

  Terms edge(int source, int16_t gene, int place) {
    const OpKind op = space_.kind(gene);
    const Terms& reads = sums_[static_cast<size_t>(source)];
    const int stride = reduction_ && source < kInputs ? 2 : 1;
    const int here = 2 * static_cast<int>(sums_.size()) + place + 1;
    const bool final_form = space_.o_.form == DartsOptions::Form::kFinal;
    const bool pool = op == kMaxPool || op == kAvgPool;
    if (op == kNone || (op == kSkip && stride == 1)) return op == kNone ? Terms() : reads;
    if (reads.empty()) {
      // Batch norms of the search form have no offset: nothing comes out.
      if (pool || !final_form) return {};
      // One batch norm at the end: its offset, whatever stands before.
      if (op != kSep3 && op != kSep5) return {table_.term(kConstant, 1, {}, here)};
    }
    if (!pool) return {table_.term(op, stride, reads, here)};
    // Drawn anew on each edge: of two equal ones one may be dropped in training.
    const int drawn = space_.o_.drop_path > 0 ? here : 0;
    if (!final_form || drawn != 0) return {table_.term(op, stride, reads, drawn)};
    Terms out;
    if (op == kAvgPool) {
      for (const int term : reads) out.push_back(table_.term(op, stride, {term}, 0));
    } else {
      const size_t factor = common_factor(reads);
      out.assign(factor, table_.term(op, stride, every(reads, factor), 0));
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  const Darts& space_;
  bool reduction_;
  TermTable table_;
  std::vector<Terms> sums_;
};

Architecture Darts::canonical(Architecture a) const {
  bool zero[2] = {false, false};
  for (const bool reduction : {false, true}) {
    const size_t offset = reduction ? cell_genes() : 0;
    std::vector<int16_t> genes(a.genes.begin() + static_cast<long>(offset),
                               a.genes.begin() + static_cast<long>(offset + cell_genes()));
    CellSums sums(*this, reduction);
    for (int n = 0; n < kNodes; ++n)
      sums.add_node(genes, node_genes_[static_cast<size_t>(n)], sources(a, offset, n + 2));
    std::copy(genes.begin(), genes.end(), a.genes.begin() + static_cast<long>(offset));
    zero[reduction ? 1 : 0] = sums.zero();
  }
  // Where nothing reaches the classifier, the other cell does not matter.
  const bool ends_in_reduction = cells_.back().reduction;
  if (zero[ends_in_reduction ? 1 : 0]) {
    const size_t other = ends_in_reduction ? 0 : cell_genes();
    std::fill_n(a.genes.begin() + static_cast<long>(other), cell_genes(), int16_t{0});
  }
  return a;
}

}  // namespace nas
