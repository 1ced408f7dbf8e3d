#include "cli/runs/trained/judge_supernet.hpp"

#include <limits>
#include <map>

#include "cli/command.hpp"
#include "cli/runs/trained/stand_alone.hpp"
#include "spaces/base/stop.hpp"
#include "supernet/judge/score.hpp"

namespace nas::cli {

std::vector<double> judge_supernet(Store& store,
                                   SupernetRun& run,
                                   const std::vector<Architecture>& architectures,
                                   const std::string& split,
                                   const Common& common) {
  const RunParts& p = *run.parts;
  EvaluateOptions options = p.config.evaluate;
  if (!split.empty()) options.split = split;
  SubnetScorer scorer(
      *p.space, *run.weights, p.data(), options, p.device, p.config.train.memory_format);
  if (!scorer.warning().empty()) warning(scorer.warning());
  const std::string fidelity = fidelity_of(run, scorer);
  const std::string metric = scorer.task().metrics().front();
  std::map<std::string, double> known;
  for (const EvaluationRow& row : store.evaluations(run.row.id))
    if (row.metric == metric && row.source == "supernet" && row.fidelity_json == fidelity &&
        row.status == "ok")
      known[row.architecture] = row.value;
  std::vector<EvaluationRow> rows;
  const auto keep = [&] {
    if (!store.read_only()) store.add_evaluations(rows);
    rows.clear();
  };
  require_supernet(run, "ranked");
  const SavesOnStop saves;
  const size_t all = architectures.size();
  std::vector<double> values(all, 0.0);
  std::vector<size_t> places;  // Of those that are judged now.
  std::vector<Architecture> open;
  for (size_t i = 0; i < all; ++i) {
    const auto it = known.find(p.space->text(architectures[i]));
    if (it != known.end()) {
      values[i] = it->second;
    } else {
      places.push_back(i);
      open.push_back(architectures[i]);
    }
  }
  if (const std::string note = scorer.worker_note(open); !note.empty()) warning(note);
  Progress progress(common, "rank " + run.row.id, static_cast<int64_t>(all));
  size_t done = all - open.size();
  scorer.score_each(open, [&](size_t i, const Judged& judged) {
    const std::string text = p.space->text(open[i]);
    double& value = values[places[i]];
    try {
      throw_if_stopped();
      value = judged.get().first();
    } catch (const Interrupted&) {
      keep();
      throw Interrupted("stopped after " + std::to_string(done) + " of " + std::to_string(all) +
                        " architectures; those are stored: the same command goes on");
    } catch (const LostWeightsError&) {
      value = std::numeric_limits<double>::quiet_NaN();
      progress.update(static_cast<int64_t>(++done), "");
      return;
    } catch (const NotFiniteError& e) {
      keep();
      throw DataError("run " + run.row.id + " cannot be ranked: " + text + " gives " + e.what());
    }
    rows.push_back({run.row.id, text, metric, value, "supernet", fidelity});
    if (rows.size() >= 20) keep();
    progress.update(static_cast<int64_t>(++done), "");
  });
  keep();
  return values;
}

}  // namespace nas::cli
