#include "supernet/weights/math/association_document.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace nas {
namespace {

using Json = nlohmann::ordered_json;

/// Those with the most visits; of equal ones the first.
std::vector<size_t> most_trained(const Mixture& mixture, size_t most) {
  const Association& a = mixture.association();
  std::vector<int64_t> visits(a.rows(), 0);
  std::vector<size_t> rows;
  for (size_t r = 0; r < a.rows(); ++r) {
    if (mixture.rows().weights()[r] <= 0) continue;  // No architecture has it.
    rows.push_back(r);
    for (int m = 0; m < a.models(); ++m) visits[r] += a.visits(r, m);
  }
  if (rows.size() <= most) return rows;
  std::nth_element(
      rows.begin(), rows.begin() + static_cast<long>(most), rows.end(), [&](size_t x, size_t y) {
        return visits[x] != visits[y] ? visits[x] > visits[y] : x < y;
      });
  rows.resize(most);
  std::sort(rows.begin(), rows.end());
  return rows;
}

Json row_json(const Mixture& mixture, size_t r, int model, bool learned) {
  const Association& a = mixture.association();
  std::vector<double> q(static_cast<size_t>(a.models()), 0);
  q[static_cast<size_t>(model)] = 1;
  if (learned) q = a.q(r);
  Json json{{"row", mixture.rows().name(r)},
            {"share", mixture.rows().weights()[r]},
            {"model", model},
            {"q", q},
            {"visits", Json::array()},
            {"seen", Json::array()}};
  for (int m = 0; m < a.models(); ++m) {
    json["visits"].push_back(a.visits(r, m));
    const double seen = a.seen(r, m);
    json["seen"].push_back(std::isfinite(seen) ? Json(seen) : Json(nullptr));
  }
  return json;
}

}  // namespace

std::string association_document(const HoldsMixtures& store, size_t most) {
  Json mixtures = Json::array();
  for (const auto& [name, mixture] : store.mixtures()) {
    if (mixture->models() < 2) continue;
    const std::vector<int> models = mixture->assignment();
    Json shown = Json::array();
    for (const size_t r : most_trained(*mixture, most))
      shown.push_back(row_json(*mixture, r, models[r], mixture->learned()));
    mixtures.push_back({{"name", name},
                        {"models", mixture->models()},
                        {"rows", mixture->rows().possible()},
                        {"learned", mixture->learned()},
                        {"shown", std::move(shown)}});
  }
  if (mixtures.empty()) return "";
  return Json{{"schema", "nas-association/1"}, {"mixtures", std::move(mixtures)}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nas
