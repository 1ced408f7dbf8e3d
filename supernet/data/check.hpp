#pragma once
// Reads every image of a data set and tells what is wrong with it.
#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "supernet/data/dataset.hpp"

namespace nas {

enum SplitName : int { kTrainSplit, kValidationSplit, kTestSplit };
inline constexpr std::array<const char*, 3> kSplitNames = {"train", "validation", "test"};

struct DataCheck {
  struct Unreadable {
    int64_t index = 0;
    std::string reason;  ///< Names file, member or record.
  };
  /// Images with the same pixels, in order of index.
  struct Duplicates {
    std::vector<int64_t> indices;
    bool across_splits = false;
    bool labels_differ = false;
  };
  /// Images per class in train, validation, test.
  std::vector<std::array<int64_t, 3>> classes;
  std::vector<size_t> empty_classes;            ///< Without any image that can be read.
  std::vector<size_t> untrained_classes;        ///< With held-out images, but none to train on.
  std::map<std::array<int, 3>, int64_t> sizes;  ///< Channels, height, width of the decoded images.
  std::vector<Unreadable> unreadable;
  std::vector<Duplicates> duplicates;
  std::vector<int> split_of;  ///< SplitName per image.
  /// Superfluous copies inside each split.
  std::array<int64_t, 3> copies_inside{};
  /// Pictures that occur in both: train-validation, train-test, validation-test.
  std::array<int64_t, 3> shared{};
  int64_t conflicting = 0;  ///< Groups of equal images with different labels.
};

/// Decodes on `threads` threads; the result does not depend on their number. `progress` is called
/// on the calling thread now and then with the images done and answers whether to go on; stopping
/// throws Interrupted.
DataCheck check_dataset(const Dataset& data,
                        const Splits& splits,
                        int threads,
                        const std::function<bool(int64_t done)>& progress = {});

}  // namespace nas
