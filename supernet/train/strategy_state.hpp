#pragma once
// What the parts of a strategy keep in a checkpoint.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "supernet/train/strategy_context.hpp"

namespace nas {

/// State of a strategy for checkpoints: tensors, and text for the rest.
struct StrategyState {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> text;
  void put_lines(const std::string& key, const std::vector<std::string>& lines);
  void put_doubles(const std::string& key, const std::vector<double>& values);
  // Reading: DataError names what is missing or malformed (a checkpoint of another version).
  const std::string& string_at(const std::string& key) const;
  int64_t integer_at(const std::string& key) const;
  std::vector<std::string> lines_at(const std::string& key) const;  ///< Each ended by a line feed.
  const at::Tensor& tensor_at(const std::string& key) const;
  std::vector<double> doubles_at(const std::string& key, size_t size) const;
};

}  // namespace nas
