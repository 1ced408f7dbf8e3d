// Names, signatures, JSON, tables and drawings of plans.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "spaces/plan.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;

std::string input_shapes(const Plan& plan, const Node& node) {
  std::string text;
  for (const int32_t id : plan.inputs(node)) {
    if (!text.empty()) text += "+";
    text += to_string(plan.shape_of(id));
  }
  return text;
}

Json shape_json(const Shape& shape) {
  const Dims dims = dims_of(shape);
  Json sizes = Json::array();
  for (const int64_t size : dims.span()) sizes.push_back(size);
  return sizes;
}

void attributes_json(const Op& op, Json& out) {
  std::visit(
      [&out](const auto& o) {
        o.fields([&out](auto value, const char* name = nullptr, const char* = nullptr) {
          if (name != nullptr) out[name] = value;
        });
        if constexpr (requires { o.constants(0); })
          o.constants([&out](const char* name, auto value) { out[name] = value; });
      },
      op);
}

Json node_json(const Plan& plan, size_t id) {
  const Node& node = plan.nodes[id];
  Json out;
  out["id"] = id;
  out["op"] = std::string(op_name(node.op));
  TensorSpec specs[kMostTensors];
  const int tensors = tensors_of(node.op, specs);
  if (tensors > 0) out["name"] = plan.name(node);
  out["inputs"] = Json::array();
  for (const int32_t input : plan.inputs(node)) out["inputs"].push_back(input);
  out["shape"] = shape_json(node.out);
  attributes_json(node.op, out);
  if (std::holds_alternative<WeightedSum>(node.op)) {
    const auto options = plan.options(node);
    out["options"] = std::vector<int16_t>(options.begin(), options.end());
  }
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

std::string signature(const Plan& plan, const Node& node) {
  return std::string(op_name(node.op)) + " in=" + input_shapes(plan, node) +
         " out=" + to_string(node.out) + attributes_text(node.op);
}

std::string plan_json(const Plan& plan) {
  Json out;
  out["schema"] = "nas-plan/1";
  out["input"] = shape_json(plan.input());
  if (plan.input_shapes.size() > 1) {
    Json& all = out["inputs"] = Json::array();
    for (const Shape& shape : plan.input_shapes) all.push_back(shape_json(shape));
  }
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
      inputs += (inputs.empty() ? "" : ",") +
                (Plan::is_input(id) ? plan.input_name(id) : std::to_string(id));
    TensorSpec specs[kMostTensors];
    const std::string attributes = attributes_text(node.op);
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
