#include "cli/report/training/dry_run.hpp"

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/report/document.hpp"

namespace nas::cli {
namespace {

std::string mebibytes(double bytes) {
  return format_number(bytes / (1 << 20), 3) + " MiB";
}

/// Below this the two are taken for equal: steps are few.
constexpr double kWorthTelling = 1.05;

/// Which layout is faster here. Never chosen by itself: two starts of one configuration would then
/// give different bits on two machines, or on one that was busy once.
std::string layout_text(const DryRun& d) {
  const double ratio = d.seconds_per_step / d.other_layout_seconds_per_step;
  const std::string other = format_number(d.other_layout_seconds_per_step * 1e3, 3) + " ms";
  if (ratio >= kWorthTelling)
    return d.layout + "; " + d.other_layout + " is " + format_number(ratio, 3) +
           " times faster here (" + other + ")";
  return d.layout + "; " + d.other_layout +
         (ratio <= 1 / kWorthTelling ? " is slower here (" : " takes as long here (") + other + ")";
}

}  // namespace

std::string dry_run_json(const DryRun& d) {
  using Json = nlohmann::ordered_json;
  Json json{{"schema", "nas-train-dry-run/1"},
            {"space", d.space},
            {"architectures", d.architectures},
            {"parameters", d.parameters},
            {"sets", d.sets},
            {"train_images", d.train_images},
            {"validation_images", d.validation_images},
            {"test_images", d.test_images},
            {"steps_per_epoch", d.steps_per_epoch},
            {"seconds_per_step", d.seconds_per_step},
            {"steps_timed", d.steps_timed},
            {"seconds_estimated", d.seconds()},
            {"peak_memory_bytes", d.peak_bytes},
            {"checkpoint_bytes", d.state_bytes},
            {"device", d.device},
            {"threads", d.threads},
            {"shards", d.shards},
            {"database", d.database},
            {"folder", d.folder}};
  json["memory_format"] = d.layout;
  if (d.other_layout_seconds_per_step > 0)
    json["seconds_per_step_by_memory_format"] = {{d.layout, d.seconds_per_step},
                                                 {d.other_layout, d.other_layout_seconds_per_step}};
  if (!d.weights.empty()) json["weights"] = d.weights;
  return json_text(json);
}

std::string dry_run_text(const DryRun& d) {
  const double epoch_seconds = d.seconds_per_step * static_cast<double>(d.steps_per_epoch);
  Table table({"dry run", ""});
  table.row({"space", d.space + " (" + d.architectures + " architectures)"});
  table.row({"parameters", format_count(static_cast<double>(d.parameters))});
  if (!d.weights.empty()) table.row({"weights", d.weights});
  if (d.sets > 1 && !d.weights.empty())
    table.row({"weight sets",
               std::to_string(d.sets) + ", " + mebibytes(d.state_bytes) + " with their moments"});
  table.row({"data", d.data});
  table.row({"images",
             std::to_string(d.train_images) + " train, " + std::to_string(d.validation_images) +
                 " validation, " + std::to_string(d.test_images) + " test"});
  table.row({"strategy", d.strategy});
  table.row({"device", d.device_text});
  table.row({"step",
             format_number(d.seconds_per_step * 1e3, 3) + " ms (median of " +
                 std::to_string(d.steps_timed) + ")"});
  if (d.other_layout_seconds_per_step > 0) table.row({"layout", layout_text(d)});
  if (d.seconds_per_step >= kWorthTelling * d.other_layout_seconds_per_step &&
      d.other_layout_seconds_per_step > 0)
    table.row({"", "it is chosen with --set train.memory_format=" + d.other_layout});
  table.row({"epoch",
             format_seconds(epoch_seconds) + " (" + std::to_string(d.steps_per_epoch) + " steps)"});
  table.row({"run",
             format_seconds(d.seconds()) + " for " + std::to_string(d.epochs) +
                 " epochs, validation not counted"});
  if (d.budget > 0)
    table.row(
        {"budget",
         format_count(d.budget) + " multiply-adds, about " +
             format_number(d.budget / (d.macs_per_step * static_cast<double>(d.steps_per_epoch))) +
             " epochs"});
  table.row({"memory", mebibytes(d.peak_bytes) + " at most so far"});
  table.row({"would write",
             d.database + ", and checkpoints of " + mebibytes(d.state_bytes) + " in " + d.folder});
  return table.text();
}

}  // namespace nas::cli
