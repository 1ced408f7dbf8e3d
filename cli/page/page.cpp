// The page forbids itself everything: no network, no script but the two that the program holds (by
// their hashes), so that no name of a run or architecture can ever be one, however it is spelt.
#include "cli/page/page.hpp"

#include <algorithm>
#include <cmath>

#include "cli/command.hpp"
#include "cli/page/assets.hpp"
#include "cli/report/document.hpp"
#include "cli/report/markup.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/sha256.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string script_hash(std::string_view script) {
  return "'sha256-" + base64(bytes_of(sha256_hex(std::string(script)))) + "'";
}

constexpr std::string_view kPlots = "<div class=\"plots\">\n";

std::string id_of(size_t i) {
  return "s" + std::to_string(i + 1);
}

std::string cell_html(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::kNumber:
      return "<td class=\"n\">" + escaped_html(cell.text) + "</td>";
    case Cell::Kind::kCode:
      return "<td class=\"a\">" + escaped_html(cell.text) + "</td>";
    case Cell::Kind::kButton:
      return "<td><button type=\"button\" data-command=\"" + escaped_html(cell.command) + "\">" +
             escaped_html(cell.text) + "</button></td>";
    case Cell::Kind::kText:
      break;
  }
  return "<td>" + escaped_html(cell.text) + "</td>";
}

// Chart.js is under the MIT licence, whose notice belongs to every copy.
constexpr const char* kLicence = R"(<!--
Charts are drawn by Chart.js, (c) 2014-2022 Chart.js Contributors, under the MIT licence:

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
-->
)";

}  // namespace

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k) text += k <= n ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string& Page::body() {
  if (sections_.empty()) section("");
  return sections_.back().body;
}

void Page::section(const std::string& title) {
  sections_.push_back({title, ""});
}

void Page::heading(const std::string& text) {
  body() += "<h3>" + escaped_html(text) + "</h3>\n";
}

void Page::text(const std::string& text, bool soft) {
  body() += std::string(soft ? "<p class=\"soft\">" : "<p>") + escaped_html(text) + "</p>\n";
}

void Page::list(const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  body() += "<ul>\n";
  for (const std::string& line : lines) body() += "<li>" + escaped_html(line) + "</li>\n";
  body() += "</ul>\n";
}

void Page::table(const std::vector<std::string>& header,
                 const std::vector<std::vector<Cell>>& rows) {
  std::string text = "<div class=\"wide\"><table>\n<thead><tr>";
  for (size_t c = 0; c < header.size(); ++c) {
    const bool number = !rows.empty() && rows[0][c].kind == Cell::Kind::kNumber;
    text += std::string(number ? "<th class=\"n\">" : "<th>") + escaped_html(header[c]) + "</th>";
  }
  text += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows) {
    text += "<tr>";
    for (const Cell& cell : row) text += cell_html(cell);
    text += "</tr>\n";
  }
  body() += text + "</tbody></table></div>\n";
}

void Page::heat(const std::string& corner,
                const std::vector<std::string>& columns,
                const std::vector<std::string>& rows,
                const std::vector<std::vector<double>>& values,
                double low,
                double high) {
  std::string text =
      "<div class=\"wide\"><table class=\"heat\"><thead><tr><th>" + escaped_html(corner) + "</th>";
  for (const std::string& column : columns) text += "<th>" + escaped_html(column) + "</th>";
  text += "</tr></thead><tbody>\n";
  for (size_t r = 0; r < rows.size(); ++r) {
    text += "<tr><th>" + escaped_html(rows[r]) + "</th>";
    for (const double value : values[r]) {
      if (!std::isfinite(value)) {
        text += "<td></td>";
        continue;
      }
      const double share = high > low ? std::clamp((value - low) / (high - low), 0.0, 1.0) : 0;
      char v[16];
      std::snprintf(v, sizeof v, "%.2f", share);
      // What no colour shows need not be read to the last digit either.
      const bool nothing = std::abs(value) < 1e-3 * std::abs(high);
      text += std::string("<td") + (share > 0.6 ? " class=\"high\"" : "") + " style=\"--v:" + v +
              "\">" + (nothing ? "0" : escaped_html(format_number(value, 3))) + "</td>";
    }
    text += "</tr>\n";
  }
  body() += text + "</tbody></table></div>\n";
}

void Page::chart(Json chart, const std::string& label, bool tall) {
  const std::string id = "c" + std::to_string(charts_.size() + 1);
  charts_[id] = std::move(chart);
  body() += std::string("<div class=\"chart") + (tall ? " tall" : "") + "\"><canvas data-chart=\"" +
            id + "\" role=\"img\" aria-label=\"" + escaped_html(label) + "\"></canvas></div>\n";
}

void Page::begin_plots() {
  body() += kPlots;
}

void Page::end_plots() {
  if (body().ends_with(kPlots))
    body().resize(body().size() - kPlots.size());
  else
    body() += "</div>\n";
}

void Page::begin_details(const std::string& summary) {
  const std::string head = "<details><summary>" + escaped_html(summary) + "</summary>\n";
  body() += head;
  open_ = head.size();
  size_ = body().size();
}

void Page::end_details() {
  if (body().size() == size_)
    body().resize(size_ - open_);
  else
    body() += "</details>\n";
}

void Page::preformatted(const std::string& text) {
  std::string lines;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    lines += escaped_html(std::string_view(text).substr(start, end - start)) + "\n";
    start = end + 1;
  }
  body() += "<pre>" + lines + "</pre>\n";
}

void Page::picture(const std::string& svg, const std::string& caption) {
  body() += "<figure><img alt=\"" + escaped_html(caption) + "\" src=\"data:image/svg+xml;base64," +
            base64(svg) + "\"><figcaption>" + escaped_html(caption) + "</figcaption></figure>\n";
}

std::vector<std::string> Page::sections() const {
  std::vector<std::string> titles;
  for (const Section& s : sections_)
    if (!s.body.empty()) titles.push_back(s.title);
  return titles;
}

std::string Page::html(const std::vector<std::string>& lead) const {
  const std::string_view chart = assets::chart_js(), script = assets::page_js();
  std::string links, parts;
  for (size_t i = 0; i < sections_.size(); ++i) {
    if (sections_[i].body.empty()) continue;
    const std::string title = escaped_html(sections_[i].title);
    links += "<a href=\"#" + id_of(i) + "\">" + title + "</a>\n";
    parts += "<section id=\"" + id_of(i) + "\">\n<h2>" + title + "</h2>\n" + sections_[i].body +
             "</section>\n";
  }
  std::string head;
  for (const std::string& line : lead) head += "<p class=\"soft\">" + escaped_html(line) + "</p>\n";
  const Json data{{"schema", "nas-report-data/1"}, {"charts", charts_}};
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
         "data:; "
         "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src " +
         script_hash(chart) + " " + script_hash(script) +
         "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"generator\" content=\"nas report\">\n<title>" +
         escaped_html(title_) + "</title>\n<style>\n" + std::string(assets::page_css()) +
         "</style>\n</head>\n<body>\n" + kLicence + "<header>\n<h1>" + escaped_html(title_) +
         "</h1>\n" + head + "<nav>\n" + links + "</nav>\n</header>\n<main>\n" + parts +
         "<noscript><p>Charts need scripts, which are part of this page.</p></noscript>\n</main>\n"
         "<footer>Made by nas report; a view of the store, made anew by the same command. Charts: "
         "Chart.js (MIT).</footer>\n<div id=\"said\" role=\"status\" hidden></div>\n"
         "<script type=\"application/json\" id=\"report-data\">" +
         json_in_html(json_line(data)) + "</script>\n<script>" + std::string(chart) +
         "</script>\n<script>" + std::string(script) + "</script>\n</body>\n</html>\n";
}

}  // namespace nas::cli
