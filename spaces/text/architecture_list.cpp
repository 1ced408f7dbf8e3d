#include "spaces/text/architecture_list.hpp"

#include <algorithm>
#include <cctype>

#include "spaces/error.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/csv.hpp"
#include "spaces/text/literal.hpp"
#include "spaces/text/plain_text.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas {
namespace {

using Kind = Literal::Kind;

constexpr size_t kMostProblems = 20;  ///< More wrong lines say nothing new.
constexpr int kMostLines = 2000;      ///< Of one architecture.

bool is_comment(std::string_view line) {
  return !line.empty() && line[0] == '#' &&
         (line.size() == 1 || std::isdigit(static_cast<unsigned char>(line[1])) == 0);
}

/// Without a comment at the end.
std::string_view without_comment(std::string_view line) {
  for (size_t i = 1; i < line.size(); ++i)
    if (line[i] == '#' && (line[i - 1] == ' ' || line[i - 1] == '\t')) return line.substr(0, i);
  return line;
}

bool begins_one(std::string_view line) {
  return !line.empty() && (line[0] == '{' || line.find("Genotype") != line.npos);
}

/// Brackets left open, and whether a quoted text is (told only inside of brackets: outside, an
/// apostrophe of a log is none).
class Brackets {
 public:
  void add(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (quote_ != 0) {
        if (c == '\\') ++i;
        if (c == quote_) quote_ = 0;
      } else if (depth_ > 0 && (c == '"' || c == '\'')) {
        quote_ = c;
      } else if (c == '(' || c == '[' || c == '{') {
        ++depth_;
      } else if (c == ')' || c == ']' || c == '}') {
        --depth_;
      }
    }
    quote_ = 0;  // Texts end in their line.
  }
  bool open() const { return depth_ > 0; }

 private:
  int depth_ = 0;
  char quote_ = 0;
};

class List {
 public:
  List(const Space& space, std::string_view text, const std::string& file)
      : reader_(space), text_(text), file_(file), places_(text) {}

  std::vector<Architecture> read() {
    if (!read_array() && !read_table()) read_lines();
    if (!problems_.empty()) throw ConfigError(std::move(problems_));
    return std::move(list_);
  }

 private:
  void add(std::string_view text, int line, int column) {
    if (problems_.size() >= kMostProblems) return;
    try {
      list_.push_back(reader_.read(text));
      return;
    } catch (const ConfigError& e) {
      const Problem& problem = e.problems().front();
      problems_.push_back({file_, line, column, "", problem.message, problem.hint});
    }
    if (problems_.size() == kMostProblems)
      problems_.push_back({file_, line, column, "", "more wrong lines may follow", ""});
  }

  void add_item(const Literal& item) {
    const auto at = static_cast<size_t>(item.source.data() - text_.data());
    const auto [line, column] = places_.of(at);
    add(ArchitectureReader::text_of(item), line, column);
  }

  /// [...] of texts, objects or lists; {"schema": ..., "architectures": [...]}.
  bool read_array() {
    const std::string_view all = trim(text_);
    if (all.empty() || (all[0] != '[' && all[0] != '{')) return false;
    const auto items_of = [](const Literal& value) {
      return value.is(Kind::kList) && !value.items.empty() &&
             std::none_of(value.items.begin(), value.items.end(), [](const Literal& item) {
               return item.is(Kind::kNumber) || item.is(Kind::kNull) || item.is(Kind::kBool);
             });
    };
    Literal whole;
    try {
      whole = parse_literal(text_);
    } catch (const LiteralError& e) {
      const std::string_view inside = trim(all.substr(1));
      const bool array = all[0] == '[' && !inside.empty() &&
                         (inside[0] == '"' || inside[0] == '\'' || inside[0] == '{');
      // One array a line is no array.
      if (!array || std::string_view(e.what()) == "something follows the value") return false;
      const auto [line, column] = places_.of(e.at);
      problems_.push_back({file_, line, column, "", std::string("JSON array: ") + e.what(), ""});
      return true;
    }
    if (whole.is(Kind::kMap) && whole.find("schema") != nullptr &&
        architecture_key(whole.keys) == nullptr)
      for (Literal& value : whole.items)
        if (items_of(value) && value.items[0].is(Kind::kMap) &&
            architecture_key(value.items[0].keys) != nullptr) {
          Literal inner = std::move(value);
          whole = std::move(inner);
          break;
        }
    if (!items_of(whole)) return false;
    for (const Literal& item : whole.items) add_item(item);
    return true;
  }

  /// A table whose header names the column `architecture`.
  bool read_table() {
    size_t begin = 0;
    std::string_view header;
    while (begin < text_.size()) {
      const size_t end = std::min(text_.find('\n', begin), text_.size());
      header = trim(text_.substr(begin, end - begin));
      if (!header.empty() && !is_comment(header)) break;
      begin = end + 1;
    }
    std::vector<std::string> names;
    std::string name;
    for (const char c : std::string(header) + ",") {
      if (c == ',' || c == ';' || c == '\t') {
        names.emplace_back(trim(name));
        name.clear();
      } else if (c != '"') {
        name += c;
      }
    }
    if (architecture_key(names) == nullptr) return false;
    if (names.size() == 1) {
      from_ = std::min(text_.find('\n', begin), text_.size());
      return false;  // A headline over lines.
    }
    const Csv csv = read_csv(file_, text_);
    names.clear();
    for (const CsvCell& cell : csv.header) names.push_back(cell.text);
    const std::string* key = architecture_key(names);
    if (key == nullptr) return false;
    const auto column = static_cast<size_t>(key - names.data());
    for (const auto& row : csv.rows) add(row[column].text, row[column].line, row[column].column);
    return true;
  }

  void read_lines() {
    const auto before = text_.substr(0, from_);
    int line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    for (size_t at = from_; at < text_.size();) {
      if (problems_.size() > kMostProblems) return;
      const size_t end = std::min(text_.find('\n', at), text_.size());
      const std::string_view raw = text_.substr(at, end - at);
      const std::string_view shown = trim(raw);
      const int column = shown.empty() ? 1 : static_cast<int>(shown.data() - raw.data()) + 1;
      int taken = 1;
      size_t next = end + 1;
      if (!shown.empty() && !is_comment(shown)) {
        const std::string text = several_lines(shown, at, next, taken);
        add(text, line, column);
      }
      line += taken;
      at = next;
    }
  }

  /// The text that begins in a line, with the lines that its open brackets ask for; `next` and
  /// `taken` are moved. Where they never close, the line stands alone.
  std::string several_lines(std::string_view first, size_t at, size_t& next, int& taken) const {
    std::string text(trim(without_comment(first)));
    // As a line of an array that is written one a line.
    if (text.back() == ',' && (text[0] == '"' || text[0] == '\'')) text.pop_back();
    Brackets brackets;
    brackets.add(text);
    if (!brackets.open() || (!begins_one(text) && text.find('{') == text.npos)) return text;
    std::string joined = text;
    size_t from = std::min(text_.find('\n', at), text_.size()) + 1;
    for (int lines = 1; from <= text_.size() && lines < kMostLines; ++lines) {
      const size_t end = std::min(text_.find('\n', from), text_.size());
      const std::string_view line = trim(without_comment(trim(text_.substr(from, end - from))));
      if (begins_one(line)) break;
      if (!is_comment(line)) {
        (joined += '\n') += line;
        brackets.add(line);
      }
      from = end + 1;
      if (!brackets.open()) {
        next = from;
        taken = lines + 1;
        return joined;
      }
    }
    return text;
  }

  ArchitectureReader reader_;
  std::string_view text_;
  const std::string& file_;
  TextPlaces places_;
  size_t from_ = 0;
  std::vector<Architecture> list_;
  std::vector<Problem> problems_;
};

}  // namespace

std::vector<Architecture> read_architecture_list(const Space& space,
                                                 std::string_view text,
                                                 const std::string& file) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  // Line ends of old Macs.
  std::string lines;
  if (text.find('\n') == text.npos && text.find('\r') != text.npos) {
    lines = std::string(text);
    std::replace(lines.begin(), lines.end(), '\r', '\n');
    text = lines;
  }
  return List(space, text, file).read();
}

std::vector<Architecture> read_architecture_file(const Space& space, const std::string& path) {
  const std::string text = read_text_file(path, "a list of architectures", kLongestArchitecture);
  return read_architecture_list(space, text, path == "-" ? "standard input" : path);
}

}  // namespace nas
