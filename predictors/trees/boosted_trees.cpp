// Gradient-boosted regression trees. xgboost grows them on one thread, so that a seed gives one
// result; they are kept as flat arrays and answered from there: what a file says is checked node by
// node before it is followed, and answering needs no library.
#include <dlfcn.h>
#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "predictors/cross_validation.hpp"
#include "predictors/predictor.hpp"
#include "predictors/predictor_state.hpp"
#include "predictors/trees/forest.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

/// The functions of xgboost that are used, opened at the first fit: every command would start later
/// if the library, large and seldom needed, were linked.
struct Xgboost {
  decltype(&::XGBGetLastError) XGBGetLastError = nullptr;
  decltype(&::XGDMatrixCreateFromMat) XGDMatrixCreateFromMat = nullptr;
  decltype(&::XGDMatrixSetFloatInfo) XGDMatrixSetFloatInfo = nullptr;
  decltype(&::XGDMatrixFree) XGDMatrixFree = nullptr;
  decltype(&::XGBoosterCreate) XGBoosterCreate = nullptr;
  decltype(&::XGBoosterFree) XGBoosterFree = nullptr;
  decltype(&::XGBoosterSetParam) XGBoosterSetParam = nullptr;
  decltype(&::XGBoosterUpdateOneIter) XGBoosterUpdateOneIter = nullptr;
  decltype(&::XGBoosterSaveModelToBuffer) XGBoosterSaveModelToBuffer = nullptr;

  Xgboost() {
    void* library = dlopen("libxgboost.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) library = dlopen("libxgboost.so", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      const char* why = dlerror();
      fail(why != nullptr ? why : "unknown reason");
    }
    const auto open = [library](const char* name, auto& function) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      if (function == nullptr) fail(std::string("it has no function ") + name);
    };
    open("XGBGetLastError", XGBGetLastError);
    open("XGDMatrixCreateFromMat", XGDMatrixCreateFromMat);
    open("XGDMatrixSetFloatInfo", XGDMatrixSetFloatInfo);
    open("XGDMatrixFree", XGDMatrixFree);
    open("XGBoosterCreate", XGBoosterCreate);
    open("XGBoosterFree", XGBoosterFree);
    open("XGBoosterSetParam", XGBoosterSetParam);
    open("XGBoosterUpdateOneIter", XGBoosterUpdateOneIter);
    open("XGBoosterSaveModelToBuffer", XGBoosterSaveModelToBuffer);
  }
  [[noreturn]] static void fail(const std::string& why) {
    throw ConfigError("boosted-trees needs the library xgboost, which cannot be opened: " + why,
                      "install it (Debian: libxgboost0), or choose another model");
  }
};
const Xgboost& xgboost() {
  static const Xgboost library;
  return library;
}

void check(int code) {
  if (code != 0) throw std::runtime_error(std::string("xgboost: ") + xgboost().XGBGetLastError());
}

constexpr auto kBlock = static_cast<Index>(ForestSums::kRows);

struct Settings {
  int rounds = 400, depth = 3;
  double rate = 0.05, subsample = 0.8, columns = 1, lambda = 1;
  uint64_t seed = 0;
};

/// Rows and targets for xgboost.
class Data {
 public:
  Data(const FeatureMatrix& x, const VectorXd& y) {
    std::vector<float> values(static_cast<size_t>(x.size()));
    Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
        values.data(), x.rows(), x.cols()) = x.cast<float>();
    check(xgboost().XGDMatrixCreateFromMat(values.data(),
                                           static_cast<bst_ulong>(x.rows()),
                                           static_cast<bst_ulong>(x.cols()),
                                           std::nanf(""),
                                           &handle_));
    std::vector<float> labels;
    for (const double v : y) labels.push_back(static_cast<float>(v));
    check(xgboost().XGDMatrixSetFloatInfo(handle_, "label", labels.data(), labels.size()));
  }
  ~Data() {
    if (handle_ != nullptr) xgboost().XGDMatrixFree(handle_);
  }
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  DMatrixHandle handle() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

/// Rows i .. i + count - 1.
ForestSums::Block block_of(const FeatureRows& x, Index i, Index count) {
  return {x.data() + i,
          static_cast<size_t>(x.outerStride()),
          static_cast<size_t>(x.cols()),
          static_cast<size_t>(count)};
}

/// The trees of a model as xgboost writes it, in our order of nodes.
Forest forest_of(const nlohmann::json& model) {
  Forest forest;
  for (const auto& tree : model.at("learner").at("gradient_booster").at("model").at("trees")) {
    const auto left = tree.at("left_children").get<std::vector<int>>();
    const auto right = tree.at("right_children").get<std::vector<int>>();
    const auto feature = tree.at("split_indices").get<std::vector<int>>();
    const auto value = tree.at("split_conditions").get<std::vector<float>>();
    // Breadth first, so that the two children of a node stand side by side.
    std::vector<size_t> order{0};
    const auto root = static_cast<int>(forest.feature.size());
    forest.roots.push_back(root);
    for (size_t k = 0; k < order.size(); ++k) {
      const size_t node = order[k];
      const bool leaf = left.at(node) < 0;
      forest.feature.push_back(leaf ? -1 : feature.at(node));
      forest.value.push_back(value.at(node));
      forest.left.push_back(leaf ? -1 : root + static_cast<int>(order.size()));
      if (leaf) continue;
      order.push_back(static_cast<size_t>(left[node]));
      order.push_back(static_cast<size_t>(right.at(node)));
    }
  }
  return forest;
}

/// Of standardised targets.
Forest grow(const FeatureMatrix& x, const VectorXd& t, const Settings& s) {
  const Data data(x, t);
  const DMatrixHandle handle = data.handle();
  BoosterHandle raw = nullptr;
  check(xgboost().XGBoosterCreate(&handle, 1, &raw));
  const std::unique_ptr<void, int (*)(BoosterHandle)> booster(raw, xgboost().XGBoosterFree);
  const std::pair<const char*, std::string> parameters[] = {
      {"objective", "reg:squarederror"},
      {"base_score", "0"},
      {"nthread", "1"},
      {"verbosity", "0"},
      {"tree_method", "hist"},
      {"max_bin", "64"},
      {"disable_default_eval_metric", "1"},
      {"max_depth", std::to_string(s.depth)},
      {"eta", std::to_string(s.rate)},
      {"subsample", std::to_string(s.subsample)},
      {"colsample_bynode", std::to_string(s.columns)},
      {"lambda", std::to_string(s.lambda)},
      {"seed", std::to_string(s.seed % 2147483647)}};
  for (const auto& [name, value] : parameters)
    check(xgboost().XGBoosterSetParam(booster.get(), name, value.c_str()));
  for (int round = 0; round < s.rounds; ++round)
    check(xgboost().XGBoosterUpdateOneIter(booster.get(), round, handle));
  bst_ulong size = 0;
  const char* text = nullptr;
  check(xgboost().XGBoosterSaveModelToBuffer(booster.get(), R"({"format":"ubj"})", &size, &text));
  return forest_of(nlohmann::json::from_ubjson(text, text + size));
}

class BoostedTrees final : public Predictor {
 public:
  std::string name() const override { return "boosted-trees"; }

 protected:
  void learn(const FeatureMatrix& x, const VectorXd& y, const FitOptions& options) override {
    columns_ = x.cols();
    target_mean_ = y.mean();
    target_sd_ = std::sqrt((y.array() - target_mean_).square().mean());
    const auto given = [&](const char* name, double otherwise) {
      return options.fixed.contains(name) ? options.fixed.at(name) : otherwise;
    };
    Settings s;
    s.rounds = static_cast<int>(given("rounds", s.rounds));
    s.depth = static_cast<int>(given("depth", s.depth));
    s.rate = given("rate", s.rate);
    s.subsample = given("subsample", s.subsample);
    s.columns = given("columns", s.columns);
    s.lambda = given("lambda", s.lambda);
    s.seed = options.seed;
    const VectorXd t = (y.array() - target_mean_) / target_sd_;
    spread_ = NAN;
    if (options.spread) choose_rounds(x, t, s, options);
    forest_ = grow(x, t, s);
    sums_ = ForestSums(forest_);
    chosen_ = {{"rounds", s.rounds}, {"depth", s.depth}, {"rate", s.rate}};
  }

  VectorXd answer(const FeatureRows& x, VectorXd* spread) const override {
    // Trees have no model of noise: the deviation in cross-validation, the same everywhere.
    if (spread != nullptr) *spread = VectorXd::Constant(x.rows(), spread_);
    return values(sums_, x).array() * target_sd_ + target_mean_;
  }

  nlohmann::json state() const override {
    return {{"columns", columns_},
            {"roots", forest_.roots},
            {"feature", forest_.feature},
            {"left", forest_.left},
            {"value", forest_.value},
            {"target_mean", target_mean_},
            {"target_sd", target_sd_},
            {"spread", std::isfinite(spread_) ? nlohmann::json(spread_) : nlohmann::json()}};
  }
  void restore(const nlohmann::json& json) override {
    columns_ = json.at("columns").get<Index>();
    target_mean_ = number_from(json.at("target_mean"));
    target_sd_ = number_from(json.at("target_sd"));
    spread_ = json.at("spread").is_null() ? NAN : number_from(json.at("spread"));
    forest_ = {json.at("feature").get<std::vector<int>>(),
               json.at("left").get<std::vector<int>>(),
               json.at("roots").get<std::vector<int>>(),
               json.at("value").get<std::vector<float>>()};
    const auto nodes = static_cast<int>(forest_.feature.size());
    const auto size = static_cast<size_t>(nodes);
    if (forest_.left.size() != size || forest_.value.size() != size)
      throw std::runtime_error("its trees are not whole");
    int below = 0;  // Nodes that are a child.
    for (const int root : forest_.roots)
      if (root < 0 || root >= nodes) throw std::runtime_error("a tree has no root");
    for (int i = 0; i < nodes; ++i) {
      const auto at = static_cast<size_t>(i);
      if (!std::isfinite(forest_.value[at])) throw std::runtime_error("a node has no number");
      if (forest_.feature[at] < 0) continue;
      // Children stand behind their parent: no walk through a tree goes on for ever.
      if (forest_.feature[at] >= columns_ || forest_.left[at] <= i || forest_.left[at] + 1 >= nodes)
        throw std::runtime_error("a node of a tree leads nowhere");
      below += 2;
    }
    if (below + static_cast<int>(forest_.roots.size()) != nodes)
      throw std::runtime_error("its trees are not whole");
    sums_ = ForestSums(forest_);
  }
  Index width() const override { return columns_; }

 private:
  /// How many of the rounds are worth it, and the error on rows not learnt: each fold grows them
  /// all once and is judged after every eighth of them.
  void choose_rounds(const FeatureMatrix& x, const VectorXd& t, Settings& s, const FitOptions& o) {
    const int parts = o.fixed.contains("rounds") ? 1 : 8;
    Eigen::MatrixXd out(t.size(), parts);
    for (const Fold& fold : contiguous_folds(t.size(), o.folds)) {
      const ForestSums forest(grow(without(x, fold), without(t, fold), s));
      for (Index i = 0; i < fold.size(); i += kBlock) {
        const Index count = std::min(kBlock, fold.size() - i);
        VectorXd sums = VectorXd::Zero(kBlock);
        size_t begin = 0;
        for (int part = 0; part < parts; ++part) {
          const size_t end =
              forest.trees() * static_cast<size_t>(part + 1) / static_cast<size_t>(parts);
          VectorXd of_part = VectorXd::Zero(kBlock);
          forest.add(block_of(x, fold.begin + i, count), begin, end, of_part.data());
          begin = end;
          sums += of_part;
          out.col(part).segment(fold.begin + i, count) = sums.head(count);
        }
      }
    }
    const VectorXd y = t.array() * target_sd_ + target_mean_;
    int best = -1;
    for (int part = 0; part < parts; ++part) {
      const double error = error_of(y, out.col(part).array() * target_sd_ + target_mean_);
      if (best >= 0 && !(error < cv_mape_)) continue;
      best = part;
      cv_mape_ = error;
      spread_ = target_sd_ * rmse(t, out.col(part));
    }
    s.rounds = std::max(1, s.rounds * (best + 1) / parts);
  }
  static VectorXd values(const ForestSums& forest, const FeatureRows& x) {
    VectorXd out = VectorXd::Zero((x.rows() + kBlock - 1) / kBlock * kBlock);
    for (Index i = 0; i < x.rows(); i += kBlock)
      forest.add(block_of(x, i, std::min(kBlock, x.rows() - i)), 0, forest.trees(), out.data() + i);
    return out.head(x.rows());
  }

  Index columns_ = 0;
  Forest forest_;
  ForestSums sums_;
  double target_mean_ = 0, target_sd_ = 1, spread_ = 0;
};

}  // namespace

std::unique_ptr<Predictor> make_boosted_trees() {
  return std::make_unique<BoostedTrees>();
}

}  // namespace nas
