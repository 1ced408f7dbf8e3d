#include "supernet/train/curriculum.hpp"

#include <numeric>

namespace nas {
namespace {

class Plain final : public Curriculum {
 public:
  Plain(int64_t epochs, int sets) : epochs_(epochs), sets_(static_cast<size_t>(sets)) {
    std::iota(sets_.begin(), sets_.end(), 0);
  }
  int64_t epochs() const override { return epochs_; }
  Stage stage(int64_t epoch) const override {
    return {.sets = sets_,
            .epoch = epoch,
            .epochs = epochs_,
            .schedule_epoch = static_cast<double>(epoch),
            .schedule_epochs = static_cast<double>(epochs_)};
  }

 private:
  int64_t epochs_;
  std::vector<int> sets_;
};

}  // namespace

std::unique_ptr<Curriculum> plain_curriculum(int64_t epochs, int sets) {
  return std::make_unique<Plain>(epochs, sets);
}

}  // namespace nas
