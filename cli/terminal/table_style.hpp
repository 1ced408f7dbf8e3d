#pragma once
// How tables are written: for a terminal, or as Markdown for comments of CI and notebooks.

namespace nas::cli {

enum class TableStyle {
  kText,
  kMarkdown,  ///< Whole cells, never folded; a blank line on both sides.
};
/// Of all tables that are printed from now on. `--tables` and `--format markdown` set it.
void set_table_style(TableStyle style);
TableStyle table_style();

}  // namespace nas::cli
