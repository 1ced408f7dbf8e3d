// nas search: the best architectures of a space under limits; resumable after every generation.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "cli/report/search_report.hpp"
#include "cli/runs/fix.hpp"
#include "cli/runs/latency.hpp"
#include "cli/runs/results/provenance.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/runs/run_sets.hpp"
#include "cli/runs/search_checks.hpp"
#include "cli/runs/search_reuse.hpp"
#include "cli/search/parts.hpp"
#include "cli/search/told.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/torch_services.hpp"
#include "cli/validators.hpp"
#include "cli/version.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/feasibility.hpp"
#include "search/search_options.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;
constexpr const char* kBaseline = ":random";  ///< Marks the source of the baseline's values.

struct SearchArguments {
  Common common;
  std::string run, resume, name, algorithm, latency_table;
  std::vector<std::string> constraints, fix;
  int evaluations = 0;
  int64_t latency_batch = 0;
  bool dry_run = false;
};

SearchConfig read_config(const SearchArguments& o) {
  if (o.common.config.empty() && o.common.sets.empty() && o.run.empty())
    throw ConfigError("nas search needs --config FILE, --run RUN or --resume SEARCH",
                      "try --config quickstart/search (nas list configs names more)");
  // Some are about how the supernet is judged: they are kept with the search, for its resuming.
  std::vector<std::string> sets, judging;
  for (const std::string& set : o.common.sets) (is_run_set(set) ? judging : sets).push_back(set);
  if (!o.algorithm.empty()) sets.push_back("search.algorithm=" + o.algorithm);
  if (o.evaluations > 0) sets.push_back("search.evaluations=" + std::to_string(o.evaluations));
  const bool budget = std::any_of(sets.begin(), sets.end(), [](const std::string& set) {
    return set.starts_with("search.evaluations=") || set.starts_with("search.generations=");
  });
  if (o.common.config.empty() && !budget) sets.push_back("search.evaluations=512");
  auto config = read_yaml_as<SearchConfig>(yaml_file(o.common.config, sets));
  if (!o.run.empty()) {
    config.evaluator.kind = EvaluatorKind::kSupernet;
    config.evaluator.run = o.run;
  }
  for (const std::string& set : judging) config.evaluator.set.push_back(set);
  if (!config.evaluator.set.empty() && config.evaluator.kind != EvaluatorKind::kSupernet)
    throw ConfigError(config.evaluator.set.front() +
                          " changes how a supernet is judged, but the "
                          "evaluator is not one",
                      "leave it out");
  if (!o.latency_table.empty()) config.evaluator.latency_table = o.latency_table;
  if (o.latency_batch > 0) config.evaluator.latency_batch = o.latency_batch;
  for (const std::string& text : o.constraints) config.search.constraints.push_back(text);
  for (const std::string& term : o.fix) config.search.fix.push_back(term);
  if (o.common.seed_given) config.seed = o.common.seed;
  // A search is gone on with from any folder.
  const bool typed = std::any_of(sets.begin(), sets.end(), [](const std::string& set) {
    return set.starts_with("evaluator.table.file=") || set.starts_with("evaluator.table=") ||
           set.starts_with("evaluator=");
  });
  config.evaluator.table.file =
      absolute_place(config.evaluator.table.file, typed ? "" : o.common.config);
  if (config.evaluator.kind == EvaluatorKind::kExternal)
    config.evaluator.external.folder =
        (std::filesystem::current_path() / config.evaluator.external.folder).lexically_normal();
  config.space = absolute_space(config.space);
  return config;
}

std::string budget_text(const SearchSettings& s, const Search& search) {
  std::string text = "generation " + std::to_string(search.generations());
  if (s.generations) text += "/" + std::to_string(*s.generations);
  const Archive& archive = search.archive();
  text += "  evaluations " + std::to_string(archive.evaluations());
  if (s.evaluations) text += "/" + std::to_string(*s.evaluations);
  text += "  front " + std::to_string(archive.front().size());
  if (!archive.any_feasible()) return text + "  nothing feasible yet";
  const Objective& first = s.goal.objectives.front();
  const Archive::Entry* best = nullptr;
  for (const Archive::Entry* entry : archive.front())
    if (best == nullptr || entry->score.objectives[0] < best->score.objectives[0]) best = entry;
  if (best != nullptr)
    text +=
        "  best " + first.metric + " " + format_number(best->score.objectives[0] * first.sign());
  // Its reference point follows from the first generation.
  if (!search.reference().empty())
    text += "  hypervolume " + format_number(search.current_hypervolume());
  return text;
}

/// Evaluations that are to come at most: the budget, or the space where that is smaller.
int64_t planned(const Search& search, const Common& common) {
  const SearchSettings& s = search.settings();
  int64_t most = s.evaluations.value_or(std::numeric_limits<int64_t>::max());
  if (s.generations) most = std::min(most, *s.generations * s.population);
  const std::optional<size_t> networks = search.networks();
  if (!networks || static_cast<int64_t>(*networks) > most) return most;
  note(common,
       "the space has " + std::to_string(*networks) + " networks" +
           (search.domain().whole() ? "" : " with " + search.domain().restriction().text()) +
           (s.goal.constraints.empty() ? "" : " within the limits on free costs") +
           ": the search evaluates them all, then stops");
  return static_cast<int64_t>(*networks);
}

/// Runs to the end of the budget; every generation is stored whole.
void run_search(Search& search,
                Store& store,
                const RunRow& row,
                const SearchConfig& config,
                const Common& common) {
  const SearchSettings& s = search.settings();
  bool odd_limits_told = false;
  Progress progress(common, "search", planned(search, common));
  progress.update(static_cast<int64_t>(search.archive().evaluations()), budget_text(s, search));
  search.stop = [] { return stop_requested(); };
  search.on_evaluated = [&](const Search::Entries& entries) {
    std::vector<EvaluationRow> rows;
    for (const Archive::Entry* entry : entries)
      for (EvaluationRow& r : search.rows(row.id, *entry)) rows.push_back(std::move(r));
    store.add_evaluations(rows);
    store.heartbeat(row.id);
    // After the first batch, not at the end of the budget.
    if (!odd_limits_told) odd_limits_told = tell_odd_limits(config, search.archive());
    progress.update(static_cast<int64_t>(search.archive().evaluations()), budget_text(s, search));
  };
  while (!search.done()) {
    search.step();
    store.add_generation(
        row.id, {search.generations(), search.state_json()}, {}, search.telemetry());
    progress.update(static_cast<int64_t>(search.archive().evaluations()),
                    budget_text(s, search),
                    /*milestone=*/true);
  }
}

/// Random search with as many evaluations and the same reference point.
Json run_baseline(const SearchParts& parts,
                  const Search& main,
                  Store& store,
                  const RunRow& row,
                  const Common& common) {
  SearchSettings settings = parts.settings;
  settings.algorithm = "random";
  settings.evaluations = static_cast<int64_t>(main.archive().evaluations());
  settings.generations.reset();
  const auto& objectives = settings.goal.objectives;
  for (size_t k = 0; k < objectives.size() && k < main.reference().size(); ++k)
    settings.reference[objectives[k].metric] = main.reference()[k] * objectives[k].sign();
  Search search(*parts.domain, *parts.evaluator, *parts.costs, settings);
  const std::vector<EvaluationRow> stored = store.evaluations(row.id);
  for (const std::string suffix : {"", kBaseline})
    for (auto& [a, evaluation] : search.known_from(stored, suffix)) search.know(a, evaluation);
  Progress progress(common, "baseline", *settings.evaluations);
  progress.update(0, "random search");
  search.stop = [] { return stop_requested(); };
  search.on_evaluated = [&](const Search::Entries& entries) {
    std::vector<EvaluationRow> rows;
    for (const Archive::Entry* entry : entries)
      for (EvaluationRow& r : search.rows(row.id, *entry, kBaseline)) rows.push_back(std::move(r));
    store.add_evaluations(rows);
    progress.update(static_cast<int64_t>(search.archive().evaluations()),
                    budget_text(settings, search));
  };
  while (!search.done()) search.step();
  return search_document(search, *parts.space, row);
}

void dry_run(const SearchArguments& o, const SearchConfig& config, const SearchParts& parts) {
  Rng rng(config.seed, "dry-run");
  std::vector<Constraint> free;
  for (const Constraint& c : parts.settings.goal.constraints)
    if (parts.costs->knows(c.metric)) free.push_back(c);
  const CostLimits limits(*parts.costs, free, *parts.domain);
  const ArchitectureSampler sampler(limits, parts.settings.initial, parts.witness, config.seed);
  std::vector<Architecture> sample;
  for (int i = 0; i < 3; ++i) sample.push_back(parts.domain->canonical(sampler.draw(rng)));
  const auto start = Clock::now();
  const std::vector<Evaluation> tried = parts.evaluator->evaluate(sample);
  for (size_t i = 0; i < tried.size(); ++i) {
    if (tried[i].stopped) throw Interrupted("stopped");
    if (!tried[i].error.empty())
      warning(parts.space->text(sample[i]) + " failed: " + tried[i].error);
  }
  const double each = std::chrono::duration<double>(Clock::now() - start).count() / 3;
  const double most = static_cast<double>(config.search.evaluations.value_or(
      config.search.generations.value_or(1) * config.search.population));
  const Json json{{"schema", "nas-search-dry-run/1"},
                  {"space", parts.domain->name()},
                  {"architectures", parts.domain->count().str()},
                  {"evaluations", most},
                  {"seconds_per_evaluation", each},
                  {"seconds_estimated", each * most}};
  if (o.common.json) return print(json_text(json));
  Table table({"search", parts.domain->name()});
  table.row({"architectures", parts.domain->count().str()});
  table.row({"evaluations at most", format_number(most, 6)});
  table.row({"seconds per evaluation", format_number(each)});
  table.row({"time at most", format_seconds(each * most)});
  print(table.text());
}

RunRow new_row(const SearchArguments& o,
               const Store& store,
               SearchConfig& config,
               const SearchParts& parts,
               const RunRow& supernet,
               const std::string& algorithm_why) {
  RunRow row;
  row.id = new_run_id("search");
  row.command = "search";
  row.name = o.name;
  row.status = "running";
  row.config_yaml = write_yaml([&](Binder& b) { describe(b, config); });
  row.space = parts.space->name();
  row.space_yaml = supernet.id.empty() ? config.space.yaml : supernet.space_yaml;
  row.fingerprint = parts.space->fingerprint();
  row.seed = config.seed;
  row.parent = supernet.id;
  Json versions = Json::object();
  for (const auto& [name, value] : build_facts()) versions[name] = value;
  // With the row, so that no kill comes between.
  if (!algorithm_why.empty()) versions["algorithm_why"] = algorithm_why;
  row.versions_json = json_line(versions);
  row.directory = store.folder_of(row.id);
  return row;
}

/// The search that --resume names, and its configuration.
RunRow resumed_row(const SearchArguments& o, const Store& store, SearchConfig& config) {
  if (!o.common.config.empty() || !other_sets(o.common.sets).empty() || !o.run.empty() ||
      o.common.seed_given || !o.constraints.empty() || !o.fix.empty() || !o.latency_table.empty() ||
      o.latency_batch > 0 || !o.algorithm.empty() || o.evaluations > 0)
    throw ConfigError("a resumed search keeps its configuration", "give --resume alone");
  const auto found = store.run(o.resume, "search");
  if (!found)
    throw ConfigError(
        "there is no search '" + o.resume + "' in " + store.path(),
        "`" + suggested({"runs", "--command", "search"}, store.path()) + "` lists them");
  // Before a supernet is loaded; whether another process works on it is seen when it is claimed.
  if (found->status == "finished" && !o.dry_run)
    throw ConfigError("run '" + found->id + "' is finished and is never overwritten",
                      "Start a new run to go further.");
  config = read_yaml_as<SearchConfig>(stored_config(*found));
  return *found;
}

/// What a latency table or predictor said of the networks so far, it says of them now: a file that
/// was replaced would give one search two scales.
void require_same_costs(const SearchParts& parts,
                        const SearchConfig& config,
                        const std::vector<EvaluationRow>& stored) {
  constexpr double kRounding = 1e-9;
  const CostModel& costs = *parts.costs;
  for (const EvaluationRow& e : stored) {
    if (e.status != "ok" || !costs.knows(e.metric) || e.source != costs.source(e.metric)) continue;
    const double now = costs.of(parts.space->parse(e.architecture)).at(e.metric);
    if (std::abs(now - e.value) <= kRounding * std::abs(e.value)) continue;
    throw ConfigError(
        e.metric + " of " + e.architecture + " was " + format_number(e.value, 6) +
            " when this search evaluated it, and is " + format_number(now, 6) + " now: " +
            (e.source == "plan"
                 ? "the costs of its networks"
                 : "latency table or predictor " + printable(config.evaluator.latency_table)) +
            " changed since",
        "Put the old one back and resume, or begin a new search.");
  }
}

void restore(const SearchParts& parts,
             const SearchConfig& config,
             Search& search,
             Store& store,
             const RunRow& row,
             const Common& common) {
  Evaluator& evaluator = *parts.evaluator;
  const auto state = store.search_state(row.id);
  const std::vector<EvaluationRow> stored = store.evaluations(row.id);
  require_same_costs(parts, config, stored);
  const auto known = search.known_from(stored);
  if (auto* program = dynamic_cast<ExternalEvaluator*>(&evaluator))
    for (const auto& [a, evaluation] : known) program->know(a, evaluation);
  if (state)
    search.restore(state->state_json, known);
  else
    for (const auto& [a, evaluation] : known) search.know(a, evaluation);
  store.truncate_metrics(row.id, search.generations() + 1);
  note(common,
       "search " + row.id + ": resumed after generation " + std::to_string(search.generations()));
}

/// Searches, stores and prints; the run is claimed by this process.
int carry_out(const SearchArguments& o,
              const SearchConfig& config,
              const SearchParts& parts,
              Search& search,
              Store& store,
              const RunRow& row) {
  const auto start = Clock::now();
  if (config.search.reuse && config.evaluator.kind == EvaluatorKind::kSupernet)
    know_stored(search, store, row.parent, row.id);
  if (!o.resume.empty()) restore(parts, config, search, store, row, o.common);
  auto* told = dynamic_cast<ToldEvaluator*>(parts.evaluator.get());
  if (told != nullptr) take_answers(*told, *parts.space, store, row.id);
  try {
    run_search(search, store, row, config, o.common);
  } catch (const Interrupted&) {
    if (told == nullptr || told->waiting().empty() || stop_requested()) throw;
    const AskedQuestions asked =
        put_questions(*told, *parts.space, store, row, search.archive().evaluations());
    store.set_run_status(row.id, "interrupted");
    print_questions(asked, o.common);
    return kExitOk;
  }
  Common hinting = o.common;
  hinting.sets = config.evaluator.set;  // Wherever these were given.
  Json document = search_document(search, *parts.space, row);
  // Of the process that began the search, which this one may go on with.
  const Json versions = Json::parse(row.versions_json, nullptr, /*allow_exceptions=*/false);
  if (versions.is_object() && versions.contains("algorithm_why"))
    document["algorithm_why"] = versions["algorithm_why"];
  if (!parts.latency.is_null()) document["latency"] = parts.latency;
  if (config.search.baseline && told == nullptr)  // Nobody is asked for more.
    document["baseline"] = run_baseline(parts, search, store, row, o.common);
  store.set_document(row.id, "front", json_line(document));
  document["seconds"] = std::chrono::duration<double>(Clock::now() - start).count();
  if (o.common.json)
    print(json_text(document));
  else
    print_search(document, search, row, hinting);
  require_successes(search.archive(), *parts.space);
  keep_provenance(store, row);
  store.finish_run(row.id, "finished");
  return search.archive().any_feasible() ? kExitOk : kExitNothingFeasible;
}

/// A configuration may name the supernet's space, but not another one.
void require_same_space(const SearchConfig& config, const RunRow& supernet) {
  if (config.space.yaml.empty() && !config.space.tree) return;
  if (open_space(config.space)->has_fingerprint(supernet.fingerprint)) return;
  throw ConfigError("the configuration's `space:` is not that of run " + supernet.id + " (" +
                        supernet.space + "), whose supernet judges",
                    "leave `space:` out, name another run with --run, or set evaluator.kind");
}

int search(const SearchArguments& o) {
  SearchConfig config;
  std::error_code ignored;
  // A pipe can be read only once: by nas-torch, which a supernet needs.
  if (!o.common.config.empty() && !std::filesystem::is_regular_file(o.common.config, ignored) &&
      !torch_binary().empty())
    need_torch();
  if (o.resume.empty()) config = read_config(o);
  Store store(o.common.db);
  if (o.resume.empty()) tell_taken_name(store, o.name);
  RunRow row;
  if (!o.resume.empty()) {
    row = resumed_row(o, store, config);
    // Where the data lie now.
    for (const std::string& set : data_sets(o.common.sets)) config.evaluator.set.push_back(set);
  }
  // `last` would mean another one tomorrow.
  if (std::string& warm = config.search.warm_from; !warm.empty()) warm = warm_run(store, warm).id;
  RunRow supernet;
  Binder::Raw space = config.space;
  if (config.evaluator.kind == EvaluatorKind::kSupernet) {
    supernet = supernet_of(store, config.evaluator.run);
    config.evaluator.run = supernet.id;  // `last` would mean another run tomorrow.
    space = space_of_run(store, supernet);
    require_same_space(config, supernet);
    config.search.fix = with_trained_part(config.search.fix, supernet);
    need_torch();
  } else if (space.yaml.empty()) {
    throw ConfigError("this search needs a `space:` (only a supernet's run names its own)",
                      "add `space: NAME` to the configuration");
  }
  const SearchParts parts = make_parts(config, space, store, o.common);
  if (!o.resume.empty() && !parts.space->has_fingerprint(row.fingerprint))
    throw DataError(
        "search " + row.id + " began in another version of the space '" + row.space +
        "' (its fingerprint has changed), so its results cannot be mixed with new ones: "
        "bring the file back to what it was, or start a new search");
  if (o.dry_run) {
    dry_run(o, config, parts);
    return kExitOk;
  }
  // Before it is claimed: a search whose values are of other weights than new ones is refused.
  if (!o.resume.empty()) resumable_rows(store, row, supernet, *parts.evaluator, o.common);
  Search search(*parts.domain, *parts.evaluator, *parts.costs, parts.settings);
  if (!search.algorithm_why().empty()) {
    // Another version may choose otherwise: a search that is resumed keeps what it began with.
    config.search.algorithm = search.settings().algorithm;
    note(o.common,
         "search.algorithm auto: " + config.search.algorithm + ", because " +
             search.algorithm_why());
  }
  throw_if_stopped();
  const SavesOnStop saves;
  // Only now that all is there: what cannot be opened leaves no run behind that seems to go on.
  if (o.resume.empty()) {
    row = new_row(o, store, config, parts, supernet, search.algorithm_why());
    store.add_run(row);
    note(o.common,
         "search " + row.id + " of " + parts.domain->name() +
             (supernet.id.empty() ? "" : " in the supernet of " + supernet.id));
  } else {
    store.claim_run(row.id);
  }
  try {
    return carry_out(o, config, parts, search, store, row);
  } catch (const Interrupted& e) {
    store.set_run_status(row.id, "interrupted");
    throw Interrupted(std::string(e.what()) + "; saved. Resume with: " +
                      suggested({"search", "--resume", row.id}, o.common));
  } catch (const std::exception& e) {
    record_failure(store, row.id, e);
    throw;
  }
}

}  // namespace

int run_search(const std::vector<std::string>& args) {
  SearchArguments o;
  CLI::App app("Find the best architectures of a space under limits", "nas search");
  app.footer(
      "nas search --config quickstart/search --run digits\n"
      "nas search --run last --constraint 'macs <= 1M' --evaluations 200\n"
      "nas search --config search.yaml --algorithm random --json\n"
      "nas search --run last --fix stage1.depth=2 --fix 'stage2.*!=conv5' --evaluations 100\n"
      "nas search --resume last");
  app.add_option("--run", o.run, "Training run whose supernet judges: id, name or last");
  app.add_option("--resume", o.resume, "Go on with an interrupted search: id, name or last");
  app.add_option("--name", o.name, "A name to find the search by");
  app.add_option("--algorithm", o.algorithm, "Search algorithm (overrides `search.algorithm`)");
  app.add_option("--constraint", o.constraints, "A further limit, e.g. 'macs <= 20M'; repeatable")
      ->allow_extra_args(false);
  add_fix(app, o.fix);
  app.add_option("--latency-table",
                 o.latency_table,
                 "Gives the metric latency_ms: id of `nas measure`, last, or a file");
  app.add_option("--latency-batch",
                 o.latency_batch,
                 "Images at once in that table (default 1): latency_ms is the time of all of them")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--evaluations", o.evaluations, "Budget in evaluated architectures")
      ->check(positive_number());
  app.add_flag("--dry-run", o.dry_run, "Check everything, time 3 evaluations; writes nothing");
  add_common(app, o.common, kTakesDb | kTakesConfig | kTakesSets | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  o.name = checked_name(o.name);
  return search(o);
}

}  // namespace nas::cli
