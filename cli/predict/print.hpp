#pragma once
// Documents of `nas predict` for people.
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.hpp"
#include "predictors/judge.hpp"

namespace nas::cli {

/// {"mape": {"mean": .., "sd": ..}, ...}: numbers that are defined.
nlohmann::ordered_json errors_json(const Repeated& repeated);
/// Of one test set: plain numbers.
nlohmann::ordered_json errors_json(const Errors& errors);
/// Name, hyper-parameters, rows and features of a fitted predictor.
nlohmann::ordered_json predictor_json(const Predictor& p);

/// One row of the table of errors for each entry of `judged`, under `first`.
void print_errors(const nlohmann::ordered_json& judged, const std::string& first);
/// `alpha 3.5, pairs 0`.
std::string parameters_text(const nlohmann::ordered_json& chosen);

}  // namespace nas::cli
