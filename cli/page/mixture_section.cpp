#include "cli/page/mixture_section.hpp"

#include <algorithm>
#include <cmath>

#include "cli/report/training/association.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Models of a mixture over epochs: how many architectures' rows they own, how often drawn.
void add_curves(Page& page, const Series& series) {
  page.begin_plots();
  struct OfModels {
    const char *prefix, *name, *form;
  };
  for (const auto& [prefix, name, form] :
       {OfModels{"mixture.rows.", "rows owned", "count"},
        {"mixture.draws.", "draws", "count"},
        {"mixture.validation.", "validation accuracy", "percent"}}) {
    Json chart{{"kind", "lines"},
               {"x", axis_json("epoch", "count")},
               {"y", axis_json(name, form)},
               {"series", Json::array()}};
    int colour = 0;
    for (const auto& [metric, values] : series)
      if (metric.starts_with(prefix))
        chart["series"].push_back({{"name", "model " + metric.substr(std::string(prefix).size())},
                                   {"colour", colour++},
                                   {"points", values}});
    if (!chart["series"].empty()) page.chart(std::move(chart), std::string(name) + " by model");
  }
  Json entropy{{"kind", "lines"},
               {"x", axis_json("epoch", "count")},
               {"y", axis_json("entropy of the association")},
               {"series", Json::array()}};
  entropy["series"].push_back(
      {{"name", "entropy"}, {"colour", 0}, {"points", series.at("mixture.entropy")}});
  page.chart(std::move(entropy), "Entropy of the association");
  page.end_plots();
}

/// A table of colours from one list of each row: `q`, or `seen` with what is missing left empty.
void add_heat(Page& page,
              const std::vector<const Json*>& rows,
              const char* key,
              const std::vector<std::string>& models,
              double low,
              double high) {
  std::vector<std::string> names;
  std::vector<std::vector<double>> values;
  for (const Json* row : rows) {
    names.push_back(printable(row->at("row").get<std::string>()));
    values.emplace_back();
    for (const Json& v : row->at(key))
      values.back().push_back(v.is_number() ? v.get<double>() : NAN);
    values.back().resize(models.size(), NAN);
  }
  page.heat("network", models, names, values, low, high);
}

/// Rows of one model stand together, the surest first, so that blocks show what was learnt.
void add_association(Page& page, const std::string& label, const Json& mixture) {
  constexpr size_t kMost = 60;
  std::vector<const Json*> rows;
  for (const Json& row : mixture.at("shown")) rows.push_back(&row);
  const auto model = [](const Json* row) { return row->at("model").get<size_t>(); };
  const auto trained = [](const Json* row) {
    double visits = 0;
    for (const Json& v : row->at("visits")) visits += v.get<double>();
    return visits;
  };
  if (rows.size() > kMost) {
    std::stable_sort(rows.begin(), rows.end(), [&](const Json* a, const Json* b) {
      return trained(a) > trained(b);
    });
    rows.resize(kMost);
  }
  std::stable_sort(rows.begin(), rows.end(), [&](const Json* a, const Json* b) {
    if (model(a) != model(b)) return model(a) < model(b);
    return a->at("q").at(model(a)).get<double>() > b->at("q").at(model(b)).get<double>();
  });
  std::vector<std::string> models;
  for (size_t m = 0; m < mixture.at("models").get<size_t>(); ++m)
    models.push_back("model " + std::to_string(m));
  double low = 1, high = 0;
  for (const Json* row : rows)
    for (const Json& v : row->at("seen"))
      if (v.is_number()) {
        low = std::min(low, v.get<double>());
        high = std::max(high, v.get<double>());
      }
  const auto all = mixture.at("rows").get<size_t>();
  const std::string of = rows.size() < all ? "the " + std::to_string(rows.size()) + " of " +
                                                 std::to_string(all) + " rows that trained most"
                                           : "all " + std::to_string(all) + " rows";
  const std::string part = mixture.value("name", "");
  page.heading(label + (part.empty() ? "" : ", " + printable(part)) +
               ": which networks train with which model");
  page.text(mixture.value("learned", true)
                ? "Probability that a network is trained with each model, " + of +
                      "; those of one model stand together."
                : "Divided by chance, " + of + ".",
            /*soft=*/true);
  add_heat(page, rows, "q", models, 0, 1);
  if (high < low) return;
  page.begin_details("Validation accuracy that training saw of each pair");
  add_heat(page, rows, "seen", models, low, high);
  page.end_details();
}

}  // namespace

void add_mixture(Page& page, Gathered& g, const RunRow& run, const Series& series) {
  const std::string label = g.labels[run.id];
  if (series.contains("mixture.entropy")) {
    page.heading(label + ": models of the mixture");
    add_curves(page, series);
  }
  const auto text = g.store.document(run.id, kAssociation);
  if (!text) return;
  g.guarded("association of " + label, [&] {
    const Json document = Json::parse(*text);
    for (const Json& mixture : document.at("mixtures")) add_association(page, label, mixture);
  });
}

}  // namespace nas::cli
