#pragma once
// What `nas doctor` found of this build and machine, and how it is told.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace nas::cli {

enum class Health {
  kOk,
  kNote,  ///< Works, with a consequence that the advice tells.
  kBad,   ///< Something will not work.
};

struct DoctorLine {
  std::string part, name;
  nlohmann::ordered_json value;  ///< Text, number or truth value; null where there is none.
  Health health = Health::kOk;
  std::string advice = {};
};

struct DoctorResult {
  std::vector<DoctorLine> lines;  ///< Those of a part together.
  bool ok() const;
};

/// Schema nas-doctor/1: a list for each part.
nlohmann::ordered_json doctor_json(const DoctorResult& result);
std::string doctor_text(const DoctorResult& result);

}  // namespace nas::cli
