#pragma once
// The command table and what all commands share. One file per subcommand: parse, call, print.
//
//   int run_search(const std::vector<std::string>& args) {     // cli/search.cpp
//     Common common;
//     CLI::App app("Find the best architectures of a space", "nas search");
//     app.footer("nas search --config configs/search.yaml\n"   // Examples: printed first in help.
//                "nas search --set search.population=48");
//     app.add_option("--run", run, "Training run to search");   // Every option has a help text.
//     add_common(app, common);
//     if (!parse(app, args)) return kExitOk;
//     ...
//   }
// and one line in commands_light.cpp (or torch_table.hpp and commands_torch.cpp).
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spaces/error.hpp"

namespace CLI {
class App;
}

namespace nas::cli {

struct Command {
  std::string name;
  std::string summary;  ///< One sentence for the overview.
  /// argv after the command's name. Returns an exit code; errors are thrown (spaces/error.hpp).
  int (*run)(const std::vector<std::string>& args);
  bool torch = false;      ///< Lives in nas-torch; `nas` hands over.
  std::string group = {};  ///< Heading in the overview.
};
/// Commands linked into both binaries (space, runs, results, search, data, doctor, db, config,
/// ...).
const std::vector<Command>& light_commands();
/// The command of that name in that table or among the TorchServices, or null.
const Command* find_command(const std::string& name);

/// Options that commands share.
struct Common {
  std::string config;             ///< --config FILE
  std::vector<std::string> sets;  ///< --set a.b=value, repeatable
  std::string db = "nas.db";      ///< --db FILE (NAS_DB)
  uint64_t seed = 0;              ///< --seed N
  bool seed_given = false;
  bool json = false;   ///< --json
  bool quiet = false;  ///< --quiet
};
/// What a command takes besides --json, --quiet and --color; help, completion and the parser know
/// no other.
enum Takes : unsigned {
  kTakesNothing = 0,
  kTakesDb = 1,
  kTakesConfig = 2,  ///< A file, or the name of a shipped one (config_path).
  kTakesSets = 4,
  kTakesSeed = 8,
};
/// Adds them in the group "Common".
void add_common(CLI::App& app, Common& common, unsigned takes = kTakesDb);
/// Parses `args`; on --help prints and returns false (exit 0). Throws ConfigError (exit 2) on wrong
/// usage, with the nearest known flag.
bool parse(CLI::App& app, const std::vector<std::string>& args);

/// Replaces this process by nas-torch with the same arguments. In nas-torch: a no-op that returns.
/// Throws DeviceError when nas-torch is not installed.
void need_torch();
/// Path of nas-torch: beside this binary (build tree) or in ../libexec/nas; "" when absent.
std::string torch_binary();
/// `nas X ...` for any X: what main does after its global flags. Also used by tests.
int run_command_line(const std::vector<std::string>& args);

// ---- Output. Results to stdout, everything else to stderr.

/// Columns of the terminal at a descriptor; COLUMNS where that is set; 0 (unlimited) for files and
/// pipes.
size_t output_width(int descriptor);
/// Columns that a UTF-8 text takes on a terminal (East Asian letters and emoji two).
size_t display_width(const std::string& text);
/// The start of `text` that takes at most so many columns; no character is cut.
std::string cut_to_width(const std::string& text, size_t columns);
/// Lines of at most `width` columns, broken between words only.
std::string wrap_words(const std::string& text, size_t width);

/// Aligned columns for people; numbers right-aligned. Control characters are shown as \xNN.
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  void row(std::vector<std::string> cells);
  /// At most `width` columns where that can be had (0: any): prose is wrapped between words, the
  /// first column also after punctuation; of a table of three columns or more those on the right
  /// are left out, and named below it.
  std::string text(size_t width = output_width(1)) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};
std::string format_number(double value, int significant = 4);  ///< "-" when not finite.
std::string format_count(double value);                        ///< 40.8M, 1.69M, 270906 -> 270.9k
std::string format_seconds(double s);                          ///< 1h02m, 3m20s, 12.3s
/// stdout, newline added. A closed pipe ends the program quietly; a full disk is an error.
void print(const std::string& text);
/// The same for sentences: folded at the width of the terminal (report/fold.hpp), as note, warning
/// and print_error do.
void print_prose(const std::string& text);
void note(const Common& common, const std::string& text);  ///< stderr unless --quiet.
void warning(const std::string& text);                     ///< stderr, "warning: ".

/// `error: file:line:column: key: message`, with the source line and a caret where it can be read.
void print_error(const std::string& what);
void print_error(const ConfigError& error);

enum class Color { kAuto, kAlways, kNever };
void set_color(Color color);
bool use_color(int descriptor);    ///< 1 or 2; heeds --color, NO_COLOR, TERM and the terminal.
bool interactive(int descriptor);  ///< A terminal that understands redrawing.

/// One line redrawn on a terminal, cleared before anything else is printed; one plain line per
/// milestone otherwise. The time left follows from the pace since the first update: what was done
/// by then may be a batch, or come from an earlier process.
class Progress {
 public:
  Progress(const Common& common, std::string label, int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// `detail` e.g. `loss 0.31`. Off a terminal prints only when `milestone`.
  void update(int64_t done, const std::string& detail, bool milestone = false);

 private:
  struct State;
  std::unique_ptr<State> state_;
};
/// Clears the progress line, where one stands.
void clear_progress_line();

/// Set by SIGINT/SIGTERM (first time; the second quits at once). Install in main.
void install_signal_handlers();
bool stop_requested();

}  // namespace nas::cli
