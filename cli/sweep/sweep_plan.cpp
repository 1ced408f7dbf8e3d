// A configuration is resolved before it is hashed: comments, order, defaults written out and
// another way of naming the same values do not make a new stage, and what cannot be read is told
// before anything is paid for. Contents of files that a configuration names belong to the hash (a
// truth table that was mended makes a new ranking); data in folders go by their path.
#include "cli/sweep/sweep_plan.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "cli/config/config_kinds.hpp"
#include "cli/config/config_path.hpp"
#include "cli/sweep/estimate.hpp"
#include "search/evaluators/table_file.hpp"
#include "search/search_options.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;
using detail::YamlNode;

constexpr size_t kLongestRunName = 96;

/// `train.epochs` -> epochs, where no other key that varies ends so.
std::vector<std::pair<StageKind, std::string>> varied_keys(const SweepFile& file) {
  std::vector<std::pair<StageKind, std::string>> keys;
  for (const auto& combination : file.combinations)
    for (const StageSetting& s : combination) {
      const std::pair<StageKind, std::string> key(s.stage, s.setting.key);
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  std::stable_sort(
      keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return keys;
}

std::vector<std::string> short_names(const std::vector<std::pair<StageKind, std::string>>& keys) {
  std::vector<std::string> names;
  std::map<std::string, int> last;
  const auto tail = [](const std::string& key) { return key.substr(key.rfind('.') + 1); };
  for (const auto& [stage, key] : keys) ++last[tail(key)];
  for (const auto& [stage, key] : keys)
    names.push_back(last[tail(key)] == 1 ? tail(key) : std::string(to_string(stage)) + "." + key);
  return names;
}

/// Letters that need no quoting in a shell.
std::string plain(const std::string& text) {
  std::string out;
  for (const unsigned char c : text)
    if (std::isalnum(c) != 0 || c == '.' || c == '_' || c == '+' || c == '-' || c == '~')
      out += static_cast<char>(c);
    else if (!out.empty() && out.back() != '_')
      out += '_';
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

class Planner {
 public:
  explicit Planner(const SweepFile& file)
      : file_(file),
        keys_(varied_keys(file)),
        names_(short_names(keys_)),
        problems_(file.problems) {
    for (ConfigKind& kind : config_kinds())
      if (kind.name == "train" || kind.name == "search") kinds_[kind.name] = std::move(kind);
    train_ = known_config(StageKind::kTrain, file.config.stages.train.config);
    search_ = known_config(StageKind::kSearch, file.config.stages.search.config);
  }

  SweepPlan plan() {
    SweepPlan plan;
    plan.name = file_.config.name;
    plan.columns = names_;
    std::set<std::vector<int>> seen;
    for (size_t c = 0; c < file_.combinations.size(); ++c) {
      std::vector<std::optional<int>> seeds(file_.config.seeds.begin(), file_.config.seeds.end());
      if (seeds.empty()) seeds.emplace_back();
      for (const std::optional<int>& seed : seeds) {
        SweepCell cell = make_cell(file_.combinations[c], seed);
        cell.combination = c;
        if (problems_.size() > kMostProblems) break;
        if (!seen.insert(cell.stages).second && problems_.empty())
          ++plan.repeated;
        else
          plan.cells.push_back(std::move(cell));
      }
    }
    if (!problems_.empty()) throw ConfigError(problems_);
    plan.stages = std::move(stages_);
    return plan;
  }

 private:
  static constexpr size_t kMostProblems = 50;

  std::string known_config(StageKind kind, const std::string& name) {
    if (!file_.has(kind) || name.empty()) return "";
    // Beside the sweep's file first, as paths in other configurations.
    const fs::path beside = fs::path(file_.source.file).parent_path() / name;
    std::error_code error;
    if (fs::is_regular_file(beside, error)) return beside.string();
    try {
      return config_path(name);
    } catch (const ConfigError& e) {
      for (const Problem& p : e.problems())
        problems_.push_back(
            yaml_problem(file_.source, section_of(kind) + ".config", p.message, p.hint));
      return "";
    }
  }

  SweepCell make_cell(const std::vector<StageSetting>& combination,
                      const std::optional<int>& seed) {
    SweepCell cell;
    cell.seed = seed;
    for (const auto& [stage, key] : keys_) {
      std::string value = "-";
      for (const StageSetting& s : combination)
        if (s.stage == stage && s.setting.key == key) value = s.setting.label;
      cell.values.push_back(value);
    }
    std::map<StageKind, int> made;
    for (const StageKind kind : file_.stages) {
      std::vector<Setting> own;
      for (const StageSetting& s : combination)
        if (s.stage == kind) own.push_back(s.setting);
      const int index = make_stage(kind, own, cell, made);
      if (index < 0) return cell;
      made[kind] = index;
      cell.stages.push_back(index);
    }
    return cell;
  }

  /// Index of the stage, made where it is new; -1: it cannot be.
  int make_stage(StageKind kind,
                 const std::vector<Setting>& own,
                 const SweepCell& cell,
                 const std::map<StageKind, int>& made) {
    Stage stage;
    stage.kind = kind;
    std::string resolved;
    const auto need = [&](StageKind other) {
      const auto found = made.find(other);
      if (found == made.end()) return false;
      stage.needs = found->second;
      return true;
    };
    if (kind == StageKind::kTrain || kind == StageKind::kSearch) {
      if (!configured(stage, own, cell.seed, resolved)) return -1;
      if (kind == StageKind::kSearch && judged_by_supernet_ && !need(StageKind::kTrain)) {
        problem("stages.search",
                "its configuration asks a supernet, and there is no stage `train`",
                "add it, or set evaluator.kind");
        return -1;
      }
    } else {
      if (!options(stage, own, resolved)) return -1;
      if (kind == StageKind::kRank)
        need(StageKind::kTrain);
      else if (!picked_ || !need(StageKind::kSearch))
        need(StageKind::kTrain);
      if (kind == StageKind::kExport && picked_ &&
          stages_[static_cast<size_t>(stage.needs)].needs < 0) {
        problem(
            "stages.export", "the search before it asks no supernet, so there are no weights", "");
        return -1;
      }
    }
    return add(std::move(stage), resolved, cell, own);
  }

  void problem(const std::string& key, const std::string& what, const std::string& hint) {
    const Problem p = yaml_problem(file_.source, key, what, hint);
    if (told_.insert(p.text()).second) problems_.push_back(p);
  }

  /// A mistake of a --set is told where its value stands.
  void tell(const ConfigError& e, StageKind kind, const std::vector<Setting>& settings) {
    for (Problem p : e.problems()) {
      if (p.file.starts_with("--set ")) {
        const std::string key = p.file.substr(6);
        for (const Setting& s : settings) {
          if (s.key != key && s.assignment() != key) continue;
          p.file = s.place.file ? *s.place.file : file_.source.file;
          p.line = s.place.line;
          p.column = s.place.column;
          if (p.key.empty()) p.key = s.key;
        }
        p.key = std::string(to_string(kind)) + ": " + p.key;
      }
      if (told_.insert(p.text()).second) problems_.push_back(p);
    }
  }

  bool configured(Stage& stage,
                  const std::vector<Setting>& own,
                  const std::optional<int>& seed,
                  std::string& resolved) {
    const bool train = stage.kind == StageKind::kTrain;
    stage.config = train ? train_ : search_;
    if (stage.config.empty()) return false;
    std::vector<Setting> settings = train ? file_.train_set : file_.search_set;
    settings.insert(settings.end(), own.begin(), own.end());
    bool own_seed = false;
    for (const Setting& s : settings) {
      stage.sets.push_back(s.assignment());
      own_seed = own_seed || s.key == "seed";
    }
    std::vector<std::string> sets = stage.sets;
    if (seed && !own_seed) {
      stage.words = {"--seed", std::to_string(*seed)};
      sets.push_back("seed=" + std::to_string(*seed));
    }
    try {
      YamlSource source = text_of(stage.config);
      source.sets = sets;
      resolved = kinds_.at(to_string(stage.kind)).resolve(source, false);
      if (train) {
        describe_steps(stage, resolved);
      } else {
        const auto config = read_yaml_as<SearchConfig>(source);
        judged_by_supernet_ = config.evaluator.kind == EvaluatorKind::kSupernet;
        stage.threads_given = std::any_of(
            config.evaluator.set.begin(), config.evaluator.set.end(), [](const std::string& set) {
              return set.starts_with("threads=");
            });
      }
    } catch (const ConfigError& e) {
      tell(e, stage.kind, settings);
      return false;
    }
    resolved += files_named(resolved, stage.config);
    return true;
  }

  /// Options of rank and export: the section of the file with this cell's changes.
  bool options(Stage& stage, const std::vector<Setting>& own, std::string& resolved) {
    auto section = yaml_section(file_.source, section_of(stage.kind));
    for (const Setting& s : own) section->sets.push_back(s.assignment());
    section->prefix = "";
    try {
      if (stage.kind == StageKind::kRank)
        rank_options(stage, read_yaml_as<RankStage>(*section), resolved);
      else
        export_options(stage, read_yaml_as<ExportStage>(*section), resolved);
    } catch (const ConfigError& e) {
      tell(e, stage.kind, own);
      return false;
    }
    resolved += files_named(resolved, file_.source.file);
    return true;
  }

  void rank_options(Stage& stage, RankStage o, std::string& resolved) {
    if (o.truth.empty())
      throw ConfigError(
          std::vector<Problem>{yaml_problem(file_.source, "stages.rank.truth", "is missing")});
    // As the file has them: with its own folder in front a stage would be another one for each way
    // of naming the file (sweep.yaml, and its whole path in a job of Slurm).
    resolved = write_yaml([&](Binder& b) { describe(b, o); });
    for (std::string* path : {&o.truth, &o.archs}) *path = beside(*path);
    std::error_code error;
    if (!fs::is_regular_file(o.truth, error))
      throw ConfigError(std::vector<Problem>{
          yaml_problem(file_.source, "stages.rank.truth", o.truth + ": there is no such file")});
    check_truth(o);
    const auto word = [&stage](const char* flag, const std::string& value) {
      if (value.empty()) return;
      stage.words.emplace_back(flag);
      stage.words.push_back(value);
    };
    word("--truth", o.truth);
    word("--column", o.column);
    word("--key", o.key);
    word("--archs", o.archs);
    word("--split", o.split);
    word("--index-from", o.index_from >= 0 ? std::to_string(o.index_from) : "");
    word("--seed", std::to_string(o.seed));
    if (o.duplicates) stage.words.emplace_back("--duplicates");
    if (o.lower_is_better) stage.words.emplace_back("--lower-is-better");
    if (!o.baseline) stage.words.emplace_back("--no-baseline");
    stage.sets = o.set;
    for (const std::string& set : o.set)
      stage.threads_given = stage.threads_given || set.starts_with("threads=");
  }

  /// Before a training is paid for: the file can be read and has the columns that are named.
  void check_truth(const RankStage& o) {
    const std::string known = o.truth + "\n" + o.key + "\n" + o.column;
    if (!read_truths_.insert(known).second) return;
    const char* key = "stages.rank.truth";
    try {
      const TableFile table = read_table_file(o.truth, o.key);
      key = "stages.rank.column";
      if (!o.column.empty()) column_of(table, o.column);
    } catch (const Error& e) {
      throw ConfigError(std::vector<Problem>{yaml_problem(file_.source, key, e.what())});
    }
  }

  void export_options(Stage& stage, const ExportStage& o, std::string& resolved) {
    resolved = write_yaml([&](Binder& b) { describe(b, const_cast<ExportStage&>(o)); });
    picked_ = o.arch.empty();
    stage.words = {picked_ ? "--pick" : "--arch",
                   !picked_         ? o.arch
                   : o.pick.empty() ? "best"
                                    : o.pick};
    std::string formats;
    for (const std::string& format : o.formats) formats += (formats.empty() ? "" : ",") + format;
    if (!formats.empty()) stage.words.insert(stage.words.end(), {"--format", formats});
    if (o.fold_bn) stage.words.emplace_back("--fold-bn");
  }

  int add(Stage stage,
          const std::string& resolved,
          const SweepCell& cell,
          const std::vector<Setting>& own) {
    std::string identity = std::string("nas-stage/1\n") + to_string(stage.kind) + "\n" + resolved;
    if (stage.needs >= 0) identity += "\n" + stages_[static_cast<size_t>(stage.needs)].hash;
    stage.hash = sha256_hex(identity);
    const auto [at, fresh] = index_.try_emplace(stage.hash, static_cast<int>(stages_.size()));
    if (!fresh) return at->second;
    stage.name = run_name(stage, cell, own);
    stages_.push_back(std::move(stage));
    return at->second;
  }

  /// NAME,key=value,...,seed=N-TAG: what varies in it and in the stages it needs.
  std::string run_name(const Stage& stage,
                       const SweepCell& cell,
                       const std::vector<Setting>& own) const {
    std::string text = file_.config.name;
    for (size_t k = 0; k < keys_.size(); ++k) {
      const bool mine = keys_[k].first == stage.kind &&
                        std::any_of(own.begin(), own.end(), [&](const Setting& s) {
                          return s.key == keys_[k].second;
                        });
      const bool above = keys_[k].first == StageKind::kTrain && stage.needs >= 0;
      const bool found = keys_[k].first == StageKind::kSearch && stage.kind == StageKind::kExport;
      if ((mine || above || found) && cell.values[k] != "-")
        text += "," + plain(names_[k]) + "=" + plain(cell.values[k]);
    }
    if (cell.seed) text += ",seed=" + std::to_string(*cell.seed);
    if (stage.kind == StageKind::kRank || stage.kind == StageKind::kExport)
      text += std::string(",") + to_string(stage.kind);
    if (text.size() > kLongestRunName - kTagLength - 1)
      text.resize(kLongestRunName - kTagLength - 1);
    return text + "-" + stage.tag();
  }

  const YamlSource& text_of(const std::string& config) {
    auto found = texts_.find(config);
    if (found == texts_.end()) found = texts_.emplace(config, yaml_file(config)).first;
    return found->second;
  }

  std::string beside(const std::string& path) const {
    if (path.empty() || fs::path(path).is_absolute()) return path;
    const fs::path here = fs::path(file_.source.file).parent_path() / path;
    std::error_code error;
    return fs::is_regular_file(here, error) ? here.string() : path;
  }

  /// Hashes of the files that values of a resolved configuration name.
  std::string files_named(const std::string& resolved, const std::string& config) {
    std::vector<Problem> ignored;
    std::string text;
    const detail::YamlPtr tree = detail::parse_yaml(resolved, "", 0, ignored);
    if (tree) collect(*tree, "", fs::path(config).parent_path(), text);
    return text;
  }

  void collect(const YamlNode& node,
               const std::string& key,
               const fs::path& folder,
               std::string& text) {
    for (const auto& item : node.items) collect(*item, key, folder, text);
    for (const YamlNode::Entry& entry : node.entries)
      collect(*entry.value, entry.key, folder, text);
    if (!node.is_scalar() || node.text.empty() || node.text.size() > 4096) return;
    std::vector<fs::path> places = {folder / node.text, node.text};
    if (key == "space") places.push_back(fs::path(config_dir()) / "spaces" / (node.text + ".yaml"));
    for (const fs::path& place : places) {
      std::error_code error;
      if (!fs::is_regular_file(place, error)) continue;
      text += "\nfile " + node.text + " " + hash_of(place.string());
      return;
    }
  }

  const std::string& hash_of(const std::string& path) {
    auto found = files_.find(path);
    if (found != files_.end()) return found->second;
    std::ifstream in(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    if (!in) throw DataError(path + ": cannot be read");
    return files_.emplace(path, sha256_hex(bytes.str())).first->second;
  }

  const SweepFile& file_;
  std::vector<std::pair<StageKind, std::string>> keys_;
  std::vector<std::string> names_;
  std::map<std::string, ConfigKind> kinds_;
  std::string train_, search_;
  std::map<std::string, YamlSource> texts_;
  std::map<std::string, std::string> files_;
  std::vector<Stage> stages_;
  std::map<std::string, int> index_;
  std::set<std::string> read_truths_;  ///< Files with columns that were looked at.
  std::vector<Problem> problems_;
  std::set<std::string> told_;
  bool judged_by_supernet_ = false, picked_ = true;
};

}  // namespace

std::string SweepCell::label() const {
  std::string text;
  for (const std::string& value : values)
    if (value != "-") text += (text.empty() ? "" : ", ") + value;
  if (seed) text += (text.empty() ? "seed " : ", seed ") + std::to_string(*seed);
  return text.empty() ? "the only cell" : text;
}

SweepPlan plan_sweep(const SweepFile& file) {
  return Planner(file).plan();
}

}  // namespace nas::cli
