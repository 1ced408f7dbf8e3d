// A program of the user as evaluator. Answers are matched by the id of their question alone: order
// and number prove nothing, since any library may write a line to standard output.
#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/external_answers.hpp"
#include "search/evaluators/value_check.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/subprocess.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kLongestLine = size_t{1} << 20;
constexpr int kShownLines = 20;
constexpr int kSlice = 100;  ///< Milliseconds between two looks at the stop flag.
constexpr const char* kAskForId =
    "the answers of evaluator.external.command carry no `id`; nothing says which architecture they "
    "are for. Copy the `id` of every question into its answer: {\"id\": question[\"id\"], "
    "\"accuracy\": ...} (nas help evaluators has an example)";

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string seconds_text(double s) {
  return number_text(s) + " s";
}

}  // namespace

struct ExternalEvaluator::State {
  State(const Space& s, const ExternalOptions& o) : space(s), options(o) {}
  ~State() {
    if (process) process->finish(options.finish_s, stop);
  }

  const Space& space;
  const ExternalOptions options;
  std::function<bool()> stop;
  std::function<void(const std::string&)> show;

  std::unique_ptr<Subprocess> process;
  std::map<std::string, Question> asked;  ///< Of this process, by id.
  std::map<std::string, size_t> here;     ///< Of this process and batch: id to position.
  size_t answered = 0;                    ///< By this process.
  size_t without_id = 0;                  ///< Lines of this process that would answer.
  bool skipping = false;                  ///< Inside a line that is too long.
  size_t questions = 0;                   ///< In all: makes ids.
  int shown = 0;

  // All values so far, by metric: shares and percents in one metric are seen only together.
  struct Said {
    std::vector<double> values;
    std::vector<std::string> architectures;
    size_t checked = 0;  ///< Of them, when last looked at.
    double told = -1;    ///< The odd value that was told last.
  };
  std::map<std::string, Said> said;

  // Of the batch in work.
  std::vector<Evaluation> results;
  std::vector<bool> open;
  std::span<const Architecture> batch;

  bool stopped() const { return stop && stop(); }
  size_t left() const { return static_cast<size_t>(std::count(open.begin(), open.end(), true)); }

  void tell(const std::string& text) {
    if (!show || ++shown > kShownLines) return;
    show(shown < kShownLines ? text : text + " (further lines are not shown)");
  }

  /// A search that is gone on with elsewhere asks the same program.
  std::string command() const {
    if (options.folder.empty()) return options.command;
    return "cd " + shell_word(options.folder) + " && { " + options.command + "\n}";
  }

  void ask() {
    if (!process) {
      process = std::make_unique<Subprocess>(std::vector<std::string>{"/bin/sh", "-c", command()},
                                             Subprocess::Piped{true, true, true});
      asked.clear();
      answered = without_id = 0;
      skipping = false;
    }
    here.clear();
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!open[i]) continue;
      const Question q = question_of(space, batch[i], ++questions);
      process->send(to_line(q, space, batch[i]));
      here[q.id] = i;
      asked[q.id] = q;
    }
    if (options.lifetime == ExternalLifetime::kBatch) process->close_input();
  }

  /// The next whole line of its output, if there is one. The last may end without a newline.
  bool take_line(std::string& line) {
    std::string& output = process->output();
    for (;;) {
      const size_t end = output.find('\n');
      if (end == std::string::npos) {
        if (output.size() > kLongestLine) {
          if (!std::exchange(skipping, true))
            tell("external: a line of more than 1 MiB is skipped: " +
                 shown_text(output.substr(0, 200), 60));
          output.clear();
        }
        if (!process->output_ended() || output.empty()) return false;
        line = std::exchange(output, "");
        return !std::exchange(skipping, false);
      }
      line = output.substr(0, end);
      output.erase(0, end + 1);
      if (!std::exchange(skipping, false)) return true;
    }
  }

  /// "" or what breaks the protocol.
  std::string handle(const std::string& text) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) return "";
    Line line = read_line(text, asked, options.metrics);
    switch (line.kind) {
      case Line::Kind::kSurplus:
        return line.why;
      case Line::Kind::kWithoutId:
        ++without_id;
        // It may be one that reads to the end of its input; then it ends now and tells.
        if (answered == 0 && without_id >= left()) process->close_input();
        [[fallthrough]];
      case Line::Kind::kForeign:
        tell("external: no answer, skipped: " + shown_text(text));
        return "";
      case Line::Kind::kAnswer:
        break;
    }
    const auto it = here.find(line.id);
    if (it == here.end())
      // Stored by now: what it is worth cannot be known.
      throw DataError("evaluator.external.command answered " + line.id + " (" +
                      asked[line.id].architecture +
                      ") a second time, after its value was stored; the values of this run are in "
                      "doubt");
    if (!open[it->second]) return "the id " + line.id + " was answered twice";
    ++answered;
    results[it->second] = std::move(line.value);
    open[it->second] = false;
    return "";
  }

  /// Handles what has come; true when something was answered.
  bool listen(std::string& broken) {
    const size_t before = answered;
    std::string line;
    while (broken.empty() && take_line(line)) broken = handle(line);
    return answered != before;
  }

  std::string ended(const Subprocess::Ending& ending) const {
    std::string text = "the command " + ending.text();
    if (!process->errors().empty()) text += ": " + shown_text(process->errors(), 400);
    return text;
  }

  /// The first that waits for an answer gets none; the others are asked again.
  void fail_first(const std::string& why) {
    if (answered == 0 && without_id > 0) throw DataError(kAskForId);
    for (size_t i = 0; i < open.size(); ++i) {
      if (!open[i]) continue;
      results[i].error = why;
      open[i] = false;
      return;
    }
  }

  /// Nothing this process said in this batch is used.
  void distrust(const std::string& why) {
    if (process) process->end();
    process.reset();
    const std::string text = "the command broke the protocol: " + why +
                             "; none of its answers of this batch is used (nas help evaluators)";
    tell("external: " + text);
    for (const auto& [id, i] : here) {
      results[i] = {};
      results[i].error = text;
      open[i] = false;
    }
  }

  void give_up() {
    if (process) process->end();
    process.reset();
    for (size_t i = 0; i < open.size(); ++i)
      if (open[i]) results[i].stopped = true;
    open.assign(open.size(), false);
  }

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
      const std::string text = "'" + metric + "': " + number_text(value) + " of " +
                               s.architectures[odd->index] + " " + odd->why;
      if (odd->certain)
        throw DataError("the answers of evaluator.external.command cannot all be right: " + text +
                        ". Answer all in one unit; where it is meant as it stands, say the unit in "
                        "the metric's name (" +
                        metric + "_percent)");
      const std::string more =
          odd->more > 0 ? " (" + std::to_string(odd->more) + " more like it)" : "";
      if (std::exchange(s.told, value) != value) tell("external: " + text + more);
    }
  }

  /// One process until it has answered all, ends, is silent for too long or has to go.
  void converse() {
    std::string broken;
    const auto wait = std::chrono::duration<double>(options.timeout_s);
    auto deadline = Clock::now() + wait;
    while (left() > 0) {
      if (stopped()) return give_up();
      if (listen(broken)) deadline = Clock::now() + wait;
      if (!broken.empty()) return distrust(broken);
      if (left() == 0) break;
      if (process->output_ended() && process->output().empty()) {
        const auto [ending, forced] = process->finish(options.finish_s, stop);
        if (stopped()) return give_up();
        if (ending.code == 126 || ending.code == 127)
          if (answered == 0)
            throw DataError("evaluator.external.command cannot be run: " + ended(ending));
        fail_first("no answer: " + (forced ? "the command closed its output" : ended(ending)));
        process.reset();
        return;
      }
      const double rest = std::chrono::duration<double>(deadline - Clock::now()).count();
      if (rest <= 0) {
        process->end();
        fail_first("no answer within " + seconds_text(options.timeout_s) + " (timeout_s)");
        process.reset();
        return;
      }
      process->turn(static_cast<int>(std::min(rest * 1000 + 1, double{kSlice})));
    }
    if (options.lifetime == ExternalLifetime::kBatch) return part();
    process->turn(0);
    listen(broken);
    if (!broken.empty()) distrust(broken);
  }

  /// All is answered: it may finish in peace, but what it still says is looked at.
  void part() {
    const auto [ending, forced] = process->finish(options.finish_s, stop);
    std::string broken;
    listen(broken);
    if (!broken.empty()) return distrust(broken);
    if (forced && !stopped())
      tell("external: the command did not end within " + seconds_text(options.finish_s) +
           " (finish_s) of its last answer and was ended");
    else if (!forced && !ending.good())
      tell("external: after its last answer " + ended(ending));
    process.reset();
  }
};

ExternalEvaluator::ExternalEvaluator(const Space& space, const ExternalOptions& options)
    : state_(std::make_unique<State>(space, options)) {}

ExternalEvaluator::~ExternalEvaluator() = default;

void ExternalEvaluator::know(const Architecture& architecture, const Evaluation& evaluation) {
  state_->remember(state_->space.text(architecture), evaluation);
}

std::vector<Evaluation> ExternalEvaluator::evaluate(std::span<const Architecture> architectures) {
  State& s = *state_;
  s.stop = stop;
  s.show = show;
  s.batch = architectures;
  s.results.assign(architectures.size(), {});
  s.open.assign(architectures.size(), true);
  try {
    while (s.left() > 0) {
      s.ask();
      s.converse();
    }
    for (size_t i = 0; i < architectures.size(); ++i)
      s.remember(s.space.text(architectures[i]), s.results[i]);
    s.refuse_mixtures();
  } catch (...) {
    if (s.process) s.process->end();
    s.process.reset();
    throw;
  }
  return std::move(s.results);
}

std::vector<std::string> ExternalEvaluator::metrics() const {
  return state_->options.metrics;
}

std::string ExternalEvaluator::fidelity_json() const {
  return nlohmann::json{{"command", state_->options.command}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace nas
