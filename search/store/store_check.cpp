// Where a store is damaged. SQLite names pages; people think in tables. So every table is checked
// by itself, with its indexes, which names the table of any page of its trees, inner ones included;
// where a line names the root of a tree, it is named too. Every table is read through besides: a
// reading tells how far the rows can still be had. Each question is asked by itself, because damage
// may end any of them. What the disk or another process refuses is no damage and is told as what it
// is.
#include <sqlite3.h>

#include <cctype>
#include <map>
#include <set>
#include <sstream>

#include "search/store/store_file.hpp"

namespace nas {
namespace {

using store_detail::guarded;

struct Trees {
  std::map<int64_t, std::string> names;  ///< Root page: `table runs`, `index x of runs`.
  std::vector<std::string> tables;
};

/// Whether SQLite says that the file's bytes are wrong or cannot be read from the disk, rather than
/// that something (a full disk, a lock, rights, memory) hinders the question.
bool is_damage(const SQLite::Exception& e) {
  const int code = e.getErrorCode() & 0xff;
  if (code != SQLITE_IOERR)
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR;
  const int exact = e.getExtendedErrorCode();
  return exact == SQLITE_IOERR_READ || exact == SQLITE_IOERR_SHORT_READ ||
         exact == SQLITE_IOERR_CORRUPTFS || exact == SQLITE_IOERR_DATA;
}

/// Asks; damage that ends the question is a problem, anything else goes on to the caller.
template <typename Ask, typename Say>
void ask(std::vector<std::string>& problems, const Ask& question, const Say& say) {
  try {
    question();
  } catch (const SQLite::Exception& e) {
    if (!is_damage(e)) throw;
    problems.push_back(say() + e.what());
  }
}

Trees read_trees(SQLite::Database& db, std::vector<std::string>& problems) {
  Trees trees;
  const auto read = [&] {
    SQLite::Statement row(db, "SELECT type, name, tbl_name, rootpage FROM sqlite_master");
    while (row.executeStep()) {
      const std::string type = row.getColumn(0).getString(), name = row.getColumn(1).getString();
      if (type != "table" && type != "index") continue;
      trees.names[row.getColumn(3).getInt64()] =
          type + " " + name + (type == "index" ? " of table " + row.getColumn(2).getString() : "");
      if (type == "table") trees.tables.push_back(name);
    }
  };
  ask(problems, read, [] { return std::string("the schema cannot be read: "); });
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

using Lines = std::vector<std::string>;

/// What `PRAGMA integrity_check` says, line by line; `argument` is a table, or the most lines.
Lines integrity(SQLite::Database& db, const std::string& argument) {
  Lines lines;
  SQLite::Statement row(db, "PRAGMA integrity_check(" + argument + ")");
  while (row.executeStep()) {
    std::istringstream text(row.getColumn(0).getString());
    for (std::string line; std::getline(text, line);)
      if (!line.empty() && line != "ok" && line[0] != '*') lines.push_back(line);
  }
  return lines;
}

std::string in_quotes(const std::string& table) {
  return "\"" + table + "\"";
}

void check_pages(SQLite::Database& db, const Trees& trees, Lines& problems) {
  constexpr size_t kMostLines = 20;
  std::set<std::string> told;
  for (const std::string& table : trees.tables) {
    const auto check = [&] {
      size_t count = 0;
      for (const std::string& line : integrity(db, in_quotes(table))) {
        // Damage of one page is told for every row that hung on it.
        if (!told.insert(line).second || ++count > kMostLines) continue;
        const std::string named = with_name(line, trees);
        problems.push_back(named == line ? "table " + table + ": " + line : named);
      }
      if (count > kMostLines)
        problems.push_back("table " + table + ": " + std::to_string(count - kMostLines) +
                           " more of this kind");
    };
    ask(problems, check, [&] { return "table " + table + ": cannot be checked to the end: "; });
  }
  // What belongs to no table: the list of free pages, pages that nothing refers to.
  int unused = 0;
  const auto check = [&] {
    for (const std::string& line : integrity(db, "50"))
      if (line.ends_with("is never used"))
        ++unused;  // Cut off by the damage.
      else if (told.insert(line).second)
        problems.push_back(with_name(line, trees));
  };
  ask(problems, check, [] { return std::string("the pages cannot be checked to the end: "); });
  if (unused > 0)
    problems.push_back(std::to_string(unused) + " pages or more belong to nothing any more");
}

void read_through(SQLite::Database& db, const std::string& table, Lines& problems) {
  int64_t rows = 0;
  const auto read = [&] {
    SQLite::Statement row(db, "SELECT * FROM " + in_quotes(table));
    while (row.executeStep()) {
      for (int c = 0; c < row.getColumnCount(); ++c) (void)row.getColumn(c).getBytes();
      ++rows;
    }
  };
  ask(problems, read, [&] {
    return "table " + table + ": only the first " + std::to_string(rows) + " rows can be read: ";
  });
}

void check_references(SQLite::Database& db, Lines& problems) {
  const auto check = [&] {
    SQLite::Statement keys(db, "PRAGMA foreign_key_check");
    while (keys.executeStep())
      problems.push_back("table " + keys.getColumn(0).getString() + ": row " +
                         keys.getColumn(1).getString() + " refers to a missing row of " +
                         keys.getColumn(2).getString());
  };
  ask(problems, check, [] { return std::string("references between tables cannot be checked: "); });
}

/// To be written too, so that a log of another process's end is merged; where the disk is full or
/// the medium read-only, as it is.
SQLite::Database open_to_check(const std::string& path) {
  if (!store_detail::can_write(path)) return store_detail::open_read_only(path);
  try {
    SQLite::Database db = store_detail::open(path);
    db.execAndGet("SELECT count(*) FROM sqlite_master");
    return db;
  } catch (const SQLite::Exception& e) {
    if (is_damage(e) || (e.getErrorCode() & 0xff) == SQLITE_BUSY) throw;
    try {
      return store_detail::open_read_only(path);
    } catch (const std::exception&) {
      throw e;
    }
  }
}

}  // namespace

std::vector<std::string> check_store(const std::string& path) {
  if (!store_detail::inspect(path)) throw ConfigError(path + ": there is no results store");
  return guarded(path, [&] {
    SQLite::Database db = open_to_check(path);
    Lines problems;
    const Trees trees = read_trees(db, problems);
    for (const std::string& table : trees.tables) read_through(db, table, problems);
    check_pages(db, trees, problems);
    check_references(db, problems);
    return problems;
  });
}

}  // namespace nas
