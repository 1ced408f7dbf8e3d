#pragma once
// Rows that are printed as they come: millions of them need no memory.
#include <functional>

#include "cli/report/document.hpp"

namespace nas::cli {

using Row = std::vector<nlohmann::ordered_json>;
/// Calls its argument with each row, in order; the same rows every time.
using RowSource = std::function<void(const std::function<void(const Row&)>&)>;

/// What print_rows prints, in any number of rows. A table asks for the rows twice, since its
/// columns are as wide as their widest cells. Throws Interrupted when a stop was asked for.
void print_row_stream(const std::vector<std::string>& header,
                      const RowSource& rows,
                      Format format,
                      const nlohmann::ordered_json& document,
                      const std::string& key);

}  // namespace nas::cli
