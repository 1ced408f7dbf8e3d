// Two layouts are read: ROOT/CLASS/image and ROOT/SPLIT/CLASS/image. Others are in circulation
// (flat val/ of ImageNet, class folders that hold splits, one folder too many from an archive), and
// each of them can be read as one of the two, with wrong classes or splits and no error. So the
// tree is read by names and by what lies in the folders, and where these do not agree it is
// refused.
#include "supernet/data/image_layout.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "supernet/data/codecs/image_codec.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

std::string shown(const fs::path& path) {
  return printable(path.string());
}

std::string counted(size_t n, const std::string& one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

/// What programs leave beside data: resource forks of archives, thumbnails, the file system's own.
bool is_clutter(const std::string& folder) {
  return folder == "__MACOSX" || folder == "@eaDir" || folder == "lost+found";
}

/// How deep images are looked for.
constexpr int kLevels = 8;

/// Formats that hold images and are not read.
bool other_image_kind(const std::string& name) {
  std::string e = fs::path(name).extension().string();
  std::transform(e.begin(), e.end(), e.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* known :
       {".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".heic", ".avif", ".jp2", ".npy"})
    if (e == known) return true;
  return false;
}

class Reader {
 public:
  Reader(fs::path root, Faults& faults) : root_(std::move(root)), faults_(faults) {}

  ImageLayout read() {
    top_ = look_into(root_, layout_.unused, faults_);
    drop_clutter(top_.folders, root_);
    if (has_training_folder())
      read_splits();
    else
      read_classes();
    for (const ClassRoot& root : layout_.roots) check_depth(root);
    if (layout_.roots.empty() || layout_.roots.front().part != Part::kTrain)
      throw DataError(shown(root_) + ": holds no training folder with class folders in it");
    compare_classes();
    return std::move(layout_);
  }

 private:
  /// A look that reports nothing: whoever reads the folder reports.
  FolderContent peek(const fs::path& folder) const {
    UnusedList ignored;
    Faults none(/*collect=*/true);
    return look_into(folder, ignored, none);
  }

  void drop_clutter(std::vector<std::string>& folders, const fs::path& in) {
    std::erase_if(folders, [&](const std::string& name) {
      if (is_clutter(name)) layout_.unused.add("folders of other programs", (in / name).string());
      return is_clutter(name);
    });
  }

  /// train/ with folders in it; without, it may be a class (of vehicles, say).
  bool has_training_folder() const {
    return std::any_of(top_.folders.begin(), top_.folders.end(), [&](const std::string& name) {
      return part_of_word(name) == Part::kTrain && !peek(root_ / name).folders.empty();
    });
  }

  // ---- ROOT/SPLIT/CLASS

  void read_splits() {
    for (const std::string& name : top_.folders)
      if (const auto part = part_of_word(name)) add_split(root_ / name, *part);
    for (const std::string& name : top_.folders)
      if (!part_of_word(name)) look_at_other(name);
    for (const std::string& image : top_.images)
      layout_.unused.add("images beside the splits", (root_ / image).string());
    std::sort(layout_.roots.begin(), layout_.roots.end(), [](const auto& a, const auto& b) {
      return a.part < b.part;
    });
    tell_lonely_validation();
  }

  /// A folder beside the splits that no split's name names.
  void look_at_other(const std::string& name) {
    const fs::path path = root_ / name;
    if (const auto like = part_in_name(name))
      return faults_.add(shown(path) + ": looks like a " + name_of(*like) +
                         " split but is not read as one; rename it to " + name_of(*like) +
                         ", or move it away");
    if (holds_training_classes(path))
      return faults_.add(shown(path) +
                         ": holds class folders of the training split and images in them, so it "
                         "looks like a split under a name of its own, which is not read; rename "
                         "it to `val` or `test`, or move it away");
    layout_.unused.add("folders beside the splits", path.string());
  }

  /// Whether all folders in it are named as classes of the training split, and hold images.
  bool holds_training_classes(const fs::path& path) const {
    std::vector<std::string> folders = peek(path).folders;
    std::erase_if(folders, is_clutter);
    if (folders.empty() || !holds_images(path, kLevels)) return false;
    return std::any_of(layout_.roots.begin(), layout_.roots.end(), [&](const ClassRoot& root) {
      return root.part == Part::kTrain &&
             std::includes(
                 root.classes.begin(), root.classes.end(), folders.begin(), folders.end());
    });
  }

  void add_split(const fs::path& path, Part part) {
    for (const ClassRoot& other : layout_.roots)
      if (other.part == part)
        return faults_.add(shown(path) + ": a second " + name_of(part) + " folder beside " +
                           shown(other.path) + "; it is not read");
    FolderContent content = look_into(path, layout_.unused, faults_);
    drop_clutter(content.folders, path);
    if (content.folders.empty())
      return faults_.add(
          shown(path) + ": holds " +
          (content.images.empty()
               ? std::string("no class folders, so it cannot be the ") + name_of(part) +
                     " split; put one folder of images per class there"
               : counted(content.images.size(), "image") +
                     " but no class folders, so it cannot be the " + name_of(part) +
                     " split; sort them into one folder per class (as the validation images of "
                     "ImageNet need)") +
          ", or move it away");
    if (part != Part::kTrain && !holds_images(path, kLevels))
      return faults_.add(shown(path) + ": its " + counted(content.folders.size(), "class folder") +
                         " hold" + (content.folders.size() == 1 ? "s" : "") +
                         " no JPEG or PNG files, so it cannot be the " + name_of(part) +
                         " split; put its images there, or move it away");
    add_root(path, part, std::move(content));
  }

  void add_root(const fs::path& path, Part part, FolderContent content) {
    for (const std::string& image : content.images)
      layout_.unused.add("images beside class folders", (path / image).string());
    layout_.roots.push_back({path, part, std::move(content.folders)});
  }

  void tell_lonely_validation() {
    const auto has = [&](Part part) {
      return std::any_of(layout_.roots.begin(), layout_.roots.end(), [&](const ClassRoot& root) {
        return root.part == part;
      });
    };
    if (has(Part::kValidation) && !has(Part::kTest))
      layout_.remarks.push_back(
          shown(layout_.roots.back().path) +
          " is the test split, as there is no test folder; validation is a share of train");
  }

  // ---- ROOT/CLASS

  void read_classes() {
    if (top_.folders.empty())
      throw DataError(shown(root_) + ": holds " +
                      (top_.images.empty() ? "" : counted(top_.images.size(), "image") + " but ") +
                      "no folders; one folder of images per class is expected");
    for (const std::string& name : top_.folders) check_class_name(name);
    add_root(root_, Part::kTrain, std::move(top_));
  }

  /// A class whose name is that of a split.
  void check_class_name(const std::string& name) {
    const auto exact = part_of_word(name);
    const auto like = exact ? exact : part_in_name(name);
    if (!like) return;
    size_t others = 0;
    for (const std::string& other : top_.folders) others += !part_in_name(other) ? 1 : 0;
    const std::string path = shown(root_ / name);
    if (!peek(root_ / name).folders.empty())
      return faults_.add(path + ": looks like a " + name_of(*like) +
                         " split, but there is no training folder with class folders beside it, "
                         "so it would be a class; name the training folder `train`");
    // `train` among buses and cars is one of them; test/ beside class folders hardly ever is.
    const bool a_class = others >= 2 && (!exact || *exact == Part::kTrain);
    if (!a_class)
      return faults_.add(path + ": looks like a " + name_of(*like) +
                         " split, but holds no class folders, so it would be a class; sort its "
                         "images into class folders, or rename it");
    layout_.remarks.push_back(path + " is read as a class, not as a split");
  }

  // ---- Both

  /// Class folders that hold folders: a level too many, or splits inside classes.
  void check_depth(const ClassRoot& root) {
    std::map<std::string, int> inner;  ///< Names of folders in class folders, how often.
    std::vector<fs::path> deep;        ///< Class folders that hold nothing but folders.
    std::string first_inner;
    for (const std::string& name : root.classes) {
      const FolderContent content = peek(root.path / name);
      for (const std::string& folder : content.folders) {
        ++inner[folder];
        if (part_of_word(folder))
          return faults_.add(shown(root.path / name / folder) +
                             ": a split inside a class folder; its images would be of class '" +
                             printable(name) + "' in " + name_of(root.part) +
                             "; put the class folders into the splits, or name " +
                             shown(root.path / name) + " as the data");
      }
      if (!content.images.empty() || content.folders.empty()) continue;
      deep.push_back(root.path / name);
      if (first_inner.empty()) first_inner = shown(root.path / name / content.folders.front());
    }
    if (deep.empty()) return;
    if (root.classes.size() == 1)
      return faults_.add(shown(root.path) + ": holds one folder, '" +
                         printable(root.classes.front()) +
                         "', which holds folders: a level too many; name " + shown(deep.front()) +
                         (root.path == root_ ? "" : ", or move its folders up"));
    for (const auto& [name, count] : inner)
      if (count >= 2 && 2 * static_cast<size_t>(count) > deep.size())
        return faults_.add(shown(root.path) + ": " + std::to_string(count) +
                           " of its class folders hold a folder '" + printable(name) +
                           "': the inner folders look like the classes (or splits), the outer ones "
                           "like something else; put one level of class folders");
    layout_.remarks.push_back(counted(deep.size(), "class folder") + " of " + shown(root.path) +
                              " hold folders, such as " + first_inner +
                              "; all images in or below a class folder are of that class");
  }

  void compare_classes() {
    const ClassRoot& train = layout_.roots.front();
    const std::set<std::string> known(train.classes.begin(), train.classes.end());
    tell_equal_but_for_case(train);
    for (size_t r = 1; r < layout_.roots.size(); ++r) {
      const ClassRoot& other = layout_.roots[r];
      const std::set<std::string> here(other.classes.begin(), other.classes.end());
      for (const std::string& name : other.classes)
        if (!known.contains(name))
          faults_.add(shown(other.path / name) + ": class '" + printable(name) +
                      "' is not among those of " + shown(train.path));
      std::vector<std::string> lacking;
      for (const std::string& name : train.classes)
        if (!here.contains(name)) lacking.push_back(name);
      if (!lacking.empty())
        layout_.remarks.push_back(shown(other.path) + " lacks " + std::to_string(lacking.size()) +
                                  " of the " + std::to_string(train.classes.size()) +
                                  " classes, such as '" + printable(lacking.front()) + "'");
    }
  }

  void tell_equal_but_for_case(const ClassRoot& root) {
    std::map<std::string, std::string> seen;
    for (const std::string& name : root.classes) {
      std::string lower = name;
      std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
        return std::tolower(c);
      });
      const auto [it, fresh] = seen.emplace(lower, name);
      if (!fresh)
        layout_.remarks.push_back("classes '" + printable(it->second) + "' and '" +
                                  printable(name) + "' of " + shown(root.path) +
                                  " differ in upper and lower case only");
    }
  }

  fs::path root_;
  Faults& faults_;
  FolderContent top_;
  ImageLayout layout_;
};

}  // namespace

FolderContent look_into(const fs::path& folder, UnusedList& unused, Faults& faults) {
  FolderContent content;
  // The types come with the listing; only links cost a look at each.
  std::vector<std::pair<std::string, fs::file_type>> entries;
  std::error_code error, ignored;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    entries.emplace_back(it->path().filename().string(), it->status(ignored).type());
  if (error) {
    faults.add(shown(folder) + ": cannot be listed: " + error.message());
    return content;
  }
  std::sort(entries.begin(), entries.end());
  for (const auto& [name, type] : entries) {
    const fs::path path = folder / name;
    if (name[0] == '.')
      unused.add("hidden", path.string());
    else if (type == fs::file_type::directory)
      content.folders.push_back(name);
    else if (type == fs::file_type::not_found || type == fs::file_type::none)
      faults.add(shown(path) + ": a link that leads nowhere");
    else if (type != fs::file_type::regular)
      unused.add("neither files nor folders", path.string());
    else if (has_image_extension(name))
      content.images.push_back(name);
    else if (other_image_kind(name))
      unused.add("images of other kinds than JPEG and PNG", path.string());
    else
      unused.add("other files (neither .jpg nor .png)", path.string());
  }
  return content;
}

bool holds_images(const fs::path& folder, int levels) {
  UnusedList ignored;
  Faults none(/*collect=*/true);
  const FolderContent content = look_into(folder, ignored, none);
  if (!content.images.empty()) return true;
  return levels > 0 &&
         std::any_of(content.folders.begin(), content.folders.end(), [&](const std::string& name) {
           return holds_images(folder / name, levels - 1);
         });
}

ImageLayout image_layout(const fs::path& root, Faults& faults) {
  return Reader(root, faults).read();
}

}  // namespace nas
