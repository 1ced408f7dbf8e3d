// panda.md section 7: worked numbers of scores, probabilities, weights and variances.
#include <gtest/gtest.h>

#include <numeric>

#include "spaces/error.hpp"
#include "supernet/samplers/gradient_scores.hpp"
#include "supernet/samplers/image_importance.hpp"
#include "supernet/samplers/path_importance.hpp"
#include "supernet/train/observers/gradient_variance.hpp"
#include "supernet/train/step/optimizer.hpp"
#include "supernet/train/step/path_runner.hpp"
#include "supernet/train/step/reptile.hpp"
#include "support.hpp"

namespace nas {
namespace {

using List = std::vector<double>;

std::unique_ptr<Space> small_cells() {
  return test::space_of("family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\nform: supernet\n");
}

void expect_near(const List& got, const List& want, double tolerance = 1e-10) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance) << i;
}

List to_list(const at::Tensor& t) {
  const at::Tensor d = t.to(at::kDouble).contiguous();
  return {d.data_ptr<double>(), d.data_ptr<double>() + d.numel()};
}

// ---- 7.4

struct CaseA {
  at::Tensor logits =
      at::tensor({2., 1., 0., 0., 0., 0., -1., 3., .5, 4., -2., 1.}, at::kDouble).view({4, 3});
  at::Tensor labels = at::tensor({0, 2, 1, 2}, at::kLong);
  at::Tensor features = at::tensor({1., 2., .5, -.5, 0., 1., 2., 0.}, at::kDouble).view({4, 2});
};

TEST(DataScore, CaseA) {
  const CaseA a;
  const List r = to_list(logit_norms(classification(), a.logits, a.labels, 0));
  expect_near(r, {0.4243361242, 0.8164965809, 0.1190222188, 1.3456386510});
  const List g =
      to_list(last_layer_norms(classification(), a.logits, a.labels, 0, a.features, true));
  expect_near(g, {1.0394069838, 1.0000000000, 0.1683228360, 3.0089394968});

  const LastLayerGradients gradients =
      last_layer_gradients(classification(), a.logits, a.labels, 0, a.features, true);
  EXPECT_NEAR(std::sqrt(gradients.mean_square), 0.8714406422, 1e-10);
  const VarianceReport by_r = gradient_variance(gradients, r);
  EXPECT_NEAR(by_r.uniform, 2.0311952948, 1e-9);
  EXPECT_NEAR(by_r.sampling, 1.0561463726, 1e-9);
  EXPECT_NEAR(by_r.best, 0.9414436296, 1e-9);
  EXPECT_NEAR(by_r.uniform - by_r.best, 1.0897516652, 1e-9);
  const VarianceReport by_g = gradient_variance(gradients, g);
  EXPECT_NEAR(by_g.sampling, by_g.best, 1e-12);
  EXPECT_NEAR(by_g.unweighted_second_moment, 5.6299900329, 1e-9);
  EXPECT_NEAR(by_g.uniform_second_moment, 2.7906040877, 1e-9);
  const double total = std::accumulate(g.begin(), g.end(), 0.0);
  List half(4);
  for (size_t i = 0; i < 4; ++i) half[i] = 0.5 * g[i] / total + 0.5 / 4;
  EXPECT_NEAR(gradient_variance(gradients, half).sampling, 1.2055448158, 1e-9);
}

TEST(DataScore, ProxyCanBeWorseThanUniform) {
  const at::Tensor w = at::tensor({.5, -.2, .1, .4, -.3, .2}, at::kDouble).view({3, 2});
  const at::Tensor b = at::tensor({.1, 0., -.1}, at::kDouble);
  const at::Tensor h =
      at::tensor({1., .5, .2, -1., -.7, .3, 2., 1., 0., 0.}, at::kDouble).view({5, 2});
  const at::Tensor y = at::tensor({0, 1, 2, 0, 1}, at::kLong);
  const at::Tensor z = at::linear(h, w, b);
  const List r = to_list(logit_norms(classification(), z, y, 0));
  const List g = to_list(last_layer_norms(classification(), z, y, 0, h, true));
  expect_near(r, {0.6943655518, 0.9534982177, 0.7398417727, 0.6333921164, 0.8192069494});
  expect_near(g, {1.0415483277, 1.3618678557, 0.9299666880, 1.5514874922, 0.8192069494});
  const LastLayerGradients gradients = last_layer_gradients(classification(), z, y, 0, h, true);
  const VarianceReport by_r = gradient_variance(gradients, r);
  EXPECT_NEAR(by_r.uniform, 1.0680027368, 1e-9);
  EXPECT_NEAR(by_r.sampling, 1.1194650680, 1e-9);
  EXPECT_NEAR(by_r.best, 0.9929509604, 1e-9);
}

TEST(DataScore, SmoothedLabelsAgreeWithAutograd) {
  const CaseA a;
  const at::Tensor w = at::tensor({.5, -.2, .1, .4, -.3, .2}, at::kDouble).view({3, 2});
  for (int64_t i = 0; i < 4; ++i) {
    const at::Tensor leaf = w.clone().set_requires_grad(true);
    const at::Tensor bias = at::zeros({3}, at::kDouble).set_requires_grad(true);
    const at::Tensor h = a.features.narrow(0, i, 1);
    const at::Tensor y = a.labels.narrow(0, i, 1);
    const at::Tensor z = at::linear(h, leaf, bias);
    at::cross_entropy_loss(z, y, {}, at::Reduction::Mean, -100, 0.1).backward();
    const double norm =
        std::sqrt((leaf.grad().square().sum() + bias.grad().square().sum()).item<double>());
    EXPECT_NEAR(last_layer_norms(classification(), z, y, 0.1, h, true).item<double>(), norm, 1e-12);
    EXPECT_NEAR(std::sqrt(last_layer_gradients(classification(), z, y, 0.1, h, true).squares[0]),
                norm,
                1e-12);
  }
}

// 7.4: weights of q_G, and that they undo the bias.
TEST(ImageImportance, ExactWeightsAreUnbiased) {
  const CaseA a;
  const List g =
      to_list(last_layer_norms(classification(), a.logits, a.labels, 0, a.features, true));
  ImageImportanceOptions options;
  options.weights = Weighting::kExact;
  ImageImportance images(4, options);
  for (int64_t i = 0; i < 4; ++i) images.record(i, g[static_cast<size_t>(i)]);
  images.end_epoch(1.0);
  expect_near(images.q(), {0.1992472439, 0.1916931934, 0.0322663420, 0.5767932208});
  const List w = images.weights({0, 1, 2, 3});
  expect_near(w, {1.2547224999, 1.3041673292, 7.7480118558, 0.4334308917}, 1e-8);
  double mean = 0;
  for (size_t i = 0; i < 4; ++i) {
    mean += images.q()[i] * w[i];
    EXPECT_NEAR(images.q()[i] * w[i] * g[i], g[i] / 4, 1e-12);
  }
  EXPECT_NEAR(mean, 1.0, 1e-12);
}

// ---- 7.5

TEST(ImageImportance, Bookkeeping) {
  ImageImportanceOptions options;
  options.unseen = Unseen::kZero;
  ImageImportance images(5, options);
  const std::pair<int64_t, double> records[] = {
      {0, 1.0}, {3, .4}, {1, .2}, {0, .5}, {3, .8}, {3, .2}};
  for (const auto& [i, r] : records) images.record(i, r);
  expect_near(images.g(), {.75, .2, 0, .4, 0});
  images.end_epoch(0.5);
  expect_near(images.q(), {0.3777777778, 0.1740740741, 0.1, 0.2481481481, 0.1});
}

TEST(ImageImportance, KeepLastAndNeverSeen) {
  ImageImportance images(4, {});
  images.record(0, 3.0);
  images.record(1, 1.0);
  images.end_epoch(1.0);
  // 2 and 3 were never seen: the mean of the known, 2.
  expect_near(images.q(), {3.0 / 8, 1.0 / 8, 2.0 / 8, 2.0 / 8});
  images.record(2, 5.0);
  images.end_epoch(1.0);
  expect_near(images.q(), {3.0 / 12, 1.0 / 12, 5.0 / 12, 3.0 / 12});
}

TEST(ImageImportance, NothingKnownStaysUniform) {
  ImageImportanceOptions options;
  options.unseen = Unseen::kZero;
  ImageImportance images(4, options);
  images.end_epoch(1.0);
  expect_near(images.q(), {.25, .25, .25, .25});
  EXPECT_DOUBLE_EQ(images.effective_sample_size(), 1.0);
  images.record(1, 0.0);  // Solved is not unseen.
  images.end_epoch(1.0);
  expect_near(images.q(), {0, 1, 0, 0});
}

TEST(ImageImportance, ClippedWeightsHaveBatchMeanOne) {
  ImageImportanceOptions options;
  options.weights = Weighting::kClipped;
  options.clip = 2;
  ImageImportance images(4, options);
  for (int64_t i = 0; i < 4; ++i) images.record(i, i == 0 ? 30.0 : 1.0);
  images.end_epoch(0.9);
  const List w = images.weights({0, 1, 2, 3});
  EXPECT_NEAR(std::accumulate(w.begin(), w.end(), 0.0), 4.0, 1e-12);
  EXPECT_NEAR(w[1], w[2], 1e-12);
  const double first = 1 / (4 * images.q()[0]);
  EXPECT_NEAR(w[1] / w[0], 2.0 / first, 1e-12);
}

PathScores cell_scores(const List& per_edge, const Architecture& a) {
  PathScores scores;
  scores.score = per_edge;
  for (const int16_t gene : a.genes) scores.parametric.push_back(gene == 2 || gene == 3);
  return scores;
}

PathImportanceOptions released() {
  PathImportanceOptions o;
  o.scope = ImportanceScope::kGlobal;
  o.unseen = Unseen::kZero;
  o.nonparam = NonParam::kZero;
  o.weights = Weighting::kNone;
  return o;
}

/// The five paths of 7.5; sums over the two cells.
void observe_oracle(PathImportance& importance, const Space& space) {
  const auto observe = [&](const char* genes, const List& per_edge) {
    const Architecture a = space.parse(genes);
    importance.observe(a, cell_scores(per_edge, a));
  };
  observe("3,0,2,3,1,4", {1.2 + .6, 0, .5 + .3, .8 + .4, 0, 0});
  observe("2,2,1,1,3,0", {.9 + .1, .7 + .3, 0, 0, 2.0 + 1.0, 0});
  observe("1,1,4,0,4,1", {0, 0, 0, 0, 0, 0});
  observe("3,3,3,3,3,3", {.3, .6, .9, 1.2, 1.5, 1.8});
  observe("2,3,0,0,0,0", {0, 0, 0, 0, 0, 0});
}

TEST(PathImportance, Bookkeeping) {
  const auto space = small_cells();
  PathImportance importance(*space, released());
  observe_oracle(importance, *space);
  expect_near(importance.groups()[0].c, {0, 0, .7, 1.4625, 0}, 1e-12);
}

TEST(PathImportance, ReleasedProbabilities) {
  const auto space = small_cells();
  const std::pair<double, List> rows[] = {
      {.25, {.15, .15, 0.2309248555, 0.3190751445, .15}},
      {.5, {.1, .1, 0.2618497110, 0.4381502890, .1}},
      {.996, {.0008, .0008, 0.3232046243, 0.6743953757, .0008}}};
  for (const auto& [tau, p] : rows) {
    PathImportance importance(*space, released());
    observe_oracle(importance, *space);
    importance.end_epoch(tau, Rng(0, "test"));
    expect_near(importance.p(5), p);
    // c starts anew: the next epoch without any path is uniform.
    importance.end_epoch(tau, Rng(0, "test"));
    expect_near(importance.p(5), {.2, .2, .2, .2, .2});
  }
}

TEST(PathImportance, ParameterFreeOptionsKeepTheirShare) {
  const auto space = small_cells();
  PathImportanceOptions options = released();
  options.nonparam = NonParam::kUniform;
  PathImportance importance(*space, options);
  observe_oracle(importance, *space);
  importance.end_epoch(0.5, Rng(0, "test"));
  expect_near(importance.p(0), {.2, .2, 0.1647398844, 0.2352601156, .2});
}

TEST(PathImportance, PerDecisionKeepsChoicesApart) {
  const auto space = small_cells();
  PathImportanceOptions options;
  options.floor = 0;
  options.weights = Weighting::kNone;
  PathImportance importance(*space, options);
  observe_oracle(importance, *space);
  importance.end_epoch(1.0, Rng(0, "test"));
  // Edge 5 had 3x3 with 1.8 once, option 2 never; 0, 1 and 4 are known to be free there.
  expect_near(importance.p(5), {.2, .2, .2, .2, .2});
  // Edge 0: 3x3 1.8/2 = .9, then (.9 + .3)/2 = .6; 1x1: 1/2 = .5, then a zero that is not counted.
  expect_near(importance.groups()[0].last, {0, 0, .5, .6, 0});
  EXPECT_NEAR(importance.p(0)[3] / importance.p(0)[2], .6 / .5, 1e-12);
}

TEST(PathImportance, ExactWeightsHaveMeanOneAndAreBounded) {
  const auto space = small_cells();
  PathImportance importance(*space, {});
  observe_oracle(importance, *space);
  importance.end_epoch(0.9, Rng(0, "test"));
  double mean = 0, most = 0, total = 0;
  space->enumerate([&](const Architecture& a) {
    double p = 1;
    for (size_t c = 0; c < 6; ++c) p *= importance.p(c)[static_cast<size_t>(a.genes[c])];
    mean += p * importance.weight(a);
    total += p;
    most = std::max(most, importance.weight(a));
    return true;
  });
  EXPECT_NEAR(total, 1, 1e-12);
  EXPECT_NEAR(mean, 1, 1e-12);
  EXPECT_LE(most, 20.0 * (1 + 1e-9));
}

TEST(PathImportance, ConstrainedSpacesAreRescaledToMeanOne) {
  const auto space =
      test::space_of("family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\nconnected: true\n");
  PathImportance importance(*space, {});
  const auto observe = [&](const char* genes, const List& per_edge) {
    const Architecture a = space->parse(genes);
    for (int k = 0; k < 5; ++k) importance.observe(a, cell_scores(per_edge, a));
  };
  observe("3,3,3,2,2,2", {1, 2, 3, 1, 2, 3});
  observe("2,2,2,3,3,3", {5, 1, 1, 9, 2, 3});
  importance.end_epoch(0.9, Rng(0, "test"));
  double mean = 0, total = 0;
  space->enumerate([&](const Architecture& a) {
    double p = 1;
    for (size_t c = 0; c < 6; ++c) p *= importance.p(c)[static_cast<size_t>(a.genes[c])];
    mean += p * importance.weight(a);
    total += p;
    return true;
  });
  EXPECT_LT(total, 0.999);
  EXPECT_NEAR(mean / total, 1, 0.03);
}

TEST(PathImportance, FloorBelowTheBoundIsRefused) {
  const auto space = small_cells();
  PathImportanceOptions options;
  options.floor = 0.1214;
  EXPECT_NO_THROW(PathImportance(*space, options));
  options.floor = 0.05;
  try {
    PathImportance(*space, options);
    FAIL();
  } catch (const ConfigError& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("p_floor"), std::string::npos) << text;
    EXPECT_NE(text.find("0.1213"), std::string::npos) << text;
  }
}

// Choices between one option take no part in the bound.
TEST(PathImportance, ChoicesWithoutAChoiceDoNotCount) {
  const auto space = test::space_of(
      "family: mobilenet\nvariant: mobilenetv3-32\nresolutions: [32]\nkernels: [3]\n"
      "depths: [1]\nexpansions: [3, 4]\n");
  size_t real = 0;
  for (const Choice& choice : space->choices()) real += choice.options.size() > 1;
  ASSERT_EQ(real, 5U);
  EXPECT_NEAR(PathImportance(*space, {}).even_share_kept(), std::pow(20, -1.0 / 5), 1e-12);
  PathImportanceOptions options;
  options.floor = 0.3;  // (0.5 / 0.3)^5 = 12.9.
  EXPECT_NO_THROW(PathImportance(*space, options));
  options.floor = 0.25;  // 32.
  EXPECT_THROW(PathImportance(*space, options), ConfigError);
}

TEST(PathImportance, Floor) {
  List p = {.02, .08, .3, .6};
  apply_floor(p, .1);
  EXPECT_NEAR(p[0], .1, 1e-12);
  EXPECT_NEAR(p[1], .1, 1e-12);
  EXPECT_NEAR(p[3] / p[2], 2, 1e-12);
  EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1, 1e-12);
  // The second raise follows from the first.
  p = {.01, .105, .885, 0};
  apply_floor(p, .1);
  EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1, 1e-12);
  for (const double v : p) EXPECT_GE(v, .1 - 1e-12);
  p = {0, 1};
  apply_floor(p, .5);
  expect_near(p, {.5, .5});
}

/// The gradient norms of one path of the real plan, folded in.
std::pair<double, double> c2_c3(const Space& space,
                                WeightSet& store,
                                const char* genes,
                                PathImportance& importance) {
  const Architecture a = space.parse(genes);
  const Plan plan = space.plan(a);
  const at::Tensor none;
  const std::vector<int64_t> positions;
  const PathOutcome outcome{
      a, plan, classification(), none, none, positions, nullptr, store};
  const PathNorms norms = path_norms(outcome, 6);
  PathScores scores;
  scores.score.assign(6, 0);
  scores.parametric = norms.parametric;
  const List values = norms.norms.defined() ? to_list(norms.norms) : List{};
  for (size_t t = 0; t < values.size(); ++t)
    for (const size_t c : norms.choices[t]) scores.score[c] += values[t];
  importance.observe(a, scores);
  return {importance.groups()[0].c[2], importance.groups()[0].c[3]};
}

TEST(PathNorms, EveryGradientEntryEqual) {
  const auto space = test::space_of("family: nasbench201\nform: supernet\n");
  const auto store = make_shared_set(*space, 0);
  for (const NamedTensor& p : store->parameters())
    p.tensor.mutable_grad() = at::full_like(p.tensor, 0.01).detach();
  PathImportance importance(*space, released());
  const auto first = c2_c3(*space, *store, "3,0,2,3,1,4", importance);
  EXPECT_NEAR(first.first, 3.241421, 2e-5);
  EXPECT_NEAR(first.second, 8.841421, 2e-5);
  const auto second = c2_c3(*space, *store, "3,0,2,3,1,4", importance);
  EXPECT_NEAR(second.first, 4.862132, 2e-5);
  EXPECT_NEAR(second.second, 13.262132, 2e-5);
}

// 7.9: r and c of whole networks.
TEST(PathNorms, WholeSupernet) {
  const auto space = small_cells();
  const auto store = make_shared_set(*space, 0, at::kDouble);
  test::fill_nasbench201(*store);
  struct Row {
    const char* genes;
    List r;
    double c2, c3;
  };
  const Row rows[] = {
      {"3,0,3,1,0,1", {0.94561970, 0.95571039, 0.95152105, 0.93556718}, 0, 0.11142696},
      {"3,2,4,1,2,3", {0.94557502, 0.95933766, 0.95553055, 0.94470609}, 0.43478296, 0.22058765},
      {"0,0,0,0,0,0", {0.94398356, 0.95218594, 0.94811873, 0.94398903}, 0, 0},
      {"4,4,4,4,4,4", {0.94378577, 0.96054443, 0.94841379, 0.94314193}, 0, 0}};
  for (const Row& row : rows) {
    for (const NamedTensor& p : store->parameters()) p.tensor.mutable_grad().reset();
    const at::Tensor labels = at::tensor({0, 3, 7, 9}, at::kLong);
    const at::Tensor logits = test::logits_of(*space, *store, row.genes, test::wave_images(8));
    at::cross_entropy_loss(logits, labels).backward();
    expect_near(to_list(logit_norms(classification(), logits.detach(), labels, 0)), row.r, 1e-8);
    PathImportance importance(*space, released());
    const auto [c2, c3] = c2_c3(*space, *store, row.genes, importance);
    EXPECT_NEAR(c2, row.c2, 1e-7) << row.genes;
    EXPECT_NEAR(c3, row.c3, 1e-7) << row.genes;
  }
}

// ---- 7.6

TEST(InverseCdf, CountsEntriesAtMostU) {
  const List c = cumulative_of({.25, .08, .02, .40, .25});
  const List u = {0, .1, .2499, .25, .3299, .3301, .3499, .3501, .7499, .7501, .999999};
  const size_t want[] = {0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4};
  for (size_t i = 0; i < u.size(); ++i) EXPECT_EQ(draw_from_cumulative(c, u[i]), want[i]) << u[i];
  const List zeros = cumulative_of({0, .3, 0, .7, 0});
  const List v = {0, .1, .2999, .3001, .9999999};
  const size_t some[] = {1, 1, 1, 3, 3};
  for (size_t i = 0; i < v.size(); ++i)
    EXPECT_EQ(draw_from_cumulative(zeros, v[i]), some[i]) << v[i];
}

// ---- 7.7

TEST(JointVariance, TwoPathsThreeImages) {
  using Vec = std::array<double, 2>;
  const Vec g[2][3] = {{{1, 0}, {.5, .5}, {0, .2}}, {{0, 2}, {-1, 1}, {.3, -.4}}};
  Vec mean = {0, 0};
  List squares, p(2), q(3);
  for (int a = 0; a < 2; ++a) {
    Vec path = {0, 0};
    for (int i = 0; i < 3; ++i) {
      const Vec& v = g[a][i];
      squares.push_back(v[0] * v[0] + v[1] * v[1]);
      q[static_cast<size_t>(i)] += std::sqrt(squares.back());
      for (size_t d = 0; d < 2; ++d) {
        mean[d] += v[d] / 6;
        path[d] += v[d] / 3;
      }
    }
    p[static_cast<size_t>(a)] = std::hypot(path[0], path[1]);
  }
  const auto normalise = [](List v) {
    const double sum = std::accumulate(v.begin(), v.end(), 0.0);
    for (double& x : v) x /= sum;
    return v;
  };
  p = normalise(p);
  q = normalise(q);
  expect_near(p, {0.3807132904, 0.6192867096});
  expect_near(q, {0.5153470043, 0.3644053614, 0.1202476343});
  const double mean_square = mean[0] * mean[0] + mean[1] * mean[1];
  const auto trace = [&](const List& paths, const List& images) {
    List joint;
    for (const double pa : paths)
      for (const double qi : images) joint.push_back(pa * qi);
    return weighted_trace(squares, joint, mean_square);
  };
  const List even2(2, 0.5), even3(3, 1.0 / 3);
  EXPECT_NEAR(trace(even2, even3), 0.9780555556, 1e-9);
  EXPECT_NEAR(trace(p, even3), 0.8578301139, 1e-9);
  EXPECT_NEAR(trace(even2, q), 0.7338545693, 1e-9);
  EXPECT_NEAR(trace(p, q), 0.6332669266, 1e-9);
  EXPECT_NEAR(gradient_variance({squares, mean_square}, {}).best, 0.6210491817, 1e-9);
}

// ---- 7.8

double sumnas_scalar(const List& centres, bool persist) {
  const at::Tensor w = at::ones({1}, at::kDouble).set_requires_grad(true);
  Reptile reptile({{"w", w}});
  ReptileOptions inner;
  inner.persist = persist;
  reptile.begin();
  for (const double c : centres)
    reptile.path(inner, [&](int, std::vector<bool>& used) {
      ((w - c).square() / 2).sum().backward();
      used[0] = true;
    });
  std::vector<bool> used = {false};
  reptile.finish(used);
  OptimizerOptions outer;
  outer.lr = 1;
  outer.momentum = 0;
  outer.weight_decay = 4e-5;
  Optimizer optimizer({{"w", w}}, outer);
  optimizer.step(outer.lr, used);
  return w.item<double>();
}

TEST(Sumnas, ScalarSteps) {
  EXPECT_NEAR(sumnas_scalar({0, 3, 1, -2, 2}, true), 0.937655114870, 1e-11);
  EXPECT_NEAR(sumnas_scalar({0, 3, 1, -2, 2}, false), 0.971460000000, 1e-11);
  EXPECT_NEAR(sumnas_scalar({0, 3}, true), 0.99420375, 1e-11);
  EXPECT_NEAR(sumnas_scalar({0, 3}, false), 1.07121, 1e-11);
}

}  // namespace
}  // namespace nas
