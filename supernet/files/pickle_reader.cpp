// Python's own reader executes what a file says. This one knows the opcodes of state dictionaries
// and names of a short list, builds values and runs nothing. Limits bound it: nodes are owned by a
// list, so that nothing recurses however deep they nest, and each operation adds at most one value.
#include "supernet/files/pickle_reader.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "spaces/error.hpp"

namespace nas {
namespace {

using Kind = PickleNode::Kind;

/// What may be named. Storage types are checked again by whoever reads tensors.
constexpr std::string_view kAllowed[] = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch FloatStorage",
    "torch DoubleStorage",
    "torch HalfStorage",
    "torch BFloat16Storage",
    "torch LongStorage",
    "torch IntStorage",
    "torch ShortStorage",
    "torch CharStorage",
    "torch ByteStorage",
    "torch BoolStorage",
};

}  // namespace

/// The stack machine of pickle protocols 2 to 4, as far as state dictionaries need it.
class PickleMachine {
 public:
  PickleMachine(std::span<const uint8_t> data, const std::string& path, Pickle& out)
      : data_(data.first(std::min(data.size(), Pickle::kMaxBytes))),
        path_(path),
        out_(out),
        cut_(data.size() > data_.size()) {}

  void run() {
    // Every value, mark and kept value is of one operation: their limit bounds the memory.
    for (size_t operations = 1; !step(byte()); ++operations)
      if (operations == Pickle::kMaxOperations)
        fail("it has more than " + std::to_string(operations) + " operations");
    if (stack_.size() != 1) fail("it ends with " + std::to_string(stack_.size()) + " values");
    out_.root_ = stack_.front();
    out_.consumed_ = at_;
  }

 private:
  using Node = PickleNode;

  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(path_ + ": refused: pickle, byte " + std::to_string(at_) + ": " + what);
  }

  // ---- Input.
  [[noreturn]] void fail_at_end(const std::string& what) const {
    fail(cut_ ? "it is longer than " + std::to_string(data_.size() >> 20) + " MiB" : what);
  }
  uint8_t byte() {
    if (at_ >= data_.size()) fail_at_end("it is truncated");
    return data_[at_++];
  }
  uint64_t little(int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= static_cast<uint64_t>(byte()) << (8 * i);
    return value;
  }
  std::string_view text(uint64_t size) {
    if (size > data_.size() - at_)
      fail_at_end("a text of " + std::to_string(size) + " bytes, but only " +
                  std::to_string(data_.size() - at_) + " are left");
    const auto* begin = reinterpret_cast<const char*>(data_.data() + at_);
    at_ += size;
    return {begin, size};
  }
  std::string_view line() {
    const size_t begin = at_;
    while (byte() != '\n') {
    }
    return {reinterpret_cast<const char*>(data_.data() + begin), at_ - begin - 1};
  }

  // ---- Values.
  Node* make(Kind kind) {
    out_.nodes_.emplace_back();
    out_.nodes_.back().kind = kind;
    return &out_.nodes_.back();
  }
  void push(Node* node) { stack_.push_back(node); }
  void push_int(int64_t value, Kind kind = Kind::kInt) {
    push(make(kind));
    stack_.back()->integer = value;
  }
  void push_text(std::string_view value) {
    push(make(Kind::kText));
    stack_.back()->text = value;
  }
  Node* pop() {
    // Values below a mark belong to what encloses it.
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("a value is missing");
    Node* node = stack_.back();
    stack_.pop_back();
    return node;
  }
  Node* top() {
    Node* node = pop();
    stack_.push_back(node);
    return node;
  }
  std::vector<const Node*> pop_to_mark() {
    if (marks_.empty()) fail("a mark is missing");
    std::vector<const Node*> items(stack_.begin() + static_cast<int64_t>(marks_.back()),
                                   stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  void push_tuple(std::vector<const Node*> items) {
    push(make(Kind::kList));
    stack_.back()->items = std::move(items);
  }
  void push_tuple(int size) {
    std::vector<const Node*> items(static_cast<size_t>(size));
    for (int i = size - 1; i >= 0; --i) items[static_cast<size_t>(i)] = pop();
    push_tuple(std::move(items));
  }
  void extend(Kind kind, const std::vector<const Node*>& items) {
    Node* target = top();
    if (target->kind != kind) fail("items for what is neither list nor dictionary");
    if (kind == Kind::kDict && items.size() % 2 != 0) fail("a key without a value");
    target->items.insert(target->items.end(), items.begin(), items.end());
  }

  // ---- Names and what they may do.
  void push_global(std::string_view module, std::string_view name) {
    for (const std::string_view allowed : kAllowed)
      if (allowed.size() == module.size() + 1 + name.size() && allowed.starts_with(module) &&
          allowed[module.size()] == ' ' && allowed.ends_with(name)) {
        push(make(Kind::kGlobal));
        stack_.back()->text = allowed;
        return;
      }
    constexpr size_t kShown = 200;  // A line of megabytes helps nobody.
    fail("it names '" + std::string(module.substr(0, kShown)) + "." +
         std::string(name.substr(0, kShown)) + "', which is not allowed; nothing was executed");
  }

  std::vector<int64_t> integers(const Node& list) const {
    if (list.kind != Kind::kList) fail("sizes of a tensor are no tuple");
    // First: a list that is recalled costs two bytes in the file, however long it is.
    if (list.items.size() > Pickle::kMaxRank)
      fail("a tensor of " + std::to_string(list.items.size()) + " dimensions; at most " +
           std::to_string(Pickle::kMaxRank) + " are supported");
    std::vector<int64_t> values;
    values.reserve(list.items.size());
    for (const Node* item : list.items) {
      if (item->kind != Kind::kInt || item->integer < 0) fail("a size of a tensor is no count");
      values.push_back(item->integer);
    }
    return values;
  }

  void reduce() {
    const Node* arguments = pop();
    const Node* callee = pop();
    if (callee->kind != Kind::kGlobal) fail("a call of something that is no allowed name");
    if (arguments->kind != Kind::kList) fail("a call without a tuple of arguments");
    const auto& args = arguments->items;
    if (callee->text == "collections OrderedDict") {
      if (!args.empty() &&
          !(args.size() == 1 && args[0]->kind == Kind::kList && args[0]->items.empty()))
        fail("an OrderedDict made from a list is not supported");
      push(make(Kind::kDict));
      return;
    }
    if (callee->text == "torch._utils _rebuild_parameter") {
      if (args.empty() || args[0]->kind != Kind::kTensor) fail("a parameter that is no tensor");
      push_tensor(args[0]->tensor);
      return;
    }
    if (!callee->text.starts_with("torch._utils _rebuild_tensor"))
      fail("a call of '" + std::string(callee->text) + "'");
    push_tensor(rebuild(args));
  }

  std::shared_ptr<const PickleTensor> rebuild(const std::vector<const Node*>& args) const {
    if (args.size() < 4 || args[0]->kind != Kind::kStorage || args[1]->kind != Kind::kInt ||
        args[1]->integer < 0)
      fail("a tensor without storage, offset, size and stride");
    auto tensor = std::make_shared<PickleTensor>();
    tensor->storage = args[0];
    tensor->offset = args[1]->integer;
    tensor->size = integers(*args[2]);
    tensor->stride = integers(*args[3]);
    if (tensor->size.size() != tensor->stride.size())
      fail("a tensor with " + std::to_string(tensor->size.size()) + " sizes but " +
           std::to_string(tensor->stride.size()) + " strides");
    return tensor;
  }
  void push_tensor(std::shared_ptr<const PickleTensor> tensor) {
    push(make(Kind::kTensor));
    stack_.back()->tensor = std::move(tensor);
  }

  /// ('storage', type, key, location, elements[, view]).
  void persistent() {
    const Node* id = pop();
    const bool sound = id->kind == Kind::kList && id->items.size() >= 5 &&
                       id->items[0]->kind == Kind::kText && id->items[0]->text == "storage" &&
                       id->items[1]->kind == Kind::kGlobal && id->items[2]->kind == Kind::kText &&
                       id->items[4]->kind == Kind::kInt && id->items[4]->integer >= 0;
    if (!sound) fail("a persistent id that is no storage");
    if (id->items.size() > 5 && id->items[5]->kind != Kind::kNone)
      fail("a storage that is a view of another is not supported");
    const std::string_view key = id->items[2]->text;
    // Keys are looked up once per tensor, which must not depend on their length.
    if (key.size() > Pickle::kMaxKey)
      fail("a storage's key of " + std::to_string(key.size()) + " bytes");
    Node* storage = make(Kind::kStorage);
    storage->text = key;
    storage->items = {id->items[1]};
    storage->integer = id->items[4]->integer;
    push(storage);
  }

  void long1() {
    const uint64_t size = byte();
    const std::string_view bytes = text(size);
    if (size > 8) return push_text(bytes);  // Only compared with the magic number of old files.
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
      value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    const bool negative = size > 0 && size < 8 && (static_cast<uint8_t>(bytes.back()) & 0x80) != 0;
    if (negative) value |= ~uint64_t{0} << (8 * size);
    push_int(static_cast<int64_t>(value));
  }

  void binary_float() {
    little(8);
    push(make(Kind::kFloat));
  }

  void recall(uint64_t key) {
    const auto it = memo_.find(key);
    if (it == memo_.end()) fail("it recalls value " + std::to_string(key) + ", never kept");
    push(it->second);
  }

  /// True at the end mark.
  bool step(uint8_t op) {
    switch (op) {
      case '.':
        return true;
      case 0x80:  // PROTO
        if (const uint8_t version = byte(); version > 5)
          fail("protocol " + std::to_string(version) + " is unknown");
        return false;
      case 0x95:  // FRAME
        little(8);
        return false;
      case '(':
        marks_.push_back(stack_.size());
        return false;
      case 'c': {
        const std::string_view module = line();
        push_global(module, line());
        return false;
      }
      case 0x93: {  // STACK_GLOBAL
        const Node *name = pop(), *module = pop();
        if (name->kind != Kind::kText || module->kind != Kind::kText) fail("a name is no text");
        push_global(module->text, name->text);
        return false;
      }
      case 'R':
        reduce();
        return false;
      case 'Q':
        persistent();
        return false;
      case 'b': {  // BUILD: attributes of a dictionary (`_metadata`), of no use here.
        pop();
        if (top()->kind != Kind::kDict) fail("attributes for something that is no dictionary");
        return false;
      }
      case 'q':
        memo_[byte()] = top();
        return false;
      case 'r':
        memo_[little(4)] = top();
        return false;
      case 0x94:  // MEMOIZE
        memo_[memo_.size()] = top();
        return false;
      case 'h':
        recall(byte());
        return false;
      case 'j':
        recall(little(4));
        return false;
      default:
        if (!push_container(op) && !push_scalar(op)) {
          static constexpr char kHex[] = "0123456789abcdef";
          fail(std::string("opcode 0x") + kHex[op >> 4] + kHex[op & 15] +
               " is not allowed; nothing was executed");
        }
        return false;
    }
  }

  bool push_container(uint8_t op) {
    switch (op) {
      case '}':
        push(make(Kind::kDict));
        return true;
      case ']':
        push(make(Kind::kList));
        return true;
      case ')':
        push_tuple(0);
        return true;
      case 0x85:
      case 0x86:
      case 0x87:
        push_tuple(op - 0x84);
        return true;
      case 't':
        push_tuple(pop_to_mark());
        return true;
      case 's': {
        const Node *value = pop(), *key = pop();
        extend(Kind::kDict, {key, value});
        return true;
      }
      case 'u':
        extend_marked(Kind::kDict);
        return true;
      case 'a': {
        const Node* item = pop();
        extend(Kind::kList, {item});
        return true;
      }
      case 'e':
        extend_marked(Kind::kList);
        return true;
      default:
        return false;
    }
  }
  void extend_marked(Kind kind) {
    const std::vector<const Node*> items = pop_to_mark();
    extend(kind, items);
  }

  bool push_scalar(uint8_t op) {
    switch (op) {
      case 'N':
        push(make(Kind::kNone));
        return true;
      case 0x88:
      case 0x89:
        push_int(op == 0x88, Kind::kBool);
        return true;
      case 'J':
        push_int(static_cast<int32_t>(little(4)));
        return true;
      case 'K':
        push_int(byte());
        return true;
      case 'M':
        push_int(static_cast<int64_t>(little(2)));
        return true;
      case 0x8a:
        long1();
        return true;
      case 'G':
        binary_float();
        return true;
      case 'X':  // BINUNICODE
      case 'T':  // BINSTRING
        push_text(text(little(4)));
        return true;
      case 0x8c:  // SHORT_BINUNICODE
      case 'U':   // SHORT_BINSTRING
        push_text(text(byte()));
        return true;
      case 0x8d:  // BINUNICODE8
        push_text(text(little(8)));
        return true;
      default:
        return false;
    }
  }

  std::span<const uint8_t> data_;
  const std::string& path_;
  Pickle& out_;
  bool cut_;  ///< More bytes follow than a pickle may have.
  size_t at_ = 0;
  std::vector<Node*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, Node*> memo_;
};

Pickle::Pickle(std::span<const uint8_t> data, const std::string& path) {
  PickleMachine(data, path, *this).run();
}

}  // namespace nas
