// Lines of another program are read with suspicion: a question is answered by its id alone, each
// once, and what is no answer is shown to the user as it came.
#include "search/evaluators/external_answers.hpp"

#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "search/evaluators/value_check.hpp"
#include "spaces/metric.hpp"

namespace nas {
namespace {

/// But for blanks: programs print `[1, 3, 6]` where `[1,3,6]` was asked.
bool same_text(const std::string& a, const std::string& b) {
  const auto without = [](std::string text) {
    std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
    return text;
  };
  return without(a) == without(b);
}

using Json = nlohmann::json;

std::string dumped(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Evaluation value_of(const Json& answer,
                    const std::string& line,
                    const std::vector<std::string>& metrics,
                    std::string& percents) {
  Evaluation result;
  if (const auto it = answer.find("error"); it != answer.end() && !it->is_null()) {
    result.error = shown_text(it->is_string() ? it->get<std::string>() : dumped(*it), 1000);
    if (result.error.empty()) result.error = "the command reported an error";
    return result;
  }
  for (const std::string& metric : metrics) {
    const auto it = answer.find(metric);
    if (it != answer.end() && it->is_number() && std::isfinite(it->get<double>())) {
      const double value = it->get<double>();
      const Metric* known = find_metric(metric);
      const bool inside = known == nullptr || (value >= known->low && value <= known->high);
      const std::string impossible = impossible_value(metric, value);
      if (inside && impossible.empty()) {
        result.values[metric] = value;
        continue;
      }
      result.values.clear();
      constexpr double kMostPercent = 100;
      if (known != nullptr && known->unit == MetricUnit::kShare && value > 1 &&
          value <= kMostPercent)
        percents = metric;
      result.error =
          "'" + metric + "' " +
          (inside                              ? impossible
           : known->unit == MetricUnit::kShare ? "is out of its range 0 to 1 (a share, not percent)"
                                               : "is out of its range") +
          " in the answer: " + shown_text(line);
      break;
    }
    result.values.clear();
    result.error = it == answer.end()
                       ? "the answer has no '" + metric + "': " + shown_text(line)
                       : "'" + metric + "' is no finite number in the answer: " + shown_text(line);
    break;
  }
  return result;
}

/// An object that would answer if it said what.
bool like_an_answer(const Json& object, const std::vector<std::string>& metrics) {
  if (object.contains("error")) return true;
  for (const std::string& metric : metrics)
    if (!object.contains(metric)) return false;
  return true;
}

/// A line that was meant as an answer but is no JSON (Python writes NaN and Infinity): it names the
/// id of exactly one question.
Line spoiled(const std::string& text, const std::map<std::string, Question>& asked) {
  Line line;
  const size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
  if (first == text.npos || text[first] != '{' || text[last] != '}' ||
      text.find("choices") != std::string::npos)
    return line;
  for (const auto& [id, question] : asked) {
    if (text.find(id) == std::string::npos) continue;
    if (!line.id.empty()) return {};
    line.id = id;
  }
  if (line.id.empty()) return line;
  line.kind = Line::Kind::kAnswer;
  line.value.error =
      "the answer is no JSON object (NaN and Infinity are no JSON): " + shown_text(text);
  return line;
}

}  // namespace

Question question_of(const Space& space, const Architecture& a, size_t number) {
  char mark[16];
  std::snprintf(mark, sizeof mark, "-%08x", static_cast<unsigned>(a.hash() & 0xffffffffU));
  return {"q" + std::to_string(number) + mark, space.text(a)};
}

std::string to_line(const Question& question, const Space& space, const Architecture& a) {
  const nlohmann::ordered_json line = {{"id", question.id},
                                       {"architecture", question.architecture},
                                       {"choices", nlohmann::ordered_json::parse(space.json(a))}};
  return line.dump() + "\n";
}

Line read_line(const std::string& text,
               const std::map<std::string, Question>& asked,
               const std::vector<std::string>& metrics) {
  std::set<std::string> keys;
  std::string twice;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 &&
        !keys.insert(parsed.get<std::string>()).second)
      twice = parsed.get<std::string>();
    return true;
  };
  const Json object = Json::parse(text, watch, /*allow_exceptions=*/false);
  if (object.is_discarded()) return spoiled(text, asked);
  Line line;
  if (!object.is_object()) return line;
  const auto id = object.find("id");
  if (id == object.end() || id->is_null()) {
    if (like_an_answer(object, metrics)) line.kind = Line::Kind::kWithoutId;
    return line;
  }
  line.id = id->is_string() ? id->get<std::string>() : dumped(*id);
  const auto it = id->is_string() ? asked.find(line.id) : asked.end();
  if (it == asked.end()) {
    if (!like_an_answer(object, metrics)) return line;
    line.kind = Line::Kind::kSurplus;
    line.why = "the id " + shown_text(dumped(*id), 60) + " was never asked";
    return line;
  }
  if (const auto a = object.find("architecture");
      a != object.end() && !a->is_null() &&
      !(a->is_string() && same_text(a->get<std::string>(), it->second.architecture))) {
    line.kind = Line::Kind::kSurplus;
    line.why = "the answer to " + line.id + " names the architecture " +
               shown_text(dumped(*a), 100) + ", asked was " + it->second.architecture;
    return line;
  }
  // The question itself, echoed for its author to see.
  if (object.contains("choices") && !like_an_answer(object, metrics)) return line;
  line.kind = Line::Kind::kAnswer;
  line.value = value_of(object, text, metrics, line.percents);
  if (!twice.empty()) {
    line.value = {};
    line.value.error = "the answer gives '" + shown_text(twice, 60) +
                       "' twice, and nothing says which is meant: " + shown_text(text);
  }
  return line;
}

std::string shown_text(const std::string& text, size_t most) {
  std::string valid;
  try {
    // The JSON library replaces what is no UTF-8; control characters are blanks here.
    valid = Json::parse(dumped(Json(text))).get<std::string>();
  } catch (const Json::exception&) {
    valid = "?";
  }
  for (char& c : valid)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  while (!valid.empty() && valid.back() == ' ') valid.pop_back();
  if (valid.size() <= most) return valid;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(valid[end]) & 0xc0U) == 0x80U) --end;
  return valid.substr(0, end) + " ...";
}

}  // namespace nas
