#include "cli/results/doctor.hpp"

#include <algorithm>

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

const char* to_string(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kNote:
      return "note";
    case Health::kBad:
      break;
  }
  return "bad";
}

}  // namespace

bool DoctorResult::ok() const {
  return std::none_of(lines.begin(), lines.end(), [](const DoctorLine& line) {
    return line.health == Health::kBad;
  });
}

Json doctor_json(const DoctorResult& result) {
  Json json{{"schema", "nas-doctor/1"}, {"ok", result.ok()}};
  for (const DoctorLine& line : result.lines) {
    Json entry{{"name", line.name}, {"value", line.value}, {"verdict", to_string(line.health)}};
    if (!line.advice.empty()) entry["advice"] = line.advice;
    json[line.part].push_back(std::move(entry));
  }
  return json;
}

std::string doctor_text(const DoctorResult& result) {
  std::string text, part;
  for (const DoctorLine& line : result.lines) {
    if (line.part != part) {
      text += (text.empty() ? "" : "\n") + line.part + "\n";
      part = line.part;
    }
    const std::string value = line.value.is_null()      ? "-"
                              : line.value.is_string()  ? line.value.get<std::string>()
                              : line.value.is_boolean() ? (line.value.get<bool>() ? "yes" : "no")
                                                        : line.value.dump();
    text += line.health == Health::kBad ? "! " : "  ";
    text += line.name + std::string(line.name.size() < 16 ? 16 - line.name.size() : 1, ' ') + value;
    if (!line.advice.empty()) text += "  (" + line.advice + ")";
    text += "\n";
  }
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace nas::cli
