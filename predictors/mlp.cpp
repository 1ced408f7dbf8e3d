// The accuracy predictor of once-for-all (search.md 3.5): three layers of 400 units with ReLU, an
// output without bias around the mean target, Adam on the squared error in batches of 256, four
// fifths of the rows to learn from and one to say when to stop. Five such networks, each without
// another fifth, are a committee (Krogh & Vedelsby 1995): its mean errs less than a member, every
// row has a prediction that did not learn from it, and where members disagree the spread is large.
//
// Written with Eigen and not with LibTorch: matrices of 256 x 400 need nothing else, and with it
// `nas predict` and searches keep starting in milliseconds and give the same numbers on every
// machine, which kernels chosen by the processor would not. Single precision, as networks need.
#include "predictors/mlp.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "predictors/base64.hpp"
#include "predictors/cross_validation.hpp"
#include "predictors/predictor.hpp"
#include "predictors/predictor_state.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXf;
using Eigen::VectorXd;
using Eigen::VectorXf;

constexpr Index kMostTrained = 4000;
constexpr Index kBatch = 256;
constexpr int kLayers = 3;
constexpr double kWidth = 400, kEpochs = 300, kRate = 1e-3;
constexpr int kPatience = 20;  ///< Epochs without a better fifth.

/// Layers inputs-width-width-width-1; all weights in one vector, so that Adam is one line.
class Network {
 public:
  Network() = default;
  Network(Index inputs, Index width) : inputs_(inputs), width_(width) {
    theta.setZero(size(inputs, width));
  }
  static Index size(Index inputs, Index width) {
    return (inputs + 1) * width + (kLayers - 1) * (width + 1) * width + width;
  }

  /// Uniform for ReLU (He et al. 2015), biases 0. The output begins at 0: what a random output says
  /// of rows that are far from those learnt would stay in it as noise.
  void draw(Rng& rng) {
    for (int layer = 0; layer < kLayers; ++layer) {
      auto w = weights(theta, layer);
      const double bound = std::sqrt(6.0 / static_cast<double>(w.rows()));
      for (Index c = 0; c < w.cols(); ++c)
        for (Index r = 0; r < w.rows(); ++r)
          w(r, c) = static_cast<float>(bound * (2 * rng.uniform() - 1));
    }
  }

  VectorXf of(const MatrixXf& x) const {
    MatrixXf a = x;
    for (int layer = 0; layer < kLayers; ++layer) a = hidden(a, layer);
    return a * weights(theta, kLayers);
  }

  /// Gradient of the mean squared error.
  void gradient(const MatrixXf& x, const VectorXf& y, VectorXf& g) const {
    MatrixXf a[kLayers + 1];
    a[0] = x;
    for (int layer = 0; layer < kLayers; ++layer) a[layer + 1] = hidden(a[layer], layer);
    const auto last = weights(theta, kLayers);
    const VectorXf slope = (a[kLayers] * last - y) * (2.0F / static_cast<float>(y.size()));
    weights(g, kLayers).noalias() = a[kLayers].transpose() * slope;
    MatrixXf back = slope * last.transpose();
    for (int layer = kLayers - 1; layer >= 0; --layer) {
      back = back.cwiseProduct((a[layer + 1].array() > 0).cast<float>().matrix()).eval();
      weights(g, layer).noalias() = a[layer].transpose() * back;
      biases(g, layer) = back.colwise().sum().transpose();
      if (layer > 0) back = (back * weights(theta, layer).transpose()).eval();
    }
  }

  VectorXf theta;

 private:
  using Map = Eigen::Map<MatrixXf>;
  using ConstMap = Eigen::Map<const MatrixXf>;

  Index rows_of(int layer) const { return layer == 0 ? inputs_ : width_; }
  Index at(int layer) const {
    return layer == 0 ? 0 : (inputs_ + 1) * width_ + (layer - 1) * (width_ + 1) * width_;
  }
  Map weights(VectorXf& v, int layer) const {
    return {v.data() + at(layer), rows_of(layer), layer == kLayers ? 1 : width_};
  }
  ConstMap weights(const VectorXf& v, int layer) const {
    return {v.data() + at(layer), rows_of(layer), layer == kLayers ? 1 : width_};
  }
  Eigen::Map<VectorXf> biases(VectorXf& v, int layer) const {
    return {v.data() + at(layer) + rows_of(layer) * width_, width_};
  }
  MatrixXf hidden(const MatrixXf& a, int layer) const {
    const Eigen::Map<const VectorXf> bias(theta.data() + at(layer) + rows_of(layer) * width_,
                                          width_);
    MatrixXf out = a * weights(theta, layer);
    out.rowwise() += bias.transpose();
    return out.cwiseMax(0.0F);
  }

  Index inputs_ = 0, width_ = 0;
};

/// Adam (Kingma & Ba 2015), with decoupled weight decay.
class Adam {
 public:
  Adam(Index size, float rate, float decay) : rate_(rate), decay_(decay) {
    m_.setZero(size);
    v_.setZero(size);
  }
  void step(VectorXf& theta, const VectorXf& g) {
    constexpr float kFirst = 0.9F, kSecond = 0.999F, kSmall = 1e-8F;
    ++steps_;
    m_ = kFirst * m_ + (1 - kFirst) * g;
    v_ = kSecond * v_ + (1 - kSecond) * g.cwiseProduct(g);
    const auto t = static_cast<float>(steps_);
    const float rate = rate_ / (1 - std::pow(kFirst, t)), root = 1 - std::pow(kSecond, t);
    if (decay_ > 0) theta *= 1 - rate_ * decay_;
    theta.array() -= rate * m_.array() / ((v_.array() / root).sqrt() + kSmall);
  }

 private:
  VectorXf m_, v_;
  float rate_, decay_;
  int steps_ = 0;
};

class Mlp final : public Predictor {
 public:
  std::string name() const override { return "mlp"; }

 protected:
  void learn(const FeatureMatrix& raw, const VectorXd& all, const FitOptions& options) override {
    scale_ = Scaling(raw);
    const std::vector<int> rows = spread_rows(raw.rows(), kMostTrained);
    const MatrixXf x = scale_.apply(raw(rows, Eigen::all)).cast<float>();
    const VectorXd truth = all(rows);
    mean_ = truth.mean();
    sd_ = std::sqrt((truth.array() - mean_).square().mean());
    const VectorXf y = ((truth.array() - mean_) / sd_).cast<float>();
    const auto given = [&](const char* name, double usual) {
      return options.fixed.contains(name) ? options.fixed.at(name) : usual;
    };
    width_ = std::clamp<Index>(static_cast<Index>(given("width", kWidth)), 1, 4096);
    const Training how{static_cast<int>(std::min(given("epochs", kEpochs), 1e5)),
                       static_cast<float>(given("rate", kRate)),
                       static_cast<float>(given("decay", 0)),
                       options.seed};
    members_.clear();
    double epochs = 0;
    const std::vector<Fold> folds = contiguous_folds(y.size(), options.folds);
    for (size_t k = 0; k < folds.size(); ++k) {
      members_.emplace_back(x.cols(), width_);
      epochs += train(members_.back(), x, y, folds[k], how, k);
      // The mean of one member, where only that is asked for.
      if (!options.spread) break;
    }
    chosen_ = {{"epochs", epochs / static_cast<double>(members_.size())},
               {"width", static_cast<double>(width_)},
               {"members", static_cast<double>(members_.size())},
               {"rows", static_cast<double>(y.size())}};
    spread_ = std::nan("");
    disagreement_ = 1;
    if (options.spread) judge(x, truth, folds);
  }

  VectorXd answer(const FeatureRows& raw, VectorXd* spread) const override {
    const MatrixXf x = scale_.apply(raw).cast<float>();
    VectorXd sum = VectorXd::Zero(x.rows()), squares = sum;
    for (const Network& member : members_) {
      const VectorXd one = member.of(x).cast<double>();
      sum += one;
      squares += one.cwiseProduct(one);
    }
    const auto n = static_cast<double>(members_.size());
    const VectorXd mean = sum / n;
    if (spread != nullptr) {
      const VectorXd variance = (squares / n - mean.cwiseProduct(mean)).cwiseMax(0);
      // Half of the error is the same everywhere, half goes with what the members differ by.
      *spread = spread_ * (0.5 + 0.5 * variance.array() / disagreement_).sqrt();
    }
    return (mean.array() * sd_ + mean_).matrix();
  }

  nlohmann::json state() const override {
    nlohmann::json members = nlohmann::json::array();
    for (const Network& member : members_)
      members.push_back(
          base64_of_floats({member.theta.data(), static_cast<size_t>(member.theta.size())}));
    return {{"scaling", scale_.to_json()},
            {"width", width_},
            {"count", members_.size()},
            {"members", members},
            {"mean", mean_},
            {"sd", sd_},
            {"spread", std::isfinite(spread_) ? nlohmann::json(spread_) : nlohmann::json()},
            {"disagreement", disagreement_}};
  }
  void restore(const nlohmann::json& json) override {
    scale_ = Scaling(json.at("scaling"));
    const double width = number_from(json.at("width")), count = number_from(json.at("count"));
    const nlohmann::json& members = json.at("members");
    if (!(width >= 1 && width <= 4096) || !members.is_array() || members.empty() ||
        static_cast<double>(members.size()) != count)
      throw std::runtime_error("its networks are not those it speaks of");
    width_ = static_cast<Index>(width);
    members_.clear();
    for (const nlohmann::json& member : members) {
      const std::vector<float> theta = floats_of_base64(member.get<std::string>());
      Network& network = members_.emplace_back(scale_.columns(), width_);
      if (static_cast<Index>(theta.size()) != network.theta.size())
        throw std::runtime_error("a network has another number of weights");
      network.theta = Eigen::Map<const VectorXf>(theta.data(), network.theta.size());
      if (!network.theta.allFinite()) throw std::runtime_error("a weight is not finite");
    }
    mean_ = number_from(json.at("mean"));
    sd_ = number_from(json.at("sd"));
    spread_ = json.at("spread").is_null() ? std::nan("") : number_from(json.at("spread"));
    disagreement_ = number_from(json.at("disagreement"));
    if (!(disagreement_ > 0)) throw std::runtime_error("its members agree, it says");
  }
  Index width() const override { return scale_.columns(); }

 private:
  struct Training {
    int epochs;
    float rate, decay;
    uint64_t seed;
  };

  /// All rows but the fold's, until the fold says that it gets no better; returns the best epoch.
  static int train(Network& network,
                   const MatrixXf& x,
                   const VectorXf& y,
                   const Fold& fold,
                   const Training& how,
                   size_t member) {
    Rng rng(how.seed, "mlp", member);
    network.draw(rng);
    std::vector<int> order;
    for (Index i = 0; i < y.size(); ++i)
      if (i < fold.begin || i >= fold.end) order.push_back(static_cast<int>(i));
    const MatrixXf judged_x = x.middleRows(fold.begin, fold.size());
    const VectorXf judged_y = y.segment(fold.begin, fold.size());
    const auto n = static_cast<Index>(order.size());
    const Index batches = (n + kBatch - 1) / kBatch;
    VectorXf g = VectorXf::Zero(network.theta.size()), best = network.theta;
    Adam adam(g.size(), how.rate, how.decay);
    float least = std::numeric_limits<float>::infinity();
    int found = 0;
    for (int epoch = 1; epoch <= how.epochs && epoch - found <= kPatience; ++epoch) {
      rng.shuffle(order);
      for (Index b = 0; b < batches; ++b) {
        const std::vector<int> batch(order.begin() + b * n / batches,
                                     order.begin() + (b + 1) * n / batches);
        network.gradient(x(batch, Eigen::all), y(batch), g);
        adam.step(network.theta, g);
      }
      const float error = (network.of(judged_x) - judged_y).squaredNorm();
      if (!(error < least)) continue;
      least = error;
      found = epoch;
      best = network.theta;
    }
    network.theta = best;
    return found;
  }

  /// Errors of members on the rows that they have not learnt.
  void judge(const MatrixXf& x, const VectorXd& truth, const std::vector<Fold>& folds) {
    VectorXd out(truth.size()), others = VectorXd::Zero(truth.size());
    for (size_t k = 0; k < folds.size(); ++k) {
      const VectorXd all = members_[k].of(x).cast<double>();
      out.segment(folds[k].begin, folds[k].size()) = all.segment(folds[k].begin, folds[k].size());
      others += all;
    }
    others = (others - out) / std::max(1.0, static_cast<double>(folds.size()) - 1);
    disagreement_ =
        std::max((out - others).squaredNorm() / static_cast<double>(truth.size()), 1e-12);
    out = (out.array() * sd_ + mean_).matrix();
    cv_mape_ = error_of(truth, out);
    spread_ = std::max(rmse(truth, out), 1e-12 * sd_);
  }

  Scaling scale_;
  std::vector<Network> members_;
  Index width_ = 0;
  double mean_ = 0, sd_ = 1, spread_ = 1;
  double disagreement_ = 1;  ///< Mean squared difference of a member that has not seen a row.
};

}  // namespace

std::unique_ptr<Predictor> make_mlp() {
  return std::make_unique<Mlp>();
}

}  // namespace nas
