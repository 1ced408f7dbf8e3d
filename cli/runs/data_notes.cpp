#include "cli/runs/data_notes.hpp"

#include <algorithm>

#include "spaces/base/printable.hpp"

namespace nas::cli {

using Json = nlohmann::ordered_json;

std::vector<std::string> data_notes(const Dataset& data) {
  std::vector<std::string> notes;
  for (const std::string& remark : data.remarks()) notes.push_back(printable(remark));
  for (const Unused& unused : data.unused())
    notes.push_back("not used: " + std::to_string(unused.count) + " " + unused.why + ", such as " +
                    printable(unused.names.front()));
  return notes;
}

std::vector<std::string> training_notes(const Dataset& data, const Splits& splits) {
  std::vector<std::string> notes = data_notes(data);
  std::vector<bool> trained(data.class_names().size(), false);
  for (const int64_t i : splits.train) trained[static_cast<size_t>(data.label(i))] = true;
  constexpr size_t kNamed = 5;
  size_t count = 0;
  std::string names;
  for (size_t k = 0; k < trained.size(); ++k) {
    if (trained[k]) continue;
    if (++count <= kNamed) names += (count > 1 ? ", " : "") + printable(data.class_names()[k]);
  }
  if (count > 0)
    notes.push_back(std::to_string(count) + " of " + std::to_string(trained.size()) +
                    " classes have no training images after the splits: " + names +
                    (count > kNamed ? ", ..." : ""));
  return notes;
}

Json preparation_json(const Dataset& data) {
  const Preparation p = data.preparation();
  const int channels = data.channels();
  Json steps = Json::array();
  steps.push_back({{"op", "decode"},
                   {"channels", p.source_channels == 1 ? "grey" : "RGB"},
                   {"values", "0 to 255, whole numbers"},
                   {"exif_orientation", "ignored"},
                   {"alpha", "dropped"}});
  if (p.resize) {
    const auto size = data.fixed_size().value_or(std::pair{0, 0});
    steps.push_back({{"op", "resize"},
                     {"covers", {p.resize->first, p.resize->second}},
                     {"aspect", "kept: the short side becomes as long as it must"},
                     {"long_side", p.crop_pct < 1 ? "rounded down" : "rounded to nearest"},
                     {"interpolation", "bilinear"},
                     {"antialias", true},
                     {"values", "rounded to whole numbers"}});
    steps.push_back({{"op", "crop"},
                     {"place", "centre"},
                     {"size", {size.first, size.second}},
                     {"crop_pct", p.crop_pct},
                     {"offset",
                      p.crop_pct < 1 ? "half of what is cut away, halves to the even pixel"
                                     : "half of what is cut away, rounded down"}});
  }
  if (channels == 1 && p.source_channels == 3)
    steps.push_back({{"op", "grey"}, {"weights", {0.299, 0.587, 0.114}}, {"of", "R, G, B"}});
  if (channels == 3 && p.source_channels == 1)
    steps.push_back({{"op", "rgb"}, {"from", "grey, repeated"}});
  steps.push_back({{"op", "scale"}, {"divide_by", 255}});
  return steps;
}

std::string preparation_text(const Dataset& data, const InputShape& shape) {
  const Preparation p = data.preparation();
  const auto size = [](int h, int w) { return std::to_string(h) + "x" + std::to_string(w); };
  std::string text = "images as they are";
  if (p.resize)
    text = "scaled to cover " + size(p.resize->first, p.resize->second) + ", centre " +
           size(shape.h, shape.w) + " (bilinear, antialiased)";
  if (data.channels() == 1 && p.source_channels == 3) text += ", turned to grey";
  if (data.channels() == 3 && p.source_channels == 1) text += ", grey repeated to RGB";
  return text;
}

}  // namespace nas::cli
