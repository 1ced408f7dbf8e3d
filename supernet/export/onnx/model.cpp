#include "supernet/export/onnx/model.hpp"

#include <algorithm>
#include <set>

#include "spaces/error.hpp"

namespace nas::onnx {

int64_t Tensor::elements() const {
  int64_t n = 1;
  for (const int64_t size : sizes) {
    if (size < 0 || (size > 0 && n > kMostBytes / size)) return -1;
    n *= size;
  }
  return n;
}

const Attribute* Node::find(std::string_view attribute) const {
  const auto it = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& a) {
    return a.name == attribute;
  });
  return it == attributes.end() ? nullptr : &*it;
}

const Tensor* Model::find_tensor(std::string_view name) const {
  const auto it =
      std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

const std::string* Model::find_metadata(std::string_view key) const {
  const auto it = std::find_if(
      metadata.begin(), metadata.end(), [&](const auto& entry) { return entry.first == key; });
  return it == metadata.end() ? nullptr : &it->second;
}

void require_sound(const Model& model, const std::string& path) {
  const auto require = [&path](bool holds, const std::string& what) {
    if (!holds) throw DataError(path + ": a broken ONNX file: " + what);
  };
  require(model.opset >= kOldestOpset && model.opset <= kNewestOpset,
          "opset " + std::to_string(model.opset) + " is none of " + std::to_string(kOldestOpset) +
              " to " + std::to_string(kNewestOpset));
  std::set<std::string> given, described, nodes;
  const auto give = [&](const std::string& name) {
    require(!name.empty() && given.insert(name).second, "'" + name + "' is given twice");
  };
  for (const Value& value : model.inputs) give(value.name);
  for (const Tensor& tensor : model.tensors) {
    give(tensor.name);
    const int64_t width = tensor.type == Type::kFloat ? 4 : 8, n = tensor.elements();
    require(n >= 0 && static_cast<int64_t>(tensor.bytes().size()) == n * width,
            "tensor '" + tensor.name + "' has not as many bytes as its sizes say");
  }
  for (const auto* list : {&model.values, &model.outputs})
    for (const Value& value : *list) {
      require(described.insert(value.name).second, "'" + value.name + "' is described twice");
      for (size_t k = 0; k < value.sizes.size(); ++k)
        require(value.sizes[k] > 0 || (k == 0 && value.sizes[k] == kBatch),
                "the sizes of '" + value.name + "' are unknown");
    }
  for (const Node& node : model.nodes) {
    require(nodes.insert(node.name).second, "two nodes are called '" + node.name + "'");
    for (const std::string& name : node.inputs)
      require(name.empty() || given.count(name) > 0,
              "node '" + node.name + "' reads '" + name + "', which nothing gives before it");
    require(node.outputs.size() == 1, "node '" + node.name + "' has not one output");
    give(node.outputs.front());
    require(described.count(node.outputs.front()) > 0,
            "the sizes of '" + node.outputs.front() + "' are not written down");
  }
  require(!model.inputs.empty() && model.outputs.size() == 1, "it has not one output");
  const Value& output = model.outputs.front();
  require(given.count(output.name) > 0, "nothing gives the output '" + output.name + "'");
  for (const Value* value : {&output, &model.inputs.front()})
    require(!value->sizes.empty() && value->sizes.front() == kBatch,
            "the batch of '" + value->name + "' is not free");
}

}  // namespace nas::onnx
