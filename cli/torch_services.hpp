#pragma once
// What needs LibTorch, as one table: `nas` fills it with what it can tell without (and hands the
// rest over to nas-torch), nas-torch with the real thing. A service that one of them lacks does not
// compile.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/config/config_kinds.hpp"
#include "cli/lists.hpp"
#include "hardware/measure/measure.hpp"
#include "search/store/store.hpp"
#include "spaces/evaluator.hpp"
#include "supernet/train/train_options.hpp"

namespace nas::cli {

/// Networks that were timed, and under which conditions: device, threads, batch, versions ...
struct TimedNetworks {
  MeasuredNetworks measured;
  std::map<std::string, std::string> conditions;
};

struct TorchServices {
  /// train, evaluate, export, measure, rank ...; in `nas` their `run` hands over.
  std::vector<Command> commands;
  /// As need_torch().
  void (*need)();
  /// (name, value) of LibTorch itself; nullopt in `nas`.
  std::optional<std::vector<std::pair<std::string, std::string>>> (*facts)();
  /// The truth of a search in a trained supernet: metrics accuracy, accuracy_top5 (shares, 0..1)
  /// and loss. Without `options`, those of the run's own `evaluate:` section. Does not return in
  /// `nas`.
  std::unique_ptr<Evaluator> (*supernet_evaluator)(Store& store,
                                                   const std::string& run,
                                                   const std::optional<EvaluateOptions>& options,
                                                   const Common& common);
  /// Times of whole networks on a device by name (see open_device), threads 0: the default. Does
  /// not return in `nas`.
  TimedNetworks (*time_networks)(std::span<const Plan> plans,
                                 const MeasureOptions& options,
                                 const std::string& device,
                                 int threads);
  /// Kinds of configurations; `nas` knows their names only.
  std::vector<ConfigKind> (*config_kinds)();
  /// Entries of the lists strategies, samplers, weights; none in `nas`.
  Names (*names)(const std::string& list);
};

/// Those of this program.
const TorchServices& torch_services();
/// Main of both programs: `nas X ...` from first to last. Returns the exit code.
int run_program(int argc, char** argv, const TorchServices& services);

}  // namespace nas::cli
