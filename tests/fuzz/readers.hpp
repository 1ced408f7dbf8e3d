#pragma once
// What the fuzzers feed and the corpus test replays: the readers of untrusted text. Each answers
// normally or throws ConfigError with a message; anything else is a bug and ends the process.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/architecture_list.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

/// A file that describes a space of any family. A space that is made must be usable.
inline void read_space(std::string_view text) {
  try {
    YamlSource source;
    source.text = std::string(text);
    source.file = "fuzz.yaml";
    const std::unique_ptr<Space> space = make_space(source);
    if (space->name() != "custom") return;
    // Other families grow large networks from a few large numbers; these are bounded.
    Rng rng(1, "fuzz");
    Plan plan;
    for (int i = 0; i < 3; ++i) {
      const Architecture a = space->sample(rng);
      require(space->valid(a));
      space->build(a, plan);
      require(plan.nodes.back().out.c == space->classes());
      require(space->parse(space->text(a)) == a);
    }
  } catch (const ConfigError& e) {
    require(!e.problems().empty() && !e.problems().front().message.empty());
  }
}

inline const std::vector<std::unique_ptr<Space>>& spaces() {
  static const std::vector<std::unique_ptr<Space>> all = [] {
    std::vector<std::unique_ptr<Space>> made;
    for (const char* name : {"digits",
                             "custom-cifar10",
                             "nasbench201",
                             "nasbench-macro",
                             "mobilenet",
                             "mobilenet-elastic-resolution",
                             "proxyless",
                             "darts-small",
                             "ofa-resnet50",
                             "resnet20-pool",
                             "resnet18-stride"})
      made.push_back(load_space(name));
    return made;
  }();
  return all;
}

/// An architecture in any form, as JSON, and as a list, for one space of every family.
inline void read_architecture(std::string_view text) {
  const auto answers = [](auto&& reader) {
    try {
      reader();
    } catch (const ConfigError& e) {
      require(!std::string(e.what()).empty());
    } catch (const DataError& e) {
      require(!std::string(e.what()).empty());
    }
  };
  for (const auto& space : spaces()) {
    const auto check = [&](const Architecture& a) {
      require(space->valid(a));
      require(space->parse(space->text(a)) == space->fix_inactive(a));
    };
    answers([&] { check(nas::read_architecture(*space, text)); });
    answers([&] { check(space->parse(text)); });
    answers([&] { check(space->parse_json(text)); });
    answers([&] {
      for (const Architecture& a : read_architecture_list(*space, text, "fuzz.txt")) check(a);
    });
  }
}

}  // namespace nas::fuzz
