// Values of a file, looked up by network. A published table may list one network in several forms,
// each measured on its own: that of the canonical form counts, else their mean, so that the answer
// does not depend on the order of the rows. Measurements of one form count by their mean, and what
// they vary by is a metric of its own: METRIC_spread, the standard deviation of one measurement,
// and METRIC_n, their number.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "search/evaluators/compact_table.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/table_text.hpp"
#include "search/evaluators/value_check.hpp"
#include "spaces/error.hpp"
#include "spaces/metric.hpp"
#include "spaces/text/arch_text.hpp"

namespace nas {
namespace {

CompactTable open_table(const Space& space, const TableOptions& options) {
  if (!CompactTable::is_file(options.file))
    return read_text_rows(space, options, /*fingerprint=*/false);
  CompactTable table = CompactTable::map(options.file);
  if (options.index_from >= 0)
    throw ConfigError(options.file + " is a compact table, which names its architectures itself",
                      "Leave out --index-from (evaluator.table.index_from).");
  if (!options.key.empty() && options.key != table.header().key)
    throw ConfigError(options.file + " is a compact table, whose architectures were read from '" +
                          table.header().key + "'",
                      "Leave out --key (evaluator.table.key).");
  table.require(space);
  return table;
}

}  // namespace

struct TableEvaluator::Impl {
  Impl(const Space& s, const TableOptions& options, bool keep_forms)
      : space(s), file(options.file), each_form(keep_forms), table(open_table(s, options)) {
    compact = CompactTable::is_file(file);
    if (compact)
      choose(options.metrics);
    else
      for (size_t c = 0; c < table.header().columns.size(); ++c)
        columns.emplace_back(table.header().columns[c].name, c);
    // Of a file only some columns may be wanted, in which some rows hold nothing.
    for (size_t r = 0; r < table.rows(); ++r) {
      const bool any = std::any_of(columns.begin(), columns.end(), [&](const auto& column) {
        return !std::isnan(table.value(column.second, r));
      });
      if (any) continue;
      if (empty.empty()) empty.resize(table.rows(), false);
      empty[r] = true;
      ++without_value;
    }
    for (size_t i = 0; i < table.networks(); ++i) networks += has_row(i);
    if (table.header().measurements)
      for (size_t i = 0; i < table.networks() && !measured_often; ++i)
        measured_often = has_several(i);
  }

  const Space& space;
  std::string file;
  bool each_form;
  CompactTable table;
  bool compact = false;                                 ///< From a compact file.
  std::vector<std::pair<std::string, size_t>> columns;  ///< Metric, column.
  std::vector<bool> empty;  ///< Rows without a value of these; none: empty.
  size_t networks = 0;      ///< That have a value.
  int64_t without_value = 0;
  bool measured_often = false;   ///< Some architecture was measured several times.
  std::vector<std::string> odd;  ///< Of renamed columns.

  using Values = std::map<std::string, std::vector<double>>;

  /// As for text: METRIC or METRIC = COLUMN; without any, all.
  void choose(const std::vector<std::string>& metrics) {
    const std::vector<CompactColumn>& all = table.header().columns;
    const auto column_named = [&](const std::string& name) {
      std::vector<std::string> names;
      for (size_t c = 0; c < all.size(); ++c) {
        if (all[c].name == name) return c;
        names.push_back(all[c].name);
      }
      std::string known;
      for (const std::string& each : names) known += (known.empty() ? "" : ", ") + each;
      const std::string near = nearest(name, names);
      throw DataError(file + ": there is no column '" + name +
                      "'; columns: " + known.substr(0, 400) +
                      (near.empty() ? "" : ". Did you mean '" + near + "'?"));
    };
    for (const std::string& text : metrics) {
      const std::string whole(trim(text));
      const bool is_column = std::any_of(
          all.begin(), all.end(), [&](const CompactColumn& c) { return c.name == whole; });
      const size_t equal = is_column ? std::string::npos : text.find('=');
      const std::string metric(trim(std::string_view(text).substr(0, equal)));
      const size_t column = column_named(std::string(
          equal == std::string::npos ? metric : trim(std::string_view(text).substr(equal + 1))));
      for (const auto& [name, other] : columns)
        if (name == metric) throw DataError(file + ": gives the metric '" + metric + "' twice");
      if (metric != all[column].name) rename(metric, column);
      columns.emplace_back(metric, column);
    }
    if (!columns.empty()) return;
    for (size_t c = 0; c < all.size(); ++c) columns.emplace_back(all[c].name, c);
  }

  /// What a new name says is held against the values, as where they are read as text.
  void rename(const std::string& metric, size_t column) {
    const CompactColumn& old = table.header().columns[column];
    std::vector<double> values;
    std::vector<int> lines;
    for (size_t r = 0; r < table.rows(); ++r)
      if (const double v = table.value(column, r); !std::isnan(v)) {
        values.push_back(v);
        lines.push_back(table.line(r));
      }
    std::string problem = rename_problem(metric, old.name, values);
    if (problem.empty() && old.in_percent && says_percent(metric))
      problem = "the column was written with % and holds shares, the name says percents";
    if (!problem.empty())
      throw DataError(file + ": '" + metric + " = " + old.name + "' cannot be: " + problem);
    const auto found = odd_value(values, metric, old.in_percent);
    if (!found) return;
    const std::string text = file + ": line " + std::to_string(lines[found->index]) + " of " +
                             table.header().source + ": " + metric + ": '" +
                             nlohmann::json(values[found->index]).dump() + "' " + found->why +
                             (found->instead.empty() ? "" : "; write " + found->instead);
    if (found->certain) throw DataError(text);
    odd.push_back(text);
  }

  bool has_value(size_t row) const { return empty.empty() || !empty[row]; }
  bool has_row(size_t network) const {
    const auto [first, last] = table.rows_of(network);
    for (size_t r = first; r < last; ++r)
      if (has_value(r)) return true;
    return false;
  }
  /// Whether the rows that count for the network, or for one of its forms, are several.
  bool has_several(size_t network) const {
    const auto [first, last] = table.rows_of(network);
    for (size_t r = first + 1; r < last; ++r)
      if (has_value(r) && has_value(r - 1) && table.form_is(r - 1, table.form(r))) return true;
    return false;
  }

  /// Of one form; empty where it has no row with a value.
  Values of_form(size_t network, const Architecture& form) const {
    Values all;
    const auto [first, last] = table.rows_of(network);
    for (size_t r = first; r < last; ++r)
      if (has_value(r) && table.form_is(r, form)) take(all, r);
    return all;
  }
  /// Of all rows of the network.
  Values of_network(size_t network) const {
    Values all;
    const auto [first, last] = table.rows_of(network);
    for (size_t r = first; r < last; ++r)
      if (has_value(r)) take(all, r);
    return all;
  }
  void take(Values& into, size_t row) const {
    for (const auto& [metric, column] : columns)
      if (const double value = table.value(column, row); !std::isnan(value))
        into[metric].push_back(value);
  }

  std::map<std::string, double> means(const Values& all, bool measured) const {
    std::map<std::string, double> values;
    for (const auto& [metric, list] : all) {
      // Sorted, so that rounding does not depend on the order of the rows either.
      std::vector<double> sorted = list;
      std::sort(sorted.begin(), sorted.end());
      double sum = 0, squares = 0;
      for (const double v : sorted) sum += v;
      const auto n = static_cast<double>(sorted.size());
      const double mean = sorted.size() == 1 ? sorted[0] : sum / n;
      values[metric] = mean;
      if (!measured || !measured_often) continue;
      for (const double v : sorted) squares += (v - mean) * (v - mean);
      values[metric + "_n"] = n;
      if (sorted.size() > 1) values[metric + "_spread"] = std::sqrt(squares / (n - 1));
    }
    return values;
  }

  std::map<std::string, double> values_of(const Architecture& a) const {
    const auto network = table.find(space.canonical(a));
    if (!network) return {};
    const auto [first, last] = table.rows_of(*network);
    if (last == first + 1 && !measured_often) {  // nothing to average: as nearly always
      std::map<std::string, double> values;
      if (each_form && !table.form_is(first, space.fix_inactive(a))) return values;
      for (const auto& [metric, column] : columns)
        if (const double value = table.value(column, first); !std::isnan(value))
          values.emplace(metric, value);
      return values;
    }
    if (each_form) return means(of_form(*network, space.fix_inactive(a)), true);
    const Values own = of_form(*network, table.network(*network));
    // Forms differ by more than noise: their spread is none of one network's measurements.
    return own.empty() ? means(of_network(*network), false) : means(own, true);
  }

  std::string told(const TableNotice& notice) const {
    if (notice.line == 0) return file + ": " + notice.text;
    const std::string line = std::to_string(notice.line);
    return compact ? file + ": line " + line + " of " + table.header().source + ": " + notice.text
                   : file + ":" + line + ":" + std::to_string(notice.column) + ": " + notice.text;
  }
};

TableEvaluator::TableEvaluator(const Space& space, const TableOptions& options, bool each_form)
    : impl_(new Impl(space, options, each_form)) {}

TableEvaluator::~TableEvaluator() = default;

std::vector<Evaluation> TableEvaluator::evaluate(std::span<const Architecture> architectures) {
  std::vector<Evaluation> results;
  for (const Architecture& a : architectures) {
    std::map<std::string, double> values = impl_->values_of(a);
    if (values.empty())
      results.push_back({{}, "not in " + impl_->file});
    else
      results.push_back({std::move(values), ""});
  }
  return results;
}

std::vector<Architecture> TableEvaluator::architectures() const {
  const CompactTable& table = impl_->table;
  std::vector<Architecture> list;
  if (impl_->each_form) {
    for (size_t r = 0; r < table.rows(); ++r)
      if (impl_->has_value(r)) list.push_back(table.form(r));
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
  }
  for (size_t i = 0; i < table.networks(); ++i)
    if (impl_->has_row(i)) list.push_back(table.network(i));
  return list;
}

TableEvaluator::Facts TableEvaluator::facts() const {
  const CompactTable& table = impl_->table;
  Facts facts;
  facts.without_value = table.header().without_value + impl_->without_value;
  facts.repeated = table.header().repeated;
  for (size_t i = 0; i < table.networks(); ++i) {
    if (!impl_->has_row(i)) continue;
    const auto [first, last] = table.rows_of(i);
    int64_t forms = 0;
    for (size_t r = first; r < last; ++r)
      forms += impl_->has_value(r) && (r == first || !table.form_is(r - 1, table.form(r)));
    facts.merged += std::max<int64_t>(forms - 1, 0);
    for (const auto& [metric, values] : impl_->of_network(i)) {
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      facts.largest_spread = std::max(facts.largest_spread, *high - *low);
    }
  }
  return facts;
}

std::vector<std::string> TableEvaluator::notes() const {
  const CompactHeader& header = impl_->table.header();
  const std::string file = impl_->file + ": ";
  std::vector<std::string> notes;
  for (const auto& [metric, column] : impl_->columns)
    if (header.columns[column].in_percent)
      notes.push_back(file + metric +
                      " is written in percent and read as a fraction (63.2% is 0.632)");
  if (header.repeated > 0)
    notes.push_back(file + std::to_string(header.repeated) +
                    (header.repeated == 1 ? " row repeat" : " rows repeat") +
                    " an earlier one (same architecture, same values) and count once");
  for (const std::string& text : header.notes) notes.push_back(file + text);
  return notes;
}

std::vector<std::string> TableEvaluator::warnings() const {
  std::vector<std::string> list;
  for (const auto& [metric, column] : impl_->columns) {
    const CompactColumn& c = impl_->table.header().columns[column];
    if (c.name != metric) continue;  // Judged anew.
    for (const TableNotice& notice : c.warnings) list.push_back(impl_->told(notice));
  }
  list.insert(list.end(), impl_->odd.begin(), impl_->odd.end());
  return list;
}

std::vector<std::string> TableEvaluator::columns() const {
  std::vector<std::string> names;
  for (const auto& [metric, column] : impl_->columns) names.push_back(metric);
  return names;
}

std::vector<std::string> TableEvaluator::metrics() const {
  std::vector<std::string> names = columns();
  if (!impl_->measured_often) return names;
  for (const auto& [metric, column] : impl_->columns)
    for (const char* more : {"_spread", "_n"}) names.push_back(metric + more);
  return names;
}

std::string TableEvaluator::fidelity_json() const {
  constexpr size_t kShort = 16;
  const std::string sha256 =
      impl_->compact ? impl_->table.sha256() : impl_->table.header().source_sha256;
  return nlohmann::json{{"file", impl_->file}, {"sha256", sha256.substr(0, kShort)}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

size_t TableEvaluator::size() const {
  return impl_->networks;
}

}  // namespace nas
