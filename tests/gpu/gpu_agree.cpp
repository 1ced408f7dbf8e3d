// Whether a device computes what the CPU computes: every strategy and every weight store trains a
// few steps on both, from equal weights, images and paths; shipped spaces pass forward and
// backward. gpu_agree [--device cuda|cpu] [--quick 1] One line of JSON for each case and precision;
// exit 1 where one is out of its tolerance. With
// --device cpu the CPU is compared with itself in another memory layout, whose kernels sum in
// another order: what rounding alone does.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "agree_run.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/weights/weights_section.hpp"

namespace nas::test {
namespace {

using Json = nlohmann::ordered_json;

const char* const kCells =
    "family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\ninput_channels: 1\nform: supernet\n";
/// Sizes that can shrink; no dropout, whose masks are other ones on every device.
const char* const kSizes =
    "family: mobilenet\nvariant: mobilenetv3-32\nwidth_mult: 0.1\nresolutions: [16]\n"
    "expansions: [2, 4, 6]\ndepths: [1, 2]\nclasses: 10\ninput_channels: 1\ndropout: 0\n";

/// Distances that rounding alone may make. In fp64 next to nothing is left of it: there a device
/// must compute what the CPU computes. In fp32 a ReLU whose input is 0 but for rounding is open or
/// closed by chance, which moves the gradient of a small batch by a hundredth or more, and batch
/// norm enlarges the rounding of a constant channel (an edge `none` before a convolution) 300
/// times; three steps go on from there. So only the loss is told closely. TF32 keeps 10 bits of the
/// mantissa of factors, bf16 7 of most values. That fp32 is fp32 is for products_are_exact().
struct Tolerance {
  double loss, gradient, worst_tensor;
};
constexpr double kAny = 1e9;
struct Arithmetic {
  const char* name;
  FloatType dtype;
  Precision precision;
  Tolerance tolerance;
};
const Arithmetic kArithmetic[] = {
    {"fp64", FloatType::kFloat64, Precision::kFp32, {1e-9, 1e-6, 1e-3}},
    {"fp32", FloatType::kFloat32, Precision::kFp32, {5e-3, 0.5, kAny}},
    {"tf32", FloatType::kFloat32, Precision::kTf32, {2e-2, 0.8, kAny}},
    {"bf16", FloatType::kFloat32, Precision::kBf16, {5e-2, 0.8, kAny}},
};

std::vector<AgreeCase> cases() {
  std::vector<AgreeCase> all;
  for (const StrategyEntry& entry : strategies()) {
    AgreeCase c{"strategy " + entry.name, kCells, "{name: " + entry.name + "}", ""};
    if (entry.name == "progressive") {
      c.space = kSizes;
      c.strategy =
          "{name: progressive, phases: [{epochs: 3, subnets: 2, kernel: 0, depth: 0, expand: 0}]}";
    }
    // The first epoch of importance is uniform, so one step of the second.
    if (entry.name == "panda") c.steps = 4;
    all.push_back(c);
  }
  for (const WeightsEntry& entry : weight_stores()) {
    AgreeCase c{"weights " + entry.name, kCells, "{name: uniform}", "{kind: " + entry.name + "}"};
    if (entry.name == "mixture") c.weights = "{kind: mixture, models: 2}";
    if (entry.name == "few-shot") {
      // Two steps of one set, then two of the leaves.
      c.weights =
          "{kind: few-shot, split: {epochs: [1], groups: [2], score: {batches: 2}}, restart: none}";
      c.images = 48;
      c.steps = 4;
    }
    all.push_back(c);
  }
  return all;
}

/// Shipped spaces at their own size: the convolutions that training meets.
const char* const kSpaces[] = {
    "digits", "resnet20-pool", "nasbench201-n1", "mobilenet-32", "nasbench-macro", "darts-small"};

class Comparison {
 public:
  Comparison(const Device& device, bool quick) : device_(device), quick_(quick) {}

  void all() {
    for (const Arithmetic& a : kArithmetic) {
      // TF32 is what products of a GPU can be; a CPU has none.
      if (a.precision == Precision::kTf32 && device_.is_cpu()) continue;
      for (const AgreeCase& c : cases())
        if (!quick_ || a.precision == Precision::kFp32 || c.name == "strategy uniform")
          compare(c.name, a, [&](const Where& where) { return train(c, where); });
      for (const char* space : kSpaces) {
        if (quick_ && (std::string(a.name) != "fp32" || std::string(space) == "darts-small"))
          continue;
        for (int draw = 0; draw < (quick_ ? 1 : 2); ++draw)
          compare(
              std::string("space ") + space + " " + std::to_string(draw),
              a,
              [&](const Where& where) { return one_pass(space, draw, quick_ ? 4 : 16, where); });
      }
    }
  }
  bool passed() const { return passed_; }

 private:
  template <typename F>
  void compare(const std::string& name, const Arithmetic& a, const F& run) {
    const Where reference{{}, a.dtype, Precision::kFp32, Layout::kContiguous};
    const Where where{device_,
                      a.dtype,
                      a.precision,
                      device_.is_cpu() ? Layout::kChannelsLast : Layout::kContiguous};
    Json line{{"name", name + " " + a.name}};
    try {
      const std::string key = name + (a.dtype == FloatType::kFloat64 ? " fp64" : "");
      if (!references_.contains(key)) references_[key] = run(reference);
      set_gpu_arithmetic(device_, a.precision == Precision::kTf32, /*deterministic=*/true);
      const Trained first = run(where);
      const Distance d = distance(first, references_.at(key));
      // On a CPU this is known, and would double the time of a dry run.
      const bool repeats = device_.is_cpu() || run(where).sha256 == first.sha256;
      const bool near = d.loss <= a.tolerance.loss && d.gradient <= a.tolerance.gradient &&
                        d.worst_tensor <= a.tolerance.worst_tensor;
      tell(line, near && repeats, d, a.tolerance, repeats);
    } catch (const std::exception& e) {
      line["status"] = "failed";
      line["note"] = e.what();
    }
    passed_ = passed_ && line["status"] == "ok";
    std::printf("%s\n", line.dump().c_str());
    std::fflush(stdout);
  }

  static void tell(Json& line, bool ok, const Distance& d, const Tolerance& most, bool repeats) {
    line["status"] = ok ? "ok" : "failed";
    line["values"] = {{"loss", d.loss},
                      {"loss_tolerance", most.loss},
                      {"gradient", d.gradient},
                      {"gradient_tolerance", most.gradient},
                      {"worst_tensor", d.worst_tensor},
                      {"worst_name", d.worst_name},
                      {"same_bits_twice", repeats}};
    if (most.worst_tensor < kAny) line["values"]["worst_tensor_tolerance"] = most.worst_tensor;
  }

  Device device_;
  bool quick_;
  bool passed_ = true;
  std::map<std::string, Trained> references_;
};

}  // namespace

/// Relative error of a convolution and of a matrix product in fp32, against fp64 on the CPU.
double product_error(c10::Device device) {
  const at::Generator g = at::detail::createCPUGenerator(/*seed=*/1);
  const auto draw = [&](at::IntArrayRef sizes) { return at::randn(sizes, g, at::kDouble); };
  const at::Tensor x = draw({8, 64, 16, 16}), w = draw({64, 64, 3, 3});
  const at::Tensor a = draw({256, 256}), b = draw({256, 256});
  const auto off = [&](const at::Tensor& found, const at::Tensor& right) {
    return ((found.cpu().to(at::kDouble) - right).norm() / right.norm()).item<double>();
  };
  const auto on = [&](const at::Tensor& t) { return t.to(device, at::kFloat); };
  return std::max(off(at::conv2d(on(x), on(w)), at::conv2d(x, w)),
                  off(at::mm(on(a), on(b)), at::mm(a, b)));
}

/// Products are fp32 unless TF32 is asked for, and fp32 again while a network is judged.
Json products_are_exact(const Device& device) {
  constexpr double kFp32 = 5e-6, kTf32 = 5e-3;
  const Device gpu = device.is_cpu() ? Device{true, 0} : device;  // Flags are flags without one.
  const c10::Device where = torch_device(device);
  at::Context& context = at::globalContext();
  const auto flags = [&] { return context.allowTF32CuDNN() && context.allowTF32CuBLAS(); };
  set_gpu_arithmetic(gpu, /*tf32=*/true, /*deterministic=*/true);
  bool right = flags() && context.deterministicCuDNN();
  const double asked = product_error(where);
  double judged = 0;
  {
    const ExactProducts exact(torch_device(gpu));
    right = right && !context.allowTF32CuDNN() && !context.allowTF32CuBLAS();
    judged = product_error(where);
  }
  right = right && flags();
  set_gpu_arithmetic(gpu, /*tf32=*/false, /*deterministic=*/true);
  right = right && !context.allowTF32CuDNN() && !context.allowTF32CuBLAS();
  const double plain = product_error(where);
  right = right && plain <= kFp32 && judged <= kFp32 && asked <= kTf32;
  return {{"name", "products are fp32 unless TF32 is asked for"},
          {"status", right ? "ok" : "failed"},
          {"values",
           {{"fp32", plain},
            {"while judging", judged},
            {"most", kFp32},
            {"tf32", asked},
            {"most tf32", kTf32}}}};
}

}  // namespace nas::test

int main(int argc, char** argv) {
  std::map<std::string, std::string> o = {{"--device", "cpu"}, {"--quick", "0"}};
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    if (!o.contains(key) || i + 1 >= argc) {
      std::fprintf(stderr, "usage: gpu_agree [--device cuda|cpu] [--quick 1]\n");
      return 2;
    }
    o[key] = argv[++i];
  }
  try {
    const nas::Device device = nas::open_device(o["--device"]);
    const bool quick = o["--quick"] == "1";
    // Tiny batches gain nothing from threads.
    nas::set_compute_threads(quick ? 1 : 4);
    const auto products = nas::test::products_are_exact(device);
    std::printf("%s\n", products.dump().c_str());
    nas::test::Comparison comparison(device, quick);
    comparison.all();
    return comparison.passed() && products["status"] == "ok" ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 2;
  }
}
