#include "cli/runs/results/narrow.hpp"

#include "cli/config/stored_config.hpp"
#include "cli/runs/fix.hpp"
#include "cli/runs/results/search_record.hpp"
#include "cli/runs/run_files.hpp"
#include "search/search_options.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {

Narrowing narrowing_of(const Store& store, const std::string& name, const PopularOptions& options) {
  const auto found = store.run(name, "search");
  if (!found)
    throw ConfigError("--run: there is no search '" + name + "' in " + store.path(),
                      "`nas runs --command search` lists them.");
  const SearchRecord record = search_record(store, *found);
  std::unique_ptr<Space> space = open_space(space_of_run(store, *found));
  const auto config = read_yaml_as<SearchConfig>(stored_config(*found));
  const Domain before = fixed_domain(*space, config.search.fix, "search.fix");
  std::vector<Architecture> networks;
  std::vector<Point> points;
  std::vector<std::string> texts;
  for (const Evaluated& e : record.evaluated) {
    if (!e.feasible || e.point.empty()) continue;
    networks.push_back(space->parse(e.architecture));
    points.push_back(e.point);
    texts.push_back(e.architecture);
  }
  if (networks.empty())
    throw ConfigError("search " + found->id + " has no network within its limits (" +
                          std::to_string(record.evaluated.size()) + " judged)",
                      "Name another search, or let it go on.");
  Popular popular = popular_part(before, networks, options);
  Domain after(*space, popular.part);
  std::vector<std::string> outside;
  const std::vector<size_t> front = front_of(points);
  for (const size_t i : front)
    if (!after.contains(networks[i])) outside.push_back(texts[i]);
  return {*found,
          std::move(space),
          before,
          std::move(after),
          std::move(popular),
          record.evaluated.size(),
          front.size(),
          std::move(outside)};
}

}  // namespace nas::cli
