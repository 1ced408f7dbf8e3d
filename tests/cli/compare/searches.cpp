#include "compare/searches.hpp"

#include <nlohmann/json.hpp>

#include "spaces/random.hpp"
#include "spaces/registry.hpp"

namespace nas::test {
namespace {

using Json = nlohmann::json;

RunRow row_of(const std::string& id, const std::string& name, uint64_t seed) {
  RunRow row;
  row.id = id;
  row.name = name;
  row.seed = seed;
  row.status = "running";
  row.space = row.space_yaml = "resnet20-pool";
  row.fingerprint = load_space("resnet20-pool")->fingerprint();
  row.versions_json = "{}";
  return row;
}

}  // namespace

void add_search(Store& store, const MadeSearch& s) {
  RunRow row = row_of(s.id, s.name, s.seed);
  row.command = "search";
  row.parent = s.parent;
  if (s.space != row.space) {
    row.space = s.space;
    row.fingerprint = "another";
  }
  std::string limits;
  for (const std::string& limit : s.constraints)
    limits += (limits.empty() ? "'" : ", '") + limit + "'";
  row.config_yaml =
      "search:\n  algorithm: random\n  evaluations: 10\n"
      "  objectives: [maximize: accuracy, minimize: macs]\n  constraints: [" +
      limits + "]\nevaluator:\n  kind: supernet\n  run: x\nseed: " + std::to_string(s.seed) + "\n";
  store.add_run(row);
  std::vector<EvaluationRow> rows;
  for (const Tried& t : s.tried) {
    rows.push_back({s.id, t.architecture, "accuracy", t.accuracy, s.source, s.fidelity});
    rows.push_back({s.id, t.architecture, "macs", t.macs, "plan", "{}"});
  }
  store.add_evaluations(rows);
  if (s.status == "finished")
    store.finish_run(s.id, "finished");
  else
    store.set_run_status(s.id, s.status);
}

void add_training(Store& store, const MadeTraining& t) {
  RunRow row = row_of(t.id, t.name, t.seed);
  row.command = "train";
  row.config_yaml = "space: resnet20-pool\nevaluate: {split: validation, images: 0}\n";
  store.add_run(row);
  store.add_splits({{t.id, "validation", t.split_hash, 1000}});
  store.add_metrics(t.id,
                    {{1, "train.macs", t.macs / 2},
                     {2, "train.macs", t.macs},
                     {1, "train.loss", 1.5},
                     {2, "train.loss", 1.2},
                     {2, "train.accuracy", 0.6}});
  std::vector<EvaluationRow> rows;
  for (const auto& [architecture, accuracy] : t.accuracies)
    rows.push_back({t.id, architecture, "accuracy", accuracy, "supernet", t.fidelity});
  store.add_evaluations(rows);
  store.finish_run(t.id, "finished");
}

void add_ranking(Store& store,
                 const std::string& run,
                 const std::vector<Ranked>& rows,
                 const std::string& ranker) {
  Json document{{"schema", "nas-rank/1"},
                {"truth", "truth.csv"},
                {"column", "accuracy"},
                {"direction", "higher is better"},
                {"n", rows.size()},
                {"level", 0.95},
                {"differences", Json::array()},
                {"rankers",
                 {{{"ranker", ranker},
                   {"run", run},
                   {"tau_b", 0.5},
                   {"tau_b_interval", {0.1, 0.8}},
                   {"spearman", 0.6},
                   {"spearman_interval", {0.2, 0.9}}},
                  {{"ranker", "macs"},
                   {"tau_b", 0.4},
                   {"tau_b_interval", {0.1, 0.7}},
                   {"spearman", 0.5},
                   {"spearman_interval", {0.2, 0.8}}}}}};
  for (const Ranked& r : rows)
    document["architectures"].push_back({{"architecture", r.architecture},
                                         {"truth", r.truth},
                                         {"predicted", {{ranker, r.predicted}, {"macs", 1.0}}}});
  store.set_document(run, "ranking", document.dump());
}

std::vector<Tried> some_tried(size_t n, double mean, uint64_t seed) {
  const auto space = load_space("resnet20-pool");
  std::vector<std::string> all;
  space->enumerate([&](const Architecture& a) {
    all.push_back(space->text(a));
    return true;
  });
  Rng rng(seed, "some-tried");
  rng.shuffle(all);
  std::vector<Tried> list;
  for (size_t i = 0; i < std::min(n, all.size()); ++i) {
    const double cost = 0.5 + rng.uniform();
    list.push_back({all[i], mean + 0.05 * cost + 0.02 * rng.normal(), 1e6 * cost});
  }
  return list;
}

}  // namespace nas::test
