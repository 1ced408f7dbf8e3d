// Predictors on published measurements: the tables of their specifications (search.md 10.2 and
// 10.3, hat_latency.md A5), line by line.
//   bench_predict DATA [accuracy|honest|latency|speed|all] [MODEL ...]
// DATA holds ofa_mbv3/ and hat_latency/. `speed` is what predict_vs_sklearn.py calls.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "predictors/cross_validation.hpp"
#include "predictors/predictor.hpp"
#include "predictors/rank_metrics.hpp"
#include "search/evaluators/table_file.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/plain_text.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::VectorXd;
using List = std::vector<double>;

std::span<const double> span_of(const VectorXd& v) {
  return {v.data(), static_cast<size_t>(v.size())};
}
double tau(const VectorXd& truth, const VectorXd& guess) {
  return kendall(span_of(guess), span_of(truth)).tau_b();
}
double mean(const List& v) {
  double sum = 0;
  for (const double x : v) sum += x;
  return sum / static_cast<double>(v.size());
}
double deviation(const List& v) {
  double sum = 0;
  for (const double x : v) sum += (x - mean(v)) * (x - mean(v));
  return std::sqrt(sum / static_cast<double>(v.size()));
}
double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Rows {
  FeatureSpace features;
  FeatureMatrix x;
  VectorXd y;
  Rows at(const std::vector<int>& rows) const { return {features, x(rows, Eigen::all), y(rows)}; }
};

/// Networks of a search history, in order; each once across `seen`.
void read_history(const std::string& file,
                  const Space& space,
                  std::set<Architecture>* seen,
                  std::vector<Architecture>& networks,
                  List& accuracy) {
  const TableFile table = read_table_file(file, "Sub-network");
  const size_t column = column_of(table, "Top-1 Acc (%)");
  ArchitectureReader reader(space);
  for (const auto& row : table.rows) {
    Architecture a = space.canonical(reader.read(row[table.key].text));
    if (seen != nullptr && !seen->insert(a).second) continue;
    networks.push_back(std::move(a));
    accuracy.push_back(value_of(row[column]).number);
  }
}

Rows rows_of(const Space& space, const std::vector<Architecture>& networks, const List& accuracy) {
  return {feature_space(space),
          encode(space, networks),
          Eigen::Map<const VectorXd>(accuracy.data(), static_cast<Index>(accuracy.size()))};
}

std::unique_ptr<Predictor> fitted(const std::string& model, const Rows& rows) {
  auto p = make_predictor(model);
  p->fit(rows.features, rows.x, rows.y);
  return p;
}

void accuracy(const std::string& data, const std::vector<std::string>& models) {
  const auto space = load_space("mobilenet");
  std::set<Architecture> seen;
  std::vector<Architecture> networks;
  List values;
  for (const char* name : {"evo", "linas"})
    read_history(data + "/ofa_mbv3/mbnv3w10_" + name + "nsga2_acc_macs.csv",
                 *space,
                 &seen,
                 networks,
                 values);
  const Rows all = rows_of(*space, networks, values);
  const auto n = static_cast<int>(networks.size());
  std::printf("accuracy, %d networks, mean of 10 splits (deviation)\n", n);
  std::printf(
      "%-14s %4s  %-16s %-16s %-16s %7s\n", "model", "N", "MAPE %", "RMSE pp", "tau-b", "fit s");
  for (const std::string& model : models)
    for (const int size : {50, 100, 200, 400}) {
      List m, r, t, s, z;
      for (uint64_t split = 0; split < 10; ++split) {
        std::vector<int> order(static_cast<size_t>(n));
        for (int i = 0; i < n; ++i) order[static_cast<size_t>(i)] = i;
        const auto key = [&](int i) {
          return splitmix64(1000003 * split + static_cast<uint64_t>(i));
        };
        std::sort(order.begin(), order.end(), [&](int a, int b) { return key(a) < key(b); });
        const Rows train = all.at({order.begin(), order.begin() + size});
        const Rows test = all.at({order.begin() + size, order.end()});
        const double begin = seconds();
        const auto p = fitted(model, train);
        s.push_back(seconds() - begin);
        const Prediction guess = p->predict(test.x);
        m.push_back(mape(test.y, guess.mean));
        r.push_back(rmse(test.y, guess.mean));
        t.push_back(tau(test.y, guess.mean));
        z.push_back(((test.y - guess.mean).array() / guess.spread.array()).square().mean());
      }
      std::printf("%-14s %4d  %.4f (%.4f)  %.4f (%.4f)  %.4f (%.4f) %7.3f  z2 %.2f\n",
                  model.c_str(),
                  size,
                  mean(m),
                  deviation(m),
                  mean(r),
                  deviation(r),
                  mean(t),
                  deviation(t),
                  mean(s),
                  mean(z));
      std::fflush(stdout);
    }
}

/// Train on iterations 1..t of the LINAS file, predict the new networks of iteration t + 1.
void honest(const std::string& data, const std::vector<std::string>& models) {
  const auto space = load_space("mobilenet");
  std::vector<Architecture> networks;
  List values;
  read_history(
      data + "/ofa_mbv3/mbnv3w10_linasnsga2_acc_macs.csv", *space, nullptr, networks, values);
  constexpr size_t kBatch = 50;
  std::printf("honest test: iterations 1..t, then the new networks of t + 1, t = 1..7\n");
  for (const std::string& model : models) {
    std::map<std::string, std::string> lines;
    for (size_t t = 1; t <= 7; ++t) {
      std::set<Architecture> known;
      std::vector<Architecture> train, test;
      List train_values, test_values;
      for (size_t i = 0; i < (t + 1) * kBatch; ++i) {
        if (!known.insert(networks[i]).second) continue;
        (i < t * kBatch ? train : test).push_back(networks[i]);
        (i < t * kBatch ? train_values : test_values).push_back(values[i]);
      }
      const auto p = fitted(model, rows_of(*space, train, train_values));
      const Rows rest = rows_of(*space, test, test_values);
      const VectorXd guess = p->mean(rest.x);
      char text[32];
      const auto add = [&](const char* line, const char* format, double v) {
        std::snprintf(text, sizeof text, format, v);
        lines[line] += text;
      };
      add("1 MAPE", " %.2f", mape(rest.y, guess));
      add("2 bias", " %+.2f", bias(rest.y, guess));
      add("3 tau", " %.2f", tau(rest.y, guess));
    }
    for (const auto& [name, line] : lines)
      std::printf("%-14s %-6s%s\n", model.c_str(), name.c_str() + 2, line.c_str());
    std::fflush(stdout);
  }
}

/// One fit on 400 networks and 20,000 predictions.
void speed(const std::string& data, const std::vector<std::string>& models) {
  const auto space = load_space("mobilenet");
  std::set<Architecture> seen;
  std::vector<Architecture> networks;
  List values;
  for (const char* name : {"evo", "linas"})
    read_history(data + "/ofa_mbv3/mbnv3w10_" + name + "nsga2_acc_macs.csv",
                 *space,
                 &seen,
                 networks,
                 values);
  const Rows all = rows_of(*space, networks, values);
  constexpr int kTrain = 400, kPredicted = 20000;
  std::vector<int> order(networks.size()), many;
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  std::sort(order.begin(), order.end(), [](int a, int b) {
    return splitmix64(static_cast<uint64_t>(a)) < splitmix64(static_cast<uint64_t>(b));
  });
  for (size_t i = 0; i < kPredicted; ++i) many.push_back(order[i % order.size()]);
  const Rows train = all.at({order.begin(), order.begin() + kTrain}), rest = all.at(many);
  for (const std::string& model : models) {
    const double begin = seconds();
    const auto p = fitted(model, train);
    const double middle = seconds();
    const VectorXd guess = p->mean(rest.x);
    const double end = seconds();
    std::printf("%s fit %.6f predict %.6f check %.9f\n",
                model.c_str(),
                middle - begin,
                end - middle,
                guess.mean());
  }
}

double tau_within(const VectorXd& truth, const VectorXd& guess, const VectorXd& group) {
  std::set<double> groups(group.begin(), group.end());
  int64_t c = 0, d = 0;
  for (const double g : groups) {
    List t, p;
    for (Index i = 0; i < truth.size(); ++i)
      if (group[i] == g) {
        t.push_back(truth[i]);
        p.push_back(guess[i]);
      }
    const KendallCounts k = kendall(p, t);
    c += k.concordant;
    d += k.discordant;
  }
  return static_cast<double>(c - d) / static_cast<double>(c + d);
}

void latency(const std::string& data, const std::vector<std::string>& models) {
  const TableFile table = [&] {
    Csv csv =
        read_csv("hat", read_text_file(data + "/hat_latency/wmt14ende_cpu_xeon_all.csv", "table"));
    return TableFile{"hat", std::move(csv.header), std::move(csv.rows)};
  }();
  constexpr Index kFeatures = 10, kLayers = 5;
  Rows all;
  std::vector<std::string> names;
  for (Index c = 0; c < kFeatures; ++c) names.push_back(table.header[static_cast<size_t>(c)].text);
  all.features = feature_space(names);
  const auto n = static_cast<Index>(table.rows.size());
  all.x.resize(n, kFeatures);
  all.y.resize(n);
  for (Index i = 0; i < n; ++i) {
    const auto& row = table.rows[static_cast<size_t>(i)];
    for (Index c = 0; c < kFeatures; ++c)
      all.x(i, c) = value_of(row[static_cast<size_t>(c)]).number;
    all.y[i] = value_of(row[10]).number + value_of(row[11]).number;
  }
  const auto judge = [&](const std::string& model,
                         const char* what,
                         const std::vector<int>& train,
                         const std::vector<int>& test) {
    const double begin = seconds();
    const auto p = fitted(model, all.at(train));
    const double took = seconds() - begin;
    const Rows rest = all.at(test);
    const VectorXd guess = p->mean(rest.x);
    std::printf("%-14s %-12s %5zu  %.4f  %.4f  %.4f  %.4f  %6.2f\n",
                model.c_str(),
                what,
                train.size(),
                mape(rest.y, guess),
                rmse(rest.y, guess),
                tau(rest.y, guess),
                tau_within(rest.y, guess, rest.x.col(kLayers)),
                took);
    std::fflush(stdout);
    return List{mape(rest.y, guess),
                rmse(rest.y, guess),
                tau(rest.y, guess),
                tau_within(rest.y, guess, rest.x.col(kLayers))};
  };
  const auto where = [&](const std::function<bool(int)>& f) {
    std::vector<int> rows;
    for (int i = 0; i < n; ++i)
      if (f(i)) rows.push_back(i);
    return rows;
  };
  std::printf("latency: model, split, rows, MAPE %%, RMSE ms, tau-b, tau within depth, fit s\n");
  for (const std::string& model : models) {
    std::vector<int> train = where([](int i) { return i % 10 < 8; });
    const std::vector<int> test = where([](int i) { return i % 10 == 9; });
    for (const size_t size : {size_t{50}, size_t{100}, size_t{400}, size_t{1600}})
      judge(model, "mod10", {train.begin(), train.begin() + static_cast<ptrdiff_t>(size)}, test);
    judge(model, "mod10", where([](int i) { return i % 10 < 9; }), test);
    judge(model, "order", where([](int i) { return i < 1600; }), where([](int i) {
            return i >= 1800;
          }));
    List sum(4, 0);
    for (int k = 0; k < 10; ++k) {
      const List each =
          judge(model, "fold", where([k](int i) { return i % 10 != k; }), where([k](int i) {
                  return i % 10 == k;
                }));
      for (size_t j = 0; j < 4; ++j) sum[j] += each[j] / 10;
    }
    std::printf("%-14s ten folds           %.4f  %.4f  %.4f  %.4f\n",
                model.c_str(),
                sum[0],
                sum[1],
                sum[2],
                sum[3]);
  }
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: bench_predict DATA [accuracy|honest|latency|speed|all] [MODEL ...]\n");
    return kExitUsage;
  }
  const std::string data = argv[1], what = argc > 2 ? argv[2] : "all";
  std::vector<std::string> models(argv + std::min(argc, 3), argv + argc);
  if (models.empty())
    for (const PredictorInfo& info : predictors()) models.push_back(info.name);
  if (what == "accuracy" || what == "all") accuracy(data, models);
  if (what == "honest" || what == "all") honest(data, models);
  if (what == "speed") speed(data, models);
  if (what == "latency" || what == "all") latency(data, models);
  return 0;
}

}  // namespace
}  // namespace nas

int main(int argc, char** argv) {
  try {
    return nas::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
}
