// A search leaves its random beginnings behind and gathers where networks are good; what is noise
// to a clustering by density is mostly its beginning. An option that hardly any network in a
// cluster has is left out of the space: 1e19 once-for-all networks become some 1e15, in which the
// next search (another device, another data set) rises faster (search.md 3.3). Frequencies are
// taken over the networks in which a choice is active: a layer that is closed in most says nothing
// there.
#include "search/narrow/popular.hpp"

#include <algorithm>

#include "predictors/predictor_state.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int16_t kClosed = -1;
constexpr double kRuleOfThree = 3;

/// Genes by choice, closed ones as such: a distance is a pass over short columns.
std::vector<std::vector<int16_t>> columns_of(const Space& space,
                                             const std::vector<Architecture>& networks) {
  std::vector<std::vector<int16_t>> columns(space.choices().size());
  for (size_t c = 0; c < columns.size(); ++c)
    for (const Architecture& a : networks)
      columns[c].push_back(space.active(a, c) ? a.genes[c] : kClosed);
  return columns;
}

std::vector<int> labels_of(const std::vector<std::vector<int16_t>>& columns,
                           size_t n,
                           const HdbscanOptions& options) {
  std::vector<int16_t> differ(n);
  const auto distances = [&](size_t i, std::span<double> row) {
    std::fill(differ.begin(), differ.end(), int16_t{0});
    for (const std::vector<int16_t>& column : columns) {
      const int16_t own = column[i];
      for (size_t j = 0; j < n; ++j)
        differ[j] = static_cast<int16_t>(differ[j] + (column[j] != own));
    }
    std::copy(differ.begin(), differ.end(), row.begin());
  };
  return hdbscan(n, distances, options);
}

/// Whether any architecture of the domain has the option: what constraints rule out is not left
/// out.
bool possible(const Domain& domain, size_t choice, int16_t option) {
  const Space& space = domain.space();
  const Restriction part = domain.whole() ? Restriction(space) : domain.restriction();
  try {
    const Domain with(space, part.keep(choice, {&option, 1}));
    return with.count() > 0;
  } catch (const ConfigError&) {
    return false;
  }
}

}  // namespace

Popular popular_part(const Domain& domain,
                     std::span<const Architecture> networks,
                     const PopularOptions& options) {
  const Space& space = domain.space();
  std::vector<Architecture> distinct;
  for (const Architecture& a : networks) distinct.push_back(space.fix_inactive(a));
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<Architecture> looked_at;
  for (const int i : spread_rows(static_cast<Eigen::Index>(distinct.size()),
                                 static_cast<Eigen::Index>(options.most)))
    looked_at.push_back(distinct[static_cast<size_t>(i)]);

  Popular popular;
  popular.networks = looked_at.size();
  popular.part = domain.whole() ? Restriction(space) : domain.restriction();
  const auto columns = columns_of(space, looked_at);
  std::vector<int> label = labels_of(columns, looked_at.size(), options.clusters);
  for (const int l : label) {
    popular.clusters = std::max(popular.clusters, static_cast<size_t>(l + 1));
    popular.noise += l < 0 ? 1 : 0;
  }
  // Clusters of the fewer say where some of the search went, not what it favours.
  popular.scattered = popular.clusters > 0 && 2 * popular.noise > looked_at.size();
  if (popular.clusters == 0 || popular.scattered) popular.clusters = popular.noise = 0;
  for (size_t c = 0; c < columns.size(); ++c) {
    size_t of = 0;
    std::vector<size_t> count(space.choices()[c].options.size());
    for (size_t i = 0; i < looked_at.size(); ++i) {
      if ((label[i] < 0 && popular.clusters > 0) || columns[c][i] == kClosed) continue;
      ++of;
      ++count[static_cast<size_t>(columns[c][i])];
    }
    if (of == 0) continue;
    const bool enough = static_cast<double>(of) * options.least_share >= kRuleOfThree;
    popular.too_few += enough ? 0 : 1;
    std::vector<int16_t> kept;
    bool any = false;
    for (const int16_t option : domain.options(c)) {
      OptionShare s{c, option, count[static_cast<size_t>(option)], of};
      if (s.count == 0 && !possible(domain, c, option)) {
        kept.push_back(option);
        continue;
      }
      s.kept = !enough || s.share() >= options.least_share;
      any = any || s.kept;
      if (s.kept) kept.push_back(option);
      popular.shares.push_back(s);
    }
    // With many options none may reach the share: then nothing is known against any.
    if (any)
      popular.part = popular.part.keep(c, kept);
    else
      for (OptionShare& s : popular.shares)
        if (s.choice == c) s.kept = true;
  }
  return popular;
}

}  // namespace nas
