// Two sets of weights, one for each half of the options of the first choice, and the curriculum
// that trains them one after the other. It counts what it was told, to have a state of its own.
#include <ATen/ATen.h>

#include "spaces/error.hpp"
#include "supernet/samplers/section.hpp"
#include "supernet/train/strategy_state.hpp"
#include "supernet/weights/store_state.hpp"
#include "supernet/weights/weight_set.hpp"
#include "toys/toys.hpp"

namespace nas::test {
namespace {

/// Options of the first choice that set `half` owns.
std::vector<int16_t> options_of(const Space& space, int half) {
  const auto count = static_cast<int16_t>(space.choices()[0].options.size());
  std::vector<int16_t> options;
  for (int16_t o = 0; o < count; ++o)
    if ((2 * o < count) == (half == 0)) options.push_back(o);
  return options;
}

class HalvesStore final : public WeightStore {
 public:
  HalvesStore(const WeightsContext& context, std::shared_ptr<const SupernetLayout> layout)
      : WeightStore(nas::keeps_statistics(*layout), context.place.dtype),
        space_(context.space),
        layout_(std::move(layout)),
        seed_(context.seed),
        place_(context.place) {}
  int sets() const override { return 2; }
  int owner(const Architecture& a) const override {
    return 2 * a.genes[0] < static_cast<int>(space_.choices()[0].options.size()) ? 0 : 1;
  }
  void end_epoch() override { ++epochs_; }
  StoreState save() const override {
    StoreState state;
    state.text["epochs"] = std::to_string(epochs_);
    return state;
  }
  void load(const StoreState& state) override {
    const auto found = state.text.find("epochs");
    if (found == state.text.end()) throw DataError("the checkpoint holds no halves");
    epochs_ = std::stoi(found->second);
  }
  std::vector<std::pair<std::string, double>> telemetry() const override {
    return {{"halves.epochs", epochs_}};
  }

 private:
  std::unique_ptr<WeightSet> make(int set) override {
    return make_shared_set(layout_, seed_, place_, set);
  }
  const Space& space_;
  std::shared_ptr<const SupernetLayout> layout_;
  uint64_t seed_;
  Placement place_;
  int epochs_ = 0;
};

/// As many epochs for each.
class OneAfterTheOther final : public Curriculum {
 public:
  OneAfterTheOther(const Space& space, int64_t epochs) : space_(space), epochs_(epochs) {}
  int64_t epochs() const override { return 2 * epochs_; }
  Stage stage(int64_t epoch) const override {
    const int half = epoch < epochs_ ? 0 : 1;
    return {.scope = half == 0 ? "first/" : "second/",
            .sets = {half},
            .epoch = epoch % epochs_,
            .epochs = epochs_,
            .schedule_epoch = static_cast<double>(epoch % epochs_),
            .schedule_epochs = static_cast<double>(epochs_),
            .within = Restriction(space_).keep(0, options_of(space_, half))};
  }

 private:
  const Space& space_;
  int64_t epochs_;
};

}  // namespace

WeightsEntry halves_weights() {
  return {"halves",
          "A set of weights for each half of the first choice's options.",
          [](const WeightsContext& context, const YamlSource& source) -> Weights {
            read_yaml(source, [](Binder& b) { b.ignore("kind"); });
            return {std::make_unique<HalvesStore>(context, make_layout(context.space)),
                    std::make_unique<OneAfterTheOther>(context.space, context.train.epochs)};
          },
          [](Binder&) {}};
}

}  // namespace nas::test
