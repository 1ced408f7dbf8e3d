#include <algorithm>
#include <cmath>
#include <map>

#include "cli/page/gather.hpp"
#include "cli/page/mixture_section.hpp"
#include "cli/page/option_tables.hpp"
#include "cli/report/document.hpp"
#include "cli/report/graphviz.hpp"
#include "cli/report/training/draws.hpp"
#include "cli/report/training/tree_report.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

/// All metrics of a run over its steps.
Series metrics_of(const Store& store, const std::string& run) {
  Series series;
  for (const MetricRow& row : store.metrics(run))
    if (std::isfinite(row.value)) series[row.name].emplace_back(row.step, row.value);
  return series;
}

struct Curve {
  const char *metric, *label;
  bool dashed;
};

/// One chart of these metrics over all trainings; those that no run has are left out.
void add_curves(Page& page,
                Gathered& g,
                const std::vector<std::pair<const RunRow*, Series>>& runs,
                const std::string& name,
                const std::string& form,
                const std::vector<Curve>& curves,
                bool log = false) {
  Json chart{{"kind", "lines"},
             {"x", axis_json("epoch", "count")},
             {"y", axis_json(name, form)},
             {"series", Json::array()}};
  chart["y"]["log"] = log;
  int colour = 0;
  for (const auto& [run, series] : runs) {
    for (const Curve& curve : curves) {
      const auto found = series.find(curve.metric);
      if (found == series.end()) continue;
      const std::string label = curve.label;
      const std::string name_of_run = g.labels[run->id];
      Json line{{"name",
                 runs.size() == 1     ? label
                 : curves.size() == 1 ? name_of_run
                                      : name_of_run + ": " + label},
                {"colour", runs.size() > 1 ? colour : colour++},
                {"dashed", curve.dashed},
                {"points", found->second}};
      // Of many curves the legend tells runs and kinds of curves apart.
      if (runs.size() > 1) {
        line["group"] = name_of_run;
        line["part"] = label;
      }
      chart["series"].push_back(std::move(line));
    }
    if (runs.size() > 1) ++colour;
  }
  if (!chart["series"].empty()) page.chart(std::move(chart), name + " over epochs");
}

/// Last value of each metric `PREFIX.CHOICE.OPTION`, by choice.
std::map<std::string, std::vector<std::pair<std::string, double>>> options_of(
    const Series& series, const std::string& prefix) {
  std::map<std::string, std::vector<std::pair<std::string, double>>> choices;
  for (const auto& [name, values] : series) {
    if (!name.starts_with(prefix)) continue;
    const std::string rest = name.substr(prefix.size());
    const size_t dot = rest.rfind('.');
    if (dot == std::string::npos) continue;
    choices[rest.substr(0, dot)].emplace_back(rest.substr(dot + 1), values.back().second);
  }
  return choices;
}

void add_probabilities(Page& page, Gathered& g, const RunRow& run, const Series& series) {
  const auto choices = options_of(series, "path.p.");
  if (choices.empty()) return;
  page.heading(g.labels[run.id] + ": probabilities of options");
  add_option_tables(page, {choices.begin(), choices.end()});
  // As the trainer names them: `stage1.depth+1`.
  const auto shared = std::find_if(choices.begin(), choices.end(), [](const auto& entry) {
    const size_t plus = entry.first.rfind('+');
    return plus != std::string::npos && plus + 1 < entry.first.size() &&
           entry.first.find_first_not_of("0123456789", plus + 1) == std::string::npos;
  });
  if (shared != choices.end())
    page.text(
        "A row named CHOICE+N stands for that choice and N others with the same options, "
        "which share their probabilities: " +
        printable(shared->first) + " is " +
        printable(shared->first.substr(0, shared->first.rfind('+'))) + " and " +
        printable(shared->first.substr(shared->first.rfind('+') + 1)) + " more.");
  constexpr size_t kMostCharts = 12;
  page.begin_details("Over epochs");
  page.begin_plots();
  size_t drawn = 0;
  for (const auto& [choice, options] : choices) {
    if (++drawn > kMostCharts) break;
    Json chart{{"kind", "lines"},
               {"x", axis_json("epoch", "count")},
               {"y", axis_json("p of " + choice, "percent")},
               {"series", Json::array()}};
    int colour = 0;
    for (const auto& [option, p] : options)
      chart["series"].push_back({{"name", printable(option)},
                                 {"colour", colour++},
                                 {"points", series.at("path.p." + choice + "." + option)}});
    page.chart(std::move(chart), "Probabilities of " + choice);
  }
  page.end_plots();
  page.end_details();
}

/// How often each option was trained.
void add_draws(Page& page, Gathered& g, const RunRow& run) {
  const auto draws = draws_of(g.store, run.id);
  if (!draws || !of_several(*draws)) return;
  std::vector<OptionShares> choices;
  for (const ChoiceDraws& c : draws->choices) {
    if (c.options.size() < 2 || c.active == 0) continue;
    choices.push_back({c.choice, {}});
    for (const auto& [option, count] : c.options)
      choices.back().second.emplace_back(
          option, static_cast<double>(count) / static_cast<double>(c.active));
  }
  if (choices.empty()) return;
  page.heading(g.labels[run.id] + ": how often each option was trained");
  page.text("Share of the paths in which the choice was active; " + std::to_string(draws->paths) +
                " paths in all.",
            /*soft=*/true);
  add_option_tables(page, choices);
}

/// What each run draws of its architectures and images.
void add_sampling(Page& page,
                  Gathered& g,
                  const std::vector<std::pair<const RunRow*, Series>>& runs) {
  page.begin_plots();
  add_curves(page,
             g,
             runs,
             "distinct paths",
             "count",
             {{"train.distinct_paths", "distinct paths", false}});
  add_curves(page,
             g,
             runs,
             "effective sample size",
             "count",
             {{"data.effective_sample_size", "images, effectively", false}});
  add_curves(page,
             g,
             runs,
             "share of distinct images",
             "percent",
             {{"data.distinct_share", "distinct images", false}});
  page.end_plots();
}

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double v : values)
    if (std::isfinite(v)) most = std::max(most, v);
  return most;
}

/// The distances of the options of the choice on which a node was split.
void add_matrix(Page& page, const Json& node) {
  for (const Json& score : node.at("scores")) {
    std::vector<std::string> options;
    for (const Json& option : score.at("options"))
      options.push_back(printable(option.get<std::string>()));
    const auto flat = score.at("distance").get<std::vector<double>>();
    if (options.empty() || flat.size() != options.size() * options.size()) continue;
    std::vector<std::vector<double>> matrix;
    for (size_t r = 0; r < options.size(); ++r)
      matrix.emplace_back(flat.begin() + static_cast<long>(r * options.size()),
                          flat.begin() + static_cast<long>((r + 1) * options.size()));
    page.text("Node " + node.at("id").dump() + " was split on " +
              printable(score.at("choice").get<std::string>()) + "; distances of its options (" +
              (score.value("halves_agree", false)
                   ? "two halves of the batches agree on the groups)"
                   : "two halves of the batches give different groups: no evidence)"));
    page.heat("", options, options, matrix, 0, largest(flat));
  }
}

void add_tree(Page& page, Gathered& g, const RunRow& run) {
  const auto tree = tree_report(g.store, run);
  if (!tree) return;
  page.heading(g.labels[run.id] + ": split tree");
  try {
    page.picture(svg_of(tree->dot), "Split tree of " + g.labels[run.id]);
  } catch (const DeviceError&) {
    page.preformatted(tree->text);  // Without Graphviz.
  }
  for (const Json& node : tree->json.at("nodes"))
    if (!node.at("scores").empty()) add_matrix(page, node);
}

std::vector<std::pair<const RunRow*, Series>> trainings(const Gathered& g) {
  std::vector<std::pair<const RunRow*, Series>> runs;
  for (const RunRow* run : g.of("train"))
    if (Series series = metrics_of(g.store, run->id); !series.empty())
      runs.emplace_back(run, std::move(series));
  return runs;
}

}  // namespace

void add_training(Page& page, Gathered& g) {
  const auto runs = trainings(g);
  if (runs.empty()) return;
  page.section("Training curves");
  page.begin_plots();
  add_curves(page,
             g,
             runs,
             "loss",
             "",
             {{"train.loss", "training", false},
              {"validation.loss.mean", "validation, mean", true},
              {"validation.loss", "validation", true}});
  add_curves(page,
             g,
             runs,
             "accuracy",
             "percent",
             {{"train.accuracy", "training", false},
              {"validation.accuracy.mean", "validation, mean of subnets", true},
              {"validation.accuracy.best", "validation, best subnet", true},
              {"validation.accuracy.largest", "validation, largest subnet", true},
              {"validation.accuracy", "validation", true}});
  add_curves(page, g, runs, "learning rate", "", {{"train.lr", "learning rate", false}});
  add_curves(page,
             g,
             runs,
             "images a second",
             "count",
             {{"time.images_per_second", "images a second", false}});
  page.end_plots();
}

void add_health(Page& page, Gathered& g) {
  const auto runs = trainings(g);
  if (runs.empty()) return;
  page.section("Supernet health");
  for (const auto& [run, series] : runs) {
    const auto text = g.store.document(run->id, "train");
    const Json document = text ? Json::parse(*text, nullptr, false) : Json();
    std::vector<std::string> lines;
    if (document.is_object())
      for (const Json& line : document.value("health", Json::array()))
        if (line.is_string())
          lines.push_back(g.labels[run->id] + ": " + printable(line.get<std::string>()));
    page.list(lines);
  }
  add_sampling(page, g, runs);
  for (const auto& [run, series] : runs) {
    add_probabilities(page, g, *run, series);
    g.guarded("choice counts of " + g.labels[run->id], [&, r = run] { add_draws(page, g, *r); });
    add_mixture(page, g, *run, series);
    g.guarded("split tree of " + g.labels[run->id], [&, r = run] { add_tree(page, g, *r); });
  }
}

}  // namespace nas::cli
