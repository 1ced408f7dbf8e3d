#pragma once
// How often a training drew each option, as the store keeps it
// (supernet/train/step/draw_counts.hpp).
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "search/store/store.hpp"

namespace nas::cli {

/// The document of a training that holds them.
inline constexpr const char* kDraws = "draws";

struct ChoiceDraws {
  std::string choice;
  int64_t active = 0;                                    ///< Paths in which the choice was active.
  std::vector<std::pair<std::string, int64_t>> options;  ///< With the paths that had each.
};
struct Draws {
  int64_t paths = 0;
  std::vector<ChoiceDraws> choices;  ///< In the order of the space.
};
/// Up to the run's last checkpoint. None where the run has none (of an older nas, for example);
/// DataError where they cannot be read.
std::optional<Draws> draws_of(const Store& store, const std::string& run);
/// Some choice was trained with more than one option: not one network alone.
bool of_several(const Draws& draws);
/// For a terminal: of each choice the options trained least and most; the most uneven choices
/// first, `most` at most.
std::string draws_text(const Draws& draws, size_t most = 12);

}  // namespace nas::cli
