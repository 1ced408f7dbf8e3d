#include "cli/runs/trained/supernet_evaluator.hpp"

#include "cli/runs/trained/stand_alone.hpp"
#include "cli/runs/trained/supernet_run.hpp"

namespace nas::cli {
namespace {

class SupernetEvaluator final : public Evaluator {
 public:
  SupernetEvaluator(SupernetRun run, const EvaluateOptions& options)
      : batch_(options.batch),
        recalibrate_batch_(options.recalibrate.batch),
        run_(std::move(run)),
        scorer_(*run_.parts->space,
                *run_.weights,
                run_.parts->data(),
                options,
                run_.parts->device,
                run_.parts->config.train.memory_format),
        fidelity_(fidelity_of(run_, scorer_)) {
    if (!scorer_.warning().empty()) warning(scorer_.warning());
  }

  std::vector<Evaluation> evaluate(std::span<const Architecture> architectures) override {
    std::vector<Evaluation> results(architectures.size());
    if (const std::string note = scorer_.worker_note(architectures); !note.empty() && !told_) {
      warning(note);
      told_ = true;
    }
    scorer_.score_each(architectures,
                       [&](size_t i, const Judged& judged) { take(judged, results[i]); });
    return results;
  }

  std::vector<std::string> metrics() const override {
    const auto names = scorer_.task().metrics();
    return {names.begin(), names.end()};
  }
  std::string source() const override { return "supernet"; }
  std::string fidelity_json() const override { return fidelity_; }

 private:
  /// Only what belongs to this architecture is its failure; anything else (a device that is lost,
  /// images that cannot be read, a fault of this program) would be one of all that follow.
  void take(const Judged& judged, Evaluation& e) const {
    try {
      const Score& score = judged.get();
      e.values = {score.values.begin(), score.values.end()};
    } catch (const Interrupted&) {
      e.stopped = true;
    } catch (const NotFiniteError& problem) {
      e.error = problem.what();
    } catch (const LostWeightsError& problem) {
      e.error = problem.what();
    } catch (const std::exception& problem) {
      if (!is_out_of_memory(problem)) throw;
      e.error = "out of memory; lower evaluate.batch (now " + std::to_string(batch_) +
                ") or evaluate.recalibrate.batch (now " + std::to_string(recalibrate_batch_) + ")";
    }
  }

  bool told_ = false;  ///< That memory limits how many are judged at once.
  int64_t batch_, recalibrate_batch_;
  SupernetRun run_;
  SubnetScorer scorer_;
  std::string fidelity_;  ///< With the hash of the weights: a search may go on after more training.
};

}  // namespace

std::unique_ptr<Evaluator> make_supernet_evaluator(Store& store,
                                                   const std::string& run,
                                                   const std::optional<EvaluateOptions>& options,
                                                   const Common& common) {
  SupernetRun opened = open_supernet_run(store, run, common);
  require_supernet(opened, "searched");
  const EvaluateOptions used = options.value_or(opened.parts->config.evaluate);
  return std::make_unique<SupernetEvaluator>(std::move(opened), used);
}

}  // namespace nas::cli
