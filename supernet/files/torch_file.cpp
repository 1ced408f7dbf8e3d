// Tensors share the storages they share in the file, so that a file never takes more memory than it
// has bytes; sizes, strides and offsets are checked against the storage before anything is read
// from it.
#include "supernet/files/torch_file.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

#include "spaces/error.hpp"
#include "supernet/data/codecs/bytes.hpp"
#include "supernet/files/pickle_reader.hpp"
#include "supernet/files/refuse.hpp"
#include "supernet/files/zip_reader.hpp"

namespace nas {
namespace {

using Kind = PickleNode::Kind;
constexpr uint64_t kMaxFile = uint64_t{16} << 30;
/// The first pickle of files before torch 1.6.
constexpr int64_t kMagicSize = 10;
constexpr unsigned char kMagic[kMagicSize] = {
    0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
constexpr int64_t kLegacyProtocol = 1001;
/// Of a tensor; names of real ones have some 60 bytes.
constexpr size_t kMaxName = 1000;
/// A tensor takes 5 bytes of the file and 500 of memory, without any elements.
constexpr size_t kMaxTensors = 65536;

struct StorageType {
  const char* global;
  at::ScalarType type;
};
constexpr StorageType kStorageTypes[] = {{"torch FloatStorage", at::kFloat},
                                         {"torch DoubleStorage", at::kDouble},
                                         {"torch HalfStorage", at::kHalf},
                                         {"torch BFloat16Storage", at::kBFloat16},
                                         {"torch LongStorage", at::kLong},
                                         {"torch IntStorage", at::kInt},
                                         {"torch ShortStorage", at::kShort},
                                         {"torch CharStorage", at::kChar},
                                         {"torch ByteStorage", at::kByte},
                                         {"torch BoolStorage", at::kBool}};

/// Bytes of each storage, by its key. Copied once (aligned, unlike the file), then shared.
using Storages = std::map<std::string, at::Tensor, std::less<>>;

at::ScalarType type_of(const PickleNode& storage, const std::string& where) {
  const std::string_view name = storage.items.at(0)->text;
  for (const StorageType& t : kStorageTypes)
    if (name == t.global) return t.type;
  throw DataError(where + ": '" + std::string(name) + "' is no type of numbers");
}

at::Tensor bytes_of(std::span<const uint8_t> bytes) {
  at::Tensor copy = at::empty({static_cast<int64_t>(bytes.size())}, at::TensorOptions(at::kByte));
  if (!bytes.empty()) std::memcpy(copy.data_ptr(), bytes.data(), bytes.size());
  return copy;
}

/// Elements that sizes stand for, and one past the last element in the storage; both fit an int64_t
/// even as bytes.
struct Extent {
  int64_t elements = 1, end = 0;
};
Extent extent_of(const PickleTensor& t, const std::string& where) {
  constexpr int64_t kLimit = std::numeric_limits<int64_t>::max() / 8;  // The widest has 8 bytes.
  // A size of 0 hides none of the others: PyTorch multiplies them all, too.
  int64_t volume = 1, last = t.offset;
  bool empty = false;
  if (last >= kLimit) throw DataError(where + ": its offset is beyond any memory");
  for (size_t d = 0; d < t.size.size(); ++d) {
    const int64_t size = std::max<int64_t>(t.size[d], 1);
    empty = empty || t.size[d] == 0;
    if (__builtin_mul_overflow(volume, size, &volume) || volume > kLimit)
      throw DataError(where + ": its sizes are beyond any memory");
    int64_t reach = 0;
    if (__builtin_mul_overflow(size - 1, t.stride[d], &reach) ||
        __builtin_add_overflow(last, reach, &last) || last >= kLimit)
      throw DataError(where + ": its strides are beyond any memory");
  }
  return empty ? Extent{0, 0} : Extent{volume, last + 1};
}

/// Those of sizes of 1 are never followed, and may be anything in the file.
std::vector<int64_t> strides_of(const PickleTensor& t) {
  std::vector<int64_t> strides = t.stride;
  for (size_t d = 0; d < strides.size(); ++d)
    if (t.size[d] == 1) strides[d] = 1;
  return strides;
}

at::Tensor tensor_of(const PickleTensor& t, const Storages& storages, const std::string& where) {
  const PickleNode& storage = *t.storage;
  const at::ScalarType type = type_of(storage, where);
  const auto it = storages.find(storage.text);
  if (it == storages.end())
    throw DataError(where + ": the file has no storage " + std::string(storage.text));
  const auto width = static_cast<int64_t>(c10::elementSize(type));
  const int64_t held = it->second.numel() / width;
  const Extent extent = extent_of(t, where);
  // More elements than the storage holds would be an expanded view: no state dictionary has one,
  // and a few bytes could ask for all memory.
  if (extent.end > held || extent.elements > held)
    throw DataError(where + ": reaches element " + std::to_string(extent.end) +
                    " of a storage of " + std::to_string(held));
  if (extent.elements == 0) return at::empty(t.size, at::TensorOptions(type));
  const at::Tensor flat = it->second.narrow(0, 0, held * width).view(type);
  return flat.as_strided(t.size, strides_of(t), t.offset);
}

bool is_state_dict(const PickleNode& node) {
  if (node.kind != Kind::kDict || node.items.empty()) return false;
  for (size_t i = 0; i < node.items.size(); i += 2)
    if (node.items[i]->kind != Kind::kText || node.items[i + 1]->kind != Kind::kTensor)
      return false;
  return true;
}

/// The first value of this key, null without one.
const PickleNode* below(const PickleNode& root, std::string_view key) {
  if (root.kind != Kind::kDict) return nullptr;
  for (size_t i = 0; i < root.items.size(); i += 2)
    if (root.items[i]->kind == Kind::kText && root.items[i]->text == key) return root.items[i + 1];
  return nullptr;
}

/// The first few keys, for a message.
std::string keys_of(const PickleNode& root) {
  std::string keys;
  if (root.kind != Kind::kDict) return keys;
  for (size_t i = 0; i < std::min<size_t>(root.items.size(), 20); i += 2)
    if (root.items[i]->kind == Kind::kText)
      keys += (keys.empty() ? "" : ", ") + std::string(root.items[i]->text.substr(0, 40));
  return keys;
}

/// The dictionary of tensors, here or one level down.
const PickleNode& state_dict(const PickleNode& root, const std::string& path) {
  if (is_state_dict(root)) return root;
  for (const char* key : {"state_dict", "model"})
    if (const PickleNode* value = below(root, key); value != nullptr && is_state_dict(*value))
      return *value;
  const std::string keys = keys_of(root);
  refuse(path,
         "holds no dictionary of tensors, neither by itself nor below 'state_dict'" +
             (keys.empty() ? "" : " (its keys: " + keys + ")"));
}

std::map<std::string, at::Tensor> tensors_in(const PickleNode& dict,
                                             const Storages& storages,
                                             const std::string& path) {
  std::map<std::string, at::Tensor> tensors;
  if (dict.items.size() / 2 > kMaxTensors)
    refuse(path, "has " + std::to_string(dict.items.size() / 2) + " tensors, too many for weights");
  for (size_t i = 0; i < dict.items.size(); i += 2) {
    // A name or tensor that is recalled costs two bytes in the file: both limits bound the time.
    const std::string name(dict.items[i]->text.substr(0, kMaxName + 1));
    if (name.size() > kMaxName)
      refuse(path,
             "has a tensor with a name of " + std::to_string(dict.items[i]->text.size()) +
                 " bytes ('" + name.substr(0, 40) + "...')");
    const std::string where = path + ": tensor '" + name + "'";
    if (!tensors.emplace(name, tensor_of(*dict.items[i + 1]->tensor, storages, where)).second)
      throw DataError(where + " is there twice");
  }
  return tensors;
}

/// All storages that tensors of the dictionary name.
template <typename F>
void each_storage(const PickleNode& dict, const F& f) {
  for (size_t i = 1; i < dict.items.size(); i += 2) f(*dict.items[i]->tensor->storage);
}

std::map<std::string, at::Tensor> read_zip(std::span<const uint8_t> file, const std::string& path) {
  const ZipReader zip(file, path);
  const std::string pickle_name = zip.find("/data.pkl");
  const std::string folder = pickle_name.substr(0, pickle_name.size() - 8);
  if (zip.has(folder + "byteorder")) {
    const auto order = zip.at(folder + "byteorder");
    if (std::string(order.begin(), order.end()) != "little")
      refuse(path, "was written on a big-endian machine, which is not supported");
  }
  const Pickle pickle(zip.at(pickle_name), path);
  const PickleNode& dict = state_dict(pickle.root(), path);
  Storages storages;  // No larger than the file, as entries of the archive do not overlap.
  each_storage(dict, [&](const PickleNode& storage) {
    if (storages.contains(storage.text)) return;
    const std::string key(storage.text);
    storages.emplace(key, bytes_of(zip.at(folder + "data/" + key)));
  });
  return tensors_in(dict, storages, path);
}

uint64_t little64(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | bytes[static_cast<size_t>(i)];
  return value;
}

using Widths = std::map<std::string, size_t, std::less<>>;

/// Bytes of an element of each storage.
Widths widths_of(const PickleNode& dict, const std::string& path) {
  Widths widths;
  each_storage(dict, [&](const PickleNode& storage) {
    const std::string key(storage.text);
    widths[key] = c10::elementSize(type_of(storage, path + ": storage " + key));
  });
  return widths;
}

/// `file` begins after the list of keys. Each storage is a part of it of its own.
Storages legacy_storages(const PickleNode& keys,
                         const Widths& widths,
                         std::span<const uint8_t> file,
                         const std::string& path) {
  if (keys.kind != Kind::kList) refuse(path, "its list of storages is no list");
  Storages storages;
  for (const PickleNode* node : keys.items) {
    const std::string key(node->text.substr(0, Pickle::kMaxKey));
    const auto width = widths.find(key);
    if (width == widths.end()) refuse(path, "has a storage '" + key + "' that no tensor uses");
    if (file.size() < 8) refuse(path, "is truncated before storage " + key);
    const uint64_t count = little64(file);
    file = file.subspan(8);
    if (count > file.size() / width->second)
      refuse(path,
             "is truncated: storage " + key + " has " + std::to_string(count) +
                 " elements, but only " + std::to_string(file.size()) + " bytes are left");
    const size_t size = count * width->second;
    if (!storages.emplace(key, bytes_of(file.first(size))).second)
      refuse(path, "has storage " + key + " twice");
    file = file.subspan(size);
  }
  return storages;
}

bool is_magic(const PickleNode& node) {
  return node.text.size() == kMagicSize && std::memcmp(node.text.data(), kMagic, kMagicSize) == 0;
}
bool is_protocol(const PickleNode& node) {
  return node.kind == Kind::kInt && node.integer == kLegacyProtocol;
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
  if (!is_magic(next().root()))
    refuse(path, "is neither a zip archive nor an older file of torch.save");
  if (!is_protocol(next().root())) refuse(path, "has an unknown protocol number");
  next();
  const Pickle object = next();
  const Pickle keys = next();
  const PickleNode& dict = state_dict(object.root(), path);
  return tensors_in(dict, legacy_storages(keys.root(), widths_of(dict, path), file, path), path);
}

}  // namespace

std::map<std::string, at::Tensor> read_torch_file(const std::string& path) {
  const Bytes bytes = read_file(path, kMaxFile);
  const bool zip =
      bytes.size() >= 4 && bytes[0] == 'P' && bytes[1] == 'K' && bytes[2] == 3 && bytes[3] == 4;
  constexpr uint8_t kProtocol = 0x80;  // The first opcode of every pickle since protocol 2.
  if (!zip && (bytes.empty() || bytes[0] != kProtocol))
    refuse(path, "is neither a zip archive nor an older file of torch.save");
  return zip ? read_zip(bytes, path) : read_legacy(bytes, path);
}

}  // namespace nas
