#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "search/evaluators.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kErrorTail = 400;  ///< Bytes of standard error kept for messages.

/// A shell command in its own process group with pipes on its three streams.
class Child {
 public:
  explicit Child(const std::string& command) {
    int in[2], out[2], err[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
      throw DataError(std::string("cannot make a pipe: ") + std::strerror(errno));
    pid_ = fork();
    if (pid_ < 0) throw DataError(std::string("cannot start a process: ") + std::strerror(errno));
    if (pid_ == 0) {
      setpgid(0, 0);
      dup2(in[0], 0);
      dup2(out[1], 1);
      dup2(err[1], 2);
      execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    in_ = in[1];
    out_ = out[0];
    err_ = err[0];
    for (const int fd : {in_, out_, err_}) fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  ~Child() {
    close_input();
    close(out_);
    close(err_);
    if (!reaped_) {
      kill(-pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void send(std::string text) { unsent_ = std::move(text); }

  enum class Got { kLine, kEnd, kTimeout };
  /// The next line of standard output, while feeding input and collecting standard error.
  Got next_line(double timeout_s, std::string& line) {
    const auto deadline = Clock::now() + std::chrono::duration<double>(timeout_s);
    for (;;) {
      if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
        line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return Got::kLine;
      }
      if (out_ended_) {
        line = std::exchange(buffer_, "");
        return line.empty() ? Got::kEnd : Got::kLine;
      }
      const double left = std::chrono::duration<double>(deadline - Clock::now()).count();
      if (left <= 0) return Got::kTimeout;
      turn(static_cast<int>(std::min(left * 1000 + 1, 1e9)));
    }
  }

  /// Why the process ended: exit code or signal, with the end of its standard error.
  std::string ending(int& exit_code) {
    close_input();
    int status = 0;
    const auto deadline = Clock::now() + std::chrono::seconds(5);
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      if (Clock::now() > deadline) kill(-pid_, SIGKILL);
      read_errors();
      usleep(1000);
    }
    reaped_ = true;
    read_errors();
    exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::string text = WIFEXITED(status)
                           ? "the command ended with exit code " + std::to_string(exit_code)
                           : "the command was ended by signal " + std::to_string(WTERMSIG(status));
    if (!errors_.empty()) text += ": " + errors_;
    return text;
  }

 private:
  void close_input() {
    if (in_ >= 0) close(in_);
    in_ = -1;
  }

  void turn(int milliseconds) {
    if (unsent_.empty()) close_input();
    pollfd fds[3] = {{out_, POLLIN, 0}, {err_ended_ ? -1 : err_, POLLIN, 0}, {in_, POLLOUT, 0}};
    if (poll(fds, 3, milliseconds) < 0 && errno != EINTR)
      throw DataError(std::string("cannot wait for the command: ") + std::strerror(errno));
    if (fds[2].revents != 0) write_some();
    if (fds[1].revents != 0) read_errors();
    if (fds[0].revents != 0) {
      char bytes[65536];
      const ssize_t n = read(out_, bytes, sizeof bytes);
      if (n > 0) buffer_.append(bytes, static_cast<size_t>(n));
      if (n == 0) out_ended_ = true;
    }
  }

  void write_some() {
    // A command that stops reading must not end us: its answers tell what it did.
    struct sigaction ignore {};
    struct sigaction before {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before);
    const ssize_t n = write(in_, unsent_.data(), unsent_.size());
    const int error = errno;
    sigaction(SIGPIPE, &before, nullptr);
    if (n > 0) unsent_.erase(0, static_cast<size_t>(n));
    if (n < 0 && error != EAGAIN && error != EINTR) {
      unsent_.clear();
      close_input();
    }
  }

  void read_errors() {
    char bytes[4096];
    for (;;) {
      const ssize_t n = read(err_, bytes, sizeof bytes);
      if (n == 0) err_ended_ = true;
      if (n <= 0) break;
      errors_.append(bytes, static_cast<size_t>(n));
      if (errors_.size() > kErrorTail) errors_.erase(0, errors_.size() - kErrorTail);
    }
    while (!errors_.empty() && errors_.back() == '\n') errors_.pop_back();
  }

  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
  bool out_ended_ = false, err_ended_ = false, reaped_ = false;
  std::string unsent_, buffer_, errors_;
};

Evaluation read_answer(const std::string& line,
                       const std::string& architecture,
                       const std::vector<std::string>& metrics) {
  Evaluation result;
  const auto answer = nlohmann::json::parse(line, nullptr, false);
  if (!answer.is_object()) {
    result.error = "the answer is not a JSON object: " + line.substr(0, 200);
    return result;
  }
  if (const auto it = answer.find("error"); it != answer.end() && !it->is_null()) {
    result.error = it->is_string() ? it->get<std::string>() : it->dump();
    if (result.error.empty()) result.error = "the command reported an error";
    return result;
  }
  if (const auto it = answer.find("architecture"); it != answer.end() && *it != architecture) {
    result.error = "the answer is for another architecture (answers come in order): " + it->dump();
    return result;
  }
  for (const std::string& metric : metrics) {
    const auto it = answer.find(metric);
    if (it == answer.end() || !it->is_number() || !std::isfinite(it->get<double>())) {
      result.error = "the answer has no finite number '" + metric + "': " + line.substr(0, 200);
      return result;
    }
    result.values[metric] = it->get<double>();
  }
  return result;
}

}  // namespace

std::vector<Evaluation> ExternalEvaluator::evaluate(std::span<const Architecture> architectures) {
  std::vector<Evaluation> results;
  while (results.size() < architectures.size()) {
    std::string request;
    for (size_t i = results.size(); i < architectures.size(); ++i) {
      const nlohmann::ordered_json line = {
          {"architecture", space_.text(architectures[i])},
          {"choices", nlohmann::ordered_json::parse(space_.json(architectures[i]))}};
      request += line.dump() + "\n";
    }
    Child child(options_.command);
    child.send(std::move(request));
    while (results.size() < architectures.size()) {
      std::string line;
      const Child::Got got = child.next_line(options_.timeout_s, line);
      if (got == Child::Got::kLine) {
        if (line.find_first_not_of(" \t\r") != std::string::npos)
          results.push_back(
              read_answer(line, space_.text(architectures[results.size()]), options_.metrics));
        continue;
      }
      if (got == Child::Got::kTimeout) {
        results.push_back(
            {{}, "no answer within " + std::to_string(options_.timeout_s) + " s (timeout_s)"});
      } else {
        int code = 0;
        const std::string why = child.ending(code);
        if (code == 126 || code == 127)
          throw DataError("evaluator.external.command cannot be run: " + why);
        results.push_back({{}, "no answer: " + why});
      }
      break;  // Go on with a fresh process for those after it.
    }
  }
  return results;
}

std::string ExternalEvaluator::fidelity_json() const {
  return nlohmann::json{{"command", options_.command}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace nas
