// A hypervolume needs one reference point for all runs: the one that all were given, else one
// derived from all their points together, so that it is larger for neither side by choice.
#include <algorithm>
#include <map>
#include <memory>

#include "cli/command.hpp"
#include "cli/runs/results/comparable.hpp"
#include "cli/runs/results/numbers.hpp"
#include "cli/runs/results/search_record.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using SortedJson = nlohmann::json;

/// One run with its record, where it has one.
struct Read {
  SidedRun run;
  RunNumber number;
  std::optional<SearchRecord> record;
};
using Reads = std::vector<Read>;

Read read(const SidedRun& run) {
  Read r{run, number_of(run), std::nullopt};
  if (run.run.command != "search") {
    r.number.why_not = "is a " + printable(run.run.command) + ", not a search";
    return r;
  }
  if (run.run.status != "finished") {
    r.number.why_not = "not finished (" + shown_status(run.run) + ")";
    return r;
  }
  try {
    r.record = search_record(*run.store, run.run);
  } catch (const DataError& e) {
    r.number.why_not = printable(e.what());
    return r;
  }
  if (r.record->evaluated.empty()) r.number.why_not = "has no evaluations";
  return r;
}

/// Everything that the numbers of one metric need, kept for single comparisons.
struct Searches {
  std::string metric;
  Reads base, head;
  Objective first;
  Point reference;
  bool hypervolume() const { return metric == kHypervolume; }
};

std::vector<Read*> usable(Reads& side) {
  std::vector<Read*> list;
  for (Read& r : side)
    if (r.number.usable()) list.push_back(&r);
  return list;
}

void refuse_other_compute(Searches& s) {
  std::vector<Read*> all = usable(s.base);
  std::vector<Effort> base, head;
  const auto effort = [](const Read* r) { return effort_of(r->run, r->record->evaluated.size()); };
  for (const Read* r : all) base.push_back(effort(r));
  for (Read* r : usable(s.head)) {
    head.push_back(effort(r));
    all.push_back(r);
  }
  const std::vector<std::string> why = other_compute(base, head);
  for (size_t i = 0; i < all.size(); ++i) all[i]->number.why_not = why[i];
}

void refuse_different(Searches& s, const CompareOptions& o) {
  std::vector<Read*> all = usable(s.base);
  Side base, head;
  for (const Read* r : all) base.push_back(r->run);
  for (Read* r : usable(s.head)) {
    head.push_back(r->run);
    all.push_back(r);
  }
  if (all.empty()) return;
  const auto reason = [&](size_t a, size_t b) {
    const Read &x = *all[a], &y = *all[b];
    const std::string why =
        not_comparable(x.run, *x.record, y.run, *y.record, s.hypervolume(), o.ignored);
    return why.empty() && s.metric == "latency_ms"
               ? other_table(x.record->cost_fidelity, y.record->cost_fidelity, o.ignored)
               : why;
  };
  const size_t first =
      yardstick(base, head, [&](size_t a, size_t b) { return reason(a, b).empty(); });
  for (size_t i = 0; i < all.size(); ++i) all[i]->number.why_not = reason(first, i);
  if (!o.ignored.contains("compute")) refuse_other_compute(s);
  for (Read* r : all) {
    if (!r->number.usable() || r->record->best() != nullptr) continue;
    r->number.infeasible = true;
    r->number.why_not = "found nothing within its limits";
  }
  const std::vector<Objective>& objectives = all[first]->record->goal.objectives;
  s.first = objectives.empty() ? Objective{} : objectives.front();
}

Point common_reference(const Searches& s) {
  std::vector<Point> points;
  std::optional<Point> given;
  bool same = true;
  for (const Reads* side : {&s.base, &s.head})
    for (const Read& r : *side) {
      if (!r.number.usable()) continue;
      if (!given) given = r.record->reference;
      same &= *given == r.record->reference;
      for (Point& point : r.record->feasible_points()) points.push_back(std::move(point));
    }
  if (given && same && !given->empty()) return *given;
  return points.empty() ? Point() : derived_reference(points);
}

/// Hypervolume of what is kept of the feasible points.
double volume(const std::vector<Point>& points, const Kept* kept, const Point& reference) {
  std::vector<Point> some;
  for (size_t i = 0; i < points.size(); ++i)
    if (kept == nullptr || (*kept)[i]) some.push_back(points[i]);
  std::vector<Point> front;
  for (const size_t i : front_of(some)) front.push_back(some[i]);
  return hypervolume(front, reference);
}

/// The metric at the best of what is kept; NaN where nothing is.
double at_best(const std::vector<const Evaluated*>& list,
               const Kept* kept,
               const std::string& metric) {
  const Evaluated* best = nullptr;
  for (size_t i = 0; i < list.size(); ++i)
    if ((kept == nullptr || (*kept)[i]) && (best == nullptr || list[i]->point < best->point))
      best = list[i];
  if (best == nullptr) return NAN;
  const auto value = best->values.find(metric);
  return value == best->values.end() ? NAN : value->second;
}

std::vector<const Evaluated*> feasible(const SearchRecord& record) {
  std::vector<const Evaluated*> list;
  for (const Evaluated& e : record.evaluated)
    if (e.feasible) list.push_back(&e);
  return list;
}

bool same_results(const SearchRecord& a, const SearchRecord& b, const std::string& metric) {
  const auto table = [&](const SearchRecord& r) {
    std::map<std::string, std::pair<Point, double>> values;
    for (const Evaluated* e : feasible(r)) {
      const auto value = e->values.find(metric);
      values[e->architecture] = {e->point, value == e->values.end() ? 0 : value->second};
    }
    return values;
  };
  return table(a) == table(b);
}

/// Architectures of both runs are one member where the seed is the same: the runs began alike.
Members members_of(const Searches& s, size_t b, size_t h) {
  std::map<std::string, uint32_t> ids;
  const bool shared = s.base[b].number.seed == s.head[h].number.seed;
  const auto list = [&](const SearchRecord& record, const std::string& mark) {
    std::vector<uint32_t> members;
    for (const Evaluated* e : feasible(record))
      members.push_back(
          ids.emplace(shared ? e->architecture : mark + e->architecture, ids.size()).first->second);
    return members;
  };
  Members members;
  members.base = list(*s.base[b].record, "b");
  members.head = list(*s.head[h].record, "h");
  return members;
}

double images_of(const SearchRecord& record) {
  const SortedJson fidelity = SortedJson::parse(record.fidelity, nullptr, false);
  const bool has =
      fidelity.is_object() && fidelity.contains("images") && fidelity["images"].is_number();
  return has ? fidelity["images"].get<double>() : 0;
}

bool is_share(double v) {
  return v >= 0 && v <= 1;
}

std::pair<Change, std::string> single(const Searches& s,
                                      size_t b,
                                      size_t h,
                                      const CompareOptions& o) {
  const SearchRecord &base = *s.base[b].record, &head = *s.head[h].record;
  const double x = s.base[b].number.value, y = s.head[h].number.value;
  if (same_results(base, head, s.metric))
    return {Change{x, y, y - x, y - x, y - x}, "both runs hold the same results"};
  const double images_b = images_of(base), images_h = images_of(head);
  if (s.metric == s.first.metric && is_accuracy(s.metric) && is_share(x) && is_share(y) &&
      images_b > 0 && images_h > 0)
    return {shares(x, images_b, y, images_h, o.level),
            "one run a side: the spread of " + format_number(images_b, 9) +
                " images (Newcombe); that of seeds is not in it"};
  const auto of_b = feasible(base), of_h = feasible(head);
  const std::vector<Point> points_b = base.feasible_points(), points_h = head.feasible_points();
  const Statistic statistic = [&](const Kept& kept_b, const Kept& kept_h) {
    throw_if_stopped("comparing");
    return s.hypervolume()
               ? std::pair(volume(points_b, &kept_b, s.reference),
                           volume(points_h, &kept_h, s.reference))
               : std::pair(at_best(of_b, &kept_b, s.metric), at_best(of_h, &kept_h, s.metric));
  };
  return {half_samples(
              members_of(s, b, h), statistic, o.level, o.draws, Rng(o.seed, "diff/" + s.metric)),
          "one run a side: how much hangs on single architectures (random halves); the spread of "
          "seeds is not in it"};
}

std::string reference_text(const Searches& s) {
  const Read* some = nullptr;
  for (const Reads* side : {&s.base, &s.head})
    for (const Read& r : *side)
      if (some == nullptr && r.number.usable()) some = &r;
  std::string text;
  for (size_t k = 0; some != nullptr && k < s.reference.size(); ++k) {
    const Objective& o = some->record->goal.objectives[k];
    text += (text.empty() ? "" : ", ") + o.metric + " " + format_number(s.reference[k] * o.sign());
  }
  return text;
}

}  // namespace

Numbers search_numbers(const std::string& metric,
                       std::optional<Better> better,
                       const Side& base,
                       const Side& head,
                       const CompareOptions& options) {
  auto s = std::make_shared<Searches>();
  s->metric = metric;
  for (const SidedRun& run : base) s->base.push_back(read(run));
  for (const SidedRun& run : head) s->head.push_back(read(run));
  refuse_different(*s, options);
  Numbers numbers;
  if (s->hypervolume()) {
    s->reference = common_reference(*s);
    numbers.of = "of all that was evaluated";
    if (!s->reference.empty())
      numbers.notes.push_back("hypervolume: reference point " + reference_text(*s));
  } else {
    numbers.better =
        direction_of(metric, better, base.empty() ? head.front().run : base.front().run);
    numbers.of = metric == s->first.metric ? "best found"
                                           : "of the architecture with the best " + s->first.metric;
  }
  for (Reads* side : {&s->base, &s->head})
    for (Read& r : *side) {
      if (r.number.usable())
        r.number.value = s->hypervolume()
                             ? volume(r.record->feasible_points(), nullptr, s->reference)
                             : at_best(feasible(*r.record), nullptr, metric);
      if (r.number.usable() && std::isnan(r.number.value))
        r.number.why_not = "has no " + printable(metric);
      (side == &s->base ? numbers.base : numbers.head).push_back(r.number);
    }
  numbers.single = [s, options](size_t b, size_t h) { return single(*s, b, h, options); };
  return numbers;
}

}  // namespace nas::cli
