// The same order of the images there and back: forward in even epochs, backward in odd ones.
#include <algorithm>

#include "supernet/samplers/section.hpp"
#include "toys/toys.hpp"

namespace nas::test {
namespace {

struct Options {};
void describe(Binder&, Options&) {}

class PendulumImages final : public DataSampler {
 public:
  using DataSampler::DataSampler;
  std::vector<int64_t> order(int64_t epoch) override {
    std::vector<int64_t> order = DataSampler::order(0);
    if (epoch % 2 == 1) std::reverse(order.begin(), order.end());
    return order;
  }
};

}  // namespace

DataSamplerEntry pendulum_images() {
  return {
      "pendulum",
      "The same order there and back.",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<DataSampler> {
        read_named<Options>(source);
        return std::make_unique<PendulumImages>(context);
      },
      [](Binder&) {}};
}

}  // namespace nas::test
