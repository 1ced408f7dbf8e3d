// The safetensors layout, because other tools read it. A hash of the data in the header tells
// damage that a length cannot; writing goes to a temporary name, is synced and renamed, so that
// whoever kills the program leaves either file whole.
#include "supernet/files/tensor_file.hpp"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "spaces/base/whole_file.hpp"
#include "spaces/error.hpp"
#include "supernet/files/refuse.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kDataHash = "data_sha256";
constexpr uint64_t kMaxHeader = 100u << 20;

struct DType {
  const char* name;
  at::ScalarType type;
};
constexpr DType kTypes[] = {{"F32", at::kFloat},
                            {"F64", at::kDouble},
                            {"F16", at::kHalf},
                            {"BF16", at::kBFloat16},
                            {"I64", at::kLong},
                            {"U8", at::kByte}};

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void add(const void* data, size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  void add(const std::string& text) { add(text.data(), text.size() + 1); }
  std::string hex() {
    unsigned char digest[32];
    EVP_DigestFinal_ex(context_.get(), digest, nullptr);
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : digest) (text += kDigits[byte >> 4]) += kDigits[byte & 15];
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

class File {
 public:
  explicit File(const std::string& path)
      : path_(path), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) refuse(path, std::strerror(errno));
  }
  ~File() { close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  void read(void* data, size_t size, const char* what) {
    char* p = static_cast<char*>(data);
    for (size_t left = size; left > 0;) {
      const ssize_t n = ::read(fd_, p, left);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) refuse(path_, std::string("cannot read: ") + std::strerror(errno));
      if (n == 0) refuse(path_, std::string("truncated in ") + what);
      p += n;
      left -= static_cast<size_t>(n);
    }
    whole_.add(data, size);
  }
  /// Over all that was read.
  std::string sha256() { return whole_.hex(); }

 private:
  std::string path_;
  int fd_;
  Sha256 whole_;
};

const DType& type_of(const at::Tensor& t, const std::string& name) {
  for (const DType& type : kTypes)
    if (type.type == t.scalar_type()) return type;
  throw std::logic_error("tensor " + name + " has a type that the file format lacks");
}

at::Tensor plain(const at::Tensor& t) {
  return t.detach().to(at::kCPU).contiguous();
}

}  // namespace

std::string hash_tensors(const std::map<std::string, at::Tensor>& tensors) {
  Sha256 sha;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor t = plain(tensor);
    sha.add(name);
    for (const int64_t size : t.sizes()) sha.add(&size, sizeof size);
    sha.add(t.data_ptr(), t.nbytes());
  }
  return sha.hex();
}

std::string write_tensor_file(const std::string& path, const TensorFile& file) {
  Json header;
  std::vector<at::Tensor> data;
  Sha256 data_hash;
  size_t offset = 0;
  header["__metadata__"] = file.meta;
  for (const auto& [name, tensor] : file.tensors) {
    const at::Tensor t = plain(tensor);
    header[name] = {{"dtype", type_of(t, name).name},
                    {"shape", t.sizes().vec()},
                    {"data_offsets", {offset, offset + t.nbytes()}}};
    offset += t.nbytes();
    data_hash.add(t.data_ptr(), t.nbytes());
    data.push_back(t);
  }
  header["__metadata__"][kDataHash] = data_hash.hex();
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();

  Sha256 whole;
  WholeFile out(path);
  const auto put = [&](const void* p, size_t n) {
    out.write(p, n);
    whole.add(p, n);
  };
  put(&length, sizeof length);
  put(text.data(), text.size());
  for (const at::Tensor& t : data) put(t.data_ptr(), t.nbytes());
  out.commit();
  return whole.hex();
}

TensorFile read_tensor_file(const std::string& path, std::string* sha256) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) refuse(path, error.message());
  File in(path);
  uint64_t length = 0;
  in.read(&length, sizeof length, "the header's length");
  if (length > kMaxHeader || length + sizeof length > size)
    refuse(
        path,
        "not a tensor file, or truncated: its header claims " + std::to_string(length) + " bytes");
  std::string text(length, '\0');
  in.read(text.data(), length, "the header");
  const Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) refuse(path, "the header is not JSON");

  TensorFile file;
  Sha256 hash;
  uint64_t offset = 0;
  try {
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        file.meta = entry.get<std::map<std::string, std::string>>();
        continue;
      }
      const auto type_name = entry.at("dtype").get<std::string>();
      const auto shape = entry.at("shape").get<std::vector<int64_t>>();
      const auto begin = entry.at("data_offsets").at(0).get<uint64_t>();
      const auto end = entry.at("data_offsets").at(1).get<uint64_t>();
      const DType* type = nullptr;
      for (const DType& candidate : kTypes)
        if (type_name == candidate.name) type = &candidate;
      if (type == nullptr) refuse(path, "tensor " + name + " has the unknown type " + type_name);
      if (begin != offset || end < begin || end > size - sizeof length - length)
        refuse(path, "tensor " + name + " lies outside the file (truncated?)");
      uint64_t bytes = at::elementSize(type->type);
      for (const int64_t n : shape) {
        if (n < 0 || (n > 0 && bytes > size / static_cast<uint64_t>(n)))
          refuse(path, "tensor " + name + " has an impossible shape");
        bytes *= static_cast<uint64_t>(n);
      }
      if (bytes != end - begin) refuse(path, "tensor " + name + ": shape and size disagree");
      at::Tensor t = at::empty(shape, at::TensorOptions(type->type));
      in.read(t.data_ptr(), bytes, name.c_str());
      hash.add(t.data_ptr(), bytes);
      file.tensors.emplace(name, std::move(t));
      offset = end;
    }
  } catch (const nlohmann::json::exception& e) {
    refuse(path, std::string("the header is malformed: ") + e.what());
  }
  if (sizeof length + length + offset != size) refuse(path, "has bytes after the last tensor");
  const auto stored = file.meta.find(kDataHash);
  if (stored != file.meta.end() && stored->second != hash.hex())
    refuse(path, "is corrupt: its content does not match its own SHA-256");
  if (sha256 != nullptr) *sha256 = in.sha256();
  return file;
}

}  // namespace nas
