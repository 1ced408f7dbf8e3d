// A table that took an hour to measure may meet a name that is taken by then, a store that is
// locked, or a full disk. So the file that was asked for comes first, then the store under the name
// or the next free one, and a file of its own where the store refuses and no other file has it.
#include "cli/latency/kept/keep_measured.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/latency/shared.hpp"
#include "cli/report/document.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Writes the file; what went wrong, or "".
std::string trouble_of(const std::string& file, const std::string& text) {
  try {
    if (!file.empty()) write_whole_file(file, text + "\n");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// Under its id or, where another process has that, the next free one.
void store_table(LatencyTable& table, Store& store, const std::function<std::string()>& text) {
  constexpr int kTries = 100;  // Others may take the free names, too.
  const std::string wanted = table.id;
  for (int i = 1;; ++i) {
    table.id = unused_table(store, wanted);
    const auto device = table.conditions.find("device");
    try {
      store.add_latency_table({table.id,
                               table.space,
                               device == table.conditions.end() ? "" : device->second,
                               json_line(Json(table.conditions)),
                               text(),
                               table.created});
      return;
    } catch (const ConfigError&) {
      if (i == kTries) throw;
    }
  }
}

/// The text says that its times are as they are: stored ones are not doubted, files are.
std::string trusted(const std::string& text) {
  Json json = Json::parse(text);
  json["trust_unit"] = true;
  return json.dump(1);
}

/// The store could not take the table: where it is, or why it is nowhere.
[[noreturn]] void end_unstored(const std::string& why,
                               const std::string& id,
                               const std::string& out,
                               bool written,
                               const std::string& text) {
  std::error_code ignored;
  std::string file = out;
  // What went into a pipe may be gone.
  if (!written || !fs::is_regular_file(out, ignored)) {
    file = unused_file(id, ".json");
    if (const std::string trouble = trouble_of(file, trusted(text)); !trouble.empty())
      throw DataError(why + "\nThe table is not stored, and not written either: " + trouble);
  }
  throw DataError(why + "\nThe table is not stored, but kept in " + printable(file) +
                  ", which commands take as they take a stored one: --latency-table " +
                  shell_word(file) + " (or --table)");
}

}  // namespace

void keep_measured(LatencyTable& table,
                   Store& store,
                   const std::string& out,
                   const std::function<std::string()>& text) {
  const std::string wanted = table.id;
  std::string trouble = trouble_of(out, text());
  try {
    store_table(table, store, text);
  } catch (const std::exception& e) {
    table.id = wanted;
    end_unstored(e.what(), wanted, out, !out.empty() && trouble.empty(), text());
  }
  if (table.id != wanted) {
    warning("the name '" + printable(wanted) +
            "' was given to another latency table meanwhile; this one is stored as '" +
            printable(table.id) + "'");
    std::error_code ignored;  // A pipe has had its text.
    if (trouble.empty() && fs::is_regular_file(out, ignored)) trouble = trouble_of(out, text());
  }
  if (!trouble.empty())
    throw DataError(trouble + " (the table is in the store as " + table.id + ")");
}

std::string unused_file(const std::string& stem, const std::string& extension) {
  std::string name = stem;
  for (char& c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  std::string file = name + extension;
  for (int i = 2; fs::exists(file); ++i) file = name + "-" + std::to_string(i) + extension;
  return file;
}

}  // namespace nas::cli
