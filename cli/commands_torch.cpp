// nas-torch: the commands themselves.
#include "cli/commands_torch.hpp"

#include "cli/runs/trained/measuring.hpp"
#include "cli/runs/trained/supernet_evaluator.hpp"
#include "cli/torch_lists.hpp"
#include "cli/torch_table.hpp"
#include "supernet/device.hpp"

namespace nas::cli {

int run_evaluate(const std::vector<std::string>& args);
int run_export(const std::vector<std::string>& args);
int run_import(const std::vector<std::string>& args);
int run_measure(const std::vector<std::string>& args);
int run_rank(const std::vector<std::string>& args);
int run_split(const std::vector<std::string>& args);
int run_train(const std::vector<std::string>& args);

namespace {

struct Entry {
  const char* name;
  int (*run)(const std::vector<std::string>& args);
};
// One line for each command; commands that are not listed here are left out of the table.
constexpr Entry kEntries[] = {
    {"evaluate", run_evaluate},
    {"export", run_export},
    {"import", run_import},
    {"measure", run_measure},
    {"rank", run_rank},
    {"split", run_split},
    {"train", run_train},
};

std::vector<Command> commands() {
  std::vector<Command> all;
  for (const TorchCommand& command : kTorchCommands)
    for (const Entry& entry : kEntries)
      if (entry.run != nullptr && std::string(entry.name) == command.name)
        all.push_back({command.name, command.summary, entry.run, true, command.group});
  return all;
}

}  // namespace

const TorchServices& libtorch_services() {
  static const TorchServices services{
      .commands = commands(),
      .need = [] {},
      .facts = []() -> std::optional<std::vector<std::pair<std::string, std::string>>> {
        return libtorch_facts();
      },
      .supernet_evaluator = make_supernet_evaluator,
      .time_networks = time_networks,
      .config_kinds = torch_config_kinds,
      .names = torch_names};
  return services;
}

}  // namespace nas::cli
