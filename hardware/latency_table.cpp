// The latency of a network is taken as the sum of its pieces, each measured alone: on one stream
// ops do not overlap, and `nas measure --check` says how well it holds.
#include "hardware/latency_table.hpp"

#include <algorithm>
#include <stdexcept>

#include "hardware/kernel_key.hpp"
#include "hardware/op_cases.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr size_t kNamed = 5;

std::string what_is(const LatencyTable& table) {
  return table.grouping == "ops" ? "op" : table.grouping == "fused" ? "kernel" : "block";
}

/// Of one that is missing, for people; nothing where the table has none of the kind.
std::string nearest_text(const std::vector<std::string>& nearest) {
  std::string text;
  for (const std::string& key : nearest) text += (text.empty() ? "" : ", ") + ("`" + key + "`");
  return text;
}

/// The time of a piece; DataError where the table has none.
double time_of(const LatencyTable& table, const Plan& plan, const Pieces& pieces, size_t piece) {
  const std::string key = table.pieces().text(plan, pieces, piece);
  const auto it = table.entries.find(key);
  if (it != table.entries.end()) return it->second.median_ms;
  throw DataError(
      "latency table " + printable(table.id) + " has no time for the " + what_is(table) + " `" +
      key + "`; the nearest it has: " + printable(nearest_text(nearest_keys(key, table.entries))) +
      "; measure it with: nas measure --space ...");
}

}  // namespace

int64_t LatencyTable::batch() const {
  const auto it = conditions.find("batch");
  return it == conditions.end() ? 1 : std::stoll(it->second);
}

const Grouping& LatencyTable::pieces() const {
  const Grouping* found = find_grouping(grouping);
  if (found == nullptr) throw std::logic_error("there is no grouping '" + grouping + "'");
  return *found;
}

double LatencyTable::predict(const Plan& plan) const {
  Pieces list;
  pieces().split(plan, list);
  double sum = 0;
  for (size_t i = 0; i < list.size(); ++i) sum += time_of(*this, plan, list, i);
  return sum;
}

LatencyLookup::LatencyLookup(std::shared_ptr<const LatencyTable> table)
    : table_(std::move(table)), grouping_(table_->pieces()) {}

double LatencyLookup::predict(const Plan& plan) {
  grouping_.split(plan, pieces_);
  double sum = 0;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const uint32_t id = index_.id_of(pieces_.key(i));
    if (id >= ms_.size()) {
      ms_.resize(id + 1, -1);
    }
    if (ms_[id] < 0) [[unlikely]]
      ms_[id] = time_of(*table_, plan, pieces_, i);
    sum += ms_[id];
  }
  return sum;
}

Coverage coverage_of(const LatencyTable& table, const Domain& domain) {
  const SpaceOps needed = ops_of(domain, table.pieces());
  Coverage coverage;
  coverage.needed = needed.ops.size();
  coverage.exact = needed.exact();
  for (const auto& [key, op] : needed.ops) {
    if (table.entries.contains(key)) continue;
    coverage.missing.push_back(key);
    coverage.nearest[key] = nearest_keys(key, table.entries);
  }
  return coverage;
}

namespace {

/// As commands take it: the file, else the id.
std::string name_of(const LatencyTable& table) {
  return table.place.empty() ? table.id : table.place.substr(0, table.place.rfind(':'));
}

/// How a table is brought to the space as it is now, on the device that it is of.
std::string how_to_continue(const LatencyTable& table,
                            const std::string& space,
                            const std::string& command) {
  const auto condition = [&](const char* key) {
    const auto it = table.conditions.find(key);
    return it == table.conditions.end() ? "" : it->second;
  };
  const std::string name = shell_word(name_of(table)), device = condition("device");
  if (!device.empty() && device != "cpu" && !device.starts_with("cuda"))
    return "time what it lacks on " + printable(device) + " (nas latency export-work " +
           shell_word(space) + " --missing-from " + name +
           ") and add it: nas latency import-results ... --add-to " + name + " --space " +
           shell_word(space);
  std::string text = "measure what it lacks, if anything: " +
                     (command.empty() ? "nas measure --space " + shell_word(space) : command) +
                     " --continue " + name;
  // Times of other conditions do not stand beside these.
  if (!device.empty() && device != "cpu") text += " --device " + shell_word(device);
  if (const std::string threads = condition("threads"); !threads.empty())
    text += " --threads " + shell_word(threads);
  if (table.batch() != 1) text += " --batch " + std::to_string(table.batch());
  return text;
}

}  // namespace

void set_space(LatencyTable& table, const Space& space) {
  table.space = space.name();
  table.fingerprint = space.fingerprint();
}

TableSpace space_of_table(const LatencyTable& table, const Space& space) {
  if (!table.fingerprint.empty() && space.has_fingerprint(table.fingerprint))
    return TableSpace::kSame;
  if (table.space.empty()) return TableSpace::kUnsaid;
  if (table.space != space.name()) return TableSpace::kOther;
  return table.fingerprint.empty() ? TableSpace::kSame : TableSpace::kChanged;
}

void require_fit(const LatencyTable& table,
                 const Space& space,
                 const std::string& command,
                 const std::string& argument) {
  const std::string word = argument.empty() ? space.name() : argument;
  const std::string measure =
      "measure one with: " +
      (command.empty() ? "nas measure --space " + shell_word(word) : command);
  const std::string place = table.place.empty() ? "" : printable(table.place) + ": ";
  const TableSpace made_for = space_of_table(table, space);
  if (made_for == TableSpace::kOther)
    throw ConfigError(place + "latency table " + printable(table.id) +
                          " was measured for the space '" + printable(table.space) +
                          "', not for '" + space.name() + "'",
                      measure + "; or take \"space\" out of the file, if its times hold here too");
  const Coverage coverage = coverage_of(table, space);
  if (made_for == TableSpace::kChanged)
    throw ConfigError(
        place + "latency table " + printable(table.id) + " was made when the space '" +
            printable(table.space) + "' built other networks (fingerprint " +
            printable(table.fingerprint.substr(0, 12)) + ", now " +
            space.fingerprint().substr(0, 12) + ")" +
            (coverage.missing.empty()
                 ? ""
                 : ", and lacks " + std::to_string(coverage.missing.size()) + " of its " +
                       std::to_string(coverage.needed) + " " + what_is(table) + "s"),
        how_to_continue(table, word, command) +
            "; or, if its times hold here too, take \"fingerprint\" out of " +
            (table.place.empty() ? "the file that nas latency export writes of it" : "the file"));
  if (coverage.missing.empty()) return;
  std::string text = place + "latency table " + printable(table.id) + " has no time for " +
                     std::to_string(coverage.missing.size()) + " of the " +
                     std::to_string(coverage.needed) + " " + what_is(table) + "s of the space '" +
                     space.name() + "':";
  for (size_t i = 0; i < std::min(coverage.missing.size(), kNamed); ++i)
    text += "\n  " + coverage.missing[i];
  if (coverage.missing.size() > kNamed)
    text += "\n  and " + std::to_string(coverage.missing.size() - kNamed) + " more";
  text += "\nthe nearest to the first that it has: " +
          printable(nearest_text(coverage.nearest.at(coverage.missing.front())));
  throw DataError(text + "\n" + measure);
}

}  // namespace nas
