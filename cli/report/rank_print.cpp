#include "cli/report/rank_print.hpp"

#include <algorithm>

#include "cli/report/document.hpp"
#include "cli/report/training/compute.hpp"
#include "spaces/base/joined.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/metric.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kFew = 10;

std::string number(const Json& v) {
  return v.is_number() ? format_number(v.get<double>(), 3) : "-";
}

std::string interval_text(const Json& interval) {
  return number(interval[0]) + " .. " + number(interval[1]);
}

void print_top(const Json& d) {
  Table table({"ranker", "k", "precision", "interval", "regret", "interval", "best rank"});
  for (const Json& r : d["rankers"])
    for (const Json& k : d["top"]) {
      const std::string at = "_at_" + k.get<std::string>();
      if (!r.contains("precision" + at)) continue;
      table.row({r["ranker"].get<std::string>(),
                 k.get<std::string>(),
                 number(r["precision" + at]),
                 interval_text(r["precision" + at + "_interval"]),
                 number(r["regret" + at]),
                 interval_text(r["regret" + at + "_interval"]),
                 number(r["best_rank" + at])});
    }
  print(table.text());
  std::vector<std::string> larger;
  for (const Json& k : d["top"]) {
    const std::string key = "precision_at_" + k.get<std::string>();
    bool judged = false, ordered = false;
    for (const Json& r : d["rankers"]) {
      judged |= r.contains(key);
      ordered |= !r["tau_b"].is_null();
    }
    if (ordered && !judged) larger.push_back(k.get<std::string>());
  }
  if (!larger.empty())
    print_prose("top " + joined(larger) + ": larger than the " + d["n"].dump() +
                " that are ranked, and left out");
}

void print_facts(const Json& d) {
  const bool plain = d["space"].is_null();
  std::string line = d["n"].dump() + (plain ? " rows" : " architectures") + " with a truth (" +
                     d["column"].get<std::string>() + ", " + d["direction"].get<std::string>() +
                     ")";
  const auto add = [&](const char* key, const std::string& text) {
    if (d.contains(key) && d[key].get<int64_t>() > 0) line += "; " + d[key].dump() + text;
  };
  add("same_function", " of them compute what another one computes");
  add("constant", " are constant (no path from image to logits)");
  add("without_truth", " more were listed, but have no truth");
  add("rows_without_value",
      plain ? " rows lack a value of one of the columns" : " rows of the truth hold no value");
  add("rows_repeated", " rows stand twice and count once");
  add("without_prediction", " more lack a value of a predicted column");
  print_prose(line);
  std::string less;
  for (const Json& r : d["rankers"])
    if (r.value("direction", "") == to_string(Better::kLower))
      less += (less.empty() ? "" : ", ") + r["ranker"].get<std::string>();
  if (!less.empty()) print_prose("less is taken for better of: " + less);
  if (d.contains("rows_merged") && d["rows_merged"].get<int64_t>() > 0)
    print_prose(
        d["rows_merged"].dump() +
        " rows of the truth are further forms of networks it has: each network counts once, by "
        "the row of its canonical form, else their mean; rows of one network differ by up to " +
        number(d["rows_merged_spread"]) + " (--duplicates keeps them apart)");
  print_prose(format_number(100 * d["level"].get<double>()) + " % bootstrap intervals of " +
              d["bootstrap"].dump() + " draws; ties at the cut of a top k count by chance");
  if (d["n"].get<int64_t>() < kFew)
    print_prose("with fewer than " + std::to_string(kFew) +
                " architectures these numbers say little, and bootstrap intervals are too narrow");
  if (d["truth_is_constant"].get<bool>())
    print_prose("all architectures have the same truth, so that nothing can be ranked");
}

}  // namespace

Json ranked_rows(const Space& space,
                 const std::vector<Architecture>& architectures,
                 const std::vector<double>& truth,
                 const std::vector<std::pair<std::string, std::vector<double>>>& rankers) {
  Json rows = Json::array();
  for (size_t i = 0; i < architectures.size(); ++i) {
    const Architecture& a = architectures[i];
    Json row{{"architecture", space.text(a)}, {"genes", a.genes}, {"truth", truth[i]}};
    for (const auto& [name, values] : rankers) row["predicted"][name] = json_number(values[i]);
    rows.push_back(std::move(row));
  }
  return rows;
}

void print_ranking(const Json& d) {
  Table table(
      {"ranker", "tau-b", "interval", "Spearman", "interval", "tied pairs", "tied in truth"});
  for (const Json& r : d["rankers"])
    table.row(
        {r["ranker"].get<std::string>(),
         number(r["tau_b"]),
         interval_text(r["tau_b_interval"]),
         number(r["spearman"]),
         interval_text(r["spearman_interval"]),
         std::to_string(r["ties"]["predicted"].get<int64_t>() + r["ties"]["both"].get<int64_t>()),
         std::to_string(r["ties"]["truth"].get<int64_t>() + r["ties"]["both"].get<int64_t>())});
  print(table.text());
  print_top(d);
  print_facts(d);
  const int64_t all =
      d.contains("space_size") && d["space_size"].is_number() ? d["space_size"].get<int64_t>() : -1;
  for (const Json& c : d["differences"]) {
    print_prose("tau-b of " + c["to"].get<std::string>() + " minus " +
                c["from"].get<std::string>() + ": " + number(c["tau_b_difference"]) + " (" +
                interval_text(c["interval"]) + "), paired");
    std::string needed;
    for (const auto& [difference, n] : c["architectures_needed"].items()) {
      const bool more = n.is_number() && all >= 0 && n.get<double>() > static_cast<double>(all);
      needed += (needed.empty() ? "" : ", ") + difference + ": " +
                (more ? "more than the " + std::to_string(all) + " of the space" : number(n));
    }
    print_prose(
        "  architectures needed to tell a difference of ... apart (two standard deviations): " +
        needed);
  }
  if (d.contains("equal_compute") && !d["equal_compute"].empty())
    print_prose(equal_compute_text(d["equal_compute"]));
}

void write_table(const std::string& path, const Json& rows) {
  Rows table{{"architecture", "truth"}, {}};
  for (const auto& [name, value] : rows[0]["predicted"].items()) table.header.push_back(name);
  for (const Json& row : rows) {
    std::vector<Json> cells{row["architecture"], row["truth"]};
    for (const Json& value : row["predicted"]) cells.push_back(value);
    table.rows.push_back(std::move(cells));
  }
  write_whole_file(path, csv_text(table) + "\n");
}

void put_directions(Json& document, const std::set<std::string>& negated) {
  for (Json& r : document["rankers"])
    r["direction"] = to_string(negated.contains(r["ranker"].get<std::string>()) ? Better::kLower
                                                                                : Better::kHigher);
}

void check_top(const std::vector<std::string>& top) {
  for (const std::string& text : top) {
    const bool percent = !text.empty() && text.back() == '%';
    const std::string digits = percent ? text.substr(0, text.size() - 1) : text;
    const bool number =
        !digits.empty() && digits.size() <= 9 &&
        digits.find_first_not_of(percent ? "0123456789." : "0123456789") == std::string::npos &&
        std::count(digits.begin(), digits.end(), '.') < 2 && digits != ".";
    if (!number || std::stod(digits) <= 0 || (percent && std::stod(digits) > 100))
      throw ConfigError("--top " + text + ": expected counts and shares, such as 1,10,5%");
  }
}

}  // namespace nas::cli
