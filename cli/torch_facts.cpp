#include <ATen/Config.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include "cli/command.hpp"

namespace nas::cli {

std::optional<std::vector<std::pair<std::string, std::string>>> torch_facts() {
  std::vector<std::pair<std::string, std::string>> facts;
  facts.emplace_back("libtorch", TORCH_VERSION);
  facts.emplace_back("cpu_capability", at::get_cpu_capability());
  facts.emplace_back("threads", std::to_string(at::get_num_threads()));
  facts.emplace_back("mkldnn", at::hasMKLDNN() ? "yes" : "no");
  facts.emplace_back("mkl", at::hasMKL() ? "yes" : "no");
  facts.emplace_back("openmp", at::hasOpenMP() ? "yes" : "no");
  return facts;
}

}  // namespace nas::cli
