#include "cli/arch_list.hpp"

#include <fstream>
#include <iostream>

#include "spaces/error.hpp"

namespace nas::cli {

std::vector<Architecture> read_architectures(const Space& space, const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) throw ConfigError("the list of architectures " + path + " cannot be opened");
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::vector<Architecture> list;
  std::vector<Problem> problems;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    line.erase(0, line.find_first_not_of(" \t"));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    // NAS-Bench-201 writes an index as #N; a comment has something else after the sign.
    const bool index = line.size() > 1 && line[0] == '#' && std::isdigit(line[1]) != 0;
    if (line.empty() || (line[0] == '#' && !index)) continue;
    try {
      list.push_back(line[0] == '{' ? space.parse_json(line) : space.parse(line));
    } catch (const ConfigError& e) {
      problems.push_back({path, number, 1, "", e.what(), ""});
    }
  }
  if (!problems.empty()) throw ConfigError(problems);
  return list;
}

}  // namespace nas::cli
