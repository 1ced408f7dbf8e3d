// Supernets are compared on the architectures that all of them have judged or ranked: another
// sample of architectures is another number, and pairs need far fewer of them.
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/report/result_rows.hpp"
#include "cli/runs/results/comparable.hpp"
#include "cli/runs/results/numbers.hpp"
#include "predictors/ranking/resampled.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using SortedJson = nlohmann::json;
using List = std::vector<double>;

/// One run and its values by architecture.
struct Judged {
  SidedRun run;
  RunNumber number;
  std::map<std::string, double> values, truth;
  std::string fidelity;
};

struct Trainings {
  std::vector<Judged> base, head;
  std::vector<std::string> common;  ///< Architectures that all usable runs have.
  std::vector<Judged*> usable() {
    std::vector<Judged*> list;
    for (auto* side : {&base, &head})
      for (Judged& j : *side)
        if (j.number.usable()) list.push_back(&j);
    return list;
  }
  List of(const Judged& j, bool truth = false) const {
    List list;
    for (const std::string& a : common) list.push_back((truth ? j.truth : j.values).at(a));
    return list;
  }
};

bool is_training(Judged& j) {
  if (j.run.run.command == "train") return true;
  j.number.why_not = "is a " + printable(j.run.run.command) + ", not a training";
  return false;
}

void find_common(Trainings& t) {
  const std::vector<Judged*> usable = t.usable();
  if (usable.empty()) return;
  for (const auto& judged : usable.front()->values)
    if (std::all_of(usable.begin(), usable.end(), [&](const Judged* j) {
          return j->values.contains(judged.first);
        }))
      t.common.push_back(judged.first);
}

/// The runs of both sides that have numbers.
std::pair<Side, Side> usable_sides(const Trainings& t) {
  std::pair<Side, Side> sides;
  for (const Judged& j : t.base)
    if (j.number.usable()) sides.first.push_back(j.run);
  for (const Judged& j : t.head)
    if (j.number.usable()) sides.second.push_back(j.run);
  return sides;
}

void refuse_other_compute(Trainings& t) {
  const auto [of_base, of_head] = usable_sides(t);
  std::vector<Effort> base, head;
  for (const SidedRun& run : of_base) base.push_back(effort_of(run));
  for (const SidedRun& run : of_head) head.push_back(effort_of(run));
  const std::vector<std::string> why = other_compute(base, head);
  const std::vector<Judged*> usable = t.usable();
  for (size_t i = 0; i < usable.size(); ++i) usable[i]->number.why_not = why[i];
}

void refuse_different(Trainings& t, const CompareOptions& o) {
  const std::vector<Judged*> usable = t.usable();
  if (usable.empty()) return;
  const auto reason = [&](size_t a, size_t b) {
    return not_comparable(
        usable[a]->run, usable[a]->fidelity, usable[b]->run, usable[b]->fidelity, o.ignored);
  };
  const auto [base, head] = usable_sides(t);
  const size_t first =
      yardstick(base, head, [&](size_t a, size_t b) { return reason(a, b).empty(); });
  for (size_t i = 0; i < usable.size(); ++i) usable[i]->number.why_not = reason(first, i);
  if (!o.ignored.contains("compute")) refuse_other_compute(t);
}

// ---- tau

/// What a ranking says of the run: predictions and truths of architectures.
void read_ranking(Judged& j) {
  if (!is_training(j)) return;
  const auto text = j.run.store->document(j.run.run.id, "ranking");
  if (!text) {
    j.number.why_not = "is not ranked (nas rank)";
    return;
  }
  try {
    const SortedJson document = SortedJson::parse(*text);
    std::string name;
    for (const SortedJson& ranker : document.at("rankers"))
      if (ranker.value("run", "") == j.run.run.id) name = ranker.at("ranker").get<std::string>();
    const double sign = document.value("direction", "").starts_with("lower") ? -1 : 1;
    for (const SortedJson& row : document.at("architectures")) {
      const SortedJson& predicted = row.at("predicted").at(name);
      if (!predicted.is_number()) continue;
      const auto architecture = row.at("architecture").get<std::string>();
      j.values[architecture] = predicted.get<double>();
      j.truth[architecture] = sign * row.at("truth").get<double>();
    }
  } catch (const SortedJson::exception&) {
    j.number.why_not = "its stored ranking cannot be read";
  }
  // How the ranked values were measured, as far as the run's own way.
  j.fidelity = "";
}

void refuse_other_truths(Trainings& t) {
  const std::vector<Judged*> usable = t.usable();
  if (usable.empty()) return;
  const auto same = [&](size_t x, size_t y) {
    return std::all_of(t.common.begin(), t.common.end(), [&](const std::string& a) {
      return usable[x]->truth.at(a) == usable[y]->truth.at(a);
    });
  };
  const auto [base, head] = usable_sides(t);
  const size_t first = yardstick(base, head, same);
  for (size_t i = 0; i < usable.size(); ++i)
    if (!same(first, i)) usable[i]->number.why_not = "ranked against another truth";
}

std::pair<Change, std::string> tau_change(const Trainings& t,
                                          const Judged& base,
                                          const Judged& head,
                                          const CompareOptions& o) {
  const List truth = t.of(base, /*truth=*/true), b = t.of(base), h = t.of(head);
  Resampled of_base(b, truth), of_head(h, truth);
  Change change{base.number.value, head.number.value, head.number.value - base.number.value, 0, 0};
  if (b == h) {
    change.low = change.high = change.change;
    return {change, "both runs hold the same results"};
  }
  std::vector<double> values;
  Draws draws(truth.size(), Rng(o.seed, "diff/tau"));
  for (int d = 0; d < o.draws; ++d) {
    throw_if_stopped("comparing");
    const auto counts = draws.next();
    of_base.take(counts);
    of_head.take(counts);
    values.push_back(of_head.kendall().tau_b() - of_base.kendall().tau_b());
  }
  const Interval interval = central(std::move(values), o.level);
  change.low = interval.low;
  change.high = interval.high;
  return {change,
          "one run a side: bootstrap over architectures, paired; the spread of seeds is not in it"};
}

// ---- mean of a metric

void read_values(Judged& j, const std::string& metric, const CompareOptions& o) {
  if (!is_training(j)) return;
  Selection selection;
  if (!o.split.empty()) selection.splits = {o.split};
  try {
    const Results results = collect_results(*j.run.store, j.run.run, selection);
    for (const Entry& entry : results.entries) {
      const auto value = entry.values.find(metric);
      if (value == entry.values.end()) continue;
      j.values[entry.architecture] = value->second;
      if (!results.fidelities.empty()) j.fidelity = results.fidelities[entry.fidelity].json.dump();
    }
    if (j.values.empty()) j.number.why_not = "has no " + printable(metric) + " (nas evaluate)";
  } catch (const ConfigError& e) {
    j.number.why_not = printable(e.what());
  }
}

double images_of(const Judged& j) {
  const SortedJson fidelity = SortedJson::parse(j.fidelity, nullptr, false);
  if (!fidelity.is_object() || !fidelity.contains("images") || !fidelity["images"].is_number())
    return 0;
  return fidelity["images"].get<double>();
}

std::pair<Change, std::string> mean_change(const Trainings& t,
                                           const Judged& base,
                                           const Judged& head,
                                           const std::string& metric,
                                           const CompareOptions& o) {
  const List b = t.of(base), h = t.of(head);
  const double x = base.number.value, y = head.number.value;
  if (b == h) return {Change{x, y, y - x, y - x, y - x}, "both runs hold the same results"};
  if (b.size() > 1)
    return {paired(b, h, o.level),
            "one run a side: paired over " + std::to_string(b.size()) +
                " architectures; the spread of seeds is not in it"};
  const auto share = [](double v) { return v >= 0 && v <= 1; };
  if (is_accuracy(metric) && share(x) && share(y) && images_of(base) > 0 && images_of(head) > 0)
    return {shares(x, images_of(base), y, images_of(head), o.level),
            "one run a side: the spread of " + format_number(images_of(base), 9) +
                " images (Newcombe); that of seeds is not in it"};
  return {paired(b, h, o.level), "one number a side"};
}

std::string of_many(size_t n, const std::string& done) {
  return n == 1 ? "of the one architecture that all have " + done
                : "over the " + std::to_string(n) + " architectures that all have " + done;
}

Numbers numbers_of(Trainings& t, const std::string& none) {
  Numbers numbers;
  for (auto* side : {&t.base, &t.head})
    for (Judged& j : *side) {
      if (j.number.usable() && t.common.empty()) j.number.why_not = none;
      (side == &t.base ? numbers.base : numbers.head).push_back(j.number);
    }
  return numbers;
}

}  // namespace

Numbers tau_numbers(const Side& base, const Side& head, const CompareOptions& options) {
  auto t = std::make_shared<Trainings>();
  for (const SidedRun& run : base) t->base.push_back({run, number_of(run), {}, {}, {}});
  for (const SidedRun& run : head) t->head.push_back({run, number_of(run), {}, {}, {}});
  for (auto* side : {&t->base, &t->head})
    for (Judged& j : *side) read_ranking(j);
  refuse_different(*t, options);
  find_common(*t);
  refuse_other_truths(*t);
  if (t->common.size() < 2) t->common.clear();
  for (Judged* j : t->usable()) {
    if (t->common.empty()) continue;
    j->number.value = kendall(t->of(*j), t->of(*j, /*truth=*/true)).tau_b();
    if (std::isnan(j->number.value)) j->number.why_not = "ranks nothing: all its values are equal";
  }
  Numbers numbers = numbers_of(*t, "fewer than two architectures are ranked by all");
  numbers.of = "tau-b " + of_many(t->common.size(), "ranked");
  constexpr size_t kFew = 10;
  if (!t->common.empty() && t->common.size() < kFew)
    numbers.notes.push_back("tau: intervals over fewer than 10 architectures are too narrow");
  numbers.single = [t, options](size_t b, size_t h) {
    return tau_change(*t, t->base[b], t->head[h], options);
  };
  return numbers;
}

Numbers training_numbers(const std::string& metric,
                         std::optional<Better> better,
                         const Side& base,
                         const Side& head,
                         const CompareOptions& options) {
  auto t = std::make_shared<Trainings>();
  for (const SidedRun& run : base) t->base.push_back({run, number_of(run), {}, {}, {}});
  for (const SidedRun& run : head) t->head.push_back({run, number_of(run), {}, {}, {}});
  for (auto* side : {&t->base, &t->head})
    for (Judged& j : *side) read_values(j, metric, options);
  refuse_different(*t, options);
  find_common(*t);
  for (Judged* j : t->usable()) {
    if (t->common.empty()) continue;
    const List values = t->of(*j);
    double sum = 0;
    for (const double v : values) sum += v;
    j->number.value = sum / static_cast<double>(values.size());
  }
  Numbers numbers = numbers_of(*t, "no architecture is judged by all");
  numbers.better = direction_of(metric, better, base.empty() ? head.front().run : base.front().run);
  numbers.of = (t->common.size() == 1 ? "" : "mean ") + of_many(t->common.size(), "judged");
  numbers.single = [t, metric, options](size_t b, size_t h) {
    return mean_change(*t, t->base[b], t->head[h], metric, options);
  };
  return numbers;
}

}  // namespace nas::cli
