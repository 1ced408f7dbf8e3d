// nas export: a chosen subnet as files for other programs, proven right in a fresh process.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "cli/report/search_report.hpp"
#include "cli/results/exported.hpp"
#include "cli/runs/arch_list.hpp"
#include "cli/runs/own_architecture.hpp"
#include "cli/runs/pick.hpp"
#include "cli/runs/results/lineage.hpp"
#include "cli/runs/run_sets.hpp"
#include "cli/runs/trained/export_description.hpp"
#include "cli/runs/trained/stand_alone.hpp"
#include "cli/runs/trained/supernet_run.hpp"
#include "cli/runs/trained/verify_latency.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/base/subprocess.hpp"
#include "spaces/base/whole_file.hpp"
#include "supernet/export/exported_text.hpp"
#include "supernet/export/subnet_export.hpp"
#include "supernet/weights/trained_weights.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct ExportArguments {
  Common common;
  std::string run = "last", architecture, pick, out;
  std::vector<std::string> formats = {"torchscript", "safetensors", "json"};
  bool fold = false, force = false, batch_statistics = false, running = false;
  int64_t recalibrate = 0;
  int opset = 0;  ///< 0: not given.
  bool verify_latency = false;
  std::string latency_table;
  double tolerance = 10;           ///< Percent of the measured latency.
  std::vector<std::string> check;  ///< Hidden: --check-files MODEL IMAGES RESULT THREADS.
  bool wants(const char* format) const {
    return std::find(formats.begin(), formats.end(), format) != formats.end();
  }
};

/// Runs this program again as `nas-torch export --check-files ...`.
void spawn_check(const std::vector<std::string>& files) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  std::vector<std::string> words = {self.string(), "export", "--check-files"};
  words.insert(words.end(), files.begin(), files.end());
  Subprocess child(words, {});
  while (!child.ending()) {
    throw_if_stopped("checking the exported files");
    constexpr int kSlice = 20;
    child.turn(kSlice);
  }
  if (!child.ending()->good())
    throw Error("the exported file does not run in a fresh process: it " + child.ending()->text() +
                " (see above)");
}

/// Folder, file stem and refusal to overwrite.
class Target {
 public:
  Target(const ExportArguments& o,
         const Store& store,
         const std::string& run,
         const std::string& label) {
    folder_ = o.out.empty() ? fs::path(store.folder_of(run)) / "exports" / label : fs::path(o.out);
    if (fs::exists(folder_) && !fs::is_directory(folder_))
      throw ConfigError("--out " + folder_.string() + " is not a folder", "name another one");
    make_folders(folder_.string());
    remove_stale_temporaries(folder_.string());
    for (const char* name : {"model.ts", "model.onnx", "model.safetensors", "model.json"})
      if (!o.force && fs::exists(folder_ / name))
        throw ConfigError((folder_ / name).string() + " exists already",
                          "name another folder with --out, or replace it with --force");
  }
  std::string file(const char* name) const { return (folder_ / name).string(); }

 private:
  fs::path folder_;
};

class Export {
 public:
  Export(const ExportArguments& o, Store& store) : o_(o), store_(store) {}

  int run() {
    const Picked picked =
        pick_architecture(store_, o_.run, o_.architecture.empty() ? o_.pick : "", o_.common);
    const std::string text = o_.architecture.empty() ? picked.architecture : o_.architecture;
    if (text.empty()) {
      const RunRow row = store_.run(picked.supernet).value();
      throw ConfigError("no architecture was named",
                        is_stand_alone(row)
                            ? "the run has one: --arch " + shell_word(own_architecture(store_, row))
                            : "use --arch A, or --pick best after `" +
                                  suggested({"search", "--run", picked.supernet}, o_.common) + "`");
    }
    run_ = open_supernet_run(store_, picked.supernet, o_.common);
    tell_other_weights(run_, picked.search, picked.weights);
    const Space& space = *run_.parts->space;
    const std::vector<Architecture> named = named_architectures(space, {text});
    if (named.size() != 1)
      throw ConfigError("--arch " + text + ": nas export takes one architecture, here are " +
                        std::to_string(named.size()));
    architecture_ = named[0];
    require_trained(run_, architecture_);
    // What is missing for it is told before anything is written.
    if (o_.verify_latency)
      latency_ = std::make_unique<LatencyVerification>(
          store_, space, o_.latency_table, picked.search, o_.tolerance);
    text_ = space.text(architecture_);
    lineage_ = lineage_of(store_, run_.row, picked.search);
    lineage_["steps"].push_back(own_step(picked.search));
    char label[32];
    std::snprintf(
        label, sizeof label, "%016llx", static_cast<unsigned long long>(architecture_.hash()));
    const Target target(o_, store_, run_.row.id, label);
    cut();
    return write(target);
  }

 private:
  void cut() {
    const RunParts& p = *run_.parts;
    if (run_.weights->sets() > 1)
      weights_ = run_.weights->set_name(run_.weights->owner(architecture_));
    // As the file has them: on the CPU and contiguous. In another layout other kernels run, which
    // round otherwise, and the file is to answer to the bit.
    const auto on_cpu = make_weights(p, Placement{}).store;
    open_weights_of(*on_cpu, *open_checkpoint(run_.checkpoint), run_.checkpoint, run_.lost);
    ExportOptions options;
    options.judged = p.config.evaluate.recalibrate;
    options.keep_running = o_.running;
    options.images = o_.recalibrate;
    options.batch_statistics = o_.batch_statistics;
    options.fold = o_.fold;
    options.device = p.device;
    options.layout = p.config.train.memory_format;
    subnet_ = std::make_unique<SubnetExport>(
        *p.space, architecture_, *run_.weights, *on_cpu, p.data(), options);
  }

  ExportedSubnet exported() const { return {run_, *subnet_, architecture_, weights_, lineage_}; }

  /// This command, for those who want the files again.
  Json own_step(const std::string& search) const {
    return {{"command", "export"},
            {"of", search.empty() ? run_.row.id : search},
            {"pick",
             search.empty()    ? ""
             : o_.pick.empty() ? "best"
                               : o_.pick},
            {"architecture", text_},
            {"formats", o_.formats},
            {"opset", o_.opset},
            {"fold_bn", o_.fold},
            {"batch_statistics", o_.batch_statistics},
            {"no_recalibrate", o_.running},
            {"recalibrate", o_.recalibrate},
            {"set", judging_sets(o_.common.sets)}};
  }
  /// Of --set, what changes the files: not where data lie or on what it runs.
  static std::vector<std::string> judging_sets(std::vector<std::string> sets) {
    std::erase_if(sets, [](const std::string& set) { return !set.starts_with("evaluate"); });
    return sets;
  }

  int write(const Target& target) {
    const Json about = export_description(exported());
    ExportResult result = result_of();
    if (o_.wants("torchscript")) {
      const std::string path = target.file("model.ts");
      std::string sha;
      result.torchscript =
          proof_of(subnet_->write_torchscript(path, json_line(about), spawn_check, sha));
      record(result, "torchscript", path, sha, proof_json(*result.torchscript));
    }
    if (o_.wants("onnx")) {
      const std::string path = target.file("model.onnx");
      std::string sha;
      result.onnx = proof_of(
          subnet_->write_onnx(path, onnx_text(exported(), about, o_.opset), spawn_check, sha));
      result.onnx->opset = o_.opset;
      record(result, "onnx", path, sha, proof_json(*result.onnx));
    }
    if (o_.wants("safetensors")) {
      const std::string path = target.file("model.safetensors");
      std::string sha;
      const bool equal = subnet_->write_tensors(path,
                                                {{"architecture", text_},
                                                 {"space", run_.row.space},
                                                 {"run", run_.row.id},
                                                 {kExportedText, json_line(about)}},
                                                sha);
      record(result, "safetensors", path, sha, {{"tensors_equal", equal}});
    }
    if (o_.wants("json")) {
      const std::string path = target.file("model.json");
      write_whole_file(path, json_text(about) + "\n");
      record(result, "json", path, file_sha256(path), nullptr);
    }
    if (latency_ != nullptr)
      result.latency = latency_->verify(architecture_,
                                        subnet_->plan(),
                                        subnet_->folded() > 0 ? &subnet_->written_plan() : nullptr,
                                        o_.common);
    if (result.latency) keep_verification(store_, run_.row.id, text_, *result.latency);
    if (o_.common.json)
      print(json_text(export_json(result)));
    else
      print_export(result);
    return !result.latency || result.latency->within() ? kExitOk : kExitNothingFeasible;
  }

  /// All but the files.
  ExportResult result_of() const {
    ExportResult result;
    result.run = run_.row.id;
    result.architecture = text_;
    result.weights = weights_;
    result.macs = subnet_->cost().macs;
    result.params = subnet_->cost().params;
    result.params_in_file = subnet_->parameters();
    result.folded = subnet_->folded();
    const BatchNormSources& from = subnet_->batch_norms();
    result.measured = from.images;
    result.running = from.running;
    result.batch = from.batch;
    result.calibration_images = from.calibration_images;
    result.batch_norm = batch_norm_json(exported());
    return result;
  }

  /// What the fresh process found, for the store and for scripts.
  static ExportProof proof_of(const FileCheck& found) {
    if (!found.passed)
      throw Error(
          "the exported model does not answer as the subnet inside the supernet does "
          "(largest difference " +
          format_number(found.max_difference, 3) + "); nothing was exported");
    return {
        found.images, found.logits_equal, found.max_difference, found.tensors_equal, found.passed};
  }

  void record(ExportResult& result,
              const char* format,
              const std::string& path,
              const std::string& sha,
              const Json& check) {
    result.files.push_back({format, path, sha, fs::file_size(path)});
    if (!store_.read_only())
      store_.add_export({run_.row.id,
                         text_,
                         format,
                         fs::absolute(path).string(),
                         sha,
                         json_line(check),
                         utc_now()});
  }

  const ExportArguments& o_;
  Store& store_;
  SupernetRun run_;
  Architecture architecture_;
  std::string text_;
  std::string weights_;  ///< Which of several sets they come from; "" where there is one.
  std::unique_ptr<SubnetExport> subnet_;
  std::unique_ptr<LatencyVerification> latency_;
  Json lineage_;
};

}  // namespace

int run_export(const std::vector<std::string>& args) {
  ExportArguments o;
  CLI::App app("Write a chosen architecture with its own weights, and prove the files right",
               "nas export");
  app.footer(
      "nas export --run digits --pick best\n"
      "nas export --run last --arch ARCHITECTURE --out model --fold-bn\n"
      "nas export --run digits --pick best --format onnx --fold-bn --opset 15\n"
      "nas export --run last --pick best --verify-latency --tolerance 15\n"
      "nas export --run s-20261124-1a2b3c --pick 2 --format torchscript");
  app.add_option("--run", o.run, "Training run, or a search in it: id, name or last")
      ->capture_default_str();
  auto* arch = app.add_option("--arch",
                              o.architecture,
                              "Architecture in any form that `nas space show` tells; - is standard "
                              "input")
                   ->type_name("ARCH");
  app.add_option("--pick", o.pick, "best, knee or an index of the search's front")->excludes(arch);
  app.add_option("--out", o.out, "Folder for the files (default: in the run's folder)");
  app.add_option(
         "--format", o.formats, "torchscript, onnx, safetensors, json (default: all but onnx)")
      ->delimiter(',')
      ->check(CLI::IsMember({"torchscript", "onnx", "safetensors", "json"}));
  app.add_option("--opset", o.opset, "For --format onnx: 13 to 17 (default: 17)")
      ->check(CLI::Range(13, 17));
  app.add_flag("--fold-bn", o.fold, "Merge batch norms into the convolutions before them");
  app.add_flag("--batch-statistics",
               o.batch_statistics,
               "Keep batch norms without running statistics as they are (then answers depend on "
               "the batch)");
  auto* keep = app.add_flag("--no-recalibrate",
                            o.running,
                            "Keep the supernet's running batch-norm statistics (default: as the "
                            "run's evaluate.recalibrate says)");
  app.add_option(
         "--recalibrate", o.recalibrate, "Measure batch-norm statistics on so many training images")
      ->check(positive_number())
      ->excludes(keep);
  app.add_flag("--force", o.force, "Replace files of an earlier export");
  app.add_flag("--verify-latency",
               o.verify_latency,
               "Measure the exported network and compare with its prediction; beyond the "
               "tolerance the exit code is 3");
  app.add_option("--latency-table",
                 o.latency_table,
                 "For --verify-latency: table or predictor (default: that of the search)");
  app.add_option("--tolerance", o.tolerance, "For --verify-latency: percent of the measured time")
      ->check(number_within(0.01, 1000))
      ->capture_default_str();
  app.add_option("--check-files", o.check)->expected(4)->group("");
  add_common(app, o.common, kTakesDb | kTakesSets);
  if (!parse(app, args)) return kExitOk;
  if (!o.check.empty()) {
    check_exported_files(o.check);
    return kExitOk;
  }
  if (!o.verify_latency && !o.latency_table.empty())
    throw ConfigError("--latency-table is for --verify-latency", "Add --verify-latency.");
  if (!o.verify_latency && app.count("--tolerance") > 0)
    throw ConfigError("--tolerance is for --verify-latency", "Add --verify-latency.");
  if (o.opset != 0 && !o.wants("onnx"))
    throw ConfigError("--opset is for ONNX files", "Add --format onnx.");
  if (o.opset == 0) o.opset = 17;
  run_sets(o.common.sets);
  Store store(o.common.db, Store::Mode::kRead);
  return Export(o, store).run();
}

}  // namespace nas::cli
