#pragma once
// A restricted reader of Python pickles that executes nothing: a short list of opcodes builds
// numbers, texts, lists, dictionaries and descriptions of tensors; anything else is an error.
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nas {

struct PickleNode;

/// Where a tensor's elements are; shared by all nodes that stand for it.
struct PickleTensor {
  const PickleNode* storage = nullptr;
  int64_t offset = 0;                 ///< In elements.
  std::vector<int64_t> size, stride;  ///< As many of both, at most Pickle::kMaxRank; none negative.
};

/// Kept small: a pickle of one byte per value has millions of them.
struct PickleNode {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInt,
    kFloat,  ///< Its value is of no use here and not kept.
    kText,
    kList,     ///< Lists and tuples: `items`.
    kDict,     ///< `items` are key, value, key, value ...
    kGlobal,   ///< A name of the list of allowed ones: `text`, "module name".
    kStorage,  ///< `text` its key, `items[0]` its type (kGlobal), `integer` its elements.
    kTensor,   ///< `tensor`.
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  std::string_view text;  ///< Points into the pickle's bytes, however often it is recalled.
  std::vector<const PickleNode*> items;
  std::shared_ptr<const PickleTensor> tensor;
};

/// What a pickle holds. Nodes live as long as this object, their texts as long as `data`.
class Pickle {
 public:
  /// Of a tensor; PyTorch itself writes more only for shapes that no network has.
  static constexpr size_t kMaxRank = 8;
  /// A checkpoint of a thousand tensors has 200 kB.
  static constexpr size_t kMaxBytes = size_t{64} << 20;
  /// A tensor takes some 40, so these are for 50,000 of them. An operation keeps about 100 bytes.
  static constexpr size_t kMaxOperations = size_t{1} << 21;
  /// Of a storage's key; real ones are short numbers.
  static constexpr size_t kMaxKey = 100;

  /// Reads one pickle from the start of `data`. `path` is for messages. DataError on truncation, on
  /// an opcode or a global (named) that is not allowed, on operands of the wrong kind, and on more
  /// than the limits above.
  Pickle(std::span<const uint8_t> data, const std::string& path);
  const PickleNode& root() const { return *root_; }
  /// Bytes up to and including the end mark.
  size_t consumed() const { return consumed_; }

 private:
  friend class PickleMachine;
  std::deque<PickleNode> nodes_;  // Owned here, so that nothing recurses however deep they nest.
  const PickleNode* root_ = nullptr;
  size_t consumed_ = 0;
};

}  // namespace nas
