// ONNX files of every family and every op: what the file says by the definitions of ONNX is what
// the network answers. First read with our own reader, then, all files in one process, with the
// ONNX checker and onnxruntime (check_onnx.py), which `./dev test` installs for the tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "spaces/base/subprocess.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "supernet/export/export.hpp"
#include "supernet/export/onnx/graph.hpp"
#include "supernet/export/onnx/network.hpp"
#include "supernet/files/tensor_file.hpp"
#include "support.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Families made small where they are large, one space of each at least.
const char* const kFamilies[] = {
    "family: downsampling\nvariant: resnet20-pool\nresolution: 16\n",
    "family: downsampling\nvariant: resnet18-stride\nresolution: 8\nimagenet_stem: true\n",
    "family: cnn\nchannels: 1\nresolution: 8\nclasses: 10\nstem_width: 12\n"
    "kinds: [sep3, mb3, conv3, conv5]\nstages:\n  - {widths: [12, 24], depths: [0, 1, 2], stride: "
    "1}\n"
    "  - {widths: [16, 32], depths: [0, 1, 2], stride: 2}\n",
    "family: nasbench201\ncells: 1\n",
    "family: nasbench-macro\n",
    "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.2\nkernels: [3, 5]\n"
    "expansions: [1, 2]\ndepths: [1, 2]\nresolutions: [16, 32]\nclasses: 10\n",
    "family: proxyless\nwidth_mult: 0.15\nkernels: [3, 5]\nexpansions: [3]\ndepths: [1, 2]\n"
    "resolutions: [32]\nclasses: 10\n",
    "family: ofa_resnet50\nwidths: [0.05, 0.06, 0.1]\nresolution: 32\nclasses: 10\n",
    "family: darts\nwidth: 4\nlayers: 4\nresolution: 16\n",
    "family: darts\nwidth: 4\nlayers: 3\nresolution: 16\nnone: true\nform: final\n",
    "family: custom\nchannels: 1\nclasses: 3\nresolutions: [6, 9]\nstem: {width: 4}\nblocks:\n"
    "  - {name: max, kind: maxpool, kernels: [1, 3, 5]}\n"
    "  - {name: avg, kind: avgpool, kernels: [1, 3]}\nstages:\n"
    "  - {widths: [4], depths: [1, 2], blocks: [max, avg, skip]}\n"
    "  - {widths: [4, 6], depths: [0, 1, 2], shortcut: true, blocks: [mbconv, none, sep]}\n"};

at::Tensor noise(at::IntArrayRef sizes, Rng& rng, double middle = 0, double spread = 1) {
  return test::tensor_of(sizes, [&](int64_t) { return middle + spread * rng.normal(); })
      .to(at::kFloat);
}

/// Writes files beside what they must answer, for batches of these sizes.
class Files {
 public:
  explicit Files(std::vector<int64_t> batches = {1, 3}) : batches_(std::move(batches)) {
    folder_ = fs::temp_directory_path() / ("nas-onnx-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  ~Files() { fs::remove_all(folder_); }
  const fs::path& folder() const { return folder_; }
  int count() const { return count_; }
  const std::set<size_t>& ops() const { return ops_; }

  void add(const std::string& name, const Subnet& subnet, const Shape& image, int opset) {
    SCOPED_TRACE(name);
    for (const Node& node : subnet.plan.nodes) ops_.insert(node.op.index());
    const std::string path = folder_ / (name + ".onnx");
    OnnxText text;
    text.opset = opset;
    text.version = "0";
    text.doc = "a test";
    text.description = R"({"name": ")" + name + "\"}";
    text.image = image;
    const std::string sha = write_onnx(path, subnet, text);
    EXPECT_EQ(sha, file_sha256(path));
    const auto file = open_exported(path);
    EXPECT_STREQ(file->format(), "onnx");
    EXPECT_EQ(file->description(), text.description);
    EXPECT_EQ(hash_tensors(file->tensors()), hash_tensors(subnet.tensors));
    TensorFile answers;
    answers.meta["opset"] = std::to_string(opset);
    Rng rng(3, name);
    for (const int64_t n : batches_) {
      at::Tensor x = at::empty({0});
      std::vector<int64_t> sizes{n};
      const Dims dims = dims_of(image);
      sizes.insert(sizes.end(), dims.span().begin(), dims.span().end());
      x = noise(sizes, rng);
      const at::Tensor y = forward(subnet, x);
      const double scale = y.abs().max().item<double>();
      EXPECT_GT(scale, 0);
      EXPECT_LT((file->run(x) - y).abs().max().item<double>(), 1e-4 * scale);
      answers.tensors["x" + std::to_string(n)] = x;
      answers.tensors["y" + std::to_string(n)] = y;
    }
    write_tensor_file(folder_ / (name + ".safetensors"), answers);
    ++count_;
  }

 private:
  std::vector<int64_t> batches_;
  fs::path folder_;
  int count_ = 0;
  std::set<size_t> ops_;
};

/// Statistics for every batch norm, as an export measures them; scales and shifts that are not
/// those of the start.
Subnet subnet_of(const Plan& plan, TensorSource& tensors, Rng& rng) {
  BnTable table;
  for (size_t i = 0; i < plan.nodes.size(); ++i)
    if (const auto* bn = std::get_if<BatchNorm>(&plan.nodes[i].op))
      table[static_cast<int32_t>(i)] = {noise({bn->channels}, rng, 0, 0.2),
                                        noise({bn->channels}, rng, 1, 0.1).abs() + 0.1};
  Subnet subnet = cut_out(plan, tensors, table);
  for (const Node& node : plan.nodes) {
    const auto* bn = std::get_if<BatchNorm>(&node.op);
    if (bn == nullptr || !bn->affine) continue;
    subnet.tensors[plan.tensor_name(node, Role::kWeight)] = noise({bn->channels}, rng, 1, 0.2);
    subnet.tensors[plan.tensor_name(node, Role::kBias)] = noise({bn->channels}, rng, 0, 0.2);
  }
  return subnet;
}

std::set<std::string> add_families(Files& files) {
  std::set<std::string> families;
  int k = 0;
  for (const char* yaml : kFamilies) {
    SCOPED_TRACE(yaml);
    const auto space = test::space_of(yaml);
    const std::string line = std::string(yaml).substr(8);
    const std::string family = line.substr(0, line.find('\n'));
    families.insert(family);
    const auto weights = make_shared_set(*space, 1);
    Rng rng(5, yaml);
    // Every opset in turn; the networks of a family differ in what they are made of.
    for (const Architecture& a : {space->largest(), space->sample(rng), space->sample(rng)}) {
      Subnet subnet = subnet_of(space->plan(a), *weights->bind(a), rng);
      const int opset = onnx::kOldestOpset + k % 5;
      const std::string name = family + std::to_string(k++);
      files.add(name, subnet, space->input(), opset);
      if (k % 3 != 0) continue;
      fold_batch_norms(subnet);
      files.add(name + "-folded", subnet, space->input(), onnx::kNewestOpset);
    }
  }
  return families;
}

/// A plan by hand: what no family has at the moment, but plans may have.
class ByHand {
 public:
  explicit ByHand(const Shape& image) : image_(image) {
    symbols_.intern("");
    builder_ = std::make_unique<PlanBuilder>(subnet_.plan, symbols_, image);
  }
  PlanBuilder& b() { return *builder_; }
  uint32_t name(const char* text) { return symbols_.intern(text); }
  void write(Files& files, const std::string& name, int opset) {
    Rng rng(9, name);
    for (const Node& node : subnet_.plan.nodes) {
      TensorSpec specs[kMostTensors];
      const int n = tensors_of(node.op, specs);
      for (int k = 0; k < n; ++k) {
        at::Tensor t = noise(specs[k].shape.span(), rng);
        if (specs[k].role == Role::kRunningVar) t = t.abs() + 0.1;
        subnet_.tensors[subnet_.plan.tensor_name(node, specs[k].role)] = t;
      }
    }
    files.add(name, subnet_, image_, opset);
  }

 private:
  Shape image_;
  SymbolTable symbols_;
  Subnet subnet_;
  std::unique_ptr<PlanBuilder> builder_;
};

void add_by_hand(Files& files) {
  for (const int opset : {13, 14}) {
    ByHand all({3, 7, 6});
    std::vector<int32_t> parts;
    for (const Act act :
         {Act::kRelu, Act::kRelu6, Act::kHSwish, Act::kHSigmoid, Act::kSwish, Act::kSigmoid})
      parts.push_back(all.b().add(Activation{act}, 0, Plan::kInput));
    parts.push_back(all.b().add(Dropout{0.5F}, 0, Plan::kInput));
    parts.push_back(all.b().add(DropPath{0.5F}, 0, Plan::kInput));
    parts.push_back(all.b().add(BatchNorm{.channels = 3, .affine = false, .running = false},
                                all.name("plain"),
                                Plan::kInput));
    parts.push_back(
        all.b().add(BatchNorm{.channels = 3, .running = false}, all.name("batch"), Plan::kInput));
    const int32_t wide = all.b().add(Concat{}, 0, parts);
    const int32_t odd = all.b().add(Subsample{2, 1}, 0, wide);
    const int32_t none = all.b().add(Zero{2}, 0, wide);
    const int32_t first = all.b().add(Subsample{2, 0}, 0, wide);
    const int32_t sum = all.b().add(Add{}, 0, {none, first, first});
    const int32_t pooled = all.b().add(GlobalAvgPool{true}, 0, sum);
    const int32_t gated = all.b().add(Mul{}, 0, {odd, pooled});
    const int32_t flat = all.b().add(GlobalAvgPool{}, 0, gated);
    const int32_t norm =
        all.b().add(BatchNorm{.channels = 30, .running = false}, all.name("vector"), flat);
    const int32_t same = all.b().add(BatchNorm{.channels = 30}, all.name("running"), norm);
    // The output is a value that others read, too, and nothing is computed last.
    const int32_t out =
        all.b().add(Linear{.in = 30, .out = 5, .bias = false}, all.name("constant"), same);
    all.b().add(Activation{Act::kRelu}, 0, out);
    all.b().add(Identity{}, 0, out);
    all.write(files, "by-hand-" + std::to_string(opset), opset);
  }
  ByHand words({4, 6, 1, Form::kSequence});
  const int32_t each = words.b().add(Linear{.in = 4, .out = 3}, words.name("each"), Plan::kInput);
  const int32_t other =
      words.b().add(Linear{.in = 4, .out = 2, .bias = false}, words.name("other"), Plan::kInput);
  const int32_t both = words.b().add(Concat{}, 0, {each, other});
  words.b().add(GlobalAvgPool{}, 0, both);
  words.write(files, "sequence", 17);
}

/// With the ONNX checker and onnxruntime, all files in one process.
void compare_with_onnxruntime(const Files& files) {
  const std::string tools = NAS_TEST_PYTHON;
  if (tools.empty() || !fs::exists(tools))
    GTEST_SKIP() << "onnx and onnxruntime are not here: `./dev test` installs them for the tests "
                    "(-DNAS_TEST_PYTHON=FOLDER names another place); the files were read by nas "
                    "alone";
  ::setenv("PYTHONPATH", tools.c_str(), 1);
  Subprocess python({"python3",
                     std::string(NAS_SOURCE_DIR) + "/tests/supernet/export/check_onnx.py",
                     files.folder().string()},
                    {.out = true, .err = true});
  while (!python.ending() || !python.output_ended()) python.turn(50);
  EXPECT_TRUE(python.ending()->good()) << python.output() << python.errors();
  EXPECT_THAT(python.output(), HasSubstr(std::to_string(files.count()) + " files agree"));
  std::cout << python.output();
}

// The published sizes take minutes (below); that the whole of every family is written alike follows
// from their being made of the same ops.
TEST(Onnx, EveryFamilyAndOpAnswersAsTheNetworkDoes) {
  Files files;
  const std::set<std::string> families = add_families(files);
  for (const SpaceFamily& family : space_families())
    EXPECT_EQ(families.count(family.name), 1U) << "no file of the family " << family.name;
  add_by_hand(files);
  for (size_t op = 0; op < std::variant_size_v<Op>; ++op)
    EXPECT_EQ(files.ops().count(op), op == Op(WeightedSum{}).index() ? 0U : 1U) << "op " << op;
  ASSERT_FALSE(HasFailure());

  compare_with_onnxruntime(files);
}

// Ten seconds of a processor and a GB of files, so by hand (tests/bench/RESULTS.md has what it
// says):
// build/release/tests/supernet/test_supernet, with --gtest_also_run_disabled_tests and
// --gtest_filter='Onnx.DISABLED_PublishedSizes*'.
TEST(Onnx, DISABLED_PublishedSizesAnswerAsTheNetworkDoes) {
  Files files({2});
  for (const char* name : {"mobilenet", "proxyless", "ofa-resnet50", "darts", "darts-final"}) {
    SCOPED_TRACE(name);
    const auto space = load_space(name);
    const auto weights = make_shared_set(*space, 1);
    Rng rng(5, name);
    int k = 0;
    for (const Architecture& a : {space->largest(), space->sample(rng)}) {
      const Subnet subnet = subnet_of(space->plan(a), *weights->bind(a), rng);
      files.add(name + std::string(k++ == 0 ? "-largest" : "-random"),
                subnet,
                space->input(),
                onnx::kNewestOpset);
    }
  }
  ASSERT_FALSE(HasFailure());
  compare_with_onnxruntime(files);
}

std::string written_small() {
  static const std::string bytes = [] {
    const auto space = test::space_of(
        "family: custom\nchannels: 1\nclasses: 3\nresolutions: [6]\n"
        "stem: {width: 4}\nstages: [{widths: [4, 6], blocks: [conv]}]\n");
    const auto weights = make_shared_set(*space, 1);
    const Architecture a = space->largest();
    const std::string path =
        fs::temp_directory_path() / ("nas-small-" + std::to_string(::getpid()) + ".onnx");
    write_onnx(path, cut_out(space->plan(a), *weights->bind(a), {}), {});
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    fs::remove(path);
    return text;
  }();
  return bytes;
}

// Whatever happens to a file, it is refused or read, never a crash; cut ones are always refused.
TEST(Onnx, DamagedFilesAreRefused) {
  const std::string whole = written_small();
  EXPECT_NO_THROW(onnx::require_sound(onnx::decode(whole, "f.onnx"), "f.onnx"));
  for (size_t size = 0; size < whole.size(); size += 7) {
    const std::string cut = whole.substr(0, size);
    EXPECT_THROW(onnx::require_sound(onnx::decode(cut, "f.onnx"), "f.onnx"), DataError) << size;
  }
  Rng rng(1, "damage");
  int refused = 0;
  for (int k = 0; k < 2000; ++k) {
    std::string damaged = whole;
    damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
    try {
      onnx::require_sound(onnx::decode(damaged, "f.onnx"), "f.onnx");
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("f.onnx"));
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

// The same when they are run: an error that names the file, whatever sizes and attributes became.
TEST(Onnx, DamagedFilesRunOrAreRefused) {
  const std::string whole = written_small();
  const std::string path =
      fs::temp_directory_path() / ("nas-damaged-" + std::to_string(::getpid()) + ".onnx");
  const at::Tensor x = at::ones({2, 1, 6, 6});
  Rng rng(2, "damage");
  int answered = 0, refused = 0;
  for (int k = 0; k < 400; ++k) {
    std::string damaged = whole;
    damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
    std::ofstream(path, std::ios::binary) << damaged;
    try {
      onnx::Network(path).run(x);
      ++answered;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr(path));
      ++refused;
    }
  }
  fs::remove(path);
  EXPECT_GT(answered, 50);  // Weights may be any numbers.
  EXPECT_GT(refused, 50);
}

TEST(Onnx, BrokenModelsAreTold) {
  const std::string whole = written_small();
  const onnx::Model good = onnx::decode(whole, "f.onnx");
  const auto told = [&](const auto& change) {
    onnx::Model model = good;
    change(model);
    try {
      onnx::require_sound(model, "f.onnx");
    } catch (const DataError& e) {
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  EXPECT_THAT(told([](onnx::Model& m) { m.nodes.front().inputs[1] = "else"; }),
              HasSubstr("reads 'else', which nothing gives before it"));
  EXPECT_THAT(told([](onnx::Model& m) { std::swap(m.nodes[0], m.nodes[1]); }),
              HasSubstr("which nothing gives before it"));
  EXPECT_THAT(told([](onnx::Model& m) { m.tensors[1].name = m.tensors[0].name; }),
              HasSubstr("is given twice"));
  EXPECT_THAT(told([](onnx::Model& m) { m.tensors[0].sizes[0] += 1; }),
              HasSubstr("has not as many bytes as its sizes say"));
  EXPECT_THAT(told([](onnx::Model& m) { m.nodes[1].name = m.nodes[0].name; }),
              HasSubstr("two nodes are called"));
  EXPECT_THAT(told([](onnx::Model& m) { m.values.pop_back(); }), HasSubstr("not written down"));
  EXPECT_THAT(told([](onnx::Model& m) { m.outputs[0].sizes[0] = 8; }), HasSubstr("is not free"));
  EXPECT_THAT(told([](onnx::Model& m) { m.opset = 18; }), HasSubstr("opset 18"));
}

TEST(Onnx, TooLargeANetworkIsAnErrorThatSaysWhatToDo) {
  SymbolTable symbols;
  symbols.intern("");
  Plan plan;
  PlanBuilder b(plan, symbols, {30000, 1, 1, Form::kVector});
  b.add(Linear{.in = 30000, .out = 20000}, symbols.intern("wide"), Plan::kInput);
  const onnx::TensorsByName none = [](const std::string&) -> onnx::Floats {
    throw std::logic_error("no tensor is asked for");
  };
  try {
    onnx::model_of(plan, none, {});
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(std::string(e.what()), HasSubstr("2.1 GB at most"));
    EXPECT_THAT(std::string(e.what()), HasSubstr("2.4 GB"));
  }
}

TEST(Onnx, ARelaxedPlanIsNoNetwork) {
  SymbolTable symbols;
  symbols.intern("");
  Plan plan;
  PlanBuilder b(plan, symbols, {2, 4, 4});
  const int32_t a = b.add(Activation{}, 0, Plan::kInput);
  plan.option_pool = {0, 1};
  b.add(WeightedSum{.choice = 0}, 0, {a, Plan::kInput});
  EXPECT_THROW(onnx::model_of(plan, [](const std::string&) { return onnx::Floats{}; }, {}),
               std::logic_error);
}

}  // namespace
}  // namespace nas
