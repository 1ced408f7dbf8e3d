// Runtimes call operators by many names; what they compute is told by the name's kind and by the
// sizes of a row. Paddings are not asked for: runtimes write them in many ways (SAME, VALID, four
// numbers), and a window that is padded alike on both sides has the least padding that makes the
// output's size of the input's. A window that none makes so is padded on one side (SAME of TFLite,
// even sizes): other work than any here, and left out.
#include "hardware/formats/operator_kernel.hpp"

#include <algorithm>
#include <cctype>

#include "hardware/formats/key_check.hpp"
#include "hardware/kernel_key.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

/// Lower case, letters and digits only.
std::string plain(std::string_view text) {
  std::string name;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

/// Names of activations here, by those of runtimes; empty where it is none.
std::string activation_of(const std::string& name) {
  static const std::map<std::string, std::string> names = {{"relu", "relu"},
                                                           {"relu6", "relu6"},
                                                           {"hswish", "h_swish"},
                                                           {"hardswish", "h_swish"},
                                                           {"swish", "swish"},
                                                           {"silu", "swish"},
                                                           {"sigmoid", "sigmoid"},
                                                           {"logistic", "sigmoid"},
                                                           {"hsigmoid", "h_sigmoid"},
                                                           {"hardsigmoid", "h_sigmoid"}};
  const auto it = names.find(name);
  return it == names.end() ? "" : it->second;
}

/// What an operator computes: conv2d, depthwise, linear, add, mul, concat, max_pool, avg_pool,
/// mean, the name of an activation, or empty where no network here has it.
std::string kind_of(const std::string& name) {
  static const std::map<std::string, std::string> kinds = {{"conv2d", "conv2d"},
                                                           {"conv", "conv2d"},
                                                           {"convolution", "conv2d"},
                                                           {"depthwiseconv2d", "depthwise"},
                                                           {"dwconv", "depthwise"},
                                                           {"depthwiseconv", "depthwise"},
                                                           {"depthwiseconvolution", "depthwise"},
                                                           {"fullyconnected", "linear"},
                                                           {"linear", "linear"},
                                                           {"gemm", "linear"},
                                                           {"fc", "linear"},
                                                           {"dense", "linear"},
                                                           {"matmul", "linear"},
                                                           {"add", "add"},
                                                           {"addn", "add"},
                                                           {"elementwiseadd", "add"},
                                                           {"mul", "mul"},
                                                           {"multiply", "mul"},
                                                           {"elementwisemul", "mul"},
                                                           {"concat", "concat"},
                                                           {"concatenate", "concat"},
                                                           {"concatenation", "concat"},
                                                           {"maxpool", "max_pool"},
                                                           {"maxpool2d", "max_pool"},
                                                           {"maxpooling", "max_pool"},
                                                           {"avgpool", "avg_pool"},
                                                           {"avgpool2d", "avg_pool"},
                                                           {"averagepool", "avg_pool"},
                                                           {"averagepool2d", "avg_pool"},
                                                           {"averagepooling", "avg_pool"},
                                                           {"mean", "mean"},
                                                           {"reducemean", "mean"},
                                                           {"globalavgpool", "mean"},
                                                           {"globalaveragepool", "mean"},
                                                           {"globalaveragepool2d", "mean"},
                                                           {"adaptiveavgpool2d", "mean"}};
  const auto it = kinds.find(name);
  return it == kinds.end() ? activation_of(name) : it->second;
}

std::string key_text(const std::string& op, const std::string& input, const Shape& out) {
  return op + " in=" + input + " out=" + to_string(out);
}

}  // namespace

OperatorKernels::OperatorKernels(const ForeignFile& file,
                                 const ImportOptions& options,
                                 const Csv& csv)
    : file_(file), options_(options), csv_(csv) {
  op_ = column("op", {"op", "type", "node type", "op_type"});
  input_ = column("input", {"input", "in", "input_shape"});
  output_ = column("output", {"output", "out", "output_shape"});
  kernel_ = column("kernel", {"kernel", "k", "kernel_size"});
  stride_ = column("stride", {"stride", "s", "strides"});
  groups_ = column("groups", {"groups", "g", "group"});
  dilation_ = column("dilation", {"dilation", "d"});
  act_ = column("act", {"act", "activation"});
  needed(op_, "op");
  needed(input_, "input");
  needed(output_, "output");
}

std::vector<std::string> OperatorKernels::of(const std::vector<CsvCell>& row) {
  const std::string kind = kind_of(plain(row[*op_].text));
  std::vector<std::string> keys;
  // Windows of networks here are square.
  const bool windowed = kind == "conv2d" || kind == "depthwise" || kind.ends_with("_pool");
  if (windowed && !(square(row, kernel_) && square(row, stride_) && square(row, dilation_))) {
    ++left_out_[row[*op_].text];
    return keys;
  }
  if (kind == "conv2d" || kind == "depthwise" || kind == "linear")
    keys = {matrix_product(row, kind)};
  else if (kind == "add" || kind == "mul" || kind == "concat")
    keys = {merge(row, kind)};
  else if (kind == "max_pool" || kind == "avg_pool")
    keys = {window(row, kind)};
  else if (kind == "mean")
    keys = mean(row);
  else if (!kind.empty())
    keys = {key_text(kind, to_string(image(row[*input_])), image(row[*output_]))};
  std::erase(keys, "");
  if (keys.empty()) ++left_out_[row[*op_].text];
  return keys;
}

std::string OperatorKernels::matrix_product(const std::vector<CsvCell>& row,
                                            const std::string& kind) const {
  FusedKernel key;
  const std::string activation = act(row);
  key.act = activation;
  if (kind == "linear") {
    key.op = kind;
    key.inputs = {vector(row[*input_])};
    key.out = vector(row[*output_]);
    return to_string(key);
  }
  key.op = "conv2d";
  key.inputs = {image(row[*input_])};
  key.out = image(row[*output_]);
  key.kernel = whole(row[needed(kernel_, "kernel")]);
  key.stride = whole(row[needed(stride_, "stride")]);
  if (kind == "depthwise")
    key.groups = key.inputs[0].c;
  else if (groups_ && !plain(row[*groups_].text).empty())
    key.groups = whole(row[*groups_]);
  if (dilation_ && !plain(row[*dilation_].text).empty()) key.dilation = whole(row[*dilation_]);
  check_window(row[*output_], key);
  return to_string(key);
}

// Shapes in the other order are the likeliest mistake: nothing else in a profile tells them.
void OperatorKernels::check_window(const CsvCell& cell, const FusedKernel& key) const {
  const Shape &in = key.inputs[0], &out = key.out;
  const bool fits = window_fits(in.h, out.h, key.kernel, key.stride, key.dilation) &&
                    window_fits(in.w, out.w, key.kernel, key.stride, key.dilation);
  if (fits && in.c % key.groups == 0 && out.c % key.groups == 0) return;
  fail_at(file_.name,
          cell.line,
          cell.column,
          "no convolution of " + std::to_string(key.kernel) + "x" + std::to_string(key.kernel) +
              " in steps of " + std::to_string(key.stride) + ", " + std::to_string(key.groups) +
              " groups, makes " + to_string(out) + " of " + to_string(in) +
              " (channels x height x width); the shapes were read as " +
              (options_.channels_last ? "--layout nhwc" : "--layout nchw"));
}

// All inputs of a sum are of one shape. The one product of networks here is a gate's (squeeze and
// excitation): [c, h, w] times [c, 1, 1], also where only the first is told.
std::string OperatorKernels::merge(const std::vector<CsvCell>& row, const std::string& kind) const {
  const Shape out = image(row[*output_]);
  std::vector<Shape> inputs = images(row[*input_], numbers(row[*output_]).size());
  if (kind == "concat") return concat(inputs, out);
  if (inputs.size() == 1) inputs.push_back(kind == "mul" ? Shape{out.c, 1, 1} : out);
  if (kind == "mul") {
    if (inputs[0] != out) std::swap(inputs[0], inputs[1]);
    if (inputs.size() > 2 || inputs[0] != out || inputs[1] != Shape{out.c, 1, 1}) return "";
    return key_text(kind, to_string(inputs[0]) + "+" + to_string(inputs[1]), out);
  }
  if (std::any_of(inputs.begin(), inputs.end(), [&out](const Shape& s) { return s != out; }))
    return "";
  FusedKernel key;
  key.op = kind;
  key.inputs = inputs;
  key.out = out;
  const std::string activation = act(row);
  key.act = activation;
  return to_string(key);
}

std::string OperatorKernels::concat(const std::vector<Shape>& inputs, const Shape& out) {
  std::string text;
  int64_t channels = 0;
  for (const Shape& input : inputs) {
    if (input.h != out.h || input.w != out.w) return "";
    channels += input.c;
    text += (text.empty() ? "" : "+") + to_string(input);
  }
  return channels == out.c ? key_text("concat", text, out) : "";
}

std::string OperatorKernels::window(const std::vector<CsvCell>& row,
                                    const std::string& kind) const {
  const Shape in = image(row[*input_]), out = image(row[*output_]);
  const int64_t k = whole(row[needed(kernel_, "kernel")]);
  const int64_t s = whole(row[needed(stride_, "stride")]);
  for (int64_t p = 0; p <= k / 2; ++p) {
    const auto size = [&](int64_t n) { return n + 2 * p < k ? 0 : (n + 2 * p - k) / s + 1; };
    if (size(in.h) == out.h && size(in.w) == out.w && in.c == out.c)
      return key_text(kind, to_string(in), out) + " k=" + std::to_string(k) +
             " s=" + std::to_string(s) + " p=" + std::to_string(p);
  }
  return "";
}

// A flattened mean and one that is kept an image are the same work.
std::vector<std::string> OperatorKernels::mean(const std::vector<CsvCell>& row) const {
  const Shape in = image(row[*input_]), out = vector(row[*output_]);
  if (out.c != in.c) return {};
  const std::string flat = key_text("global_avg_pool", to_string(in), out) + " keep=0";
  const std::string kept = key_text("global_avg_pool", to_string(in), {in.c, 1, 1}) + " keep=1";
  if (numbers(row[*output_]).size() <= 2) return {flat, kept};
  return {kept, flat};
}

std::optional<size_t> OperatorKernels::column(const std::string& role,
                                              const std::vector<std::string>& usual) {
  return column_for(file_, csv_, options_, role, usual);
}

size_t OperatorKernels::needed(const std::optional<size_t>& column, const std::string& role) const {
  if (column) return *column;
  throw ConfigError(file_.name + " does not say which column is the " + role,
                    "name it: --column " + role + "=NAME; columns: " + header_text(csv_));
}

bool OperatorKernels::square(const std::vector<CsvCell>& row,
                             const std::optional<size_t>& column) const {
  if (!column) return true;
  const std::vector<int64_t> list = numbers(row[*column]);
  return list.size() != 2 || list[0] == list[1];
}

std::vector<int64_t> OperatorKernels::numbers(const CsvCell& cell) const {
  constexpr int64_t kMost = 100'000'000;
  std::vector<int64_t> list;
  int64_t number = -1;
  for (const char c : cell.text + " ") {
    if (c >= '0' && c <= '9') {
      number = std::min<int64_t>(kMost, 10 * std::max<int64_t>(number, 0) + (c - '0'));
      continue;
    }
    if (number >= 0) list.push_back(number);
    number = -1;
    if (std::string_view(" xX,;+()[]*").find(c) == std::string_view::npos)
      fail_at(file_.name, cell.line, cell.column, "'" + printable(cell.text) + "' is no size");
  }
  for (const int64_t size : list)
    if (size == 0 || size == kMost)
      fail_at(file_.name,
              cell.line,
              cell.column,
              "'" + printable(cell.text) + "': a size is " + (size == 0 ? "0" : "out of bounds"));
  return list;
}

/// The number of `3`, `3x3`, `(3, 3)`.
int64_t OperatorKernels::whole(const CsvCell& cell) const {
  const std::vector<int64_t> list = numbers(cell);
  if (list.empty() || list.size() > 2 || list.back() != list.front())
    fail_at(file_.name,
            cell.line,
            cell.column,
            "'" + printable(cell.text) + "' is no size; square ones are known here");
  return list.front();
}

void OperatorKernels::check_batch(const CsvCell& cell, int64_t images) const {
  const auto batch = options_.conditions.find("batch");
  if (batch != options_.conditions.end() && std::to_string(images) != batch->second)
    fail_at(file_.name,
            cell.line,
            cell.column,
            "'" + printable(cell.text) + "' is of " + std::to_string(images) +
                " images, and --batch says " + batch->second);
}

/// CxHxW or HxWxC, with the batch in front where there are four numbers.
Shape OperatorKernels::image(const CsvCell& cell, std::vector<int64_t> sizes) const {
  if (sizes.size() == 4) {
    check_batch(cell, sizes.front());
    sizes.erase(sizes.begin());
  }
  if (sizes.size() != 3)
    fail_at(file_.name,
            cell.line,
            cell.column,
            "'" + printable(cell.text) + "' is no shape of channels, height and width");
  if (options_.channels_last) std::rotate(sizes.begin(), sizes.begin() + 2, sizes.end());
  return {static_cast<int32_t>(sizes[0]),
          static_cast<int32_t>(sizes[1]),
          static_cast<int32_t>(sizes[2])};
}

Shape OperatorKernels::image(const CsvCell& cell) const {
  return image(cell, numbers(cell));
}

std::vector<Shape> OperatorKernels::images(const CsvCell& cell, size_t each) const {
  const std::vector<int64_t> all = numbers(cell);
  if (all.empty() || each == 0 || all.size() % each != 0) return {image(cell, all)};
  std::vector<Shape> shapes;
  for (auto at = all.begin(); at != all.end(); at += static_cast<std::ptrdiff_t>(each))
    shapes.push_back(image(cell, {at, at + static_cast<std::ptrdiff_t>(each)}));
  return shapes;
}

/// N, 1xN, 1x1x1xN and the like: all sizes but the batch's, multiplied.
Shape OperatorKernels::vector(const CsvCell& cell) const {
  std::vector<int64_t> list = numbers(cell);
  if (list.empty())
    fail_at(file_.name, cell.line, cell.column, "'" + printable(cell.text) + "' is no size");
  if (list.size() == 2 || list.size() == 4) {
    check_batch(cell, list.front());
    list.erase(list.begin());
  }
  int64_t all = 1;
  for (const int64_t size : list) all = std::min<int64_t>(100'000'000, all * size);
  return {static_cast<int32_t>(all), 1, 1, Form::kVector};
}

std::string OperatorKernels::act(const std::vector<CsvCell>& row) const {
  if (!act_) return "";
  const CsvCell& cell = row[*act_];
  const std::string name = plain(cell.text);
  if (name.empty() || name == "none" || name == "linear" || name == "identity") return "";
  const std::string known = activation_of(name);
  if (known.empty())
    fail_at(file_.name, cell.line, cell.column, "'" + printable(cell.text) + "' is no activation");
  return known;
}

}  // namespace nas
