#include "cli/topics.hpp"

namespace nas::cli {
namespace {

std::string configuration() {
  return R"(Configuration files

A configuration is YAML with sections, read strictly: an unknown or repeated key, a wrong type or
a value out of range is an error that names file, line, column and the nearest known key. All
mistakes of a file are told at once.

Values come from, in rising priority: defaults, the file (--config FILE), --set KEY=VALUE, flags
with a name of their own (--seed, --run ...).

  --set train.epochs=10              a value deep in the file
  --set 'optimizer={name: adam}'     a whole section
  --set stages.0.width=32            item 0 of a list

Values of --set are YAML too: true, 3, 0.1, [1, 2], text. A name such as `space: digits` means
the file of that name in the configs folder; a path to a YAML file works as well.

  nas config check FILE              only validates
  nas config show FILE --set ...     prints the resolved values
  nas config schema train            JSON schema for editors)";
}

std::string exit_codes() {
  return R"(Exit codes

  0    done
  1    the run failed: bad data, a missing device, a full disk ...
  2    wrong usage or configuration; nothing was started
  130  interrupted (Ctrl-C or SIGTERM); the state was saved and the command to resume was printed)";
}

std::string environment() {
  return R"(Environment

  NAS_DB        results store when --db is not given (default: nas.db in the current folder)
  NAS_CONFIGS   folder of the shipped configurations (default: beside the installed program)
  NO_COLOR      no colour when set to anything
  TERM=dumb     no colour, no redrawn progress
  OMP_NUM_THREADS  threads of training and evaluation when the configuration gives none)";
}

}  // namespace

const std::vector<Topic>& topics() {
  static const std::vector<Topic> table = {
      {"config", configuration}, {"exit-codes", exit_codes}, {"environment", environment}};
  return table;
}

}  // namespace nas::cli
