#include "cli/terminal/row_stream.hpp"

#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

// Rows that are laid out together, and printed at once.
constexpr size_t kTogether = 10'000;

std::string indented(const std::string& text, const std::string& by) {
  std::string out = by;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += by;
  }
  return out;
}

class LineWriter {
 public:
  void add(const std::string& line) {
    if (!text_.empty()) text_ += '\n';
    text_ += line;
    if (text_.size() > size_t{1} << 20) flush();
  }
  void flush() {
    if (!text_.empty()) print(text_);
    text_.clear();
  }

 private:
  std::string text_;
};

void each(const RowSource& rows, const std::function<void(const Row&)>& f) {
  rows([&f](const Row& row) {
    if (stop_requested()) throw Interrupted("stopped before all rows were printed");
    f(row);
  });
}

void print_json(const std::vector<std::string>& header,
                const RowSource& rows,
                const Json& document,
                const std::string& key) {
  LineWriter lines;
  const auto dumped = [](const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
  };
  std::string head = dumped(document);
  head.resize(head.size() - 2);  // its "\n}"
  std::string before = head + ",\n  " + Json(key).dump() + ": [";
  std::string last;  // printed once it is known whether a comma follows
  each(rows, [&](const Row& row) {
    if (last.empty()) lines.add(before);
    if (!last.empty()) lines.add(last + ",");
    Json entry = Json::object();
    for (size_t c = 0; c < header.size(); ++c) entry[header[c]] = row[c];
    last = indented(dumped(entry), "    ");
  });
  lines.add(last.empty() ? before + "]\n}" : last + "\n  ]\n}");
  lines.flush();
}

void print_csv(const std::vector<std::string>& header, const RowSource& rows) {
  LineWriter lines;
  const auto last_line = [](const Rows& one) {
    const std::string text = csv_text(one);
    return text.substr(text.find('\n') + 1);
  };
  lines.add(csv_text({header, {}}));
  Rows one{{"-"}, {}};
  each(rows, [&](const Row& row) {
    one.rows = {row};
    lines.add(last_line(one));
  });
  lines.flush();
}

void print_json_lines(const std::vector<std::string>& header, const RowSource& rows) {
  LineWriter lines;
  Rows one{header, {}};
  each(rows, [&](const Row& row) {
    one.rows = {row};
    lines.add(json_lines(one));
  });
  lines.flush();
}

// Blocks of rows, each laid out with the widest cells of all.
void print_table(const std::vector<std::string>& header, const RowSource& rows) {
  std::vector<std::string> widest(header.size());
  std::vector<size_t> widths(header.size(), 0);
  size_t count = 0;
  each(rows, [&](const Row& row) {
    ++count;
    for (size_t c = 0; c < row.size(); ++c) {
      std::string cell = cell_text(row[c]);
      const size_t width = display_width(cell);
      if (width <= widths[c]) continue;
      widths[c] = width;
      widest[c] = std::move(cell);
    }
  });
  Table table(header);
  size_t filled = 0;
  bool first = true;
  const auto begin = [&] {
    table = Table(header);
    table.row(widest);
    filled = 0;
  };
  const auto finish = [&] {
    std::string text = table.text();
    const size_t ruler = text.find('\n');
    const size_t after = text.find('\n', ruler + 1);
    const std::string body = after == std::string::npos ? "" : text.substr(after);
    if (first)
      print(text.substr(0, ruler) + body);
    else if (!body.empty())
      print(body.substr(1));
    first = false;
  };
  if (count == 0) return print(table.text());
  begin();
  each(rows, [&](const Row& row) {
    std::vector<std::string> cells;
    for (const Json& cell : row) cells.push_back(cell_text(cell));
    table.row(std::move(cells));
    if (++filled < kTogether) return;
    finish();
    begin();
  });
  if (filled > 0) finish();
}

}  // namespace

void print_row_stream(const std::vector<std::string>& header,
                      const RowSource& rows,
                      Format format,
                      const Json& document,
                      const std::string& key) {
  if (format == Format::kJson) return print_json(header, rows, document, key);
  if (format == Format::kCsv) return print_csv(header, rows);
  if (format == Format::kJsonLines) return print_json_lines(header, rows);
  print_table(header, rows);
}

}  // namespace nas::cli
