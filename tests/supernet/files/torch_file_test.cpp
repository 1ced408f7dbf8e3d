// Files of torch.save through the restricted reader: sound ones (written by Python's torch, see
// data/write_ofa.py), damaged ones, and such as would run code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "spaces/error.hpp"
#include "supernet/files/pickle_reader.hpp"
#include "supernet/files/torch_file.hpp"
#include "supernet/weights/initial_weights.hpp"
#include "support.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

std::string data(const std::string& name) {
  return std::string(NAS_SOURCE_DIR) + "/tests/supernet/data/" + name;
}
std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
std::string temporary(const std::string& bytes) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("nas-pth-" + std::to_string(::getpid()) + ".pth");
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}
/// What reading says; "" when it succeeds.
std::string refusal(const std::string& bytes) {
  const std::string path = temporary(bytes);
  std::string what;
  try {
    read_torch_file(path);
  } catch (const DataError& e) {
    what = e.what();
  }
  std::filesystem::remove(path);
  return what;
}
std::string pickle_refusal(const std::string& bytes) {
  try {
    Pickle(std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()), "file");
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

TEST(TorchFile, BothFormsGiveTheSameTensors) {
  const auto zip = read_torch_file(data("torch_small.pth"));
  const auto legacy = read_torch_file(data("torch_small_legacy.pth"));
  ASSERT_EQ(zip.size(), legacy.size());
  for (const auto& [name, t] : zip) {
    EXPECT_TRUE(at::equal(t, legacy.at(name))) << name;
    EXPECT_EQ(t.scalar_type(), legacy.at(name).scalar_type()) << name;
  }
  // torch.arange(12.0).view(3, 4).t()[1:, ::2]
  EXPECT_TRUE(at::equal(zip.at("view"), at::tensor({1.F, 9.F, 2.F, 10.F, 3.F, 11.F}).view({3, 2})));
  EXPECT_TRUE(at::equal(zip.at("bf16"), at::tensor({1.5F, -2.F}).to(at::kBFloat16)));
  EXPECT_TRUE(at::equal(zip.at("wrapped"), at::tensor({3.F, 4.F})));
}

/// The logits that a script of tests/supernet/data computed with the file's weights in Python.
void expect_python_logits(const std::string& space_yaml, const std::string& name, int64_t size) {
  const auto space = test::space_of(space_yaml);
  const auto store = make_shared_set(*space, 0, at::kDouble);
  load_initial_weights(*space, *store, data(name + ".pth"));
  ForwardOptions options;
  options.bn = ForwardOptions::Bn::kRunning;
  const c10::NoGradGuard no_grad;
  const auto cases = nlohmann::json::parse(content(data(name + ".json")));
  ASSERT_EQ(cases.size(), 3u);
  for (const auto& one : cases) {
    const at::Tensor y = test::logits_of(
        *space, *store, one["arch"].get<std::string>(), test::wave_images(size), options);
    for (int64_t n = 0; n < 4; ++n)
      for (int64_t k = 0; k < 4; ++k) {
        const auto expected = one["logits"][n][k].get<double>();
        EXPECT_NEAR(y[n][k].item<double>(), expected, 1e-9 * std::max(1.0, std::abs(expected)))
            << one["arch"] << n << k;
      }
  }
}

TEST(TorchFile, PublishedWeightsGiveTheLogitsOfPython) {
  expect_python_logits(
      "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.1\nkernels: [3, 5, 7]\n"
      "expansions: [1, 2]\ndepths: [1, 2]\nresolutions: [16]\nclasses: 4\n",
      "ofa_tiny",
      16);
}

TEST(TorchFile, PublishedResNetWeightsGiveTheLogitsOfPython) {
  expect_python_logits(
      "family: ofa_resnet50\nexpansions: [0.1, 0.2]\nwidths: [0.05, 0.06]\nresolution: 32\n"
      "classes: 4\n",
      "ofa_resnet_tiny",
      32);
}

// Names of the published ProxylessNAS: one last convolution, six stages.
TEST(TorchFile, EveryProxylessTensorHasItsPublishedName) {
  const std::vector<int> slots = {4, 4, 4, 4, 4, 1};
  EXPECT_EQ(ofa_name("head.expand.conv.weight", slots, false), "feature_mix_layer.conv.weight");
  EXPECT_EQ(ofa_name("stage6.block1.point.bn.bias", slots, false),
            "blocks.21.conv.point_linear.bn.bias");
  EXPECT_EQ(ofa_name("stage1.block1.expand.conv.weight", slots, false),
            "blocks.1.conv.inverted_bottleneck.conv.weight");
  EXPECT_EQ(ofa_name("first.depth.bn.running_var", slots, false),
            "blocks.0.conv.depth_conv.bn.running_var");
  EXPECT_EQ(ofa_name("classifier.bias", slots, false), "classifier.linear.bias");
  std::set<std::string> names;
  const auto tensors = load_space("proxyless")->supernet_tensors();
  for (const SupernetTensor& t : tensors) {
    const std::string name = ofa_name(t.name, slots, false);
    EXPECT_NE(name, "") << t.name;
    EXPECT_TRUE(names.insert(name).second) << t.name << " " << name;
  }
  EXPECT_GT(names.size(), 300U);
}

TEST(TorchFile, WeightsOfAnotherSpaceAreRefused) {
  const auto message = [](const std::string& yaml) -> std::string {
    const auto space = test::space_of(yaml);
    const auto store = make_shared_set(*space, 0);
    const at::Tensor before = store->parameters().front().tensor.detach().clone();
    try {
      load_initial_weights(*space, *store, data("ofa_tiny.pth"));
    } catch (const DataError& e) {
      // Nothing was written.
      EXPECT_TRUE(at::equal(before, store->parameters().front().tensor));
      return e.what();
    }
    return "";
  };
  const std::string base =
      "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.1\nresolutions: [16]\n";
  const std::string rest = "expansions: [1, 2]\ndepths: [1, 2]\n";
  EXPECT_THAT(message(base + rest + "classes: 5\n"), HasSubstr("classifier.linear.weight"));
  EXPECT_THAT(message(base + "expansions: [1, 2]\ndepths: [2, 3]\nclasses: 4\n"),
              HasSubstr("depths"));
  EXPECT_THAT(message(base + "expansions: [1, 2]\ndepths: [1]\nclasses: 4\n"), HasSubstr("depths"));
  EXPECT_THAT(message(base + rest + "classes: 4\nkernel_transform: false\n"), HasSubstr("matrix"));
  EXPECT_THAT(message("family: nasbench201\nwidth: 4\ncells: 1\n"), HasSubstr("the space wants"));
}

TEST(TorchFile, DamageIsFound) {
  const std::string zip = content(data("torch_small.pth"));
  const std::string legacy = content(data("torch_small_legacy.pth"));
  ASSERT_EQ(refusal(zip), "");
  ASSERT_EQ(refusal(legacy), "");
  for (size_t size = 0; size < zip.size(); size += 97)
    EXPECT_NE(refusal(zip.substr(0, size)), "") << size;
  for (size_t size = 0; size < legacy.size(); size += 61)
    EXPECT_NE(refusal(legacy.substr(0, size)), "") << size;
  // Any flipped byte is either found or changes a number only; it never crashes.
  int found = 0, tried = 0;
  for (size_t i = 0; i < zip.size(); i += 13) {
    std::string bad = zip;
    bad[i] = static_cast<char>(bad[i] ^ 0x5a);
    found += !refusal(bad).empty();
    ++tried;
  }
  EXPECT_GT(found, tried / 4);  // Padding and dates are not checked, data and directory are.
  for (size_t i = 0; i < legacy.size(); i += 7) {
    std::string bad = legacy;
    bad[i] = static_cast<char>(bad[i] ^ 0x5a);
    refusal(bad);
  }
  EXPECT_THAT(refusal("hello, world"), HasSubstr("neither a zip"));
  EXPECT_NE(refusal(""), "");
}

TEST(Pickle, ExecutesNothing) {
  // pickle.dumps of an object whose __reduce__ is os.system, eval, and friends.
  EXPECT_THAT(pickle_refusal("\x80\x02"
                             "cposix\nsystem\nq\x00X\x04\x00\x00\x00"
                             "trueq\x01\x85q\x02Rq\x03."),
              HasSubstr("posix.system"));
  EXPECT_THAT(pickle_refusal("cbuiltins\neval\n(X\x03\x00\x00\x00"
                             "1+1tR."),
              HasSubstr("builtins.eval"));
  EXPECT_THAT(pickle_refusal(std::string("\x80\x04\x8c\x02os\x8c\x06system\x93.", 15)),
              HasSubstr("os.system"));
  EXPECT_THAT(pickle_refusal("ctorch.nn.modules.linear\nLinear\n)\x81."),
              HasSubstr("torch.nn.modules.linear.Linear"));
  EXPECT_THAT(pickle_refusal("(S'x'\nios\nsystem\n."), HasSubstr("0x53"));
  EXPECT_THAT(pickle_refusal("ccollections\nOrderedDict\n)\x81."), HasSubstr("0x81"));
  EXPECT_THAT(pickle_refusal("ccollections\nOrderedDict\n]R."), HasSubstr(""));
  EXPECT_THAT(pickle_refusal("ctorch\nFloatStorage\n)R."), HasSubstr("FloatStorage"));
}

TEST(Pickle, MalformedIsAnErrorNotACrash) {
  EXPECT_THAT(pickle_refusal(""), HasSubstr("truncated"));
  EXPECT_THAT(pickle_refusal("X\xff\xff\xff\xff"
                             "a."),
              HasSubstr("4294967295 bytes"));
  EXPECT_THAT(pickle_refusal(std::string("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", 10)),
              HasSubstr("bytes"));
  EXPECT_THAT(pickle_refusal("R."), HasSubstr("missing"));
  EXPECT_THAT(pickle_refusal("t."), HasSubstr("mark"));
  EXPECT_THAT(pickle_refusal("}(K\x01u."), HasSubstr("key without"));
  EXPECT_THAT(pickle_refusal("K\x01K\x02"
                             "a."),
              HasSubstr("neither"));
  EXPECT_THAT(pickle_refusal("h\x07."), HasSubstr("never kept"));
  EXPECT_THAT(pickle_refusal("K\x01Q."), HasSubstr("storage"));
  EXPECT_THAT(pickle_refusal(std::string("\x80\x09N.", 4)), HasSubstr("protocol 9"));
  EXPECT_THAT(pickle_refusal("NN."), HasSubstr("2 values"));
  // A million lists within one another: no recursion.
  std::string deep(1000000, ']');
  deep += std::string(999999, 'a') + ".";
  EXPECT_EQ(pickle_refusal(deep), "");
}

std::string little(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}
/// Opcodes that push a text, and a storage of this type and key.
std::string text_op(const std::string& text) {
  return "X" + little(text.size(), 4) + text;
}
std::string storage_op(const std::string& type, const std::string& key = "0") {
  return "(" + text_op("storage") + "ctorch\n" + type + "\n" + text_op(key) + text_op("cpu") +
         "K\x04NtQ";
}
const std::string kRebuild = "ctorch._utils\n_rebuild_tensor\n";
/// A file of the older form with this dictionary and one storage: a number of elements and data.
std::string legacy_file(const std::string& dict, uint64_t count, const std::string& bytes) {
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  return magic + "\x80\x02M\xe9\x03.}." + dict + ".]" + text_op("0") + "a." + little(count, 8) +
         bytes;
}
/// A file of the older form with one float tensor of these sizes over a storage of 4 elements.
std::string one_tensor(const std::string& offset,
                       const std::string& size,
                       const std::string& stride,
                       const std::string& type = "FloatStorage",
                       int64_t count = 4) {
  const std::string tensor = kRebuild + "(" + storage_op(type) + offset + size + stride + "tR";
  return legacy_file(
      "}" + text_op("w") + tensor + "s", static_cast<uint64_t>(count), std::string(16, '\1'));
}

TEST(TorchFile, TensorsStayWithinTheirStorage) {
  const std::string zero = std::string("K\0", 2), two = "K\x02\x85", one = "K\x01\x85";
  EXPECT_EQ(refusal(one_tensor(zero, two, one)), "");
  EXPECT_EQ(refusal(one_tensor("K\x02", two, one)), "");
  EXPECT_THAT(refusal(one_tensor("K\x03", two, one)), HasSubstr("tensor 'w': reaches element 5"));
  EXPECT_THAT(refusal(one_tensor(zero, "K\x05\x85", one)), HasSubstr("reaches"));
  EXPECT_THAT(refusal(one_tensor(zero, two, "K\x09\x85")), HasSubstr("reaches"));
  // Expanded to two thousand million elements by a stride of 0.
  EXPECT_THAT(refusal(one_tensor(zero, "J\xff\xff\xff\x7f\x85", std::string("K\0\x85", 3))),
              HasSubstr("storage of 4"));
  EXPECT_THAT(refusal(one_tensor(zero, "J\xff\xff\xff\xff\x85", one)), HasSubstr("no count"));
  EXPECT_THAT(refusal(one_tensor(zero, two, "K\x01K\x01\x86")),
              HasSubstr("with 1 sizes but 2 strides"));
  const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
  EXPECT_THAT(refusal(one_tensor(zero, huge + huge + huge + "\x87", "K\x01K\x01K\x01\x87")),
              HasSubstr("beyond any memory"));
  EXPECT_THAT(refusal(one_tensor(huge, two, one)), HasSubstr("w"));
  EXPECT_THAT(refusal(one_tensor(zero, two, one, "DoubleStorage")), HasSubstr("truncated"));
  EXPECT_THAT(refusal(one_tensor(zero, two, one, "QInt8Storage")), HasSubstr("torch.QInt8Storage"));
  EXPECT_THAT(refusal(one_tensor(zero, two, one, "FloatStorage", -1)), HasSubstr("truncated"));
}

// Whatever the numbers, the refusal is ours and not PyTorch's.
TEST(TorchFile, SizesThatOverflowAreRefused) {
  const std::string zero("K\0", 2), one = "K\x01\x85", pair = "K\x01K\x01\x86";
  const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
  const auto byte_tensor = [](const auto&... numbers) {
    return refusal(one_tensor(numbers..., "ByteStorage"));
  };
  // Offset and stride sum to 2^64 - 1: one more is 0.
  EXPECT_THAT(byte_tensor(huge, "K\x02K\x02\x86", huge + "K\x01\x86"), HasSubstr("beyond any"));
  EXPECT_THAT(byte_tensor(huge, one, one), HasSubstr("beyond any"));
  EXPECT_THAT(byte_tensor(zero, "K\x03\x85", huge + "\x85"), HasSubstr("beyond any"));
  // No elements, but PyTorch multiplies the others.
  EXPECT_THAT(byte_tensor(zero, zero + huge + huge + "\x87", "K\x01K\x01K\x01\x87"),
              HasSubstr("beyond any"));
  EXPECT_THAT(refusal(one_tensor(zero, zero + huge + "\x86", pair)), HasSubstr("beyond any"));
  EXPECT_THAT(byte_tensor("J\xff\xff\xff\xff", one, one), HasSubstr("offset"));
  EXPECT_THAT(byte_tensor(zero, one, "J\xff\xff\xff\xff\x85"), HasSubstr("no count"));
  // The stride of a size of 1 is never followed.
  EXPECT_EQ(byte_tensor(zero, "K\x02K\x01\x86", "K\x01" + huge + "\x86"), "");
  EXPECT_EQ(byte_tensor(zero, zero + "K\x03\x86", pair), "");
}

/// How many MiB more than ever before the process held during `f`.
template <typename F>
int64_t growth(const F& f) {
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<int64_t>(usage.ru_maxrss) / 1024;
  };
  const int64_t before = peak();
  f();
  return peak() - before;
}
constexpr int64_t kFewMiB = 400;  // With room for the sanitizers; the files are of 1 MB or less.

TEST(TorchFile, RecalledValuesAreNotCopied) {
  std::string ones;
  for (int i = 0; i < 10000; ++i) ones += "K\x01";
  const std::string rebuild = kRebuild + "(" + storage_op("FloatStorage") + std::string("K\0", 2);
  std::string ranks = "}(" + text_op("w") + rebuild + "(" + ones + "t(" + ones +
                      "ttRq\2ctorch._utils\n_rebuild_parameter\nq\x03h\x02\x85q\x04R";
  std::string keys = "](" + storage_op("FloatStorage", std::string(90000, 'k'));
  keys.insert(keys.size() - 1, "q\x01");  // The storage's description.
  for (int i = 0; i < 10000; ++i) {
    ranks += "h\x03h\x04R";
    keys += "h\x01Q";
  }
  std::string what;
  const auto refused = [&what](const std::string& bytes) {
    return growth([&] { what = pickle_refusal(bytes); });
  };
  EXPECT_LT(refused(ranks + "u."), kFewMiB);
  EXPECT_THAT(what, HasSubstr("10000 dimensions"));
  EXPECT_LT(refused(keys + "e."), kFewMiB);
  EXPECT_THAT(what, HasSubstr("key of 90000 bytes"));
}

TEST(TorchFile, ViewsShareTheirStorage) {
  constexpr int32_t kCount = 1 << 18;
  const std::string sizes = "J" + little(kCount / 2, 4) + "K\x02\x86";
  const std::string strides = "K\x01J" + little(kCount / 2, 4) + "\x86";
  std::string dict = "}(" + text_op("w") + kRebuild + "q\x01(" + storage_op("FloatStorage") +
                     std::string("K\0", 2) + sizes + strides + "tq\x02R";
  for (int i = 0; i < 1500; ++i) dict += text_op(std::to_string(i)) + "h\x01h\x02R";
  std::string floats(kCount * sizeof(float), '\0');
  for (int32_t i = 0; i < kCount; ++i)
    reinterpret_cast<float*>(floats.data())[i] = static_cast<float>(i);
  const std::string path = temporary(legacy_file(dict + "u", kCount, floats));
  std::map<std::string, at::Tensor> tensors;
  EXPECT_LT(growth([&] { tensors = read_torch_file(path); }), kFewMiB);
  std::filesystem::remove(path);
  ASSERT_EQ(tensors.size(), 1501U);
  EXPECT_TRUE(
      at::equal(tensors.at("w"), at::arange(double{kCount}).view({2, -1}).t().to(at::kFloat)));
  EXPECT_TRUE(at::equal(tensors.at("w"), tensors.at("1499")));
  // The process may have held as much before; this holds in any order of the tests.
  for (const auto& [name, t] : tensors) EXPECT_TRUE(t.is_alias_of(tensors.at("w"))) << name;
}

TEST(TorchFile, EntriesOfAnArchiveDoNotOverlap) {
  std::string zip = content(data("torch_small.pth"));
  // Both sizes of every entry of the directory.
  for (size_t at = zip.find("PK\1\2"); at != zip.npos; at = zip.find("PK\1\2", at + 1))
    zip.replace(at + 20, 8, little(4000, 4) + little(4000, 4));
  EXPECT_THAT(refusal(zip), HasSubstr("overlap"));
}

TEST(TorchFile, LimitsOfNames) {
  const std::string tensor =
      kRebuild + "(" + storage_op("FloatStorage") + std::string("K\0K\2\x85K\1\x85tR", 10);
  const auto names = [&](const std::string& pairs) {
    return refusal(legacy_file("}(" + pairs + "u", 4, std::string(16, '\1')));
  };
  EXPECT_EQ(names(text_op(std::string(1000, 'n')) + tensor), "");
  EXPECT_THAT(names(text_op(std::string(1001, 'n')) + tensor), HasSubstr("name of 1001 bytes"));
  EXPECT_THAT(names(text_op("n") + "q\1" + tensor + "q\2h\1h\2"), HasSubstr("'n' is there twice"));
}

TEST(Pickle, LimitsOfItsLength) {
  EXPECT_THAT(pickle_refusal(std::string(Pickle::kMaxOperations + 1, ']')),
              HasSubstr("more than 2097152 operations"));
  EXPECT_THAT(pickle_refusal(std::string(Pickle::kMaxOperations + 1, '(')),
              HasSubstr("operations"));
  EXPECT_THAT(pickle_refusal("N" + std::string(Pickle::kMaxOperations, '\x94')),
              HasSubstr("operations"));
  EXPECT_THAT(pickle_refusal(text_op(std::string(Pickle::kMaxBytes, 'x')) + "."),
              HasSubstr("longer than 64 MiB"));
}

/// Some bytes changed, the end missing, or a part of `other` put in or over.
std::string mutated(std::mt19937& random, std::string bytes, const std::string& other) {
  const auto below = [&random](size_t limit) { return random() % limit; };
  switch (below(4)) {
    case 0:
      return bytes.substr(0, below(bytes.size()));
    case 1: {
      // One by one: the order in which a call's arguments are computed is not fixed.
      const size_t at = below(bytes.size()), out = below(64), from = below(other.size());
      return bytes.replace(at, out, other.substr(from, 1 + below(64)));
    }
    default:
      // Most of them at the beginning or the end: pickles and directories are there.
      for (size_t i = 0, count = 1 + below(8); i < count; ++i) {
        const size_t near = std::min<size_t>(bytes.size(), 3000), at = below(near);
        const size_t where[] = {at, bytes.size() - 1 - at, below(bytes.size())};
        bytes[where[below(3)]] = static_cast<char>(below(256));
      }
      return bytes;
  }
}

TEST(TorchFile, MutationsLoadOrAreRefused) {
  std::vector<std::string> files;
  for (const char* name :
       {"torch_small_legacy.pth", "torch_small.pth", "ofa_tiny.pth", "ofa_resnet_tiny.pth"})
    files.push_back(content(data(name)));
  std::mt19937 random(20260);
  int refused = 0;
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < 200; ++i) {
    // Every other one is of the older form, where no checksum stops it early.
    const std::string& file = files[i % 2 == 0 ? 0 : 1 + i / 2 % 3];
    const std::string bytes = mutated(random, file, files[random() % files.size()]);
    EXPECT_NO_THROW(refused += !refusal(bytes).empty()) << "mutation " << i;
  }
  EXPECT_GT(refused, 100);
  EXPECT_LT(refused, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace nas
