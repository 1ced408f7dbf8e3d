#pragma once
// A file of the Open Neural Network Exchange as values: what onnx.proto calls ModelProto, as far as
// networks of this program have it. No torch here.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nas::onnx {

/// Opsets that are written: one form of every op serves them all but for HardSwish (from 14 on).
inline constexpr int kOldestOpset = 13, kNewestOpset = 17;
/// A protobuf message has at most so many bytes.
inline constexpr int64_t kMostBytes = (int64_t{1} << 31) - 1;

/// TensorProto.DataType.
enum class Type : int32_t { kFloat = 1, kInt64 = 7 };

/// A constant of the graph. Its bytes are little endian, in row-major order.
struct Tensor {
  std::string name;
  Type type = Type::kFloat;
  std::vector<int64_t> sizes;
  std::string_view borrowed;  ///< Of whoever made it, and must outlive it ...
  std::string own;            ///< ... or its own, where not empty.
  std::string_view bytes() const { return own.empty() ? borrowed : std::string_view(own); }
  /// Product of the sizes; -1 where one is negative or it would not fit into a file.
  int64_t elements() const;
};

struct Attribute {
  enum class Kind : int32_t { kFloat = 1, kInt = 2, kInts = 7 };
  std::string name;
  Kind kind = Kind::kInt;
  float f = 0;
  int64_t i = 0;
  std::vector<int64_t> ints;
};
inline Attribute attribute(std::string name, int64_t value) {
  return {std::move(name), Attribute::Kind::kInt, 0, value, {}};
}
inline Attribute attribute(std::string name, std::vector<int64_t> values) {
  return {std::move(name), Attribute::Kind::kInts, 0, 0, std::move(values)};
}
inline Attribute real_attribute(std::string name, float value) {
  return {std::move(name), Attribute::Kind::kFloat, value, 0, {}};
}

/// Inputs and outputs are names of values; "" is an optional input that is left out.
struct Node {
  std::string name, op;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> attributes;
  /// Null where it has none of that name.
  const Attribute* find(std::string_view attribute) const;
};

/// A value's name and sizes, floats; size kBatch is the batch, which is free.
inline constexpr int64_t kBatch = -1;
struct Value {
  std::string name;
  std::vector<int64_t> sizes;
};

struct Model {
  int64_t ir_version = 0, opset = 0;
  std::string producer, producer_version, doc;
  std::string graph_name;
  std::vector<Node> nodes;  ///< Each after those that it reads.
  std::vector<Tensor> tensors;
  std::vector<Value> inputs, outputs;
  std::vector<Value> values;  ///< What is computed in between.
  std::vector<std::pair<std::string, std::string>> metadata;
  const Tensor* find_tensor(std::string_view name) const;
  const std::string* find_metadata(std::string_view key) const;
};

/// The file's bytes.
std::string encode(const Model& model);
/// The model borrows the bytes of its tensors from `bytes`. DataError (naming `path`) where they
/// are no ONNX file, or have what this program never writes.
Model decode(std::string_view bytes, const std::string& path);

/// What a reader may rely on: every name is given once, every input is given before it is read,
/// tensors have the bytes that their sizes say, every value that a node makes has its sizes
/// written down. DataError (naming `path`) tells the first that does not hold.
void require_sound(const Model& model, const std::string& path);

}  // namespace nas::onnx
