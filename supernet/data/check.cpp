// Images are read by all cores and told in their order. A fault of an image is a finding; anything
// else (memory, say) ends the check, the first one as it came.
#include "supernet/data/check.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>

#include "spaces/error.hpp"
#include "supernet/data/contents.hpp"

namespace nas {
namespace {

struct Seen {
  std::array<int, 3> size{};
  Fingerprint fingerprint{};
  std::string error;
  bool readable = false;
};

void look_at(const Dataset& data, int64_t index, Image& image, Seen& seen) {
  try {
    data.load(index, image);
    seen.size = {image.c, image.h, image.w};
    seen.fingerprint = fingerprint_of(seen.size, image.pixels);
    seen.readable = true;
  } catch (const Error& e) {
    seen.error = e.what();
  }
}

/// The first exception of several threads that is no fault of an image (no memory, say).
class FirstException {
 public:
  void keep() {
    const std::lock_guard lock(mutex_);
    if (!first_) first_ = std::current_exception();
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

std::vector<Seen> look_at_all(const Dataset& data,
                              int threads,
                              const std::function<bool(int64_t)>& progress) {
  constexpr int64_t kChunk = 64;
  std::vector<Seen> seen(static_cast<size_t>(data.size()));
  std::atomic<int64_t> next{0}, done{0};
  std::atomic<bool> stop{false};
  std::atomic<int> running{std::max(1, threads)};
  FirstException failure;
  const auto work = [&] {
    try {
      Image image;
      for (int64_t i = next.fetch_add(kChunk); i < data.size() && !stop;
           i = next.fetch_add(kChunk)) {
        const int64_t end = std::min(i + kChunk, data.size());
        for (int64_t k = i; k < end && !stop; ++k)
          look_at(data, k, image, seen[static_cast<size_t>(k)]);
        done += end - i;
      }
    } catch (...) {
      failure.keep();
      stop = true;
    }
    --running;
  };
  {
    // Joined however this block is left, a throwing `progress` included.
    std::vector<std::jthread> workers;
    const struct Stopper {
      std::atomic<bool>& stop;
      ~Stopper() {
        if (std::uncaught_exceptions() > 0) stop = true;
      }
    } stopper{stop};
    for (int t = 0; t < std::max(1, threads); ++t) workers.emplace_back(work);
    for (int polls = 0; running > 0; ++polls) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      if (progress && polls % 20 == 0 && !progress(done)) stop = true;
    }
  }
  failure.rethrow();
  if (stop) throw Interrupted("the check was stopped after " + std::to_string(done) + " images");
  return seen;
}

void find_duplicates(const Dataset& data, const std::vector<Seen>& seen, DataCheck& result) {
  std::vector<int64_t> readable;
  std::vector<Fingerprint> prints(seen.size());
  for (size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i].readable) continue;
    readable.push_back(static_cast<int64_t>(i));
    prints[i] = seen[i].fingerprint;
  }
  for (std::vector<int64_t>& equal : equal_groups(prints, readable)) {
    DataCheck::Duplicates group;
    group.indices = std::move(equal);
    std::array<int64_t, 3> in{};
    for (const int64_t i : group.indices) {
      ++in[static_cast<size_t>(result.split_of[static_cast<size_t>(i)])];
      group.labels_differ |= data.label(i) != data.label(group.indices[0]);
    }
    for (size_t s = 0; s < 3; ++s) result.copies_inside[s] += std::max<int64_t>(0, in[s] - 1);
    const bool pairs[3] = {in[0] && in[1], in[0] && in[2], in[1] && in[2]};
    for (size_t p = 0; p < 3; ++p) {
      result.shared[p] += pairs[p];
      group.across_splits |= pairs[p];
    }
    result.conflicting += group.labels_differ;
    result.duplicates.push_back(std::move(group));
  }
}

void find_bare_classes(DataCheck& result) {
  for (size_t k = 0; k < result.classes.size(); ++k) {
    const auto& [train, validation, test] = result.classes[k];
    if (train > 0) continue;
    (validation + test > 0 ? result.untrained_classes : result.empty_classes).push_back(k);
  }
}

}  // namespace

DataCheck check_dataset(const Dataset& data,
                        const Splits& splits,
                        int threads,
                        const std::function<bool(int64_t done)>& progress) {
  DataCheck result;
  result.split_of.assign(static_cast<size_t>(data.size()), kTrainSplit);
  for (const int64_t i : splits.validation)
    result.split_of[static_cast<size_t>(i)] = kValidationSplit;
  for (const int64_t i : splits.test) result.split_of[static_cast<size_t>(i)] = kTestSplit;
  const std::vector<Seen> seen = look_at_all(data, threads, progress);
  result.classes.assign(data.class_names().size(), {});
  for (int64_t i = 0; i < data.size(); ++i) {
    const Seen& s = seen[static_cast<size_t>(i)];
    if (!s.readable) {
      result.unreadable.push_back({i, s.error});
      continue;
    }
    ++result.sizes[s.size];
    ++result.classes[static_cast<size_t>(data.label(i))]
                    [static_cast<size_t>(result.split_of[static_cast<size_t>(i)])];
  }
  find_bare_classes(result);
  find_duplicates(data, seen, result);
  return result;
}

}  // namespace nas
