#pragma once

namespace nas::cli {

/// Document of a training of mixtures: which networks train with which model
/// (supernet/weights/math/association_document.hpp).
inline constexpr const char* kAssociation = "association";

}  // namespace nas::cli
