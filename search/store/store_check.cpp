// Where a store is damaged. SQLite names pages; people think in tables. So every tree that SQLite
// names is looked up in the schema, and every table is read through besides: a reading tells how
// far the rows can still be had. Each question is asked by itself, because damage may end any of
// them.
#include <sqlite3.h>

#include <cctype>
#include <map>
#include <sstream>

#include "search/store/store_file.hpp"

namespace nas {
namespace {

using store_detail::guarded;

struct Trees {
  std::map<int64_t, std::string> names;  ///< Root page: `table runs`, `index x of runs`.
  std::vector<std::string> tables;
};

Trees read_trees(SQLite::Database& db, std::vector<std::string>& problems) {
  Trees trees;
  try {
    SQLite::Statement row(db, "SELECT type, name, tbl_name, rootpage FROM sqlite_master");
    while (row.executeStep()) {
      const std::string type = row.getColumn(0).getString(), name = row.getColumn(1).getString();
      if (type != "table" && type != "index") continue;
      trees.names[row.getColumn(3).getInt64()] =
          type + " " + name + (type == "index" ? " of table " + row.getColumn(2).getString() : "");
      if (type == "table") trees.tables.push_back(name);
    }
  } catch (const SQLite::Exception& e) {
    problems.push_back(std::string("the schema cannot be read: ") + e.what());
  }
  return trees;
}

// `Tree 7 page 12: ...`, or `On tree page 7 cell 3: ...` of older versions: with the name of
// tree 7.
std::string with_name(const std::string& line, const Trees& trees) {
  for (const char* word : {"Tree ", "tree page ", "Page "}) {
    const size_t at = line.find(word);
    if (at == std::string::npos) continue;
    const auto name = trees.names.find(std::atoll(line.c_str() + at + std::string(word).size()));
    if (name != trees.names.end()) return name->second + ": " + line;
  }
  return line;
}

void check_pages(SQLite::Database& db, const Trees& trees, std::vector<std::string>& problems) {
  int unused = 0;
  try {
    SQLite::Statement integrity(db, "PRAGMA integrity_check(50)");
    while (integrity.executeStep()) {
      std::istringstream lines(integrity.getColumn(0).getString());
      for (std::string line; std::getline(lines, line);)
        if (line.ends_with("is never used"))
          ++unused;  // Cut off by the damage.
        else if (!line.empty() && line != "ok" && line[0] != '*')
          problems.push_back(with_name(line, trees));
    }
  } catch (const SQLite::Exception& e) {
    problems.push_back(std::string("the pages cannot be checked to the end: ") + e.what());
  }
  if (unused > 0)
    problems.push_back(std::to_string(unused) + " pages or more belong to nothing any more");
}

void read_through(SQLite::Database& db,
                  const std::string& table,
                  std::vector<std::string>& problems) {
  int64_t rows = 0;
  try {
    SQLite::Statement row(db, "SELECT * FROM \"" + table + "\"");
    while (row.executeStep()) {
      for (int c = 0; c < row.getColumnCount(); ++c) (void)row.getColumn(c).getBytes();
      ++rows;
    }
  } catch (const SQLite::Exception& e) {
    problems.push_back("table " + table + ": only the first " + std::to_string(rows) +
                       " rows can be read: " + e.what());
  }
}

void check_references(SQLite::Database& db, std::vector<std::string>& problems) {
  try {
    SQLite::Statement keys(db, "PRAGMA foreign_key_check");
    while (keys.executeStep())
      problems.push_back("table " + keys.getColumn(0).getString() + ": row " +
                         keys.getColumn(1).getString() + " refers to a missing row of " +
                         keys.getColumn(2).getString());
  } catch (const SQLite::Exception& e) {
    problems.push_back(std::string("references between tables cannot be checked: ") + e.what());
  }
}

}  // namespace

std::vector<std::string> check_store(const std::string& path) {
  if (!store_detail::inspect(path)) throw ConfigError(path + ": there is no results store");
  SQLite::Database db = guarded(path, [&] {
    return store_detail::can_write(path) ? store_detail::open(path)
                                         : store_detail::open_read_only(path);
  });
  std::vector<std::string> problems;
  const Trees trees = read_trees(db, problems);
  for (const std::string& table : trees.tables) read_through(db, table, problems);
  check_pages(db, trees, problems);
  check_references(db, problems);
  return problems;
}

}  // namespace nas
