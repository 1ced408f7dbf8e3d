#include "cli/runs/run_name.hpp"

#include "cli/command.hpp"
#include "cli/terminal/suggest.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

constexpr size_t kLongest = 100;

// Code points of a UTF-8 text, or false where it is none (overlong forms and surrogates included).
bool decode(const std::string& text, std::u32string& points) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80       ? 1
                          : lead >> 5 == 6  ? 2
                          : lead >> 4 == 14 ? 3
                          : lead >> 3 == 30 ? 4
                                            : 0;
    if (length == 0 || i + length > text.size()) return false;
    char32_t point = length == 1 ? lead : lead & (0x7f >> length);
    for (size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) return false;
      point = point << 6 | (next & 0x3f);
    }
    constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kLeast[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return false;
    points += point;
    i += length;
  }
  return true;
}

// Control characters, blanks that look like others, letters that are blank (fillers of Hangul), and
// format characters that are not seen or turn the line around.
bool unseen(char32_t c) {
  return c < 0x20 || c == 0xa0 || c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x1680 ||
         c == 0x180e || c == 0x3164 || c == 0xffa0 || (c >= 0x1d173 && c <= 0x1d17a) ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000 ||
         (c >= 0x7f && c < 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

// A name that begins as an id does would hide ids.
bool like_an_id(const std::string& name) {
  return looks_like_run_id(name) ||
         (name.size() >= 11 && name[0] >= 'a' && name[0] <= 'z' && name[1] == '-' &&
          name[10] == '-' && name.find_first_not_of("0123456789", 2) == 10);
}

}  // namespace

std::string checked_name(const std::string& name, const std::string& flag) {
  if (name.empty()) return "";
  bool unshown = false;  // Characters that may turn the line around are not printed.
  const auto refuse = [&](const std::string& what, const std::string& hint) {
    std::string shown = name.substr(0, 40);
    if (unshown)
      for (char& c : shown)
        if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    shown = printable(shown);
    throw ConfigError(flag + " \"" + shown + (name.size() > 40 ? "..." : "") + "\": " + what, hint);
  };
  std::u32string points;
  if (!decode(name, points)) refuse("is not UTF-8", "Write the name in UTF-8.");
  for (const char32_t c : points)
    if (unseen(c)) {
      unshown = true;
      refuse("holds a character that cannot be seen (line break, tab, escape ...)",
             "Use letters, digits and signs.");
    }
  if (name.find_first_of("*?") != std::string::npos)
    refuse("holds * or ?, which stand for any characters where runs are named",
           "Use letters, digits and signs.");
  const size_t first = name.find_first_not_of(' ');
  if (first == std::string::npos)
    refuse("holds nothing but blanks", "Leave it out, or write a name.");
  const std::string cut = name.substr(first, name.find_last_not_of(' ') - first + 1);
  if (points.size() > kLongest)
    refuse("has " + std::to_string(points.size()) + " characters; at most " +
               std::to_string(kLongest) + " fit",
           "Write a shorter one.");
  std::string lower = cut;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (lower == "last") refuse("is reserved: it means the newest run", "Write another name.");
  if (cut[0] == '-') refuse("begins with -, as flags do", "Write another name.");
  if (like_an_id(cut)) refuse("looks like the id of a run", "Write another name.");
  return cut;
}

std::string checked_table_name(const std::string& name, const std::string& flag) {
  std::string checked = checked_name(name, flag);
  if (checked.find('/') != std::string::npos)
    throw ConfigError(flag + " \"" + printable(checked) +
                          "\": holds /, which separates folders; names of tables are names of "
                          "files, too",
                      "Use letters, digits and signs.");
  return checked;
}

void tell_taken_name(const Store& store, const std::string& name) {
  const std::vector<RunRow> same = store.runs_named(name);
  if (same.empty()) return;
  warning("the name " + printable(name) + " is taken by run " + same.back().id +
          (same.size() > 1 ? " and " + std::to_string(same.size() - 1) + " more" : "") +
          "; from now on it means the new run, and the id tells the older one "
          "(`" +
          suggested({"runs", "rename", same.back().id, "NAME"}, store.path()) + "` changes it)");
}

RunRow find_run(const Store& store, const std::string& which) {
  if (auto run = store.run(which)) return *run;
  std::vector<std::string> names;
  for (const RunRow& row : store.runs()) {
    names.push_back(row.id);
    if (!row.name.empty()) names.push_back(row.name);
  }
  const std::string near = nearest(which, names);
  throw ConfigError(
      "no run \"" + printable(which) + "\" in " + store.path(),
      near.empty() ? runs_are_listed(store.path()) : "Did you mean " + printable(near) + "?");
}

}  // namespace nas::cli
