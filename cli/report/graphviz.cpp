#include "cli/report/graphviz.hpp"

#include <map>

#include "cli/command.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/base/subprocess.hpp"
#include "spaces/base/whole_file.hpp"

namespace nas::cli {

std::string drawing_format(const std::string& format, const std::string& out) {
  if (out.empty()) return format.empty() ? "text" : format;
  const size_t dot = out.find_last_of("./");
  const std::string ending = dot == std::string::npos || out[dot] == '/' ? "" : out.substr(dot + 1);
  const std::map<std::string, std::string> formats{
      {"svg", "svg"}, {"dot", "dot"}, {"gv", "dot"}, {"json", "json"}, {"txt", "text"}};
  const auto found = formats.find(ending);
  if (!format.empty()) {
    if (found != formats.end() && found->second != format)
      throw ConfigError("--out " + out + " would hold " + format + " under the ending ." + ending,
                        "leave out --format, or choose another ending");
    return format;
  }
  if (found == formats.end())
    throw ConfigError("--out " + out + ": what to write is not told by " +
                          (ending.empty() ? "its name" : "the ending ." + ending),
                      "end it with .svg, .dot, .json or .txt, or say --format");
  return found->second;
}

std::string svg_of(const std::string& source) {
  Subprocess dot({"dot", "-Tsvg"}, {.in = true, .out = true});
  dot.send(source);
  dot.close_input();
  while (!dot.ending() || !dot.output_ended()) {
    throw_if_stopped("drawing");
    constexpr int kSlice = 20;
    dot.turn(kSlice);
  }
  constexpr int kNotFound = 127;
  if (dot.ending()->code == kNotFound)
    throw DeviceError(
        "--format svg needs Graphviz, whose program 'dot' is not here: install the package "
        "graphviz, or use --format dot");
  if (!dot.ending()->good()) throw Error("Graphviz could not draw this");
  return dot.output();
}

void put_text(const std::string& out, const std::string& text) {
  if (out.empty()) return print(text);
  write_whole_file(out, text + (text.empty() || text.back() == '\n' ? "" : "\n"));
}

}  // namespace nas::cli
