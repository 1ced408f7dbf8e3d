// HAT's latency data sets: whole Transformers, ten features of each, and the time of encoder and
// decoder with their deviations. They become rows with the sum of both.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "hardware/formats/reading.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr const char* kFeatures[] = {"encoder_embed_dim",
                                     "encoder_layer_num",
                                     "encoder_ffn_embed_dim_avg",
                                     "encoder_self_attention_heads_avg",
                                     "decoder_embed_dim",
                                     "decoder_layer_num",
                                     "decoder_ffn_embed_dim_avg",
                                     "decoder_self_attention_heads_avg",
                                     "decoder_ende_attention_heads_avg",
                                     "decoder_arbitrary_ende_attn_avg"};

/// Of the file, and what rows here call them.
constexpr std::pair<const char*, const char*> kDeviationColumns[] = {
    {"latency_std_encoder", "encoder_sd_ms"}, {"latency_std_decoder", "decoder_sd_ms"}};

/// Features are averages over layers, so that two networks may share them; their times are alike.
constexpr double kSameNetwork = 0.25;

/// About the multiply-adds of one translation as HAT times it (hat_latency.md): 30 tokens, one by
/// one in the decoder, attention of 512 dimensions, a vocabulary of 32,768 words. It only tells
/// units apart, which are a thousand apart.
double macs_of(const std::vector<double>& f) {
  constexpr double kTokens = 30, kAttention = 512, kWords = 32'768;
  const double encoder = f[1] * (4 * kAttention * f[0] + 2 * f[0] * f[2]);
  const double decoder = f[5] * (8 * kAttention * f[4] + 2 * f[4] * f[6]) + kWords * f[4];
  return kTokens * (encoder + decoder);
}

}  // namespace

bool is_hat(std::string_view text) {
  const std::string_view line = first_line(text);
  return line.find("encoder_embed_dim") != std::string_view::npos &&
         line.find("latency_mean_encoder") != std::string_view::npos;
}

Imported read_hat(const ForeignFile& file, const ImportOptions& options) {
  const Csv csv = read_csv(file.name, file.text);
  const auto column = [&](const std::string& name) {
    const auto found = find_column(csv, name);
    if (!found)
      throw DataError(file.name + ":1: has no column '" + name + "'; columns: " + header_text(csv));
    return *found;
  };
  LatencyRows rows;
  std::vector<size_t> features;
  for (const char* name : kFeatures) {
    rows.header.emplace_back(name);
    features.push_back(column(name));
  }
  const size_t encoder = column("latency_mean_encoder"), decoder = column("latency_mean_decoder");
  rows.header.insert(rows.header.end(), {"encoder_ms", "decoder_ms"});
  std::vector<size_t> deviations;
  for (const auto& [foreign, own] : kDeviationColumns)
    if (const auto found = find_column(csv, foreign)) {
      rows.header.emplace_back(own);
      deviations.push_back(*found);
    }
  rows.header.emplace_back("latency_ms");
  std::vector<TimedWork> work;
  std::map<std::string, std::pair<double, int>> seen;  // By features: total in ms, line.
  size_t again = 0;
  for (const auto& cells : csv.rows) {
    std::vector<std::string> row;
    std::vector<double> numbers;
    std::string features_text;
    for (const size_t c : features) {
      const auto number = number_of(cells[c].text);
      // The last feature may be -1 for "both layers"; sizes and counts may not.
      if (!number || (*number <= 0 && c != features.back()))
        fail_at(file.name,
                cells[c].line,
                cells[c].column,
                "'" + printable(cells[c].text) + "' is no " + csv.header[c].text);
      numbers.push_back(*number);
      row.push_back(cells[c].text);
      features_text += number_text(*number) + ",";
    }
    const double first = time_of_cell(file, cells[encoder], options.unit);
    const double second = time_of_cell(file, cells[decoder], options.unit);
    for (const double ms : {first, second}) row.push_back(number_text(ms));
    for (const size_t c : deviations) {
      const double deviation = options.unit.to_ms(number_of(cells[c].text).value_or(-1));
      if (!(deviation >= 0) || !std::isfinite(deviation))
        fail_at(file.name,
                cells[c].line,
                cells[c].column,
                "'" + printable(cells[c].text) + "' is no deviation");
      row.push_back(number_text(deviation));
    }
    row.push_back(number_text(first + second));
    const auto [before, fresh] =
        seen.emplace(features_text, std::pair(first + second, cells[encoder].line));
    if (!fresh) {
      const auto& [ms, line] = before->second;
      if (std::abs(std::log(ms / (first + second))) > kSameNetwork)
        fail_at(file.name,
                cells[encoder].line,
                cells[encoder].column,
                "the network of line " + std::to_string(line) + " again, with another time");
      ++again;
    }
    work.push_back({first + second,
                    macs_of(numbers),
                    0,
                    "",
                    file.name + ":" + std::to_string(cells[encoder].line)});
    rows.rows.push_back(std::move(row));
  }
  if (rows.rows.empty()) throw DataError(file.name + ": holds no rows");
  Imported result = finish_rows(std::move(rows), std::move(work), options);
  if (again > 0)
    result.notes.push_back(std::to_string(again) +
                           " rows have the features of another row; all are kept");
  return result;
}

std::string write_hat(const LatencyRows& rows) {
  LatencyRows out;
  std::vector<size_t> columns;
  const auto take = [&](const std::string& own, const std::string& foreign) {
    columns.push_back(row_column(rows, own, "hat"));
    out.header.push_back(foreign);
  };
  for (const char* name : kFeatures) take(name, name);
  take("encoder_ms", "latency_mean_encoder");
  take("decoder_ms", "latency_mean_decoder");
  for (const auto& [foreign, own] : kDeviationColumns)
    if (std::find(rows.header.begin(), rows.header.end(), own) != rows.header.end())
      take(own, foreign);
  for (const auto& row : rows.rows) {
    out.rows.emplace_back();
    for (const size_t c : columns) out.rows.back().push_back(row[c]);
  }
  return to_csv(out);  // No conditions: the form has no comments.
}

}  // namespace nas
