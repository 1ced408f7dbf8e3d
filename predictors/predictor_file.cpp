// Predictors as JSON: numbers in it are exact (shortest text that reads back as the same double),
// and everything that a later version needs to refuse or to open it stands beside them.
#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "predictors/predictor.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/error.hpp"
#include "spaces/text/plain_text.hpp"

namespace nas {
namespace {

using Json = nlohmann::json;

constexpr const char* kSchema = "nas-predictor";
constexpr int kVersion = 1;

constexpr std::array kTransforms = {"none", "log", "auto"};

[[noreturn]] void damaged(const std::string& origin, const std::string& why) {
  throw DataError(origin + ": is no predictor that can be used: " + why +
                  ". Fit it again with `nas predict fit`.");
}

/// Of all but itself: a digit that was changed is a wrong number, not an error, else.
std::string checksum_of(Json json) {
  json.erase("checksum");
  return sha256_hex(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

Json Predictor::to_json() const {
  Json json{{"schema", kSchema},
            {"version", kVersion},
            {"kind", name()},
            {"space", features_.space},
            {"fingerprint", features_.fingerprint},
            {"features", features_.names},
            {"rows", rows_},
            {"transform", kTransforms[static_cast<size_t>(transform_)]},
            {"chosen", chosen_},
            {"cv_mape", std::isfinite(cv_mape_) ? Json(cv_mape_) : Json(nullptr)},
            {"state", state()}};
  if (!target_.empty()) json["target"] = target_;
  if (!conditions_.empty()) json["conditions"] = conditions_;
  if (!learnt_.empty()) json["learnt"] = learnt_;
  return json;
}

std::unique_ptr<Predictor> predictor_from_json(const Json& json, const std::string& origin) {
  if (!json.is_object() || !json.contains("schema") || json["schema"] != kSchema)
    damaged(origin, "it does not say \"schema\": \"" + std::string(kSchema) + "\"");
  if (!json.contains("version") || !json["version"].is_number_integer())
    damaged(origin, "it has no version");
  if (json["version"].get<int64_t>() != kVersion)
    damaged(origin,
            "it is of version " + json["version"].dump() + ", this program reads version " +
                std::to_string(kVersion));
  try {
    const std::string kind = json.at("kind").get<std::string>();
    std::unique_ptr<Predictor> p;
    for (const PredictorInfo& info : predictors())
      if (info.name == kind) p = info.make();
    if (p == nullptr) damaged(origin, "this program has no predictor '" + kind + "'");
    p->features_ = {json.at("space").get<std::string>(),
                    json.at("fingerprint").get<std::string>(),
                    json.at("features").get<std::vector<std::string>>()};
    p->rows_ = json.at("rows").get<int64_t>();
    if (json.contains("target")) p->target_ = json.at("target").get<std::string>();
    if (json.contains("conditions"))
      p->conditions_ = json.at("conditions").get<std::map<std::string, std::string>>();
    if (json.contains("learnt")) {
      p->learnt_ = json.at("learnt").get<std::vector<uint32_t>>();
      std::sort(p->learnt_.begin(), p->learnt_.end());
    }
    const std::string transform = json.at("transform").get<std::string>();
    if (transform != "none" && transform != "log")
      damaged(origin, "its transform '" + transform + "' is not known");
    p->transform_ = transform == "log" ? TargetTransform::kLog : TargetTransform::kNone;
    p->chosen_ = json.at("chosen").get<std::map<std::string, double>>();
    p->cv_mape_ = json.at("cv_mape").is_null() ? NAN : json.at("cv_mape").get<double>();
    p->restore(json.at("state"));
    if (static_cast<size_t>(p->width()) != p->features_.names.size())
      damaged(origin,
              "it names " + std::to_string(p->features_.names.size()) +
                  " features and holds numbers for " + std::to_string(p->width()));
    p->fitted_ = true;
    return p;
  } catch (const DataError&) {
    throw;
  } catch (const std::exception& e) {
    damaged(origin, e.what());
  }
}

void Predictor::save(const std::string& file) const {
  Json json = to_json();
  json["checksum"] = checksum_of(json);
  write_whole_file(file, json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::unique_ptr<Predictor> load_predictor(const std::string& file) {
  const std::string text = read_text_file(file, "a predictor");
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) damaged(file, "it is not valid JSON");
  auto p = predictor_from_json(json, file);
  if (!json.contains("checksum") || json["checksum"] != checksum_of(json))
    damaged(file, "its content is not what was written");
  return p;
}

}  // namespace nas
