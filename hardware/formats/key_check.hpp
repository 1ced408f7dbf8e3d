#pragma once
// Whether a key of a table can be of any work at all: what is typed by hand or made by another
// program may name an operator that there is none of, or sizes that do not belong together.
#include <cstdint>
#include <string>
#include <string_view>

namespace nas {

/// Why `key` is none of the grouping (find_grouping()); "" where it is one. Says nothing about
/// whether a space has such work.
std::string key_problem(std::string_view key, std::string_view grouping);

/// Whether `key` is of an operator or block that there is here, whatever its sizes.
bool known_operator(std::string_view key);

/// The key of a single op (grouping `ops`) as tables have it: names of attributes in their order,
/// one blank between, small letters, numbers without leading zeros. "" where `key` cannot be read
/// so: an attribute that the op does not have, has not got or has twice, a flag that is neither 0
/// nor 1, sizes that contradict each other; `why` then says it, with the right form.
std::string canonical_op_key(std::string_view key, std::string& why);

/// Whether a window of `kernel` steps of `stride` can make `out` places of `in`: with some padding
/// that is alike on both sides, or with that of SAME (out = in / stride, rounded up).
bool window_fits(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation = 1);

}  // namespace nas
