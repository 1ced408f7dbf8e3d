#pragma once
// All values of a document whose sections have readers of their own (`strategy:`, `weights:`,
// `space:`): what those readers read, defaults included, in the place of what was typed.
#include <map>
#include <string>
#include <vector>

#include "spaces/yaml/yaml_binder.hpp"

namespace nas {

/// While one lives, every read_yaml of this thread that succeeds leaves its values here, by the key
/// at which its source stands (YamlSource::prefix).
class ResolvedSections {
 public:
  ResolvedSections();
  ~ResolvedSections();
  ResolvedSections(const ResolvedSections&) = delete;
  ResolvedSections& operator=(const ResolvedSections&) = delete;

  /// The document (YAML) with the values of all sections read since. A section named by a word
  /// becomes a mapping that has the word at the key given for it (`weights: few-shot`, {"weights",
  /// "kind"}), and stays a word where none is given. Keys that a reader left to others stay.
  /// `whole`: what was read without a prefix is the document itself.
  std::string into(const std::string& document,
                   const std::map<std::string, std::string>& word_keys,
                   bool whole,
                   bool json) const;

  /// For read_yaml.
  static void add(const YamlSource& source,
                  const std::shared_ptr<const detail::YamlNode>& read,
                  const Describe& describe);

 private:
  std::vector<std::pair<std::string, std::shared_ptr<const detail::YamlNode>>> read_;
  ResolvedSections* before_;
};

}  // namespace nas
