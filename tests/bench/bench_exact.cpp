// Speed of exact answers: bench_exact SPACE macs|params LIMIT [REPEATS [FILE]]. Processor seconds
// of each step (median over the repeats), one line of JSON. The additive surrogate of the fronts
// has random rising scores for the options of each choice, like scores of blocks. FILE: the problem
// of the optimum under one limit as tables, for other programs (exact_vs_pulp.py).
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

/// Rows of each term: key, score, cost, and the key of each child; all as whole numbers.
void write_problem(const char* file, const exact::Terms& terms, int64_t limit, int64_t best) {
  FILE* out = std::fopen(file, "w");
  if (out == nullptr) throw std::runtime_error(std::string("cannot write ") + file);
  std::fprintf(
      out,
      "{\"limit\": %lld, \"cost_constant\": %lld, \"score_constant\": %lld, \"best\": %lld, "
      "\"terms\": [",
      static_cast<long long>(limit),
      static_cast<long long>(terms.units()[0].constant),
      static_cast<long long>(terms.units()[1].constant),
      static_cast<long long>(best));
  for (const exact::Term& term : terms.terms()) {
    std::fprintf(out,
                 "%s\n{\"root\": %d, \"children\": [",
                 &term == terms.terms().data() ? "" : ",",
                 term.parent == exact::kNone ? 1 : 0);
    for (size_t i = 0; i < term.children.size(); ++i)
      std::fprintf(out, "%s%zu", i == 0 ? "" : ", ", term.children[i]);
    std::fprintf(out, "], \"rows\": [");
    for (size_t key = 0; key < term.key_count(); ++key)
      for (size_t r = term.first[key]; r < term.first[key + 1]; ++r) {
        std::fprintf(out,
                     "%s[%zu, %lld, %lld",
                     r == 0 ? "" : ", ",
                     key,
                     static_cast<long long>(terms.value(term, r, 1)),
                     static_cast<long long>(terms.value(term, r, 0)));
        for (size_t i = 0; i < term.children.size(); ++i)
          std::fprintf(out, ", %u", term.keys[r * term.children.size() + i]);
        std::fprintf(out, "]");
      }
    std::fprintf(out, "]}");
  }
  std::fprintf(out, "]}\n");
  std::fclose(out);
}

void print_seconds(const char* space,
                   const std::string& metric,
                   const std::string& facts,
                   const std::string& count,
                   std::map<std::string, std::vector<double>>& seconds) {
  std::printf("{\"space\": \"%s\", \"metric\": \"%s\", %s, \"count\": \"%s\", \"seconds\": {",
              space,
              metric.c_str(),
              facts.c_str(),
              count.c_str());
  const char* comma = "";
  for (auto& [step, all] : seconds) {
    std::sort(all.begin(), all.end());
    std::printf("%s\"%s\": %.4f", comma, step.c_str(), all[all.size() / 2]);
    comma = ", ";
  }
  std::printf("}}\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_exact SPACE macs|params LIMIT [REPEATS [FILE]]\n");
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
    if (argc > 5 && r == 0 && one.solution)
      write_problem(argv[5], *all.terms, limit, one.solution->sums[1]);
    start = now();
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
  print_seconds(argv[1], name, facts, count, seconds);
  return 0;
}
