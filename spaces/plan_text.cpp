// Names, signatures, JSON, tables and drawings of plans.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "spaces/plan.hpp"
#include "spaces/visit.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;

std::string_view act_name(Act act) {
  switch (act) {
    case Act::kRelu:
      return "relu";
    case Act::kRelu6:
      return "relu6";
    case Act::kHSwish:
      return "h_swish";
    case Act::kHSigmoid:
      return "h_sigmoid";
    case Act::kSwish:
      return "swish";
    case Act::kSigmoid:
      return "sigmoid";
  }
  return "";
}

// Attributes that decide the work of an op, in the order of the signature.
std::string work_attributes(const Op& op) {
  const auto item = [](const char* key, int64_t value) {
    return std::string(" ") + key + "=" + std::to_string(value);
  };
  return std::visit(
      Overloaded{
          [&](const Conv2d& c) {
            return item("k", c.kernel) + item("s", c.stride) + item("p", c.padding) +
                   item("d", c.dilation) + item("g", c.groups) + item("bias", c.bias);
          },
          [&](const BatchNorm& b) { return item("affine", b.affine) + item("running", b.running); },
          [&](const Pool& p) {
            return item("k", p.kernel) + item("s", p.stride) + item("p", p.padding);
          },
          [&](const GlobalAvgPool& p) { return item("keep", p.keep); },
          [&](const Linear& l) { return item("bias", l.bias); },
          [&](const Zero& z) { return item("s", z.stride); },
          [&](const Subsample& s) { return item("s", s.stride) + item("offset", s.offset); },
          [](const Activation&) { return std::string(); },
          [](const Add&) { return std::string(); },
          [](const Mul&) { return std::string(); },
          [](const Concat&) { return std::string(); },
          [](const Identity&) { return std::string(); },
          // Training only: no work when timed or exported.
          [](const Dropout&) { return std::string(); },
          [](const DropPath&) { return std::string(); },
      },
      op);
}

std::string input_shapes(const Plan& plan, const Node& node) {
  std::string text;
  for (const int32_t id : plan.inputs(node)) {
    if (!text.empty()) text += "+";
    text += to_string(plan.shape_of(id));
  }
  return text;
}

Json shape_json(const Shape& shape) {
  if (shape.flat) return Json::array({shape.c});
  return Json::array({shape.c, shape.h, shape.w});
}

void attributes_json(const Op& op, Json& out) {
  std::visit(Overloaded{
                 [&](const Conv2d& c) {
                   out["in_channels"] = c.in;
                   out["out_channels"] = c.out;
                   out["kernel"] = c.kernel;
                   out["stride"] = c.stride;
                   out["padding"] = c.padding;
                   out["dilation"] = c.dilation;
                   out["groups"] = c.groups;
                   out["bias"] = c.bias;
                 },
                 [&](const BatchNorm& b) {
                   out["channels"] = b.channels;
                   out["affine"] = b.affine;
                   out["running"] = b.running;
                   out["eps"] = b.eps;
                   out["momentum"] = b.momentum;
                 },
                 [&](const Pool& p) {
                   out["kernel"] = p.kernel;
                   out["stride"] = p.stride;
                   out["padding"] = p.padding;
                   out["count_include_pad"] = false;
                 },
                 [&](const GlobalAvgPool& p) { out["keep_dims"] = p.keep; },
                 [&](const Linear& l) {
                   out["in_features"] = l.in;
                   out["out_features"] = l.out;
                   out["bias"] = l.bias;
                 },
                 [&](const Zero& z) { out["stride"] = z.stride; },
                 [&](const Subsample& s) {
                   out["stride"] = s.stride;
                   out["offset"] = s.offset;
                 },
                 [&](const Dropout& d) { out["p"] = d.p; },
                 [&](const DropPath& d) { out["p"] = d.p; },
                 [](const Activation&) {},
                 [](const Add&) {},
                 [](const Mul&) {},
                 [](const Concat&) {},
                 [](const Identity&) {},
             },
             op);
}

Json node_json(const Plan& plan, size_t id) {
  const Node& node = plan.nodes[id];
  Json out;
  out["id"] = id;
  out["op"] = std::string(op_name(node.op));
  TensorSpec specs[4];
  const int tensors = tensors_of(node.op, specs);
  if (tensors > 0) out["name"] = plan.name(node);
  out["inputs"] = Json::array();
  for (const int32_t input : plan.inputs(node)) out["inputs"].push_back(input);
  out["shape"] = shape_json(node.out);
  attributes_json(node.op, out);
  if (tensors > 0) {
    Json& list = out["tensors"] = Json::array();
    for (int t = 0; t < tensors; ++t) {
      const auto sizes = specs[t].shape.span();
      list.push_back({{"name", plan.tensor_name(node, specs[t].role)},
                      {"shape", std::vector<int64_t>(sizes.begin(), sizes.end())}});
    }
  }
  out["params"] = params_of(node.op);
  out["macs"] = macs_of(plan, node);
  Json& origins = out["origins"] = Json::array();
  for (const Provenance& origin : plan.origins(node))
    origins.push_back(Json::array({origin.choice, origin.option}));
  return out;
}

std::string pad(std::string text, size_t width, bool right) {
  if (text.size() >= width) return text;
  const std::string fill(width - text.size(), ' ');
  return right ? fill + text : text + fill;
}

}  // namespace

std::string_view op_name(const Op& op) {
  return std::visit(
      Overloaded{
          [](const Conv2d&) -> std::string_view { return "conv2d"; },
          [](const BatchNorm&) -> std::string_view { return "batch_norm"; },
          [](const Activation& a) { return act_name(a.act); },
          [](const Pool& p) -> std::string_view { return p.max ? "max_pool" : "avg_pool"; },
          [](const GlobalAvgPool&) -> std::string_view { return "global_avg_pool"; },
          [](const Linear&) -> std::string_view { return "linear"; },
          [](const Add&) -> std::string_view { return "add"; },
          [](const Mul&) -> std::string_view { return "mul"; },
          [](const Concat&) -> std::string_view { return "concat"; },
          [](const Zero&) -> std::string_view { return "zero"; },
          [](const Identity&) -> std::string_view { return "identity"; },
          [](const Subsample&) -> std::string_view { return "subsample"; },
          [](const Dropout&) -> std::string_view { return "dropout"; },
          [](const DropPath&) -> std::string_view { return "drop_path"; },
      },
      op);
}

std::string signature(const Plan& plan, const Node& node) {
  return std::string(op_name(node.op)) + " in=" + input_shapes(plan, node) +
         " out=" + to_string(node.out) + work_attributes(node.op);
}

std::string plan_json(const Plan& plan) {
  Json out;
  out["schema"] = "nas-plan/1";
  out["input"] = shape_json(plan.input);
  const Cost cost = cost_of(plan);
  out["macs"] = cost.macs;
  out["params"] = cost.params;
  out["activation_bytes"] = cost.activation_bytes;
  out["peak_bytes"] = cost.peak_bytes;
  Json& nodes = out["nodes"] = Json::array();
  for (size_t i = 0; i < plan.nodes.size(); ++i) nodes.push_back(node_json(plan, i));
  return out.dump(1);
}

std::string plan_text(const Plan& plan) {
  std::vector<std::vector<std::string>> rows{
      {"id", "op", "name", "inputs", "output", "params", "MACs", "attributes"}};
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const Node& node = plan.nodes[i];
    std::string inputs;
    for (const int32_t id : plan.inputs(node))
      inputs += (inputs.empty() ? "" : ",") + (id < 0 ? "image" : std::to_string(id));
    TensorSpec specs[4];
    const std::string attributes = work_attributes(node.op);
    rows.push_back({std::to_string(i),
                    std::string(op_name(node.op)),
                    tensors_of(node.op, specs) > 0 ? plan.name(node) : "",
                    inputs,
                    to_string(node.out),
                    std::to_string(params_of(node.op)),
                    std::to_string(macs_of(plan, node)),
                    attributes.empty() ? "" : attributes.substr(1)});
  }
  std::vector<size_t> widths(rows[0].size());
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const bool right = c == 0 || c == 5 || c == 6;
      line += pad(row[c], widths[c], right) + "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace nas
