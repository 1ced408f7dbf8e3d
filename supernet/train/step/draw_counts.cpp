// An inactive choice trains nothing, whatever stands there: only active ones count. One pass over
// the genes of a path, next to the millions of multiply-adds of a step.
#include "supernet/train/step/draw_counts.hpp"

#include <nlohmann/json.hpp>
#include <numeric>

namespace nas {

DrawCounts::DrawCounts(const Space& space) : space_(space) {
  for (const Choice& choice : space.choices()) counts_.emplace_back(choice.options.size(), 0);
}

void DrawCounts::add(const Architecture& path) {
  if (!whole_) return;
  ++paths_;
  for (size_t c = 0; c < counts_.size(); ++c)
    if (space_.active(path, c)) ++counts_[c][static_cast<size_t>(path.genes[c])];
}

std::vector<int64_t> DrawCounts::flat() const {
  if (!whole_) return {};
  std::vector<int64_t> flat;
  for (const auto& choice : counts_) flat.insert(flat.end(), choice.begin(), choice.end());
  flat.push_back(paths_);
  return flat;
}

bool DrawCounts::restore(const std::vector<int64_t>& flat) {
  size_t size = 1;
  for (const auto& choice : counts_) size += choice.size();
  whole_ = flat.size() == size;
  if (!whole_) return false;
  auto next = flat.begin();
  for (auto& choice : counts_)
    for (int64_t& count : choice) count = *next++;
  paths_ = *next;
  return true;
}

std::string DrawCounts::json() const {
  using Json = nlohmann::ordered_json;
  if (!whole_ || paths_ == 0) return "";
  Json choices = Json::array();
  for (size_t c = 0; c < counts_.size(); ++c) {
    const Choice& choice = space_.choices()[c];
    Json options = Json::array();
    for (size_t o = 0; o < counts_[c].size(); ++o)
      options.push_back({{"option", choice.options[o]}, {"count", counts_[c][o]}});
    choices.push_back(
        {{"choice", choice.name},
         {"active", std::accumulate(counts_[c].begin(), counts_[c].end(), int64_t{0})},
         {"options", std::move(options)}});
  }
  return Json{{"schema", "nas-draws/1"}, {"paths", paths_}, {"choices", std::move(choices)}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nas
