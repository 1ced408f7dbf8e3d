#include "supernet/torch_file.hpp"

#include <ATen/ATen.h>

#include <cstring>
#include <optional>

#include "spaces/error.hpp"
#include "supernet/data/bytes.hpp"
#include "supernet/pickle_reader.hpp"
#include "supernet/zip_reader.hpp"

namespace nas {
namespace {

using Kind = PickleNode::Kind;
constexpr uint64_t kMaxFile = uint64_t{16} << 30;
/// The first pickle of files before torch 1.6.
constexpr int64_t kMagicSize = 10;
constexpr unsigned char kMagic[kMagicSize] = {
    0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
constexpr int64_t kLegacyProtocol = 1001;

struct StorageType {
  const char* global;
  at::ScalarType type;
};
constexpr StorageType kTypes[] = {{"torch FloatStorage", at::kFloat},
                                  {"torch DoubleStorage", at::kDouble},
                                  {"torch HalfStorage", at::kHalf},
                                  {"torch BFloat16Storage", at::kBFloat16},
                                  {"torch LongStorage", at::kLong},
                                  {"torch IntStorage", at::kInt},
                                  {"torch ShortStorage", at::kShort},
                                  {"torch CharStorage", at::kChar},
                                  {"torch ByteStorage", at::kByte},
                                  {"torch BoolStorage", at::kBool}};

using Storages = std::map<std::string, std::span<const uint8_t>>;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw DataError(path + ": " + what);
}

at::ScalarType type_of(const PickleNode& storage, const std::string& where) {
  for (const StorageType& t : kTypes)
    if (storage.global == t.global) return t.type;
  throw DataError(where + ": '" + storage.global + "' is no type of numbers");
}

/// Elements that sizes stand for, and one past the last element in the storage; both checked.
struct Extent {
  uint64_t elements = 1, end = 0;
};
Extent extent_of(const PickleNode& t, const std::string& where) {
  Extent e;
  uint64_t last = static_cast<uint64_t>(t.integer);
  for (size_t d = 0; d < t.size.size(); ++d) {
    const auto size = static_cast<uint64_t>(t.size[d]);
    if (__builtin_mul_overflow(e.elements, size, &e.elements))
      throw DataError(where + ": its sizes are beyond any memory");
    uint64_t reach = 0;
    if (size > 0 && (__builtin_mul_overflow(size - 1, static_cast<uint64_t>(t.stride[d]), &reach) ||
                     __builtin_add_overflow(last, reach, &last)))
      throw DataError(where + ": its strides are beyond any memory");
  }
  e.end = e.elements == 0 ? 0 : last + 1;
  return e;
}

at::Tensor tensor_of(const PickleNode& t, const Storages& storages, const std::string& where) {
  const PickleNode& storage = *t.items.at(0);
  const at::ScalarType type = type_of(storage, where);
  const auto it = storages.find(storage.text);
  if (it == storages.end()) throw DataError(where + ": the file has no storage " + storage.text);
  const uint64_t held = it->second.size() / c10::elementSize(type);
  constexpr size_t kMaxRank = 8;
  if (t.size.size() > kMaxRank) throw DataError(where + ": has more than 8 dimensions");
  const Extent extent = extent_of(t, where);
  // More elements than the storage holds would be an expanded view: no state dictionary has one,
  // and a few bytes could ask for all memory.
  if (extent.end > held || extent.elements > held)
    throw DataError(where + ": reaches element " + std::to_string(extent.end) +
                    " of a storage of " + std::to_string(held));
  at::Tensor out = at::empty(t.size, at::TensorOptions(type));
  if (extent.elements == 0) return out;
  const at::Tensor flat = at::empty({static_cast<int64_t>(held)},
                                    at::TensorOptions(type));  // Aligned, unlike the file.
  std::memcpy(flat.data_ptr(), it->second.data(), held * c10::elementSize(type));
  return out.copy_(flat.as_strided(t.size, t.stride, t.integer));
}

bool is_state_dict(const PickleNode& node) {
  if (node.kind != Kind::kDict || node.items.empty()) return false;
  for (size_t i = 0; i < node.items.size(); i += 2)
    if (node.items[i]->kind != Kind::kText || node.items[i + 1]->kind != Kind::kTensor)
      return false;
  return true;
}

/// The dictionary of tensors, here or one level down.
const PickleNode& state_dict(const PickleNode& root, const std::string& path) {
  if (is_state_dict(root)) return root;
  std::string keys;
  if (root.kind == Kind::kDict)
    for (size_t i = 0; i < root.items.size(); i += 2) {
      const PickleNode& key = *root.items[i];
      if (key.kind != Kind::kText) continue;
      if ((key.text == "state_dict" || key.text == "model") && is_state_dict(*root.items[i + 1]))
        return *root.items[i + 1];
      if (i < 20) keys += (keys.empty() ? "" : ", ") + key.text.substr(0, 40);
    }
  fail(path,
       "holds no dictionary of tensors, neither by itself nor below 'state_dict'" +
           (keys.empty() ? "" : " (its keys: " + keys + ")"));
}

std::map<std::string, at::Tensor> tensors_in(const PickleNode& root,
                                             const Storages& storages,
                                             const std::string& path) {
  std::map<std::string, at::Tensor> tensors;
  const PickleNode& dict = state_dict(root, path);
  for (size_t i = 0; i < dict.items.size(); i += 2) {
    const std::string& name = dict.items[i]->text;
    tensors[name] = tensor_of(*dict.items[i + 1], storages, path + ": tensor '" + name + "'");
  }
  return tensors;
}

/// All storages that tensors of the dictionary name.
template <typename F>
void each_storage(const PickleNode& dict, const F& f) {
  for (size_t i = 1; i < dict.items.size(); i += 2) f(*dict.items[i]->items.at(0));
}

std::map<std::string, at::Tensor> read_zip(std::span<const uint8_t> file, const std::string& path) {
  const ZipReader zip(file, path);
  const std::string pickle_name = zip.find("/data.pkl");
  const std::string folder = pickle_name.substr(0, pickle_name.size() - 8);
  if (zip.has(folder + "byteorder")) {
    const auto order = zip.at(folder + "byteorder");
    if (std::string(order.begin(), order.end()) != "little")
      fail(path, "was written on a big-endian machine, which is not supported");
  }
  const Pickle pickle(zip.at(pickle_name), path);
  Storages storages;
  each_storage(state_dict(pickle.root(), path), [&](const PickleNode& storage) {
    if (storages.count(storage.text) == 0)
      storages[storage.text] = zip.at(folder + "data/" + storage.text);
  });
  return tensors_in(pickle.root(), storages, path);
}

uint64_t little64(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | bytes[static_cast<size_t>(i)];
  return value;
}

/// Five pickles (magic, protocol, system, object, storage keys), then each storage as its number of
/// elements and its data.
std::map<std::string, at::Tensor> read_legacy(std::span<const uint8_t> file,
                                              const std::string& path) {
  const auto next = [&] {
    Pickle pickle(file, path);
    file = file.subspan(pickle.consumed());
    return pickle;
  };
  const Pickle magic = next();
  const std::string& word = magic.root().text;
  if (word.size() != kMagicSize || std::memcmp(word.data(), kMagic, kMagicSize) != 0)
    fail(path, "is neither a zip archive nor an older file of torch.save");
  const Pickle protocol = next();
  if (protocol.root().kind != Kind::kInt || protocol.root().integer != kLegacyProtocol)
    fail(path, "has an unknown protocol number");
  next();
  const Pickle object = next();
  const Pickle keys = next();
  if (keys.root().kind != Kind::kList) fail(path, "its list of storages is no list");
  std::map<std::string, size_t> widths;
  each_storage(state_dict(object.root(), path), [&](const PickleNode& storage) {
    widths[storage.text] = c10::elementSize(type_of(storage, path + ": storage " + storage.text));
  });
  Storages storages;
  for (const PickleNode* key : keys.root().items) {
    const auto width = widths.find(key->text);
    if (width == widths.end()) fail(path, "has a storage '" + key->text + "' that no tensor uses");
    if (file.size() < 8) fail(path, "is truncated before storage " + key->text);
    const uint64_t count = little64(file);
    file = file.subspan(8);
    if (count > file.size() / width->second)
      fail(path,
           "is truncated: storage " + key->text + " has " + std::to_string(count) +
               " elements, but only " + std::to_string(file.size()) + " bytes are left");
    storages[key->text] = file.subspan(0, count * width->second);
    file = file.subspan(count * width->second);
  }
  return tensors_in(object.root(), storages, path);
}

}  // namespace

std::map<std::string, at::Tensor> read_torch_file(const std::string& path) {
  const Bytes bytes = read_file(path, kMaxFile);
  const bool zip =
      bytes.size() >= 4 && bytes[0] == 'P' && bytes[1] == 'K' && bytes[2] == 3 && bytes[3] == 4;
  constexpr uint8_t kProtocol = 0x80;  // The first opcode of every pickle since protocol 2.
  if (!zip && (bytes.empty() || bytes[0] != kProtocol))
    fail(path, "is neither a zip archive nor an older file of torch.save");
  return zip ? read_zip(bytes, path) : read_legacy(bytes, path);
}

}  // namespace nas
