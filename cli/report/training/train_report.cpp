#include "cli/report/training/train_report.hpp"
#include "cli/terminal/fold.hpp"
#include "cli/terminal/suggest.hpp"

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/report/document.hpp"

namespace nas::cli {
namespace {

enum class Unit { kShare, kNumber, kCount, kSeconds };

struct Word {
  const char* metric;
  const char* text;
  Unit unit;
};

// Of the last epoch; what is not here (probabilities, variances) `nas results --history` shows.
constexpr Word kLastEpoch[] = {
    {"train.loss", "training loss", Unit::kNumber},
    {"train.accuracy", "training accuracy", Unit::kShare},
    {"validation.accuracy", "validation accuracy", Unit::kShare},
    {"validation.accuracy.largest", "validation accuracy, largest subnet", Unit::kShare},
    {"validation.accuracy.mean", "validation accuracy, mean of the subnets", Unit::kShare},
    {"validation.accuracy.best", "validation accuracy, best of them", Unit::kShare},
    {"validation.loss.mean", "validation loss, mean of the subnets", Unit::kNumber},
    {"mixture.validation_average",
     "validation accuracy, moving average over networks and models",
     Unit::kShare},
    {"train.distinct_paths", "different architectures trained", Unit::kCount},
    {"time.seconds", "time", Unit::kSeconds},
    {"time.images_per_second", "images per second", Unit::kCount},
};

std::string shown(double value, Unit unit) {
  switch (unit) {
    case Unit::kShare:
      return format_number(100 * value) + " %";
    case Unit::kCount:
      return format_count(value);
    case Unit::kSeconds:
      return format_seconds(value);
    case Unit::kNumber:
      break;
  }
  return format_number(value);
}

const double* find(const TrainReport& report, const std::string& metric) {
  for (const auto& [name, value] : report.last)
    if (name == metric) return &value;
  return nullptr;
}

}  // namespace

std::string train_report_text(const TrainReport& r) {
  std::string text = "run " + r.run.id + (r.run.name.empty() ? "" : ", named " + r.run.name) +
                     ": strategy " + r.strategy + " on the space " + r.run.space;
  Table last({"last epoch (" + std::to_string(r.epochs) + ")", ""});
  for (const Word& word : kLastEpoch)
    if (const double* value = find(r, word.metric)) last.row({word.text, shown(*value, word.unit)});
  Table whole({"whole run", ""});
  whole.row({"epochs", std::to_string(r.epochs)});
  whole.row({r.resumed ? "time since it was resumed" : "time", format_seconds(r.seconds)});
  for (const auto& [what, value] : compute_lines(r.compute)) whole.row({what, value});
  whole.row({"checkpoint", r.checkpoint});
  whole.row({"sha256 of the weights", r.weights_sha256.substr(0, 16) + "..."});
  const size_t width = output_width(1);
  text = fold(text, width) + "\n\n" + last.text() + "\n\n" + whole.text();
  if (!r.health.empty()) text += "\n";
  for (const std::string& line : r.health) text += "\n" + fold(line, width);
  return text + "\n";
}

std::string train_report_json(const TrainReport& r) {
  using Json = nlohmann::ordered_json;
  Json metrics = Json::object();
  for (const auto& [name, value] : r.last) metrics[name] = value;
  return json_text(Json{{"schema", "nas-train/1"},
                        {"run", r.run.id},
                        {"name", r.run.name},
                        {"status", "finished"},
                        {"space", r.run.space},
                        {"strategy", r.strategy},
                        {"epochs", r.epochs},
                        {"metrics", metrics},
                        {"health", r.health},
                        {"weights_sha256", r.weights_sha256},
                        {"checkpoint", r.checkpoint},
                        {"directory", r.run.directory},
                        {"compute", compute_json(r.compute)},
                        {"seconds", r.seconds}});
}

std::string train_next(const TrainReport& r, const Common& common) {
  // One network alone: there is nothing to sample or to search.
  if (!r.only_arch.empty())
    return "next: " +
           suggested({"evaluate", "--run", r.run.id, "--arch", r.only_arch, "--split", "test"},
                     common) +
           "\n      " + suggested({"export", "--run", r.run.id, "--arch", r.only_arch}, common);
  return "next: " + suggested({"evaluate", "--run", r.run.id, "--sample", "5"}, common) +
         "\n      " + suggested({"search", "--run", r.run.id}, common);
}

}  // namespace nas::cli
