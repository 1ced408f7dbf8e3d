// Whatever a space file may call its stages and blocks, the network can be exported.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "spaces/error.hpp"
#include "supernet/export/export.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/subnet.hpp"
#include "support.hpp"

namespace nas {
namespace {

std::string yaml_with(const std::string& stage, const std::string& block) {
  return "family: custom\nchannels: 1\nresolutions: [8]\nclasses: 3\nstem: {width: 4}\n"
         "blocks: [{name: '" +
         block + "', kind: conv}]\nstages: [{name: '" + stage + "', widths: [4, 6], blocks: ['" +
         block + "']}]\n";
}

TEST(ExportNames, AllThatAreReadAreExported) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("names-" + std::to_string(::getpid()) + ".ts"));
  for (const char* name :
       {"my-stage",
        "2nd",
        "-",
        "_",
        "a-b-c",
        "3-x3",
        "weight",
        "running_mean",
        "x",
        "v1",
        "conv1",
        "shortcut",
        "forward_",
        "Class",
        "inf",
        "nan",
        "eval",
        "print",
        "match",
        "type",
        "list",
        "int",
        "Tensor",
        "exec",
        // Words of Python and of modules, and what their stand-ins could be mistaken for.
        "class",
        "if",
        "None",
        "in",
        "lambda",
        "self",
        "torch",
        "training",
        "forward",
        "class_",
        "class__"}) {
    SCOPED_TRACE(name);
    const auto space = test::space_of(yaml_with(name, name));
    const auto store = make_shared_set(*space, 1);
    const Architecture a = space->largest();
    const Subnet subnet = cut_out(space->plan(a), *store->bind(a), {});
    const at::Tensor x = at::ones({2, 1, 8, 8});
    try {
      write_torchscript(path, subnet, "{}");
      const auto file = open_exported(path);
      EXPECT_TRUE(at::allclose(file->run(x), forward(subnet, x), 1e-5, 1e-6));
      EXPECT_EQ(hash_tensors(file->tensors()), hash_tensors(subnet.tensors));
      write_onnx(path, subnet, {});
      const auto onnx = open_exported(path);
      EXPECT_TRUE(at::allclose(onnx->run(x), forward(subnet, x), 1e-5, 1e-6));
      EXPECT_EQ(hash_tensors(onnx->tensors()), hash_tensors(subnet.tensors));
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }
  std::filesystem::remove(path);
}

// Others are refused where they are read, before any training.
TEST(ExportNames, OthersAreRefusedAtTheirPlace) {
  for (const std::string& name : {std::string("a\xe4"),
                                  std::string("a\x01"),
                                  std::string(41, 'a'),
                                  std::string("caf\xc3\xa9"),
                                  std::string("a b"),
                                  std::string("a.b"),
                                  std::string("a/b")})
    for (const bool stage : {true, false}) {
      try {
        test::space_of(stage ? yaml_with(name, "a") : yaml_with("a", name));
        ADD_FAILURE() << name;
      } catch (const ConfigError& e) {
        const Problem& problem = e.problems().front();
        EXPECT_EQ(problem.key, stage ? "stages.0.name" : "blocks.0.name");
        EXPECT_EQ(problem.line, stage ? 7 : 6);
      }
    }
}

}  // namespace
}  // namespace nas
