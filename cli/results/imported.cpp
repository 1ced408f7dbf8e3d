#include "cli/results/imported.hpp"

#include "cli/command.hpp"

namespace nas::cli {

nlohmann::ordered_json import_json(const ImportResult& result) {
  return {{"schema", "nas-import/1"},
          {"run", result.run},
          {"name", result.name},
          {"space", result.space},
          {"kind", result.kind},
          {"parameters", result.parameters},
          {"checkpoint_sha256", result.checkpoint_sha256},
          {"directory", result.directory}};
}

void print_import(const ImportResult& result) {
  Table table({"run " + result.run, result.name.empty() ? result.space : result.name});
  table.row({"weights", result.weights + " (" + result.kind + ")"});
  table.row({"parameters", format_count(static_cast<double>(result.parameters))});
  print(table.text());
}

}  // namespace nas::cli
