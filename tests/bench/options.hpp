#pragma once
// `--key value` pairs of a benchmark.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace nas::bench {

using Options = std::map<std::string, std::string>;

/// `defaults` with what is given; ends the program (2) at a key that is none of theirs.
inline Options options_of(int argc, char** argv, Options defaults) {
  for (int i = 1; i < argc; i += 2) {
    const auto key = defaults.find(argv[i]);
    if (key == defaults.end() || i + 1 >= argc) {
      std::fprintf(stderr, "unknown or incomplete option %s\n", argv[i]);
      std::exit(2);
    }
    key->second = argv[i + 1];
  }
  return defaults;
}

}  // namespace nas::bench
