#pragma once
// A text of every format of latency_formats(). A new format adds an Example.
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "hardware/formats/format.hpp"

namespace nas {

struct Example {
  std::string format;
  std::string text;  ///< In ms; `TIME` stands for one time that can be changed.
  std::string key;   ///< Of that time: an entry's key, or the first cell of a row.
  double ms = 0;     ///< With TIME 2.5.
  std::map<std::string, std::string> columns = {};
};

/// 22 layers, two blocks and a skip.
inline std::string fbnet() {
  std::string text = "ir_k3_e1 ir_k5_e6 ir_k3_s2 skip\nTIME 9.5 1 0.1\n";
  for (int i = 1; i < 22; ++i) text += "1.5 7.5 1 0.1\n";
  return text;
}

inline const std::vector<Example>& examples() {
  static const std::string kBlock =
      "expanded_conv-input:56x56x24-output:56x56x24-expand:72-kernel:5-stride:1-idskip:1-se:0-hs:0";
  static const std::string kRatio =
      "expanded_conv-input:56x56x24-output:56x56x24-expand:3-kernel:5-stride:1-idskip:1";
  static const std::vector<Example> list = {
      {"once-for-all",
       kBlock + ":\n  count: 40\n  mean: TIME\n"
                "Conv-input:112x112x3-output:56x56x24: {mean: 1}\n",
       kBlock,
       2.5},
      {"once-for-all",
       kRatio + ": {count: 40, mean: TIME}\n"
                "Logits-input:7x7x1664-output:1000: {mean: 1}\n",
       kRatio,
       2.5},
      {"dynamic-ofa",
       "{\n \"" + kBlock +
           "\": {\n  \"count\": 79,\n  \"mean\": TIME,\n  \"std\": "
           "0.5\n },\n \"Logits-input:1x1x1280-output:1000\": {\"mean\": 1}\n}\n",
       kBlock,
       2.5},
      {"fbnet",
       fbnet(),
       "expanded_conv-input:112x112x16-output:112x112x16-expand:1-kernel:3-stride:1-idskip:1",
       2.5},
      {"hat",
       "encoder_embed_dim,encoder_layer_num,encoder_ffn_embed_dim_avg,"
       "encoder_self_attention_heads_avg,decoder_embed_dim,decoder_layer_num,"
       "decoder_ffn_embed_dim_avg,decoder_self_attention_heads_avg,"
       "decoder_ende_attention_heads_avg,decoder_arbitrary_ende_attn_avg,"
       "latency_mean_encoder,latency_mean_decoder,latency_std_encoder,latency_std_decoder\n"
       "640,6,1194,4.6,640,3,1877,4,5.3,2,TIME,200,0.1,12\n",
       "640",
       202.5},
      {"nn-meter-kernels",
       "{\"dwconv-bn-relu\": {\"a\": {\"config\": {\"HW\": 28, \"CIN\": 96, \"KERNEL_SIZE\": 5,\n"
       "\"STRIDES\": 2}, \"latency\": \"TIME +- 0.5\"}},\n\"shuffle\": {\"b\": {\"config\": {},\n"
       "\"latency\": 1}}}",
       "conv2d in=96x28x28 out=96x14x14 k=5 s=2 g=96 act=relu",
       2.5},
      {"nn-meter-data",
       "{\"id\": \"resnet_0\", \"cpu\": TIME, \"graph\": {}}\n"
       "{\"id\": \"resnet_1\", \"cpu\": 3, \"graph\": {}}\n",
       "resnet_0",
       2.5},
      {"hw-nas-bench",
       "arch,edgegpu_latency,raspi4_latency\n|none~0|,TIME,8\n|skip~0|,5,9\n",
       "|none~0|",
       2.5,
       {{"latency", "edgegpu_latency"}}},
      {"operators",
       "type,in,out,k,s,avg\nCONV_2D,1x24x56x56,1x144x56x56,1x1,1,TIME\n"
       "SOFTMAX,1000,1000,,,0.1\n",
       "conv2d in=24x56x56 out=144x56x56 k=1 s=1 g=1 act=none",
       2.5,
       {{"op", "type"}, {"time", "avg"}}},
      {"networks",
       "Sub-network,Date,Latency,MACs\n\"{'d': [2]}\",2022,TIME,3e8\nb,2022,3,3e8\n",
       "{'d': [2]}",
       2.5}};
  return list;
}

inline std::string with_time(std::string text, const std::string& time) {
  const size_t at = text.find("TIME");
  return text.replace(at, 4, time);
}

inline ImportOptions options_of(const Example& example, const char* unit = "ms") {
  ImportOptions options;
  options.unit = *time_unit(unit);
  options.conditions = {{"device", "phone"}, {"batch", "1"}, {"dtype", "float32"}};
  options.columns = example.columns;
  return options;
}

inline Imported read(const Example& example, const std::string& time, const char* unit = "ms") {
  return import_latency(
      {{"file.txt", with_time(example.text, time)}}, example.format, options_of(example, unit));
}

}  // namespace nas
