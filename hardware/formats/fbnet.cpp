// FBNet's look-up tables: a row for each of the 22 layers of its Table 1, a column for each
// candidate block (ir_k3_e1 .. ir_k5_e6, skip), as the public re-implementations write them, with
// commas or blanks between. A row says nothing about sizes, so they are those of the paper; a block
// ir_kK_eE is then the same work as an expanded_conv of once-for-all's ProxylessNAS of these sizes,
// and gets its key. Blocks with group convolutions (s2) and skips have none here and are left out.
#include <algorithm>

#include "hardware/formats/reading.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

struct Layer {
  int in = 0, out = 0, size = 0, stride = 1;
};

/// Arxiv 1812.03443, Table 1: f, n, s of the seven stages behind the first convolution.
std::vector<Layer> layers() {
  struct Stage {
    int out, blocks, stride;
  };
  constexpr Stage kStages[] = {
      {16, 1, 1}, {24, 4, 2}, {32, 4, 2}, {64, 4, 2}, {112, 4, 1}, {184, 4, 2}, {352, 1, 1}};
  std::vector<Layer> list;
  int in = 16, size = 112;
  for (const Stage& stage : kStages)
    for (int block = 0; block < stage.blocks; ++block) {
      const int stride = block == 0 ? stage.stride : 1;
      list.push_back({in, stage.out, size, stride});
      in = stage.out;
      size /= stride;
    }
  return list;
}

/// Kernel and expansion of `ir_k3_e6`; false for other blocks.
bool read_block(std::string_view name, int& kernel, int& expand) {
  if (name.size() != 8 || !name.starts_with("ir_k") || name.substr(5, 2) != "_e") return false;
  kernel = name[4] - '0';
  expand = name[7] - '0';
  return kernel >= 1 && kernel <= 9 && expand >= 1 && expand <= 9;
}

std::string key_of(const Layer& layer, int kernel, int expand) {
  const auto sizes = [](int size, int channels) {
    return std::to_string(size) + "x" + std::to_string(size) + "x" + std::to_string(channels);
  };
  return "expanded_conv-input:" + sizes(layer.size, layer.in) +
         "-output:" + sizes(layer.size / layer.stride, layer.out) +
         "-expand:" + std::to_string(expand) + "-kernel:" + std::to_string(kernel) +
         "-stride:" + std::to_string(layer.stride) +
         "-idskip:" + (layer.in == layer.out && layer.stride == 1 ? "1" : "0");
}

/// Runs of blanks as one tab, so that lines stay lines.
std::string with_tabs(const std::string& text) {
  std::string out;
  bool blank = false;
  for (const char c : text) {
    if (c == ' ' || c == '\t') {
      blank = true;
      continue;
    }
    if (blank && c != '\n' && c != '\r' && !out.empty() && out.back() != '\n') out += '\t';
    blank = false;
    out += c;
  }
  return out;
}

}  // namespace

bool is_fbnet(std::string_view text) {
  return first_line(text).find("ir_k") != std::string_view::npos;
}

Imported read_fbnet(const ForeignFile& file, const ImportOptions& options) {
  const bool blanks = first_line(file.text).find_first_of(",;") == std::string_view::npos;
  const Csv csv = read_csv(file.name, blanks ? with_tabs(file.text) : file.text);
  const std::vector<Layer> list = layers();
  EntryReader entries(file, options, "ofa-proxyless");
  if (std::any_of(csv.header.begin(), csv.header.end(), [](const CsvCell& cell) {
        return number_of(cell.text).has_value();
      }))
    entries.fail(csv.header.front().line,
                 "the first line holds a number; it names the blocks: ir_k3_e1, ir_k3_e3 ...");
  if (csv.rows.size() != list.size())
    entries.fail(csv.rows.empty() ? 0 : csv.rows.back().front().line,
                 "has " + std::to_string(csv.rows.size()) + " layers; FBNet has " +
                     std::to_string(list.size()) +
                     ". Tables of other spaces: --format operators, with sizes as columns");
  size_t left_out = 0;
  for (size_t c = 0; c < csv.header.size(); ++c) {
    const std::string& name = csv.header[c].text;
    int kernel = 0, expand = 0;
    const bool block = read_block(name, kernel, expand);
    if (!block && !name.starts_with("ir_") && name != "skip" && c > 0)
      entries.fail(csv.header[c].line, "'" + printable(name) + "' is no block of FBNet");
    if (!block && c == 0 && name != "skip" && !name.starts_with("ir_")) continue;  // Layers' names.
    if (!block) {
      left_out += csv.rows.size();
      continue;
    }
    // Layers of one size are the same work at other places: repeats of one measurement.
    std::map<std::string, std::vector<double>> times;
    std::map<std::string, int> lines;
    for (size_t r = 0; r < list.size(); ++r) {
      const CsvCell& cell = csv.rows[r][c];
      time_of_cell(file, cell, options.unit);
      const std::string key = key_of(list[r], kernel, expand);
      times[key].push_back(*number_of(cell.text));
      lines.emplace(key, cell.line);
    }
    for (auto& [key, all] : times) {
      std::sort(all.begin(), all.end());
      const size_t middle = all.size() / 2;
      const double median = all.size() % 2 == 1 ? all[middle] : (all[middle - 1] + all[middle]) / 2;
      entries.add(key, {median, 0, static_cast<int64_t>(all.size())}, lines[key]);
    }
  }
  std::vector<std::string> notes{
      "sizes are those of FBNet's Table 1; layers of one size are repeats, their median is kept"};
  if (left_out > 0)
    notes.push_back(std::to_string(left_out) +
                    " times of skips and of blocks with group convolutions are left out: no space "
                    "here has them");
  return entries.finish(std::move(notes));
}

std::string write_fbnet(const LatencyTable& table) {
  if (table.grouping != "ofa-proxyless")
    throw DataError("FBNet's form holds blocks of ProxylessNAS's kind; the table is of '" +
                    table.grouping + "'");
  constexpr std::pair<int, int> kBlocks[] = {{3, 1}, {3, 3}, {3, 6}, {5, 1}, {5, 3}, {5, 6}};
  std::string header, text;
  for (const auto& [kernel, expand] : kBlocks)
    header += (header.empty() ? "" : ",") + std::string("ir_k") + std::to_string(kernel) + "_e" +
              std::to_string(expand);
  for (const Layer& layer : layers()) {
    std::string row;
    for (const auto& [kernel, expand] : kBlocks) {
      const std::string key = key_of(layer, kernel, expand);
      const auto entry = table.entries.find(key);
      if (entry == table.entries.end())
        throw DataError(
            "FBNet's form needs a time of every block of its Table 1; the table lacks " + key);
      row += (row.empty() ? "" : ",") + number_text(entry->second.median_ms);
    }
    text += row + "\n";
  }
  return header + "\n" + text;
}

}  // namespace nas
