#pragma once
// How well times were foretold.
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace nas::cli {

struct Foretold {
  size_t networks = 0;
  double mape = 0;       ///< Percent of the measured time.
  double within_10 = 0;  ///< Share of networks that are off by at most a tenth.
  double tau_b = 0;      ///< NaN where one list is constant.
  double bias = 0;       ///< Mean relative error, predicted above measured being positive; percent.
};
/// Lists of equal length, measured > 0.
Foretold foretold(std::span<const double> predicted, std::span<const double> measured);

nlohmann::ordered_json foretold_json(const Foretold& f);
/// Cells under kForetoldHeader.
std::vector<std::string> foretold_cells(const std::string& name, const Foretold& f);
inline const std::vector<std::string> kForetoldHeader = {
    "prediction", "MAPE", "within 10 %", "tau-b", "bias"};

}  // namespace nas::cli
