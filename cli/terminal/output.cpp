// Streams, colour and error reports.
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/command.hpp"
#include "cli/terminal/fold.hpp"
#include "cli/terminal/printed.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

Color chosen_color = Color::kAuto;
bool printed = false;

std::string paint(const std::string& text, const char* code) {
  return use_color(2) ? "\x1b[" + std::string(code) + "m" + text + "\x1b[0m" : text;
}

/// Text for people: it may quote a cell of a table, a program's words, a file's name, and none of
/// these may steer the terminal.
std::string for_people(const std::string& text, int descriptor) {
  return fold(printable_lines(text), output_width(descriptor));
}

/// `word text`, folded; only the word is painted.
std::string headed(const std::string& word, const char* code, const std::string& text) {
  return paint(word, code) + for_people(word + " " + text, 2).substr(word.size()) + "\n";
}

void to_stderr(const std::string& text) {
  clear_progress_line();
  // A closed stderr must not end a long run.
  std::fwrite(text.data(), 1, text.size(), stderr);
}

// Line `number` of a file, or "" when it cannot be had.
std::string source_line(const std::string& file, int number) {
  // A pipe was read already and has nothing more to say.
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return "";
  std::ifstream stream(file);
  std::string line;
  for (int i = 0; i < number; ++i)
    if (!std::getline(stream, line)) return "";
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line.size() <= 400 ? line : "";
}

// `   14 |   population: 50` and a caret line under the value.
std::string excerpt(const Problem& problem) {
  if (problem.line <= 0 || problem.file.empty() || problem.file[0] == '-') return "";
  std::string line = source_line(problem.file, problem.line);
  if (line.find_first_not_of(" \t") == std::string::npos) return "";
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  if (printable(line) != line) return "";  // Columns would not fit what is shown.
  const auto start = static_cast<size_t>(std::max(0, problem.column - 1));
  if (start >= line.size()) return "";
  size_t end = line[start] == '"' || line[start] == '\'' ? line.find(line[start], start + 1)
                                                         : line.find_first_of(" ,]}:#", start);
  if (end == std::string::npos) end = line.size();
  if (line[start] == '"' || line[start] == '\'') ++end;
  std::string number = std::to_string(problem.line);
  if (number.size() < 5) number.insert(0, 5 - number.size(), ' ');
  const std::string carets(std::max<size_t>(1, std::min(end, line.size()) - start), '^');
  return number + " | " + line + "\n" + std::string(number.size(), ' ') + " | " +
         std::string(start, ' ') + paint(carets, "1;31") + "\n";
}

}  // namespace

void set_color(Color color) {
  chosen_color = color;
}

bool interactive(int descriptor) {
  if (!isatty(descriptor)) return false;
  const char* term = std::getenv("TERM");
  return term != nullptr && std::strcmp(term, "dumb") != 0;
}

bool use_color(int descriptor) {
  if (chosen_color != Color::kAuto) return chosen_color == Color::kAlways;
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && interactive(descriptor);
}

bool printed_anything() {
  return printed;
}

void print(const std::string& text) {
  clear_progress_line();
  printed = true;
  const std::string line = text + "\n";
  const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
  if (written && std::fflush(stdout) == 0) return;
  if (errno == EPIPE) std::_Exit(kExitOk);
  throw Error(std::string("cannot write to standard output: ") + std::strerror(errno));
}

void print_prose(const std::string& text) {
  print(for_people(text, 1));
}

void note(const Common& common, const std::string& text) {
  if (!common.quiet) to_stderr(for_people(text, 2) + "\n");
}

void warning(const std::string& text) {
  to_stderr(headed("warning:", "1;33", text));
}

void print_error(const std::string& what) {
  to_stderr(headed("error:", "1;31", what));
}

void print_error(const ConfigError& error) {
  for (const Problem& problem : error.problems()) {
    Problem head = problem;
    head.hint.clear();
    std::string text = headed("error:", "1;31", head.text()) + excerpt(problem);
    std::string hint = problem.hint;
    for (size_t at = 0; (at = hint.find('\n', at)) != std::string::npos; at += 3)
      hint.replace(at, 1, "\n  ");
    if (!hint.empty()) text += for_people("  " + hint, 2) + "\n";
    to_stderr(text);
  }
}

}  // namespace nas::cli
