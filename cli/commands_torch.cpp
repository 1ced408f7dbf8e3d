// nas-torch: the commands themselves.
#include <stdexcept>

#include "cli/command.hpp"
#include "cli/torch_table.hpp"

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

}  // namespace

const std::vector<Command>& torch_commands() {
  static const std::vector<Command> table = [] {
    std::vector<Command> commands;
    for (const TorchCommand& command : kTorchCommands)
      for (const Entry& entry : kEntries)
        if (entry.run != nullptr && std::string(entry.name) == command.name)
          commands.push_back({command.name, command.summary, entry.run, true, command.group});
    return commands;
  }();
  return table;
}

void need_torch() {}

}  // namespace nas::cli
