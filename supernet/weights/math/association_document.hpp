#pragma once
// What a mixture has learnt, for people: which networks train with which model.
#include <string>
#include <utility>
#include <vector>

#include "supernet/weights/math/mixture.hpp"

namespace nas {

/// A weight store that holds mixtures: one, or one in each leaf of a tree.
class HoldsMixtures {
 public:
  virtual ~HoldsMixtures() = default;
  /// With the name of the part of the store that each is ("" where there is only one).
  virtual std::vector<std::pair<std::string, const Mixture*>> mixtures() const = 0;
};

/// {"schema": "nas-association/1", "mixtures": [{"name", "models", "rows", "learned", "shown":
/// [{"row", "share", "model", "q": [...], "visits": [...], "seen": [...]}]}]}: of each mixture of
/// two models or more the `most` rows that trained most, in their order. "" where there is none.
std::string association_document(const HoldsMixtures& store, size_t most = 200);

}  // namespace nas
