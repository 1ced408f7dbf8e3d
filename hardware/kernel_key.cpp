// Keys are short texts of words and numbers, in whatever grammar. What they have in common is
// enough for what is asked here: sizes that are written as AxBxC, and attributes as name=number or
// name:number.
#include "hardware/kernel_key.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nas {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

/// A whole number that is all of `text`; false otherwise.
bool whole(std::string_view text, int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 &&
         value < (int64_t{1} << 31);
}

bool sizes_of(std::string_view text, std::vector<int64_t>& sizes) {
  sizes.clear();
  while (true) {
    const size_t end = text.find('x');
    if (!whole(text.substr(0, end), sizes.emplace_back()) || sizes.back() == 0) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

/// Words and numbers of a key, in order; no list is made, as many keys are compared with many.
struct Token {
  std::string_view word;
  double number = -1;
};
/// Takes the first one off `key`, which is not empty.
Token next_token(std::string_view& key) {
  size_t end = 0;
  Token token;
  if (digit(key[0])) {
    int64_t number = 0;
    while (end < key.size() && digit(key[end])) ++end;
    whole(key.substr(0, std::min<size_t>(9, end)), number);
    token.number = static_cast<double>(number);
  } else {
    while (end < key.size() && !digit(key[end])) ++end;
    token.word = key.substr(0, end);
  }
  key.remove_prefix(end);
  return token;
}

/// The value behind ` name=`; "" where it is not there.
std::string_view attribute(std::string_view key, std::string_view name) {
  const std::string wanted = " " + std::string(name) + "=";
  const size_t at = key.find(wanted);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = key.substr(at + wanted.size());
  return rest.substr(0, rest.find(' '));
}

double product(const std::vector<int64_t>& sizes) {
  double all = 1;
  for (const int64_t size : sizes) all *= static_cast<double>(size);
  return all;
}

double macs_of_block(const OfaBlock& block) {
  const double out = product(block.output), in = product(block.input);
  const double in_channels = static_cast<double>(block.input.back());
  const double out_channels = static_cast<double>(block.output.back());
  if (block.type == "Logits" || block.type == "Conv_2") return in_channels * out_channels;
  if (block.type == "Conv_1") return out * in_channels;
  if (block.type == "Conv") return 9 * out * in_channels;
  if (block.type != "expanded_conv") return 0;
  double mid = static_cast<double>(block.attributes.at("expand"));
  if (block.proxyless()) mid *= in_channels;
  const double kernel = static_cast<double>(block.attributes.at("kernel"));
  const double pixels = out / out_channels;
  const double expand = mid == in_channels ? 0 : in * mid;
  return expand + pixels * mid * (kernel * kernel + out_channels);
}

}  // namespace

bool read_ofa_key(std::string_view key, OfaBlock& block, std::string* why) {
  const auto no = [why](const std::string& reason) {
    if (why != nullptr) *why = reason;
    return false;
  };
  block = {};
  if (why != nullptr) why->clear();
  const size_t first = key.find("-input:");
  if (first == std::string_view::npos) return no("it has no `-input:`");
  block.type = std::string(key.substr(0, first));
  static constexpr std::string_view kTypes[] = {
      "Conv", "expanded_conv", "Conv_1", "AvgPool2D", "Conv_2", "Logits"};
  if (std::find(std::begin(kTypes), std::end(kTypes), block.type) == std::end(kTypes))
    return no("'" + block.type +
              "' is none of Conv, expanded_conv, Conv_1, AvgPool2D, Conv_2, "
              "Logits");
  static constexpr std::string_view kAttributes[] = {
      "expand", "kernel", "stride", "idskip", "se", "hs"};
  for (std::string_view rest = key.substr(first + 1); !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('-'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const size_t colon = part.find(':');
    const std::string_view name = part.substr(0, colon);
    const std::string_view value = colon == std::string_view::npos ? "" : part.substr(colon + 1);
    if (name == "input" || name == "output") {
      if (!sizes_of(value, name == "input" ? block.input : block.output))
        return no("'" + std::string(part) + "' is no size such as input:56x56x24");
    } else {
      const bool known =
          std::find(std::begin(kAttributes), std::end(kAttributes), name) != std::end(kAttributes);
      int64_t number = 0;
      if (!known || !whole(value, number) ||
          !block.attributes.emplace(std::string(name), number).second)
        return no("'" + std::string(part) + "' is no attribute of a block");
    }
  }
  if (block.input.size() != 3 || (block.output.size() != 3 && block.type != "Logits") ||
      block.output.empty())
    return no("sizes are height x width x channels");
  const bool expanded = block.type == "expanded_conv";
  if (!expanded) return block.attributes.empty() || no("only expanded_conv has attributes");
  for (const char* name : {"expand", "kernel", "stride", "idskip"})
    if (!block.attributes.contains(name)) return no(std::string("has no ") + name);
  return block.attributes.contains("se") == block.attributes.contains("hs") ||
         no("it has one of se and hs; MobileNetV3 has both, ProxylessNAS none");
}

double macs_of_key(std::string_view key) {
  OfaBlock block;
  if (read_ofa_key(key, block)) return macs_of_block(block);
  const std::string_view op = key.substr(0, key.find(' '));
  std::vector<int64_t> in, out;
  const std::string_view inputs = attribute(key, "in");
  if (!sizes_of(inputs.substr(0, inputs.find('+')), in) || !sizes_of(attribute(key, "out"), out))
    return 0;
  if (op == "linear") return static_cast<double>(in.back()) * static_cast<double>(out.back());
  if (op != "conv2d" || in.size() != 3 || out.size() != 3) return 0;
  int64_t kernel = 1, groups = 1;
  if (!whole(attribute(key, "k"), kernel) || !whole(attribute(key, "g"), groups) || groups == 0)
    return 0;
  return product(out) * static_cast<double>(in[0]) / static_cast<double>(groups) *
         static_cast<double>(kernel * kernel);
}

double elements_of_key(std::string_view key) {
  OfaBlock block;
  if (read_ofa_key(key, block)) return product(block.input) + product(block.output);
  std::vector<int64_t> sizes;
  const auto numbers = [&sizes](std::string_view text) {
    // A sequence is PLACES:WIDTH.
    std::string with_x(text);
    std::replace(with_x.begin(), with_x.end(), ':', 'x');
    return sizes_of(with_x, sizes) ? product(sizes) : 0;
  };
  const double out = numbers(attribute(key, "out"));
  if (out <= 0) return 0;
  const double out_channels = static_cast<double>(sizes[0]);
  double all = out, in_channels = 0;
  for (std::string_view rest = attribute(key, "in"); !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find('+'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    const double in = numbers(one);
    if (in <= 0) return 0;
    in_channels = static_cast<double>(sizes[0]);
    all += in;
  }
  const std::string_view op = key.substr(0, key.find(' '));
  if (op == "linear") return all + in_channels * out_channels;
  int64_t kernel = 1, groups = 1;
  if (op != "conv2d" || !whole(attribute(key, "k"), kernel) ||
      !whole(attribute(key, "g"), groups) || groups == 0)
    return all;
  return all + in_channels * out_channels * static_cast<double>(kernel * kernel) /
                   static_cast<double>(groups);
}

double key_distance(std::string_view a, std::string_view b) {
  constexpr double kOtherWord = 8, kOtherKind = 100;
  double distance = 0;
  for (bool first = true; !a.empty() || !b.empty(); first = false) {
    const bool both = !a.empty() && !b.empty();
    const Token x = a.empty() ? Token{} : next_token(a), y = b.empty() ? Token{} : next_token(b);
    if (!both || x.word != y.word) {
      distance += first ? kOtherKind : kOtherWord;
    } else if (x.word.empty() && x.number != y.number) {
      distance += std::abs(std::log((x.number + 1) / (y.number + 1)));
    }
  }
  return distance;
}

}  // namespace nas
