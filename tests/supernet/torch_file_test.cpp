// Files of torch.save through the restricted reader: sound ones (written by Python's torch, see
// data/write_ofa.py), damaged ones, and such as would run code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "spaces/error.hpp"
#include "supernet/initial_weights.hpp"
#include "supernet/pickle_reader.hpp"
#include "supernet/torch_file.hpp"
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
  const auto store = make_shared_store(*space, 0, at::kDouble);
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
    const auto store = make_shared_store(*space, 0);
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

/// A file of the older form with one float tensor of these sizes over a storage of 4 elements.
std::string one_tensor(const std::string& offset,
                       const std::string& size,
                       const std::string& stride,
                       const std::string& type = "FloatStorage",
                       int64_t count = 4) {
  const std::string storage = "(X\x07" + std::string(3, '\0') + "storagectorch\n" + type +
                              "\nX\x01" + std::string(3, '\0') + "0X\x03" + std::string(3, '\0') +
                              "cpuK\x04NtQ";
  std::string file("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.}.");
  file += "}X\x01" + std::string(3, '\0') + "wctorch._utils\n_rebuild_tensor\n(" + storage +
          offset + size + stride + "tRs.";
  file += "]X\x01" + std::string(3, '\0') + "0a.";
  for (int i = 0; i < 8; ++i) file += static_cast<char>(static_cast<uint64_t>(count) >> (8 * i));
  return file + std::string(16, '\1');
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
  EXPECT_THAT(refusal(one_tensor(zero, two, "K\x01K\x01\x86")), HasSubstr("strides"));
  const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
  EXPECT_THAT(refusal(one_tensor(zero, huge + huge + huge + "\x87", "K\x01K\x01K\x01\x87")),
              HasSubstr("beyond any memory"));
  EXPECT_THAT(refusal(one_tensor(huge, two, one)), HasSubstr("w"));
  EXPECT_THAT(refusal(one_tensor(zero, two, one, "DoubleStorage")), HasSubstr("truncated"));
  EXPECT_THAT(refusal(one_tensor(zero, two, one, "QInt8Storage")), HasSubstr("torch.QInt8Storage"));
  EXPECT_THAT(refusal(one_tensor(zero, two, one, "FloatStorage", -1)), HasSubstr("truncated"));
}

}  // namespace
}  // namespace nas
