// A key says all that decides the work; so the sizes in it can be held against one another, as the
// ops themselves do when a network is built (Op::infer).
#include "hardware/formats/key_check.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <type_traits>
#include <vector>

#include "hardware/kernel_key.hpp"
#include "spaces/ops/all_ops.hpp"

namespace nas {
namespace {

/// Channels, height, width of an image; one number of a vector; places and width of a sequence.
using Sizes = std::vector<int64_t>;

std::optional<int64_t> whole(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 ||
      value >= (int64_t{1} << 31))
    return std::nullopt;
  return value;
}

std::optional<Sizes> sizes_in(std::string_view text) {
  Sizes sizes;
  const char between = text.find(':') == std::string_view::npos ? 'x' : ':';
  while (true) {
    const size_t end = text.find(between);
    const auto size = whole(text.substr(0, end));
    if (!size || *size == 0) return std::nullopt;
    sizes.push_back(*size);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  const bool known = between == ':' ? sizes.size() == 2 : sizes.size() == 1 || sizes.size() == 3;
  return known ? std::optional(sizes) : std::nullopt;
}

const std::set<std::string_view>& op_names() {
  static const std::set<std::string_view> names = [] {
    std::set<std::string_view> all;
    const auto put = [&all](const auto&... ops) { (all.insert(ops.name()), ...); };
    put(Conv2d{}, BatchNorm{}, Pool{true}, Pool{false}, GlobalAvgPool{}, Linear{}, Add{}, Mul{});
    put(Concat{}, Zero{}, Subsample{}, Dropout{}, DropPath{}, WeightedSum{});
    for (int act = 0; !Activation{static_cast<Act>(act)}.name().empty(); ++act)
      all.insert(Activation{static_cast<Act>(act)}.name());
    return all;
  }();
  return names;
}

/// A key taken apart.
struct Parts {
  std::string_view op, act;
  std::vector<Sizes> inputs;
  Sizes out;
  std::map<std::string_view, int64_t> numbers;

  int64_t number(std::string_view name, int64_t otherwise) const {
    const auto it = numbers.find(name);
    return it == numbers.end() ? otherwise : it->second;
  }
};

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

/// "" or why it is not of the grammar `op in=A[+B] out=C name=number ... [act=NAME]`.
std::string read_parts(std::string_view key, Parts& parts) {
  parts.op = key.substr(0, key.find(' '));
  if (!op_names().contains(parts.op)) return quoted(parts.op) + " is no operator";
  std::string_view rest = key.substr(parts.op.size());
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    const size_t equal = word.find('=');
    if (equal == std::string_view::npos || equal == 0) return quoted(word) + " is no NAME=VALUE";
    const std::string_view name = word.substr(0, equal);
    std::string_view value = word.substr(equal + 1);
    if (name == "act") {
      if (value != "none" && (!op_names().contains(value) || value == parts.op))
        return quoted(value) + " is no activation";
      parts.act = value;
    } else if (name == "in" || name == "out") {
      for (bool more = true; more;) {
        const std::string_view one = value.substr(0, name == "in" ? value.find('+') : value.npos);
        more = one.size() < value.size();
        value.remove_prefix(std::min(value.size(), one.size() + 1));
        const auto sizes = sizes_in(one);
        if (!sizes) return quoted(word) + " is no shape such as 24x56x56";
        if (name == "in") parts.inputs.push_back(*sizes);
        if (name == "out") parts.out = *sizes;
      }
    } else {
      const auto number = whole(value);
      if (!number || !parts.numbers.emplace(name, *number).second)
        return quoted(word) + " is no whole number, or is given twice";
    }
  }
  if (parts.inputs.empty()) return "it has no in=SHAPE";
  return parts.out.empty() ? "it has no out=SHAPE" : "";
}

std::string window_problem(const Parts& parts) {
  const Sizes &in = parts.inputs[0], &out = parts.out;
  if (in.size() != 3 || out.size() != 3) return "its shapes are no images";
  const int64_t k = parts.number("k", 0), s = parts.number("s", 0), d = parts.number("d", 1);
  if (k < 1 || s < 1 || d < 1) return "it needs k= and s= of at least 1";
  const auto p = parts.numbers.find("p");
  for (const size_t axis : {1, 2}) {
    const int64_t span = d * (k - 1) + 1;
    const bool fits = p == parts.numbers.end()
                          ? window_fits(in[axis], out[axis], k, s, d)
                          : in[axis] + 2 * p->second >= span &&
                                (in[axis] + 2 * p->second - span) / s + 1 == out[axis];
    if (!fits)
      return "a window of " + std::to_string(k) + " in steps of " + std::to_string(s) +
             " does not make " + std::to_string(out[axis]) + " of " + std::to_string(in[axis]);
  }
  return "";
}

std::string conv_problem(const Parts& parts) {
  const int64_t groups = parts.number("g", 0);
  if (groups < 1) return "it needs g= of at least 1";
  if (std::string why = window_problem(parts); !why.empty()) return why;
  for (const int64_t channels : {parts.inputs[0][0], parts.out[0]})
    if (channels % groups != 0)
      return std::to_string(channels) + " channels do not come in " + std::to_string(groups) +
             " groups";
  return "";
}

/// What the shapes of ops have in common that neither change nor mix sizes.
std::string merge_problem(const Parts& parts) {
  const Sizes& first = parts.inputs[0];
  if (parts.op == "concat") {
    int64_t channels = 0;
    for (const Sizes& input : parts.inputs) {
      if (input.size() != parts.out.size() ||
          !std::equal(input.begin() + 1, input.end(), parts.out.begin() + 1))
        return "its inputs differ in height or width";
      channels += input[0];
    }
    return channels == parts.out[0] ? "" : "its channels do not add up";
  }
  if (parts.op == "mul")
    return parts.inputs.size() == 2 && first == parts.out && parts.inputs[1][0] == first[0]
               ? ""
               : "a gate is [c, h, w] times [c, 1, 1]";
  for (const Sizes& input : parts.inputs)
    if (input != parts.out) return "its output is not of its input's shape";
  return "";
}

std::string sizes_problem(const Parts& parts) {
  const size_t inputs = parts.inputs.size();
  const bool merges = parts.op == "add" || parts.op == "mul" || parts.op == "concat" ||
                      parts.op == WeightedSum{}.name();
  if (!merges && inputs != 1) return "it has " + std::to_string(inputs) + " inputs";
  if (parts.op == "conv2d") return conv_problem(parts);
  if (parts.op == "max_pool" || parts.op == "avg_pool") {
    if (std::string why = window_problem(parts); !why.empty()) return why;
    return parts.inputs[0][0] == parts.out[0] ? "" : "pooling keeps the channels";
  }
  if (parts.op == "global_avg_pool")
    return parts.inputs[0].size() > 1 &&
                   (parts.out[0] == parts.inputs[0][0] || parts.inputs[0].size() == 2)
               ? ""
               : "pooling keeps the channels";
  // Strides of these are in their attributes.
  if (parts.op == "linear" || parts.op == "zero" || parts.op == "subsample") return "";
  return merge_problem(parts);
}

/// Attributes of an op in the order of its key, and whether they are flags.
struct Attribute {
  std::string name;
  bool flag = false;
};
using Attributes = std::vector<Attribute>;

template <typename SomeOp>
Attributes attributes_of(const SomeOp& op) {
  Attributes list;
  op.fields([&list]<typename T>(T, const char* = nullptr, const char* key = nullptr) {
    if (key != nullptr) list.push_back({key, std::is_same_v<T, bool>});
  });
  return list;
}

const Attributes& attributes_named(std::string_view op) {
  static const std::map<std::string_view, Attributes> table = [] {
    std::map<std::string_view, Attributes> all;
    const auto put = [&all](const auto&... ops) {
      (all.emplace(ops.name(), attributes_of(ops)), ...);
    };
    put(Conv2d{}, BatchNorm{}, Pool{true}, Pool{false}, GlobalAvgPool{}, Linear{}, Zero{});
    put(Subsample{});
    return all;
  }();
  static const Attributes none;
  const auto it = table.find(op);
  return it == table.end() ? none : it->second;
}

std::string sizes_text(const Sizes& sizes) {
  std::string text;
  for (const int64_t size : sizes)
    text += (text.empty() ? "" : sizes.size() == 2 ? ":" : "x") + std::to_string(size);
  return text;
}

/// `conv2d in=CxHxW out=CxHxW k=N s=N p=N d=N g=N bias=0|1`, for messages.
std::string form_of(const Parts& parts) {
  std::string text = std::string(parts.op) + " in=" + sizes_text(parts.inputs[0]) +
                     (parts.inputs.size() > 1 ? "+..." : "") + " out=" + sizes_text(parts.out);
  for (const Attribute& a : attributes_named(parts.op))
    text += " " + a.name + (a.flag ? "=0|1" : "=N");
  return text;
}

std::string attributes_problem(const Parts& parts) {
  const Attributes& known = attributes_named(parts.op);
  for (const auto& [name, number] : parts.numbers) {
    const auto it = std::find_if(
        known.begin(), known.end(), [&](const Attribute& a) { return a.name == name; });
    if (it == known.end()) return quoted(name) + " is no attribute of " + std::string(parts.op);
    if (it->flag && number > 1)
      return std::string(name) + " is 0 or 1, not " + std::to_string(number);
  }
  for (const Attribute& a : known)
    if (!parts.numbers.contains(a.name)) return "it has no " + a.name + "=";
  return "";
}

/// Of once-for-all's blocks: sizes and attributes that contradict each other.
std::string block_problem(const OfaBlock& block) {
  if (block.type != "expanded_conv") return "";
  const auto at = [&block](const char* name) {
    const auto it = block.attributes.find(name);
    return it == block.attributes.end() ? int64_t{0} : it->second;
  };
  for (const char* name : {"idskip", "se", "hs"})
    if (at(name) > 1) return std::string(name) + " is 0 or 1";
  if (at("expand") < 1 || at("kernel") < 1 || at("stride") < 1)
    return "expand, kernel and stride are at least 1";
  for (const size_t axis : {0, 1})
    if (!window_fits(block.input[axis], block.output[axis], at("kernel"), at("stride")))
      return "stride " + std::to_string(at("stride")) + " does not make " +
             std::to_string(block.output[axis]) + " of " + std::to_string(block.input[axis]);
  if (at("idskip") == 1 && block.input != block.output)
    return "idskip:1 adds the input to the output, which is of another size";
  return "";
}

}  // namespace

std::string canonical_op_key(std::string_view key, std::string& why) {
  // Words with one blank between, in small letters.
  std::string text;
  for (const char c : key) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && (text.empty() || text.back() == ' ')) continue;
    text += blank ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (text.ends_with(' ')) text.pop_back();
  why = key_problem(text, "ops");
  Parts parts;
  if (!why.empty() && !read_parts(text, parts).empty()) return "";
  parts = {};
  read_parts(text, parts);
  if (const std::string problem = attributes_problem(parts); !problem.empty()) why = problem;
  if (!why.empty()) {
    why += "; its form is `" + form_of(parts) + "`";
    return "";
  }
  std::string plain = std::string(parts.op) + " in=";
  for (size_t i = 0; i < parts.inputs.size(); ++i)
    plain += (i > 0 ? "+" : "") + sizes_text(parts.inputs[i]);
  plain += " out=" + sizes_text(parts.out);
  for (const Attribute& a : attributes_named(parts.op))
    plain += " " + a.name + "=" + std::to_string(parts.numbers.at(a.name));
  return plain;
}

bool window_fits(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation) {
  if (in < 1 || out < 1 || kernel < 1 || stride < 1 || dilation < 1) return false;
  if (out == (in - 1) / stride + 1) return true;
  const int64_t span = dilation * (kernel - 1) + 1;
  // More than span - 1 would be windows of nothing but padding.
  const int64_t least = std::max<int64_t>(0, span - in), most = 2 * (span - 1);
  for (int64_t padding = least; padding <= most; ++padding)
    if ((in + padding - span) / stride + 1 == out) return true;
  return false;
}

bool known_operator(std::string_view key) {
  OfaBlock block;
  return op_names().contains(key.substr(0, key.find(' '))) || read_ofa_key(key, block);
}

std::string key_problem(std::string_view key, std::string_view grouping) {
  if (grouping.starts_with("ofa-")) {
    OfaBlock block;
    std::string why;
    return read_ofa_key(key, block, &why) ? block_problem(block) : why;
  }
  Parts parts;
  if (std::string why = read_parts(key, parts); !why.empty()) return why;
  const bool fused =
      grouping == "fused" && (parts.op == "conv2d" || parts.op == "linear" || parts.op == "add");
  if (fused && parts.act.empty()) return "kernels say act=none or an activation";
  if (!fused && !parts.act.empty())
    return grouping == "fused" ? "it says act=, which only conv2d, linear and add have"
                               : "act= stands in keys of fused kernels, not beside single ops";
  return sizes_problem(parts);
}

}  // namespace nas
