#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <array>
#include <fstream>

#include "spaces/base/whole_file.hpp"
#include "spaces/error.hpp"
#include "supernet/export/export.hpp"
#include "supernet/export/exported_text.hpp"
#include "supernet/export/onnx/graph.hpp"
#include "supernet/export/onnx/network.hpp"

namespace nas {
namespace {

std::vector<float> values_of(const at::Tensor& t) {
  const at::Tensor flat = t.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

// Resizing is linear in each axis, so the operator itself tells its matrices: what it makes of the
// unit images.
std::vector<float> resizing_matrix(int64_t from, int64_t to) {
  const at::Tensor unit = at::eye(from, at::kFloat).view({1, 1, from, from});
  return values_of(at::_upsample_bilinear2d_aa(unit, {to, from}, /*align_corners=*/false));
}
std::vector<float> transposed(const std::vector<float>& matrix, int64_t columns) {
  const auto rows = static_cast<int64_t>(matrix.size()) / columns;
  std::vector<float> turned(matrix.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      turned[static_cast<size_t>(c * rows + r)] = matrix[static_cast<size_t>(r * columns + c)];
  return turned;
}

class OnnxNetwork final : public ExportedNetwork {
 public:
  explicit OnnxNetwork(const std::string& path) : network_(path) {
    if (const std::string* text = network_.model().find_metadata(kExportedText))
      description_ = *text;
  }
  const char* format() const override { return "onnx"; }
  const std::string& description() const override { return description_; }
  std::map<std::string, at::Tensor> tensors() const override { return network_.tensors(); }
  at::Tensor run(const at::Tensor& x) override { return network_.run(x); }

 private:
  onnx::Network network_;
  std::string description_;
};

}  // namespace

std::string write_onnx(const std::string& path, const Subnet& subnet, const OnnxText& text) {
  const c10::NoGradGuard no_grad;
  const Plan& plan = subnet.plan;
  onnx::Description d;
  d.opset = text.opset;
  d.producer_version = text.version;
  d.doc = text.doc;
  d.graph_name = "subnet";
  d.metadata.emplace_back(kExportedText, text.description);
  d.metadata.insert(d.metadata.end(), text.metadata.begin(), text.metadata.end());
  const Shape& to = plan.input();
  onnx::Resizing resizing{text.image, {}, {}};
  const bool given = text.image.c > 0;
  if (plan.resize_input && given && !(text.image == to)) {
    resizing.rows = resizing_matrix(text.image.h, to.h);
    resizing.columns = transposed(resizing_matrix(text.image.w, to.w), text.image.w);
    d.resizing = &resizing;
  }
  const onnx::TensorsByName tensors = [&](const std::string& name) {
    const at::Tensor& t = subnet.tensors.at(name);
    if (t.scalar_type() != at::kFloat || !t.is_contiguous())
      throw std::logic_error("tensor " + name + " is not as subnets keep them");
    return onnx::Floats{t.sizes().vec(), {t.data_ptr<float>(), static_cast<size_t>(t.numel())}};
  };
  write_whole_file(path, onnx::encode(onnx::model_of(plan, tensors, d)));
  return file_sha256(path);
}

std::unique_ptr<ExportedNetwork> open_exported(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 2> start{};
  if (!file.read(start.data(), start.size()))
    throw DataError(path + ": cannot be read, or is empty");
  const bool archive = start[0] == 'P' && start[1] == 'K';
  if (archive) return open_torchscript(path);
  return std::make_unique<OnnxNetwork>(path);
}

}  // namespace nas
