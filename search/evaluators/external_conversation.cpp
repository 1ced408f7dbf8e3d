// Talks to one process of `evaluator: external`: asks, listens, ends it in peace or not.
#include "search/evaluators/external_conversation.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "search/evaluators/external_answers.hpp"
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

std::string seconds_text(double s) {
  return short_number(s) + " s";
}

}  // namespace

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

/// Talks to one process at a time. Members are those of a struct: the class behind the header is
/// only this one.
struct ExternalConversation::State {
  explicit State(ExternalShared& s) : shared(s), space(s.space), options(s.options) {}
  ~State() {
    if (process) process->finish(options.finish_s, [this] { return stopped(); });
  }

  ExternalShared& shared;

  const Space& space;
  const ExternalOptions& options;

  std::unique_ptr<Subprocess> process;
  std::map<std::string, Question> asked;  ///< Of this process, by id.
  std::map<std::string, size_t> here;     ///< Of this process and batch: id to position.
  size_t answered = 0;                    ///< By this process.
  size_t without_id = 0;                  ///< Lines of this process that would answer.
  bool skipping = false;                  ///< Inside a line that is too long.

  // Of the batch in work.
  std::vector<Evaluation> results;
  std::vector<bool> open;
  std::span<const Architecture> batch;

  bool stopped() const { return shared.abandoned || (shared.stop && shared.stop()); }
  size_t left() const { return static_cast<size_t>(std::count(open.begin(), open.end(), true)); }

  void tell(const std::string& text) { shared.tell(text); }

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
      const Question q = question_of(space, batch[i], ++shared.questions);
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
    if (!line.percents.empty()) shared.refuse_percents(line.percents);
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
        const auto [ending, forced] =
            process->finish(options.finish_s, [this] { return stopped(); });
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
    const auto [ending, forced] = process->finish(options.finish_s, [this] { return stopped(); });
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

ExternalConversation::ExternalConversation(ExternalShared& shared)
    : state_(std::make_unique<State>(shared)) {}
ExternalConversation::~ExternalConversation() = default;

std::vector<Evaluation> ExternalConversation::ask(std::span<const Architecture> architectures) {
  State& s = *state_;
  s.batch = architectures;
  s.results.assign(architectures.size(), {});
  s.open.assign(architectures.size(), true);
  try {
    while (s.left() > 0) {
      s.ask();
      s.converse();
    }
  } catch (...) {
    if (s.process) s.process->end();
    s.process.reset();
    throw;
  }
  return std::move(s.results);
}

void ExternalShared::refuse_percents(const std::string& metric) {
  constexpr int kSure = 2;
  const std::lock_guard lock(mutex_);
  if (++percents_ >= kSure)
    throw DataError("evaluator.external.command answers '" + metric +
                    "' in percents: it is a share from 0 to 1 here. Divide by 100, or name the "
                    "metric otherwise (acc, top1), which may be percents");
}

void ExternalShared::tell(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (!show || ++shown_ > kShownLines) return;
  show(shown_ < kShownLines ? text : text + " (further lines are not shown)");
}

}  // namespace nas
