// SUMNAS: strictly fair paths, a few inner SGD steps each from the same weights; the outer
// optimizer moves along the mean displacement (panda.md 3.5).
#include <algorithm>

#include "supernet/train/step/reptile.hpp"
#include "supernet/train/step/step_rule.hpp"
#include "supernet/train/trained_sets.hpp"

namespace nas {
namespace {

class ReptileRule final : public StepRule {
 public:
  explicit ReptileRule(const ReptileOptions& options) : options_(options) {}

  Step draw(PathSampler& paths, int64_t epoch) override {
    paths.begin_step(epoch);
    Step step;
    step.paths.resize(paths.set_size());
    for (Path& path : step.paths) paths.draw(path);
    return step;
  }

  void run(StepServices& services, const Step& step) override {
    // Paths of one set share a start; each set has a mean displacement of its own.
    std::vector<TrainedSet*> begun;
    for (size_t i = 0; i < step.paths.size(); ++i) {
      TrainedSet& set = services.set_of(i);
      if (std::find(begun.begin(), begun.end(), &set) == begun.end()) {
        set.reptile.begin();
        begun.push_back(&set);
      }
      set.reptile.path(options_, [&](int inner, std::vector<bool>& used) {
        services.backward(i, set, used);
        if (inner == 0) services.tell(i);
      });
    }
    for (TrainedSet* set : begun) {
      set->reptile.finish(set->used);
      set->touched = true;
    }
    services.update();
  }

 private:
  ReptileOptions options_;
};

}  // namespace

std::unique_ptr<StepRule> make_reptile_rule(const ReptileOptions& options) {
  return std::make_unique<ReptileRule>(options);
}

}  // namespace nas
