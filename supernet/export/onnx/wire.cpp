// Written with protozero, which knows the wire format and nothing else: LibTorch carries a protobuf
// of its own and shows its symbols, so that a second one in the same process (libonnx needs it) may
// not be mixed with it, and would register its descriptors at every start. What is left to us are
// the field numbers below, which onnx.proto promises never to change.
#include <bit>
#include <cstring>
#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_message.hpp>

#include "spaces/error.hpp"
#include "supernet/export/onnx/model.hpp"

namespace nas::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little endian");

using Tag = protozero::pbf_tag_type;
enum class ModelTag : Tag {
  kIrVersion = 1,
  kProducer = 2,
  kProducerVersion = 3,
  kModelVersion = 5,
  kDoc = 6,
  kGraph = 7,
  kOpset = 8,
  kMetadata = 14
};
enum class OpsetTag : Tag { kDomain = 1, kVersion = 2 };
enum class EntryTag : Tag { kKey = 1, kValue = 2 };
enum class GraphTag : Tag {
  kNode = 1,
  kName = 2,
  kInitializer = 5,
  kInput = 11,
  kOutput = 12,
  kValue = 13
};
enum class NodeTag : Tag { kInput = 1, kOutput = 2, kName = 3, kOp = 4, kAttribute = 5 };
enum class AttributeTag : Tag { kName = 1, kFloat = 2, kInt = 3, kInts = 8, kType = 20 };
enum class TensorTag : Tag { kDims = 1, kType = 2, kName = 8, kRaw = 9 };
enum class ValueTag : Tag { kName = 1, kType = 2 };
enum class TypeTag : Tag { kTensor = 1 };
enum class TensorTypeTag : Tag { kElement = 1, kShape = 2 };
enum class ShapeTag : Tag { kDim = 1 };
enum class DimTag : Tag { kValue = 1, kParam = 2 };

template <typename T>
using Writer = protozero::pbf_builder<T>;
template <typename T>
using Reader = protozero::pbf_message<T>;

constexpr const char* kBatchName = "batch";

// ---- Writing.

void write(Writer<GraphTag>& graph, const Node& node) {
  Writer<NodeTag> to(graph, GraphTag::kNode);
  for (const std::string& name : node.inputs) to.add_string(NodeTag::kInput, name);
  for (const std::string& name : node.outputs) to.add_string(NodeTag::kOutput, name);
  to.add_string(NodeTag::kName, node.name);
  to.add_string(NodeTag::kOp, node.op);
  for (const Attribute& a : node.attributes) {
    Writer<AttributeTag> at(to, NodeTag::kAttribute);
    at.add_string(AttributeTag::kName, a.name);
    if (a.kind == Attribute::Kind::kFloat) at.add_float(AttributeTag::kFloat, a.f);
    if (a.kind == Attribute::Kind::kInt) at.add_int64(AttributeTag::kInt, a.i);
    for (const int64_t v : a.ints) at.add_int64(AttributeTag::kInts, v);
    at.add_enum(AttributeTag::kType, static_cast<int32_t>(a.kind));
  }
}

void write(Writer<GraphTag>& graph, const Tensor& tensor) {
  Writer<TensorTag> to(graph, GraphTag::kInitializer);
  for (const int64_t size : tensor.sizes) to.add_int64(TensorTag::kDims, size);
  to.add_int32(TensorTag::kType, static_cast<int32_t>(tensor.type));
  to.add_string(TensorTag::kName, tensor.name);
  to.add_bytes(TensorTag::kRaw, tensor.bytes().data(), tensor.bytes().size());
}

void write(Writer<GraphTag>& graph, GraphTag tag, const Value& value) {
  Writer<ValueTag> to(graph, tag);
  to.add_string(ValueTag::kName, value.name);
  Writer<TypeTag> type(to, ValueTag::kType);
  Writer<TensorTypeTag> tensor(type, TypeTag::kTensor);
  tensor.add_int32(TensorTypeTag::kElement, static_cast<int32_t>(Type::kFloat));
  Writer<ShapeTag> shape(tensor, TensorTypeTag::kShape);
  for (const int64_t size : value.sizes) {
    Writer<DimTag> dim(shape, ShapeTag::kDim);
    if (size == kBatch)
      dim.add_string(DimTag::kParam, kBatchName);
    else
      dim.add_int64(DimTag::kValue, size);
  }
}

// ---- Reading.

/// What decode() does not know is refused: a file that is read in part would be run in part.
[[noreturn]] void refuse(const std::string& what) {
  throw DataError(what);
}

// Fields are asked for as what they must be: protozero trusts its caller there.
void require_type(const protozero::pbf_reader& from, protozero::pbf_wire_type type) {
  if (from.wire_type() != type) refuse("field " + std::to_string(from.tag()) + " has another type");
}
protozero::data_view part(protozero::pbf_reader& from) {
  require_type(from, protozero::pbf_wire_type::length_delimited);
  return from.get_view();
}
std::string text(protozero::pbf_reader& from) {
  return std::string(part(from));
}
int64_t integer(protozero::pbf_reader& from) {
  require_type(from, protozero::pbf_wire_type::varint);
  return from.get_int64();
}
float real(protozero::pbf_reader& from) {
  require_type(from, protozero::pbf_wire_type::fixed32);
  return from.get_float();
}

/// One of a list, or all of them packed.
void read_ints(protozero::pbf_reader& from, std::vector<int64_t>& to) {
  if (from.wire_type() == protozero::pbf_wire_type::length_delimited) {
    for (const int64_t v : from.get_packed_int64()) to.push_back(v);
  } else {
    to.push_back(integer(from));
  }
}

Attribute read_attribute(protozero::data_view view) {
  Reader<AttributeTag> from(view);
  Attribute a;
  int64_t kind = 0;
  while (from.next()) switch (from.tag()) {
      case AttributeTag::kName:
        a.name = text(from);
        break;
      case AttributeTag::kFloat:
        a.f = real(from);
        break;
      case AttributeTag::kInt:
        a.i = integer(from);
        break;
      case AttributeTag::kInts:
        read_ints(from, a.ints);
        break;
      case AttributeTag::kType:
        kind = integer(from);
        break;
      default:
        from.skip();
    }
  a.kind = static_cast<Attribute::Kind>(kind);
  if (kind != 1 && kind != 2 && kind != 7)
    refuse("attribute '" + a.name + "' is neither a number nor a list of integers");
  return a;
}

Node read_node(protozero::data_view view) {
  Reader<NodeTag> from(view);
  Node node;
  while (from.next()) switch (from.tag()) {
      case NodeTag::kInput:
        node.inputs.push_back(text(from));
        break;
      case NodeTag::kOutput:
        node.outputs.push_back(text(from));
        break;
      case NodeTag::kName:
        node.name = text(from);
        break;
      case NodeTag::kOp:
        node.op = text(from);
        break;
      case NodeTag::kAttribute:
        node.attributes.push_back(read_attribute(part(from)));
        break;
      default:
        from.skip();
    }
  return node;
}

Tensor read_tensor(protozero::data_view view) {
  Reader<TensorTag> from(view);
  Tensor tensor;
  int64_t type = 0;
  while (from.next()) switch (from.tag()) {
      case TensorTag::kDims:
        read_ints(from, tensor.sizes);
        break;
      case TensorTag::kType:
        type = integer(from);
        break;
      case TensorTag::kName:
        tensor.name = text(from);
        break;
      case TensorTag::kRaw: {
        const protozero::data_view raw = part(from);
        tensor.borrowed = {raw.data(), raw.size()};
        break;
      }
      default:
        refuse("tensor '" + tensor.name + "' keeps its values elsewhere than in raw_data");
    }
  tensor.type = static_cast<Type>(type);
  if (type != 1 && type != 7) refuse("tensor '" + tensor.name + "' is neither float nor int64");
  return tensor;
}

int64_t read_dim(protozero::data_view view) {
  Reader<DimTag> from(view);
  int64_t size = 0;
  while (from.next()) switch (from.tag()) {
      case DimTag::kValue:
        size = integer(from);
        break;
      case DimTag::kParam:
        if (text(from) != kBatchName) refuse("a size other than the batch is free");
        size = kBatch;
        break;
      default:
        from.skip();
    }
  return size;
}

Value read_value(protozero::data_view view) {
  Reader<ValueTag> from(view);
  Value value;
  while (from.next()) switch (from.tag()) {
      case ValueTag::kName:
        value.name = text(from);
        break;
      case ValueTag::kType: {
        Reader<TypeTag> type(part(from));
        if (!type.next(TypeTag::kTensor)) refuse("value '" + value.name + "' is no tensor");
        Reader<TensorTypeTag> tensor(part(type));
        while (tensor.next()) {
          if (tensor.tag() != TensorTypeTag::kShape) {
            if (integer(tensor) != static_cast<int64_t>(Type::kFloat))
              refuse("value '" + value.name + "' is not of floats");
            continue;
          }
          Reader<ShapeTag> shape(part(tensor));
          while (shape.next(ShapeTag::kDim)) value.sizes.push_back(read_dim(part(shape)));
        }
        break;
      }
      default:
        from.skip();
    }
  return value;
}

void read_graph(protozero::data_view view, Model& model) {
  Reader<GraphTag> from(view);
  while (from.next()) switch (from.tag()) {
      case GraphTag::kNode:
        model.nodes.push_back(read_node(part(from)));
        break;
      case GraphTag::kName:
        model.graph_name = text(from);
        break;
      case GraphTag::kInitializer:
        model.tensors.push_back(read_tensor(part(from)));
        break;
      case GraphTag::kInput:
        model.inputs.push_back(read_value(part(from)));
        break;
      case GraphTag::kOutput:
        model.outputs.push_back(read_value(part(from)));
        break;
      case GraphTag::kValue:
        model.values.push_back(read_value(part(from)));
        break;
      default:
        from.skip();
    }
}

void read_opset(protozero::data_view view, Model& model) {
  Reader<OpsetTag> from(view);
  std::string domain;
  while (from.next()) switch (from.tag()) {
      case OpsetTag::kDomain:
        domain = text(from);
        break;
      case OpsetTag::kVersion:
        model.opset = integer(from);
        break;
      default:
        from.skip();
    }
  if (!domain.empty()) refuse("it has operators of the domain '" + domain + "'");
}

std::pair<std::string, std::string> read_entry(protozero::data_view view) {
  Reader<EntryTag> from(view);
  std::pair<std::string, std::string> entry;
  while (from.next()) switch (from.tag()) {
      case EntryTag::kKey:
        entry.first = text(from);
        break;
      case EntryTag::kValue:
        entry.second = text(from);
        break;
      default:
        from.skip();
    }
  return entry;
}

Model read_model(std::string_view bytes) {
  Reader<ModelTag> from(bytes.data(), bytes.size());
  Model model;
  while (from.next()) switch (from.tag()) {
      case ModelTag::kIrVersion:
        model.ir_version = integer(from);
        break;
      case ModelTag::kProducer:
        model.producer = text(from);
        break;
      case ModelTag::kProducerVersion:
        model.producer_version = text(from);
        break;
      case ModelTag::kDoc:
        model.doc = text(from);
        break;
      case ModelTag::kGraph:
        read_graph(part(from), model);
        break;
      case ModelTag::kOpset:
        read_opset(part(from), model);
        break;
      case ModelTag::kMetadata:
        model.metadata.push_back(read_entry(part(from)));
        break;
      default:
        from.skip();
    }
  return model;
}

}  // namespace

std::string encode(const Model& model) {
  std::string bytes;
  Writer<ModelTag> to(bytes);
  to.add_int64(ModelTag::kIrVersion, model.ir_version);
  to.add_string(ModelTag::kProducer, model.producer);
  to.add_string(ModelTag::kProducerVersion, model.producer_version);
  to.add_int64(ModelTag::kModelVersion, 1);
  to.add_string(ModelTag::kDoc, model.doc);
  {
    Writer<GraphTag> graph(to, ModelTag::kGraph);
    for (const Node& node : model.nodes) write(graph, node);
    graph.add_string(GraphTag::kName, model.graph_name);
    for (const Tensor& tensor : model.tensors) write(graph, tensor);
    for (const Value& value : model.inputs) write(graph, GraphTag::kInput, value);
    for (const Value& value : model.outputs) write(graph, GraphTag::kOutput, value);
    for (const Value& value : model.values) write(graph, GraphTag::kValue, value);
  }
  for (const auto& [key, value] : model.metadata) {
    Writer<EntryTag> entry(to, ModelTag::kMetadata);
    entry.add_string(EntryTag::kKey, key);
    entry.add_string(EntryTag::kValue, value);
  }
  // Last, and nobody runs a file without: one that was cut short is never taken for whole.
  {
    Writer<OpsetTag> opset(to, ModelTag::kOpset);
    opset.add_string(OpsetTag::kDomain, "");
    opset.add_int64(OpsetTag::kVersion, model.opset);
  }
  return bytes;
}

Model decode(std::string_view bytes, const std::string& path) {
  try {
    return read_model(bytes);
  } catch (const protozero::exception& e) {
    throw DataError(path + ": not an ONNX file, or damaged (" + e.what() + ")");
  } catch (const DataError& e) {
    throw DataError(path + ": not an ONNX file of this program: " + e.what());
  }
}

}  // namespace nas::onnx
