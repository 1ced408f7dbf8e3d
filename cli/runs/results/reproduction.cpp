// Configurations are printed as they were resolved, every default with its value: what a later
// version takes for granted otherwise does not matter then. Threads and device are written into
// them, since sums are cut by the number of threads.
#include "cli/runs/results/reproduction.hpp"

#include <filesystem>
#include <map>
#include <set>

#include "cli/report/document.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/error.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kEnd = "END_OF_FILE";
constexpr const char* kFolder = "again";  ///< Where the script works.

std::string text_of(const Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || json[key].is_null()) return "";
  return json[key].is_string() ? json[key].get<std::string>() : json[key].dump();
}

Json lineage_in(const ExportedText& file) {
  const Json about = Json::parse(file.json);
  if (!about.contains("lineage") || !about["lineage"].is_object() ||
      !about["lineage"].contains("steps")) {
    const std::string run = text_of(about, "run");
    throw DataError(file.path +
                    ": does not say how it was made; it was exported by a version before 0.2. Its "
                    "run may still be in a store: nas runs show " +
                    (run.empty() ? "RUN" : printable(run)));
  }
  return about["lineage"];
}

YamlSource config_of(const Json& step, std::vector<std::string> sets = {}) {
  YamlSource source;
  source.text = step.value("config", "");
  source.file = "configuration of run " + step.value("run", "");
  source.sets = std::move(sets);
  return source;
}

class Maker {
 public:
  explicit Maker(const Json& lineage) {
    for (const Json& step : lineage.at("steps"))
      if (step.contains("space_file")) spaces_.insert(space_name(step));
    for (const Json& step : lineage.at("steps")) {
      const std::string command = step.at("command");
      if (command == "export")
        add_export(step);
      else if (command == "search")
        add_search(step);
      else
        add_train(step, command);
    }
  }
  Reproduction result() { return std::move(r_); }

 private:
  using Words = std::vector<std::string>;

  static std::string line_of(const Words& words) {
    std::string line = "nas";
    for (const std::string& word : words) line += " " + shell_word(word);
    return line;
  }

  /// Names of runs are names of files, too; two of one name are told apart.
  std::string name_of(const Json& step) {
    const std::string run = step.at("run");
    std::string name = step.value("name", "");
    if (name.empty() || name.find('/') != std::string::npos)
      name = step.at("command") == "search" ? "search" : "train";
    for (const auto& [other, taken] : names_)
      if (taken == name) name += "-" + std::to_string(names_.size() + 1);
    return names_[run] = name;
  }
  /// Name of a run that came before.
  std::string before(const std::string& run) const {
    const auto it = names_.find(run);
    return it == names_.end() ? run : it->second;
  }

  /// Beside the configuration that names it; the script writes nowhere else.
  static std::string space_name(const Json& step) {
    const std::string name = step["space_file"].value("name", "");
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
      throw std::invalid_argument("no name of a file");
    return name;
  }
  /// A run may be called as the file of a space is.
  std::string config_name(const std::string& run) const {
    std::string name = run + ".yaml";
    while (spaces_.contains(name)) name = "run-" + name;
    return name;
  }
  void add_file(const std::string& name, const std::string& text) {
    for (const auto& [known, content] : r_.files)
      if (known == name && content == text) return;
    r_.files.emplace_back(name, text);
  }

  void add_train(const Json& step, const std::string& command) {
    const std::string name = name_of(step);
    const Json versions = step.value("versions", Json::object());
    for (const char* fact : {"nas", "libtorch", "device", "threads"})
      if (versions.contains(fact)) note_fact(fact, versions[fact]);
    if (step.contains("space_file"))
      add_file(space_name(step), step["space_file"].value("text", ""));
    std::vector<std::string> sets;
    if (versions.contains("threads"))
      sets.push_back("threads=" + std::to_string(versions.value("threads", 0)));
    if (versions.contains("device")) sets.push_back("device=" + versions.value("device", "auto"));
    const std::string data = yaml_scalar(config_of(step), "data.path").value_or("");
    Reproduction::Command made;
    if (command == "split") {
      made.line = line_of(split_words(step, name)) + " &&\n  " +
                  line_of({"train", "--db", kStore, "--resume", name});
    } else {
      const std::string file = config_name(name);
      add_file(file, yaml_text(config_of(step, sets)));
      Words words = {command, "--db", kStore, "--config", file, "--name", name};
      if (step.contains("inherits"))
        words.insert(words.end(), {"--inherit", before(step["inherits"])});
      if (step.contains("inherits"))
        words.insert(words.end(), {"--arch", step["recipe"].value("architecture", "")});
      made.line = line_of(words);
      if (command == "import")
        made.line += " --weights \"$" + variable("WEIGHTS", init_of(step)) + "\"";
      if (!data.empty()) made.line += " --set \"data.path=$" + variable("DATA", data) + "\"";
    }
    if (step.contains("recipe") && !step["recipe"].value("search", "").empty())
      made.remarks.push_back("its architecture was found by search " +
                             step["recipe"].value("search", "") + " (" +
                             step["recipe"].value("pick", "") + ")");
    tell_needs(step, name);
    r_.commands.push_back(std::move(made));
  }

  static std::string init_of(const Json& step) {
    return yaml_scalar(config_of(step), "train.init").value_or("");
  }

  /// nas split --apply, from the section that it wrote.
  Words split_words(const Json& step, const std::string& name) const {
    const YamlSource config = config_of(step);
    const auto value = [&](const std::string& key) {
      return yaml_scalar(config, "weights.split." + key).value_or("");
    };
    const auto all = std::stoll(yaml_scalar(config, "train.epochs").value_or("0"));
    const auto first = value("epochs.0");
    const int64_t leaves = all - (first.empty() ? 0 : std::stoll(first));
    Words words = {"split",
                   "--db",
                   kStore,
                   "--run",
                   before(step.at("of")),
                   "--apply",
                   "--epochs",
                   std::to_string(leaves),
                   "--name",
                   name};
    const std::pair<const char*, const char*> options[] = {{"--groups", "groups.0"},
                                                           {"--edge", "edge"},
                                                           {"--batches", "score.batches"},
                                                           {"--metric", "score.metric"},
                                                           {"--params", "score.params"},
                                                           {"--objective", "score.objective"},
                                                           {"--min-group", "score.min_group"}};
    for (const auto& [option, key] : options)
      if (const std::string v = value(key); !v.empty()) words.insert(words.end(), {option, v});
    if (value("score.exact") == "true") words.emplace_back("--exact");
    for (const char* list : {"choices.", "candidates."})
      for (int k = 0; !value(list + std::to_string(k)).empty(); ++k)
        words.insert(words.end(), {"--choices", value(list + std::to_string(k))});
    return words;
  }

  void add_search(const Json& step) {
    const std::string name = name_of(step);
    const std::string file = config_name(name);
    add_file(file, yaml_text(config_of(step)));
    Words words = {"search", "--db", kStore, "--config", file, "--name", name};
    if (const std::string of = step.value("of", ""); !of.empty())
      words.insert(words.end(), {"--run", before(of)});
    r_.commands.push_back({line_of(words), {}});
    tell_needs(step, name);
  }

  void add_export(const Json& step) {
    const std::string pick = step.value("pick", "");
    Words words = {"export", "--db", kStore, "--run", before(step.at("of"))};
    if (pick.empty())
      words.insert(words.end(), {"--arch", step.value("architecture", "")});
    else
      words.insert(words.end(), {"--pick", pick});
    words.insert(words.end(), {"--out", "model"});
    std::string formats;
    for (const Json& format : step.value("formats", Json::array()))
      formats += (formats.empty() ? "" : ",") + format.get<std::string>();
    if (!formats.empty()) words.insert(words.end(), {"--format", formats});
    if (formats.find("onnx") != std::string::npos)
      words.insert(words.end(), {"--opset", std::to_string(step.value("opset", 17))});
    if (step.value("fold_bn", false)) words.emplace_back("--fold-bn");
    if (step.value("batch_statistics", false)) words.emplace_back("--batch-statistics");
    if (step.value("no_recalibrate", false)) words.emplace_back("--no-recalibrate");
    if (const int64_t n = step.value("recalibrate", int64_t{0}); n > 0)
      words.insert(words.end(), {"--recalibrate", std::to_string(n)});
    for (const Json& set : step.value("set", Json::array()))
      words.insert(words.end(), {"--set", set.get<std::string>()});
    r_.commands.push_back({line_of(words), {}});
  }

  void note_fact(const std::string& name, const Json& value) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    for (auto& [known, kept] : r_.made_with)
      if (known == name) return void(kept = text);
    r_.made_with.emplace_back(name, text);
  }

  /// A name for where something lies; equal places share one.
  std::string variable(const std::string& wanted, const std::string& place) {
    std::string name = wanted;
    for (int k = 2;; ++k) {
      bool taken = false;
      for (const auto& [known, kept] : r_.variables) {
        if (known != name) continue;
        if (kept == place) return name;
        taken = true;
      }
      if (!taken) break;
      name = wanted + std::to_string(k);
    }
    r_.variables.emplace_back(name, place);
    return name;
  }

  void tell_needs(const Json& step, const std::string& name) {
    for (const Json& need : step.value("needs", Json::array())) {
      const std::string what = need.value("what", ""), which = need.value("which", ""),
                        hash = need.value("hash", "");
      std::string text = what + " " + which + " (for " + name;
      if (!hash.empty())
        text += what == "data" ? "; SHA-256 of the images " + hash : "; SHA-256 " + hash;
      text += ")";
      if (what == "run") text += ": no longer in the store when this was exported";
      if (what == "front of the search")
        text += ": a search began with it; without it the search takes another way";
      r_.missing.push_back(text);
    }
  }

  static constexpr const char* kStore = "nas.db";
  Reproduction r_;
  std::map<std::string, std::string> names_;  ///< By run.
  std::set<std::string> spaces_;              ///< Names of files.
};

/// What a file says of itself is told in comments of the script, which end with their line.
std::string comment(const std::string& text) {
  return printable(text);
}
/// A line that ends `content` for the shell, and is not in it.
std::string end_of(const std::string& content) {
  std::string end = kEnd;
  while (content.find(end) != std::string::npos) end += '_';
  return end;
}

}  // namespace

Reproduction reproduction_of(const ExportedText& file) {
  const Json lineage = lineage_in(file);
  try {
    return Maker(lineage).result();
  } catch (const Json::exception&) {
    throw DataError(file.path + ": what it says of itself is damaged");
  } catch (const std::logic_error&) {
    throw DataError(file.path + ": what it says of itself is damaged");
  }
}

std::string reproduction_script(const ExportedText& file, const Reproduction& r) {
  const Json about = Json::parse(file.json);
  const std::string path = std::filesystem::absolute(file.path).lexically_normal().string();
  std::string text = "# How the network in " + comment(path) +
                     " was made: " + comment(text_of(about, "architecture")) + " of the space " +
                     comment(text_of(about, "space")) + "\n# with";
  for (const auto& [name, value] : r.made_with)
    text += (&name == &r.made_with.front().first ? " " : ", ") + name + " " + comment(value);
  text +=
      ".\n# The same version on the same kind of processor gives the same bits; elsewhere last "
      "bits may differ.\n";
  if (r.missing.empty()) {
    text += "# Nothing else is needed.\n";
  } else {
    text += "# Not in this file, and needed:\n";
    for (const std::string& what : r.missing) text += "#   " + comment(what) + "\n";
  }
  for (const auto& [name, place] : r.variables) text += name + "=" + shell_word(place) + "\n";
  // A subshell: pasted, an error ends it and not the terminal.
  text += std::string("(\nset -e\nmkdir ") + kFolder + "\ncd " + kFolder + "\n";
  for (const auto& [name, content] : r.files) {
    const std::string end = end_of(content);
    text += "cat >" + shell_word(name) + " <<'" + end + "'\n" + content +
            (content.ends_with("\n") ? "" : "\n") + end + "\n";
  }
  for (const Reproduction::Command& command : r.commands) {
    for (const std::string& remark : command.remarks) text += "# " + comment(remark) + "\n";
    text += command.line + "\n";
  }
  text += "nas reproduce " + shell_word(path) + " --compare model\n)";
  return text;
}

std::vector<ComparedFact> compare_exported(const ExportedText& here, const ExportedText& there) {
  const Json a = Json::parse(here.json), b = Json::parse(there.json);
  std::vector<ComparedFact> facts;
  const auto add = [&](const std::string& what,
                       const Json& x,
                       const Json& y,
                       const char* key,
                       bool decides = false) {
    ComparedFact fact{what, text_of(x, key), text_of(y, key), decides};
    if (!fact.here.empty() || !fact.there.empty()) facts.push_back(std::move(fact));
  };
  add("architecture", a, b, "architecture", true);
  add("tensors", a, b, "tensors_sha256", true);
  // What the export made of its batch norms: other tensors of one network.
  const auto norms = [](const Json& about) {
    const Json norm = about.value("batch_norm", Json::object());
    return norm.is_object() ? norm : Json::object();
  };
  for (const char* what : {"treatment", "folded", "images"})
    add(std::string("batch norms: ") + what, norms(a), norms(b), what);
  const auto steps = [](const Json& about) {
    Json list = Json::array();
    if (about.contains("lineage") && about["lineage"].is_object())
      for (const Json& step : about["lineage"].value("steps", Json::array()))
        if (step.is_object() && text_of(step, "command") != "export") list.push_back(step);
    return list;
  };
  const Json ours = steps(a), theirs = steps(b);
  for (size_t k = 0; k < std::max(ours.size(), theirs.size()); ++k) {
    const Json x = k < ours.size() ? ours[k] : Json::object();
    const Json y = k < theirs.size() ? theirs[k] : Json::object();
    const std::string name = text_of(x.empty() ? y : x, "command") + " " + std::to_string(k + 1);
    add(name + ": seed", x, y, "seed");
    const Json of_x = x.value("hashes", Json::object()), of_y = y.value("hashes", Json::object());
    for (const char* what : {"space", "data", "split", "weights", "evaluations"})
      add(name + ": " + what, of_x, of_y, what);
    const Json with_x = x.value("versions", Json::object()),
               with_y = y.value("versions", Json::object());
    for (const char* what : {"nas", "libtorch", "compiler", "device", "threads"})
      add(name + ": " + what, with_x, with_y, what);
  }
  return facts;
}

}  // namespace nas::cli
