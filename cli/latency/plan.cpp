// nas latency plan: the distinct pieces of work of a space, or the few of them (or of its networks)
// that tell most about the rest. nas latency check: which of them a table lacks.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/latency/output_file.hpp"
#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/latency/units.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/fix.hpp"
#include "cli/terminal/suggest.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/op_cases.hpp"
#include "hardware/prediction/choose.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string space, table, grouping, what, out, format = "table";
  std::vector<std::string> fix;
  int budget = 0;
};

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

std::string how_long(const SpaceOps& ops) {
  const std::string built = std::to_string(ops.built);
  if (ops.how == SpaceOps::How::kListed) return "exact: all " + built + " networks were looked at";
  if (ops.how == SpaceOps::How::kScopes)
    return "exact: every combination of choices that act together was looked at (" + built +
           " networks, and none of the random ones among them has an op that is not listed)";
  return "NOT exact: too many choices of this space act together, so " + built +
         " networks were sampled; a rare op may be missing";
}

double macs_of_piece(const Space& space, const OpCase& op) {
  double macs = 0;
  for (const int32_t node : op.nodes)
    macs += static_cast<double>(
        macs_of(*op.plan, op.plan->nodes[static_cast<size_t>(node)], space.counting()));
  return macs;
}

std::string behind_text(const Space& space, const std::vector<std::pair<size_t, int16_t>>& list) {
  std::string text;
  for (const auto& [choice, option] : list) {
    const Choice& c = space.choices()[choice];
    text += (text.empty() ? "" : ", ") + c.name + "=" + c.options[static_cast<size_t>(option)];
  }
  return text;
}

// ---- plan --budget

/// The ops of the domain that the table has, and nothing else.
LatencyTable part_of(const LatencyTable& table, const Domain& domain) {
  LatencyTable part = table;
  part.entries.clear();
  for (const auto& [key, op] : ops_of(domain, table.pieces()).ops)
    if (const auto it = table.entries.find(key); it != table.entries.end())
      part.entries.insert(*it);
  return part;
}

void print_chosen(const Options& o,
                  const std::vector<std::string>& list,
                  const std::string& space,
                  const std::string& grouping) {
  const bool ops = o.what == "ops";
  std::string text;
  for (const std::string& line : list) text += (text.empty() ? "" : "\n") + line;
  if (!o.out.empty()) write_whole_file(o.out, text + "\n");
  if (o.common.json)
    return print(json_text({{"schema", "nas-latency-plan/1"},
                            {"space", space},
                            {"what", o.what},
                            {"table", o.table.empty() ? Json(nullptr) : Json(o.table)},
                            {"budget", o.budget},
                            {ops ? "ops" : "architectures", list}}));
  if (static_cast<int>(list.size()) < o.budget)
    note(o.common, "there are " + std::to_string(list.size()) + " in all");
  if (o.out.empty()) return print(text);
  print_prose(
      (ops ? pieces_text(grouping, list.size()) : std::to_string(list.size()) + " networks") +
      " of " + space + " written to " + o.out + ", those that tell most first");
  if (ops && grouping == "ops")
    print_prose(
        "next, on the new device: " +
        suggested({"measure", "--space", o.space, "--only", o.out, "--name", "few"}, o.common) +
        " (elsewhere: " +
        suggested({"latency", "export-work", o.space, "--only", o.out, "--out", "work.jsonl"},
                  o.common) +
        "), then " +
        suggested({"latency", "calibrate", "--table", o.table, "--ops", "few", "--measure", "10"},
                  o.common));
  else if (!ops)
    print_prose(
        "next: measure them (" +
        suggested({"latency", "export-work", o.space, "--networks", o.out, "--out", "work.jsonl"},
                  o.common) +
        "), then " +
        suggested({"latency", "calibrate", "--table", "TABLE", "--rows", "measured.csv"},
                  o.common) +
        " or " +
        suggested({"predict",
                   "fit",
                   "--data",
                   "measured.csv",
                   "--space",
                   o.space,
                   "--target",
                   "latency_ms",
                   "--out",
                   "latency.json"},
                  o.common));
}

int plan_few(Options o) {
  check_output("--out", o.out, {o.space, o.table, o.common.db});
  std::optional<LatencyTable> table;
  if (!o.table.empty()) table = named_latency_table(o.table, o.common.db);
  if (o.space.empty() && table) o.space = table->space;
  if (o.space.empty())
    throw ConfigError(table ? "latency table " + table->id + " names no space"
                            : "name the space, or a table that was made for one",
                      "nas latency plan SPACE --budget " + std::to_string(o.budget));
  if (o.what.empty()) o.what = table ? "ops" : "networks";
  if (o.what == "ops" && !table)
    throw ConfigError("--what ops chooses among the ops of a table of another device",
                      "Name it with --table.");
  const auto space = load_space(o.space);
  const Domain domain = fixed_domain(*space, o.fix);
  if (table) {
    const std::string word = space_argument(*space, o.space);
    require_fit(*table, *space, suggested({"measure", "--space", word}, o.common), word);
  }
  std::vector<std::string> list;
  if (o.what == "ops")
    list = choose_ops(part_of(*table, domain), o.budget);
  else
    for (const Architecture& a :
         choose_networks(domain, table ? &*table : nullptr, o.budget, o.common.seed))
      list.push_back(space->text(a));
  print_chosen(o, list, space->name(), table ? table->grouping : "ops");
  return kExitOk;
}

// ---- plan

int plan(const Options& o) {
  if (o.budget > 0) {
    if (!o.grouping.empty())
      throw ConfigError("--budget takes the grouping of --table", "Leave --grouping out.");
    return plan_few(o);
  }
  if (!o.what.empty() || !o.out.empty())
    throw ConfigError("--what and --out are for --budget", "Add --budget N.");
  if (o.space.empty()) throw ConfigError("name the space", "nas latency plan SPACE");
  const auto space = load_space(o.space);
  const Domain domain = fixed_domain(*space, o.fix);
  std::optional<LatencyTable> table;
  if (!o.table.empty()) table = named_latency_table(o.table, o.common.db);
  if (table && !o.grouping.empty() && o.grouping != table->grouping)
    throw ConfigError("table " + table->id + " is of '" + table->grouping + "', not of '" +
                      o.grouping + "'");
  const Grouping& grouping =
      table ? table->pieces() : *find_grouping(o.grouping.empty() ? "ops" : o.grouping);
  const SpaceOps ops = ops_of(domain, grouping);
  Rows rows{{"key", "networks_percent", "uses", "macs", "needs"}, {}};
  if (table) rows.header.insert(rows.header.begin() + 1, "table_ms");
  size_t lacking = 0;
  const auto looked_at = static_cast<double>(std::max<int64_t>(1, ops.looked_at));
  for (const auto& [key, op] : ops.ops) {
    const auto behind = options_behind(domain, grouping, key, op);
    std::vector<Json> row{key,
                          100 * static_cast<double>(op.networks) / looked_at,
                          static_cast<double>(op.uses) / looked_at,
                          macs_of_piece(*space, op),
                          behind_text(*space, behind)};
    if (table) {
      const auto it = table->entries.find(key);
      if (it == table->entries.end()) ++lacking;
      row.insert(row.begin() + 1,
                 it == table->entries.end() ? Json(nullptr) : Json(it->second.median_ms));
    }
    rows.rows.push_back(std::move(row));
  }
  Json document{{"schema", "nas-latency-plan/1"},
                {"space", domain.name()},
                {"grouping", std::string(grouping.name)},
                {"exact", ops.exact()},
                {"how", how_text(ops.how)},
                {"networks_looked_at", ops.looked_at},
                {"count", ops.ops.size()}};
  if (table) {
    document["table"] = table->id;
    document["lacking"] = lacking;
  }
  const Format format = chosen_format(o.common, o.format);
  print_rows(rows, format, std::move(document), "ops");
  if (format != Format::kTable) return kExitOk;
  print_prose(pieces_text(std::string(grouping.name), ops.ops.size()) + " of " + domain.name() +
              "; " + how_long(ops));
  print_prose("networks_percent and uses: of " + std::to_string(ops.looked_at) +
              (ops.how == SpaceOps::How::kListed ? " networks, all" : " random networks") +
              "; needs: options that, put into the largest network, bring the op about");
  if (table && lacking > 0)
    print_prose("table " + table->id + " lacks " + std::to_string(lacking) + " of them");
  return kExitOk;
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

// ---- check

Json odd_times_json(const LatencyTable& table) {
  const std::vector<TimedWork> work = work_of(table);
  Json list = Json::array();
  for (const OddRow& row : odd_rows(work))
    list.push_back({{"key", work[row.at].key},
                    {"ms", row.ms},
                    {"expected_ms", row.expected},
                    {"factor", row.factor}});
  return list;
}

/// Times that no other row of the kind bears out: not refused, as some ops are slow.
void tell_odd_times(const Common& common, const LatencyTable& table) {
  const std::vector<TimedWork> work = work_of(table);
  std::vector<std::string> odd;
  for (const OddRow& row : odd_rows(work))
    odd.push_back(odd_row_text(row, work[row.at], *time_unit("ms")));
  tell_odd_rows(common, odd);
}

int check(const Options& o) {
  const auto space = load_space(o.space);
  const Domain domain = fixed_domain(*space, o.fix);
  const LatencyTable table = named_latency_table(o.table, o.common.db);
  const Coverage coverage = coverage_of(table, domain);
  const TableSpace made_for = space_of_table(table, *space);
  // Where a search would refuse it.
  const bool refused = !coverage.missing.empty() || made_for == TableSpace::kOther ||
                       made_for == TableSpace::kChanged;
  const int code = refused ? kExitLacking : kExitOk;
  if (o.common.json) {
    Json missing = Json::array();
    for (const std::string& key : coverage.missing)
      missing.push_back({{"key", key}, {"nearest", coverage.nearest.at(key)}});
    print(json_text(
        {{"schema", "nas-latency-check/1"},
         {"ok", !refused},
         {"space", domain.name()},
         {"table", table.id},
         {"table_space", table.space},
         {"table_fingerprint", table.fingerprint.empty() ? Json(nullptr) : Json(table.fingerprint)},
         {"made_for", made_for_text(made_for)},
         {"grouping", table.grouping},
         {"batch", table.states_batch() ? Json(table.batch()) : Json(nullptr)},
         {"needed", coverage.needed},
         {"exact", coverage.exact},
         {"missing", missing},
         {"odd_times", odd_times_json(table)}}));
    return code;
  }
  if (!coverage.missing.empty()) {
    // A line each: keys are long. Another kind of op is no help, however near its sizes.
    std::string text;
    for (const std::string& key : coverage.missing) {
      text += "lacks    " + printable(key) + "\n";
      const std::string& near = coverage.nearest.at(key).front();
      if (key.substr(0, key.find_first_of(" -")) == near.substr(0, near.find_first_of(" -")))
        text += " nearest " + printable(near) + "\n";
    }
    print(text.substr(0, text.size() - 1));
  }
  print_prose("table " + table.id + " has " +
              std::to_string(coverage.needed - coverage.missing.size()) + " of the " +
              pieces_text(table.grouping, coverage.needed) + " that " + domain.name() + " needs" +
              (coverage.exact ? "" : " (at least: its ops could only be sampled)"));
  tell_odd_times(o.common, table);
  if (made_for == TableSpace::kOther && coverage.missing.empty())
    print_prose("it was measured for the space '" + table.space +
                "'; a search takes it once \"space\" is taken out of its file");
  if (made_for == TableSpace::kChanged)
    print_prose("it was made when the space '" + table.space +
                "' built other networks (fingerprint " + table.fingerprint.substr(0, 12) +
                ", now " + space->fingerprint().substr(0, 12) +
                "), so a search refuses it: measure what it lacks, if anything (" +
                suggested({"measure", "--space", o.space, "--continue", o.table}, o.common) +
                "), or, if its times hold here too, take \"fingerprint\" out of its file");
  if (table.batch() != 1)
    print_prose("its times are those of " + std::to_string(table.batch()) +
                " images at once; a search takes it with --latency-batch " +
                std::to_string(table.batch()));
  if (!coverage.missing.empty() && table.grouping == "ops") {
    std::vector<std::string> words{"latency", "export-work", o.space};
    for (const std::string& term : o.fix) words.insert(words.end(), {"--fix", term});
    words.insert(words.end(), {"--missing-from", o.table});
    if (table.batch() != 1) words.insert(words.end(), {"--batch", std::to_string(table.batch())});
    words.insert(words.end(), {"--out", "work.jsonl"});
    print_prose("next: " + suggested(words, o.common));
  }
  return code;
}

}  // namespace

std::function<int()> add_latency_plan(CLI::App& command) {
  CLI::App& app =
      *command.add_subcommand("plan", "List the distinct ops of a space: what a table must hold");
  auto o = std::make_shared<Options>();
  app.add_option("space", o->space, "Space: a name or a file");
  add_fix(app, o->fix);
  app.add_option("--table",
                 o->table,
                 "Also print what this latency table has: id, last or file; with --budget, the "
                 "table of another device whose ops are chosen from");
  app.add_option("--budget",
                 o->budget,
                 "Print only so many, those that tell most about all others (D-optimal), best "
                 "first: ops to measure on a new device (with --table), or whole networks")
      ->check(CLI::Range(1, 10000))
      ->type_name("N");
  app.add_option("--what", o->what, "With --budget: ops or networks (default: ops with --table)")
      ->check(CLI::IsMember({"networks", "ops"}));
  app.add_option("--out", o->out, "With --budget: write them to this file, one a line");
  std::vector<std::string> names;
  for (const Grouping& grouping : groupings()) names.emplace_back(grouping.name);
  app.add_option("--grouping", o->grouping, "What one time covers (default: ops)")
      ->check(CLI::IsMember(names))
      ->type_name("GROUPING");
  add_format(app, o->format);
  add_common(app, o->common, kTakesDb | kTakesSeed);
  return [o] { return plan(*o); };
}

std::function<int()> add_latency_check(CLI::App& command) {
  CLI::App& app = *command.add_subcommand(
      "check", "Say which ops of a space a table lacks; exit 3 where a search would refuse it");
  auto o = std::make_shared<Options>();
  app.add_option("space", o->space, "Space: a name or a file")->required();
  add_fix(app, o->fix);
  app.add_option("--table", o->table, "Latency table: id, last or file")->required();
  add_common(app, o->common);
  return [o] { return check(*o); };
}

}  // namespace nas::cli
