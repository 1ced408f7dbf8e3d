#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "cli/config/config_problems.hpp"
#include "cli/report/document.hpp"
#include "cli/results/data_results.hpp"
#include "spaces/base/printable.hpp"
#include "supernet/data/check.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct DataArguments {
  Common common;
  std::string path, kind;
};

/// From --config, PATH, --kind and --set, in rising priority.
DataOptions data_options(const DataArguments& o) {
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

// ---- check

std::string placed(const DataCheckResult& c, int64_t index) {
  return c.data->where(index) + " (" +
         kSplitNames[static_cast<size_t>(c.check.split_of[static_cast<size_t>(index)])] + ", " +
         c.data->class_names()[static_cast<size_t>(c.data->label(index))] + ")";
}

/// What is trained on must not be judged on: one problem for each pair of splits, with an example.
void add_shared_images(DataCheckResult& c) {
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

/// Names go into model.json, the store and TorchScript files, which hold UTF-8 only: training
/// refuses others.
void add_foreign_names(DataCheckResult& c) {
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

int check_all(const DataArguments& o, Faults& faults) {
  DataCheckResult c;
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
  if (o.common.json)
    print(json_text(data_check_json(c)));
  else
    print_data_check(c);
  return c.fine() ? kExitOk : kExitFailed;
}

int check(const DataArguments& o) {
  Faults faults(/*collect=*/true);
  try {
    return check_all(o, faults);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& e) {
    // What leaves nothing to look at comes after what was found before it.
    if (o.common.json) {
      Json problems = data_problems_json(faults.found());
      for (Json& problem : problems_json(problems_of(e))) problems.push_back(std::move(problem));
      print(json_text({{"schema", "nas-data-check/1"},
                       {"ok", false},
                       {"path", o.path},
                       {"problems", std::move(problems)}}));
    } else if (!faults.found().empty()) {
      print_data_problems(faults.found());
    }
    throw;
  }
}

// ---- info

int info(const DataArguments& o) {
  DataInfo info;
  info.options = data_options(o);
  info.data = open_dataset(info.options);
  info.splits = make_splits(*info.data, info.options);
  info.normalisation = normalisation_of(*info.data, info.splits.train, info.options);
  info.shape = input_shape(*info.data, info.options);
  const bool stated = !info.options.mean.empty(),
             known = info.data->known_normalisation().has_value();
  info.origin = stated ? "stated" : known ? "known" : "measured";
  if (o.common.json)
    print(json_text(data_info_json(info)));
  else
    print_data_info(info);
  return kExitOk;
}

}  // namespace

int run_data(const std::vector<std::string>& args) {
  DataArguments o;
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
