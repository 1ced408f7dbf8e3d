#pragma once
// What one search is made of, opened from its configuration.
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "search/costs.hpp"
#include "search/driver.hpp"
#include "search/search_options.hpp"
#include "search/store/store.hpp"
#include "spaces/domain.hpp"
#include "spaces/evaluator.hpp"

namespace nas::cli {

/// Space, evaluator and costs of one search.
struct SearchParts {
  std::unique_ptr<Space> space;
  std::optional<Domain> domain;  ///< What of it is searched.
  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<CostModel> costs;
  nlohmann::ordered_json latency;  ///< What latency_ms means; null without a table.
  SearchSettings settings;
  Architecture witness;  ///< Meets all limits on free costs.
};

/// The training run whose supernet judges: id, name or last. ConfigError where there is none.
RunRow supernet_of(const Store& store, const std::string& run);

/// `space`: that of the supernet's run, else the configuration's own. ConfigError for limits that
/// cannot be met, before a supernet is loaded or anything paid for.
SearchParts make_parts(const SearchConfig& config,
                       const Binder::Raw& space,
                       Store& store,
                       const Common& common);

}  // namespace nas::cli
