#pragma once
// Data sets and the loader, without torch: images are bytes, batches are float buffers.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "spaces/yaml/yaml_binder.hpp"

namespace nas {

/// One labelled image; pixels are [c, h, w] bytes.
struct Image {
  int c = 0, h = 0, w = 0;
  std::vector<uint8_t> pixels;
};

/// Per channel, in units of pixel/255.
struct Normalisation {
  std::vector<float> mean, std;
};

/// What lies among the data and is not read, by reason.
struct Unused {
  static constexpr size_t kMostNames = 1000;
  std::string why;                 ///< "hidden", "other files" ...
  std::vector<std::string> names;  ///< The first kMostNames.
  size_t count = 0;
};

/// What happens to a decoded image before its mean is taken off, in evaluation.
struct Preparation {
  int source_channels = 0;  ///< Of the data; other than the network's: converted.
  /// Scaled so that it covers this (the filter widened when shrinking), then cut to the network's
  /// size from the centre; nothing: images are used as they are.
  std::optional<std::pair<int, int>> resize;
  double crop_pct = 1;
};

/// Random access to labelled images. Thread-safe for concurrent `load`.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual int label(int64_t index) const = 0;
  /// Decodes image `index`, as training sees it. Throws DataError naming file and reason.
  virtual void load(int64_t index, Image& out) const = 0;
  /// The same as evaluation and recalibration see it (data.crop_pct).
  virtual void load_for_evaluation(int64_t index, Image& out) const { load(index, out); }
  virtual Preparation preparation() const { return {channels(), std::nullopt, 1}; }
  virtual const std::vector<std::string>& class_names() const = 0;
  /// Channels of every image (1 or 3); height and width when all images share them.
  virtual int channels() const = 0;
  virtual std::optional<std::pair<int, int>> fixed_size() const = 0;
  /// Index range(s) that the source itself calls "test" (e.g. CIFAR's test batch); empty if none.
  virtual std::vector<int64_t> test_indices() const { return {}; }
  /// The same for "validation" (a folder with train/, val/ and test/).
  virtual std::vector<int64_t> validation_indices() const { return {}; }
  virtual std::optional<Normalisation> known_normalisation() const { return std::nullopt; }
  virtual std::string describe() const = 0;  ///< One line for logs.
  virtual std::vector<Unused> unused() const { return {}; }
  /// How the data was read where it could be meant otherwise, one sentence each.
  virtual std::vector<std::string> remarks() const { return {}; }
  /// Bytes that must be read from a file for image `index`; 0: it is in memory, or there is no such
  /// file (any more).
  virtual uint64_t stored_size(int64_t /*index*/) const { return 0; }
  /// Image `index` as it is stored: its file undecoded, else its pixels. Throws DataError.
  virtual void read_stored(int64_t index, std::vector<uint8_t>& out) const;
  /// Where image `index` lives, for messages: file, member and offset, or record.
  virtual std::string where(int64_t index) const { return "image " + std::to_string(index); }
};

/// The `data:` section.
struct DataOptions {
  std::string kind = "digits";  ///< digits | cifar10 | cifar100 | imagefolder | idx | webdataset |
                                ///< synthetic | auto
  std::string path;             ///< Folder or file; `auto` finds the kind from what lies there.
  int resolution = 0;  ///< 0: the data's own; others are resized (short side) and centre-cropped.
  int channels = 0;    ///< 0: the data's own; 1 grey, 3 RGB.
  int64_t limit = 0;   ///< Use only this many training images (0: all), stratified, seeded.
  std::string labels = "fine";    ///< cifar100: fine | coarse.
  double validation = 0.2;        ///< Share of what is not test held out for search.
  double test = 0.2;              ///< Share held out for the final test where the source has none.
  std::vector<double> mean, std;  ///< Normalisation of pixels/255; empty: known for the kind, else
                                  ///< measured on the training split.
  /// Evaluation scales the short side to resolution / crop_pct before it cuts out the centre; 1:
  /// the whole short side is used. Training is not touched.
  double crop_pct = 1;
  int crop_padding = 0;        ///< Random crop after zero padding; 0 off.
  bool flip = false;           ///< Horizontal, probability 0.5.
  int cutout = 0;              ///< Side of the zeroed square; 0 off.
  int workers = 1;             ///< Decoding and augmentation threads.
  int prefetch = 4;            ///< Batches decoded ahead.
  std::string cache = "auto";  ///< Keep decoded images in memory: auto (if they fit) | off.
  // synthetic
  int64_t synthetic_size = 1024;
  int synthetic_classes = 10;
  int synthetic_resolution = 32;
  uint64_t synthetic_seed = 0;
  uint64_t split_seed = 0;  ///< Splits depend on this, not on the run's seed, so runs compare.
};
void describe(Binder& b, DataOptions& o);
/// The data as the options ask for: images of one size and channel count, cached where they fit.
/// ConfigError for options that do not fit together, DataError for unreadable data.
std::unique_ptr<Dataset> open_dataset(const DataOptions& options);
/// The same without resizing, channel conversion and cache (for `nas data check`).
std::unique_ptr<Dataset> open_source(const DataOptions& options);
/// `options.kind`, or what `auto` finds at `options.path`.
std::string resolve_kind(const DataOptions& options);
/// Every value of `data.kind` with one line of help.
const std::vector<std::pair<std::string, std::string>>& data_kinds();

/// Shape of the loader's images. ConfigError when sizes differ and no resolution is stated.
struct InputShape {
  int c = 0, h = 0, w = 0;
};
InputShape input_shape(const Dataset& data, const DataOptions& options);

/// Named, disjoint, stratified index sets; equal options and data give equal splits.
struct Splits {
  std::vector<int64_t> train, validation, test;
  std::string hash;  ///< SHA-256 of split names, indices and labels.
};
/// The source's own test (and validation) images where it names them, else shares of each class.
/// `limit` shortens only `train`, so that limited runs are judged on the same images.
Splits make_splits(const Dataset& data, const DataOptions& options);

/// As stated in the options (one value serves all channels), else known for the data, else measured
/// on the training split (at most 10,000 of its images, evenly spaced).
Normalisation normalisation_of(const Dataset& data,
                               const std::vector<int64_t>& train,
                               const DataOptions& options);

/// A decoded batch: images [n, c, h, w] float32, labels and data set indices.
struct Batch {
  int64_t n = 0;
  int c = 0, h = 0, w = 0;
  std::vector<float> images;
  std::vector<int64_t> labels;
  std::vector<int64_t> indices;
};

/// Worker threads decode and augment batches ahead, in order. The content of batch k depends only
/// on (seed, epoch, k, indices), never on the number of workers. One pass per `start`.
class Loader {
 public:
  Loader(const Dataset& data,
         Normalisation normalisation,
         const DataOptions& options,
         uint64_t seed);
  ~Loader();
  /// Begins a pass over `order` (data set indices, repeats allowed) in batches of `batch` from
  /// batch `first` on (resume). `augment` off: centre, no randomness. `drop_last` drops a partial
  /// last batch.
  void start(std::vector<int64_t> order,
             int64_t batch,
             uint64_t epoch,
             bool augment,
             bool drop_last,
             int64_t first = 0);
  /// Next batch, or nullptr at the end of the pass; valid until the next call. Rethrows a worker's
  /// DataError.
  const Batch* next();
  int64_t batches() const;      ///< Of the current pass.
  double wait_seconds() const;  ///< Total time `next` has waited since construction.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nas
