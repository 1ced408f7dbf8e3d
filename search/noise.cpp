// Probability of dominance (Teich 2001, "Pareto-front exploration with uncertain objectives";
// Hughes 2001, "Evolutionary multi-objective ranking with uncertainty and noise"): errors of
// objectives and of points are independent, so it is the product over objectives of P(a <= b). A
// mean of few measurements has an error that is itself a guess; the difference of two of them
// follows Student's t with the degrees of freedom of Welch and Satterthwaite. A fixed margin in
// each objective (epsilon dominance) was not taken: it would need a number that nobody knows, where
// repeated measurements tell it.
//
// A point is only left out where some other one dominates it beyond noise. That relation is not
// transitive, so all points are asked, not only those of the front.
#include "search/noise.hpp"

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <optional>

namespace nas {
namespace {

std::optional<double> number(const std::map<std::string, double>& values, const std::string& name) {
  const auto at = values.find(name);
  if (at == values.end() || !std::isfinite(at->second)) return std::nullopt;
  return at->second;
}

/// P(T <= t); infinite freedom: the normal distribution.
double student(double t, double freedom) {
  if (!std::isfinite(t)) return t > 0 ? 1 : 0;
  if (!std::isfinite(freedom)) return boost::math::cdf(boost::math::normal(), t);
  return boost::math::cdf(boost::math::students_t(freedom), t);
}

double chance(double a, const Noise& of_a, double b, const Noise& of_b) {
  const double va = of_a.error * of_a.error, vb = of_b.error * of_b.error;
  const double variance = va + vb;
  if (variance == 0) return a <= b ? 1 : 0;
  const double parts =
      (va > 0 ? va * va / of_a.freedom : 0) + (vb > 0 ? vb * vb / of_b.freedom : 0);
  const double freedom =
      parts > 0 ? variance * variance / parts : std::numeric_limits<double>::infinity();
  return student((b - a) / std::sqrt(variance), freedom);
}

}  // namespace

std::vector<Noise> noise_of(const std::vector<std::map<std::string, double>>& values,
                            const std::string& metric) {
  double squares = 0, freedom = 0;
  for (const auto& row : values) {
    const auto spread = number(row, metric + "_spread"), n = number(row, metric + "_n");
    if (!spread || !n || *n < 2) continue;
    squares += *spread * *spread * (*n - 1);
    freedom += *n - 1;
  }
  std::vector<Noise> noise;
  for (const auto& row : values) {
    const auto spread = number(row, metric + "_spread"), n = number(row, metric + "_n");
    Noise one;
    if (spread && *spread >= 0) {
      one.error = n && *n >= 2 ? *spread / std::sqrt(*n) : *spread;
      if (n && *n >= 2) one.freedom = *n - 1;
    } else if (freedom > 0) {
      one = {std::sqrt(squares / freedom), freedom};
    }
    noise.push_back(one);
  }
  return noise;
}

double chance_no_worse(const Point& a,
                       const std::vector<Noise>& noise_a,
                       const Point& b,
                       const std::vector<Noise>& noise_b) {
  double product = 1;
  for (size_t k = 0; k < a.size() && product > 0; ++k)
    product *= chance(a[k], noise_a[k], b[k], noise_b[k]);
  return product;
}

std::vector<bool> dominated_beyond_noise(const std::vector<Point>& points,
                                         const std::vector<std::vector<Noise>>& noise,
                                         double confidence) {
  std::vector<bool> dominated(points.size(), false);
  for (size_t i = 0; i < points.size(); ++i)
    for (size_t j = 0; j < points.size() && !dominated[i]; ++j)
      dominated[i] = dominates(points[j], points[i]) &&
                     chance_no_worse(points[j], noise[j], points[i], noise[i]) >= confidence;
  return dominated;
}

}  // namespace nas
