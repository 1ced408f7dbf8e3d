#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cli/config/config_kinds.hpp"
#include "cli/config/config_new.hpp"
#include "cli/config/config_path.hpp"
#include "cli/report/document.hpp"
#include "cli/results/config_check.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/terminal/table_style.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct ConfigArguments {
  Common common;
  std::vector<std::string> files;
  std::string kind, from, out, format = "table";
};

/// What was read from standard input, which has no second time.
std::optional<std::string>& read_input() {
  static std::optional<std::string> text;
  return text;
}

YamlSource source_of(const ConfigArguments& o, const std::string& file) {
  if (file == "-" && read_input()) {
    YamlSource source = yaml_file("", o.common.sets);
    source.file = "<stdin>";
    source.text = *read_input();
    return source;
  }
  YamlSource source = yaml_file(config_path(file), o.common.sets);
  if (file == "-") read_input() = source.text;
  return source;
}

/// nas-torch starts over with the same arguments, so it must find standard input as it was.
void hand_over() {
  if (read_input()) {
    std::FILE* copy = std::tmpfile();
    const std::string& text = *read_input();
    if (copy == nullptr || std::fwrite(text.data(), 1, text.size(), copy) != text.size() ||
        std::fflush(copy) != 0 || lseek(fileno(copy), 0, SEEK_SET) != 0 ||
        dup2(fileno(copy), STDIN_FILENO) < 0)
      throw Error(std::string("standard input cannot be handed on: ") + std::strerror(errno));
  }
  need_torch();
}

/// A pipe can be read only once, and what is in it may be for nas-torch: it reads it first, where
/// it is installed.
void hand_over_pipes(const std::vector<std::string>& files) {
  std::error_code error;
  for (const std::string& file : files)
    if (file != "-" && std::filesystem::exists(file, error) &&
        !std::filesystem::is_regular_file(file, error) &&
        !std::filesystem::is_directory(file, error) && !torch_binary().empty())
      return need_torch();
}

const ConfigKind* find(const std::vector<ConfigKind>& kinds, const std::string& name) {
  for (const ConfigKind& kind : kinds)
    if (kind.name == name) return &kind;
  return nullptr;
}

const ConfigKind& kind_named(const std::vector<ConfigKind>& kinds, const std::string& name) {
  if (const ConfigKind* kind = find(kinds, name)) return *kind;
  // Parts such as strategy:NAME are known to nas-torch only.
  if (name.find(':') != std::string::npos) hand_over();
  std::vector<std::string> names;
  std::string list;
  for (const ConfigKind& kind : kinds) {
    names.push_back(kind.name);
    list += (list.empty() ? "" : ", ") + kind.name;
  }
  const std::string near = nearest(name, names);
  throw ConfigError("unknown kind of configuration \"" + name + "\"",
                    near.empty() ? "Known: " + list + "." : "Did you mean " + near + "?");
}

// What would tell it, and what is there instead.
Problem unknown_kind(const std::vector<ConfigKind>& kinds,
                     const YamlSource& source,
                     const std::vector<std::string>& keys) {
  std::string there, wanted;
  std::vector<std::string> marks = {"family"};
  for (const ConfigKind& kind : kinds) {
    if (kind.mark.empty()) continue;
    marks.push_back(kind.mark);
    wanted += "`" + kind.mark + ":` (" + kind.name + "), ";
  }
  std::string near;
  for (const std::string& key : keys) {
    there += (there.empty() ? "" : ", ") + key;
    if (near.empty()) near = nearest(key, marks);
  }
  return {source.file,
          0,
          0,
          "",
          "cannot tell what kind of configuration this is: " +
              (keys.empty() ? "it is empty" : "it has only " + there) + ", and none of " + wanted +
              "`space:` with `data:` (train) or `family:` (a space)",
          (near.empty() ? "Name" : "Did you mean " + near + "? Or name") +
              " the kind, e.g. --kind train (nas list kinds names all)"};
}

// A space names its family; other kinds have a section that no other has.
const ConfigKind& kind_of(const ConfigArguments& o,
                          const std::vector<ConfigKind>& kinds,
                          const YamlSource& source) {
  if (!o.kind.empty()) return kind_named(kinds, o.kind);
  const std::vector<std::string> keys = yaml_keys(source);
  const auto has = [&keys](const std::string& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  if (const auto family = yaml_scalar(source, "family")) {
    if (const ConfigKind* kind = find(kinds, *family)) return *kind;
    make_space(source);  // Throws with the place and the known families.
  }
  for (const ConfigKind& kind : kinds)
    if (!kind.mark.empty() && has(kind.mark)) return kind;
  // What nas import and short trainings read: every value of `train:` has a default.
  if (has("space") && has("data")) return kind_named(kinds, "train");
  throw ConfigError({unknown_kind(kinds, source, keys)});
}

// `space:` of any file: the name or section must make a space.
void check_space(const YamlSource& source) {
  const std::optional<YamlSource> section = yaml_section(source, "space");
  if (!section) return;
  const auto name = yaml_scalar(*section);
  if (!name) {
    make_space(*section);
    return;
  }
  try {
    load_space(*name);
  } catch (const ConfigError& e) {
    // A name that is not known is a mistake of this file; those inside the named file are not.
    if (e.problems().size() != 1 || e.problems()[0].line > 0) throw;
    throw ConfigError(
        {yaml_problem(source, "space", e.problems()[0].message, e.problems()[0].hint)});
  }
}

struct Checked {
  std::string text, kind;
  std::vector<std::string> warnings;
};

/// `warn`: what is not wrong and yet will not do is asked for too.
Checked resolved(const ConfigArguments& o, const std::string& file, bool warn = false) {
  const std::vector<ConfigKind> kinds = config_kinds();
  const YamlSource source = source_of(o, file);
  const ConfigKind& kind = kind_of(o, kinds, source);
  if (kind.torch) hand_over();
  if (!kind.resolve)
    throw ConfigError(kind.name + " is a part of other configurations, not a file of its own");
  Checked checked{kind.resolve(source, o.common.json), kind.name, {}};
  // A training configuration is read with its space and strategy.
  if (kind.name != "train") check_space(source);
  if (warn && kind.warnings) checked.warnings = kind.warnings(source);
  return checked;
}

/// Before anything is printed: nas-torch prints it all again.
void hand_over_if_needed(const ConfigArguments& o) {
  const std::vector<ConfigKind> kinds = config_kinds();
  for (const std::string& file : o.files) try {
      if (kind_of(o, kinds, source_of(o, file)).torch) hand_over();
    } catch (const ConfigError&) {
      // Told when the file is checked.
    }
}

CheckedConfig checked_config(const ConfigArguments& o, const std::string& file) {
  try {
    Checked checked = resolved(o, file, /*warn=*/true);
    return {file, std::move(checked.kind), std::move(checked.warnings), {}};
  } catch (const ConfigError& e) {
    return {file, "", {}, e.problems()};
  }
}

int check(const ConfigArguments& o) {
  hand_over_pipes(o.files);
  hand_over_if_needed(o);
  std::vector<CheckedConfig> files;
  std::vector<Problem> problems;
  for (const std::string& file : o.files) {
    files.push_back(checked_config(o, file));
    const CheckedConfig& found = files.back();
    if (found.ok() && !o.common.json && !o.common.quiet)
      print(found.file + ": ok (" + found.kind + ")");
    for (const std::string& line : found.warnings) warning(found.file + ": " + line);
    problems.insert(problems.end(), found.problems.begin(), found.problems.end());
  }
  if (o.common.json) print(json_text(config_check_json(files)));
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return kExitOk;
}

int show(const ConfigArguments& o) {
  hand_over_pipes(o.files);
  const Checked checked = resolved(o, o.files.front());
  std::string text = checked.text;
  if (o.common.json) {
    Json json{{"schema", "nas-config-show/1"}, {"kind", checked.kind}};
    json.update(Json::parse(text));
    text = json_text(json);
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  print(text);
  return kExitOk;
}

int make(const ConfigArguments& o) {
  const std::vector<ConfigKind> kinds = config_kinds();
  const ConfigKind& kind = kind_named(kinds, o.kind);
  if (kind.torch) hand_over();
  if (!kind.resolve)
    throw ConfigError(kind.name + " is a part of other configurations, not a file of its own");
  std::error_code error;
  if (o.out != "-" && fs::exists(fs::symlink_status(o.out, error)))
    throw ConfigError(o.out + " is there already, and is never overwritten", "name another file");
  std::string text = new_config(kind, o.from);
  if (o.out == "-") {
    text.pop_back();
    if (o.common.json)
      text = json_text(
          {{"schema", "nas-config-new/1"}, {"kind", kind.name}, {"file", o.out}, {"config", text}});
    return print(text), kExitOk;
  }
  write_whole_file(o.out, text);
  if (o.common.json)
    print(json_text({{"schema", "nas-config-new/1"}, {"kind", kind.name}, {"file", o.out}}));
  else
    note(
        o.common,
        "wrote " + o.out + "; `" + suggested({"config", "check", o.out}, o.common) + "` checks it");
  return kExitOk;
}

int schema(const ConfigArguments& o) {
  const std::vector<ConfigKind> kinds = config_kinds();
  const ConfigKind& kind = kind_named(kinds, o.kind);
  if (kind.torch) hand_over();
  print(kind.schema());
  return kExitOk;
}

/// Key by key, for terminals that have no room for five columns.
void print_keys(const std::vector<HelpLine>& lines, size_t width) {
  std::string text;
  for (const HelpLine& line : lines) {
    text += (text.empty() ? "" : "\n") + line.key + ": " + line.value;
    const std::string about =
        line.help + " (" + line.type + (line.range.empty() ? "" : ", " + line.range) + ")";
    text += "\n    ";
    for (const char c : wrap_words(about, std::max<size_t>(width, 24) - 4))
      text += c == '\n' ? std::string("\n    ") : std::string(1, c);
  }
  print(text);
}

int keys(const ConfigArguments& o) {
  const std::vector<ConfigKind> kinds = config_kinds();
  const ConfigKind& kind = kind_named(kinds, o.kind);
  if (kind.torch) hand_over();
  const std::vector<HelpLine> lines = kind.keys();
  constexpr size_t kRoom = 140;
  const Format format = chosen_format(o.common, o.format);
  const bool text = format == Format::kTable && table_style() == TableStyle::kText;
  if (const size_t width = output_width(1); text && width > 0 && width < kRoom)
    return print_keys(lines, width), kExitOk;
  Rows rows{{"key", "type", "default", "range", "help"}, {}};
  for (const HelpLine& line : lines)
    rows.rows.push_back({line.key, line.type, line.value, line.range, line.help});
  print_rows(rows, format, {{"schema", "nas-config-keys/1"}, {"kind", kind.name}}, "keys");
  return kExitOk;
}

}  // namespace

int run_config(const std::vector<std::string>& args) {
  ConfigArguments o;
  CLI::App app("Check, show and describe configuration files", "nas config");
  app.footer(
      "nas config check quickstart/train my-search.yaml\n"
      "nas config show quickstart/train --set train.epochs=3\n"
      "nas config new train my-train.yaml --from cifar10/train\n"
      "nas config keys search\n"
      "nas config schema train > train.schema.json");
  app.require_subcommand(1);
  CLI::App* check_app = app.add_subcommand("check", "Tell every mistake of the files");
  check_app
      ->add_option("file", o.files, "YAML files, or names of shipped ones; - is standard input")
      ->required();
  CLI::App* show_app = app.add_subcommand("show", "Print all values, defaults and --set included");
  show_app
      ->add_option("file", o.files, "YAML file, or the name of a shipped one; - is standard input")
      ->required()
      ->expected(1);
  for (CLI::App* sub : {check_app, show_app})
    sub->add_option("--kind", o.kind, "Kind of the file, where its content does not tell")
        ->type_name("KIND");
  CLI::App* schema_app = app.add_subcommand("schema", "JSON schema of a kind, for editors");
  CLI::App* keys_app =
      app.add_subcommand("keys", "Keys of a kind with type, default, range and help");
  for (CLI::App* sub : {schema_app, keys_app})
    sub->add_option("kind", o.kind, "train, search or the family of a space (nas list kinds)")
        ->required();
  add_format(*keys_app, o.format);
  for (CLI::App* sub : {check_app, show_app}) add_common(*sub, o.common, kTakesSets);
  CLI::App* new_app =
      app.add_subcommand("new", "Write a commented configuration to start from, with every key");
  new_app->add_option("kind", o.kind, "train, search or the family of a space (nas list kinds)")
      ->required();
  new_app->add_option("out", o.out, "File to write, which must not exist; - is standard output")
      ->required();
  new_app->add_option("--from", o.from, "Shipped configuration or file to begin with");
  for (CLI::App* sub : {schema_app, keys_app, new_app}) add_common(*sub, o.common, kTakesNothing);
  if (!parse(app, args)) return kExitOk;
  if (new_app->parsed()) return make(o);
  if (schema_app->parsed()) return schema(o);
  if (keys_app->parsed()) return keys(o);
  return check_app->parsed() ? check(o) : show(o);
}

}  // namespace nas::cli
