#pragma once
// One description of an options struct serves reading YAML strictly, writing the resolved values,
// the JSON schema for editors and the help text. Write `void describe(Binder& b, T& options)` once:
//
//   void describe(Binder& b, TrainOptions& o) {
//     b.value("epochs", o.epochs, "Passes over the training split").range(1, 1e6);
//     b.choice("schedule", o.schedule, {{"cosine", Schedule::kCosine}, ...}, "Learning rate");
//     b.section("optimizer", o.optimizer, "Optimizer");     // calls describe(b, o.optimizer)
//     b.list("constraints", o.constraints, "Hard limits");  // vector of scalars
//     b.items("stages", o.stages, "...");                   // vector of structs
//   }
//   auto options = read_yaml_as<TrainOptions>(yaml_file("train.yaml", common.sets));
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spaces/error.hpp"

namespace nas {

namespace detail {
struct BinderState;
struct YamlNode;
}  // namespace detail

class Binder {
 public:
  /// Refinement of the value just declared.
  class Field {
   public:
    /// Inclusive bounds (numbers) or length bounds (lists, strings).
    Field& range(double low, double high);
    /// Inclusive bounds of each number of a list.
    Field& each(double low, double high);
    Field& unit(const std::string& text);
    Field& required();
    /// Extra check after a successful read: returns "" or what is wrong.
    Field& check(std::function<std::string()> test);

   private:
    friend class Binder;
    explicit Field(detail::BinderState& s) : s_(s) {}
    detail::BinderState& s_;
  };

  Field value(const std::string& key, bool& v, const std::string& help);
  Field value(const std::string& key, int& v, const std::string& help);
  Field value(const std::string& key, int64_t& v, const std::string& help);
  Field value(const std::string& key, uint64_t& v, const std::string& help);
  Field value(const std::string& key, double& v, const std::string& help);
  Field value(const std::string& key, std::string& v, const std::string& help);
  /// Absent or `null` leaves nullopt.
  Field value(const std::string& key, std::optional<double>& v, const std::string& help);
  Field value(const std::string& key, std::optional<int>& v, const std::string& help);
  Field list(const std::string& key, std::vector<int>& v, const std::string& help);
  Field list(const std::string& key, std::vector<double>& v, const std::string& help);
  Field list(const std::string& key, std::vector<std::string>& v, const std::string& help);
  /// A string out of `names`; the position is stored.
  Field choice_index(const std::string& key,
                     int& v,
                     const std::vector<std::string>& names,
                     const std::string& help);
  template <typename E>
  Field choice(const std::string& key,
               E& v,
               const std::vector<std::pair<std::string, E>>& names,
               const std::string& help) {
    std::vector<std::string> texts;
    int index = 0;
    for (size_t i = 0; i < names.size(); ++i) {
      texts.push_back(names[i].first);
      if (names[i].second == v) index = static_cast<int>(i);
    }
    Field field = choice_index(key, index, texts, help);
    v = names[static_cast<size_t>(index)].second;
    return field;
  }
  template <typename T>
  void section(const std::string& key, T& options, const std::string& help) {
    if (enter(key, help)) {
      describe(*this, options);
      leave();
    }
  }
  template <typename T>
  void items(const std::string& key, std::vector<T>& v, const std::string& help) {
    const size_t n = enter_items(key, v.size(), help);
    if (reading()) v.resize(n);
    // A schema needs one element to describe even where the list is empty.
    T sample{};
    for (size_t i = 0; i < n; ++i) {
      enter_item(i);
      describe(*this, i < v.size() ? v[i] : sample);
      leave();
    }
    leave_items();
  }
  /// A sub-tree kept as YAML text for a later, more specific reader (e.g. `space:`), with its
  /// position, so that errors of that reader name the right line.
  struct Raw {
    std::string yaml;  ///< Resolved text (overrides applied); "" when the key is absent.
    std::string file;
    int line = 0;
    int column = 0;
    std::string key;  ///< Dotted path of the sub-tree.
    /// The parsed sub-tree; keeps the exact place of every value. Read it with
    /// `yaml_source(raw)`; a Raw made by hand with only `yaml` set is parsed from the text.
    std::shared_ptr<const detail::YamlNode> tree;
  };
  Field raw(const std::string& key, Raw& v, const std::string& help);
  /// A key that is known here but read elsewhere (e.g. `family` inside a space's own section).
  void ignore(const std::string& key);
  /// The same for a key that has one possible value here: `family: cnn`.
  void constant(const std::string& key, const std::string& value, const std::string& help);
  /// A list described before must have an item. For schema and help: whoever reads says it in words
  /// of his own.
  void needs_item(const std::string& key);

  /// An error at a key of the section being described.
  void problem(const std::string& key, const std::string& message, const std::string& hint = "");
  bool reading() const;

  explicit Binder(detail::BinderState& s) : s_(s) {}

 private:
  bool enter(const std::string& key, const std::string& help);
  void leave();
  size_t enter_items(const std::string& key, size_t n, const std::string& help);
  void enter_item(size_t i);
  void leave_items();
  detail::BinderState& s_;
};

/// Where the values come from, in rising priority: files, then overrides.
struct YamlSource {
  std::string text;               ///< Content of the file ("" for none).
  std::string file;               ///< Its name in messages.
  int line_offset = 0;            ///< Added to lines (for Raw sub-trees).
  std::vector<std::string> sets;  ///< `a.b=value`, values read as YAML.
  std::string prefix = {};        ///< Put before keys in messages (for Raw sub-trees).
  std::shared_ptr<const detail::YamlNode> tree = {};  ///< Used instead of `text` when set.
};
/// Content of a file ("-": standard input; "": no file, only overrides). ConfigError when it cannot
/// be read.
YamlSource yaml_file(const std::string& path, const std::vector<std::string>& sets = {});
/// The sub-tree with its places, e.g. to hand `space:` to make_space.
YamlSource yaml_source(const Binder::Raw& raw);
/// The scalar at `key` (dotted; "" = the whole source), or nullopt when absent or not a scalar:
/// `space: resnet20-pool` against a mapping, or `family` before the family's reader is known.
std::optional<std::string> yaml_scalar(const YamlSource& source, const std::string& key = "");
/// Keys of the top-level mapping in the order of the file; none when it is something else.
std::vector<std::string> yaml_keys(const YamlSource& source);
/// The sub-tree at a dotted key as a source of its own; nullopt when absent. Empty key: all of it,
/// parsed and with the overrides applied.
std::optional<YamlSource> yaml_section(const YamlSource& source, const std::string& key);
/// The source with its overrides applied, as YAML.
std::string yaml_text(const YamlSource& source);
/// Where `key` stands, as a Problem ready to be thrown in a ConfigError.
Problem yaml_problem(const YamlSource& source,
                     const std::string& key,
                     const std::string& message,
                     const std::string& hint = "");

using Describe = std::function<void(Binder&)>;
/// Reads strictly: unknown and duplicate keys, wrong types, values out of range or not finite,
/// missing required keys; all mistakes at once in one ConfigError.
void read_yaml(const YamlSource& source, const Describe& describe);
template <typename T>
T read_yaml_as(const YamlSource& source) {
  T options{};
  read_yaml(source, [&](Binder& b) { describe(b, options); });
  return options;
}
/// Resolved values as YAML, in order of declaration.
std::string write_yaml(const Describe& describe);
/// The same as JSON text.
std::string write_json(const Describe& describe);
/// JSON schema (draft 2020-12) for editors.
std::string json_schema(const std::string& title, const Describe& describe);
/// One line per key: dotted path (items of a list as `stages[].width`), type, default, range with
/// unit, help.
struct HelpLine {
  std::string key, type, value, range, help;
};
/// Where a unit is told: with the range, or (as in the schema) at the end of the help.
enum class UnitPlace { kRange, kHelp };
std::vector<HelpLine> help_lines(const Describe& describe, UnitPlace units = UnitPlace::kRange);

}  // namespace nas
