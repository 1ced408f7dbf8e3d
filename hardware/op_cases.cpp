// Large spaces cannot be listed, and uniform draws seldom meet an op that needs a rare option (one
// of 25 resolutions, say, in one of 9 blocks). So every option is forced in turn before random
// networks fill in what only pairs of options bring about.
#include "hardware/op_cases.hpp"

#include "hardware/latency_table.hpp"

namespace nas {
namespace {

constexpr int kOfEachOption = 8;

class Collector {
 public:
  explicit Collector(const Space& space) : space_(space) {}

  /// Whether the network shows an op that was not known.
  bool look(const Architecture& a) {
    space_.build(a, plan_);
    std::shared_ptr<const Plan> kept;
    for (size_t i = 0; i < plan_.nodes.size(); ++i) {
      const Node& node = plan_.nodes[i];
      if (is_free(node.op)) continue;
      const auto [it, fresh] = found_.try_emplace(signature(plan_, node));
      if (!fresh) continue;
      if (!kept) kept = std::make_shared<const Plan>(plan_);
      it->second = {kept, i};
    }
    return kept != nullptr;
  }

  void force_options() {
    Rng rng(0, "measure/options");
    Architecture a;
    for (size_t c = 0; c < space_.choices().size(); ++c)
      for (size_t o = 0; o < space_.choices()[c].options.size(); ++o)
        for (int i = 0; i < kOfEachOption; ++i) {
          space_.sample_choices(rng, a);
          a.genes[c] = static_cast<int16_t>(o);
          a = space_.fix_inactive(std::move(a));
          if (space_.valid(a)) look(a);
        }
  }

  std::map<std::string, OpCase> take() { return std::move(found_); }

 private:
  const Space& space_;
  Plan plan_;
  std::map<std::string, OpCase> found_;
};

}  // namespace

std::map<std::string, OpCase> distinct_ops(const Space& space, bool& complete, int64_t most) {
  Collector ops(space);
  complete = space.count() <= most;
  if (complete) {
    space.enumerate([&](const Architecture& a) {
      ops.look(a);
      return true;
    });
    return ops.take();
  }
  ops.look(space.smallest());
  ops.look(space.largest());
  ops.force_options();
  Rng rng(0, "measure");
  for (int64_t idle = 0; idle < most / 10; ++idle)
    if (ops.look(space.sample(rng))) idle = 0;
  return ops.take();
}

}  // namespace nas
