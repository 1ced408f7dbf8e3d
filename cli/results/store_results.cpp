#include "cli/results/store_results.hpp"

#include "cli/command.hpp"

namespace nas::cli {

using Json = nlohmann::ordered_json;

Json store_info_json(const StoreInfo& info) {
  return {{"schema", "nas-db-info/1"},
          {"db", info.path},
          {"version", info.version},
          {"bytes", info.bytes},
          {"runs", info.counts.runs},
          {"killed_runs", info.killed_runs},
          {"networks_judged", info.networks},
          {"values", info.counts.evaluations},
          {"evaluations", info.counts.evaluations},  // The older name of `values`.
          {"latency_tables", info.counts.latency_tables},
          {"read_only", info.read_only}};
}

std::string store_info_text(const StoreInfo& info) {
  std::string text;
  const auto add = [&text](const std::string& name, const std::string& value) {
    text += (text.empty() ? "" : "\n") + name + std::string(16 - name.size(), ' ') + value;
  };
  add("db", info.path);
  add("version", std::to_string(info.version));
  add("bytes", std::to_string(info.bytes));
  add("runs", std::to_string(info.counts.runs));
  add("killed_runs", std::to_string(info.killed_runs));
  add("evaluations", std::to_string(info.networks));
  add("values", std::to_string(info.counts.evaluations));
  add("latency_tables", std::to_string(info.counts.latency_tables));
  add("read_only", info.read_only ? "true" : "false");
  return text;
}

Json store_check_json(const std::string& path, const std::vector<std::string>& mistakes) {
  return {{"schema", "nas-db-check/1"}, {"db", path}, {"mistakes", mistakes}};
}

Json store_upgrade_json(const std::string& path, const StoreUpgrade& done) {
  return {{"schema", "nas-db-upgrade/1"},
          {"db", path},
          {"from", done.from},
          {"to", done.to},
          {"backup", done.backup}};
}

std::string store_upgrade_text(const std::string& path, const StoreUpgrade& done) {
  if (done.from == done.to) return path + " is up to date (schema " + std::to_string(done.to) + ")";
  return path + ": schema " + std::to_string(done.from) + " -> " + std::to_string(done.to) +
         "; the file before: " + done.backup;
}

Json store_merge_json(const std::string& into, const std::vector<MergedStore>& merged) {
  Json json{{"schema", "nas-db-merge/1"}, {"into", into}, {"stores", Json::array()}};
  for (const MergedStore& m : merged)
    json["stores"].push_back({{"store", m.path},
                              {"runs", m.runs},
                              {"runs_gone_on", m.further},
                              {"runs_known", m.known},
                              {"metrics", m.metrics},
                              {"values", m.evaluations},
                              {"evaluations", m.evaluations},  // The older name of `values`.
                              {"documents", m.documents},
                              {"checkpoints", m.checkpoints},
                              {"exports", m.exports},
                              {"latency_tables", m.latency_tables},
                              {"folders_copied", m.folders},
                              {"notes", m.notes}});
  return json;
}

void print_store_merge(const std::vector<MergedStore>& merged) {
  Table table({"store", "new runs", "gone on", "known", "metrics", "values", "tables"});
  for (const MergedStore& m : merged)
    table.row({m.path,
               std::to_string(m.runs),
               std::to_string(m.further),
               std::to_string(m.known),
               std::to_string(m.metrics),
               std::to_string(m.evaluations),
               std::to_string(m.latency_tables)});
  print(table.text());
  for (const MergedStore& m : merged)
    for (const std::string& line : m.notes) print_prose(line);
}

Json store_vacuum_json(const std::string& path, const Vacuumed& done) {
  return {{"schema", "nas-db-vacuum/1"},
          {"db", path},
          {"bytes_before", done.before},
          {"bytes_after", done.after},
          {"architectures_forgotten", done.architectures}};
}

std::string store_vacuum_text(const std::string& path, const Vacuumed& done) {
  return path + ": " + format_count(static_cast<double>(done.before)) + " bytes -> " +
         format_count(static_cast<double>(done.after)) +
         (done.architectures > 0 ? ", " + std::to_string(done.architectures) +
                                       " architectures without values forgotten"
                                 : "");
}

}  // namespace nas::cli
