// nas export: a chosen subnet as files for other programs, proven right in a fresh process.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/pick.hpp"
#include "cli/run_sets.hpp"
#include "cli/stand_alone.hpp"
#include "cli/supernet_run.hpp"
#include "cli/validators.hpp"
#include "spaces/stop.hpp"
#include "spaces/subprocess.hpp"
#include "supernet/checkpoint.hpp"
#include "supernet/device.hpp"
#include "supernet/export.hpp"
#include "supernet/tensor_file.hpp"
#include "supernet/trainer.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct Options {
  Common common;
  std::string run = "last", architecture, pick, out;
  std::vector<std::string> formats = {"torchscript", "safetensors", "json"};
  bool fold = false, force = false, batch_statistics = false;
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
  const std::string input = path + ".check-in", output = path + ".check-out";
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
  Target(const Options& o, const SupernetRun& run, const std::string& label) {
    folder_ = o.out.empty() ? fs::path(run.row.directory) / "exports" / label : fs::path(o.out);
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error || access(folder_.c_str(), W_OK) != 0)
      throw ConfigError("--out " + folder_.string() + " is not a folder that can be written to");
    for (const char* name : {"model.ts", "model.safetensors", "model.json"})
      if (!o.force && fs::exists(folder_ / name))
        throw ConfigError((folder_ / name).string() + " exists already",
                          "name another folder with --out, or replace it with --force");
  }
  std::string file(const char* name) const { return (folder_ / name).string(); }

 private:
  fs::path folder_;
};

void write_text(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp";
  std::ofstream file(temporary, std::ios::binary);
  file << text << '\n';
  file.close();
  if (!file) throw DataError(path + ": cannot be written");
  fs::rename(temporary, path);
}

class Export {
 public:
  Export(const Options& o, Store& store) : o_(o), store_(store) {}

  int run() {
    const Picked picked = pick_architecture(
        store_, o_.run, o_.architecture.empty() ? o_.pick : "", [this](const std::string& text) {
          note(o_.common, text);
        });
    const std::string text = o_.architecture.empty() ? picked.architecture : o_.architecture;
    if (text.empty())
      throw ConfigError("no architecture was named",
                        "use --arch A, or --pick best after `nas search --run " + picked.supernet +
                            db_flag(o_.common) + "`");
    run_ = open_supernet_run(store_, picked.supernet, o_.common);
    const Space& space = *run_.parts->space;
    architecture_ = text[0] == '{' ? space.parse_json(text) : space.parse(text);
    require_trained(run_, architecture_);
    text_ = space.text(architecture_);
    char label[32];
    std::snprintf(
        label, sizeof label, "%016llx", static_cast<unsigned long long>(architecture_.hash()));
    const Target target(o_, run_, label);
    cut();
    return write(target);
  }

 private:
  /// Statistics, the subnet and its logits inside the supernet.
  void cut() {
    const RunParts& p = *run_.parts;
    plan_ = p.space->plan(architecture_);
    cost_ = cost_of(plan_, p.space->counting());
    const EvaluateOptions& e = p.config.evaluate;
    const int64_t images = o_.recalibrate > 0 ? o_.recalibrate : e.recalibrate.images;
    FixedBatches calibration(
        p.data(),
        seeded_subset(p.splits.train, images, e.recalibrate.seed, "recalibrate"),
        e.recalibrate.batch,
        p.device,
        p.config.train.memory_format);
    calibrated_on_ = calibration.size();
    BnTable table =
        recalibrate(plan_, architecture_, *run_.weights, calibration, !o_.batch_statistics);
    subnet_ = cut_out(plan_, architecture_, *run_.weights, table);
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
    const auto cpu = make_shared_store(*p.space, p.config.seed);
    load_model(*cpu, read_checkpoint(run_.checkpoint), run_.checkpoint);
    for (auto& [id, stats] : table) stats = {stats.mean.cpu(), stats.var.cpu()};
    ForwardOptions options;
    options.bn = ForwardOptions::Bn::kTable;
    options.table = &table;
    const c10::NoGradGuard no_grad;
    expected_ = forward(plan_, architecture_, *cpu, images_, options);
    if (o_.fold) folded_ = fold_batch_norms(subnet_);
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
              {"batch_norm",
               {{"statistics", o_.batch_statistics ? "batch where the space says so" : "fixed"},
                {"images", calibrated_on_},
                {"folded", folded_}}},
              {"input",
               {{"shape", {plan_.input.c, plan_.input.h, plan_.input.w}},
                {"resizes",
                 plan_.resize_input
                     ? "images of another size: bilinear, antialiased, inside the TorchScript model"
                     : "no"},
                {"scale", "pixel / 255, minus mean, divided by std, per channel"},
                {"mean", p.normalisation.mean},
                {"std", p.normalisation.std}}},
              {"classes", p.dataset->class_names()},
              {"plan", Json::parse(plan_json(subnet_.plan))}};
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
      if (!store_.read_only()) store_.add_export(
          {run_.row.id, text_, format, fs::absolute(path).string(), sha, check.dump(), utc_now()});
    };
    Json check = nullptr;
    if (o_.wants("torchscript")) {
      const std::string path = target.file("model.ts");
      const std::string sha = write_torchscript(path, subnet_, about.dump());
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
      write_text(path, about.dump(2));
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
                {"batch_norms_folded", folded_},
                {"files", files},
                {"check", check}};
      return print(json.dump(2));
    }
    print("exported " + text_ + " of run " + run_.row.id + ": " +
          format_count(static_cast<double>(cost_.macs)) + " MACs, " +
          format_count(static_cast<double>(cost_.params)) + " parameters");
    Table table({"format", "file", "bytes"});
    for (const auto& [format, file] : files.items())
      table.row({format, file["path"].get<std::string>(), file["bytes"].dump()});
    print(table.text());
    print("parameters in the file: " + std::to_string(parameter_count(subnet_)) +
          " (counted: " + std::to_string(cost_.params) + ")" +
          (folded_ > 0 ? ", " + std::to_string(folded_) + " batch norms folded" : ""));
    if (check.is_null()) return;
    print("check in a fresh process, " + check["images"].dump() + " images: " +
          (check["logits_equal"]
               ? "logits equal to the last bit"
               : "largest difference " + format_number(check["max_difference"].get<double>(), 3)));
  }

  const Options& o_;
  Store& store_;
  SupernetRun run_;
  Architecture architecture_;
  std::string text_;
  Plan plan_;
  Cost cost_;
  Subnet subnet_;
  int folded_ = 0;
  int64_t calibrated_on_ = 0;
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
  auto* arch = app.add_option("--arch", o.architecture, "Architecture as text or JSON");
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
  app.add_option("--recalibrate", o.recalibrate, "Training images for the batch-norm statistics")
      ->check(positive_number());
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
