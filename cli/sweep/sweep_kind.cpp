#include "cli/sweep/sweep_kind.hpp"

#include "cli/command.hpp"
#include "cli/sweep/sweep_plan.hpp"

namespace nas::cli {

ConfigKind sweep_kind(bool torch) {
  ConfigKind kind = config_kind<SweepConfig>("sweep", "nas sweep", "stages");
  kind.torch = torch;
  kind.resolve = [](const YamlSource& source, bool json) {
    SweepFile file = parse_sweep(source);
    if (!file.plannable) throw ConfigError(file.problems);
    if (file.has(StageKind::kTrain)) need_torch();
    plan_sweep(file);
    // A stage with all its defaults is another sweep than one without it.
    file.config.stages.shown = file.stages;
    const auto description = [&file](Binder& b) { describe(b, file.config); };
    return json ? write_json(description) : write_yaml(description);
  };
  return kind;
}

}  // namespace nas::cli
