// nas latency plan: the distinct pieces of work of a space. nas latency check: which of them a
// table lacks.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/fix.hpp"
#include "cli/terminal/suggest.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/op_cases.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string space, table, grouping, format = "table";
  std::vector<std::string> fix;
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

int plan(const Options& o) {
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

int check(const Options& o) {
  const auto space = load_space(o.space);
  const Domain domain = fixed_domain(*space, o.fix);
  const LatencyTable table = named_latency_table(o.table, o.common.db);
  const Coverage coverage = coverage_of(table, domain);
  const bool other = !table.space.empty() && table.space != space->name();
  if (!table.states_batch())
    warning("table " + table.id +
            " does not say for how many images at once its times are; one is assumed");
  const int code = coverage.missing.empty() ? kExitOk : kExitLacking;
  if (o.common.json) {
    Json missing = Json::array();
    for (const std::string& key : coverage.missing)
      missing.push_back({{"key", key}, {"nearest", coverage.nearest.at(key)}});
    print(json_text({{"schema", "nas-latency-check/1"},
                     {"ok", coverage.missing.empty()},
                     {"space", domain.name()},
                     {"table", table.id},
                     {"table_space", table.space},
                     {"grouping", table.grouping},
                     {"batch", table.states_batch() ? Json(table.batch()) : Json(nullptr)},
                     {"needed", coverage.needed},
                     {"exact", coverage.exact},
                     {"missing", missing}}));
    return code;
  }
  if (!coverage.missing.empty()) {
    Table text({"lacks", "nearest in the table"});
    for (const std::string& key : coverage.missing) {
      std::string near;
      for (const std::string& each : coverage.nearest.at(key))
        near += (near.empty() ? "" : "; ") + each;
      text.row({key, near});
    }
    print(text.text());
  }
  print_prose("table " + table.id + " has " +
              std::to_string(coverage.needed - coverage.missing.size()) + " of the " +
              pieces_text(table.grouping, coverage.needed) + " that " + domain.name() + " needs" +
              (coverage.exact ? "" : " (at least: its ops could only be sampled)"));
  if (other)
    print_prose("it was measured for the space '" + table.space +
                "'; a search takes it once \"space\" is taken out of its file");
  if (!coverage.missing.empty() && table.grouping == "ops")
    print_prose(
        "next: " +
        suggested(
            {"latency", "export-work", o.space, "--missing-from", o.table, "--out", "work.jsonl"},
            o.common));
  return code;
}

void add_space(CLI::App& app, Options& o) {
  app.add_option("space", o.space, "Space: a name or a file")->required();
  add_fix(app, o.fix);
}

}  // namespace

std::function<int()> add_latency_plan(CLI::App& command) {
  CLI::App& app =
      *command.add_subcommand("plan", "List the distinct ops of a space: what a table must hold");
  auto o = std::make_shared<Options>();
  add_space(app, *o);
  app.add_option("--table", o->table, "Also print what this latency table has: id, last or file");
  std::vector<std::string> names;
  for (const Grouping& grouping : groupings()) names.emplace_back(grouping.name);
  app.add_option("--grouping", o->grouping, "What one time covers (default: ops)")
      ->check(CLI::IsMember(names))
      ->type_name("GROUPING");
  add_format(app, o->format);
  add_common(app, o->common);
  return [o] { return plan(*o); };
}

std::function<int()> add_latency_check(CLI::App& command) {
  CLI::App& app = *command.add_subcommand(
      "check", "Say which ops of a space a table lacks; exit 3 where it does");
  auto o = std::make_shared<Options>();
  add_space(app, *o);
  app.add_option("--table", o->table, "Latency table: id, last or file")->required();
  add_common(app, o->common);
  return [o] { return check(*o); };
}

}  // namespace nas::cli
