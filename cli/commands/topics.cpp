// A topic is a text file of cli/topics/. What would go out of date as prose - a program that ships,
// the forms of foreign tables - is put behind it from where it is true.
#include "cli/commands/topics.hpp"

#include <fstream>

#include "cli/report/document.hpp"
#include "cli/sweep/topic.hpp"
#include "cli/topics/latency_topic.hpp"
#include "cli/topics/texts.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

/// The program that ships, so that what is shown is what is tested.
std::string example() {
  std::ifstream file(config_dir() + "/search/external.py");
  std::string text, line;
  while (std::getline(file, line)) text += (text.empty() ? "  " : "\n  ") + line;
  return "\n\n" + text;
}

std::string latency() {
  return "\n\n" + latency_topic();
}

std::vector<Topic> made() {
  std::vector<Topic> table;
  for (const auto& [name, text] : topic_texts()) {
    std::string (*more)() = nullptr;
    if (name == "evaluators") more = example;
    if (name == "latency") more = latency;
    table.push_back({std::string(name), [text = text, more] {
                       return std::string(text) + (more == nullptr ? "" : more());
                     }});
  }
  table.push_back({"sweep", sweep_topic});
  return table;
}

}  // namespace

const std::vector<Topic>& topics() {
  static const std::vector<Topic> table = made();
  return table;
}

std::string help_document(const std::string& about, const std::string& text) {
  nlohmann::ordered_json json{{"schema", "nas-help/1"}, {"about", about}, {"text", text}};
  for (const Topic& topic : topics())
    if (about == "nas " + topic.name) json["topic"] = topic.text();
  return json_text(json);
}

}  // namespace nas::cli
