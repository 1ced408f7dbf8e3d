#pragma once
// Text of unknown origin (names of runs, architectures) made fit for what it is put into.
#include <string>
#include <string_view>

namespace nas::cli {

/// For HTML and XML, in text and in quoted attributes. Bytes that are no UTF-8 and control
/// characters, which XML cannot hold, are shown as \x1b.
std::string escaped_html(std::string_view text);
/// For a cell of a Markdown table: no markup, link, mention or HTML in it takes effect, and no cell
/// or row ends in it.
std::string escaped_markdown(std::string_view text);
/// JSON text for a <script> element: nothing in it ends the element or starts a comment.
std::string json_in_html(std::string json);

}  // namespace nas::cli
