#pragma once
// Benchmark S1: search without ImageNet, deterministic. The truth is a kernel regression over 1045
// measured networks of the once-for-all MobileNetV3 space, the second objective exact MACs:
//   f(x) = m + sum_i a_i 1.85 exp(-|x - x_i|^2 / (2 * 12.4^2)),  a = (K + 0.00072 I)^-1 (y - m)
// where x is the one-hot form with absent blocks all zero, y the accuracies and m their mean.
#include <cmath>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "search/driver.hpp"
#include "spaces/registry.hpp"

namespace nas::testing_s1 {

constexpr int kBlocks = 20, kGenes = 45;

class S1Truth {
 public:
  S1Truth() {
    const std::string path = NAS_SOURCE_DIR "/tests/search/s1_networks.txt";
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("#")) continue;
      std::istringstream fields(line);
      std::string genes;
      double accuracy = 0;
      if (!(fields >> genes >> accuracy) || genes.size() != kGenes)
        throw std::runtime_error(path + ": not a network: " + line);
      networks_.push_back(genes);
      accuracies_.push_back(accuracy);
    }
    if (networks_.empty()) throw std::runtime_error(path + " cannot be read");
    for (const double y : accuracies_) mean_ += y / static_cast<double>(accuracies_.size());
    solve();
  }
  /// 45 genes as digits: 20 kernels, 20 expansions, 5 depths; '-' for blocks that are not there.
  double accuracy(const std::string& genes) const {
    double sum = mean_;
    for (size_t i = 0; i < networks_.size(); ++i) sum += weights_[i] * kernel(genes, networks_[i]);
    return sum;
  }
  const std::vector<std::string>& networks() const { return networks_; }

 private:
  static double kernel(const std::string& a, const std::string& b) {
    int distance = 0;
    for (size_t i = 0; i < kGenes; ++i)
      if (a[i] != b[i]) distance += a[i] == '-' || b[i] == '-' ? 1 : 2;
    return 1.85 * std::exp(-distance / (2 * 12.4 * 12.4));
  }
  // Cholesky of K + 0.00072 I, row by row.
  void solve() {
    const size_t n = networks_.size();
    std::vector<std::vector<double>> l(n);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j <= i; ++j) {
        double sum = kernel(networks_[i], networks_[j]) + (i == j ? 0.00072 : 0);
        for (size_t k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
        l[i].push_back(i == j ? std::sqrt(sum) : sum / l[j][j]);
      }
    }
    weights_.resize(n);
    for (size_t i = 0; i < n; ++i) {
      weights_[i] = accuracies_[i] - mean_;
      for (size_t k = 0; k < i; ++k) weights_[i] -= l[i][k] * weights_[k];
      weights_[i] /= l[i][i];
    }
    for (size_t i = n; i-- > 0;) {
      for (size_t k = i + 1; k < n; ++k) weights_[i] -= l[k][i] * weights_[k];
      weights_[i] /= l[i][i];
    }
  }

  std::vector<std::string> networks_;
  std::vector<double> accuracies_, weights_;
  double mean_ = 0;
};

/// Genes of `mobilenet` are in the order of S1: kernels, expansions, depths; options ascend.
inline std::string s1_genes(const Space& space, const Architecture& a) {
  std::string genes;
  for (size_t c = 0; c < kGenes; ++c)
    genes += space.active(a, c) ? static_cast<char>('0' + a.genes[c]) : '-';
  return genes;
}

class S1Evaluator : public Evaluator {
 public:
  S1Evaluator(const Space& space, const S1Truth& truth) : space_(space), truth_(truth) {}
  std::vector<Evaluation> evaluate(std::span<const Architecture> architectures) override {
    std::vector<Evaluation> results;
    for (const Architecture& a : architectures)
      results.push_back({{{"accuracy", truth_.accuracy(s1_genes(space_, a))}}, ""});
    return results;
  }
  std::vector<std::string> metrics() const override { return {"accuracy"}; }
  std::string source() const override { return "s1"; }

 private:
  const Space& space_;
  const S1Truth& truth_;
};

/// Top-1 percent and MACs, reference (70 %, 600 M); divide the hypervolume by 1e6 for M*pp.
inline SearchSettings s1_settings(const std::string& algorithm,
                                  int64_t evaluations,
                                  uint64_t seed) {
  SearchSettings settings;
  settings.algorithm = algorithm;
  settings.evaluations = evaluations;
  settings.seed = seed;
  settings.goal.objectives = {{"accuracy", true}, {"macs", false}};
  settings.reference = {{"accuracy", 70}, {"macs", 600e6}};
  return settings;
}

}  // namespace nas::testing_s1
