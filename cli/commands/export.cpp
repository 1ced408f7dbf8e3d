// nas export: a chosen subnet as files for other programs, proven right in a fresh process.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "cli/report/suggest.hpp"
#include "cli/runs/arch_list.hpp"
#include "cli/runs/data_notes.hpp"
#include "cli/runs/own_architecture.hpp"
#include "cli/runs/pick.hpp"
#include "cli/runs/run_sets.hpp"
#include "cli/runs/stand_alone.hpp"
#include "cli/runs/supernet_run.hpp"
#include "cli/validators.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/base/subprocess.hpp"
#include "spaces/base/whole_file.hpp"
#include "supernet/device.hpp"
#include "supernet/export/export.hpp"
#include "supernet/files/checkpoint.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/train/trained_sets.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct Options {
  Common common;
  std::string run = "last", architecture, pick, out;
  std::vector<std::string> formats = {"torchscript", "safetensors", "json"};
  bool fold = false, force = false, batch_statistics = false, running = false;
  int64_t recalibrate = 0;
  std::vector<std::string> check;  ///< Hidden: --check-files MODEL IMAGES RESULT THREADS.
  bool wants(const char* format) const {
    return std::find(formats.begin(), formats.end(), format) != formats.end();
  }
};

constexpr int64_t kCheckImages = 16;

/// What the fresh process does: load, run, write down.
int check_files(const std::vector<std::string>& files) {
  set_compute_threads(std::stoi(files[3]));
  const TensorFile images = read_tensor_file(files[1]);
  const ExportCheck check = run_torchscript(files[0], images.tensors.at("images"));
  TensorFile result;
  result.meta["tensors_sha256"] = check.tensors_sha256;
  result.tensors["logits"] = check.logits.contiguous();
  write_tensor_file(files[2], result);
  return kExitOk;
}

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
    throw Error("the exported TorchScript file does not run in a fresh process: it " +
                child.ending()->text() + " (see above)");
}

struct Check {
  double max_difference = 0;
  bool equal = false;
  bool tensors_equal = false;
};

Check check_torchscript(const std::string& path,
                        const Subnet& subnet,
                        const at::Tensor& images,
                        const at::Tensor& expected) {
  const std::string own = std::to_string(getpid());
  const std::string input = path + ".check-in" + own, output = path + ".check-out" + own;
  TensorFile file;
  file.tensors["images"] = images;
  write_tensor_file(input, file);
  try {
    spawn_check({path, input, output, std::to_string(at::get_num_threads())});
    const TensorFile result = read_tensor_file(output);
    Check check;
    const at::Tensor& logits = result.tensors.at("logits");
    check.equal = at::equal(logits, expected);
    check.max_difference = (logits - expected).abs().max().item<double>();
    check.tensors_equal = result.meta.at("tensors_sha256") == hash_tensors(subnet.tensors);
    fs::remove(input);
    fs::remove(output);
    return check;
  } catch (...) {
    // A file that was not proven right is not left behind.
    std::error_code ignored;
    fs::remove(path, ignored);
    fs::remove(input, ignored);
    fs::remove(output, ignored);
    throw;
  }
}

/// Folder, file stem and refusal to overwrite.
class Target {
 public:
  Target(const Options& o, const Store& store, const std::string& run, const std::string& label) {
    folder_ = o.out.empty() ? fs::path(store.folder_of(run)) / "exports" / label : fs::path(o.out);
    if (fs::exists(folder_) && !fs::is_directory(folder_))
      throw ConfigError("--out " + folder_.string() + " is not a folder", "name another one");
    make_folders(folder_.string());
    remove_stale_temporaries(folder_.string());
    for (const char* name : {"model.ts", "model.safetensors", "model.json"})
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
  Export(const Options& o, Store& store) : o_(o), store_(store) {}

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
    text_ = space.text(architecture_);
    char label[32];
    std::snprintf(
        label, sizeof label, "%016llx", static_cast<unsigned long long>(architecture_.hash()));
    const Target target(o_, store_, run_.row.id, label);
    cut();
    return write(target);
  }

 private:
  /// Statistics, the subnet and its logits inside the supernet.
  void cut() {
    const RunParts& p = *run_.parts;
    plan_ = p.space->plan(architecture_);
    cost_ = cost_of(plan_, p.space->counting());
    const int owner = run_.weights->owner(architecture_);
    if (run_.weights->sets() > 1) weights_ = run_.weights->set_name(owner);
    const std::shared_ptr<WeightSet> set = run_.weights->open(owner);
    const std::unique_ptr<TensorSource> tensors = set->bind(architecture_);
    BnTable table = statistics(*tensors);
    subnet_ = cut_out(plan_, *tensors, table);
    if (parameter_count(subnet_) != cost_.params)
      throw std::logic_error("the subnet's tensors are not those its plan counts");

    const std::vector<int64_t>& pool =
        p.splits.validation.empty() ? p.splits.train : p.splits.validation;
    FixedBatches few(p.data(),
                     seeded_subset(pool, kCheckImages, 0, "export"),
                     kCheckImages,
                     c10::Device(c10::kCPU),
                     Layout::kContiguous);
    few.each([&](const FixedBatches::Item& item) { images_ = item.images.contiguous(); });
    // The supernet's own answer: shared weights, on the CPU as the exported file will run.
    const auto cpu = make_weights(p, c10::Device(c10::kCPU)).store;
    open_weights_of(*cpu, read_checkpoint(run_.checkpoint), run_.checkpoint);
    const std::shared_ptr<WeightSet> shared = cpu->open(cpu->owner(architecture_));
    for (auto& [id, stats] : table) stats = {stats.mean.cpu(), stats.var.cpu()};
    ForwardOptions options;
    options.bn = ForwardOptions::Bn::kTable;
    options.table = &table;
    const c10::NoGradGuard no_grad;
    expected_ = forward(plan_, *shared->bind(architecture_), images_, options);
    if (o_.fold) folded_ = fold_batch_norms(subnet_);
  }

  /// Batch-norm statistics as the run's subnets are judged with (evaluate.recalibrate), so that the
  /// file answers as `nas evaluate` said: measured anew, or the supernet's running ones. Batch
  /// norms without running ones are judged with those of the batch; they are measured all the same,
  /// unless asked not, because a network alone answers for single images.
  BnTable statistics(TensorSource& tensors) {
    const RunParts& p = *run_.parts;
    const RecalibrateOptions& r = p.config.evaluate.recalibrate;
    measured_ = !o_.running && (r.enabled || o_.recalibrate > 0);
    BnTable running = running_statistics(plan_, tensors);
    size_t norms = 0;
    for (const Node& node : plan_.nodes)
      norms += std::holds_alternative<BatchNorm>(node.op) ? 1 : 0;
    const bool others = norms > running.size() && !o_.batch_statistics;
    BnTable table;
    if ((measured_ && !running.empty()) || others) {
      const int64_t images = o_.recalibrate > 0 ? o_.recalibrate : r.images;
      FixedBatches calibration(p.data(),
                               seeded_subset(p.splits.train, images, r.seed, "recalibrate"),
                               r.batch,
                               p.device,
                               p.config.train.memory_format);
      calibrated_on_ = calibration.size();
      calibration_batch_ = calibration.batch();
      table = recalibrate(plan_, tensors, calibration, !o_.batch_statistics);
    }
    from_running_ = measured_ ? 0 : running.size();
    if (!measured_)
      for (auto& [id, stats] : running) table[id] = std::move(stats);
    from_images_ = table.size() - from_running_;
    from_batch_ = norms - table.size();
    return table;
  }

  Json batch_norm_json() const {
    const RecalibrateOptions& r = run_.parts->config.evaluate.recalibrate;
    Json json{
        {"statistics", from_batch_ > 0 ? "batch where the space says so" : "fixed"},
        {"treatment",
         from_running_ > 0  ? "running"
         : from_images_ > 0 ? "recalibrated"
                            : "batch"},
        {"from",
         {{"recalibration", from_images_}, {"running", from_running_}, {"batch", from_batch_}}},
        {"images", calibrated_on_},
        {"folded", folded_}};
    if (calibrated_on_ > 0) {
      json["split"] = "train";
      json["batch"] = calibration_batch_;
      json["seed"] = r.seed;
    }
    return json;
  }

  /// The same for people.
  std::string batch_norm_text() const {
    std::string text;
    const auto add = [&](size_t n, const std::string& what) {
      if (n > 0) text += (text.empty() ? "" : "; ") + std::to_string(n) + " " + what;
    };
    add(from_images_, "measured on " + std::to_string(calibrated_on_) + " training images");
    add(from_running_, "with the supernet's running statistics");
    add(from_batch_, "with the statistics of each batch");
    return text.empty() ? "none" : text;
  }

  Json description() const {
    const RunParts& p = *run_.parts;
    Json json{{"schema", "nas-export/1"},
              {"run", run_.row.id},
              {"space", run_.row.space},
              {"architecture", text_},
              {"choices", Json::parse(p.space->json(architecture_))},
              {"macs", cost_.macs},
              {"params", cost_.params},
              {"batch_norm", batch_norm_json()},
              {"input",
               {{"shape", {plan_.input.c, plan_.input.h, plan_.input.w}},
                {"resizes",
                 plan_.resize_input
                     ? "images of another size: bilinear, antialiased, inside the TorchScript model"
                     : "no"},
                {"preparation", preparation_json(*p.dataset)},
                {"scale", "pixel / 255, minus mean, divided by std, per channel"},
                {"channel_order", plan_.input.c == 3 ? "RGB" : "grey"},
                {"layout", "NCHW"},
                {"value_range_before_mean", {0, 1}},
                {"mean", p.normalisation.mean},
                {"std", p.normalisation.std}}},
              {"classes", p.dataset->class_names()},
              {"plan", Json::parse(plan_json(subnet_.plan))}};
    if (!weights_.empty()) json["weights"] = weights_;
    return json;
  }

  int write(const Target& target) {
    Json files = Json::object();
    const Json about = description();
    const auto record = [&](const char* format,
                            const std::string& path,
                            const std::string& sha,
                            const Json& check) {
      files[format] = {{"path", path}, {"sha256", sha}, {"bytes", fs::file_size(path)}};
      if (!store_.read_only())
        store_.add_export({run_.row.id,
                           text_,
                           format,
                           fs::absolute(path).string(),
                           sha,
                           json_line(check),
                           utc_now()});
    };
    Json check = nullptr;
    if (o_.wants("torchscript")) {
      const std::string path = target.file("model.ts");
      const std::string sha = write_torchscript(path, subnet_, json_line(about));
      const Check found = check_torchscript(path, subnet_, images_, expected_);
      // Folding rounds differently; before it every bit must agree.
      const double scale = expected_.abs().max().item<double>();
      const bool good =
          found.tensors_equal &&
          (folded_ > 0 ? found.max_difference <= 1e-4 * std::max(1.0, scale) : found.equal);
      check = {{"images", images_.size(0)},
               {"fresh_process", true},
               {"logits_equal", found.equal},
               {"max_difference", found.max_difference},
               {"tensors_equal", found.tensors_equal},
               {"passed", good}};
      if (!good) {
        fs::remove(path);
        throw Error(
            "the exported model does not answer as the subnet inside the supernet does "
            "(largest difference " +
            format_number(found.max_difference, 3) + "); nothing was exported");
      }
      record("torchscript", path, sha, check);
    }
    if (o_.wants("safetensors")) {
      const std::string path = target.file("model.safetensors");
      TensorFile file;
      file.meta = {{"architecture", text_}, {"space", run_.row.space}, {"run", run_.row.id}};
      file.tensors = subnet_.tensors;
      const std::string sha = write_tensor_file(path, file);
      record("safetensors",
             path,
             sha,
             {{"tensors_equal",
               hash_tensors(read_tensor_file(path).tensors) == hash_tensors(subnet_.tensors)}});
    }
    if (o_.wants("json")) {
      const std::string path = target.file("model.json");
      write_whole_file(path, json_text(about) + "\n");
      record("json", path, file_sha256(path), nullptr);
    }
    report(files, check);
    return kExitOk;
  }

  void report(const Json& files, const Json& check) const {
    if (o_.common.json) {
      Json json{{"schema", "nas-export-report/1"},
                {"run", run_.row.id},
                {"architecture", text_},
                {"macs", cost_.macs},
                {"params", cost_.params},
                {"params_in_file", parameter_count(subnet_)},
                {"batch_norm", batch_norm_json()},
                {"batch_norms_folded", folded_},
                {"files", files},
                {"check", check}};
      if (!weights_.empty()) json["weights"] = weights_;
      return print(json_text(json));
    }
    print_prose("exported " + text_ + " of run " + run_.row.id +
                (weights_.empty() ? "" : ", weights of " + weights_) + ": " +
                format_count(static_cast<double>(cost_.macs)) + " MACs, " +
                format_count(static_cast<double>(cost_.params)) + " parameters");
    Table table({"format", "file", "bytes"});
    for (const auto& [format, file] : files.items())
      table.row({format, file["path"].get<std::string>(), file["bytes"].dump()});
    print(table.text());
    print_prose("parameters in the file: " + std::to_string(parameter_count(subnet_)) +
                " (counted: " + std::to_string(cost_.params) + ")" +
                (folded_ > 0 ? ", " + std::to_string(folded_) + " batch norms folded" : ""));
    print_prose("batch norms: " + batch_norm_text());
    if (check.is_null()) return;
    print_prose(
        "check in a fresh process, " + check["images"].dump() + " images: " +
        (check["logits_equal"]
             ? "logits equal to the last bit"
             : "largest difference " + format_number(check["max_difference"].get<double>(), 3)));
  }

  const Options& o_;
  Store& store_;
  SupernetRun run_;
  Architecture architecture_;
  std::string text_;
  std::string weights_;  ///< Which of several sets they come from; "" where there is one.
  Plan plan_;
  Cost cost_;
  Subnet subnet_;
  int folded_ = 0;
  bool measured_ = true;  ///< Running statistics are replaced by measured ones.
  int64_t calibrated_on_ = 0, calibration_batch_ = 0;
  size_t from_images_ = 0, from_running_ = 0, from_batch_ = 0;  ///< Batch norms, by statistics.
  at::Tensor images_, expected_;
};

}  // namespace

int run_export(const std::vector<std::string>& args) {
  Options o;
  CLI::App app("Write a chosen architecture with its own weights, and prove the files right",
               "nas export");
  app.footer(
      "nas export --run digits --pick best\n"
      "nas export --run last --arch ARCHITECTURE --out model --fold-bn\n"
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
  app.add_option("--format", o.formats, "torchscript, safetensors, json (default: all)")
      ->delimiter(',')
      ->check(CLI::IsMember({"torchscript", "safetensors", "json"}));
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
  app.add_option("--check-files", o.check)->expected(4)->group("");
  add_common(app, o.common, kTakesDb | kTakesSets);
  if (!parse(app, args)) return kExitOk;
  if (!o.check.empty()) return check_files(o.check);
  run_sets(o.common.sets);
  Store store(o.common.db, Store::Mode::kRead);
  return Export(o, store).run();
}

}  // namespace nas::cli
