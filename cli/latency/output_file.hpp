#pragma once
// Files that a command is to write, checked before anything is read, measured or stored.
#include <string>
#include <vector>

namespace nas::cli {

/// ConfigError for a file of option `flag` that cannot or must not be written: a folder, a file in
/// a folder that is not there or not to be written to, one of `inputs`, which the command reads
/// (names that are no files, such as ids, are none). "" and "-" are no files.
void check_output(const std::string& flag,
                  const std::string& path,
                  const std::vector<std::string>& inputs = {});
/// Whether both names lead to one file.
bool same_file(const std::string& a, const std::string& b);
/// ConfigError where a file is named twice, under one name or two.
void refuse_twice(const std::vector<std::string>& files);

}  // namespace nas::cli
