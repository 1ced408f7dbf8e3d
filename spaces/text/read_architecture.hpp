#pragma once
// The one reader of architectures as people and programs write them: arguments, lists, tables,
// configurations.
#include <string>
#include <string_view>
#include <vector>

#include "spaces/space.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas {

struct Literal;

/// Reads any form: the space's own text, what its field publishes (lists, genotypes, dictionaries,
/// with the name a log prints in front), {"choice": "option"} as JSON or as Python prints it,
/// choice=option,..., an object with the key `architecture`, and `#N`, the number that
/// `nas space enumerate` gives. Keeps the numbering of a small space, so that many are read fast.
class ArchitectureReader {
 public:
  explicit ArchitectureReader(const Space& space) : space_(space) {}
  /// ConfigError that says what is wrong with the text.
  Architecture read(std::string_view text);
  /// Architecture `number` in the order of Space::enumerate; ConfigError where there is none.
  Architecture numbered(int64_t number);
  /// The element of a list or table that stands for an architecture: its text, or as it is written.
  static std::string_view text_of(const Literal& value);

 private:
  Architecture read_plain(const std::string& text);
  Architecture read_map(std::string_view text, size_t begin);

  const Space& space_;
  std::vector<Architecture> numbered_;
};

/// The same for one text.
Architecture read_architecture(const Space& space, std::string_view text);

/// Key of a record that names its architecture (`architecture` or `arch`, in any case), or nullptr.
const std::string* architecture_key(const std::vector<std::string>& keys);

/// The genes of {"choice": option, ...}; options may be numbers, and null where a choice is
/// inactive.
Architecture read_choices(const Space& space, const Literal& map);

/// The text of an architecture in a configuration, where [4, 3, 3] and {ks: [3, ...]} need no
/// quotes;
/// "" where the key is absent.
std::string architecture_in_yaml(const Binder::Raw& raw);

/// An architecture's text is no longer than this.
constexpr size_t kLongestArchitecture = size_t{1} << 20;

}  // namespace nas
