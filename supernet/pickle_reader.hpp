#pragma once
// A restricted reader of Python pickles that executes nothing: a short list of opcodes builds
// numbers, texts, lists, dictionaries and descriptions of tensors; anything else is an error.
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace nas {

struct PickleNode {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInt,
    kFloat,
    kText,
    kList,     ///< Lists and tuples: `items`.
    kDict,     ///< `items` are key, value, key, value ...
    kGlobal,   ///< A name of the list of allowed ones: `text`, "module name".
    kStorage,  ///< `text` its key, `global` its type's name, `integer` its number of elements.
    kTensor,   ///< `items[0]` the storage; `integer` the offset in elements; `size`, `stride`.
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::string global;
  std::vector<const PickleNode*> items;
  std::vector<int64_t> size, stride;
};

/// What a pickle holds. Nodes live as long as this object.
class Pickle {
 public:
  /// Reads one pickle from the start of `data`. `path` is for messages. DataError on truncation, on
  /// an opcode or a global (named) that is not allowed, and on operands of the wrong kind.
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
