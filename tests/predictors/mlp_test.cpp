// The committee of networks against its definition: what it keeps is put into loops of the test's
// own, and its training into numeric derivatives and Adam's update written out.
#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "predictors/base64.hpp"
#include "predictors/cross_validation.hpp"
#include "predictors/judge.hpp"
#include "predictors/predictor.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::VectorXd;
using ::testing::Each;
using ::testing::HasSubstr;
using Json = nlohmann::json;
using List = std::vector<double>;

// ---- Numbers as text.

/// RFC 4648 by bits: six at a time, the last ones filled with zeros.
std::string base64_of(const std::string& bytes) {
  std::string bits, text;
  for (const char c : bytes)
    for (int k = 7; k >= 0; --k) bits += (static_cast<unsigned char>(c) >> k & 1) != 0 ? '1' : '0';
  while (bits.size() % 6 != 0) bits += '0';
  for (size_t k = 0; k < bits.size(); k += 6)
    text += kBase64[std::stoul(bits.substr(k, 6), nullptr, 2)];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

TEST(Base64, IsThatOfTheStandard) {
  // RFC 4648, section 10, and what a float of those bytes is.
  EXPECT_EQ(base64_of("foob"), "Zm9vYg==");
  EXPECT_EQ(base64_of("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64_of("foobar"), "Zm9vYmFy");
  const auto floats = [](const std::string& bytes) {
    std::vector<float> numbers(bytes.size() / 4);
    if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  };
  for (const std::string& bytes :
       {std::string("foob"), std::string("foobarfo"), std::string("foobarfoobar"), std::string()}) {
    EXPECT_EQ(base64_of_floats(floats(bytes)), base64_of(bytes));
    EXPECT_EQ(floats_of_base64(base64_of(bytes)), floats(bytes));
  }
}

TEST(Base64, AnyBitsGoThroughText) {
  Rng rng(1, "bits");
  for (size_t n = 0; n < 60; ++n) {
    std::vector<float> numbers(n);
    for (float& number : numbers) number = std::bit_cast<float>(static_cast<uint32_t>(rng.next()));
    const std::string text = base64_of_floats(numbers);
    std::string bytes(4 * n, '\0');
    if (n > 0) std::memcpy(bytes.data(), numbers.data(), bytes.size());
    EXPECT_EQ(text, base64_of(bytes));
    const std::vector<float> again = floats_of_base64(text);
    ASSERT_EQ(again.size(), n);
    for (size_t i = 0; i < n; ++i)
      EXPECT_EQ(std::bit_cast<uint32_t>(again[i]), std::bit_cast<uint32_t>(numbers[i]));
  }
}

TEST(Base64, WhatIsNoneIsTold) {
  const auto told = [](std::string_view text) {
    try {
      floats_of_base64(text);
    } catch (const std::runtime_error& e) {
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(told("Zm9vYg"), "nothing");  // The filling may be left out.
  for (const char* text : {"Zm9v Yg==", "Zm9vYg==\n", "Zm=9vYg==", "Zm9v-g==", "\xff\xff\xff\xff"})
    EXPECT_EQ(told(text), "its numbers are no base64") << text;
  for (const char* text : {"Zm9v", "Zm8=", "Zg==", "Zm9vYmE="})
    EXPECT_EQ(told(text), "its numbers end in the middle of one") << text;
}

// ---- The network, by its definition.

PredictorRows some_rows(Index n, uint64_t seed) {
  Rng rng(seed, "rows");
  PredictorRows rows;
  rows.features = feature_space({"a", "b", "c"});
  rows.x.resize(n, 3);
  rows.y.resize(n);
  for (Index i = 0; i < n; ++i) {
    rows.x(i, 0) = static_cast<double>(rng.below(2));
    rows.x(i, 1) = 10 * rng.uniform();
    rows.x(i, 2) = 5 * rng.normal() - 3;
    rows.y[i] = 20 + 3 * rows.x(i, 0) + rows.x(i, 1) * rows.x(i, 1) / 10 - rows.x(i, 2);
  }
  return rows;
}

using Fixed = std::map<std::string, double>;
std::unique_ptr<Predictor> fitted(const PredictorRows& rows,
                                  const Fixed& fixed,
                                  bool spread = true,
                                  uint64_t seed = 0) {
  FitOptions options;
  options.fixed = fixed;
  options.spread = spread;
  options.seed = seed;
  auto p = make_predictor("mlp");
  p->fit(rows.features, rows.x, rows.y, options);
  return p;
}
Json parameters_of(const Predictor& p) {
  return p.to_json().at("state");
}

/// One network in double precision: its weights in the order in which they are kept.
class Net {
 public:
  Net(List theta, size_t inputs, size_t width)
      : theta_(std::move(theta)), inputs_(inputs), width_(width) {}
  Net(const Json& parameters, size_t member, size_t inputs) : inputs_(inputs) {
    width_ = parameters.at("width").get<size_t>();
    for (const float v : floats_of_base64(parameters.at("members").at(member).get<std::string>()))
      theta_.push_back(v);
    EXPECT_EQ(theta_.size(), size());
  }
  size_t size() const { return (inputs_ + 1) * width_ + 2 * (width_ + 1) * width_ + width_; }
  const List& theta() const { return theta_; }
  size_t inputs_of(size_t layer) const { return layer == 0 ? inputs_ : width_; }
  /// Of a layer's first weight; weights lie input by input for each unit, the biases behind them.
  size_t at(size_t layer) const {
    return layer == 0 ? 0 : (inputs_ + 1) * width_ + (layer - 1) * (width_ + 1) * width_;
  }

  double of(List x) const {
    for (size_t layer = 0; layer < 3; ++layer) {
      List next(width_);
      const size_t n = inputs_of(layer), w = at(layer), b = w + n * width_;
      for (size_t unit = 0; unit < width_; ++unit) {
        next[unit] = theta_[b + unit];
        for (size_t i = 0; i < n; ++i) next[unit] += x[i] * theta_[w + unit * n + i];
        next[unit] = std::max(0.0, next[unit]);
      }
      x = next;
    }
    double out = 0;
    for (size_t unit = 0; unit < width_; ++unit) out += x[unit] * theta_[at(3) + unit];
    return out;
  }

  double loss(const std::vector<List>& x, const List& y) const {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) sum += (of(x[i]) - y[i]) * (of(x[i]) - y[i]);
    return sum / static_cast<double>(x.size());
  }
  /// By differences; NaN where the two sides disagree, at the kink of a unit that is exactly 0.
  List gradient(const std::vector<List>& x, const List& y) const {
    constexpr double kStep = 1e-5;
    const double here = loss(x, y);
    List g;
    for (size_t k = 0; k < theta_.size(); ++k) {
      Net up = *this, down = *this;
      up.theta_[k] += kStep;
      down.theta_[k] -= kStep;
      const double right = (up.loss(x, y) - here) / kStep, left = (here - down.loss(x, y)) / kStep;
      const bool smooth = std::abs(right - left) <= 0.01 * std::abs(right + left) + 1e-3;
      g.push_back(smooth ? (right + left) / 2 : NAN);
    }
    return g;
  }

 private:
  List theta_;
  size_t inputs_, width_ = 0;
};

/// Rows as the networks see them.
std::vector<List> scaled(const Json& parameters, const FeatureMatrix& x) {
  const List means = parameters.at("scaling").at("means"),
             factors = parameters.at("scaling").at("factors");
  std::vector<List> rows;
  for (Index i = 0; i < x.rows(); ++i) {
    rows.emplace_back();
    for (Index c = 0; c < x.cols(); ++c) {
      const auto k = static_cast<size_t>(c);
      rows.back().push_back((x(i, c) - means[k]) * factors[k]);
    }
  }
  return rows;
}

TEST(MlpModel, SaysTheMeanOfItsNetworksAndHowFarTheyAreApart) {
  const PredictorRows rows = some_rows(60, 3), others = some_rows(20, 4);
  const auto p = fitted(rows, {{"width", 5}, {"epochs", 30}, {"rate", 0.02}});
  const Json parameters = parameters_of(*p);
  const std::vector<List> x = scaled(parameters, others.x);
  const double middle = rows.y.mean(), sd = std::sqrt((rows.y.array() - middle).square().mean());
  ASSERT_EQ(parameters.at("members").size(), 5U);
  const Prediction said = p->predict(others.x);
  const auto disagreement = parameters.at("disagreement").get<double>();
  const auto spread = parameters.at("spread").get<double>();
  for (size_t i = 0; i < x.size(); ++i) {
    double sum = 0, squares = 0;
    for (size_t member = 0; member < 5; ++member) {
      const double one = Net(parameters, member, 3).of(x[i]);
      sum += one;
      squares += one * one;
    }
    const auto row = static_cast<Index>(i);
    EXPECT_NEAR(said.mean[row], sum / 5 * sd + middle, 1e-4 * sd);
    const double variance = squares / 5 - sum * sum / 25;
    EXPECT_NEAR(
        said.spread[row], spread * std::sqrt(0.5 + 0.5 * variance / disagreement), 1e-4 * spread);
  }
  EXPECT_EQ(p->mean(others.x), said.mean);
}

// Each network is judged by the fifth that it has not learnt.
TEST(MlpModel, ItsSpreadIsTheErrorOfRowsThatANetworkHasNotLearnt) {
  const PredictorRows rows = some_rows(43, 5);
  const auto p = fitted(rows, {{"width", 4}, {"epochs", 20}, {"rate", 0.02}});
  const Json parameters = parameters_of(*p);
  const std::vector<List> x = scaled(parameters, rows.x);
  const double middle = rows.y.mean(), sd = std::sqrt((rows.y.array() - middle).square().mean());
  double errors = 0, relative = 0, apart = 0;
  size_t row = 0;
  for (size_t fold = 0; fold < 5; ++fold)
    for (const size_t end = row + (fold < 43 % 5 ? 9 : 8); row < end; ++row) {
      const double own = Net(parameters, fold, 3).of(x[row]);
      double others = 0;
      for (size_t member = 0; member < 5; ++member)
        if (member != fold) others += Net(parameters, member, 3).of(x[row]) / 4;
      const double truth = rows.y[static_cast<Index>(row)], off = own * sd + middle - truth;
      errors += off * off / 43;
      relative += 100 * std::abs(off / truth) / 43;
      apart += (own - others) * (own - others) / 43;
    }
  EXPECT_EQ(row, 43U);
  EXPECT_NEAR(parameters.at("spread").get<double>(), std::sqrt(errors), 1e-4 * std::sqrt(errors));
  EXPECT_NEAR(parameters.at("disagreement").get<double>(), apart, 1e-3 * apart);
  EXPECT_NEAR(p->cv_mape(), relative, 1e-3 * relative);
}

TEST(MlpModel, BeginsAtTheMeanWithDrawsForReluAndNoBias) {
  const PredictorRows rows = some_rows(40, 6);
  const auto p = fitted(rows, {{"width", 16}, {"epochs", 1}, {"rate", 0}});
  const Json parameters = parameters_of(*p);
  const VectorXd said = p->mean(rows.x);
  EXPECT_NEAR(said.minCoeff(), rows.y.mean(), 1e-9);
  EXPECT_NEAR(said.maxCoeff(), rows.y.mean(), 1e-9);
  std::set<List> different;
  for (size_t member = 0; member < 5; ++member) {
    const Net net(parameters, member, 3);
    different.insert(net.theta());
    for (size_t layer = 0; layer < 3; ++layer) {
      const auto begin = net.theta().begin() + static_cast<int64_t>(net.at(layer));
      const auto end = begin + static_cast<int64_t>(16 * net.inputs_of(layer));
      const double bound = std::sqrt(6.0 / static_cast<double>(net.inputs_of(layer)));
      double squares = 0;
      for (auto w = begin; w != end; ++w) {
        EXPECT_LE(std::abs(*w), bound);
        squares += *w * *w / static_cast<double>(end - begin);
      }
      // Uniform in +-bound: variance bound^2 / 3; few numbers in the first layer.
      EXPECT_NEAR(squares / (bound * bound / 3), 1, layer == 0 ? 0.6 : 0.3);
      EXPECT_THAT(List(end, end + 16), Each(0.0));
    }
    EXPECT_THAT(List(net.theta().end() - 16, net.theta().end()), Each(0.0));
  }
  EXPECT_EQ(different.size(), 5U);
}

// The first steps of Adam on the squared error of four fifths of the rows, with derivatives by
// differences. The output begins at 0, so that the first step moves it alone; the second moves all.
TEST(MlpModel, LearnsByAdamOnTheSquaredError) {
  const PredictorRows rows = some_rows(40, 7);
  constexpr double kRate = 0.02, kDecay = 2;
  const auto network = [&](double epochs, double rate) {
    const auto p =
        fitted(rows, {{"width", 4}, {"epochs", epochs}, {"rate", rate}, {"decay", kDecay}}, false);
    EXPECT_EQ(p->chosen().at("members"), 1);
    // The best epoch is the last one, or this test says nothing.
    if (rate > 0) {
      EXPECT_EQ(p->chosen().at("epochs"), epochs);
    }
    return Net(parameters_of(*p), 0, 3);
  };
  const auto p = fitted(rows, {{"width", 4}, {"epochs", 1}}, false);
  std::vector<List> x = scaled(parameters_of(*p), rows.x);
  const double middle = rows.y.mean(), sd = std::sqrt((rows.y.array() - middle).square().mean());
  List y;
  for (const double truth : rows.y) y.push_back((truth - middle) / sd);
  // The first fifth says when to stop.
  x.erase(x.begin(), x.begin() + 8);
  y.erase(y.begin(), y.begin() + 8);

  List theta = network(1, 0).theta(), m(theta.size()), v(theta.size());
  std::vector<bool> sure(theta.size(), true);
  for (int step = 1; step <= 4; ++step) {
    const List g = Net(theta, 3, 4).gradient(x, y);
    const List reached = network(step, kRate).theta();
    size_t moved = 0;
    for (size_t k = 0; k < theta.size(); ++k) {
      m[k] = 0.9 * m[k] + 0.1 * g[k];
      v[k] = 0.999 * v[k] + 0.001 * g[k] * g[k];
      const double corrected = m[k] / (1 - std::pow(0.9, step)),
                   root = std::sqrt(v[k] / (1 - std::pow(0.999, step)));
      const double next = theta[k] * (1 - kRate * kDecay) - kRate * corrected / (root + 1e-8);
      // A derivative of nearly 0 is rounding, and the steps after it remember that.
      if (g[k] != 0 && !(std::abs(g[k]) >= 1e-3)) sure[k] = false;
      if (!sure[k]) continue;
      moved += g[k] != 0;
      EXPECT_NEAR(reached[k], next, 5e-4 * kRate) << "step " << step << ", weight " << k;
    }
    EXPECT_GE(moved, step == 1 ? 3U : theta.size() / 3);
    theta = reached;
  }
}

// Rows far beyond what the networks were shown how to stop by.
TEST(MlpModel, StopsWhereTheFifthGetsNoBetter) {
  Rng rng(8, "noise");
  PredictorRows rows = some_rows(50, 8);
  for (double& y : rows.y) y = rng.normal();  // Nothing to learn but noise.
  const auto p = fitted(rows, {{"width", 30}, {"epochs", 1000}, {"rate", 0.01}});
  EXPECT_LT(p->chosen().at("epochs"), 40);
  EXPECT_EQ(p->chosen().at("members"), 5);
  EXPECT_EQ(p->chosen().at("rows"), 50);
}

TEST(MlpModel, LearnsWhatBendsBetterThanALine) {
  Rng rng(9, "bends");
  const auto bent = [&](Index n) {
    PredictorRows rows = some_rows(n, rng.next());
    for (Index i = 0; i < n; ++i) rows.y[i] = 3 + std::abs(rows.x(i, 1) - 5) + rows.x(i, 0);
    return rows;
  };
  const PredictorRows rows = bent(300), others = bent(200);
  const auto p = fitted(rows, {{"width", 24}, {"rate", 0.01}});
  const VectorXd said = p->mean(others.x);
  EXPECT_LT(rmse(others.y, said), 0.2);
  auto line = make_predictor("ridge");
  line->fit(rows.features, rows.x, rows.y);
  EXPECT_GT(rmse(others.y, line->mean(others.x)), 2 * rmse(others.y, said));
  // And says what it knows: two thirds of a normal error lie within one spread.
  const Prediction all = p->predict(others.x);
  const auto inside = ((others.y - all.mean).array().abs() <= 2 * all.spread.array()).count();
  EXPECT_GT(inside, 170);
}

TEST(MlpModel, OfVeryManyRowsItTakesAnEvenPart) {
  const PredictorRows rows = some_rows(4100, 10);
  const auto p = fitted(rows, {{"width", 1}, {"epochs", 1}}, false);
  EXPECT_EQ(p->chosen().at("rows"), 4000);
  EXPECT_EQ(p->rows(), 4100);
  EXPECT_EQ(p->chosen().at("width"), 1);
}

// ---- Files.

TEST(MlpModel, WhatItsFileCannotBeIsTold) {
  const PredictorRows rows = some_rows(30, 11);
  const auto p = fitted(rows, {{"width", 3}, {"epochs", 2}});
  const Json good = p->to_json();
  EXPECT_EQ(predictor_from_json(good, "p.json")->mean(rows.x), p->mean(rows.x));
  const auto told = [&](const auto& change) {
    Json bad = good;
    change(bad["state"]);
    try {
      predictor_from_json(bad, "p.json");
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("p.json"));
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(told([](Json&) {}), "nothing");
  const char* others = "its networks are not those it speaks of";
  EXPECT_THAT(told([](Json& j) { j["count"] = 4; }), HasSubstr(others));
  EXPECT_THAT(told([](Json& j) { j["width"] = 0; }), HasSubstr(others));
  EXPECT_THAT(told([](Json& j) { j["width"] = 1e300; }), HasSubstr(others));
  EXPECT_THAT(told([](Json& j) { j["members"] = Json::array(), j["count"] = 0; }),
              HasSubstr(others));
  EXPECT_THAT(told([](Json& j) { j["width"] = 4; }),
              HasSubstr("a network has another number of weights"));
  EXPECT_THAT(told([](Json& j) { j["members"][2] = "AAAA"; }),
              HasSubstr("its numbers end in the middle of one"));
  EXPECT_THAT(told([](Json& j) { j["members"][2] = "?"; }), HasSubstr("its numbers are no base64"));
  EXPECT_THAT(told([](Json& j) {
                std::vector<float> theta = floats_of_base64(j["members"][1].get<std::string>());
                theta.back() = std::numeric_limits<float>::infinity();
                j["members"][1] = base64_of_floats(theta);
              }),
              HasSubstr("a weight is not finite"));
  EXPECT_THAT(told([](Json& j) { j["disagreement"] = 0; }), HasSubstr("its members agree"));
  for (const char* key : {"scaling", "width", "members", "mean", "sd", "spread", "disagreement"})
    EXPECT_NE(told([key](Json& j) { j.erase(key); }), "nothing") << key;
}

}  // namespace
}  // namespace nas
