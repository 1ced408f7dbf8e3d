// Words that completion offers, from the same descriptions that parse and print help.
#include <algorithm>

#include "cli/command.hpp"
#include "cli/commands/completion.hpp"
#include "cli/config/config_kinds.hpp"
#include "cli/config/config_path.hpp"
#include "cli/lists.hpp"
#include "search/store/store.hpp"
#include "spaces/base/joined.hpp"

namespace nas::cli {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kFiles = ":files";
constexpr const char* kFolders = ":folders";

Words names_of(const std::string& list) {
  Words words;
  for (const auto& [name, summary] : list_entries(list)) words.push_back(name);
  return words;
}

Words with(Words words, const char* more) {
  words.emplace_back(more);
  return words;
}

/// The store that the words before name, or the usual one.
std::string store_of(const Words& args) {
  Common common;
  if (const char* db = std::getenv("NAS_DB"); db != nullptr && *db != '\0') common.db = db;
  for (size_t i = 0; i + 1 < args.size(); ++i) {
    if (args[i] == "--db") common.db = args[i + 1];
    if (args[i].starts_with("--db=")) common.db = args[i].substr(5);
  }
  return common.db;
}

/// Names and ids, newest first; `command`: only its runs.
Words runs(const Words& args, const std::string& command) {
  Words words = {"last"};
  try {
    const Store store(store_of(args), Store::Mode::kRead);
    const std::vector<RunRow> rows = store.runs();
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
      if (!command.empty() && row->command != command) continue;
      if (!row->name.empty() && row->name.find('\n') == std::string::npos)
        words.push_back(row->name);
      words.push_back(row->id);
    }
  } catch (const std::exception&) {
    // No store, no names.
  }
  return words;
}

Words tables(const Words& args) {
  Words words = {"last"};
  try {
    for (const LatencyTableRow& row : Store(store_of(args), Store::Mode::kRead).latency_tables())
      words.push_back(row.id);
  } catch (const std::exception&) {
    // As above.
  }
  return with(words, kFiles);
}

/// Items of a check such as CLI::IsMember, which names itself "TYPE:{a,b}".
Words listed(const std::string& type) {
  const size_t open = type.find(":{");
  if (open == std::string::npos || type.back() != '}') return {};
  Words words;
  std::string rest = type.substr(open + 2, type.size() - open - 3);
  for (size_t comma = 0; comma != std::string::npos;) {
    comma = rest.find(',');
    words.push_back(rest.substr(0, comma));
    if (comma != std::string::npos) rest.erase(0, comma + 1);
  }
  return words;
}

struct Kind {
  const char* name;
  Words (*words)(const Words& args);
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> table = {
      {"FILE", [](const Words&) { return Words{kFiles}; }},
      {"FOLDER", [](const Words&) { return Words{kFolders}; }},
      {"PATH", [](const Words&) { return Words{kFiles}; }},
      {"RUN", [](const Words& args) { return runs(args, ""); }},
      {"TRAINING", [](const Words& args) { return runs(args, "train"); }},
      {"SEARCH", [](const Words& args) { return runs(args, "search"); }},
      {"TABLE", tables},
      {"SPACE", [](const Words&) { return with(names_of("spaces"), kFiles); }},
      {"CONFIG", [](const Words&) { return with(shipped_configs(), kFiles); }},
      {"STRATEGY", [](const Words&) { return names_of("strategies"); }},
      {"ALGORITHM", [](const Words&) { return names_of("algorithms"); }},
      {"DATA", [](const Words&) { return names_of("data"); }},
      {"KIND",
       [](const Words&) {
         // Parts of a training are known to nas-torch only.
         if (!torch_binary().empty()) need_torch();
         return names_of("kinds");
       }},
      {"LIST", [](const Words&) { return list_names(); }},
      {"COMMAND", [](const Words&) { return names_of("commands"); }},
      {"PICK",
       [](const Words&) {
         return Words{"best", "knee"};
       }},
      {"DEVICE",
       [](const Words&) {
         return Words{"cpu", "cuda"};
       }},
  };
  return table;
}

Words values_of(const CLI::App& app, const CLI::Option& option, const Words& args) {
  if (Words words = listed(option.get_type_name()); !words.empty()) return words;
  const std::string wanted = value_kind(app, option);
  for (const Kind& kind : kinds())
    if (wanted == kind.name) return kind.words(args);
  return {};
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

const CLI::Option* named(const CLI::App& app, const std::string& word) {
  for (const CLI::Option* option : app.get_options())
    if (word.size() > 1 && word[0] == '-' && option->nonpositional() && option->check_name(word))
      return option;
  return nullptr;
}

/// The positional that the next plain word would fill, or null.
const CLI::Option* next_positional(const CLI::App& app, const Words& words) {
  size_t filled = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const CLI::Option* option = named(app, words[i]);
    if (option != nullptr && takes_value(*option) && words[i].find('=') == std::string::npos)
      ++i;
    else if (option == nullptr && (words[i].empty() || words[i][0] != '-'))
      ++filled;
  }
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const auto room = static_cast<size_t>(std::max(1, option->get_items_expected_max()));
    if (filled < room) return option;
    filled -= room;
  }
  return nullptr;
}

/// What stands behind the name of the innermost subcommand.
Words own_words(const CLI::App& app, const CLI::App* at, const Words& args) {
  if (at == &app) return args;
  const auto name = std::find(args.begin(), args.end(), at->get_name());
  return {name == args.end() ? name : std::next(name), args.end()};
}

}  // namespace

std::string value_kind(const CLI::App& app, const CLI::Option& option) {
  const std::string& command = app.get_name();
  struct Meaning {
    const char *option, *kind, *command;
  };
  // The first line whose command is that of the app, or is empty, counts.
  static const std::vector<Meaning> meanings = {
      {"run", "TRAINING", "nas split"},
      {"run", "RUN", ""},
      {"inherit", "RUN", ""},
      {"model", "FILE", "nas evaluate"},
      {"compare", "FILE", "nas reproduce"},
      {"base", "RUN", "nas diff"},
      {"head", "RUN", "nas diff"},
      {"base-db", "FILE", ""},
      {"head-db", "FILE", ""},
      {"resume", "TRAINING", "nas train"},
      {"resume", "SEARCH", "nas search"},
      {"space", "SPACE", ""},
      {"config", "CONFIG", ""},
      {"from", "FILE", "merge"},
      {"into", "FILE", ""},
      {"from", "CONFIG", ""},
      {"strategy", "STRATEGY", ""},
      {"algorithm", "ALGORITHM", ""},
      {"latency-table", "TABLE", ""},
      {"pick", "PICK", ""},
      {"continue", "TABLE", ""},
      {"ops", "TABLE", ""},
      {"table", "TABLE", "calibrate"},
      {"rows", "FILE", ""},
      {"save-rows", "FILE", ""},
      {"device", "DEVICE", ""},
      {"what", "", "plan"},
      {"only", "FILE", ""},
      {"what", "LIST", ""},
      {"command", "COMMAND", ""},
      {"file", "CONFIG", "check"},
      {"file", "CONFIG", "show"},
      {"file", "CONFIG", "nas sweep"},
      {"file", "FILE", ""},
      {"path", "PATH", ""},
      {"out", "FOLDER", "nas export"},
      {"out", "FOLDER", "nas man"},
      {"out", "FILE", ""},
      {"truth", "FILE", ""},
      {"table", "TABLE", "latency"},
      {"a", "TABLE", "latency"},
      {"b", "TABLE", "latency"},
      {"missing-from", "TABLE", ""},
      {"add-to", "TABLE", ""},
      {"networks", "FILE", ""},
      {"work", "FILE", ""},
      {"rows", "FILE", ""},
      {"table", "FILE", ""},
      {"archs", "FILE", ""},
      {"weights", "", "nas split"},
      {"weights", "FILE", ""},
      {"db", "FILE", ""},
      {"kind", "DATA", "data"},
      {"kind", "KIND", ""},
  };
  const CLI::App* parent = app.get_parent();
  const auto below = [parent](const std::string& name) {
    return parent != nullptr && parent->get_name() == "nas " + name;
  };
  for (const Meaning& meaning : meanings) {
    const std::string where = meaning.command;
    if (!where.empty() && where != command && !below(where)) continue;
    if (option.check_lname(meaning.option) || option.get_name() == meaning.option)
      return meaning.kind;
  }
  return "";
}

std::vector<std::string> long_names(const CLI::App& app) {
  Words names;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty())  // Without one it is hidden.
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  Words names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!sub->get_name().empty()) names.push_back(sub->get_name());
  return names;
}

const CLI::App* innermost(const CLI::App& app, const std::vector<std::string>& args) {
  const CLI::App* at = &app;
  for (const std::string& word : args) {
    for (const CLI::App* sub : at->get_subcommands([](const CLI::App*) { return true; })) {
      if (sub->get_name() != word) continue;
      at = sub;
      break;
    }
  }
  return at;
}

std::string completions(const CLI::App& app, const std::vector<std::string>& args) {
  Words before(args.begin(), args.end() - 1);
  const CLI::App* at = innermost(app, before);
  if (args.back() == kListCompletions) {
    Words all = subcommand_names(*at);
    for (const std::string& name : long_names(*at)) all.push_back(name);
    return joined(all, "\n");
  }
  const std::string word = args.back().substr(std::string(kListCompletions).size() + 1);
  const Words own = own_words(app, at, before);
  if (!own.empty())
    if (const CLI::Option* option = named(*at, own.back());
        option != nullptr && takes_value(*option))
      return joined(values_of(*at, *option, before), "\n");
  // `--format=js` is one word to some shells.
  if (const size_t equal = word.find('='); word.starts_with("--") && equal != std::string::npos) {
    const CLI::Option* option = named(*at, word.substr(0, equal));
    Words values = option == nullptr ? Words{} : values_of(*at, *option, before);
    for (std::string& value : values)
      if (value[0] != ':') value.insert(0, word.substr(0, equal + 1));
    return joined(values, "\n");
  }
  if (!word.empty() && word[0] == '-') return joined(long_names(*at), "\n");
  Words words = subcommand_names(*at);
  if (const CLI::Option* positional = next_positional(*at, own))
    for (std::string& value : values_of(*at, *positional, before))
      words.push_back(std::move(value));
  return joined(words.empty() ? long_names(*at) : words, "\n");
}

}  // namespace nas::cli
