// nas latency plan: the distinct pieces of work of a space, or the few of them (or of its networks)
// that tell most about the rest. nas latency check: which of them a table lacks.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/latency/output_file.hpp"
#include "cli/latency/results/planned.hpp"
#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/latency/units.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/fix.hpp"
#include "cli/terminal/suggest.hpp"
#include "hardware/formats/key_check.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/op_cases.hpp"
#include "hardware/prediction/choose.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct PlanArguments {
  Common common;
  std::string space, table, grouping, what, out, format = "table";
  std::vector<std::string> fix;
  int budget = 0, limit = 20;
};

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

constexpr int kDrawn = 2000;  ///< Networks, of which the budget is chosen.

int plan_few(PlanArguments o) {
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
  FewChosen few{space->name(),
                table ? table->grouping : "ops",
                o.what,
                o.space,
                o.table,
                o.out,
                o.budget,
                {},
                {}};
  if (few.ops())
    few.list = choose_ops(part_of(*table, domain), o.budget);
  else
    for (const Architecture& a : choose_networks(
             domain, table ? &*table : nullptr, o.budget, o.common.seed, kDrawn, &few.among))
      few.list.push_back(space->text(a));
  if (!o.out.empty()) write_whole_file(o.out, lines_of(few) + "\n");
  if (o.common.json)
    print(json_text(few_chosen_json(few)));
  else
    print_few_chosen(few, o.common);
  return kExitOk;
}

// ---- plan

int plan(const PlanArguments& o) {
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
  if (grouping.name.starts_with("ofa-") && !all_blocks(ops)) throw no_blocks(*space);
  OpPlan found{domain.name(),
               std::string(grouping.name),
               ops.how,
               ops.built,
               ops.looked_at,
               table ? table->id : "",
               {}};
  const auto looked_at = static_cast<double>(std::max<int64_t>(1, ops.looked_at));
  for (const auto& [key, op] : ops.ops) {
    PlannedOp planned{key,
                      100 * static_cast<double>(op.networks) / looked_at,
                      static_cast<double>(op.uses) / looked_at,
                      macs_of_piece(*space, op),
                      behind_text(*space, options_behind(domain, grouping, key, op)),
                      {}};
    if (table)
      if (const auto it = table->entries.find(key); it != table->entries.end())
        planned.table_ms = it->second.median_ms;
    found.ops.push_back(std::move(planned));
  }
  print_op_plan(found, chosen_format(o.common, o.format));
  return kExitOk;
}

int check(const PlanArguments& o) {
  const auto space = load_space(o.space);
  const Domain domain = fixed_domain(*space, o.fix);
  const LatencyTable table = named_latency_table(o.table, o.common.db);
  TableCheck found{
      domain.name(), coverage_of(table, domain), space_of_table(table, *space), table, {}, {}, {}};
  found.work = work_of(table);
  found.odd = odd_rows(found.work);
  for (const auto& [key, entry] : table.entries)
    if (!known_operator(key)) found.unknown.push_back(key);
  if (o.common.json)
    print(json_text(table_check_json(found)));
  else
    print_table_check(
        found, *space, o.space, o.table, o.fix, static_cast<size_t>(o.limit), o.common);
  return found.refused() ? kExitLacking : kExitOk;
}

}  // namespace

std::function<int()> add_latency_plan(CLI::App& command) {
  CLI::App& app =
      *command.add_subcommand("plan", "List the distinct ops of a space: what a table must hold");
  auto o = std::make_shared<PlanArguments>();
  app.add_option("space", o->space, "Space: a name or a file");
  add_fix(app, o->fix);
  app.add_option("--table",
                 o->table,
                 "Also print what this latency table has: id (nas latency list), last or file; "
                 "with --budget, the "
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
  auto o = std::make_shared<PlanArguments>();
  app.add_option("space", o->space, "Space: a name or a file")->required();
  add_fix(app, o->fix);
  app.add_option("--table", o->table, "Latency table: id (nas latency list), last or file")
      ->required();
  app.add_option("--limit", o->limit, "Print at most so many of the ops that lack (0: all)")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N")
      ->capture_default_str();
  add_common(app, o->common);
  return [o] { return check(*o); };
}

}  // namespace nas::cli
