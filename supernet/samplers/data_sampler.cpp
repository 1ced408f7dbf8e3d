#include "supernet/samplers/data_sampler.hpp"

#include <algorithm>

#include "spaces/random.hpp"
#include "supernet/samplers/section.hpp"

namespace nas {

std::vector<int64_t> DataSampler::order(int64_t epoch) {
  return Rng(context_.seed, context_.stream("data"), static_cast<uint64_t>(epoch))
      .permutation(context_.train_size);
}

namespace {

struct NoOptions {};
void describe(Binder&, NoOptions&) {}

DataSamplerEntry shuffled_images() {
  return {
      "shuffle",
      "Every image once per epoch, in an order of its own.",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<DataSampler> {
        read_named<NoOptions>(source);
        return std::make_unique<DataSampler>(context);
      },
      [](Binder&) {}};
}

}  // namespace

const std::vector<DataSamplerEntry>& data_samplers() {
  static const std::vector<DataSamplerEntry> table = {
      shuffled_images(),
      importance_images(),
  };
  return table;
}

std::unique_ptr<DataSampler> make_data_sampler(const StrategyContext& context,
                                               const Binder::Raw& section) {
  const YamlSource source = named_section(section);
  return entry_named(data_samplers(), "data sampler", source).make(context, source);
}

}  // namespace nas
