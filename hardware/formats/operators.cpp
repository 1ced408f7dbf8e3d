// Profiles of runtimes (TFLite, trtexec and others) as CSV, one operator a row. Their columns have
// many names, so a map says which is which: `--column time=avg_ms --column input=in_shape`. A
// column `key` with keys of nas (from `nas latency plan`, or the ids of `export-work`) needs
// nothing else. Several rows of one key are repeats of one measurement: an operator stands in a
// network more than once. Operators that no network here has are left out, and said.
#include <algorithm>
#include <cctype>
#include <map>
#include <tuple>

#include "hardware/formats/reading.hpp"
#include "hardware/kernel_key.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

enum class Kind { kConv, kDepthwise, kLinear, kAdd, kOther };

Kind kind_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  std::erase_if(name, [](char c) { return c == '_' || c == ' ' || c == '-'; });
  const auto is = [&name](std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (is({"conv2d", "conv", "convolution"})) return Kind::kConv;
  if (is({"depthwiseconv2d", "dwconv", "depthwiseconv", "depthwiseconvolution"}))
    return Kind::kDepthwise;
  if (is({"fullyconnected", "linear", "gemm", "fc", "dense", "matmul"})) return Kind::kLinear;
  if (is({"add", "elementwiseadd"})) return Kind::kAdd;
  return Kind::kOther;
}

std::string act_named(const ForeignFile& file, const CsvCell& cell) {
  std::string name;
  for (const char c : cell.text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name.empty() || name == "none" || name == "linear" || name == "identity") return "";
  static const std::map<std::string, std::string> names = {{"relu", "relu"},
                                                           {"relu6", "relu6"},
                                                           {"hswish", "h_swish"},
                                                           {"hardswish", "h_swish"},
                                                           {"swish", "swish"},
                                                           {"silu", "swish"},
                                                           {"sigmoid", "sigmoid"},
                                                           {"hsigmoid", "h_sigmoid"},
                                                           {"hardsigmoid", "h_sigmoid"}};
  const auto it = names.find(name);
  if (it == names.end())
    fail_at(file.name, cell.line, cell.column, "'" + printable(cell.text) + "' is no activation");
  return it->second;
}

class OperatorReader {
 public:
  OperatorReader(const ForeignFile& file, const ImportOptions& options)
      : file_(file), options_(options), csv_(read_csv(file.name, file.text)) {
    key_ = column("key", {"key", "signature", "id"});
    op_ = column("op", {"op", "type", "node type", "op_type"});
    time_ = column("time", {"time", "avg_ms", "avg ms", "latency", "median", "latency_ms"});
    low_ = column("low", {"low"});
    high_ = column("high", {"high"});
    repeats_ = column("repeats", {"repeats", "count"});
    input_ = column("input", {"input", "in", "input_shape"});
    output_ = column("output", {"output", "out", "output_shape"});
    kernel_ = column("kernel", {"kernel", "k", "kernel_size"});
    stride_ = column("stride", {"stride", "s", "strides"});
    groups_ = column("groups", {"groups", "g", "group"});
    dilation_ = column("dilation", {"dilation", "d"});
    act_ = column("act", {"act", "activation"});
    if (!time_) throw missing("time");
    if (key_) return;
    if (!op_) throw missing("op");
    if (!input_) throw missing("input");
    if (!output_) throw missing("output");
  }

  Imported read() {
    for (const auto& row : csv_.rows) {
      const std::string key = key_ ? plain_key(row[*key_]) : made_key(row);
      if (key.empty()) continue;
      time_of_cell(file_, row[*time_], options_.unit);
      Times& times = times_[key];
      times.all.push_back(*number_of(row[*time_].text));
      if (times.line == 0) times.line = row[*time_].line;
      if (low_ && high_)
        times.quartiles = {time_of_cell(file_, row[*low_], options_.unit),
                           time_of_cell(file_, row[*high_], options_.unit)};
      if (repeats_)
        times.repeats =
            static_cast<int64_t>(std::clamp(number_of(row[*repeats_].text).value_or(0), 0.0, 1e9));
    }
    EntryReader entries(file_, options_, grouping());
    size_t repeated = 0;
    for (auto& [key, times] : times_) {
      std::sort(times.all.begin(), times.all.end());
      const bool several = times.all.size() > 1;
      const int64_t repeats = several ? static_cast<int64_t>(times.all.size()) : times.repeats;
      entries.add(key, {at(times.all, 0.5), 0, repeats}, times.line);
      LatencyEntry& entry = entries.table().entries.at(key);
      if (!several && times.quartiles.first > 0) {
        if (times.quartiles.first > entry.median_ms || times.quartiles.second < entry.median_ms)
          entries.fail(times.line, "low and high do not enclose the time");
        std::tie(entry.low_ms, entry.high_ms) = times.quartiles;
      } else {
        entry.low_ms = options_.unit.to_ms(at(times.all, 0.25));
        entry.high_ms = options_.unit.to_ms(at(times.all, 0.75));
      }
      if (several) ++repeated;
    }
    std::vector<std::string> notes;
    if (repeated > 0)
      notes.push_back(std::to_string(repeated) +
                      " operators stand in several rows: the median and quartiles are kept");
    for (const auto& [name, count] : left_out_)
      notes.push_back(std::to_string(count) + " rows of '" + printable(name) +
                      "' are left out: no key here is of such operators");
    return entries.finish(std::move(notes));
  }

 private:
  struct Times {
    std::vector<double> all;
    std::pair<double, double> quartiles{0, 0};  ///< In ms; of a single row that has them.
    int64_t repeats = 1;
    int line = 0;
  };

  std::optional<size_t> column(const std::string& role, const std::vector<std::string>& usual) {
    return column_for(file_, csv_, options_, role, usual);
  }
  ConfigError missing(const std::string& role) const {
    return ConfigError(file_.name + " does not say which column is the " + role,
                       "name it: --column " + role + "=NAME; columns: " + header_text(csv_));
  }
  static double at(const std::vector<double>& sorted, double q) {
    const double place = q * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
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

  std::string made_key(const std::vector<CsvCell>& row) {
    const Kind kind = kind_of(row[*op_].text);
    if (kind == Kind::kOther) {
      ++left_out_[row[*op_].text];
      return "";
    }
    FusedKernel key;
    const bool vector = kind == Kind::kLinear;
    key.inputs = {shape(row[*input_], vector)};
    key.out = shape(row[*output_], vector);
    key.op = kind == Kind::kLinear ? "linear" : kind == Kind::kAdd ? "add" : "conv2d";
    if (kind == Kind::kAdd) key.inputs.push_back(key.inputs.front());
    if (key.op == "conv2d") {
      if (!kernel_) throw missing("kernel");
      if (!stride_) throw missing("stride");
      key.kernel = whole(row[*kernel_]);
      key.stride = whole(row[*stride_]);
      key.groups = kind == Kind::kDepthwise ? key.inputs[0].c : groups_ ? whole(row[*groups_]) : 1;
      key.dilation = dilation_ ? whole(row[*dilation_]) : 1;
    }
    std::string act;
    if (act_) act = act_named(file_, row[*act_]);
    key.act = act;
    return to_string(key);
  }

  /// The first number of `3`, `3x3`, `(3, 3)`.
  int64_t whole(const CsvCell& cell) const {
    const std::vector<int64_t> list = numbers(cell);
    if (list.empty() || list.size() > 2 || list.back() != list.front())
      fail_at(file_.name,
              cell.line,
              cell.column,
              "'" + printable(cell.text) + "' is no size; square ones are known here");
    return list.front();
  }

  std::vector<int64_t> numbers(const CsvCell& cell) const {
    std::vector<int64_t> list;
    int64_t number = -1;
    for (const char c : cell.text + " ") {
      if (c >= '0' && c <= '9') {
        number = std::min<int64_t>(100'000'000, 10 * std::max<int64_t>(number, 0) + (c - '0'));
        continue;
      }
      if (number >= 0) list.push_back(number);
      number = -1;
      if (std::string_view(" x,()[]*").find(c) == std::string_view::npos)
        fail_at(file_.name, cell.line, cell.column, "'" + printable(cell.text) + "' is no size");
    }
    if (std::find(list.begin(), list.end(), 0) != list.end())
      fail_at(file_.name, cell.line, cell.column, "'" + printable(cell.text) + "': a size is 0");
    return list;
  }

  /// CxHxW or HxWxC, with the batch in front where there are four numbers.
  Shape shape(const CsvCell& cell, bool vector) const {
    std::vector<int64_t> list = numbers(cell);
    const auto batch = options_.conditions.find("batch");
    if ((list.size() == 4 || (vector && list.size() == 2)) && batch != options_.conditions.end()) {
      if (std::to_string(list.front()) != batch->second)
        fail_at(file_.name,
                cell.line,
                cell.column,
                "'" + printable(cell.text) + "' is of " + std::to_string(list.front()) +
                    " images, and --batch says " + batch->second);
      list.erase(list.begin());
    }
    if (vector) {
      int64_t all = 1;
      for (const int64_t size : list) all = std::min<int64_t>(100'000'000, all * size);
      return {static_cast<int32_t>(all), 1, 1, Form::kVector};
    }
    if (list.size() != 3)
      fail_at(file_.name,
              cell.line,
              cell.column,
              "'" + printable(cell.text) + "' is no shape of channels, height and width");
    if (options_.channels_last) std::rotate(list.begin(), list.begin() + 2, list.end());
    return {static_cast<int32_t>(list[0]),
            static_cast<int32_t>(list[1]),
            static_cast<int32_t>(list[2])};
  }

  const ForeignFile& file_;
  const ImportOptions& options_;
  Csv csv_;
  std::optional<size_t> key_, op_, time_, low_, high_, repeats_, input_, output_, kernel_, stride_,
      groups_, dilation_, act_;
  std::map<std::string, Times> times_;
  std::map<std::string, size_t> left_out_;
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
