// nas predict: fit predictors of what is costly to measure, judge them, and tell whether more
// measurements would help.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/latency/output_file.hpp"
#include "cli/predict/print.hpp"
#include "cli/predict/rows.hpp"
#include "cli/report/document.hpp"
#include "cli/validators.hpp"
#include "predictors/cross_validation.hpp"
#include "search/store/store.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/whole_file.hpp"

namespace nas::cli {
namespace {

using Eigen::Index;
using Json = nlohmann::ordered_json;

struct PredictArguments {
  Common common;
  RowOptions rows;
  std::vector<std::string> models, parameters;
  std::string format = "table", transform = "none", out, predictor, split = "random", table;
  std::vector<int64_t> sizes;
  int64_t train = 0;
  int folds = 5, repeats = 10;
};

std::string listed_models(bool automatic) {
  std::string text = automatic ? "auto" : "";
  for (const PredictorInfo& info : predictors()) text += (text.empty() ? "" : ", ") + info.name;
  return text;
}

FitOptions fit_options(const PredictArguments& o) {
  FitOptions fit;
  fit.folds = o.folds;
  fit.seed = o.common.seed;
  fit.transform = o.transform == "log"    ? TargetTransform::kLog
                  : o.transform == "auto" ? TargetTransform::kAuto
                                          : TargetTransform::kNone;
  for (const std::string& text : o.parameters) {
    const size_t equal = text.find('=');
    double value = 0;
    const char *begin = text.data() + std::min(text.size(), equal + 1),
               *end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(begin, end, value);
    if (equal == std::string::npos || equal == 0 || code != std::errc() || stop != end)
      throw ConfigError("--parameter " + text + ": expected NAME=NUMBER, such as alpha=1");
    fit.fixed[text.substr(0, equal)] = value;
  }
  return fit;
}

/// Known names; those given, or `otherwise`.
std::vector<std::string> models_of(const PredictArguments& o, std::vector<std::string> otherwise) {
  if (o.models.empty()) return otherwise;
  std::vector<std::string> list;
  for (const std::string& name : o.models) {
    if (name == "all") {
      for (const PredictorInfo& info : predictors()) list.push_back(info.name);
      continue;
    }
    if (name != "auto") predictor_info(name);
    list.push_back(name);
  }
  return list;
}

void need_rows(const PredictRows& data, Index least) {
  if (data.rows.size() >= least) return;
  throw DataError(data.origin + ": " + std::to_string(data.rows.size()) +
                  (data.rows.size() == 1 ? " row has" : " rows have") + " a value of '" +
                  data.target + "'; at least " + std::to_string(least) + " are needed here");
}

PredictHead head(const PredictRows& data) {
  return {data.origin,
          data.target,
          data.rows.size(),
          data.rows.features.names.size(),
          data.space == nullptr ? "" : data.space->name()};
}

/// A document about a run is kept with it.
void keep(const PredictArguments& o,
          const PredictRows& data,
          const char* kind,
          const Json& document) {
  if (data.run.empty()) return;
  Store store(o.common.db, Store::Mode::kRead);
  if (store.read_only())
    return warning(store.path() + " is read-only: what is printed is not stored");
  store.set_document(data.run, kind, json_line(document));
}

/// A document, rows or text, as --format says. Whether it was text.
template <class Result>
bool tell(const PredictArguments& o,
          const Result& result,
          Json (*document)(const Result&),
          Rows (*rows)(const Result&),
          void (*text)(const Result&)) {
  const Format format = chosen_format(o.common, o.format);
  if (format == Format::kJson)
    print(json_text(document(result)));
  else if (format == Format::kTable)
    text(result);
  else
    print_rows(rows(result), format, {}, "");
  return format == Format::kTable;
}

/// Rows in an order that --seed draws: neither a table's order nor that of texts is a random one,
/// and the folds of a cross-validation are taken in order.
PredictorRows mixed(const PredictRows& data, uint64_t seed) {
  return data.rows.at(hashed_split(data.rows.size(), data.rows.size(), seed).train);
}

/// What the command reads.
std::vector<std::string> files_of(const PredictArguments& o) {
  std::vector<std::string> files = o.rows.data;
  files.insert(files.end(), {o.predictor, o.rows.space, o.common.db});
  return files;
}

// ---- fit

int fit(const PredictArguments& o) {
  const std::vector<std::string> models = models_of(o, {"auto"});
  if (models.size() != 1) throw ConfigError("--model: one predictor is written; name one model");
  check_output("--out", o.out, files_of(o));
  const PredictRows data = read_rows(o.rows, o.common);
  const FitOptions options = fit_options(o);
  need_rows(data, std::max(4, o.folds));
  const PredictorRows rows = mixed(data, o.common.seed);
  const auto p = fit_predictor(models[0], rows, options);
  p->set_learnt(rows.x);
  p->set_target(data.target);
  p->set_conditions(data.conditions);
  p->save(o.out);
  std::vector<TrainTest> splits;
  for (int k = 0; k < o.folds; ++k) splits.push_back(fold_split(rows.size(), o.folds, k));
  FitResult result{head(data), PredictorFacts(*p), o.out, o.folds, {}};
  // Folds are smaller than the whole: a size that the model needs may be missed.
  if (rows.size() >= 2 * std::max(4, o.folds))
    result.held_out = {p->name(),
                       rows.size() - rows.size() / o.folds,
                       judge(p->name(), rows, splits, options),
                       false,
                       {}};
  keep(o, data, "predict-fit", fit_json(result));
  if (o.common.json)
    print(json_text(fit_json(result)));
  else
    print_fit(result);
  return kExitOk;
}

// ---- eval

void write_predictions(const PredictArguments& o,
                       const PredictRows& data,
                       const Prediction& predicted) {
  if (o.table.empty()) return;
  Rows rows{{data.space == nullptr ? "row" : "architecture", "predicted", "spread"}, {}};
  const bool truth = data.rows.y.array().isFinite().any();
  if (truth) rows.header.push_back(data.target);
  for (Index i = 0; i < data.rows.size(); ++i) {
    rows.rows.push_back({data.labels[static_cast<size_t>(i)],
                         json_number(predicted.mean[i]),
                         json_number(predicted.spread[i])});
    if (truth) rows.rows.back().push_back(json_number(data.rows.y[i]));
  }
  write_whole_file(o.table, csv_text(rows) + "\n");
}

/// Errors on rows that a predictor learnt from say nothing of others; those of another target
/// nothing at all.
void tell_what_it_learnt(const PredictArguments& o, const Predictor& p, const PredictRows& data) {
  const size_t known = p.learnt(data.rows.x);
  if (known > 0)
    warning(o.predictor + " learnt from " + std::to_string(known) + " of these " +
            std::to_string(data.rows.size()) +
            " rows: its errors on them say nothing of networks that it has not seen");
  if (!o.rows.target.empty() && !p.target().empty() && o.rows.target != p.target())
    warning(o.predictor + " predicts " + printable(p.target()) + ", and is judged on " +
            printable(o.rows.target));
}

int eval_fitted(const PredictArguments& o) {
  if (!o.models.empty() || !o.parameters.empty())
    throw ConfigError("--predictor is fitted already", "Leave out --model and --parameter.");
  const std::unique_ptr<Predictor> p = load_predictor(o.predictor);
  const bool plain = p->features().fingerprint.empty();
  if (!plain && o.rows.space.empty() && o.rows.run.empty())
    throw ConfigError(o.predictor + " predicts architectures of space '" + p->features().space +
                          "', which --data does not name",
                      "Add --space " + p->features().space + ".");
  check_output("--table", o.table, files_of(o));
  const PredictRows data = read_rows(o.rows, o.common, p.get());
  p->require(data.rows.features);
  need_rows(data, 1);
  for (const char* key : {"device", "batch", "dtype", "threads"}) {
    const auto learnt = p->conditions().find(key), here = data.conditions.find(key);
    if (learnt != p->conditions().end() && here != data.conditions.end() &&
        learnt->second != here->second)
      warning(o.predictor + " was fitted on measurements with " + key + " " +
              printable(learnt->second) + ", these rows are of " + printable(here->second));
  }
  tell_what_it_learnt(o, *p, data);
  const Prediction predicted = p->predict(data.rows.x);
  write_predictions(o, data, predicted);
  PredictEvalResult result;
  result.head = head(data);
  result.predictor.emplace(*p);
  std::vector<int> known;
  for (Index i = 0; i < data.rows.size(); ++i)
    if (std::isfinite(data.rows.y[i])) known.push_back(static_cast<int>(i));
  if (!known.empty()) {
    JudgedModel judged{p->name(), p->rows(), {}, /*one_set=*/true, {}};
    judged.errors.each.push_back(
        errors_of(data.rows.at(known), {predicted.mean(known), predicted.spread(known)}));
    result.judged.push_back(std::move(judged));
  }
  for (Index i = 0; i < data.rows.size(); ++i)
    result.predictions.push_back({data.labels[static_cast<size_t>(i)],
                                  predicted.mean[i],
                                  predicted.spread[i],
                                  data.rows.y[i]});
  const bool text = tell(o, result, predict_eval_json, predict_eval_rows, print_predict_eval);
  if (text && !o.table.empty()) note(o.common, "predictions written to " + o.table);
  return kExitOk;
}

/// `random`, `mod10`, `order`, or `folds:K`.
std::vector<TrainTest> splits_of(const PredictArguments& o, Index n) {
  std::vector<TrainTest> list;
  if (o.split == "random") {
    const Index train = o.train > 0 ? o.train : n * 8 / 10;
    for (int s = 0; s < o.repeats; ++s)
      list.push_back(hashed_split(n, train, o.common.seed + static_cast<uint64_t>(s)));
  } else if (o.split == "mod10") {
    list.push_back(mod10_split(n));
  } else if (o.split == "order") {
    list.push_back(order_split(n));
  } else if (o.split.starts_with("folds:")) {
    int folds = 0;
    const std::string digits = o.split.substr(6);
    const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), folds);
    if (code != std::errc() || stop != digits.data() + digits.size() || folds < 2 || folds > n)
      throw ConfigError("--split " + o.split +
                        ": expected folds:K, K from 2 to the number of rows");
    for (int k = 0; k < folds; ++k) list.push_back(fold_split(n, folds, k));
  } else {
    throw ConfigError(
        "--split " + o.split + ": expected random, mod10, order or folds:K",
        nearest(o.split, {"random", "mod10", "order", "folds:10"}).empty()
            ? ""
            : "Did you mean " + nearest(o.split, {"random", "mod10", "order", "folds:10"}) + "?");
  }
  // The rows between training and test ones of mod10 and order, where more are asked for.
  if (o.split == "mod10" && o.train > static_cast<Index>(list[0].train.size())) {
    list[0].train.clear();
    for (int i = 0; i < n; ++i)
      if (i % 10 != 9) list[0].train.push_back(i);
  }
  if (o.train > 0 && o.split != "random")
    for (TrainTest& split : list) {
      const auto wanted = static_cast<size_t>(o.train);
      if (wanted > split.train.size() && &split == list.data())
        note(o.common,
             "--split " + o.split + " has " + std::to_string(split.train.size()) +
                 " rows to learn from, " + std::to_string(wanted) + " are asked for");
      split.train.resize(std::min(wanted, split.train.size()));
    }
  for (const TrainTest& split : list)
    if (split.test.size() < 2 || split.train.size() < static_cast<size_t>(std::max(4, o.folds)))
      throw DataError("--split " + o.split + " of " + std::to_string(n) + " rows learns from " +
                      std::to_string(split.train.size()) + " and judges " +
                      std::to_string(split.test.size()) + "; at least " +
                      std::to_string(std::max(4, o.folds)) + " and 2 are needed");
  return list;
}

JudgedModel judged_model(Repeated r, const std::string& asked) {
  double seconds = 0;
  for (const double s : r.fit_seconds) seconds += s / static_cast<double>(r.fit_seconds.size());
  const std::string name = asked == "auto" ? "auto (" + r.model + ")" : asked;
  const Index train = r.train;
  return {name, train, std::move(r), false, seconds};
}

void throw_if_asked() {
  if (stop_requested()) throw Interrupted("stopped; nothing is stored");
}

int eval(const PredictArguments& o) {
  if (!o.predictor.empty()) return eval_fitted(o);
  const std::vector<std::string> models =
      models_of(o, {"ridge", "gp", "svr", "boosted-trees", "huber", "stacked"});
  if (!o.table.empty())
    throw ConfigError("--table writes what a fitted predictor says", "Name it with --predictor.");
  const PredictRows data = read_rows(o.rows, o.common);
  need_rows(data, std::max(4, o.folds) + 2);
  const std::vector<TrainTest> splits = splits_of(o, data.rows.size());
  PredictEvalResult result;
  result.head = head(data);
  result.split = o.split;
  result.splits = splits.size();
  result.test_rows = splits[0].test.size();
  const auto total = static_cast<int64_t>(models.size() * splits.size());
  Progress progress(o.common, "predict", total);
  int64_t done = 0;
  for (const std::string& model : models)
    result.judged.push_back(judged_model(judge(model,
                                               data.rows,
                                               splits,
                                               fit_options(o),
                                               [&] {
                                                 throw_if_asked();
                                                 progress.update(++done, model);
                                               }),
                                         model));
  keep(o, data, "predict-eval", predict_eval_json(result));
  tell(o, result, predict_eval_json, predict_eval_rows, print_predict_eval);
  return kExitOk;
}

// ---- curve

std::vector<int64_t> sizes_of(const PredictArguments& o, Index n) {
  std::vector<int64_t> sizes = o.sizes;
  const auto least = static_cast<int64_t>(std::max(4, o.folds));
  if (sizes.empty()) {
    for (int64_t size = 25; size <= n * 8 / 10 && size <= 1600; size *= 2)
      if (size >= least) sizes.push_back(size);
    if (sizes.empty() || sizes.back() * 4 < n * 8 / 10 * 3) sizes.push_back(n * 8 / 10);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  for (const int64_t size : sizes)
    if (size < least || size > n - 2)
      throw ConfigError("--sizes " + std::to_string(size) + ": of " + std::to_string(n) +
                        " rows, from " + std::to_string(least) + " to " + std::to_string(n - 2) +
                        " can be learnt from");
  return sizes;
}

int curve(const PredictArguments& o) {
  const std::vector<std::string> models = models_of(o, {"auto"});
  const PredictRows data = read_rows(o.rows, o.common);
  const Index n = data.rows.size();
  need_rows(data, std::max(4, o.folds) + 2);
  const std::vector<int64_t> sizes = sizes_of(o, n);
  CurveResult result{head(data), o.repeats, 0, {}};
  Progress progress(
      o.common, "predict", static_cast<int64_t>(models.size() * sizes.size()) * o.repeats);
  int64_t done = 0;
  const double mean = data.rows.y.mean();
  result.constant = std::sqrt((data.rows.y.array() - mean).square().mean());
  for (const std::string& model : models) {
    std::vector<Repeated> points;
    LearningCurve curve{model, {}, {}};
    for (const int64_t size : sizes) {
      std::vector<TrainTest> splits;
      for (int s = 0; s < o.repeats; ++s)
        splits.push_back(hashed_split(n, size, o.common.seed + static_cast<uint64_t>(s)));
      points.push_back(judge(model, data.rows, splits, fit_options(o), [&] {
        throw_if_asked();
        progress.update(++done, model + " at " + std::to_string(size));
      }));
      curve.points.push_back(judged_model(points.back(), model));
    }
    curve.verdict = enough_samples(points, result.constant);
    result.curves.push_back(std::move(curve));
  }
  keep(o, data, "predict-curve", curve_json(result));
  tell(o, result, curve_json, curve_rows, print_curve);
  return kExitOk;
}

void add_model_options(CLI::App& app, PredictArguments& o, bool several) {
  app.add_option("--model",
                 o.models,
                 several ? "Models, or all; known: " + listed_models(true)
                         : "Model; known: " + listed_models(true))
      ->delimiter(',');
  app.add_option("--parameter",
                 o.parameters,
                 "NAME=NUMBER of the model, given instead of chosen (alpha=1); repeatable")
      ->allow_extra_args(false);
  app.add_option("--transform",
                 o.transform,
                 "Learn the target as it is (none), its logarithm (log), or what is better (auto)")
      ->check(CLI::IsMember({"none", "log", "auto"}))
      ->capture_default_str();
  app.add_option("--folds", o.folds, "Folds of the cross-validation that chooses parameters")
      ->check(CLI::Range(2, 100))
      ->capture_default_str();
}

}  // namespace

int run_predict(const std::vector<std::string>& args) {
  PredictArguments o;
  CLI::App app("Predict what is costly to measure: fit, judge, learning curve", "nas predict");
  app.footer(
      "nas predict fit --run last --target accuracy --out accuracy.json\n"
      "nas predict fit --data top1.csv --space mobilenet --model gp --out top1.json\n"
      "nas predict eval --predictor top1.json --data new.csv --space mobilenet\n"
      "nas predict eval --data latency.csv --target ms --split mod10 --model ridge,gp\n"
      "nas predict eval --run last --target accuracy --format csv > errors.csv\n"
      "nas predict curve --data latency.csv --target encoder_ms+decoder_ms --sizes 50,100,400");
  app.require_subcommand(1);
  CLI::App* fit_app = app.add_subcommand("fit", "Fit a predictor and write it to a file");
  CLI::App* eval_app = app.add_subcommand(
      "eval", "Judge models on rows not learnt, or let a fitted predictor predict");
  CLI::App* curve_app = app.add_subcommand(
      "curve", "Errors for growing training sets, and whether more samples would help");
  for (CLI::App* sub : {fit_app, eval_app, curve_app}) {
    add_rows(*sub, o.rows);
    add_model_options(*sub, o, sub != fit_app);
    add_common(*sub, o.common, kTakesDb | kTakesSeed);
  }
  fit_app->add_option("--out", o.out, "File to write; an older one is replaced")->required();
  for (CLI::App* sub : {eval_app, curve_app}) {
    add_format(*sub, o.format);
    sub->add_option("--within",
                    o.rows.within,
                    "Also judge the order of rows that are equal in this column (or choice)");
    sub->add_option("--repeats", o.repeats, "Random splits")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
  }
  eval_app->add_option("--predictor", o.predictor, "A file that nas predict fit wrote");
  eval_app
      ->add_option("--split",
                   o.split,
                   "random, mod10 (rows 9, 19, .. judged, 8, 18, .. left out), order (the "
                   "last tenth judged) or folds:K")
      ->capture_default_str();
  eval_app->add_option("--train", o.train, "Rows to learn from (default: all that --split leaves)")
      ->check(positive_number());
  eval_app->add_option("--table", o.table, "Also write the predictions (CSV)");
  curve_app->add_option("--sizes", o.sizes, "Sizes of the training set (default: 25, 50, 100 ..)")
      ->delimiter(',')
      ->check(positive_number());
  if (!parse(app, args)) return kExitOk;
  if (fit_app->parsed()) return fit(o);
  return eval_app->parsed() ? eval(o) : curve(o);
}

}  // namespace nas::cli
