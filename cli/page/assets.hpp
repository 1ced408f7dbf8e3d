#pragma once
// What is embedded in the program for HTML pages, so that they need nothing at run time.
#include <string_view>

namespace nas::cli::assets {

std::string_view page_css();
std::string_view page_js();
std::string_view chart_js();  ///< Chart.js (MIT), as Debian ships it.

}  // namespace nas::cli::assets
