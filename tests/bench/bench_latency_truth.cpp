// Predicted against measured latency of whole networks, on this machine.
//   bench_latency_truth FOLDER [SPACE ...] [--networks N] [--repeats N] [--threads N]
// Measured are every op of the space, then N random networks, twice, and 30 that were chosen to
// calibrate with (D-optimal; the first 10 of them are the short list), in turns. FOLDER keeps what
// was measured: started again, the bench goes on where it was stopped, and with nothing left it
// prints the tables again. A space of no more than N networks is taken whole.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "hardware/measure/measure.hpp"
#include "hardware/prediction/choose.hpp"
#include "hardware/prediction/latency_model.hpp"
#include "predictors/judge.hpp"
#include "predictors/ranking/rank_metrics.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using List = std::vector<double>;

struct Options {
  std::string folder;
  std::vector<std::string> spaces;
  int networks = 200, repeats = 30, threads = 1;
};

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string read_all(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// Times of other settings are none for these networks.
void require_settings(const Options& o, const fs::path& folder) {
  const fs::path file = folder / "settings.txt";
  const std::string text =
      "repeats " + std::to_string(o.repeats) + ", threads " + std::to_string(o.threads) + "\n";
  if (!fs::exists(file)) return write_whole_file(file.string(), text);
  if (const std::string before = read_all(file); before != text)
    throw ConfigError(folder.string() + " holds times measured with " +
                      before.substr(0, before.find('\n')) + "; name another folder");
}

LatencyTable table_of(const Options& o, const Space& space, const fs::path& file) {
  if (fs::exists(file)) return latency_table_from_json(read_all(file), file.string());
  bool complete = false;
  const auto ops = distinct_ops(space, complete);
  std::printf("%s: %zu ops%s\n", space.name().c_str(), ops.size(), complete ? "" : " (sampled)");
  std::fflush(stdout);
  MeasureOptions options;
  options.repeats = o.repeats;
  const double begin = seconds();
  const MeasuredOps measured = measure_ops(ops, options, {});
  std::printf("  measured in %.0f s\n", seconds() - begin);
  std::fflush(stdout);
  LatencyTable table;
  table.id = "truth";
  table.space = space.name();
  table.conditions = measured.conditions;
  table.conditions["batch"] = "1";
  table.conditions["threads"] = std::to_string(o.threads);
  table.conditions["drift"] = std::to_string(measured.drift.relative);
  table.conditions["noise"] = std::to_string(measured.drift.noise);
  for (const auto& [key, t] : measured.times)
    table.entries[key] = {t.median_ms, t.low_ms, t.high_ms, t.repeats};
  write_whole_file(file.string(), to_json(table));
  return table;
}

/// Times by name of the list (a: random, b: the same again, c: to calibrate with) and network.
using Times = std::map<std::pair<char, std::string>, double>;

Times read_times(const fs::path& file) {
  Times times;
  std::istringstream stream(read_all(file));
  for (std::string line; std::getline(stream, line);) {
    const size_t first = line.find('\t'), second = line.find('\t', first + 1);
    times[{line[0], line.substr(first + 1, second - first - 1)}] =
        std::atof(line.c_str() + second + 1);
  }
  return times;
}

void write_times(const Times& times, const fs::path& file) {
  std::ostringstream text;
  text.precision(9);
  for (const auto& [key, ms] : times) text << key.first << '\t' << key.second << '\t' << ms << '\n';
  write_whole_file(file.string(), text.str());
}

/// In rounds of some of each list, so that all meet the same states of the machine.
Times measure_all(const Options& o,
                  const Space& space,
                  const std::map<char, std::vector<Architecture>>& lists,
                  const fs::path& file) {
  constexpr size_t kRound = 46;
  Times times = read_times(file);
  std::vector<std::pair<char, Architecture>> left;
  size_t longest = 0;
  for (const auto& [name, list] : lists) longest = std::max(longest, list.size());
  for (size_t i = 0; i < longest; ++i)
    for (const auto& [name, list] : lists) {
      // The shorter list is spread over the longer ones.
      const size_t at = i * list.size() / longest,
                   before = i == 0 ? list.size() : (i - 1) * list.size() / longest;
      if (at == before) continue;
      // The second time in another order, or both would meet the same minute.
      const Architecture& a = name == 'b' ? list[(at + list.size() / 2) % list.size()] : list[at];
      if (!times.contains({name, space.text(a)})) left.emplace_back(name, a);
    }
  MeasureOptions options;
  options.repeats = o.repeats;
  for (size_t start = 0; start < left.size(); start += kRound) {
    const size_t n = std::min(kRound, left.size() - start);
    std::vector<Plan> plans;
    for (size_t i = 0; i < n; ++i) plans.push_back(space.plan(left[start + i].second));
    options.seed = start;
    const double begin = seconds();
    const MeasuredNetworks measured = measure_networks(plans, options, {});
    for (size_t i = 0; i < n; ++i) {
      const auto& [name, a] = left[start + i];
      times[{name, space.text(a)}] = measured.times[i]->median_ms;
    }
    // Whole or not at all: a kill leaves the rounds before it.
    write_times(times, file);
    std::printf("  %zu of %zu networks, drift %.1f %%, noise %.1f %%, %.0f s\n",
                start + n,
                left.size(),
                100 * measured.drift.relative,
                100 * measured.drift.noise,
                seconds() - begin);
    std::fflush(stdout);
  }
  return times;
}

void report(const char* name, const List& told, const List& truth, double spread = 0) {
  double mape = 0, within = 0, bias = 0, covered = 0;
  const auto n = static_cast<double>(truth.size());
  for (size_t i = 0; i < truth.size(); ++i) {
    const double e = told[i] / truth[i] - 1;
    mape += 100 * std::abs(e) / n;
    bias += 100 * e / n;
    within += 100 * (std::abs(e) <= 0.1 ? 1 : 0) / n;
    covered += 100 * (std::abs(truth[i] - told[i]) <= 2 * spread * told[i] ? 1 : 0) / n;
  }
  std::printf("| %s | %.2f | %.1f | %.3f | %+.1f | ",
              name,
              mape,
              within,
              kendall(told, truth).tau_b(),
              bias);
  if (spread > 0)
    std::printf("%.1f, %.0f %% |\n", 100 * spread, covered);
  else
    std::printf("- |\n");
}

void judge(const Space& space,
           const LatencyTable& table,
           const std::vector<Architecture>& random,
           const std::vector<Architecture>& chosen,
           const Times& times) {
  List truth, again, sums;
  std::vector<MeasuredNetwork> rows;
  for (const Architecture& a : random) {
    const double first = times.at({'a', space.text(a)}), second = times.at({'b', space.text(a)});
    truth.push_back(0.5 * (first + second));
    again.push_back(second);
    rows.push_back(summed(table, space.plan(a)));
    sums.push_back(rows.back().sum_ms);
  }
  List first;
  for (const Architecture& a : random) first.push_back(times.at({'a', space.text(a)}));
  const auto [low, high] = std::minmax_element(truth.begin(), truth.end());
  std::printf("\n%s: %zu random networks, %.3f to %.3f ms; table of %zu ops, drift %s, noise %s\n",
              space.name().c_str(),
              random.size(),
              *low,
              *high,
              table.entries.size(),
              table.conditions.at("drift").c_str(),
              table.conditions.at("noise").c_str());
  std::printf(
      "| prediction | MAPE %% | within 10 %% | tau-b | bias %% | spread %%, within two |\n");
  std::printf("|---|---|---|---|---|---|\n");
  report("one measurement for another", first, again);
  const auto both = std::count_if(chosen.begin(), chosen.end(), [&](const Architecture& a) {
    return std::find(random.begin(), random.end(), a) != random.end();
  });
  if (both > 0)
    std::printf("<!-- %td of the %zu to calibrate with are among them, measured anew -->\n",
                both,
                chosen.size());
  report("sum of ops", sums, truth);
  List y;
  for (const Architecture& a : chosen) y.push_back(times.at({'c', space.text(a)}));
  for (const size_t n : {size_t{10}, size_t{30}}) {
    if (n > chosen.size()) continue;
    std::vector<MeasuredNetwork> learnt;
    for (size_t i = 0; i < n; ++i) {
      learnt.push_back(summed(table, space.plan(chosen[i])));
      learnt.back().measured_ms = y[i];
    }
    const double least = least_op_ms(table);
    Calibration c = fit_calibration(learnt, least);
    held_out(learnt, least, c);
    List told;
    for (const MeasuredNetwork& m : rows) told.push_back(c.mean(m.sum_ms, m.ops));
    report(("calibrated with " + std::to_string(n)).c_str(), told, truth, c.spread);
    std::printf("<!-- a %.5f b %.4f c %.6f -->\n", c.a, c.b, c.c);
  }
  PredictorRows learnt;
  learnt.features = feature_space(space);
  learnt.x = encode(space, chosen);
  learnt.y = Eigen::Map<const Eigen::VectorXd>(y.data(), static_cast<Eigen::Index>(y.size()));
  for (const char* model : {"ridge", "gp", "svr"}) {
    FitOptions options;
    options.transform = TargetTransform::kAuto;
    const auto p = make_predictor(model);
    p->fit(learnt.features, learnt.x, learnt.y, options);
    const Eigen::VectorXd mean = p->mean(encode(space, random));
    report((std::string(model) + " on the same 30").c_str(), List(mean.begin(), mean.end()), truth);
  }
  std::fflush(stdout);
}

void bench(const Options& o, const std::string& name) {
  const auto space = load_space(name);
  const fs::path folder = fs::path(o.folder) / name;
  fs::create_directories(folder);
  require_settings(o, folder);
  const LatencyTable table = table_of(o, *space, folder / "table.json");
  std::vector<Architecture> random;
  std::set<Architecture> seen;
  const auto take = [&](const Architecture& a) {
    if (static_cast<int>(random.size()) < o.networks && seen.insert(a).second) random.push_back(a);
    return static_cast<int>(random.size()) < o.networks;
  };
  if (space->count() <= o.networks) {
    space->enumerate(take);
  } else {
    Rng rng(0, "bench/latency");
    while (take(space->sample(rng))) {
    }
  }
  const std::vector<Architecture> chosen = choose_networks(*space, &table, 30, 0);
  const Times times =
      measure_all(o, *space, {{'a', random}, {'b', random}, {'c', chosen}}, folder / "times.tsv");
  judge(*space, table, random, chosen, times);
}

Options read_options(int argc, char** argv) {
  Options o;
  const std::string usage =
      "usage: bench_latency_truth FOLDER [SPACE ...] [--networks N] [--repeats N] [--threads N]";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::atoi(argv[++i]) : 0; };
    if (word == "--help" || word == "-h") {
      std::printf("%s\n", usage.c_str());
      std::exit(0);
    }
    if (word == "--networks")
      o.networks = number();
    else if (word == "--repeats")
      o.repeats = number();
    else if (word == "--threads")
      o.threads = number();
    else if (word.starts_with("-"))
      throw ConfigError(word + " is no option\n" + usage);
    else if (o.folder.empty())
      o.folder = word;
    else
      o.spaces.push_back(word);
  }
  if (o.folder.empty() || o.networks < 2 || o.repeats < 1 || o.threads < 1)
    throw ConfigError(usage);
  if (o.spaces.empty()) o.spaces = {"mobilenet-32", "resnet20-pool", "nasbench201-n1"};
  return o;
}

}  // namespace
}  // namespace nas

int main(int argc, char** argv) {
  try {
    const nas::Options o = nas::read_options(argc, argv);
    nas::set_compute_threads(o.threads);
    for (const std::string& space : o.spaces) nas::bench(o, space);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
}
