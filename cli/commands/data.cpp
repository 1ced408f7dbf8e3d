#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "cli/command.hpp"
#include "cli/config/config_problems.hpp"
#include "cli/runs/data_notes.hpp"
#include "spaces/base/printable.hpp"
#include "supernet/data/check.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

// Printed for people; JSON has all.
constexpr size_t kListed = 20;     ///< Groups of duplicates, sizes.
constexpr size_t kMostRows = 100;  ///< Classes, problems.
constexpr size_t kFewEmpty = 10;   ///< Empty classes are rows only where they are no more.

struct Options {
  Common common;
  std::string path, kind;
};

/// From --config, PATH, --kind and --set, in rising priority.
DataOptions data_options(const Options& o) {
  if (o.common.config.empty() && o.path.empty() && o.kind.empty() && o.common.sets.empty())
    throw ConfigError("nothing to look at",
                      "name a folder or file, --kind, or --config FILE with a `data:` section");
  YamlSource source = yaml_file(o.common.config);
  // The other sections of a train configuration are not this command's to judge.
  std::vector<std::string> others = yaml_keys(source);
  std::erase(others, "data");
  if (!o.path.empty()) {
    source.sets.push_back("data.kind=auto");
    source.sets.push_back("data.path=" + Json(o.path).dump());
  }
  if (!o.kind.empty()) source.sets.push_back("data.kind=" + o.kind);
  source.sets.insert(source.sets.end(), o.common.sets.begin(), o.common.sets.end());
  DataOptions options;
  std::map<std::string, Binder::Raw> ignored;
  read_yaml(source, [&](Binder& b) {
    b.section("data", options, "Data set");
    for (const std::string& key : others) b.raw(key, ignored[key], "");
  });
  return options;
}

std::string size_text(const std::array<int, 3>& s) {
  return std::to_string(s[0]) + "x" + std::to_string(s[1]) + "x" + std::to_string(s[2]);
}

Json sizes_json(const Splits& s) {
  return {{"train", s.train.size()}, {"validation", s.validation.size()}, {"test", s.test.size()}};
}

std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

// ---- check

struct Checked {
  std::unique_ptr<Dataset> data;
  DataOptions options;
  Splits splits;
  DataCheck check;
  std::vector<std::string> problems;  ///< Mistakes of the source, beside unreadable images.
  bool fine() const { return problems.empty() && check.unreadable.empty(); }
};

std::string counted(size_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

/// The first of some classes by name.
std::string first_classes(const Dataset& data, const std::vector<size_t>& classes) {
  constexpr size_t kNamed = 5;
  std::string text;
  for (size_t i = 0; i < std::min(classes.size(), kNamed); ++i)
    text += (i > 0 ? ", " : "") + printable(data.class_names()[classes[i]]);
  return text + (classes.size() > kNamed ? ", ..." : "");
}

/// What may well be meant so, but seldom is.
std::vector<std::string> warnings_of(const Checked& c) {
  std::vector<std::string> warnings;
  const std::string of = " of " + counted(c.check.classes.size(), "class", "classes");
  const auto& empty = c.check.empty_classes;
  const auto& untrained = c.check.untrained_classes;
  if (!empty.empty())
    warnings.push_back(std::to_string(empty.size()) + of + (empty.size() == 1 ? " has" : " have") +
                       " no images: " + first_classes(*c.data, empty));
  if (!untrained.empty())
    warnings.push_back(
        std::to_string(untrained.size()) + of + (untrained.size() == 1 ? " has" : " have") +
        " images in validation or test but none in train: " + first_classes(*c.data, untrained));
  if (c.data->class_names().size() == 1)
    warnings.push_back("there is only one class, '" + c.data->class_names()[0] + "'");
  if (c.check.conflicting > 0)
    warnings.push_back(counted(static_cast<size_t>(c.check.conflicting), "image is", "images are") +
                       " there with different labels (see duplicates)");
  return warnings;
}

std::string placed(const Checked& c, int64_t index) {
  return c.data->where(index) + " (" +
         kSplitNames[static_cast<size_t>(c.check.split_of[static_cast<size_t>(index)])] + ", " +
         c.data->class_names()[static_cast<size_t>(c.data->label(index))] + ")";
}

/// What is trained on must not be judged on: one problem for each pair of splits, with an example.
void add_shared_images(Checked& c) {
  constexpr std::array<std::pair<int, int>, 3> kPairs = {
      {{kTrainSplit, kValidationSplit}, {kTrainSplit, kTestSplit}, {kValidationSplit, kTestSplit}}};
  for (size_t p = 0; p < kPairs.size(); ++p) {
    if (c.check.shared[p] == 0) continue;
    const auto in = [&](const DataCheck::Duplicates& group, int split) {
      return std::find_if(group.indices.begin(), group.indices.end(), [&](int64_t i) {
        return c.check.split_of[static_cast<size_t>(i)] == split;
      });
    };
    const auto [one, other] = kPairs[p];
    for (const auto& group : c.check.duplicates) {
      const auto first = in(group, one), second = in(group, other);
      if (first == group.indices.end() || second == group.indices.end()) continue;
      c.problems.push_back(
          counted(static_cast<size_t>(c.check.shared[p]), "image lies", "images lie") +
          " in both " + kSplitNames[static_cast<size_t>(one)] + " and " +
          kSplitNames[static_cast<size_t>(other)] + ", such as " + placed(c, *first) + " and " +
          placed(c, *second));
      break;
    }
  }
}

Json problems_of_source(const std::vector<std::string>& found) {
  std::vector<Problem> problems;
  for (const std::string& text : found) problems.push_back({"", 0, 0, "", text, ""});
  return problems_json(problems);
}

Json duplicates_json(const Dataset& data, const DataCheck& check) {
  Json groups = Json::array();
  for (const auto& group : check.duplicates) {
    Json members = Json::array();
    for (const int64_t i : group.indices)
      members.push_back(
          {{"where", data.where(i)},
           {"split", kSplitNames[static_cast<size_t>(check.split_of[static_cast<size_t>(i)])]},
           {"class", data.class_names()[static_cast<size_t>(data.label(i))]}});
    groups.push_back(std::move(members));
  }
  return {{"inside",
           {{"train", check.copies_inside[0]},
            {"validation", check.copies_inside[1]},
            {"test", check.copies_inside[2]}}},
          {"between",
           {{"train-validation", check.shared[0]},
            {"train-test", check.shared[1]},
            {"validation-test", check.shared[2]}}},
          {"labels_differ", check.conflicting},
          {"groups", std::move(groups)}};
}

Json check_json(const Checked& c) {
  const Dataset& data = *c.data;
  Json json{{"schema", "nas-data-check/1"},
            {"ok", c.fine()},
            {"kind", resolve_kind(c.options)},
            {"path", c.options.path},
            {"images", data.size()},
            {"splits", sizes_json(c.splits)},
            {"splits_hash", c.splits.hash}};
  Json classes = Json::array(), sizes = Json::array(), bad = Json::array();
  for (size_t k = 0; k < c.check.classes.size(); ++k)
    classes.push_back({{"name", data.class_names()[k]},
                       {"train", c.check.classes[k][0]},
                       {"validation", c.check.classes[k][1]},
                       {"test", c.check.classes[k][2]}});
  for (const auto& [size, count] : c.check.sizes)
    sizes.push_back(
        {{"channels", size[0]}, {"height", size[1]}, {"width", size[2]}, {"images", count}});
  for (const auto& entry : c.check.unreadable)
    bad.push_back(
        {{"index", entry.index}, {"where", data.where(entry.index)}, {"reason", entry.reason}});
  json["classes"] = std::move(classes);
  json["sizes"] = std::move(sizes);
  json["unreadable"] = std::move(bad);
  json["problems"] = problems_of_source(c.problems);
  json["warnings"] = warnings_of(c);
  json["remarks"] = data.remarks();
  json["unused"] = Json::array();
  json["ignored_files"] = Json::array();  // All of them in one list.
  for (const Unused& unused : data.unused()) {
    for (const std::string& name : unused.names) json["ignored_files"].push_back(name);
    json["unused"].push_back(
        {{"why", unused.why}, {"count", unused.count}, {"names", unused.names}});
  }
  json["duplicates"] = duplicates_json(data, c.check);
  return json;
}

void print_group(const Checked& c, const DataCheck::Duplicates& group) {
  std::string line = " ";
  for (size_t i = 0; i < std::min(group.indices.size(), kListed); ++i) {
    const int64_t index = group.indices[i];
    const auto split = static_cast<size_t>(c.check.split_of[static_cast<size_t>(index)]);
    const auto label = static_cast<size_t>(c.data->label(index));
    line += " " + printable(c.data->where(index)) + " (" + kSplitNames[split] + ", " +
            printable(c.data->class_names()[label]) + ")";
  }
  if (group.indices.size() > kListed)
    line += " and " + std::to_string(group.indices.size() - kListed) + " more";
  print_prose(line);
}

void print_duplicates(const Checked& c) {
  const DataCheck& check = c.check;
  if (check.duplicates.empty()) return print_prose("duplicates: none");
  const auto& in = check.copies_inside;
  const auto& between = check.shared;
  print_prose("duplicates: superfluous copies inside train " + std::to_string(in[0]) +
              ", validation " + std::to_string(in[1]) + ", test " + std::to_string(in[2]) +
              "; images in both train and validation " + std::to_string(between[0]) +
              ", train and test " + std::to_string(between[1]) + ", validation and test " +
              std::to_string(between[2]) + "; with different labels " +
              std::to_string(check.conflicting));
  for (size_t g = 0; g < std::min(check.duplicates.size(), kListed); ++g)
    print_group(c, check.duplicates[g]);
  if (check.duplicates.size() > kListed)
    print_prose("  and " + std::to_string(check.duplicates.size() - kListed) +
                " more (--json lists all)");
}

void print_classes(const Checked& c) {
  Table table({"class", "train", "validation", "test"});
  std::array<int64_t, 3> sums{};
  const bool leave_out = c.check.empty_classes.size() > kFewEmpty;
  size_t rows = 0, hidden = 0;
  for (size_t k = 0; k < c.check.classes.size(); ++k) {
    const auto& n = c.check.classes[k];
    for (size_t s = 0; s < 3; ++s) sums[s] += n[s];
    if (leave_out && n == std::array<int64_t, 3>{}) continue;
    if (++rows > kMostRows)
      ++hidden;
    else
      table.row({printable(c.data->class_names()[k]),
                 std::to_string(n[0]),
                 std::to_string(n[1]),
                 std::to_string(n[2])});
  }
  table.row({"all", std::to_string(sums[0]), std::to_string(sums[1]), std::to_string(sums[2])});
  print(table.text());
  if (hidden > 0)
    print_prose("and " + std::to_string(hidden) +
                " more classes, counted in the last line (--json lists all)");
}

void print_sizes(const DataCheck& check) {
  size_t shown = 0;
  for (const auto& [size, count] : check.sizes) {
    if (++shown > kListed) break;
    print_prose("size " + size_text(size) + ": " + std::to_string(count) + " images");
  }
  if (check.sizes.size() > kListed)
    print_prose("and " + std::to_string(check.sizes.size() - kListed) +
                " more sizes (--json lists all)");
}

void print_problems(const std::vector<std::string>& problems) {
  print_prose("problems: " + (problems.empty() ? "none" : std::to_string(problems.size())));
  for (size_t i = 0; i < std::min(problems.size(), kMostRows); ++i)
    print_prose("  " + printable(problems[i]));
  if (problems.size() > kMostRows)
    print_prose("  and " + std::to_string(problems.size() - kMostRows) +
                " more (--json lists all)");
}

void print_check(const Checked& c) {
  print_prose(printable(c.data->describe()));
  print_classes(c);
  print_sizes(c.check);
  print_duplicates(c);
  for (const std::string& text : data_notes(*c.data)) print_prose("note: " + text);
  for (const std::string& text : warnings_of(c)) print_prose("warning: " + printable(text));
  const auto& unreadable = c.check.unreadable;
  print_prose("unreadable: " + (unreadable.empty() ? "none" : std::to_string(unreadable.size())));
  for (size_t i = 0; i < std::min(unreadable.size(), kMostRows); ++i)
    print_prose("  " + printable(unreadable[i].reason));
  if (unreadable.size() > kMostRows)
    print_prose("  and " + std::to_string(unreadable.size() - kMostRows) +
                " more (--json lists all)");
  print_problems(c.problems);
}

/// Names go into model.json, the store and TorchScript files, which hold UTF-8 only: training
/// refuses others.
void add_foreign_names(Checked& c) {
  std::vector<std::string> names;
  for (const std::string& name : c.data->class_names())
    if (!is_utf8(name)) names.push_back(printable(name));
  if (names.empty()) return;
  c.problems.push_back(
      counted(names.size(), "class name is", "class names are") + " not UTF-8, such as " +
      names[0] + "; rename the folders, e.g. with: convmv -f latin1 -t utf8 -r --notest FOLDER");
}

/// Where training would find nothing to train on, the images are looked at even so.
Splits splits_to_check(const Dataset& data, const DataOptions& options, Faults& faults) {
  try {
    return make_splits(data, options);
  } catch (const DataError& e) {
    faults.add(e.what());
  }
  Splits splits;
  splits.test = data.test_indices();
  splits.validation = data.validation_indices();
  if (splits.test.empty() && splits.validation.empty()) {
    splits.train.resize(static_cast<size_t>(data.size()));
    std::iota(splits.train.begin(), splits.train.end(), int64_t{0});
  }
  return splits;
}

int check_all(const Options& o, Faults& faults) {
  Checked c;
  c.options = data_options(o);
  c.options.limit = 0;  // Every image is looked at.
  c.data = open_source(c.options, faults);
  c.splits = splits_to_check(*c.data, c.options, faults);
  const int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  {
    Progress progress(o.common, "check", c.data->size());
    c.check = check_dataset(*c.data, c.splits, threads, [&](int64_t done) {
      progress.update(done, "");
      return !stop_requested();
    });
  }
  c.problems = faults.found();
  add_foreign_names(c);
  add_shared_images(c);
  if (o.common.json) {
    print(dumped(check_json(c)));
  } else {
    print_check(c);
  }
  return c.fine() ? kExitOk : kExitFailed;
}

int check(const Options& o) {
  Faults faults(/*collect=*/true);
  try {
    return check_all(o, faults);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& e) {
    // What leaves nothing to look at comes after what was found before it.
    if (o.common.json) {
      Json problems = problems_of_source(faults.found());
      for (Json& problem : problems_json(problems_of(e))) problems.push_back(std::move(problem));
      print(dumped({{"schema", "nas-data-check/1"},
                    {"ok", false},
                    {"path", o.path},
                    {"problems", std::move(problems)}}));
    } else if (!faults.found().empty()) {
      print_problems(faults.found());
    }
    throw;
  }
}

// ---- info

int info(const Options& o) {
  const DataOptions options = data_options(o);
  const auto data = open_dataset(options);
  const Splits splits = make_splits(*data, options);
  const Normalisation n = normalisation_of(*data, splits.train, options);
  const InputShape shape = input_shape(*data, options);
  const bool stated = !options.mean.empty(), known = data->known_normalisation().has_value();
  const std::string origin = stated ? "stated" : known ? "known" : "measured";
  if (o.common.json) {
    print(dumped({{"schema", "nas-data-info/1"},
                  {"kind", resolve_kind(options)},
                  {"path", options.path},
                  {"images", data->size()},
                  {"shape", {shape.c, shape.h, shape.w}},
                  {"classes", data->class_names()},
                  {"splits", sizes_json(splits)},
                  {"splits_hash", splits.hash},
                  {"mean", n.mean},
                  {"std", n.std},
                  {"normalisation", origin},
                  {"preparation", preparation_json(*data)}}));
    return kExitOk;
  }
  const auto list = [](const std::vector<float>& values) {
    std::string text;
    for (const float v : values) text += (text.empty() ? "" : ", ") + format_number(v, 6);
    return "[" + text + "]";
  };
  std::string names;
  for (size_t k = 0; k < std::min<size_t>(data->class_names().size(), 12); ++k)
    names += (k ? ", " : "") + printable(data->class_names()[k]);
  if (data->class_names().size() > 12) names += ", ...";
  print_prose(printable(data->describe()));
  print_prose("input        " + size_text({shape.c, shape.h, shape.w}));
  print_prose("classes      " + std::to_string(data->class_names().size()) + ": " + names);
  print_prose("splits       train " + std::to_string(splits.train.size()) + ", validation " +
              std::to_string(splits.validation.size()) + ", test " +
              std::to_string(splits.test.size()) +
              (data->test_indices().empty() ? "" : " (named by the data)"));
  print_prose("splits hash  " + splits.hash);
  print_prose("evaluation   " + preparation_text(*data, shape));
  print_prose("mean         " + list(n.mean) + " (" + origin + ")");
  print_prose("std          " + list(n.std));
  return kExitOk;
}

}  // namespace

int run_data(const std::vector<std::string>& args) {
  Options o;
  CLI::App app("Look at a data set before training on it", "nas data");
  app.footer(
      "nas data check ~/pictures\n"
      "nas data check --config quickstart/train\n"
      "nas data info --kind digits\n"
      "nas data info ~/cifar-10-batches-bin --json");
  app.require_subcommand(1);
  CLI::App* check_app = app.add_subcommand(
      "check", "Read every image: classes, sizes, duplicates, and all problems (exit code 1)");
  CLI::App* info_app = app.add_subcommand(
      "info", "Shape, classes, splits and normalisation as training will see them");
  for (CLI::App* sub : {check_app, info_app}) {
    sub->add_option(
        "path",
        o.path,
        "Folder, file or shard pattern (train-{000..012}.tar, train-*.tar); the kind is found "
        "from it");
    std::string kinds;
    for (const auto& [name, help] : data_kinds()) kinds += (kinds.empty() ? "" : ", ") + name;
    sub->add_option("--kind", o.kind, "Kind of data: " + kinds)->type_name("KIND");
    add_common(*sub, o.common, kTakesConfig | kTakesSets);
  }
  if (!parse(app, args)) return kExitOk;
  return check_app->parsed() ? check(o) : info(o);
}

}  // namespace nas::cli
