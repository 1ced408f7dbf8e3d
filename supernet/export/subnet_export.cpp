// A file is proven right by what it is for: a process that knows nothing of the supernet loads it
// and answers for some images. Before batch norms are folded every bit must agree with the subnet
// inside the supernet, because both run the same operators on the same numbers; folding multiplies
// in another order, so that only nearness can be asked for.
#include "supernet/export/subnet_export.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <unistd.h>

#include <algorithm>

#include "spaces/base/scratch_file.hpp"
#include "spaces/error.hpp"
#include "supernet/export/export.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/subnet.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {
namespace {

constexpr int64_t kCheckImages = 16;

size_t batch_norms_of(const Plan& plan) {
  return static_cast<size_t>(
      std::count_if(plan.nodes.begin(), plan.nodes.end(), [](const Node& node) {
        return std::holds_alternative<BatchNorm>(node.op);
      }));
}

}  // namespace

struct SubnetExport::State {
  Plan plan;
  Cost cost;
  Subnet subnet;
  int folded = 0;
  BatchNormSources sources;
  at::Tensor images, expected;

  /// Measured anew, or the supernet's running ones.
  BnTable statistics(TensorSource& tensors, const RunData& data, const ExportOptions& o) {
    const bool measured = !o.keep_running && (o.judged.enabled || o.images > 0);
    BnTable running = running_statistics(plan, tensors);
    const size_t norms = batch_norms_of(plan);
    const bool others = norms > running.size() && !o.batch_statistics;
    BnTable table;
    if ((measured && !running.empty()) || others) {
      const int64_t images = o.images > 0 ? o.images : o.judged.images;
      FixedBatches calibration(
          data,
          seeded_subset(data.splits.train, images, o.judged.seed, "recalibrate"),
          o.judged.batch,
          torch_device(o.device),
          o.layout);
      sources.calibration_images = calibration.size();
      sources.calibration_batch = calibration.batch();
      table = recalibrate(plan, tensors, calibration, !o.batch_statistics);
    }
    sources.running = measured ? 0 : running.size();
    if (!measured)
      for (auto& [id, stats] : running) table[id] = std::move(stats);
    sources.images = table.size() - sources.running;
    sources.batch = norms - table.size();
    return table;
  }

  /// The supernet's own answer: shared weights, on the CPU as the exported file will run.
  void answer(TensorSource& tensors, const RunData& data, BnTable table) {
    const Splits& splits = data.splits;
    const std::vector<int64_t>& pool = splits.validation.empty() ? splits.train : splits.validation;
    FixedBatches few(data,
                     seeded_subset(pool, kCheckImages, 0, "export"),
                     kCheckImages,
                     c10::Device(c10::kCPU),
                     Layout::kContiguous);
    few.each([&](const FixedBatches::Item& item) { images = item.images.contiguous(); });
    for (auto& [id, stats] : table) stats = {stats.mean.cpu(), stats.var.cpu()};
    ForwardOptions options;
    options.bn = ForwardOptions::Bn::kTable;
    options.table = &table;
    const c10::NoGradGuard no_grad;
    expected = forward(plan, tensors, images, options);
  }

  FileCheck check(const std::string& path, bool exact, const FreshProcess& fresh) const {
    const std::string own = std::to_string(getpid());
    const ScratchFile input(path + ".check-in" + own), output(path + ".check-out" + own);
    TensorFile file;
    file.tensors["images"] = images;
    write_tensor_file(input.path(), file);
    fresh({path, input.path(), output.path(), std::to_string(compute_threads())});
    const TensorFile result = read_tensor_file(output.path());
    FileCheck found;
    const at::Tensor& logits = result.tensors.at("logits");
    found.images = images.size(0);
    found.logits_equal = at::equal(logits, expected);
    found.max_difference = (logits - expected).abs().max().item<double>();
    found.tensors_equal = result.meta.at("tensors_sha256") == hash_tensors(subnet.tensors);
    const double scale = expected.abs().max().item<double>();
    found.passed =
        found.tensors_equal &&
        (exact ? found.logits_equal : found.max_difference <= 1e-4 * std::max(1.0, scale));
    return found;
  }
  /// Writes, checks and only then names a file.
  FileCheck proven(const std::string& path,
                   bool exact,
                   const FreshProcess& fresh,
                   const std::function<void(const std::string&)>& write) const;
};

SubnetExport::SubnetExport(const Space& space,
                           const Architecture& a,
                           WeightStore& weights,
                           WeightStore& on_cpu,
                           const RunData& data,
                           const ExportOptions& options)
    : s_(std::make_unique<State>()) {
  s_->plan = space.plan(a);
  s_->cost = cost_of(s_->plan, space.counting());
  const std::shared_ptr<WeightSet> set = weights.open(weights.owner(a));
  const std::unique_ptr<TensorSource> tensors = set->bind(a);
  const BnTable table = s_->statistics(*tensors, data, options);
  s_->subnet = cut_out(s_->plan, *tensors, table);
  if (parameter_count(s_->subnet) != s_->cost.params)
    throw std::logic_error("the subnet's tensors are not those its plan counts");
  const std::shared_ptr<WeightSet> cpu = on_cpu.open(on_cpu.owner(a));
  s_->answer(*cpu->bind(a), data, table);
  const c10::NoGradGuard no_grad;
  if (options.fold) s_->folded = fold_batch_norms(s_->subnet);
}

SubnetExport::~SubnetExport() = default;

const Plan& SubnetExport::plan() const {
  return s_->plan;
}
const Plan& SubnetExport::written_plan() const {
  return s_->subnet.plan;
}
Cost SubnetExport::cost() const {
  return s_->cost;
}
int SubnetExport::folded() const {
  return s_->folded;
}
const BatchNormSources& SubnetExport::batch_norms() const {
  return s_->sources;
}
int64_t SubnetExport::parameters() const {
  return parameter_count(s_->subnet);
}

FileCheck SubnetExport::State::proven(const std::string& path,
                                      bool exact,
                                      const FreshProcess& fresh,
                                      const std::function<void(const std::string&)>& write) const {
  // Under its name only once it is proven: whatever ends the program leaves no doubtful model.
  ScratchFile file(path + ".unproven" + std::to_string(getpid()));
  const std::string& unproven = file.path();
  try {
    write(unproven);
  } catch (const DataError& e) {
    // By the name that the user knows.
    std::string text = e.what();
    if (const size_t at = text.find(unproven); at != text.npos)
      text.replace(at, unproven.size(), path);
    throw DataError(text);
  }
  FileCheck found = check(unproven, exact, fresh);
  if (found.passed) file.keep_as(path);
  return found;
}

FileCheck SubnetExport::write_torchscript(const std::string& path,
                                          const std::string& description,
                                          const FreshProcess& check,
                                          std::string& sha256) const {
  return s_->proven(path, s_->folded == 0, check, [&](const std::string& file) {
    sha256 = nas::write_torchscript(file, s_->subnet, description);
  });
}

FileCheck SubnetExport::write_onnx(const std::string& path,
                                   const OnnxText& text,
                                   const FreshProcess& check,
                                   std::string& sha256) const {
  // Operators are not cut as those of LibTorch are (h-swish, the resizing), so bits may differ.
  return s_->proven(path, /*exact=*/false, check, [&](const std::string& file) {
    sha256 = nas::write_onnx(file, s_->subnet, text);
  });
}

std::string SubnetExport::tensors_sha256() const {
  return hash_tensors(s_->subnet.tensors);
}

bool SubnetExport::write_tensors(const std::string& path,
                                 const std::map<std::string, std::string>& meta,
                                 std::string& sha256) const {
  TensorFile file;
  file.meta = meta;
  file.tensors = s_->subnet.tensors;
  sha256 = write_tensor_file(path, file);
  return hash_tensors(read_tensor_file(path).tensors) == hash_tensors(s_->subnet.tensors);
}

void check_exported_files(const std::vector<std::string>& files) {
  set_compute_threads(std::stoi(files[3]));
  const TensorFile images = read_tensor_file(files[1]);
  const std::unique_ptr<ExportedNetwork> network = open_exported(files[0]);
  TensorFile result;
  result.meta["tensors_sha256"] = hash_tensors(network->tensors());
  result.tensors["logits"] = network->run(images.tensors.at("images")).contiguous();
  write_tensor_file(files[2], result);
}

}  // namespace nas
