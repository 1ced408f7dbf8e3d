// A program of the user as evaluator. Answers are matched by the id of their question alone: order
// and number prove nothing, since any library may write a line to standard output. Several
// processes share a batch, each with a thread of its own that lives as long (a child ends with its
// thread).
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/external_conversation.hpp"
#include "search/evaluators/external_worker.hpp"
#include "search/evaluators/value_check.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {}  // namespace

struct ExternalEvaluator::State {
  State(const Space& s, const ExternalOptions& o) : shared(s, o) {
    for (int i = 0; i < o.workers; ++i) workers.push_back(std::make_unique<ExternalWorker>(shared));
  }

  ExternalShared shared;
  std::vector<std::unique_ptr<ExternalWorker>> workers;

  /// All values so far, by metric: shares and percents in one metric are seen only together.
  struct Said {
    std::vector<double> values;
    std::vector<std::string> architectures;
    size_t checked = 0;  ///< Of them, when last looked at.
    double told = -1;    ///< The odd value that was told last.
  };
  std::map<std::string, Said> said;

  void remember(const std::string& architecture, const Evaluation& evaluation) {
    for (const auto& [metric, value] : evaluation.values) {
      said[metric].values.push_back(value);
      said[metric].architectures.push_back(architecture);
    }
  }

  /// Before anything of this batch is stored. Of many values it is enough to look again when there
  /// are some percent more of them.
  void refuse_mixtures() {
    constexpr size_t kFew = 2000, kPart = 32;
    for (auto& [metric, s] : said) {
      if (s.values.size() > kFew && s.values.size() - s.checked < s.values.size() / kPart) continue;
      s.checked = s.values.size();
      const auto odd = odd_value(s.values, metric);
      if (!odd) continue;
      const double value = s.values[odd->index];
      const std::string text = "'" + metric + "': " + short_number(value) + " of " +
                               s.architectures[odd->index] + " " + odd->why;
      if (odd->certain)
        throw DataError("the answers of evaluator.external.command cannot all be right: " + text +
                        ". Answer all in one unit; where it is meant as it stands, say the unit in "
                        "the metric's name (" +
                        metric + "_percent)");
      const std::string more =
          odd->more > 0 ? " (" + std::to_string(odd->more) + " more like it)" : "";
      if (std::exchange(s.told, value) != value) shared.tell("external: " + text + more);
    }
  }
};

ExternalEvaluator::ExternalEvaluator(const Space& space, const ExternalOptions& options)
    : state_(std::make_unique<State>(space, options)) {}

ExternalEvaluator::~ExternalEvaluator() = default;

void ExternalEvaluator::know(const Architecture& architecture, const Evaluation& evaluation) {
  state_->remember(state_->shared.space.text(architecture), evaluation);
}

std::vector<Evaluation> ExternalEvaluator::evaluate(std::span<const Architecture> architectures) {
  State& s = *state_;
  s.shared.stop = stop;
  s.shared.show = show;
  const size_t n = architectures.size(),
               workers = std::min(s.workers.size(), std::max<size_t>(n, 1));
  std::vector<Evaluation> results;
  for (size_t w = 0; w < workers; ++w)
    s.workers[w]->begin(
        architectures.subspan(n * w / workers, n * (w + 1) / workers - n * w / workers));
  std::exception_ptr failure;
  for (size_t w = 0; w < workers; ++w) {
    try {
      for (Evaluation& e : s.workers[w]->result()) results.push_back(std::move(e));
    } catch (...) {
      s.shared.abandoned = true;
      if (failure == nullptr) failure = std::current_exception();
    }
  }
  s.shared.abandoned = false;
  if (failure != nullptr) std::rethrow_exception(failure);
  for (size_t i = 0; i < n; ++i) s.remember(s.shared.space.text(architectures[i]), results[i]);
  s.refuse_mixtures();
  return results;
}

std::vector<std::string> ExternalEvaluator::metrics() const {
  return state_->shared.options.metrics;
}

std::string ExternalEvaluator::fidelity_json() const {
  return nlohmann::json{{"command", state_->shared.options.command}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace nas
