#pragma once
// Which folders of a tree of images are splits and which are classes, and what is wrong with it.
#include <filesystem>
#include <string>
#include <vector>

#include "supernet/data/sources/sources.hpp"

namespace nas {

/// What lies directly in a folder, sorted by bytes. Hidden entries, files of other kinds and what
/// is neither file nor folder are put into `unused`; links to nothing and folders that cannot be
/// listed are faults.
struct FolderContent {
  std::vector<std::string> folders, images;
};
FolderContent look_into(const std::filesystem::path& folder, UnusedList& unused, Faults& faults);

/// Whether an image lies in the folder or so many levels below it.
bool holds_images(const std::filesystem::path& folder, int levels);

/// A folder whose folders are classes.
struct ClassRoot {
  std::filesystem::path path;
  Part part = Part::kTrain;
  std::vector<std::string> classes;
};

/// Training first. Every way to read the tree that is likely not meant is a fault; the rest of what
/// is not read is in `unused`.
struct ImageLayout {
  std::vector<ClassRoot> roots;
  UnusedList unused;
  std::vector<std::string> remarks;
};
/// DataError where there is nothing to read at all.
ImageLayout image_layout(const std::filesystem::path& root, Faults& faults);

}  // namespace nas
