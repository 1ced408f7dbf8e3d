// Speed of exact answers: bench_exact SPACE macs|params LIMIT [REPEATS]. Processor seconds of each
// step (median over the repeats), one line of JSON. The additive surrogate of the fronts has random
// rising scores for the options of each choice, like scores of blocks.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>

#include "search/exact/distribution.hpp"
#include "search/exact/factorise.hpp"
#include "search/exact/front.hpp"
#include "spaces/registry.hpp"

namespace {

using namespace nas;

double now() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

exact::MetricFunction plan_metric(const Space& space, const std::string& name) {
  auto plan = std::make_shared<Plan>();
  return {name, [&space, name, plan](const Architecture& a) {
            space.build(a, *plan);
            const Cost cost = cost_of(*plan, space.counting());
            return static_cast<double>(name == "macs" ? cost.macs : cost.params);
          }};
}

exact::MetricFunction surrogate(const Space& space) {
  std::vector<std::vector<double>> scores;
  Rng rng(11, "surrogate");
  for (const Choice& choice : space.choices()) {
    std::vector<double> rising;
    for (size_t o = 0; o < choice.options.size(); ++o)
      rising.push_back((rising.empty() ? 0 : rising.back()) + rng.uniform());
    scores.push_back(std::move(rising));
  }
  return {"score", [&space, scores](const Architecture& a) {
            double sum = 0;
            for (size_t c = 0; c < scores.size(); ++c)
              if (space.active(a, c)) sum += scores[c][static_cast<size_t>(a.genes[c])];
            return sum;
          }};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_exact SPACE macs|params LIMIT [REPEATS]\n");
    return 2;
  }
  const auto space = load_space(argv[1]);
  const Domain domain(*space);
  const std::string name = argv[2], other = name == "macs" ? "params" : "macs";
  const auto limit = static_cast<int64_t>(std::atof(argv[3]));
  const int repeats = argc > 4 ? std::atoi(argv[4]) : 1;
  const exact::MetricFunction metric = plan_metric(*space, name);
  const exact::MetricFunction three[] = {metric, surrogate(*space), plan_metric(*space, other)};
  std::map<std::string, std::vector<double>> seconds;
  std::string count, facts;
  for (int r = 0; r < repeats; ++r) {
    double start = now();
    const auto lap = [&](const char* step) {
      seconds[step].push_back(now() - start);
      start = now();
    };
    const exact::Factorised found = exact::factorise(domain, {&metric, 1}, 0);
    if (!found.terms) {
      std::fprintf(stderr, "%s\n", found.why_not.c_str());
      return 1;
    }
    lap("factorise");
    const exact::Distribution spread(*found.terms, 0);
    const auto [least, most] = spread.range();
    std::vector<int64_t> edges{limit};
    for (int i = 1; i < 20; ++i) edges.push_back(least + (most - least) * i / 20);
    const std::vector<exact::Share> share = spread.shares(edges);
    lap("extremes, bounds, histogram");
    double widest = 0;
    for (const exact::Share& each : share) widest = std::max(widest, each.width());
    count = spread.count(least, limit).str();
    lap("count");
    const exact::Factorised all = exact::factorise(domain, three, 0);
    if (!all.terms) return 1;
    lap("factorise three metrics");
    const exact::Aim aims[] = {{0, 1}, {1, -1}};
    const size_t front = exact::front(*all.terms, aims).size();
    lap("front");
    const exact::Limit limits[] = {{.metric = 0, .high = limit}, {.metric = 2}};
    const exact::Optimum one = exact::optimum(*all.terms, aims[1], {limits, 1});
    lap("optimum, one limit");
    exact::Limit both[] = {limits[0], limits[1]};
    if (one.solution) both[1].high = one.solution->sums[2] * 95 / 100;
    const exact::Optimum two = exact::optimum(*all.terms, aims[1], both);
    lap("optimum, two limits");
    const exact::Pool pool = exact::pool(*all.terms, aims[1], {limits, 1}, 10, 3);
    lap("pool of 10, distance 3");
    char text[256];
    std::snprintf(text,
                  sizeof text,
                  "\"share\": [%.6f, %.6f], \"widest\": %.6f, \"front\": %zu, \"proven\": [%d, %d, "
                  "%d], \"pool\": %zu",
                  share[0].low,
                  share[0].high,
                  widest,
                  front,
                  one.proven,
                  two.proven,
                  pool.proven,
                  pool.solutions.size());
    facts = text;
  }
  std::printf("{\"space\": \"%s\", \"metric\": \"%s\", %s, \"count\": \"%s\", \"seconds\": {",
              argv[1],
              name.c_str(),
              facts.c_str(),
              count.c_str());
  const char* comma = "";
  for (auto& [step, all] : seconds) {
    std::sort(all.begin(), all.end());
    std::printf("%s\"%s\": %.4f", comma, step.c_str(), all[all.size() / 2]);
    comma = ", ";
  }
  std::printf("}}\n");
  return 0;
}
