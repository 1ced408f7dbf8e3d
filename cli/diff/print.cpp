#include "cli/diff/print.hpp"

#include <algorithm>
#include <cmath>

#include "cli/command.hpp"
#include "cli/report/document.hpp"
#include "cli/report/markup.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Shares as percent, counts short.
std::string shown(const Comparison& c, double value) {
  if (!std::isfinite(value)) return "-";
  if (is_accuracy(c.metric) && find_metric(c.metric) != nullptr)
    return format_number(100 * value) + " %";
  if (c.metric == "macs" || c.metric == "params") return format_count(value);
  return format_number(value, 5);
}

std::string with_sign(double value, const std::string& text) {
  return value > 0 ? "+" + text : text;
}

/// head - base, as it is, whatever is better.
std::string shown_change(const Comparison& c, double change) {
  return std::isfinite(change) ? with_sign(change, shown(c, change)) : "-";
}

std::string percent(double share) {
  return std::isfinite(share) ? with_sign(share, format_number(100 * share, 3) + " %") : "-";
}

/// The same as a share of the base.
std::string relative_text(const Comparison& c) {
  return c.change ? percent(c.change->change / std::abs(c.change->base)) : "-";
}

std::string interval_text(const Comparison& c) {
  if (!c.change || !std::isfinite(c.change->low)) return "-";
  return shown_change(c, c.change->low) + " .. " + shown_change(c, c.change->high);
}

/// Mean of a side where there are several.
std::string side_text(const Comparison& c, const std::vector<RunNumber>& side, bool head) {
  if (c.change) return shown(c, head ? c.change->head : c.change->base);
  for (const RunNumber& n : side)
    if (n.usable()) return shown(c, n.value);
  return "-";
}

std::string direction_text(const Comparison& c) {
  return c.better == Better::kHigher ? "more is better" : "less is better";
}

std::string limit_text(const Comparison& c) {
  if (!c.limit) return "";
  // In the good direction, as it was given.
  return shown_change(c, *c.limit) + " (" + percent(c.relative(*c.limit)) + " of the base)";
}

std::string run_text(const Comparison& c, const RunNumber& n) {
  return (n.name.empty() ? "" : printable(n.name) + " ") + n.run + " (seed " +
         std::to_string(n.seed) + "): " + (n.usable() ? shown(c, n.value) : n.why_not);
}

/// What is said of one metric below the table.
std::vector<std::string> details(const Comparison& c) {
  std::vector<std::string> lines;
  if (c.verdict == Verdict::kNoNumbers || c.verdict == Verdict::kInfeasible)
    lines.push_back(c.why_not);
  else
    lines.push_back(c.method);
  if (c.limit) lines.push_back("limit: a change of " + limit_text(c) + " in the good direction");
  if (c.seeds_needed > 0)
    lines.push_back("about " + std::to_string(c.seeds_needed) +
                    " seeds a side would decide, if they spread like these");
  lines.insert(lines.end(), c.notes.begin(), c.notes.end());
  return lines;
}

/// `4 of 6 runs compared`, where some of them are not; "" where all are or none is.
std::string partly(const Comparison& c) {
  if (c.runs_compared() == 0 || c.runs_compared() == c.runs()) return "";
  return std::to_string(c.runs_compared()) + " of " + std::to_string(c.runs()) + " runs compared";
}

bool fails(const Comparison& c, bool limited) {
  return c.verdict == Verdict::kInfeasible || c.verdict == Verdict::kNoNumbers ||
         (limited && (c.verdict == Verdict::kWorse || c.verdict == Verdict::kUndecided));
}

Json numbers_json(const std::vector<RunNumber>& side) {
  Json list = Json::array();
  for (const RunNumber& n : side)
    list.push_back({{"run", n.run},
                    {"name", n.name},
                    {"seed", n.seed},
                    {"value", json_number(n.value)},
                    {"why_not", n.usable() ? Json(nullptr) : Json(n.why_not)}});
  return list;
}

}  // namespace

std::string verdict_text(const Comparison& c) {
  switch (c.verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kSame:
      return c.limit ? "no worse than the limit" : "no difference shown";
    case Verdict::kWorse:
      return c.limit ? "worse than the limit" : "worse";
    case Verdict::kUndecided:
      return "not enough data to tell";
    case Verdict::kInfeasible:
      return "infeasible";
    case Verdict::kNoNumbers:
      break;
  }
  return "not compared";
}

std::string diff_table(const DiffHead& head, const std::vector<Comparison>& comparisons) {
  std::string text;
  for (const Comparison& c : comparisons)
    if (const std::string some = partly(c); !some.empty())
      text += printable(c.metric) + ": " + some + "; why not the others is told below\n";
  Table table({"metric",
               "base",
               "head",
               "change",
               "relative",
               format_number(100 * head.level) + " % interval",
               "verdict"});
  for (const Comparison& c : comparisons)
    table.row({c.metric,
               side_text(c, c.base, false),
               side_text(c, c.head, true),
               c.change ? shown_change(c, c.change->change) : "-",
               relative_text(c),
               interval_text(c),
               verdict_text(c)});
  text += table.text();
  for (const Comparison& c : comparisons) {
    text += "\n\n" + printable(c.metric) + (c.of.empty() ? "" : " " + printable(c.of)) + ", " +
            direction_text(c);
    for (const std::string& line : details(c)) text += "\n  " + line;
    for (const auto* side : {&c.base, &c.head})
      for (const RunNumber& n : *side)
        text += std::string("\n  ") + (side == &c.base ? "base " : "head ") + run_text(c, n);
  }
  return text;
}

std::string diff_markdown(const DiffHead& head, const std::vector<Comparison>& comparisons) {
  const auto cell = [](const std::string& text) { return escaped_markdown(text); };
  std::string text = "### nas diff: " + cell(head.base) + " → " + cell(head.head) + "\n\n" +
                     "| metric | base | head | change | relative | " +
                     cell(format_number(100 * head.level) + " % interval") +
                     " | verdict |\n|---|---:|---:|---:|---:|---|---|";
  for (const Comparison& c : comparisons) {
    const bool bad = fails(c, !head.limit.empty());
    const std::string verdict = cell(verdict_text(c));
    text += "\n| " + cell(c.metric) + " | " + cell(side_text(c, c.base, false)) + " | " +
            cell(side_text(c, c.head, true)) + " | " +
            cell(c.change ? shown_change(c, c.change->change) : "-") + " | " +
            cell(relative_text(c)) + " | " + cell(interval_text(c)) + " | " +
            (bad ? "**" + verdict + "**" : verdict) + " |";
  }
  for (const Comparison& c : comparisons)
    if (const std::string some = partly(c); !some.empty())
      text += "\n\n" + cell(c.metric + ": " + some);
  text += "\n\n<details><summary>What was compared</summary>\n";
  for (const Comparison& c : comparisons) {
    text += "\n- " + cell(c.metric + (c.of.empty() ? "" : " " + c.of) + ", " + direction_text(c));
    for (const std::string& line : details(c)) text += "\n  - " + cell(line);
    for (const auto* side : {&c.base, &c.head})
      for (const RunNumber& n : *side)
        text +=
            std::string("\n  - ") + (side == &c.base ? "base " : "head ") + cell(run_text(c, n));
  }
  return text + "\n\n</details>";
}

Rows diff_rows(const std::vector<Comparison>& comparisons) {
  Rows rows{{"metric",
             "base",
             "head",
             "change",
             "change_low",
             "change_high",
             "relative",
             "limit",
             "verdict",
             "shown",
             "runs",
             "runs_compared"},
            {}};
  for (const Comparison& c : comparisons) {
    const auto of = [&](double Change::*number) {
      return c.change ? json_number((*c.change).*number) : Json(nullptr);
    };
    rows.rows.push_back(
        {c.metric,
         of(&Change::base),
         of(&Change::head),
         of(&Change::change),
         of(&Change::low),
         of(&Change::high),
         c.change ? json_number(c.change->change / std::abs(c.change->base)) : Json(nullptr),
         c.limit ? Json(*c.limit) : Json(nullptr),
         to_string(c.verdict),
         verdict_text(c),
         c.runs(),
         c.runs_compared()});
  }
  return rows;
}

std::string diff_junit(const DiffHead& head, const std::vector<Comparison>& comparisons) {
  const bool limited = !head.limit.empty();
  size_t failures = 0, errors = 0;
  std::string cases;
  for (const Comparison& c : comparisons) {
    const bool error = c.verdict == Verdict::kNoNumbers || c.verdict == Verdict::kUndecided;
    const bool bad = fails(c, limited);
    (error ? errors : failures) += bad ? 1 : 0;
    std::string body;
    if (const std::string some = partly(c); !some.empty()) body += some + "\n";
    for (const std::string& line : details(c)) body += line + "\n";
    for (const auto* side : {&c.base, &c.head})
      for (const RunNumber& n : *side)
        body += (side == &c.base ? "base " : "head ") + run_text(c, n) + "\n";
    const std::string message = verdict_text(c) + ": " + side_text(c, c.base, false) + " -> " +
                                side_text(c, c.head, true) + ", change " +
                                (c.change ? shown_change(c, c.change->change) : "-") + " (" +
                                relative_text(c) + "), interval " + interval_text(c);
    std::string lines;
    for (size_t start = 0, end = 0; (end = body.find('\n', start)) != std::string::npos;
         start = end + 1)
      lines += escaped_html(body.substr(start, end - start)) + "\n";
    const std::string tag = error ? "error" : "failure";
    cases += "  <testcase classname=\"nas.diff\" name=\"" + escaped_html(c.metric) + "\">\n" +
             (bad ? "    <" + tag + " type=\"" + escaped_html(to_string(c.verdict)) +
                        "\" message=\"" + escaped_html(message) + "\">" + lines + "</" + tag + ">\n"
                  : "    <system-out>" + escaped_html(message) + "\n" + lines + "</system-out>\n") +
             "  </testcase>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"nas diff\" tests=\"" +
         std::to_string(comparisons.size()) + "\" failures=\"" + std::to_string(failures) +
         "\" errors=\"" + std::to_string(errors) + "\">\n" + "  <properties>\n" +
         "    <property name=\"base\" value=\"" + escaped_html(head.base) + "\"/>\n" +
         "    <property name=\"head\" value=\"" + escaped_html(head.head) + "\"/>\n" +
         "    <property name=\"fail-below\" value=\"" + escaped_html(head.limit) + "\"/>\n" +
         "  </properties>\n" + cases + "</testsuite>";
}

Json diff_json(const DiffHead& head, const std::vector<Comparison>& comparisons, int exit_code) {
  Json json{{"schema", "nas-diff/1"},
            {"base", head.base},
            {"head", head.head},
            {"level", head.level},
            {"fail_below", head.limit.empty() ? Json(nullptr) : Json(head.limit)},
            {"exit_code", exit_code},
            {"metrics", Json::array()}};
  for (const Comparison& c : comparisons) {
    Json entry{{"metric", c.metric},
               {"of", c.of},
               {"direction", to_string(c.better)},
               {"verdict", to_string(c.verdict)},
               {"shown", verdict_text(c)},
               {"runs", c.runs()},
               {"runs_compared", c.runs_compared()},
               {"base", nullptr},
               {"head", nullptr},
               {"change", nullptr},
               {"interval", nullptr},
               {"relative", nullptr},
               {"limit", c.limit ? Json(*c.limit) : Json(nullptr)},
               {"method", c.method},
               {"why_not", c.why_not.empty() ? Json(nullptr) : Json(c.why_not)},
               {"seeds_needed", c.seeds_needed > 0 ? Json(c.seeds_needed) : Json(nullptr)},
               {"notes", c.notes},
               {"base_runs", numbers_json(c.base)},
               {"head_runs", numbers_json(c.head)}};
    if (c.change) {
      entry["base"] = json_number(c.change->base);
      entry["head"] = json_number(c.change->head);
      entry["change"] = json_number(c.change->change);
      entry["interval"] = {json_number(c.change->low), json_number(c.change->high)};
      entry["relative"] = json_number(c.change->change / std::abs(c.change->base));
    }
    json["metrics"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace nas::cli
