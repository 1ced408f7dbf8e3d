// A table that a search reads may leave cells empty, and repeat what it says in other forms; a row
// here is a measurement that someone made and means to be used, so that one which cannot be used is
// an error with its line, never left out. That is why the cells are read here and not through
// TableEvaluator.
#include "cli/latency/rows.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "cli/latency/shared.hpp"
#include "cli/latency/units.hpp"
#include "hardware/dtype.hpp"
#include "hardware/formats/reading.hpp"
#include "hardware/quartiles.hpp"
#include "search/evaluators/compact_table.hpp"
#include "search/evaluators/table_file.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/metric.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/plain_text.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas::cli {
namespace {

constexpr double kFarFromSums = 50;
constexpr const char* kUnits[] = {"s", "ms", "us", "ns"};

struct Said {
  std::string value;
  int line = 0, column = 0;
};

std::string found(const std::map<std::string, std::string>& conditions, const std::string& key) {
  const auto it = conditions.find(key);
  return it == conditions.end() ? "" : it->second;
}

class RowFile {
 public:
  RowFile(const NetworkOptions& options, const Space& space, const LatencyTable& of)
      : o_(options), space_(space), of_(of), file_(read_table_file(options.rows, "")) {
    if (file_.rows.empty()) throw DataError(o_.rows + ": has no rows");
  }

  MeasuredRows read() {
    read_comments();
    time_ = column_of_times();
    unit_ = unit_of(file_.header[time_].text);
    for (const auto& row : file_.rows) read_conditions(row);
    check_conditions();
    ArchitectureReader reader(space_);
    for (const auto& row : file_.rows) add(reader, row);
    rows_.asked = rows_.networks.size();
    for (const auto& [key, said] : said_) rows_.conditions[key] = said.value;
    tell_unsaid_conditions();
    refuse_far_from_sums();  // First: it knows the unit better.
    refuse_odd_unit(judge_unit(work_, unit_, /*whole=*/true, device()), o_.trust_unit, o_.rows);
    return std::move(rows_);
  }

 private:
  [[noreturn]] void fail(const std::vector<CsvCell>& row,
                         const CsvCell& cell,
                         const std::string& what) const {
    // A cell that a JSON object leaves out has no place of its own.
    const CsvCell& at = cell.line > 0 ? cell : row[file_.key];
    fail_at(o_.rows, at.line, at.column, what);
  }
  std::string at(const Said& said) const {
    return o_.rows + (said.line > 0 ? ":" + std::to_string(said.line) : "") + ": ";
  }
  std::string device() const {
    const auto own = said_.find("device");
    return own != said_.end() ? own->second.value : found(of_.conditions, "device");
  }

  // ---- Columns

  std::string listed() const {
    std::string list;
    for (const CsvCell& cell : file_.header) list += (list.empty() ? "" : ", ") + cell.text;
    return printable(list.substr(0, 400));
  }

  size_t column_of_times() const {
    const auto named = [&](const std::string& name) {
      return std::any_of(file_.header.begin(), file_.header.end(), [&](const CsvCell& cell) {
        return cell.text == name;
      });
    };
    if (!o_.column.empty()) {
      if (!named(o_.column))
        throw ConfigError(o_.rows + " has no column '" + printable(o_.column) +
                          "'; it has: " + listed());
      return column_of(file_, o_.column);
    }
    // What --save-rows and import-results write beside the measured time.
    const auto ours = [](const std::string& name) {
      return name == "sum_ms" || name == "held_out_ms" || name == "low_ms" || name == "high_ms";
    };
    std::vector<size_t> times, numbers;
    for (size_t c = 0; c < file_.header.size(); ++c) {
      const std::string& name = file_.header[c].text;
      if (c == file_.key || name.empty() || ours(name) || is_condition(name)) continue;
      if (quantity_of(name) == Quantity::kTime) times.push_back(c);
      if (std::any_of(file_.rows.begin(), file_.rows.end(), [&](const auto& row) {
            return value_of(row[c]).kind == CellValue::Kind::kNumber;
          }))
        numbers.push_back(c);
    }
    if (times.size() == 1) return times[0];
    if (times.empty() && numbers.size() == 1) return numbers[0];
    throw ConfigError(
        "which column of " + o_.rows + " holds the measured times? It has: " + listed(),
        "Name it with --column.");
  }

  /// The unit of the column: its name, --unit, or a line `# unit: ms`; they agree.
  TimeUnit unit_of(const std::string& column) {
    std::optional<TimeUnit> named, told;
    if (const Metric* metric = find_metric(column);
        metric != nullptr && metric->unit == MetricUnit::kMilliseconds)
      named = time_unit("ms");
    else if (const auto unit = unit_in_name(column);
             unit && unit->kind == MetricUnit::kMilliseconds)
      for (const char* name : kUnits)
        if (same_time(time_unit(name)->to_ms(1), unit->size)) named = time_unit(name);
    const std::string what = "column '" + printable(column) + "' of " + o_.rows;
    if (const auto line = said_.find("unit"); line != said_.end()) {
      told = time_unit(line->second.value);
      if (!told || (named && told->name != named->name))
        throw ConfigError(at(line->second) + "says unit " + printable(line->second.value) +
                          (told ? ", and " + what + " is in " + named->name + " by its name"
                                : ", which is none of " + std::string(kTimeUnits)));
      said_.erase(line);
    }
    if (!o_.unit.empty()) {
      const auto unit = time_unit(o_.unit);
      if (!unit) throw ConfigError("--unit " + printable(o_.unit) + ": expected s, ms, us or ns");
      if (named && named->name != unit->name)
        throw ConfigError(
            what + " is in " + named->name + " by its name, and --unit says " + unit->name,
            "Leave --unit out, or rename the column.");
      if (told && told->name != unit->name)
        throw ConfigError(o_.rows + " says unit " + told->name + ", and --unit " + unit->name);
      return *unit;
    }
    if (named) return *named;
    if (told) return *told;
    throw ConfigError("nothing says in which unit " + what + " is", "Add --unit: s, ms, us or ns.");
  }

  // ---- Conditions

  static bool is_condition(const std::string& name) {
    return name == "batch" || name == "dtype" || name == "device" || name == "threads";
  }
  static bool agree(const std::string& key, const std::string& a, const std::string& b) {
    if (key == "device") return same_device(a, b);
    if (key == "dtype" && !dtype_named(a).empty()) return dtype_named(a) == dtype_named(b);
    const auto number = [](const std::string& text) { return number_of(text); };
    if (key != "dtype" && number(a) && number(b)) return *number(a) == *number(b);
    return a == b;
  }

  void read_comments() {
    if (CompactTable::is_file(o_.rows)) return;
    for (auto& [key, value] :
         csv_conditions(read_text_file(o_.rows, "file of measured networks"), o_.rows))
      said_[key] = {value.first, value.second, 1};
  }
  void read_conditions(const std::vector<CsvCell>& row) {
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string& key = file_.header[c].text;
      if (c == file_.key || c == time_ || !is_condition(key) || row[c].text.empty()) continue;
      const auto [it, fresh] =
          said_.try_emplace(key, Said{row[c].text, row[c].line, row[c].column});
      if (!fresh && !agree(key, it->second.value, row[c].text))
        fail(row,
             row[c],
             key + " " + printable(row[c].text) + ", but " + printable(it->second.value) +
                 " in line " + std::to_string(it->second.line) +
                 ": rows of other conditions are calibrated one by one");
    }
  }
  /// Against the table and the options.
  void check_conditions() const {
    const auto refuse = [&](const char* key, const std::string& wanted, const std::string& whose) {
      const auto own = said_.find(key);
      if (own == said_.end() || wanted.empty() || agree(key, own->second.value, wanted)) return;
      throw ConfigError(at(own->second) + "these networks were measured with " + key + " " +
                            printable(own->second.value) + ", " + whose + " " + printable(wanted),
                        "Times of other conditions do not add up: take a table and rows of the "
                        "same ones.");
    };
    const std::string table = "the table " + printable(of_.id) + " with";
    refuse("batch", std::to_string(of_.batch()), table);
    refuse("dtype", found(of_.conditions, "dtype"), table);
    if (o_.device != "auto") refuse("device", o_.device, "and --device says");
    refuse("threads", o_.threads > 0 ? std::to_string(o_.threads) : "", "and --threads says");
  }

  /// Of the table and of networks that are measured here these stand beside: nobody may take
  /// silently that they are of one kind.
  void tell_unsaid_conditions() const {
    std::vector<std::string> assumed;
    std::string values;
    for (const char* key : {"device", "batch", "dtype", "threads"}) {
      const std::string of_table = std::string_view(key) == "batch" ? std::to_string(of_.batch())
                                                                    : found(of_.conditions, key);
      if (said_.contains(key) || of_table.empty()) continue;
      assumed.emplace_back(key);
      values += (values.empty() ? "" : ", ") + std::string(key) + " " + printable(of_table);
    }
    if (assumed.empty()) return;
    warning(o_.rows + " does not say the " + unsaid({}, assumed) +
            " of its times; those of table " + printable(of_.id) + " are assumed (" + values + ")" +
            (o_.measures() ? ", also beside the networks that are measured here" : "") +
            ". Lines above its header say them: # batch: 1");
  }

  // ---- Rows

  double ms_of(const std::vector<CsvCell>& row) const {
    const CsvCell& cell = row[time_];
    const std::string& name = file_.header[time_].text;
    const CellValue value = value_of(cell);
    if (value.kind == CellValue::Kind::kNone)
      fail(row,
           cell,
           name + ": there is no time (" + (cell.text.empty() ? "nothing" : printable(cell.text)) +
               "); measure the network, or leave its row out");
    if (value.kind == CellValue::Kind::kBad) fail(row, cell, name + ": " + value.why);
    const double ms = unit_.to_ms(value.number);
    if (value.percent || !std::isfinite(ms) || !(ms > 0))
      fail(
          row, cell, name + ": " + printable(cell.text) + " is no time; expected a number above 0");
    return ms;
  }

  void add(ArchitectureReader& reader, const std::vector<CsvCell>& row) {
    const CsvCell& key = row[file_.key];
    Architecture a;
    try {
      a = space_.fix_inactive(reader.read(key.text));
    } catch (const ConfigError& e) {
      fail(row, key, std::string("not an architecture of this space: ") + e.what());
    }
    const double ms = ms_of(row);
    const auto [seen, fresh] = seen_.emplace(a, rows_.networks.size());
    if (!fresh) {
      const size_t before = seen->second;
      if (same_time(rows_.ms[before], ms)) return;
      fail(row,
           key,
           "repeats the network of line " + std::to_string(lines_[before]) + " with " +
               number_text(ms) + " ms, there " + number_text(rows_.ms[before]) +
               " ms; keep one row of it, with the median of its measurements");
    }
    lines_.push_back(key.line);
    rows_.places.push_back(o_.rows + (key.line > 0 ? ":" + std::to_string(key.line) : ""));
    rows_.networks.push_back(a);
    rows_.ms.push_back(ms);
    const Plan plan = space_.plan(a);
    sums_.push_back(of_.predict(plan));
    work_.push_back({ms, static_cast<double>(cost_of(plan, space_.counting()).macs * of_.batch())});
  }

  // Sums of ops and whole networks differ by a few times (what a call costs, caches), devices for
  // one kind of work by less than fifty; s and ms, ms and us by a thousand.
  void refuse_far_from_sums() const {
    std::vector<double> ratios;
    for (size_t i = 0; i < sums_.size(); ++i) ratios.push_back(rows_.ms[i] / sums_[i]);
    const double ratio = median_of(ratios);
    const auto far = [](double r) { return std::max(r, 1 / r); };
    if (far(ratio) <= kFarFromSums) return;
    std::string likely;
    double nearest = kFarFromSums;
    for (const char* name : kUnits) {
      const double other = ratio * time_unit(name)->to_ms(1) / unit_.to_ms(1);
      if (name == unit_.name || far(other) > nearest) continue;
      nearest = far(other);
      likely = name;
    }
    const std::string text = o_.rows + ": read in " + unit_.name + " its networks take " +
                             format_number(median_of(rows_.ms)) + " ms (median), and by table " +
                             printable(of_.id) + " their ops take " +
                             format_number(median_of(sums_)) + " ms" +
                             (likely.empty() ? "" : "; are they in " + likely + "?");
    if (o_.trust_unit) return warning(text);
    throw ConfigError(text,
                      "Say the right unit (--unit, or the name of the column); if both are right, "
                      "add --trust-unit.");
  }

  const NetworkOptions& o_;
  const Space& space_;
  const LatencyTable& of_;
  TableFile file_;
  std::map<std::string, Said> said_;
  size_t time_ = 0;
  TimeUnit unit_;
  MeasuredRows rows_;
  std::vector<int> lines_;
  std::map<Architecture, size_t> seen_;
  std::vector<double> sums_;
  std::vector<TimedWork> work_;
};

}  // namespace

bool same_device(const std::string& a, const std::string& b) {
  const auto one_of = [](const std::string& all, const std::string& one) {
    return one.starts_with(all) && one[all.size()] == ':';
  };
  return a == b || one_of(a, b) || one_of(b, a);
}

MeasuredRows read_measured_rows(const NetworkOptions& options,
                                const Space& space,
                                const LatencyTable& table) {
  return RowFile(options, space, table).read();
}

}  // namespace nas::cli
