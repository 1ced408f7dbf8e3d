// Text and tensors by name instead of a struct with a version: a part reads its own entries and can
// say which one an old checkpoint lacks.
#include "supernet/train/strategy_state.hpp"

#include <ATen/ATen.h>

#include <charconv>

#include "spaces/error.hpp"

namespace nas {

namespace {

[[noreturn]] void unfit(const std::string& key, const char* what) {
  throw DataError("the state of the strategy " + std::string(what) + " '" + key +
                  "': the checkpoint is of another version of nas");
}

}  // namespace

void StrategyState::put_lines(const std::string& key, const std::vector<std::string>& lines) {
  std::string& all = text[key];
  all.clear();
  for (const std::string& line : lines) all += line + "\n";
}

void StrategyState::put_doubles(const std::string& key, const std::vector<double>& values) {
  tensors[key] = at::tensor(values, at::kDouble);
}

const std::string& StrategyState::string_at(const std::string& key) const {
  const auto it = text.find(key);
  if (it == text.end()) unfit(key, "lacks");
  return it->second;
}

int64_t StrategyState::integer_at(const std::string& key) const {
  const std::string& digits = string_at(key);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size())
    unfit(key, "holds no whole number in");
  return value;
}

std::vector<std::string> StrategyState::lines_at(const std::string& key) const {
  const std::string& all = string_at(key);
  std::vector<std::string> lines;
  for (size_t begin = 0, end; (end = all.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(all.substr(begin, end - begin));
  return lines;
}

const at::Tensor& StrategyState::tensor_at(const std::string& key) const {
  const auto it = tensors.find(key);
  if (it == tensors.end()) unfit(key, "lacks");
  return it->second;
}

std::vector<double> StrategyState::doubles_at(const std::string& key, size_t size) const {
  const at::Tensor t = tensor_at(key).to(at::kCPU, at::kDouble).contiguous();
  if (t.numel() != static_cast<int64_t>(size)) unfit(key, "holds another number of values in");
  return {t.data_ptr<double>(), t.data_ptr<double>() + t.numel()};
}

}  // namespace nas
