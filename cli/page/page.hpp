#pragma once
// One HTML page that needs nothing but a browser: sections, tables, charts, all escaped here.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace nas::cli {

/// A cell of a table.
struct Cell {
  enum class Kind { kText, kNumber, kCode, kButton };
  std::string text;
  Kind kind = Kind::kText;
  std::string command = {};  ///< Of a button: what it copies.
};

class Page {
 public:
  explicit Page(std::string title) : title_(std::move(title)) {}

  /// What follows stands under this heading. A section in which nothing follows is left out.
  void section(const std::string& title);
  void heading(const std::string& text);
  void text(const std::string& text, bool soft = false);
  void list(const std::vector<std::string>& lines);
  void table(const std::vector<std::string>& header, const std::vector<std::vector<Cell>>& rows);
  /// Values as colours, from 0 at `low` to 1 at `high`; not finite ones are empty.
  void heat(const std::string& corner,
            const std::vector<std::string>& columns,
            const std::vector<std::string>& rows,
            const std::vector<std::vector<double>>& values,
            double low,
            double high);
  /// A chart as page.js draws it: {kind, x: {name, form}, y, series ...}.
  void chart(nlohmann::ordered_json chart, const std::string& label, bool tall = false);
  /// Charts between these stand side by side where there is room. Without any nothing is left of
  /// it, as of details below.
  void begin_plots();
  void end_plots();
  /// What is folded away until it is asked for.
  void begin_details(const std::string& summary);
  void end_details();
  void preformatted(const std::string& text);
  /// A picture, which cannot run scripts: SVG source.
  void picture(const std::string& svg, const std::string& caption);

  /// Titles of sections that hold something.
  std::vector<std::string> sections() const;
  /// The whole document; `lead`: lines below the title.
  std::string html(const std::vector<std::string>& lead) const;

 private:
  struct Section {
    std::string title, body;
  };
  std::string& body();
  std::string title_;
  std::vector<Section> sections_;
  size_t open_ = 0, size_ = 0;  ///< Of the details begun last: its head, the section with it.
  nlohmann::ordered_json charts_ = nlohmann::ordered_json::object();
};

/// Standard Base64 with padding.
std::string base64(std::string_view bytes);

}  // namespace nas::cli
