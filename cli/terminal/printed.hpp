#pragma once

namespace nas::cli {

/// Whether print() has been called: then a JSON document of an error would be a second one.
bool printed_anything();

}  // namespace nas::cli
