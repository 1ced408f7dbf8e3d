#include "spaces/draw/plan_boxes.hpp"

#include <cmath>
#include <set>

namespace nas::dot {
namespace {

// Colour-blind safe pastels (ColorBrewer Set3 and Paired); fixed parts stay white.
constexpr const char* kColours[] = {"#a6cee3",
                                    "#b2df8a",
                                    "#fdbf6f",
                                    "#cab2d6",
                                    "#fb9a99",
                                    "#ffffb3",
                                    "#80cdc1",
                                    "#dfc27d",
                                    "#bcbddc",
                                    "#d9d9d9"};
constexpr size_t kColourCount = std::size(kColours);
constexpr size_t kCellChars = 24;  // A cell is up to eight boxes wide.

// Spaces of many stages have more patterns of choices than the palette colours: other hues follow.
std::string colour_of(size_t pattern) {
  if (pattern < kColourCount) return kColours[pattern];
  const double turns = 0.618 * static_cast<double>(pattern);
  return std::to_string(turns - std::floor(turns)) + " 0.3 0.9";
}

// `input0` of `input0.conv`.
std::string first_part(const std::string& name) {
  return name.substr(0, name.find('.'));
}

// `3-5` of 3, 4, 5.
std::string ids_text(const std::vector<int>& ids) {
  std::string text;
  for (size_t i = 0; i < ids.size();) {
    size_t last = i;
    while (last + 1 < ids.size() && ids[last + 1] == ids[last] + 1) ++last;
    text +=
        (text.empty() ? "" : ", ") + range(std::to_string(ids[i]), std::to_string(ids[last]), "-");
    i = last + 1;
  }
  return text;
}

// Lines of at most `most` characters, broken behind what separates the parts of architectures.
Strings broken(const std::string& text, size_t most) {
  Strings lines;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.size(), at + most);
    if (end < text.size()) {
      const size_t mark = text.find_last_of("/;+|,- ", end - 1);
      if (mark != std::string::npos && mark > at) end = mark + 1;
    }
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

}  // namespace

std::string range(const std::string& first, const std::string& last, const char* dots) {
  return first == last ? first : first + dots + last;
}

std::string node(const std::string& id,
                 const Label& label,
                 const std::string& colour,
                 const std::string& more) {
  return "    " + id + " [label=" + label.html() + ", fillcolor=\"" + colour + "\"" + more + "];\n";
}

Label Boxes::label(int i) const {
  const SketchFrame& frame = frame_of(i);
  Label label{{}, words(i), to_string(box(i).out), {}};
  label.options = dot::wrapped(options_text(box(i).origins, frame.name, true));
  return label;
}

Label Boxes::cell_label(int i, const std::string& scope) const {
  const SketchFrame& frame = frame_of(i);
  Label label{{}, words(i, kCellChars), {}, {}};
  bool one_shape = true;
  for (const int other : sketch.kinds[at(frame.kind)])
    one_shape &= box(this->frame(other).first + i - frame.first).out == box(i).out;
  if (one_shape) label.shape = to_string(box(i).out);
  if (!box(i).origins.empty())
    label.title = {option(box(i).origins[0])};
  else if (!box(i).name.empty())
    label.title = {first_part(dot::relative(box(i).name, frame.name))};
  label.options = dot::wrapped(options_text(box(i).origins, scope, false), kCellChars);
  return label;
}

std::string Boxes::text(int i,
                        const Label& label,
                        const std::vector<int>& copies,
                        double width) const {
  std::string tooltip, sep = "ops ";
  for (const int copy : copies) {
    tooltip += sep + ids_text(box(copy).ops);
    sep = ", ";
  }
  std::string more = ", tooltip=" + dot::in_quotes(tooltip);
  if (width > 0) more += ", width=" + std::to_string(width / 72);
  return node("b" + std::to_string(i), label, colour(box(i)), more);
}

std::string Boxes::scope(const SketchFrame& frame) const {
  std::set<std::string> first;
  for (int i = frame.first; i < frame.last; ++i)
    for (const Provenance& origin : box(i).origins)
      if (origin.choice >= 0) {
        const std::string& name = choice(origin).name;
        first.insert(name.find('.') == std::string::npos ? "" : first_part(name));
      }
  return first.size() == 1 ? *first.begin() : "";
}

std::string Boxes::options_text(const std::vector<Provenance>& origins,
                                const std::string& scope,
                                bool with_first_option) const {
  Strings parts;
  for (const Provenance& origin : origins) {
    if (origin.choice < 0) continue;
    const bool bare = !with_first_option && origin == origins[0];
    std::string name = dot::relative(choice(origin).name, scope);
    // `conv5` says what it is, `6` does not.
    const std::string& value = option(origin);
    const bool number = value.find_first_not_of("0123456789.") == std::string::npos;
    if (name.empty() && number) name = choice(origin).name;
    if (!bare) name += (name.empty() ? "" : " ") + value;
    parts.push_back(name);
  }
  return joined(parts, ", ");
}

std::string Boxes::colour(const SketchBox& box) const {
  if (box.origins.empty() || box.origins[0].choice < 0) return "white";
  const std::string name = dot::pattern(choice(box.origins[0]).name);
  const auto it = std::find(patterns.begin(), patterns.end(), name);
  return colour_of(static_cast<size_t>(it - patterns.begin()));
}

// `stage1.width ... stage4.width (4 choices)` of a pattern.
std::string Boxes::meaning_of(const std::string& pattern) const {
  Strings names;
  for (const Choice& choice : choices_)
    if (dot::pattern(choice.name) == pattern) names.push_back(choice.name);
  if (names.size() < 2) return joined(names, "");
  return range(names.front(), names.back()) + " (" + std::to_string(names.size()) + " choices)";
}

std::string Boxes::legend(size_t columns, const Strings& title) const {
  const auto row = [](const std::string& inside) {
    return "<tr><td align=\"left\">" + inside + "</td></tr>";
  };
  std::string text;
  for (const std::string& line : title)
    for (const std::string& part : broken(line, 60 * columns)) {
      const std::string escaped = dot::escaped(part);
      text += row(&line == &title[0] ? "<font point-size=\"14\"><b>" + escaped + "</b></font>"
                                     : escaped);
    }
  if (!patterns.empty()) {
    Strings cells;
    const auto add = [&](const std::string& colour, const std::string& name) {
      cells.push_back("<td border=\"1\" bgcolor=\"" + colour + "\">    </td><td align=\"left\">" +
                      dot::escaped(name) + "   </td>");
    };
    for (size_t p = 0; p < patterns.size(); ++p) add(colour_of(p), meaning_of(patterns[p]));
    add("white", "fixed: in every network of the space");
    std::string rows;
    for (size_t i = 0; i < cells.size(); ++i)
      rows += (i % columns == 0 ? "<tr>" : "") + cells[i] +
              (i % columns + 1 == columns || i + 1 == cells.size() ? "</tr>" : "");
    text += row("<b>Colours: the choice that put a box there</b>") +
            row("<table border=\"0\" cellborder=\"0\" cellspacing=\"2\">" + rows + "</table>");
  }
  if (text.empty()) return "";
  return "  label=<<table border=\"0\" cellborder=\"0\">" + text +
         "</table>>;\n  labelloc=t;\n  labeljust=l;\n";
}

}  // namespace nas::dot
