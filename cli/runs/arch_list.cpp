#include "cli/runs/arch_list.hpp"

#include <CLI/CLI.hpp>

#include "search/evaluators/compact_table.hpp"
#include "spaces/error.hpp"
#include "spaces/text/architecture_list.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas::cli {

CLI::Option* add_architectures(CLI::App& app, std::vector<std::string>& texts) {
  // CLI11 takes [a,b] apart where an option could have several values.
  return app
      .add_option("--arch",
                  texts,
                  "Architecture in any form that `nas space show` tells; repeatable; - is standard "
                  "input")
      ->type_name("ARCH")
      ->allow_extra_args(false);
}

CLI::Option* add_architecture_file(CLI::App& app, std::string& file) {
  return app
      .add_option("--file",
                  file,
                  "File with one architecture a line, a JSON array or a table (-: standard input)")
      ->type_name("FILE");
}

std::vector<Architecture> named_architectures(const Space& space,
                                              const std::vector<std::string>& texts,
                                              const std::string& file) {
  std::vector<Architecture> list;
  ArchitectureReader reader(space);
  const auto add_file = [&](const std::string& name) {
    if (CompactTable::is_file(name)) {
      for (Architecture& a : forms_in_order(CompactTable::map(name), space))
        list.push_back(std::move(a));
      return;
    }
    for (Architecture& a : read_architecture_file(space, name)) list.push_back(std::move(a));
  };
  for (const std::string& text : texts) {
    if (text == "-")
      add_file(text);
    else
      list.push_back(reader.read(text));
  }
  if (!file.empty()) add_file(file);
  return list;
}

}  // namespace nas::cli
