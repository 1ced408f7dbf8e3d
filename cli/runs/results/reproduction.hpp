#pragma once
// From what an exported file says of itself to the commands that make it again, and to how two
// files compare.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "supernet/export/exported_text.hpp"

namespace nas::cli {

struct Reproduction {
  /// Configurations and spaces that the commands read: name and content.
  std::vector<std::pair<std::string, std::string>> files;
  struct Command {
    std::string line;  ///< For a shell, in a folder that has the files.
    std::vector<std::string> remarks;
  };
  std::vector<Command> commands;
  /// Variables of the commands: what lies outside of this program, by name and where it lay.
  std::vector<std::pair<std::string, std::string>> variables;
  std::vector<std::string> missing;  ///< Sentences: what is needed and not in the file.
  std::vector<std::pair<std::string, std::string>> made_with;  ///< nas, LibTorch, device, threads.
};

/// DataError where the file says too little: an older version wrote it, or it is damaged.
Reproduction reproduction_of(const ExportedText& file);
/// A script for sh that may also be pasted.
std::string reproduction_script(const ExportedText& file, const Reproduction& reproduction);

/// What can be compared, and what each file says of it; "" where it says nothing.
struct ComparedFact {
  std::string what, here, there;
  bool decides = false;  ///< Must agree for the networks to be equal.
  bool same() const { return here == there; }
};
std::vector<ComparedFact> compare_exported(const ExportedText& here, const ExportedText& there);

}  // namespace nas::cli
