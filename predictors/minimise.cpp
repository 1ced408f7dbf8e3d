// L-BFGS with a backtracking line search: the gradients are exact and a value costs a Cholesky
// factor, so a method that needs about one value a step is the cheap one; nothing in it is random.
#include "predictors/minimise.hpp"

#include <cmath>
#include <deque>
#include <utility>
#include <vector>

namespace nas {
namespace {

using Eigen::VectorXd;

struct Pair {
  VectorXd step, change;  ///< Of x and of the gradient.
  double curvature;       ///< Their product, above 0.
};

// The two-loop recursion: minus the approximate inverse Hessian times the gradient.
VectorXd direction(const std::deque<Pair>& pairs, const VectorXd& gradient) {
  VectorXd q = -gradient;
  std::vector<double> a(pairs.size());
  for (size_t i = pairs.size(); i-- > 0;) {
    a[i] = pairs[i].step.dot(q) / pairs[i].curvature;
    q -= a[i] * pairs[i].change;
  }
  if (!pairs.empty()) q *= pairs.back().curvature / pairs.back().change.squaredNorm();
  for (size_t i = 0; i < pairs.size(); ++i)
    q += (a[i] - pairs[i].change.dot(q) / pairs[i].curvature) * pairs[i].step;
  return q;
}

}  // namespace

Minimum minimise(const SmoothFunction& f, const VectorXd& start, int steps, double tolerance) {
  constexpr size_t kMemory = 10;
  constexpr int kHalvings = 20;
  constexpr double kArmijo = 1e-4, kLongest = 2;
  Minimum at{start, 0, 0};
  VectorXd gradient(start.size()), next_gradient(start.size());
  at.value = f(at.x, gradient);
  std::deque<Pair> pairs;
  for (; at.steps < steps; ++at.steps) {
    VectorXd d = direction(pairs, gradient);
    if (d.dot(gradient) >= 0) d = -gradient;
    // Variables are logarithms: no step multiplies by more than e^2.
    const double longest = d.cwiseAbs().maxCoeff();
    if (longest == 0) break;
    if (pairs.empty()) d /= std::max(1.0, 2 * longest);
    if (longest > kLongest && !pairs.empty()) d *= kLongest / longest;
    const double slope = d.dot(gradient);
    double t = 1, value = 0;
    VectorXd x;
    int halvings = 0;
    for (;; ++halvings, t /= 2) {
      if (halvings == kHalvings) return at;
      x = at.x + t * d;
      value = f(x, next_gradient);
      if (std::isfinite(value) && value <= at.value + kArmijo * t * slope) break;
    }
    Pair pair{x - at.x, next_gradient - gradient, 0};
    pair.curvature = pair.step.dot(pair.change);
    if (pair.curvature > 1e-12 * pair.step.squaredNorm()) {
      pairs.push_back(std::move(pair));
      if (pairs.size() > kMemory) pairs.pop_front();
    }
    const double gain = at.value - value;
    at.x = std::move(x);
    at.value = value;
    gradient = next_gradient;
    if (gain < tolerance) break;
  }
  return at;
}

}  // namespace nas
