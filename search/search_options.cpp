#include "search/search_options.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "search/algorithms/choose.hpp"
#include "spaces/metric.hpp"

namespace nas {
namespace {

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

[[noreturn]] void refuse_objective(const Binder::Raw& raw, const std::string& message) {
  throw ConfigError(
      {Problem{raw.file,
               raw.line,
               raw.column,
               "search.objectives",
               message,
               "Write for example: objectives: [maximize: accuracy, minimize: macs]"}});
}

Objective objective_of(const Binder::Raw& raw,
                       const std::string& direction,
                       const std::string& metric) {
  const std::string word = trimmed(direction);
  if (word != "maximize" && word != "minimize") {
    const std::string near = nearest(word, {"maximize", "minimize"});
    refuse_objective(raw,
                     "'" + word + "' is neither maximize nor minimize" +
                         (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  if (trimmed(metric).empty()) refuse_objective(raw, word + ": the name of a metric is missing");
  return {trimmed(metric), word == "maximize"};
}

// `maximize: accuracy` or `maximize accuracy` in one text.
Objective objective_of(const Binder::Raw& raw, const std::string& text) {
  const std::string line = trimmed(text);
  const size_t end = line.find_first_of(": \t");
  if (end == std::string::npos)
    refuse_objective(raw, "'" + line + "' does not say maximize or minimize");
  const size_t metric = line.find_first_not_of(": \t", end);
  return objective_of(
      raw, line.substr(0, end), metric == std::string::npos ? "" : line.substr(metric));
}

// Objectives that look for the worst by the name of their metric have to be confirmed.
void check_objectives(Binder& b, const SearchOptions& o) {
  std::vector<Objective> objectives;
  try {
    objectives = parse_objectives(o.objectives);
  } catch (const ConfigError& e) {
    for (const Problem& problem : e.problems())
      b.problem("objectives", problem.message, problem.hint);
    return;
  }
  constexpr size_t kMostObjectives = 4;
  if (objectives.size() > kMostObjectives)
    b.problem("objectives",
              std::to_string(objectives.size()) + " objectives; at most " +
                  std::to_string(kMostObjectives) + " are searched together",
              "Make limits of the others: search.constraints.");
  for (const AlgorithmInfo& info : search_algorithms())
    if (const std::string problem = info.objectives_problem(objectives.size());
        info.name == o.algorithm && !problem.empty())
      b.problem("algorithm", problem);
  std::vector<std::string> against;
  for (const Objective& objective : objectives) {
    const std::string problem = objective_problem(objective);
    if (problem.empty()) continue;
    against.push_back(objective.metric);
    if (std::find(o.confirm.begin(), o.confirm.end(), objective.metric) == o.confirm.end())
      b.problem("objectives",
                problem,
                std::string("Did you mean ") + (objective.maximize ? "minimize" : "maximize") +
                    "? If it is meant as it stands, say so: search.confirm: [" + objective.metric +
                    "]");
  }
  for (const std::string& metric : o.confirm)
    if (std::find(against.begin(), against.end(), metric) == against.end())
      b.problem("confirm", "no objective runs against the name '" + metric + "'", "Leave it out.");
}

// Names that the fields of an answer have already, or that this program gives a value of its own.
std::vector<std::string> answer_name_problems(const std::vector<std::string>& metrics) {
  std::vector<std::string> problems;
  for (size_t i = 0; i < metrics.size(); ++i) {
    const std::string& name = metrics[i];
    const Metric* known = find_metric(name);
    if (name.empty() || trimmed(name) != name)
      problems.push_back("'" + name + "' is no name of a metric");
    else if (name == "id" || name == "architecture" || name == "choices" || name == "error")
      problems.push_back("'" + name + "' is a field of every question or answer, not a metric");
    else if (known != nullptr && known->cost && name != "latency_ms")
      problems.push_back("'" + name +
                         "' follows from the architecture and is counted here; an "
                         "answer would not be used");
    if (std::find(metrics.begin(), metrics.begin() + static_cast<std::ptrdiff_t>(i), name) !=
        metrics.begin() + static_cast<std::ptrdiff_t>(i))
      problems.push_back("'" + name + "' is given twice");
  }
  return problems;
}

void check_each(Binder& b,
                const std::string& key,
                const std::vector<std::string>& texts,
                void (*parse)(const std::string&)) {
  for (const std::string& text : texts) {
    try {
      parse(text);
    } catch (const ConfigError& e) {
      for (const Problem& problem : e.problems()) b.problem(key, problem.message, problem.hint);
    }
  }
}

// An unknown name is told elsewhere.
bool spends_budget(const std::string& algorithm) {
  for (const AlgorithmInfo& info : search_algorithms())
    if (info.name == algorithm) return info.spends_budget;
  return true;
}

void check_warm(Binder& b, const SearchOptions& o) {
  for (const AlgorithmInfo& info : search_algorithms()) {
    if (info.name != o.algorithm) continue;
    if (!o.warm_from.empty() && !info.takes_warm)
      b.problem("warm_from",
                info.name + " does not begin from an earlier search",
                "Leave it out, or take concurrent, linas or ehvi.");
    if (o.warm_from.empty() && info.name == "concurrent")
      b.problem("algorithm",
                "concurrent begins with the best of an earlier search: search.warm_from is missing",
                "Name a search (nas runs --command search), or take linas, which begins cold.");
  }
}

std::string algorithm_names() {
  std::string names = kAutoAlgorithm;
  for (const AlgorithmInfo& info : search_algorithms()) names += ", " + info.name;
  return names;
}

}  // namespace

SearchOptions::SearchOptions() {
  objectives.yaml = "[maximize: accuracy, minimize: macs]";
}

void describe(Binder& b, SearchOptions& o) {
  b.value("algorithm",
          o.algorithm,
          "Search algorithm: " + algorithm_names() +
              "; auto: ehvi where evaluations are few, else nsga2 (nas help searches)")
      .check([&o] {
        if (o.algorithm == kAutoAlgorithm) return std::string();
        return problem_of([&] { search_algorithm(o.algorithm); });
      });
  b.value("population", o.population, "Architectures per generation")
      .range(1, 100000)
      .check([&o]() -> std::string {
        const std::string name = o.algorithm == kAutoAlgorithm ? "nsga2" : o.algorithm;
        for (const AlgorithmInfo& info : search_algorithms())
          if (info.name == name) return info.population_problem(o.population);
        return "";
      });
  b.choice("initial",
           o.initial,
           {{"choices", Initial::kChoices}, {"architectures", Initial::kArchitectures}},
           "What random draws are uniform over: the options of each choice, or all architectures "
           "(where depth is a choice, nearly all of these are deep)");
  b.list("fix",
         o.fix,
         "The part of the space to search: terms such as stage1.depth=2, op3=conv3|skip or "
         "layer0!=none, with choices and options as nas space show lists them, * for any "
         "characters in the name of a choice");
  b.value("generations", o.generations, "Budget in generations (default: none)").range(1, 1e9);
  b.value("evaluations",
          o.evaluations,
          "Budget in evaluations; every architecture counts once (default: none)")
      .range(1, 1e9);
  b.raw("objectives", o.objectives, "List of maximize: METRIC and minimize: METRIC");
  b.list("confirm",
         o.confirm,
         "Metrics whose direction is meant although their name says the opposite, such as "
         "latency_ms of maximize: latency_ms; without it that is refused");
  if (b.reading()) check_objectives(b, o);
  b.list("constraints",
         o.constraints,
         "Hard limits such as macs <= 20M, latency_ms < 5ms or accuracy >= 75%");
  b.list("reference",
         o.reference,
         "Reference point of the hypervolume, METRIC = VALUE for each objective (default: derived "
         "from the first generation; hypervolumes of two searches compare only if it is equal)");
  if (b.reading()) {
    check_each(b, "fix", o.fix, Restriction::check_form);
    check_each(b, "constraints", o.constraints, [](const std::string& t) { parse_constraint(t); });
    check_each(b, "reference", o.reference, [](const std::string& t) { parse_assignment(t); });
    if (!o.generations && !o.evaluations && spends_budget(o.algorithm))
      b.problem("evaluations",
                "a budget is needed: evaluations or generations (or both)",
                "For example: evaluations: 500");
  }
  b.value(
      "warm_from",
      o.warm_from,
      "linas, concurrent, ehvi: begin with the best of an earlier search of this space, perhaps "
      "on another device: id, name or last");
  if (b.reading()) check_warm(b, o);
  describe_algorithms(b, o.algorithms);
  b.value("reuse",
          o.reuse,
          "In a supernet: take values that other runs stored for the same weights and settings; "
          "they count as evaluations, so that the result is the same");
  b.value(
      "baseline", o.baseline, "Also run random search with as many evaluations, for comparison");
}

void describe(Binder& b, TableOptions& o) {
  b.value("file",
          o.file,
          "CSV with a header, JSON: an array of objects, or a compact file of nas bench convert");
  b.list("metrics",
         o.metrics,
         "METRIC or METRIC = COLUMN of the file (default: every column of numbers)");
  b.value("key", o.key, "Column of the architectures (default: architecture, else arch)");
  b.value("index_from",
          o.index_from,
          "The key numbers architectures in the order of nas space enumerate, the first with this "
          "number; -1: it holds their texts")
      .range(-1, 1e9);
  b.choice("repeats",
           o.repeats,
           {{"refuse", Repeats::kRefuse}, {"mean", Repeats::kMean}},
           "Rows that name one architecture with different values: a mistake, or measurements "
           "whose mean counts (METRIC_spread and METRIC_n keep spread and number)");
  b.value("known_only",
          o.known_only,
          "Search among the networks that have a row; what is proposed outside is replaced by the "
          "nearest of them");
}

void describe(Binder& b, ExternalOptions& o) {
  b.value("command",
          o.command,
          "Shell command; reads architectures as JSON lines, answers with JSON lines (nas help "
          "evaluators)");
  b.value("folder", o.folder, "Where it runs; empty: in the folder where the search begins");
  b.list("metrics", o.metrics, "Metrics that every answer holds");
  if (b.reading())
    for (const std::string& problem : answer_name_problems(o.metrics))
      b.problem("metrics", problem, "Choose other names; the program has to use them too.");
  b.value("timeout_s", o.timeout_s, "Longest wait for the next answer").range(0.01, 1e7).unit("s");
  b.value(
       "finish_s", o.finish_s, "Longest wait for its end after its last answer; then it is ended")
      .range(0, 1e6)
      .unit("s");
  b.choice("lifetime",
           o.lifetime,
           {{"batch", ExternalLifetime::kBatch}, {"run", ExternalLifetime::kRun}},
           "batch: started for every evaluator.batch architectures, its input ends after the last; "
           "run: started once, its input stays open (it must flush every answer)");
  b.value("workers",
          o.workers,
          "Processes of the command side by side; each gets a part of every evaluator.batch")
      .range(1, 256);
}

void describe(Binder& b, ToldOptions& o) {
  b.list("metrics", o.metrics, "Metrics that every answer holds");
  if (b.reading())
    for (const std::string& problem : answer_name_problems(o.metrics))
      b.problem("metrics", problem, "Choose other names.");
}

void describe(Binder& b, EvaluatorOptions& o) {
  b.choice(
      "kind",
      o.kind,
      {{"supernet", EvaluatorKind::kSupernet},
       {"table", EvaluatorKind::kTable},
       {"external", EvaluatorKind::kExternal},
       {"told", EvaluatorKind::kTold},
       {"none", EvaluatorKind::kNone}},
      "Where the truth about an architecture comes from; none: nothing is measured, objectives "
      "and limits are free costs");
  b.value("run", o.run, "supernet: training run by id, name or last");
  b.list("set",
         o.set,
         "supernet: changes to the run's configuration while it is judged, such as "
         "evaluate.images=500");
  b.value("batch", o.batch, "Architectures per call; results are stored after each").range(1, 1e6);
  b.section("table", o.table, "table: published values");
  b.section("external", o.external, "external: a program of yours");
  b.section("told", o.told, "told: values that come by nas tell");
  b.value("latency_table",
          o.latency_table,
          "Latency table for the metric latency_ms: id, last or a file (see nas measure)");
  b.value("latency_batch",
          o.latency_batch,
          "Images at once in the latency table: latency_ms is the time of all of them")
      .range(1, 1e6);
  if (!b.reading()) return;
  if (o.kind == EvaluatorKind::kTable && o.table.file.empty())
    b.problem("kind", "table needs evaluator.table.file", "Name a CSV or JSON file.");
  if (o.kind == EvaluatorKind::kExternal && o.external.command.empty())
    b.problem("kind", "external needs evaluator.external.command", "Name the command to run.");
  if ((o.kind == EvaluatorKind::kExternal && o.external.metrics.empty()) ||
      (o.kind == EvaluatorKind::kTold && o.told.metrics.empty()))
    b.problem("kind", "at least one metric is needed", "");
}

std::vector<Objective> parse_objectives(const Binder::Raw& raw) {
  std::vector<Objective> objectives;
  try {
    const YAML::Node list = YAML::Load(raw.yaml);
    if (!list.IsSequence()) refuse_objective(raw, "expected a list");
    for (const YAML::Node& item : list) {
      if (item.IsScalar()) {
        objectives.push_back(objective_of(raw, item.Scalar()));
        continue;
      }
      if (!item.IsMap() || item.size() != 1 || !item.begin()->second.IsScalar())
        refuse_objective(raw, "every item is maximize: METRIC or minimize: METRIC");
      objectives.push_back(
          objective_of(raw, item.begin()->first.Scalar(), item.begin()->second.Scalar()));
    }
  } catch (const YAML::Exception& e) {
    refuse_objective(raw, std::string("cannot be read: ") + e.what());
  }
  if (objectives.empty()) refuse_objective(raw, "at least one objective is needed");
  return objectives;
}

void describe(Binder& b, SearchConfig& o) {
  b.raw("space",
        o.space,
        "Search space (all evaluators but supernet): a name, a path, or a mapping with `family`");
  b.section("search", o.search, "What is searched for, how, and how long");
  b.section("evaluator", o.evaluator, "Where the quality of an architecture comes from");
  b.value("seed", o.seed, "Seed of every random decision of the search");
  // Of a table the values tell; of a program those metrics that have one meaning here.
  if (!b.reading() || o.evaluator.kind == EvaluatorKind::kTable) return;
  for (const std::string& text : o.search.constraints) {
    Constraint limit;
    try {
      limit = parse_constraint(text);
    } catch (const ConfigError&) {
      continue;  // Told where the section was read.
    }
    if (o.evaluator.answered() && find_metric(limit.metric) == nullptr) continue;
    try {
      resolve_limit(limit, ValueScale::kOurs, "constraints");
    } catch (const ConfigError& e) {
      b.problem("search", e.problems().front().message, e.problems().front().hint);
    }
  }
}

std::vector<Constraint> resolved_limits(const SearchOptions& search,
                                        const KnownOf& known,
                                        std::vector<std::string>& notes) {
  std::vector<Constraint> limits;
  for (const std::string& text : search.constraints) {
    const Constraint limit = parse_constraint(text);
    limits.push_back(resolve_limit(limit, known(limit.metric), "search.constraints", &notes));
  }
  refuse_contradictions(limits, "search.constraints");
  return limits;
}

std::map<std::string, double> resolved_reference(const SearchOptions& search,
                                                 const KnownOf& known) {
  std::map<std::string, double> point;
  for (const std::string& text : search.reference) {
    const Constraint value = parse_assignment(text);
    point.emplace(value.metric, resolve_reference(value, known(value.metric), "search.reference"));
  }
  return point;
}

SearchSettings to_settings(const SearchOptions& search,
                           const EvaluatorOptions& evaluator,
                           uint64_t seed) {
  SearchSettings settings;
  settings.algorithm = search.algorithm;
  settings.population = search.population;
  settings.initial = search.initial;
  if (search.generations) settings.generations = *search.generations;
  if (search.evaluations) settings.evaluations = *search.evaluations;
  settings.seed = seed;
  settings.goal.objectives = parse_objectives(search.objectives);
  for (const std::string& text : search.constraints)
    settings.goal.constraints.push_back(parse_constraint(text));
  for (const std::string& text : search.reference)
    settings.reference.emplace(parse_assignment(text).metric, parse_assignment(text).bound);
  settings.batch = evaluator.batch;
  settings.options = search.algorithms;
  return settings;
}

}  // namespace nas
