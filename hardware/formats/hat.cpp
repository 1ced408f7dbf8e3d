// HAT's latency data sets: whole Transformers, ten features of each, and the time of encoder and
// decoder with their deviations. They become rows with the sum of both.
#include <cmath>

#include "hardware/formats/reading.hpp"
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
  rows.header.insert(rows.header.end(), {"encoder_ms", "decoder_ms", "latency_ms"});
  std::vector<TimedWork> work;
  for (const auto& cells : csv.rows) {
    std::vector<std::string> row;
    for (const size_t c : features) {
      if (!number_of(cells[c].text))
        fail_at(file.name, cells[c].line, cells[c].column, "'" + cells[c].text + "' is no number");
      row.push_back(cells[c].text);
    }
    const double first = time_of_cell(file, cells[encoder], options.unit);
    const double second = time_of_cell(file, cells[decoder], options.unit);
    for (const double ms : {first, second, first + second}) row.push_back(number_text(ms));
    work.push_back({first + second, 0});
    rows.rows.push_back(std::move(row));
  }
  if (rows.rows.empty()) throw DataError(file.name + ": holds no rows");
  return finish_rows(std::move(rows), std::move(work), options);
}

}  // namespace nas
