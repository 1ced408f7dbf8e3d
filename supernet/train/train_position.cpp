#include "supernet/train/train_position.hpp"

#include <nlohmann/json.hpp>

#include "spaces/error.hpp"
#include "supernet/files/checkpoint.hpp"

namespace nas {
namespace {

/// Calls f(name, field) for each.
template <typename P, typename F>
void each_field(P& p, const F& f) {
  f("epoch", p.epoch);
  f("step", p.step);
  f("global_step", p.global_step);
  f("clipped", p.clipped);
  f("updates", p.updates);
  f("macs_before", p.macs_before);
  f("paths", p.paths);
  f("path_images", p.path_images);
  f("macs", p.macs);
}

}  // namespace

std::string to_text(const TrainPosition& position) {
  nlohmann::json json;
  each_field(position, [&](const char* name, const auto& value) { json[name] = value; });
  return json.dump();
}

TrainPosition position_of(const std::string& text) {
  TrainPosition position;
  try {
    const auto json = nlohmann::json::parse(text);
    each_field(position, [&](const char* name, auto& value) { json.at(name).get_to(value); });
  } catch (const nlohmann::json::exception& e) {
    throw DataError(std::string("the position of a checkpoint is malformed: ") + e.what());
  }
  return position;
}

int64_t epochs_behind(const Checkpoint& checkpoint) {
  const auto found = checkpoint.text.find("position");
  return found == checkpoint.text.end() ? 0 : position_of(found->second).epoch;
}

}  // namespace nas
