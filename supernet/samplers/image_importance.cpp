// The variance of a mean over drawn images is least when an image is drawn in proportion to the
// norm of its gradient (panda.md 3.1). A score never reaches 0: an image the network has solved
// would otherwise not be drawn again, and count as one that was never seen. Moving averages halve
// the past, as the released program does.
#include "supernet/samplers/image_importance.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace nas {

ImageImportance::ImageImportance(int64_t images, const ImageImportanceOptions& options)
    : options_(options),
      g_(static_cast<size_t>(images), 0.0),
      last_(options.unseen == Unseen::kKeepLast ? static_cast<size_t>(images) : 0, 0.0),
      q_(static_cast<size_t>(images), 1.0 / static_cast<double>(images)) {}

void ImageImportance::record(int64_t position, double score) {
  constexpr double kSolved = 1e-12;
  double& g = g_[static_cast<size_t>(position)];
  const double r = std::max(score, kSolved);
  g = g == 0 ? r : (g + r) / 2;
}

void ImageImportance::end_epoch(double tau) {
  std::vector<double> s = g_;
  if (options_.unseen == Unseen::kKeepLast) {
    double known = 0;
    int64_t count = 0;
    for (size_t i = 0; i < s.size(); ++i) {
      if (g_[i] > 0) last_[i] = g_[i];
      s[i] = last_[i];
      known += s[i];
      count += s[i] > 0;
    }
    for (double& v : s)
      if (v == 0 && count > 0) v = known / static_cast<double>(count);
  }
  double total = 0;
  for (const double v : s) total += v;
  const double uniform = 1.0 / static_cast<double>(s.size());
  for (size_t i = 0; i < s.size(); ++i)
    q_[i] = total > 0 ? tau * s[i] / total + (1 - tau) * uniform : uniform;
  std::fill(g_.begin(), g_.end(), 0.0);
}

std::vector<int64_t> ImageImportance::draw(Rng rng) const {
  const std::vector<double> cumulative = cumulative_of(q_);
  std::vector<int64_t> drawn(q_.size());
  for (int64_t& i : drawn)
    i = static_cast<int64_t>(draw_from_cumulative(cumulative, rng.uniform()));
  return drawn;
}

std::vector<double> ImageImportance::weights(const std::vector<int64_t>& positions) const {
  if (options_.weights == Weighting::kNone) return {};
  std::vector<double> w;
  double sum = 0;
  for (const int64_t i : positions) {
    w.push_back(1 / (static_cast<double>(q_.size()) * q_[static_cast<size_t>(i)]));
    if (options_.weights == Weighting::kClipped) w.back() = std::min(w.back(), options_.clip);
    sum += w.back();
  }
  if (options_.weights == Weighting::kClipped)
    for (double& v : w) v *= static_cast<double>(w.size()) / sum;
  return w;
}

double ImageImportance::effective_sample_size() const {
  double squares = 0;
  for (const double q : q_) squares += q * q;
  return 1 / (static_cast<double>(q_.size()) * squares);
}

std::vector<double> ImageImportance::save() const {
  std::vector<double> state = g_;
  state.insert(state.end(), q_.begin(), q_.end());
  state.insert(state.end(), last_.begin(), last_.end());
  return state;
}

void ImageImportance::load(const std::vector<double>& state) {
  if (state.size() != g_.size() + q_.size() + last_.size())
    throw std::out_of_range("image importance state is of another size");
  auto from = state.begin();
  for (auto* part : {&g_, &q_, &last_}) {
    std::copy(from, from + static_cast<int64_t>(part->size()), part->begin());
    from += static_cast<int64_t>(part->size());
  }
}

}  // namespace nas
