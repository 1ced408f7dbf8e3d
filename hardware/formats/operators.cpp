// Profiles of runtimes (TFLite, trtexec and others) as CSV, one operator a row. Their columns have
// many names, so a map says which is which: `--column time=avg_ms --column input=in_shape`. A
// column `key` with keys of nas (from `nas latency plan`, or the ids of `export-work`) needs
// nothing else. Several rows of one key are repeats of one measurement: an operator stands in a
// network more than once. Operators that no network here has are left out, and said.
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "hardware/formats/operator_kernel.hpp"
#include "hardware/formats/reading.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/quartiles.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

/// Repeats of one measurement may differ by so much before somebody should look: more is no noise
/// of a measurement but two different ones, such as a cold first run, or times of two devices.
constexpr double kMostApart = 2;

class OperatorReader {
 public:
  OperatorReader(const ForeignFile& file, const ImportOptions& options)
      : file_(file), options_(options), csv_(read_csv(file.name, file.text)) {
    key_ = column("key", {"key", "signature", "id"});
    time_ = column("time", {"time", "avg_ms", "avg ms", "latency", "median", "latency_ms"});
    low_ = column("low", {"low"});
    high_ = column("high", {"high"});
    repeats_ = column("repeats", {"repeats", "count"});
    if (!time_) throw missing("time");
    check_comments(file, options);
    check_unit_in_name(file, csv_.header[*time_], options);
    if (!key_) kernels_.emplace(file, options, csv_);
  }

  Imported read() {
    for (const auto& row : csv_.rows) {
      const std::vector<std::string> keys =
          key_ ? std::vector{plain_key(row[*key_])} : kernels_->of(row);
      if (!keys.empty()) time_of_cell(file_, row[*time_], options_.unit);
      for (size_t i = 0; i < keys.size(); ++i) add(i == 0 ? times_ : others_, keys[i], row);
    }
    times_.merge(others_);
    if (times_.empty() && kernels_ && !kernels_->left_out().empty()) {
      std::string names;
      for (const auto& [name, count] : kernels_->left_out())
        names +=
            (names.empty() ? "" : ", ") + std::to_string(count) + " of '" + printable(name) + "'";
      throw DataError(file_.name +
                      ": no row is of an operator, or of sizes, that networks here have (" + names +
                      ")");
    }
    EntryReader entries(file_, options_, grouping());
    size_t repeated = 0;
    std::string widest;
    double apart = 0;
    for (auto& [key, times] : times_) {
      std::sort(times.all.begin(), times.all.end());
      check_agreement(key, times);
      const bool several = times.all.size() > 1;
      const int64_t repeats = several ? static_cast<int64_t>(times.all.size()) : times.repeats;
      const std::string plain = entries.add(key, {at(times.all, 0.5), 0, repeats}, times.line());
      LatencyEntry& entry = entries.table().entries.at(plain);
      if (!several && times.quartiles.first > 0) {
        if (times.quartiles.first > entry.median_ms || times.quartiles.second < entry.median_ms)
          entries.fail(times.line(), "low and high do not enclose the time");
        std::tie(entry.low_ms, entry.high_ms) = times.quartiles;
      } else {
        entry.low_ms = options_.unit.to_ms(at(times.all, 0.25));
        entry.high_ms = options_.unit.to_ms(at(times.all, 0.75));
      }
      if (!several) continue;
      ++repeated;
      const auto least = times.all.front(), most = times.all.back();
      if (most.first <= apart * least.first) continue;
      apart = most.first / least.first;
      widest = "lines " + std::to_string(std::min(least.second, most.second)) + " and " +
               std::to_string(std::max(least.second, most.second)) +
               " differ most, by a factor of " + number_text(std::round(100 * apart) / 100);
    }
    std::vector<std::string> notes;
    if (repeated > 0)
      notes.push_back(std::to_string(repeated) +
                      " operators stand in several rows: the median and quartiles are kept (" +
                      widest + ")");
    if (kernels_)
      for (const auto& [name, count] : kernels_->left_out())
        notes.push_back(std::to_string(count) + (count == 1 ? " row" : " rows") + " of '" +
                        printable(name) + "' left out: no network here has such an operator");
    return entries.finish(std::move(notes));
  }

 private:
  struct Times {
    std::vector<std::pair<double, int>> all;    ///< In the file's unit, each with its line.
    std::pair<double, double> quartiles{0, 0};  ///< In ms; of a single row that has them.
    int64_t repeats = 1;
    int line() const { return all.front().second; }
  };

  void add(std::map<std::string, Times>& to,
           const std::string& key,
           const std::vector<CsvCell>& row) const {
    Times& times = to[key];
    times.all.emplace_back(*number_of(row[*time_].text), row[*time_].line);
    if (low_ && high_)
      times.quartiles = {time_of_cell(file_, row[*low_], options_.unit),
                         time_of_cell(file_, row[*high_], options_.unit)};
    if (repeats_)
      times.repeats =
          static_cast<int64_t>(std::clamp(number_of(row[*repeats_].text).value_or(0), 0.0, 1e9));
  }

  /// Of sorted times: the middle half of many may not be far apart, nor two alone. One outlier
  /// among several is what medians are for.
  void check_agreement(const std::string& key, const Times& times) const {
    const size_t size = times.all.size();
    const size_t cut = size > 2 ? std::max<size_t>(1, size / 4) : 0;
    const auto& [least, first] = times.all[cut];
    const auto& [most, second] = times.all[size - 1 - cut];
    if (most <= kMostApart * least) return;
    const auto& [low, high] = std::minmax(first, second);
    throw DataError(file_.name + ":" + std::to_string(high) + ": \"" + printable(key) +
                    "\" takes " + number_text(high == second ? most : least) + " " +
                    options_.unit.name + " here and " + number_text(high == second ? least : most) +
                    " in line " + std::to_string(low) +
                    ": no repeats of one measurement; leave one out");
  }

  std::optional<size_t> column(const std::string& role, const std::vector<std::string>& usual) {
    return column_for(file_, csv_, options_, role, usual);
  }
  ConfigError missing(const std::string& role) const {
    return ConfigError(file_.name + " does not say which column is the " + role,
                       "name it: --column " + role + "=NAME; columns: " + header_text(csv_));
  }
  static double at(const std::vector<std::pair<double, int>>& sorted, double q) {
    return sorted_quantile(sorted, q, [](const auto& time) { return time.first; });
  }

  /// Keys that are given are of the grouping whose grammar the first has.
  std::string grouping() const {
    if (!key_) return "fused";
    OfaBlock block;
    bool fused = false, block_keys = false, proxyless = false;
    for (const auto& [key, times] : times_) {
      fused = fused || key.find(" act=") != std::string::npos;
      const bool is_block = read_ofa_key(key, block);
      block_keys = block_keys || is_block;
      proxyless = proxyless || (is_block && block.type == "expanded_conv" && block.proxyless());
    }
    if (block_keys) return proxyless ? "ofa-proxyless" : "ofa-mobilenetv3";
    return fused ? "fused" : "ops";
  }

  /// A key, or the id of `export-work` that ends in one.
  std::string plain_key(const CsvCell& cell) const {
    std::string_view text = cell.text;
    if (text.starts_with("op/")) {
      size_t at = 0;
      for (int slash = 0; slash < 3 && at != std::string_view::npos; ++slash)
        at = text.find('/', at + (slash > 0 ? 1 : 0));
      if (at != std::string_view::npos) text.remove_prefix(at + 1);
    }
    if (text.empty()) fail_at(file_.name, cell.line, cell.column, "there is no key");
    return std::string(text);
  }

  const ForeignFile& file_;
  const ImportOptions& options_;
  Csv csv_;
  std::optional<size_t> key_, time_, low_, high_, repeats_;
  std::optional<OperatorKernels> kernels_;  ///< Where there is no column of keys.
  std::map<std::string, Times> times_, others_;
};

}  // namespace

bool is_operator_csv(std::string_view text) {
  const std::string_view line = first_line(text);
  return line.starts_with("key,") || line.starts_with("\"key\",");
}

Imported read_operator_csv(const ForeignFile& file, const ImportOptions& options) {
  return OperatorReader(file, options).read();
}

std::string write_operator_csv(const LatencyTable& table) {
  LatencyRows rows{table.conditions, {"key", "time", "low", "high", "repeats"}, {}};
  rows.conditions["unit"] = "ms";
  for (const auto& [key, entry] : table.entries)
    rows.rows.push_back({key,
                         number_text(entry.median_ms),
                         number_text(entry.low_ms),
                         number_text(entry.high_ms),
                         std::to_string(entry.repeats)});
  return to_csv(rows);
}

}  // namespace nas
