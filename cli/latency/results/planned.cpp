#include "cli/latency/results/planned.hpp"

#include <algorithm>

#include "cli/latency/shared.hpp"
#include "cli/latency/units.hpp"
#include "cli/terminal/suggest.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

const char* how_text(SpaceOps::How how) {
  switch (how) {
    case SpaceOps::How::kListed:
      return "listed";
    case SpaceOps::How::kScopes:
      return "scopes";
    case SpaceOps::How::kSampled:
      return "sampled";
  }
  return "";
}

std::string how_long(const OpPlan& ops) {
  const std::string built = std::to_string(ops.built);
  if (ops.how == SpaceOps::How::kListed) return "exact: all " + built + " networks were looked at";
  if (ops.how == SpaceOps::How::kScopes)
    return "exact: every combination of choices that act together was looked at (" + built +
           " networks, and none of the random ones among them has an op that is not listed)";
  return "NOT exact: too many choices of this space act together, so " + built +
         " networks were sampled; a rare op may be missing";
}

const char* made_for_text(TableSpace space) {
  switch (space) {
    case TableSpace::kUnsaid:
      return "not said";
    case TableSpace::kSame:
      return "this space";
    case TableSpace::kChanged:
      return "this space before it was changed";
    case TableSpace::kOther:
      return "another space";
  }
  return "";
}

}  // namespace

size_t OpPlan::lacking() const {
  if (table.empty()) return 0;
  return static_cast<size_t>(
      std::count_if(ops.begin(), ops.end(), [](const PlannedOp& op) { return !op.table_ms; }));
}

void print_op_plan(const OpPlan& plan, Format format) {
  const bool with_table = !plan.table.empty();
  Rows rows{{"key", "networks_percent", "uses", "macs", "needs"}, {}};
  if (with_table) rows.header.insert(rows.header.begin() + 1, "table_ms");
  for (const PlannedOp& op : plan.ops) {
    std::vector<Json> row{op.key, op.networks_percent, op.uses, op.macs, op.needs};
    if (with_table) row.insert(row.begin() + 1, op.table_ms ? Json(*op.table_ms) : Json(nullptr));
    rows.rows.push_back(std::move(row));
  }
  Json document{{"schema", "nas-latency-plan/1"},
                {"space", plan.space},
                {"grouping", plan.grouping},
                {"exact", plan.exact()},
                {"how", how_text(plan.how)},
                {"networks_looked_at", plan.looked_at},
                {"count", plan.ops.size()}};
  if (with_table) {
    document["table"] = plan.table;
    document["lacking"] = plan.lacking();
  }
  print_rows(rows, format, std::move(document), "ops");
  if (format != Format::kTable) return;
  print_prose(pieces_text(plan.grouping, plan.ops.size()) + " of " + plan.space + "; " +
              how_long(plan));
  print_prose("networks_percent and uses: of " + std::to_string(plan.looked_at) +
              (plan.how == SpaceOps::How::kListed ? " networks, all" : " random networks") +
              "; needs: options that, put into the largest network, bring the op about");
  if (plan.lacking() > 0)
    print_prose("table " + plan.table + " lacks " + std::to_string(plan.lacking()) + " of them");
}

std::string lines_of(const FewChosen& few) {
  std::string text;
  for (const std::string& line : few.list) text += (text.empty() ? "" : "\n") + line;
  return text;
}

Json few_chosen_json(const FewChosen& few) {
  Json document{{"schema", "nas-latency-plan/1"},
                {"space", few.space},
                {"what", few.what},
                {"table", few.table.empty() ? Json(nullptr) : Json(few.table)},
                {"budget", few.budget},
                {few.ops() ? "ops" : "architectures", few.list}};
  if (!few.ops())
    document["chosen_among"] = {{"networks", few.among.looked_at},
                                {"different", few.among.different},
                                {"all", few.among.all}};
  return document;
}

/// Where fewer than the budget were found.
static std::string fewer_text(const FewChosen& few) {
  const std::string found = std::to_string(few.list.size());
  if (few.ops()) return "the table has " + found + " of the ops in all";
  const std::string looked_at = std::to_string(few.among.looked_at);
  if (few.among.all)
    return "the space has " + looked_at + " networks, " + found +
           " with different work: these are all";
  return looked_at + " networks were drawn, not all of the space, and " + found +
         " of them differ in their work: these are chosen (--seed draws others)";
}

void print_few_chosen(const FewChosen& few, const Common& common) {
  if (static_cast<int>(few.list.size()) < few.budget) note(common, fewer_text(few));
  if (few.out.empty()) return print(lines_of(few));
  print_prose((few.ops() ? pieces_text(few.grouping, few.list.size())
                         : std::to_string(few.list.size()) + " networks") +
              " of " + few.space + " written to " + few.out + ", those that tell most first");
  if (few.ops() && few.grouping == "ops")
    print_prose(
        "next, on the new device: " +
        suggested({"measure", "--space", few.named, "--only", few.out, "--name", "few"}, common) +
        " (elsewhere: " +
        suggested({"latency", "export-work", few.named, "--only", few.out, "--out", "work.jsonl"},
                  common) +
        "), then " +
        suggested({"latency", "calibrate", "--table", few.table, "--ops", "few", "--measure", "10"},
                  common));
  else if (!few.ops())
    print_prose(
        "next: measure them (" +
        suggested(
            {"latency", "export-work", few.named, "--networks", few.out, "--out", "work.jsonl"},
            common) +
        "), then " +
        suggested({"latency", "calibrate", "--table", "TABLE", "--rows", "measured.csv"}, common) +
        " or " +
        suggested({"predict",
                   "fit",
                   "--data",
                   "measured.csv",
                   "--space",
                   few.named,
                   "--target",
                   "latency_ms",
                   "--out",
                   "latency.json"},
                  common));
}

// ---- check

bool TableCheck::refused() const {
  return !coverage.missing.empty() || made_for == TableSpace::kOther ||
         made_for == TableSpace::kChanged;
}

Json table_check_json(const TableCheck& check) {
  const LatencyTable& table = check.table;
  Json missing = Json::array();
  for (const std::string& key : check.coverage.missing)
    missing.push_back({{"key", key}, {"nearest", check.coverage.nearest.at(key)}});
  Json odd = Json::array();
  for (const OddRow& row : check.odd)
    odd.push_back({{"key", check.work[row.at].key},
                   {"ms", row.ms},
                   {"expected_ms", row.expected},
                   {"factor", row.factor}});
  return {
      {"schema", "nas-latency-check/1"},
      {"ok", !check.refused()},
      {"space", check.domain},
      {"table", table.id},
      {"table_space", table.space},
      {"table_fingerprint", table.fingerprint.empty() ? Json(nullptr) : Json(table.fingerprint)},
      {"made_for", made_for_text(check.made_for)},
      {"grouping", table.grouping},
      {"batch", table.states_batch() ? Json(table.batch()) : Json(nullptr)},
      {"needed", check.coverage.needed},
      {"exact", check.coverage.exact},
      {"missing", missing},
      {"odd_times", odd},
      {"unknown", check.unknown}};
}

// Times that no other row of the kind bears out: not refused, as some ops are slow.
static void tell_odd_times(const Common& common, const TableCheck& check) {
  std::vector<std::string> odd;
  for (const OddRow& row : check.odd)
    odd.push_back(odd_row_text(row, check.work[row.at], *time_unit("ms")));
  tell_odd_rows(common, odd);
}

/// A line each: keys are long. Another kind of op is no help, however near its sizes.
static void print_missing(const Coverage& coverage, size_t most) {
  if (coverage.missing.empty()) return;
  const size_t shown = most == 0 ? coverage.missing.size() : most;
  std::string text;
  for (size_t i = 0; i < std::min(shown, coverage.missing.size()); ++i) {
    const std::string& key = coverage.missing[i];
    text += "lacks    " + printable(key) + "\n";
    const std::vector<std::string>& nearest = coverage.nearest.at(key);
    if (nearest.empty()) continue;  // A long table without one of the kind.
    const std::string& near = nearest.front();
    if (key.substr(0, key.find_first_of(" -")) == near.substr(0, near.find_first_of(" -")))
      text += " nearest " + printable(near) + "\n";
  }
  print(text.substr(0, text.size() - 1));
  if (coverage.missing.size() > shown)
    print_prose("and " + std::to_string(coverage.missing.size() - shown) +
                " more; --limit 0 names all");
}

/// Such rows are compared with nothing.
static void tell_unknown(const TableCheck& check) {
  constexpr size_t kNamed = 5;
  if (check.unknown.empty()) return;
  const bool one = check.unknown.size() == 1;
  std::string text = "table " + printable(check.table.id) + " has " +
                     (one ? "a time" : std::to_string(check.unknown.size()) + " times") +
                     " of no operator that is known here, which nothing uses:";
  for (size_t i = 0; i < std::min(kNamed, check.unknown.size()); ++i)
    text += "\n  " + printable(check.unknown[i]);
  if (check.unknown.size() > kNamed)
    text += "\n  and " + std::to_string(check.unknown.size() - kNamed) + " more";
  warning(text);
}

void print_table_check(const TableCheck& check,
                       const Space& space,
                       const std::string& named,
                       const std::string& table_named,
                       const std::vector<std::string>& fix,
                       size_t most,
                       const Common& common) {
  const LatencyTable& table = check.table;
  print_missing(check.coverage, most);
  print_prose("table " + table.id + " has " +
              std::to_string(check.coverage.needed - check.coverage.missing.size()) + " of the " +
              pieces_text(table.grouping, check.coverage.needed) + " that " + check.domain +
              " needs" +
              (check.coverage.exact ? "" : " (at least: its ops could only be sampled)"));
  tell_odd_times(common, check);
  tell_unknown(check);
  if (check.made_for == TableSpace::kOther && check.coverage.missing.empty())
    print_prose("it was measured for the space '" + table.space +
                "'; a search takes it once \"space\" is taken out of its file");
  if (check.made_for == TableSpace::kChanged)
    print_prose("it was made when the space '" + table.space +
                "' built other networks (fingerprint " + table.fingerprint.substr(0, 12) +
                ", now " + space.fingerprint().substr(0, 12) +
                "), so a search refuses it: measure what it lacks, if anything (" +
                suggested({"measure", "--space", named, "--continue", table_named}, common) +
                "), or, if its times hold here too, take \"fingerprint\" out of its file");
  if (table.batch() != 1)
    print_prose("its times are those of " + std::to_string(table.batch()) +
                " images at once; a search takes it with --latency-batch " +
                std::to_string(table.batch()));
  if (!check.coverage.missing.empty() && table.grouping == "ops") {
    std::vector<std::string> words{"latency", "export-work", named};
    for (const std::string& term : fix) words.insert(words.end(), {"--fix", term});
    words.insert(words.end(), {"--missing-from", table_named});
    if (table.batch() != 1) words.insert(words.end(), {"--batch", std::to_string(table.batch())});
    words.insert(words.end(), {"--out", "work.jsonl"});
    print_prose("next: " + suggested(words, common));
  }
}

}  // namespace nas::cli
