// The store of a balanced mixture: M independent weight sets of the same layout, and the
// association that says which of them an architecture trains with (drawn) and is judged with
// (the likeliest).
#include <ATen/ATen.h>

#include "spaces/error.hpp"
#include "supernet/samplers/section.hpp"
#include "supernet/weights/math/association_document.hpp"
#include "supernet/weights/store_state.hpp"
#include "supernet/weights/weight_set.hpp"
#include "supernet/weights/weights_section.hpp"

namespace nas {
namespace {

class MixtureStore final : public WeightStore, public HoldsMixtures {
 public:
  MixtureStore(const WeightsContext& context,
               std::shared_ptr<const SupernetLayout> layout,
               const MixtureOptions& options)
      : WeightStore(nas::keeps_statistics(*layout), context.place.dtype),
        layout_(std::move(layout)),
        seed_(context.seed),
        place_(context.place),
        mixture_(Domain(context.space, trained_part(context.space, context.train)),
                 options,
                 context.train.epochs,
                 context.seed) {}

  int sets() const override { return mixture_.models(); }
  int owner(const Architecture& a) const override { return mixture_.best(a); }
  int draw(const Architecture& a, Rng& rng) const override {
    return mixture_.draw(a, rng.uniform());
  }

  void begin_epoch(int64_t epoch, int64_t) override { mixture_.begin_epoch(epoch); }
  void end_epoch() override { mixture_.end_epoch(); }
  bool wants_validation() const override { return true; }
  void observe(const Architecture& a, int set, double accuracy) override {
    mixture_.observe(a, set, accuracy);
  }
  std::optional<double> seen_accuracy(const Architecture& a) const override {
    return mixture_.seen_accuracy(a);
  }
  std::vector<std::pair<std::string, double>> telemetry() const override {
    return mixture_.telemetry();
  }
  std::vector<std::string> advice(int64_t steps) const override { return mixture_.advice(steps); }
  std::string summary(int64_t steps) const override { return mixture_.summary(steps); }
  std::vector<std::string> health() const override { return mixture_.health(); }
  std::string set_name(int set) const override { return "model " + std::to_string(set); }
  std::vector<std::pair<std::string, const Mixture*>> mixtures() const override {
    return {{"", &mixture_}};
  }

  StoreState save() const override {
    StoreState state;
    state.tensors["association"] = at::tensor(mixture_.save(), at::kDouble);
    return state;
  }
  void load(const StoreState& state) override {
    const auto it = state.tensors.find("association");
    if (it == state.tensors.end())
      throw DataError("the checkpoint holds no association: it is not one of a mixture");
    const at::Tensor t = it->second.to(at::kCPU, at::kDouble).contiguous();
    mixture_.load({t.data_ptr<double>(), t.data_ptr<double>() + t.numel()});
  }

 private:
  std::unique_ptr<WeightSet> make(int set) override {
    return make_shared_set(layout_, seed_, place_, set);
  }
  std::shared_ptr<const SupernetLayout> layout_;
  uint64_t seed_;
  Placement place_;
  Mixture mixture_;
};

struct NoOptions {};
void describe(Binder&, NoOptions&) {}

template <typename T>
T read_kind(const YamlSource& source) {
  T options{};
  read_yaml(source, [&](Binder& b) {
    b.ignore("kind");
    describe(b, options);
  });
  return options;
}

}  // namespace

WeightsEntry single_weights() {
  return {"single",
          "One set of weights that all architectures share.",
          [](const WeightsContext& context, const YamlSource& source) -> Weights {
            read_kind<NoOptions>(source);
            return {make_single_store(context.space, context.seed, context.place), nullptr};
          },
          [](Binder&) {}};
}

namespace {

void check(const MixtureOptions& o, const TrainOptions& train, const YamlSource& source) {
  if (train.accumulate != 1)
    throw ConfigError({yaml_problem(source,
                                    "kind",
                                    "a mixture judges the network of every update, but "
                                    "train.accumulate is " +
                                        std::to_string(train.accumulate),
                                    "set train.accumulate to 1")});
  if (train.budget.limit() > 0 && o.association.models > 1)
    throw ConfigError({yaml_problem(source,
                                    "kind",
                                    "the temperature of a mixture follows train.epochs, but "
                                    "train.budget ends a run elsewhere",
                                    "leave train.budget out and set train.epochs")});
}

Weights make_mixture(const WeightsContext& context, const YamlSource& source) {
  const auto options = read_kind<MixtureOptions>(source);
  check(options, context.train, source);
  try {
    return {std::make_unique<MixtureStore>(context, make_layout(context.space), options), nullptr};
  } catch (const ConfigError& e) {
    // What the association says of the space is a mistake of this section; train.fix is told as it
    // is.
    const Problem& p = e.problems().front();
    if (!p.key.starts_with("weights.")) throw;
    throw ConfigError({yaml_problem(source, p.key.substr(8), p.message, p.hint)});
  }
}

}  // namespace

WeightsEntry mixture_weights() {
  return {"mixture",
          "Several sets; validation batches tell which suits an architecture (balanced mixture).",
          make_mixture,
          [](Binder& b) {
            MixtureOptions o;
            describe(b, o);
          }};
}

}  // namespace nas
