// nas latency diff: what moved between two tables.
#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/report/document.hpp"
#include "hardware/latency_diff.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string a, b;
  double fail_above = -1;
  int64_t limit = 20;
};

std::string percent(double ratio) {
  double change = 100 * (ratio - 1);
  // Files that round a time otherwise do not differ.
  if (std::abs(change) < 1e-7) change = 0;
  return (change >= 0 ? "+" : "") + format_number(change, 3) + " %";
}

Json document_of(const LatencyDiff& diff,
                 const LatencyTable& a,
                 const LatencyTable& b,
                 size_t above) {
  Json document{{"schema", "nas-latency-diff/1"},
                {"a", a.id},
                {"b", b.id},
                {"grouping", a.grouping},
                {"in_both", diff.both.size()},
                {"median_ratio", json_number(diff.median_ratio)},
                {"total_ratio", json_number(diff.total_ratio)},
                {"only_a", diff.only_a},
                {"only_b", diff.only_b},
                {"above", above},
                {"conditions", Json::array()},
                {"kinds", Json::array()},
                {"changes", Json::array()}};
  for (const auto& condition : diff.conditions)
    document["conditions"].push_back(
        {{"name", condition.name}, {"a", condition.a}, {"b", condition.b}});
  for (const KindChange& kind : diff.kinds)
    document["kinds"].push_back({{"kind", kind.kind},
                                 {"keys", kind.keys},
                                 {"beyond_noise", kind.beyond},
                                 {"median_ratio", json_number(kind.median_ratio)},
                                 {"total_ratio", json_number(kind.total_ratio)}});
  for (const LatencyChange& change : diff.both)
    document["changes"].push_back({{"key", change.key},
                                   {"a_ms", change.a.median_ms},
                                   {"b_ms", change.b.median_ms},
                                   {"ratio", json_number(change.ratio)},
                                   {"beyond_noise", change.beyond}});
  return document;
}

void print_text(const LatencyDiff& diff, const Options& o) {
  if (!diff.conditions.empty()) {
    Table conditions({"condition", o.a, o.b});
    for (const auto& c : diff.conditions) conditions.row({c.name, c.a, c.b});
    print(conditions.text());
  }
  Table kinds({"kind", "keys", "beyond noise", "median", "sum"});
  for (const KindChange& kind : diff.kinds)
    kinds.row({kind.kind,
               std::to_string(kind.keys),
               std::to_string(kind.beyond),
               percent(kind.median_ratio),
               percent(kind.total_ratio)});
  kinds.row({"all",
             std::to_string(diff.both.size()),
             "",
             percent(diff.median_ratio),
             percent(diff.total_ratio)});
  print(kinds.text());
  const size_t shown = std::min(diff.both.size(), static_cast<size_t>(o.limit));
  if (shown > 0) {
    Table changes({"key", "ms before", "ms after", "change", "beyond noise"});
    for (size_t i = 0; i < shown; ++i) {
      const LatencyChange& c = diff.both[i];
      changes.row({c.key,
                   format_number(c.a.median_ms),
                   format_number(c.b.median_ms),
                   percent(c.ratio),
                   c.beyond ? "yes" : "no"});
    }
    print(changes.text());
    if (shown < diff.both.size())
      print_prose("the " + std::to_string(shown) + " largest of " +
                  std::to_string(diff.both.size()) + "; --limit shows more");
  }
  const auto only = [&](const std::vector<std::string>& keys, const std::string& table) {
    for (size_t i = 0; i < std::min(keys.size(), static_cast<size_t>(o.limit)); ++i)
      print_prose("only in " + table + ": " + keys[i]);
    if (keys.size() > static_cast<size_t>(o.limit))
      print_prose("only in " + table + ": " +
                  std::to_string(keys.size() - static_cast<size_t>(o.limit)) + " more");
  };
  only(diff.only_a, o.a);
  only(diff.only_b, o.b);
}

int diff(const Options& o) {
  const LatencyTable a = named_latency_table(o.a, o.common.db);
  const LatencyTable b = named_latency_table(o.b, o.common.db);
  const LatencyDiff found = diff_of(a, b);
  size_t above = 0;
  for (const LatencyChange& change : found.both)
    if (o.fail_above >= 0 && change.beyond && 100 * std::abs(change.ratio - 1) > o.fail_above)
      ++above;
  if (found.both.empty() && o.fail_above >= 0)
    throw DataError("the tables have no key in common, so nothing can be said of --fail-above");
  if (a.batch() != b.batch())
    warning("times of " + std::to_string(a.batch()) + " and of " + std::to_string(b.batch()) +
            " image(s) at once are compared");
  if (o.common.json)
    print(json_text(document_of(found, a, b, above)));
  else
    print_text(found, o);
  if (above == 0) return kExitOk;
  note(o.common,
       std::to_string(above) + " moved by more than " + format_number(o.fail_above) +
           " % and beyond noise");
  return kExitLacking;
}

}  // namespace

std::function<int()> add_latency_diff(CLI::App& command) {
  CLI::App& app = *command.add_subcommand("diff", "Say what moved between two tables");
  auto o = std::make_shared<Options>();
  app.add_option("a", o->a, "Latency table: id, last or file")->required();
  app.add_option("b", o->b, "The one to compare with it")->required();
  app.add_option("--fail-above",
                 o->fail_above,
                 "Exit 3 where a time moved by more than so many percent, beyond noise")
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("PERCENT");
  app.add_option("--limit", o->limit, "Rows to print")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  add_common(app, o->common);
  return [o] { return diff(*o); };
}

}  // namespace nas::cli
