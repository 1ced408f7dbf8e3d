#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cli/command.hpp"
#include "supernet/data/check.hpp"
#include "supernet/data/dataset.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kListed = 20;  ///< Groups of duplicates printed for people; JSON has all.

struct Options {
  Common common;
  std::string path, kind;
};

std::string read_config(const std::string& file) {
  std::stringstream text;
  if (file == "-") {
    text << std::cin.rdbuf();
  } else {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw ConfigError("--config: '" + file + "' cannot be read");
    text << in.rdbuf();
  }
  return text.str();
}

/// The other sections of a train configuration; they are not this command's to judge.
std::vector<std::string> other_sections(const std::string& text) {
  std::vector<std::string> keys;
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsMap()) return {};
    for (const auto& entry : root)
      if (entry.first.IsScalar() && entry.first.Scalar() != "data")
        keys.push_back(entry.first.Scalar());
  } catch (const YAML::Exception&) {
    // The strict reader tells it better.
  }
  return keys;
}

/// From --config, PATH, --kind and --set, in rising priority.
DataOptions data_options(const Options& o) {
  if (o.common.config.empty() && o.path.empty() && o.kind.empty() && o.common.sets.empty())
    throw ConfigError("nothing to look at",
                      "name a folder or file, --kind, or --config FILE with a `data:` section");
  YamlSource source;
  source.file = o.common.config;
  if (!o.common.config.empty()) source.text = read_config(o.common.config);
  const std::vector<std::string> others = other_sections(source.text);
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

Json check_json(const Dataset& data,
                const Splits& splits,
                const DataOptions& options,
                const DataCheck& check) {
  Json json{{"schema", "nas-data-check/1"},
            {"kind", resolve_kind(options)},
            {"path", options.path},
            {"images", data.size()},
            {"splits", sizes_json(splits)},
            {"splits_hash", splits.hash}};
  Json classes = Json::array(), sizes = Json::array(), groups = Json::array(), bad = Json::array();
  for (size_t k = 0; k < check.classes.size(); ++k)
    classes.push_back({{"name", data.class_names()[k]},
                       {"train", check.classes[k][0]},
                       {"validation", check.classes[k][1]},
                       {"test", check.classes[k][2]}});
  for (const auto& [size, count] : check.sizes)
    sizes.push_back(
        {{"channels", size[0]}, {"height", size[1]}, {"width", size[2]}, {"images", count}});
  for (const auto& entry : check.unreadable)
    bad.push_back(
        {{"index", entry.index}, {"where", data.where(entry.index)}, {"reason", entry.reason}});
  for (const auto& group : check.duplicates) {
    Json members = Json::array();
    for (const int64_t i : group.indices)
      members.push_back(
          {{"where", data.where(i)},
           {"split", kSplitNames[static_cast<size_t>(check.split_of[static_cast<size_t>(i)])]},
           {"class", data.class_names()[static_cast<size_t>(data.label(i))]}});
    groups.push_back(std::move(members));
  }
  json["classes"] = std::move(classes);
  json["sizes"] = std::move(sizes);
  json["unreadable"] = std::move(bad);
  json["ignored_files"] = data.ignored_files();
  json["duplicates"] = {{"inside",
                         {{"train", check.copies_inside[0]},
                          {"validation", check.copies_inside[1]},
                          {"test", check.copies_inside[2]}}},
                        {"between",
                         {{"train-validation", check.shared[0]},
                          {"train-test", check.shared[1]},
                          {"validation-test", check.shared[2]}}},
                        {"labels_differ", check.conflicting},
                        {"groups", std::move(groups)}};
  return json;
}

void print_duplicates(const Dataset& data, const DataCheck& check) {
  if (check.duplicates.empty()) return print("duplicates: none");
  const auto& in = check.copies_inside;
  const auto& between = check.shared;
  print("duplicates: superfluous copies inside train " + std::to_string(in[0]) + ", validation " +
        std::to_string(in[1]) + ", test " + std::to_string(in[2]) +
        "; images in both train and validation " + std::to_string(between[0]) +
        ", train and test " + std::to_string(between[1]) + ", validation and test " +
        std::to_string(between[2]) + "; with different labels " +
        std::to_string(check.conflicting));
  size_t shown = 0;
  for (const auto& group : check.duplicates) {
    if (++shown > kListed) break;
    std::string line = " ";
    for (const int64_t i : group.indices)
      line += " " + data.where(i) + " (" +
              kSplitNames[static_cast<size_t>(check.split_of[static_cast<size_t>(i)])] + ", " +
              data.class_names()[static_cast<size_t>(data.label(i))] + ")";
    print(line);
  }
  if (check.duplicates.size() > kListed)
    print("  and " + std::to_string(check.duplicates.size() - kListed) +
          " more (--json lists all)");
}

void print_check(const Dataset& data, const DataCheck& check) {
  print(data.describe());
  Table table({"class", "train", "validation", "test"});
  std::array<int64_t, 3> sums{};
  for (size_t k = 0; k < check.classes.size(); ++k) {
    const auto& n = check.classes[k];
    for (size_t s = 0; s < 3; ++s) sums[s] += n[s];
    table.row(
        {data.class_names()[k], std::to_string(n[0]), std::to_string(n[1]), std::to_string(n[2])});
  }
  table.row({"all", std::to_string(sums[0]), std::to_string(sums[1]), std::to_string(sums[2])});
  print(table.text());
  size_t shown = 0;
  for (const auto& [size, count] : check.sizes) {
    if (++shown > kListed) break;
    print("size " + size_text(size) + ": " + std::to_string(count) + " images");
  }
  if (check.sizes.size() > kListed)
    print("and " + std::to_string(check.sizes.size() - kListed) + " more sizes (--json lists all)");
  print_duplicates(data, check);
  if (!data.ignored_files().empty())
    print("ignored (neither .jpg nor .png): " + std::to_string(data.ignored_files().size()) +
          " files, such as " + data.ignored_files().front());
  print("unreadable: " +
        (check.unreadable.empty() ? "none" : std::to_string(check.unreadable.size())));
  for (const auto& entry : check.unreadable) print("  " + entry.reason);
}

int check(const Options& o) {
  DataOptions options = data_options(o);
  options.limit = 0;  // Every image is looked at.
  const auto data = open_source(options);
  const Splits splits = make_splits(*data, options);
  const int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  DataCheck result;
  {
    Progress progress(o.common, "check", data->size());
    result = check_dataset(*data, splits, threads, [&](int64_t done) {
      progress.update(done, "");
      return !stop_requested();
    });
  }
  if (o.common.json) {
    print(dumped(check_json(*data, splits, options, result)));
  } else {
    print_check(*data, result);
  }
  return result.unreadable.empty() ? kExitOk : kExitFailed;
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
                  {"normalisation", origin}}));
    return kExitOk;
  }
  const auto list = [](const std::vector<float>& values) {
    std::string text;
    for (const float v : values) text += (text.empty() ? "" : ", ") + format_number(v, 6);
    return "[" + text + "]";
  };
  std::string names;
  for (size_t k = 0; k < std::min<size_t>(data->class_names().size(), 12); ++k)
    names += (k ? ", " : "") + data->class_names()[k];
  if (data->class_names().size() > 12) names += ", ...";
  print(data->describe());
  print("input        " + size_text({shape.c, shape.h, shape.w}));
  print("classes      " + std::to_string(data->class_names().size()) + ": " + names);
  print("splits       train " + std::to_string(splits.train.size()) + ", validation " +
        std::to_string(splits.validation.size()) + ", test " + std::to_string(splits.test.size()) +
        (data->test_indices().empty() ? "" : " (named by the data)"));
  print("splits hash  " + splits.hash);
  print("mean         " + list(n.mean) + " (" + origin + ")");
  print("std          " + list(n.std));
  return kExitOk;
}

}  // namespace

int run_data(const std::vector<std::string>& args) {
  Options o;
  CLI::App app("Look at a data set before training on it", "nas data");
  app.footer(
      "nas data check ~/pictures\n"
      "nas data check --config configs/train.yaml\n"
      "nas data info --kind digits\n"
      "nas data info ~/cifar-10-batches-bin --json");
  app.require_subcommand(1);
  CLI::App* check_app = app.add_subcommand(
      "check", "Read every image: classes, sizes, unreadable files (exit code 1), duplicates");
  CLI::App* info_app = app.add_subcommand(
      "info", "Shape, classes, splits and normalisation as training will see them");
  for (CLI::App* sub : {check_app, info_app}) {
    sub->add_option("path", o.path, "Folder, file or shard pattern; the kind is found from it");
    std::string kinds;
    for (const auto& [name, help] : data_kinds()) kinds += (kinds.empty() ? "" : ", ") + name;
    sub->add_option("--kind", o.kind, "Kind of data: " + kinds)->type_name("KIND");
    add_common(*sub, o.common);
  }
  if (!parse(app, args)) return kExitOk;
  return check_app->parsed() ? check(o) : info(o);
}

}  // namespace nas::cli
