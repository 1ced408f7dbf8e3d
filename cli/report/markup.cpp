#include "cli/report/markup.hpp"

#include "spaces/base/printable.hpp"

namespace nas::cli {

std::string escaped_html(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string escaped_markdown(std::string_view text) {
  // CommonMark escapes any ASCII punctuation with a backslash; entities do the rest: < and & would
  // be HTML, @ a mention, and | ends a cell even behind a backslash in some readers.
  constexpr std::string_view kEscaped = "\\`*_{}[]()#+-!~^$=";
  std::string out;
  for (const char c : printable(text)) {
    if (c == '&' || c == '<' || c == '>' || c == '|' || c == '@' || c == ':' || c == '"')
      out += "&#" + std::to_string(static_cast<int>(c)) + ";";
    else
      out += (kEscaped.find(c) == std::string_view::npos ? "" : "\\") + std::string(1, c);
  }
  return out;
}

std::string json_in_html(std::string json) {
  std::string out;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    // U+2028 and U+2029 end lines in scripts.
    const bool separator = json.compare(i, 2, "\xe2\x80") == 0 && i + 2 < json.size() &&
                           (json[i + 2] == '\xa8' || json[i + 2] == '\xa9');
    if (separator) {
      out += json[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (c == '<') {
      out += "\\u003c";
    } else if (c == '>') {
      out += "\\u003e";
    } else if (c == '&') {
      out += "\\u0026";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace nas::cli
