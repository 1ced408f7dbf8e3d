#include "cli/sweep/sweep_file.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/runs/run_name.hpp"
#include "cli/sweep/variations.hpp"

namespace nas::cli {
namespace {

/// Longest name of a sweep: names of runs carry it, and a tag.
constexpr size_t kLongestName = 40;

void check_name(const YamlSource& source, SweepConfig& c, std::vector<Problem>& problems) {
  if (c.name.empty())
    c.name = source.file.empty() || source.file == "<stdin>"
                 ? "sweep"
                 : std::filesystem::path(source.file).stem().string();
  const auto bad = std::find_if(c.name.begin(), c.name.end(), [](unsigned char ch) {
    return std::isalnum(ch) == 0 && ch != '-' && ch != '_' && ch != '.';
  });
  std::string why;
  if (bad != c.name.end() || c.name[0] == '-' || c.name[0] == '.')
    why = "\"" + c.name + "\": only letters, digits, - _ and . (not first) may be in it";
  else if (c.name.size() > kLongestName)
    why = "has " + std::to_string(c.name.size()) + " characters; at most " +
          std::to_string(kLongestName) + " fit";
  if (why.empty()) return;
  problems.push_back(yaml_problem(source,
                                  "name",
                                  why,
                                  "folders and runs are named after it; without `name:` it is the "
                                  "file's"));
}

/// The stages that there are fit together.
void check_stages(const SweepFile& f, std::vector<Problem>& problems) {
  const auto bad = [&](const std::string& key, const std::string& what, const std::string& hint) {
    problems.push_back(yaml_problem(f.source, key, what, hint));
  };
  const SweepConfig& c = f.config;
  if (f.stages.empty())
    bad("stages",
        "no stage is named",
        "add `train:`, or a `search:` with a table or program that judges");
  if (f.has(StageKind::kTrain) && c.stages.train.config.empty())
    bad("stages.train",
        "names no configuration",
        "add `config: FILE` or the name of one that ships");
  if (f.has(StageKind::kSearch) && c.stages.search.config.empty())
    bad("stages.search",
        "names no configuration",
        "add `config: FILE` or the name of one that ships");
  if (f.has(StageKind::kRank) && !f.has(StageKind::kTrain))
    bad("stages.rank", "compares supernets, and there is no stage `train`", "");
  if (!f.has(StageKind::kExport)) return;
  if (!f.has(StageKind::kTrain))
    bad("stages.export", "needs the weights of a supernet, and there is no stage `train`", "");
  else if (!f.has(StageKind::kSearch) && c.stages.pick.arch.empty())
    bad("stages.export",
        "there is no stage `search` to pick from",
        "name an architecture with `arch:`, or add `search:`");
  if (!c.stages.pick.arch.empty() && !c.stages.pick.pick.empty())
    bad("stages.export.arch", "and `pick` cannot both be given", "leave one out");
}

}  // namespace

const char* to_string(StageKind kind) {
  switch (kind) {
    case StageKind::kTrain:
      return "train";
    case StageKind::kRank:
      return "rank";
    case StageKind::kSearch:
      return "search";
    case StageKind::kExport:
      return "export";
  }
  return "";
}

std::string section_of(StageKind kind) {
  return std::string("stages.") + to_string(kind);
}

void describe(Binder& b, ConfiguredStage& o) {
  b.value("config", o.config, "Configuration: a file, or one that ships (nas list configs)");
  b.raw("set", o.set, "KEY: VALUE pairs that every cell changes in it, as --set does");
}

void describe(Binder& b, RankStage& o) {
  b.value("truth", o.truth, "CSV or JSON with architectures and their true quality");
  b.value("column", o.column, "Column of the truth; empty: the only one");
  b.value("key", o.key, "Column of the architectures; empty: architecture or arch");
  b.value("index_from", o.index_from, "The key numbers architectures from this; -1: it does not")
      .range(-1, 1e9);
  b.value("archs", o.archs, "all, the size of a sample, or a file with one architecture a line");
  b.value("split", o.split, "Split that is judged on; empty: the run's own");
  b.value("duplicates", o.duplicates, "Keep architectures that compute what another one computes");
  b.value("lower_is_better", o.lower_is_better, "The truth is a loss, an error or a cost");
  b.value("baseline", o.baseline, "Rank beside a tree or mixture its run of equal compute");
  b.value("seed", o.seed, "Of the sample and the intervals; the same in all cells");
  b.list("set", o.set, "KEY=VALUE: how the run is judged, such as evaluate.images=500");
}

void describe(Binder& b, ExportStage& o) {
  b.value("pick", o.pick, "best, knee or an index of the search's front; empty: best");
  b.value("arch", o.arch, "An architecture instead of one that was found");
  b.list("formats", o.formats, "torchscript, onnx, safetensors, json; empty: all but onnx");
  b.value("fold_bn", o.fold_bn, "Merge batch norms into the convolutions before them");
}

void describe(Binder& b, SweepStages& o) {
  const auto shown = [&](StageKind kind) {
    return o.shown.empty() || std::find(o.shown.begin(), o.shown.end(), kind) != o.shown.end();
  };
  if (shown(StageKind::kTrain)) b.section("train", o.train, "Trains a supernet");
  if (shown(StageKind::kRank)) b.section("rank", o.rank, "Compares its ranking with a truth");
  if (shown(StageKind::kSearch))
    b.section("search", o.search, "Searches, in the supernet or as its configuration says");
  if (shown(StageKind::kExport)) b.section("export", o.pick, "Writes a network that was found");
}

void describe(Binder& b, SweepConfig& o) {
  b.value("name", o.name, "Begins the names of its runs and of its folder; empty: the file's name");
  b.list("seeds", o.seeds, "Every combination runs once with each; empty: as configured")
      .each(0, 2147483647);
  b.section("stages", o.stages, "What each cell does, in this order");
  b.raw("grid", o.grid, "STAGE: {KEY: [VALUE, ...]}; every combination of the values");
  b.raw("list", o.list, "[{STAGE: {KEY: VALUE}, label: TEXT}, ...]; these combinations only");
  b.raw("random",
        o.random,
        "{draws: N, seed: S, STAGE: {KEY: [VALUE, ...] or {from:, to:, scale: linear|log}}}");
}

bool SweepFile::has(StageKind kind) const {
  return std::find(stages.begin(), stages.end(), kind) != stages.end();
}

SweepFile parse_sweep(const YamlSource& source) {
  SweepFile file;
  file.source = source;
  std::vector<Problem> problems;
  try {
    file.config = read_yaml_as<SweepConfig>(source);
  } catch (const ConfigError& e) {
    problems = e.problems();
  }
  const bool whole = problems.empty();
  for (const StageKind kind : kStageKinds)
    if (yaml_section(source, section_of(kind))) file.stages.push_back(kind);
  if (whole) {
    check_name(source, file.config, problems);
    const size_t before = problems.size();
    check_stages(file, problems);
    file.plannable = problems.size() == before;
    if (const auto given = yaml_section(source, "seeds");
        given && given->tree && given->tree->is_list() && given->tree->items.empty())
      problems.push_back(yaml_problem(source,
                                      "seeds",
                                      "has no values, so nothing would run",
                                      "leave the key out to run as configured"));
    std::vector<int> seeds = file.config.seeds;
    std::sort(seeds.begin(), seeds.end());
    if (std::adjacent_find(seeds.begin(), seeds.end()) != seeds.end())
      problems.push_back(yaml_problem(source, "seeds", "a seed is listed twice"));
    file.train_set = settings_of(file.config.stages.train.set, problems);
    file.search_set = settings_of(file.config.stages.search.set, problems);
    file.combinations = combinations_of(file, problems);
  }
  file.problems = std::move(problems);
  return file;
}

SweepFile read_sweep(const YamlSource& source) {
  SweepFile file = parse_sweep(source);
  if (!file.problems.empty()) throw ConfigError(file.problems);
  return file;
}

std::vector<Setting> settings_of(const Binder::Raw& raw, std::vector<Problem>& problems) {
  std::vector<Setting> settings;
  if (!raw.tree || raw.tree->is_null()) return settings;
  if (!raw.tree->is_map()) {
    problems.push_back(detail::problem_at(
        raw.tree->place, raw.key, "expected KEY: VALUE pairs, got " + detail::show(*raw.tree)));
    return settings;
  }
  for (const detail::YamlNode::Entry& entry : raw.tree->entries)
    settings.push_back(setting_of(entry.key, *entry.value, entry.place));
  return settings;
}

}  // namespace nas::cli
