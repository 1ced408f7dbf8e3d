#pragma once
// `--fix`: the part of a space that a command works on.
#include <string>
#include <vector>

#include "search/store/store.hpp"
#include "spaces/domain.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace nas::cli {

/// `--fix CHOICE=OPTION[|OPTION...]`, repeatable.
CLI::Option* add_fix(CLI::App& app, std::vector<std::string>& terms);
/// The part of `space` that the terms leave; ConfigError at `where` (see Restriction::parse).
Domain fixed_domain(const Space& space,
                    const std::vector<std::string>& terms,
                    const std::string& where = "--fix");

/// `terms`, and those that say which part of the space a training run trained (`train.fix`): the
/// weights of the rest are untrained.
std::vector<std::string> with_trained_part(std::vector<std::string> terms, const RunRow& run);

/// Of `list` those inside, in the same order. With `networks`, which are canonical forms, one that
/// stands outside is told by its form inside, where the domain is small enough to be listed
/// (200,000 architectures).
std::vector<Architecture> fixed_part(const Domain& domain,
                                     std::vector<Architecture> list,
                                     bool networks);

}  // namespace nas::cli
