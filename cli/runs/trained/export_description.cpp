#include "cli/runs/trained/export_description.hpp"

#include <algorithm>

#include "cli/report/document.hpp"
#include "cli/runs/data_notes.hpp"
#include "cli/version.hpp"
#include "supernet/task.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string nas_version() {
  for (const auto& [name, value] : build_facts())
    if (name == "nas") return value;
  return "";
}

/// Batch norms that the space keeps no statistics of.
int64_t of_each_batch(const Plan& plan) {
  return std::count_if(plan.nodes.begin(), plan.nodes.end(), [](const Node& node) {
    const auto* norm = std::get_if<BatchNorm>(&node.op);
    return norm != nullptr && !norm->running;
  });
}

Json input_json(const RunParts& p, const Plan& plan) {
  return {{"shape", {plan.input().c, plan.input().h, plan.input().w}},
          {"resizes",
           plan.resize_input
               ? "images of another size: bilinear, antialiased, inside the TorchScript model; an "
                 "ONNX model takes images of `given` and resizes them inside"
               : "no"},
          {"given", {p.space->input().c, p.space->input().h, p.space->input().w}},
          {"preparation", preparation_json(*p.dataset)},
          {"scale", "pixel / 255, minus mean, divided by std, per channel"},
          {"channel_order", plan.input().c == 3 ? "RGB" : "grey"},
          {"layout", "NCHW"},
          {"value_range_before_mean", {0, 1}},
          {"mean", p.normalisation.mean},
          {"std", p.normalisation.std}};
}

}  // namespace

Json batch_norm_json(const ExportedSubnet& e) {
  const BatchNormSources& from = e.subnet.batch_norms();
  Json json{
      {"statistics", from.batch > 0 ? "batch where the space says so" : "fixed"},
      {"treatment",
       from.running > 0  ? "running"
       : from.images > 0 ? "recalibrated"
                         : "batch"},
      {"from", {{"recalibration", from.images}, {"running", from.running}, {"batch", from.batch}}},
      {"images", from.calibration_images},
      {"of_each_batch_in_supernet", of_each_batch(e.run.parts->space->plan(e.architecture))},
      {"folded", e.subnet.folded()}};
  if (from.calibration_images > 0) {
    json["split"] = "train";
    json["batch"] = from.calibration_batch;
    json["seed"] = e.run.parts->config.evaluate.recalibrate.seed;
  }
  return json;
}

Json export_description(const ExportedSubnet& e) {
  const RunParts& p = *e.run.parts;
  const Plan& plan = e.subnet.plan();
  Json json{{"schema", "nas-export/1"},
            {"nas", nas_version()},
            {"run", e.run.row.id},
            {"space", e.run.row.space},
            {"task", std::string(task_of(*p.space).name())},
            {"architecture", p.space->text(e.architecture)},
            {"choices", Json::parse(p.space->json(e.architecture))},
            {"macs", e.subnet.cost().macs},
            {"params", e.subnet.cost().params},
            {"batch_norm", batch_norm_json(e)},
            {"input", input_json(p, plan)},
            {"output", {{"name", "logits"}, {"shape", {plan.nodes.back().out.c}}}},
            {"classes", p.dataset->class_names()},
            {"tensors_sha256", e.subnet.tensors_sha256()},
            {"lineage", e.lineage},
            {"plan", Json::parse(plan_json(e.subnet.written_plan()))}};
  if (!e.weights.empty()) json["weights"] = e.weights;
  return json;
}

OnnxText onnx_text(const ExportedSubnet& e, const Json& about, int opset) {
  const std::string architecture = about["architecture"];
  OnnxText text;
  text.opset = opset;
  text.version = nas_version();
  text.doc = architecture + " of the space " + e.run.row.space + ", run " + e.run.row.id +
             "; input: pixel / 255, minus mean, divided by std, " +
             about["input"]["channel_order"].get<std::string>() + ", NCHW";
  text.description = json_line(about);
  text.metadata = {{"architecture", architecture},
                   {"space", e.run.row.space},
                   {"run", e.run.row.id},
                   {"mean", about["input"]["mean"].dump()},
                   {"std", about["input"]["std"].dump()},
                   {"classes", json_line(about["classes"])}};
  text.image = e.run.parts->space->input();
  return text;
}

}  // namespace nas::cli
