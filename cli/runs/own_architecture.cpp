#include "cli/runs/own_architecture.hpp"

#include "cli/config/stored_config.hpp"
#include "cli/runs/run_files.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas::cli {

bool is_stand_alone(const RunRow& run) {
  if (run.command != "train") return false;
  const YamlSource source = stored_config(run);
  return yaml_scalar(source, "strategy").value_or("") == "fixed" ||
         yaml_scalar(source, "strategy.name").value_or("") == "fixed";
}

std::string own_architecture(const Store& store, const RunRow& run) {
  const auto space = open_space(space_of_run(store, run));
  Binder::Raw raw;
  if (const auto section = yaml_section(stored_config(run), "strategy");
      section && !yaml_scalar(*section))
    read_yaml(*section, [&](Binder& b) {
      b.raw("architecture", raw, "");
      b.ignore("name");
    });
  const std::string named = architecture_in_yaml(raw);
  return space->text(named.empty() ? space->largest() : read_architecture(*space, named));
}

}  // namespace nas::cli
