// Validation batches come from passes of their own, each shuffled by (seed, pass): a stream that is
// at batch k of pass p is saved as two numbers, not as an order. The incomplete last batch of a
// pass is left out (balanced_mixture.md 3.6): its accuracy would be coarser than the others.
#include "supernet/train/step/validation_stream.hpp"

#include <ATen/ATen.h>

#include <cstdio>

#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {

TrainBatch batch_on_device(const Batch& batch,
                           c10::Device device,
                           Layout layout,
                           at::ScalarType type) {
  TrainBatch out;
  out.images = at::from_blob(const_cast<float*>(batch.images.data()),
                             {batch.n, batch.c, batch.h, batch.w},
                             at::TensorOptions(at::kFloat));
  if (layout == Layout::kChannelsLast)
    out.images = out.images.contiguous(at::MemoryFormat::ChannelsLast);
  out.images = out.images.to(device, type);
  out.labels = at::tensor(batch.labels, at::kLong).to(device);
  return out;
}

ValidationStream::ValidationStream(const RunData& data,
                                   int64_t batch,
                                   uint64_t seed,
                                   c10::Device device,
                                   Layout layout,
                                   at::ScalarType type)
    : data_(data),
      batch_(batch),
      seed_(seed),
      device_(device),
      layout_(layout),
      type_(type),
      loader_(data.dataset, data.normalisation, data.options, seed) {}

void ValidationStream::restart() {
  if (position_ > 0) ++pass_;
  position_ = 0;
  open_ = false;
}

void require_validation_batch(const Splits& splits, int64_t batch) {
  if (static_cast<int64_t>(splits.validation.size()) >= batch) return;
  throw ConfigError("the validation split has " + std::to_string(splits.validation.size()) +
                        " images, fewer than one batch of " + std::to_string(batch) +
                        ", on which each step is judged",
                    "set data.validation to a larger share, or lower train.batch");
}

void ValidationStream::start() {
  require_validation_batch(data_.splits, batch_);
  std::vector<int64_t> order = data_.splits.validation;
  Rng(seed_, "validation/batches", static_cast<uint64_t>(pass_)).shuffle(order);
  loader_.start(std::move(order),
                batch_,
                static_cast<uint64_t>(pass_),
                /*augment=*/false,
                /*drop_last=*/true,
                position_);
  open_ = true;
}

const TrainBatch& ValidationStream::next() {
  if (!open_) start();
  const Batch* batch = loader_.next();
  if (batch == nullptr) {
    ++pass_;
    position_ = 0;
    start();
    batch = loader_.next();
  }
  ++position_;
  current_ = batch_on_device(*batch, device_, layout_, type_);
  return current_;
}

std::string ValidationStream::save() const {
  return std::to_string(pass_) + " " + std::to_string(position_);
}

void ValidationStream::load(const std::string& state) {
  long long pass = 0, position = 0;
  char rest = 0;
  if (std::sscanf(state.c_str(), "%lld %lld%c", &pass, &position, &rest) != 2 || pass < 0 ||
      position < 0)
    throw DataError("the position in the validation split is malformed: '" + state + "'");
  pass_ = pass;
  position_ = position;
  open_ = false;
}

}  // namespace nas
