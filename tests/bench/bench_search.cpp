// Hypervolume of search algorithms against the number of true evaluations, over seeds:
//   bench_search s1 ALGORITHM[,ALGORITHM...] SEEDS [KEY=VALUE ...]
//   bench_search nb201 ALGORITHM[,...] SEEDS table=nasbench201_cifar10.csv [KEY=VALUE ...]
//   bench_search load TABLE SPACE ARCH     opening a table, its first answer, memory
//   bench_search inner [KEY=VALUE ...]     architecture evaluations a second of the inner search
// KEY: budget=250, points=50,100,150,200,250, first=0 (seed), initial=choices|architectures, each=1
// (prints every seed), cost=macs|params, narrow=ALGORITHM:EVALUATIONS (a search with the cost macs
// first, of another seed; what it favoured is searched), share=0.01 (of options that are kept), or
// any option of `search` such as population=48 or surrogate.predictor=svr. S1
// (tests/search/s1.hpp): M*pp, reference 70 % and 600 M MACs or 8 M parameters. NB201: test
// accuracy against MACs, reference 85 % and 200 M MACs or 2 M parameters, in M*pp. One line per
// algorithm and number of evaluations: median, 25th and 75th percentile, mean, sd, least; seconds
// of processor time per run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <stdexcept>

#include "../search/s1.hpp"
#include "search/algorithms/surrogate/inner_search.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/narrow/popular.hpp"
#include "search/search_options.hpp"

namespace {

using namespace nas;
using namespace nas::testing_s1;

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

struct Request {
  std::string benchmark;
  std::map<std::string, std::string> own{{"budget", "250"},
                                         {"points", "50,100,150,200,250"},
                                         {"first", "0"},
                                         {"each", "0"},
                                         {"cost", "macs"},
                                         {"narrow", ""},
                                         {"share", "0.01"},
                                         {"table", ""}};
  std::vector<std::string> sets;  ///< Of `search`.
  int64_t number(const std::string& key) const { return std::stoll(own.at(key)); }
};

std::map<std::string, double> reference_of(const Request& plan) {
  const bool s1 = plan.benchmark == "s1", macs = plan.own.at("cost") == "macs";
  return {{"accuracy", s1 ? 70 : 85},
          {plan.own.at("cost"), macs ? (s1 ? 600e6 : 200e6) : (s1 ? 8e6 : 2e6)}};
}

/// What the options of `search` say, with the goal of the benchmark.
SearchSettings settings_of(const Request& plan, const std::string& algorithm, uint64_t seed) {
  YamlSource source;
  source.sets = plan.sets;
  source.sets.push_back("algorithm=" + algorithm);
  const std::string& cost = plan.own.at("cost");
  source.sets.push_back(search_algorithm(algorithm).most_objectives == 1
                            ? "objectives=[{maximize: accuracy}]"
                            : "objectives=[{maximize: accuracy},{minimize: " + cost + "}]");
  source.sets.push_back("evaluations=" + plan.own.at("budget"));
  const auto options = read_yaml_as<SearchOptions>(source);
  SearchSettings settings = to_settings(options, EvaluatorOptions{}, seed);
  settings.reference = reference_of(plan);
  if (settings.goal.objectives.size() == 1) settings.reference.erase(cost);
  return settings;
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

struct Truth {
  std::unique_ptr<Space> space;
  std::unique_ptr<S1Truth> s1;
  std::unique_ptr<Evaluator> evaluator;
};

Truth truth_of(const Request& plan) {
  Truth truth;
  if (plan.benchmark == "s1") {
    truth.space = load_space("mobilenet");
    truth.s1 = std::make_unique<S1Truth>();
    truth.evaluator = std::make_unique<S1Evaluator>(*truth.space, *truth.s1);
    return truth;
  }
  truth.space = load_space("nasbench201");
  TableOptions table;
  table.file = plan.own.at("table");
  table.metrics = {"accuracy = cifar10_test_acc"};
  truth.evaluator = std::make_unique<TableEvaluator>(*truth.space, table);
  return truth;
}

/// What a search of another seed, with the cost macs, has come to favour.
Domain narrowed(const Request& plan, const Truth& truth, const CostModel& costs, uint64_t seed) {
  const std::string& text = plan.own.at("narrow");
  const size_t colon = text.find(':');
  Request source = plan;
  source.own["cost"] = "macs";
  source.own["budget"] = text.substr(colon + 1);
  Search search(Domain(*truth.space),
                *truth.evaluator,
                costs,
                settings_of(source, text.substr(0, colon), 1000 + seed));
  while (!search.done()) search.step();
  std::vector<Architecture> networks;
  for (const Archive::Entry& entry : search.archive().entries())
    networks.push_back(entry.architecture);
  return {*truth.space,
          popular_part(Domain(*truth.space),
                       networks,
                       {.clusters = {}, .least_share = std::stod(plan.own.at("share"))})
              .part};
}

void compare(const Request& plan, const std::string& algorithm, int64_t seeds) {
  const Truth truth = truth_of(plan);
  const CostModel costs(*truth.space);
  std::map<size_t, std::vector<double>> values;
  std::vector<size_t> points;
  for (const std::string& text : split(plan.own.at("points"))) points.push_back(std::stoul(text));
  const std::string& cost = plan.own.at("cost");
  const std::map<std::string, double> reference = reference_of(plan);
  std::clock_t ticks = 0;
  double log_share = 0;
  for (int64_t s = 0; s < seeds; ++s) {
    const auto seed = static_cast<uint64_t>(s + plan.number("first"));
    const SearchSettings settings = settings_of(plan, algorithm, seed);
    Domain domain(*truth.space);
    if (!plan.own.at("narrow").empty()) {
      domain = narrowed(plan, truth, costs, seed);
      log_share += static_cast<double>(std::log10(domain.count().to_long_double()) -
                                       std::log10(Domain(*truth.space).count().to_long_double()));
    }
    const std::clock_t start = std::clock();
    Search search(domain, *truth.evaluator, costs, settings);
    while (!search.done()) search.step();
    std::vector<Point> seen;
    size_t evaluations = 0;
    for (const Archive::Entry& entry : search.archive().entries()) {
      ++evaluations;
      if (entry.feasible()) seen.push_back({-entry.values.at("accuracy"), entry.values.at(cost)});
      if (std::find(points.begin(), points.end(), evaluations) != points.end())
        values[evaluations].push_back(
            hypervolume(seen, Point{-reference.at("accuracy"), reference.at(cost)}) / 1e6);
    }
    ticks += std::clock() - start;
  }
  const double seconds = static_cast<double>(ticks) / CLOCKS_PER_SEC;
  if (!plan.own.at("narrow").empty())
    std::printf("narrowed: 10^%.2f of the space\n", log_share / static_cast<double>(seeds));
  for (const auto& [evaluations, list] : values) {
    const auto n = static_cast<double>(list.size());
    const double mean = std::accumulate(list.begin(), list.end(), 0.0) / n;
    double square = 0;
    for (const double v : list) square += (v - mean) * (v - mean);
    std::printf(
        "%s %s %zu: median %.2f (%.2f, %.2f) mean %.2f sd %.2f least %.2f, %zu seeds, %.2f s",
        plan.benchmark.c_str(),
        algorithm.c_str(),
        evaluations,
        quantile(list, 0.5),
        quantile(list, 0.25),
        quantile(list, 0.75),
        mean,
        n > 1 ? std::sqrt(square / (n - 1)) : 0.0,
        *std::min_element(list.begin(), list.end()),
        list.size(),
        seconds / static_cast<double>(seeds));
    if (plan.number("each") != 0)
      for (const double v : list) std::printf(" %.0f", v);
    std::printf("\n");
  }
  std::fflush(stdout);
}

/// Time of the inner search after a first generation of `budget` networks.
void inner(const Request& plan) {
  Request s1 = plan;
  s1.benchmark = "s1";
  const Truth truth = truth_of(s1);
  const CostModel costs(*truth.space);
  SearchSettings settings = settings_of(s1, "linas", 0);
  settings.population = static_cast<int>(plan.number("budget"));
  Search search(Domain(*truth.space), *truth.evaluator, costs, settings);
  search.step();
  const SearchContext& context = search.context();
  Surrogate surrogate(context);
  std::clock_t start = std::clock();
  surrogate.fit(settings.options.surrogate.predictor);
  const double fit = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  Rng rng(0, "bench.inner");
  start = std::clock();
  const InnerPool pool = inner_search(
      context,
      surrogate,
      best_known(context, 50),
      {settings.options.surrogate.population, settings.options.surrogate.generations, 0},
      rng);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf(
      "inner search with %s on %lld networks: fit %.3f s, %zu architectures in %.3f s, %.0f a "
      "second\n",
      surrogate.model_of(0).c_str(),
      static_cast<long long>(plan.number("budget")),
      fit,
      pool.networks.size(),
      seconds,
      static_cast<double>(pool.networks.size()) / seconds);
}

/// Kilobytes that lie in memory now, and the most that ever did.
std::pair<long, long> resident() {
  long now = 0, most = 0;
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmRSS:")) now = std::atol(line.c_str() + 6);
    if (line.starts_with("VmHWM:")) most = std::atol(line.c_str() + 6);
  }
  return {now, most};
}

/// Opening a table and its first answer, in a process that has done nothing else.
void load(const std::string& file, const std::string& space_name, const std::string& arch) {
  using Clock = std::chrono::steady_clock;
  const auto ms = [](Clock::time_point from) {
    return std::chrono::duration<double, std::milli>(Clock::now() - from).count();
  };
  auto start = Clock::now();
  const std::unique_ptr<Space> space = load_space(space_name);
  const Architecture a = space->parse(arch);
  const double opened = ms(start);
  const long before = resident().first;
  start = Clock::now();
  TableOptions options;
  options.file = file;
  TableEvaluator table(*space, options);
  const double loaded = ms(start);
  const Evaluation first = table.evaluate({&a, 1})[0];
  const double answered = ms(start);
  std::printf(
      "space %.2f ms; table %.2f ms, first answer after %.2f ms (%zu values); resident %ld kB "
      "before, "
      "%ld kB after, %ld kB at most\n",
      opened,
      loaded,
      answered,
      first.values.size(),
      before,
      resident().first,
      resident().second);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 5 && std::string(argv[1]) == "load") {
    load(argv[2], argv[3], argv[4]);
    return 0;
  }
  Request plan;
  plan.benchmark = argc > 1 ? argv[1] : "s1";
  const bool inner_only = plan.benchmark == "inner";
  for (int i = inner_only ? 2 : 4; i < argc; ++i) {
    const std::string text = argv[i];
    const size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    if (equals != std::string::npos && plan.own.contains(key))
      plan.own[key] = text.substr(equals + 1);
    else
      plan.sets.push_back(text);
  }
  if (inner_only) {
    inner(plan);
    return 0;
  }
  for (const std::string& algorithm : split(argc > 2 ? argv[2] : "nsga2"))
    compare(plan, algorithm, argc > 3 ? std::stoll(argv[3]) : 5);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
