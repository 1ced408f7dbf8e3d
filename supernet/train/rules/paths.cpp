// One path per step (SPOS), or a set of them whose gradients make one update (FairNAS).
#include "supernet/train/step/outcome.hpp"
#include "supernet/train/step/step_rule.hpp"

namespace nas {

void StepRule::run(StepServices& services, const Step& step) {
  if (!step.paths.empty()) services.backward_each(0, services.share());
  services.update();
}

namespace {

class PathsRule final : public StepRule {
 public:
  PathsRule(size_t paths, Combine combine) : paths_(paths), combine_(combine) {}

  Step draw(PathSampler& paths, int64_t epoch) override {
    paths.begin_step(epoch);
    Step step;
    step.paths.resize(paths_ == 0 ? paths.set_size() : paths_);
    for (Path& path : step.paths) paths.draw(path);
    return step;
  }

  void run(StepServices& services, const Step& step) override {
    double share = services.share();
    if (combine_ == Combine::kMean) share /= static_cast<double>(step.paths.size());
    services.backward_each(0, share);
    services.update();
  }

 private:
  size_t paths_;
  Combine combine_;
};

}  // namespace

std::unique_ptr<StepRule> make_paths_rule(size_t paths, Combine combine) {
  return std::make_unique<PathsRule>(paths, combine);
}

}  // namespace nas
