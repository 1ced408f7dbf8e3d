#pragma once
// What a Domain knows about the part of a space that is open.
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "spaces/counting/space_tables.hpp"
#include "spaces/domain.hpp"

namespace nas {

/// The part is a space of its own choices, those with their allowed options only: on them stand
/// the same exact tables as on a whole space. `expanded` leads back to genes of the space.
struct Domain::Part {
  Part(const Space& space,
       const Restriction& restriction,
       bool constrained,
       const std::vector<SpaceRule>& rules,
       const std::function<bool(const Architecture&)>& allowed);

  /// Genes of the space for positions among allowed options; inactive ones 0.
  Architecture expanded(const Architecture& positions) const;

  Restriction restriction;
  std::vector<std::vector<int16_t>> options;  ///< By choice: those allowed.
  std::vector<Choice> choices;                ///< Of the space, with allowed options only.
  std::optional<SamplingTables> tables;       ///< Exact but for what `rejects`.
  bool rejects = false;  ///< Constraints are not in the tables: what they draw may be invalid.
  std::vector<Architecture> listed;  ///< All, where it rejects and they are few.

  // Made when first asked for.
  mutable std::mutex mutex;
  mutable std::optional<Architecture> extremes[2];
  mutable std::optional<std::unordered_map<Architecture, Architecture>> forms;
  struct Weighted {
    std::vector<Architecture> architectures;
    std::vector<double> cumulative;
  };
  mutable std::optional<Weighted> by_choices;  ///< The law of sample_choices, written out.

 private:
  Architecture raw(const Architecture& positions) const;
  std::vector<SpaceRule> translated(const std::vector<SpaceRule>& rules) const;
  const Space& space_;
};

}  // namespace nas
