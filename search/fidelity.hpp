#pragma once
// How a value came about, as the store keeps it: a JSON object (split, images, batch-norm
// treatment, weights). Values are compared only where it is the same.
#include <string>
#include <vector>

namespace nas {

/// Equal whatever the order of keys and the spacing.
bool same_fidelity(const std::string& a, const std::string& b);
/// True when `older` says all that `newer` says but for its marks of identity (`checkpoint`,
/// `sha256`), which earlier versions did not store.
bool lacks_only_identity(const std::string& older, const std::string& newer);
/// In words: `validation split, 359 images, recalibrated, weights 12ab34cd`.
std::string fidelity_text(const std::string& source, const std::string& fidelity_json);
/// Keys in which two fidelities differ, in words: `split (validation, test)`.
std::string fidelity_difference(const std::string& a, const std::string& b);

}  // namespace nas
