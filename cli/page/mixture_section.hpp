#pragma once
// Models of a mixture of supernets, within the section on the health of supernets.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/page/gather.hpp"

namespace nas::cli {

/// Metrics of a run over its steps, by name.
using Series = std::map<std::string, std::vector<std::pair<int64_t, double>>>;

/// Curves of the models, and which networks train with which (document kAssociation).
void add_mixture(Page& page, Gathered& g, const RunRow& run, const Series& series);

}  // namespace nas::cli
