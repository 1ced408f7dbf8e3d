// Two passes over the tree: what is best below a key, from the leaves; what is best around it, from
// the roots.
#include "search/exact/inside.hpp"

#include <algorithm>
#include <limits>

namespace nas::exact {

int64_t least_sum(const Terms& terms, size_t metric, int sign) {
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  std::vector<std::vector<int64_t>> below(terms.terms().size());
  for (size_t t = 0; t < terms.terms().size(); ++t) {
    const Term& term = terms.terms()[t];
    for (size_t key = 0; key < term.key_count(); ++key) {
      int64_t& best = below[t].emplace_back(kNever);
      for (size_t row = term.first[key]; row < term.first[key + 1]; ++row) {
        int64_t sum = sign * terms.value(term, row, metric);
        bool possible = true;
        for (size_t c = 0; c < term.children.size() && possible; ++c) {
          const int64_t part = below[term.children[c]][term.keys[row * term.children.size() + c]];
          possible = part != kNever;
          if (possible) sum += part;
        }
        if (possible) best = std::min(best, sum);
      }
    }
  }
  int64_t sum = sign * terms.units()[metric].constant;
  for (const size_t root : terms.roots()) sum += below[root][0];
  return sum;
}

Weighted::Weighted(const Terms& terms, std::vector<double> weights)
    : terms_(terms), weights_(std::move(weights)) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  const std::vector<Term>& all = terms.terms();
  below_.resize(all.size());
  above_.resize(all.size());
  for (const Term& term : all) {
    first_row_.push_back(own_.size());
    for (size_t row = 0; row < term.rows(); ++row) {
      double sum = 0;
      for (size_t m = 0; m < weights_.size(); ++m)
        if (weights_[m] != 0) sum += weights_[m] * static_cast<double>(terms.value(term, row, m));
      own_.push_back(sum);
    }
  }
  std::vector<double> with(own_);  // With all below the row.
  for (size_t t = 0; t < all.size(); ++t) {
    const Term& term = all[t];
    below_[t].assign(term.key_count(), kNever);
    above_[t].assign(term.key_count(), kNever);
    for (size_t key = 0; key < term.key_count(); ++key)
      for (size_t row = term.first[key]; row < term.first[key + 1]; ++row) {
        double& sum = with[first_row_[t] + row];
        for (size_t c = 0; c < term.children.size(); ++c)
          sum += below_[term.children[c]][term.keys[row * term.children.size() + c]];
        below_[t][key] = std::min(below_[t][key], sum);
      }
  }
  for (const size_t root : terms.roots()) least_ += below_[root][0];
  for (const size_t root : terms.roots()) above_[root][0] = least_ - below_[root][0];
  for (size_t t = all.size(); t-- > 0;) {
    const Term& term = all[t];
    for (size_t key = 0; key < term.key_count(); ++key)
      for (size_t row = term.first[key]; row < term.first[key + 1]; ++row)
        for (size_t c = 0; c < term.children.size(); ++c) {
          const uint32_t child = term.keys[row * term.children.size() + c];
          const double part = below_[term.children[c]][child];
          if (part == kNever) continue;
          double& above = above_[term.children[c]][child];
          above = std::min(above, above_[t][key] + with[first_row_[t] + row] - part);
        }
  }
}

Architecture Weighted::best() const {
  Architecture a = terms_.blank();
  std::vector<std::pair<size_t, uint32_t>> open;
  for (const size_t root : terms_.roots()) open.emplace_back(root, 0);
  while (!open.empty()) {
    const auto [t, key] = open.back();
    open.pop_back();
    const Term& term = terms_.terms()[t];
    size_t best = kNone;
    double least = std::numeric_limits<double>::infinity();
    for (size_t row = term.first[key]; row < term.first[key + 1]; ++row) {
      double sum = own_[first_row_[t] + row];
      for (size_t c = 0; c < term.children.size(); ++c)
        sum += below_[term.children[c]][term.keys[row * term.children.size() + c]];
      if (best != kNone && !(sum < least)) continue;
      best = row;
      least = sum;
    }
    terms_.decode(term, best, a);
    for (size_t c = 0; c < term.children.size(); ++c)
      open.emplace_back(term.children[c], term.keys[best * term.children.size() + c]);
  }
  return a;
}

}  // namespace nas::exact
