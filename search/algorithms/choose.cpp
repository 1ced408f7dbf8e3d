// On benchmark S1 (tests/bench/RESULTS.md) expected hypervolume improvement reaches after 100
// evaluations what NSGA-II does not reach after 500, so it is taken wherever its own time is small
// beside that of what it saves. A batch of eight costs a fit of a Gaussian process (n^3 of up to
// 2,000 rows, hyper-parameters on 256) and the search for candidates, together some tenths of a
// second: a minute for a thousand evaluations, which no supernet judges in that time. A table
// answers in microseconds; there evolution is ahead by the clock as soon as it can be had in
// thousands, and for a few hundred the better front is worth some seconds.
#include "search/algorithms/choose.hpp"

namespace nas {
namespace {

constexpr int64_t kMost = 1000;        ///< Evaluations for which ehvi is taken,
constexpr int64_t kMostOfTable = 300;  ///< and where they cost nothing.
/// Beyond, improvements are means over many draws of hypervolumes that take long themselves.
constexpr size_t kObjectives = 3;

}  // namespace

ChosenAlgorithm choose_algorithm(const SearchFacts& f) {
  if (!f.measured)
    return {"nsga2", "nothing is measured that could be predicted (exact solves sums of costs)"};
  if (f.networks && f.evaluations && *f.networks <= *f.evaluations && !f.warm)
    return {"nsga2", "the budget is enough for all " + std::to_string(*f.networks) + " networks"};
  const int64_t most = f.cheap ? kMostOfTable : kMost;
  const bool few = f.evaluations && *f.evaluations <= most;
  if (f.objectives > kObjectives && !f.warm)
    return {"nsga2", std::to_string(f.objectives) + " objectives are too many for ehvi"};
  if (few && f.objectives <= kObjectives)
    return {"ehvi",
            std::to_string(*f.evaluations) +
                " evaluations are few: each is spent where predictions "
                "promise most, or know least"};
  if (f.warm) return {"linas", "it begins from an earlier search, and ehvi takes long for so many"};
  return {"nsga2",
          "of " + (f.evaluations ? std::to_string(*f.evaluations) : std::string("any number of")) +
              " evaluations" + (f.cheap ? " in a table" : "") + " (more than " +
              std::to_string(most) + ") evolution makes enough"};
}

}  // namespace nas
