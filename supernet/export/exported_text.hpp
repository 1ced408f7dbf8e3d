#pragma once
// What an exported file says of itself, without running it. No torch here.
#include <string>

namespace nas {

struct ExportedText {
  std::string path;    ///< Of the file that was read.
  std::string format;  ///< As nas export --format has it.
  std::string json;    ///< Schema nas-export/1.
};

/// Key under which files keep it.
inline constexpr const char* kExportedText = "nas.json";

/// `path`: a file that `nas export` wrote in any format, or a folder of such (the first of
/// model.ts, model.onnx, model.json, model.safetensors). DataError where there is none, or it says
/// nothing.
ExportedText read_exported_text(const std::string& path);

}  // namespace nas
