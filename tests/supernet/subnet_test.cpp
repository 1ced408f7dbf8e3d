// A subnet alone: the same bits as inside the supernet; folded batch norms; its files.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "supernet/export/subnet_export.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/subnet.hpp"
#include "supernet/weights/weight_store.hpp"
#include "trial.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

BnTable some_statistics(const Plan& plan) {
  BnTable table;
  for (size_t i = 0; i < plan.nodes.size(); ++i)
    if (const auto* bn = std::get_if<BatchNorm>(&plan.nodes[i].op)) {
      const at::Tensor ramp = at::arange(bn->channels, at::kFloat);
      table[static_cast<int32_t>(i)] = {ramp.sin() * 0.3, ramp.cos().square() + 0.5};
    }
  return table;
}

TEST(Subnet, AloneItAnswersAsInsideTheSupernet) {
  for (const char* name : {"digits", "nasbench201-n1", "mobilenet-32"}) {
    SCOPED_TRACE(name);
    const auto space = load_space(name);
    const auto set = make_shared_set(*space, 2);
    Rng rng(1, "subnets");
    for (int i = 0; i < 3; ++i) {
      const Architecture a = space->sample(rng);
      const Plan plan = space->plan(a);
      BnTable table = some_statistics(plan);
      const at::Tensor x =
          at::arange(2 * plan.input().c * plan.input().h * plan.input().w, at::kFloat)
              .view({2, plan.input().c, plan.input().h, plan.input().w})
              .sin();
      ForwardOptions options;
      options.bn = ForwardOptions::Bn::kTable;
      options.table = &table;
      const at::Tensor expected = forward(plan, *set->bind(a), x, options).detach();
      Subnet subnet = cut_out(plan, *set->bind(a), table);
      EXPECT_TRUE(at::equal(forward(subnet, x), expected));
      EXPECT_EQ(parameter_count(subnet), cost_of(plan, space->counting()).params);
      const int norms = static_cast<int>(table.size());
      const int folded = fold_batch_norms(subnet);
      EXPECT_GT(folded, 0);
      EXPECT_LE(folded, norms);
      const double scale = expected.abs().max().item<double>();
      EXPECT_LT((forward(subnet, x) - expected).abs().max().item<double>(),
                1e-4 * std::max(1.0, scale));
    }
  }
}

// w' = w g / sqrt(v + eps), b' = beta + (b - mean) g / sqrt(v + eps), by hand.
TEST(Subnet, FoldingByHand) {
  const auto space = load_space("digits");
  const Architecture a = space->smallest();
  const Plan plan = space->plan(a);
  const auto set = make_shared_set(*space, 2);
  Subnet subnet = cut_out(plan, *set->bind(a), some_statistics(plan));
  size_t i = 0;
  while (!std::holds_alternative<BatchNorm>(plan.nodes[i].op)) ++i;
  const auto& bn = std::get<BatchNorm>(plan.nodes[i].op);
  const Node& conv = plan.nodes[static_cast<size_t>(plan.inputs(plan.nodes[i])[0])];
  const at::Tensor w = subnet.tensors.at(plan.tensor_name(conv, Role::kWeight)).clone();
  const at::Tensor mean = subnet.tensors.at(plan.tensor_name(plan.nodes[i], Role::kRunningMean));
  const at::Tensor var = subnet.tensors.at(plan.tensor_name(plan.nodes[i], Role::kRunningVar));
  const at::Tensor factor = (var + bn.eps).rsqrt();
  fold_batch_norms(subnet);
  EXPECT_TRUE(at::allclose(subnet.tensors.at(plan.tensor_name(conv, Role::kWeight)),
                           w * factor.view({-1, 1, 1, 1})));
  EXPECT_TRUE(at::allclose(subnet.tensors.at(plan.tensor_name(conv, Role::kBias)), -mean * factor));
}

// The files of an export, read in this process as a fresh one would.
TEST(SubnetExport, FilesAnswerAsTheSupernetDoes) {
  test::Trial run("{name: uniform}", 1);
  const fs::path folder = run.folder;
  const Architecture a = run.space->sample(*std::make_unique<Rng>(3, "export"));
  ExportOptions options;
  options.judged.images = 48;
  options.judged.batch = 24;
  const RunData data{*run.dataset, run.splits, run.normalisation, run.data_options};
  const SubnetExport subnet(*run.space, a, *run.store, *run.store, data, options);
  std::string sha256;
  const FileCheck check =
      subnet.write_torchscript((folder / "model.ts").string(), "{}", check_exported_files, sha256);
  EXPECT_TRUE(check.passed);
  EXPECT_TRUE(check.logits_equal);
  EXPECT_TRUE(check.tensors_equal);
  EXPECT_EQ(check.images, 16);
  EXPECT_EQ(sha256, file_sha256((folder / "model.ts").string()));
  EXPECT_TRUE(subnet.write_tensors((folder / "model.safetensors").string(), {{"a", "b"}}, sha256));
  EXPECT_EQ(read_tensor_file((folder / "model.safetensors").string()).meta.at("a"), "b");
  EXPECT_EQ(subnet.parameters(), subnet.cost().params);
  const BatchNormSources& from = subnet.batch_norms();
  EXPECT_EQ(from.batch, 0u);
  EXPECT_GT(from.images, 0u);
  EXPECT_EQ(from.calibration_images, 48);
  EXPECT_EQ(fs::exists(folder / "model.ts.check-in"), false);
}

// A file that does not answer right is not left behind.
TEST(SubnetExport, AWrongFileIsRemoved) {
  test::Trial run("{name: uniform}", 1);
  const std::string path = (run.folder / "model.ts").string();
  const RunData data{*run.dataset, run.splits, run.normalisation, run.data_options};
  const SubnetExport subnet(
      *run.space, run.space->smallest(), *run.store, *run.store, data, ExportOptions{});
  std::string sha256;
  const auto wrong = [](const std::vector<std::string>& files) {
    check_exported_files(files);
    TensorFile result = read_tensor_file(files[2]);
    result.tensors["logits"] = result.tensors["logits"] + 1e-6;
    write_tensor_file(files[2], result);
  };
  EXPECT_FALSE(subnet.write_torchscript(path, "{}", wrong, sha256).passed);
  EXPECT_FALSE(fs::exists(path));
  const auto crash = [](const std::vector<std::string>&) { throw Error("it ended"); };
  EXPECT_THROW(subnet.write_torchscript(path, "{}", crash, sha256), Error);
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace nas
