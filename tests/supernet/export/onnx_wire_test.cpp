// The bytes of ONNX files. Beside the program's own writer and reader stands a small writer of the
// protocol-buffer wire format here, which puts fields together by the numbers of onnx.proto.
#include <gmock/gmock.h>

#include <cstring>

#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "supernet/export/onnx/model.hpp"

namespace nas::onnx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// ---- A writer of its own: a key is the field's number and the kind of its value.

std::string varint(uint64_t value) {
  std::string text;
  do {
    const auto low = static_cast<unsigned char>(value & 127);
    value >>= 7;
    text += static_cast<char>(value == 0 ? low : low | 128);
  } while (value != 0);
  return text;
}
std::string number(uint32_t field, int64_t value) {
  return varint(field << 3) + varint(static_cast<uint64_t>(value));
}
std::string bytes(uint32_t field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}
std::string real(uint32_t field, float value) {
  std::string text(4, '\0');
  std::memcpy(text.data(), &value, 4);
  return varint(field << 3 | 5) + text;
}
std::string raw(const std::vector<float>& values) {
  std::string text(4 * values.size(), '\0');
  std::memcpy(text.data(), values.data(), text.size());
  return text;
}

/// What ValueInfoProto is of a tensor of floats; size kBatch by its name.
std::string value_info(const std::string& name, const std::vector<int64_t>& sizes) {
  std::string shape;
  for (const int64_t size : sizes)
    shape += bytes(1, size == kBatch ? bytes(2, "batch") : number(1, size));
  return bytes(1, name) + bytes(2, bytes(1, number(1, 1) + bytes(2, shape)));
}
/// A model around a graph: versions, the graph, the opset.
std::string model_bytes(const std::string& graph, const std::string& rest = "") {
  return number(1, 8) + bytes(2, "nas") + bytes(7, graph) + rest + bytes(8, number(2, 17));
}
/// Model of one node with those attributes' bytes.
std::string with_attribute(const std::string& attribute) {
  return model_bytes(bytes(1, bytes(4, "Relu") + bytes(5, attribute)));
}

Model scaled() {
  Model m;
  m.ir_version = 8;
  m.opset = 17;
  m.producer = "nas";
  m.producer_version = "0.2";
  m.doc = "doc";
  m.graph_name = "net";
  m.tensors.push_back({"w", Type::kFloat, {2}, {}, raw({1.5F, -2})});
  m.inputs = {{"image", {kBatch, 2}}};
  m.outputs = {{"logits", {kBatch, 2}}};
  m.nodes.push_back({"n",
                     "Mul",
                     {"image", "w"},
                     {"logits"},
                     {attribute("axis", -1),
                      attribute("pads", std::vector<int64_t>{0, 300}),
                      real_attribute("alpha", 0.25F)}});
  m.metadata = {{"key", "value"}};
  return m;
}

std::string told_by(const std::string& file) {
  try {
    decode(file, "f.onnx");
  } catch (const DataError& e) {
    return e.what();
  }
  return "nothing";
}

// ---- Bytes.

TEST(OnnxWire, FieldsHaveTheNumbersOfOnnxProto) {
  const std::string node =
      bytes(1, "image") + bytes(1, "w") + bytes(2, "logits") + bytes(3, "n") + bytes(4, "Mul") +
      bytes(5, bytes(1, "axis") + number(3, -1) + number(20, 2)) +
      bytes(5, bytes(1, "pads") + number(8, 0) + number(8, 300) + number(20, 7)) +
      bytes(5, bytes(1, "alpha") + real(2, 0.25F) + number(20, 1));
  const std::string tensor =
      number(1, 2) + number(2, 1) + bytes(8, "w") + bytes(9, raw({1.5F, -2}));
  const std::string graph = bytes(1, node) + bytes(2, "net") + bytes(5, tensor) +
                            bytes(11, value_info("image", {kBatch, 2})) +
                            bytes(12, value_info("logits", {kBatch, 2}));
  const std::string model = number(1, 8) + bytes(2, "nas") + bytes(3, "0.2") + number(5, 1) +
                            bytes(6, "doc") + bytes(7, graph) +
                            bytes(14, bytes(1, "key") + bytes(2, "value")) +
                            bytes(8, bytes(1, "") + number(2, 17));
  EXPECT_EQ(encode(scaled()), model);
}

TEST(OnnxWire, WhatIsWrittenIsReadBack) {
  const std::string file = encode(scaled());
  const Model m = decode(file, "f.onnx");
  EXPECT_NO_THROW(require_sound(m, "f.onnx"));
  EXPECT_EQ(m.ir_version, 8);
  EXPECT_EQ(m.opset, 17);
  EXPECT_EQ(m.producer_version, "0.2");
  EXPECT_EQ(m.doc, "doc");
  EXPECT_EQ(m.graph_name, "net");
  ASSERT_EQ(m.nodes.size(), 1U);
  EXPECT_THAT(m.nodes[0].inputs, ElementsAre("image", "w"));
  EXPECT_EQ(m.nodes[0].find("axis")->i, -1);
  EXPECT_THAT(m.nodes[0].find("pads")->ints, ElementsAre(0, 300));
  EXPECT_EQ(m.nodes[0].find("alpha")->f, 0.25F);
  EXPECT_EQ(m.nodes[0].find("beta"), nullptr);
  EXPECT_EQ(m.find_tensor("w")->bytes(), raw({1.5F, -2}));
  EXPECT_EQ(m.find_tensor("v"), nullptr);
  EXPECT_THAT(m.inputs[0].sizes, ElementsAre(kBatch, 2));
  EXPECT_EQ(*m.find_metadata("key"), "value");
  EXPECT_EQ(m.find_metadata("value"), nullptr);
  // Tensors are not copied: their bytes are those of the file.
  const char* at = m.tensors[0].borrowed.data();
  EXPECT_TRUE(at > file.data() && at < file.data() + file.size());
}

/// Names of any characters, numbers of any size.
Model random_model(Rng& rng) {
  const auto name = [&rng] {
    std::string text;
    for (uint64_t n = rng.below(20); n > 0; --n) text += static_cast<char>(rng.below(256));
    return text;
  };
  const auto integer = [&rng] {
    return static_cast<int64_t>(rng.next() >> rng.below(64)) * (rng.below(2) == 0 ? 1 : -1);
  };
  Model m;
  m.ir_version = integer();
  m.opset = integer();
  m.producer = name();
  m.doc = std::string(rng.below(400), 'x');
  m.graph_name = name();
  for (uint64_t k = rng.below(4); k > 0; --k) {
    Node node{name(), name(), {}, {name()}, {attribute(name(), integer())}};
    for (uint64_t i = rng.below(4); i > 0; --i) node.inputs.push_back(name());
    std::vector<int64_t> ints;
    for (uint64_t i = rng.below(5); i > 0; --i) ints.push_back(integer());
    node.attributes.push_back(attribute(name(), ints));
    node.attributes.push_back(real_attribute(name(), static_cast<float>(rng.normal())));
    m.nodes.push_back(node);
    m.tensors.push_back(
        {name(), rng.below(2) == 0 ? Type::kFloat : Type::kInt64, ints, {}, name()});
    m.values.push_back({name(), {kBatch, static_cast<int64_t>(rng.below(1000))}});
    m.metadata.emplace_back(name(), name());
  }
  return m;
}

TEST(OnnxWire, AnyModelGoesThroughItsBytes) {
  Rng rng(4, "models");
  for (int k = 0; k < 300; ++k) {
    const Model m = random_model(rng);
    const std::string file = encode(m);
    const Model again = decode(file, "f.onnx");
    EXPECT_EQ(again.ir_version, m.ir_version);
    EXPECT_EQ(again.opset, m.opset);
    EXPECT_EQ(again.doc, m.doc);
    EXPECT_EQ(again.metadata, m.metadata);
    ASSERT_EQ(again.nodes.size(), m.nodes.size());
    for (size_t i = 0; i < m.nodes.size(); ++i) {
      EXPECT_EQ(again.nodes[i].inputs, m.nodes[i].inputs);
      ASSERT_EQ(again.nodes[i].attributes.size(), 3U);
      EXPECT_EQ(again.nodes[i].attributes[0].i, m.nodes[i].attributes[0].i);
      EXPECT_EQ(again.nodes[i].attributes[1].ints, m.nodes[i].attributes[1].ints);
      EXPECT_EQ(again.nodes[i].attributes[2].f, m.nodes[i].attributes[2].f);
      EXPECT_EQ(again.tensors[i].sizes, m.tensors[i].sizes);
      EXPECT_EQ(again.tensors[i].bytes(), m.tensors[i].bytes());
      EXPECT_EQ(again.values[i].sizes, m.values[i].sizes);
    }
    EXPECT_EQ(encode(again), file);
  }
}

// Other writers put lists of numbers into one field, and fields that came later.
TEST(OnnxWire, OtherWritersFilesSayTheSame) {
  const std::string packed = varint(0) + varint(300) + varint(static_cast<uint64_t>(-7));
  const Model m = decode(with_attribute(bytes(1, "pads") + bytes(8, packed) + number(20, 7)), "f");
  EXPECT_THAT(m.nodes.at(0).find("pads")->ints, ElementsAre(0, 300, -7));

  const std::string tensor =
      bytes(1, varint(2) + varint(3)) + number(2, 7) + bytes(8, "t") + bytes(9, "");
  const std::string graph = bytes(5, tensor) + bytes(10, "a graph's doc") +
                            bytes(1, bytes(4, "Relu") + bytes(7, "") + bytes(6, "a node's doc"));
  const Model later =
      decode(model_bytes(graph, bytes(4, "a domain") + number(99, 5) + real(98, 1.5F)), "f");
  EXPECT_THAT(later.tensors.at(0).sizes, ElementsAre(2, 3));
  EXPECT_EQ(later.tensors[0].type, Type::kInt64);
  EXPECT_EQ(later.nodes.at(0).op, "Relu");
  EXPECT_EQ(later.opset, 17);
}

TEST(OnnxWire, WhatThisProgramNeverWritesIsToldByItsName) {
  const std::string begin = "f.onnx: not an ONNX file of this program: ";
  // AttributeProto.STRING, and one that says nothing of its type.
  EXPECT_EQ(told_by(with_attribute(bytes(1, "mode") + bytes(4, "linear") + number(20, 3))),
            begin + "attribute 'mode' is neither a number nor a list of integers");
  EXPECT_EQ(told_by(with_attribute(bytes(1, "mode") + number(3, 1))),
            begin + "attribute 'mode' is neither a number nor a list of integers");
  // TensorProto.float_data (4), external_data (13), DOUBLE (11).
  const auto tensor = [](const std::string& fields) { return model_bytes(bytes(5, fields)); };
  EXPECT_EQ(told_by(tensor(bytes(8, "w") + number(2, 1) + bytes(4, raw({1})))),
            begin + "tensor 'w' keeps its values elsewhere than in raw_data");
  EXPECT_EQ(told_by(tensor(bytes(8, "w") + number(2, 1) + bytes(13, ""))),
            begin + "tensor 'w' keeps its values elsewhere than in raw_data");
  EXPECT_EQ(told_by(tensor(bytes(8, "w") + number(2, 11) + bytes(9, raw({1, 2})))),
            begin + "tensor 'w' is neither float nor int64");
  // A size that is free under another name; a sequence (4) instead of a tensor; integers.
  const auto value = [](const std::string& type) {
    return model_bytes(bytes(11, bytes(1, "x") + bytes(2, type)));
  };
  EXPECT_EQ(told_by(value(bytes(1, number(1, 1) + bytes(2, bytes(1, bytes(2, "height")))))),
            begin + "a size other than the batch is free");
  EXPECT_EQ(told_by(value(bytes(4, ""))), begin + "value 'x' is no tensor");
  EXPECT_EQ(told_by(value(bytes(1, number(1, 7)))), begin + "value 'x' is not of floats");
  EXPECT_EQ(told_by(model_bytes("", bytes(8, bytes(1, "ai.onnx.ml") + number(2, 3)))),
            begin + "it has operators of the domain 'ai.onnx.ml'");
}

TEST(OnnxWire, FieldsOfAnotherTypeAreTold) {
  const std::string begin = "f.onnx: not an ONNX file of this program: ";
  EXPECT_EQ(told_by(bytes(1, "8")), begin + "field 1 has another type");
  EXPECT_EQ(told_by(number(2, 8)), begin + "field 2 has another type");
  EXPECT_EQ(told_by(real(7, 8)), begin + "field 7 has another type");
  EXPECT_EQ(told_by(with_attribute(number(2, 1))), begin + "field 2 has another type");
  EXPECT_EQ(told_by(with_attribute(real(8, 1))), begin + "field 8 has another type");
  EXPECT_EQ(told_by(model_bytes(bytes(5, number(9, 1)))), begin + "field 9 has another type");
}

TEST(OnnxWire, DamageOfTheFormatIsTold) {
  const std::string begin = "f.onnx: not an ONNX file, or damaged (";
  EXPECT_THAT(told_by("\x12\x7f"), StartsWith(begin));  // Longer than the file.
  EXPECT_THAT(told_by("\x0f"), StartsWith(begin));      // A kind of value that is none.
  EXPECT_THAT(told_by("\x08"), StartsWith(begin));      // A key without value.
  EXPECT_THAT(told_by("\x08" + std::string(11, '\xff')), StartsWith(begin));  // Of 77 bits.
  EXPECT_THAT(told_by(with_attribute(bytes(1, "p") + bytes(8, "\x80") + number(20, 7))),
              StartsWith(begin));  // A packed list that ends inside a number.
  EXPECT_THAT(told_by("hello, this is text"), StartsWith("f.onnx: not an ONNX file"));
}

// The opset stands last, so that no file that was cut short is taken for a network.
TEST(OnnxWire, EveryPartOfAFileIsRefused) {
  const std::string file = encode(scaled());
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_THROW(require_sound(decode(file.substr(0, size), "f.onnx"), "f.onnx"), DataError)
        << size << " of " << file.size();
}

// ---- Values.

TEST(OnnxModel, ElementsAreTheProductUnlessNoFileCouldHoldThem) {
  const auto elements = [](std::vector<int64_t> sizes) {
    return Tensor{"t", Type::kFloat, std::move(sizes), {}, {}}.elements();
  };
  EXPECT_EQ(elements({}), 1);  // A single number.
  EXPECT_EQ(elements({3, 5, 7}), 105);
  EXPECT_EQ(elements({3, 0, 7}), 0);
  EXPECT_EQ(elements({3, -1}), -1);
  EXPECT_EQ(elements({-1, -1}), -1);
  EXPECT_EQ(elements({kMostBytes}), kMostBytes);
  EXPECT_EQ(elements({kMostBytes + 1}), -1);
  EXPECT_EQ(elements({65536, 32768}), -1);
  EXPECT_EQ(elements({65536, 32767}), int64_t{65536} * 32767);
  EXPECT_EQ(elements({int64_t{1} << 62, 4}), -1);  // Would be 0 modulo 2^64.
}

TEST(OnnxModel, EachThingThatReadersRelyOnIsTold) {
  const auto told = [](const auto& change) {
    Model model = scaled();
    change(model);
    try {
      require_sound(model, "f.onnx");
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), StartsWith("f.onnx: a broken ONNX file: "));
      return std::string(e.what()).substr(28);
    }
    return std::string("nothing");
  };
  EXPECT_EQ(told([](Model&) {}), "nothing");
  EXPECT_EQ(told([](Model& m) { m.opset = 12; }), "opset 12 is none of 13 to 17");
  EXPECT_EQ(told([](Model& m) { m.inputs[0].name = ""; }), "'' is given twice");
  EXPECT_EQ(told([](Model& m) { m.inputs[0].name = "w"; }), "'w' is given twice");
  EXPECT_EQ(told([](Model& m) { m.nodes[0].outputs[0] = "image"; }), "'image' is given twice");
  EXPECT_EQ(told([](Model& m) { m.tensors[0].own.pop_back(); }),
            "tensor 'w' has not as many bytes as its sizes say");
  EXPECT_EQ(told([](Model& m) { m.tensors[0].type = Type::kInt64; }),
            "tensor 'w' has not as many bytes as its sizes say");
  EXPECT_EQ(told([](Model& m) {
              m.values = {{"logits", {kBatch, 2}}};
            }),
            "'logits' is described twice");
  EXPECT_EQ(told([](Model& m) { m.outputs[0].sizes[1] = kBatch; }),
            "the sizes of 'logits' are unknown");
  EXPECT_EQ(told([](Model& m) { m.outputs[0].sizes[1] = 0; }), "the sizes of 'logits' are unknown");
  EXPECT_EQ(told([](Model& m) { m.nodes[0].inputs[0] = "logits"; }),
            "node 'n' reads 'logits', which nothing gives before it");
  EXPECT_EQ(told([](Model& m) { m.nodes[0].outputs.clear(); }), "node 'n' has not one output");
  EXPECT_EQ(told([](Model& m) { m.nodes[0].outputs.push_back("b"); }),
            "node 'n' has not one output");
  EXPECT_EQ(told([](Model& m) {
              m.inputs.clear();
              m.nodes.clear();
            }),
            "it has not one output");
  EXPECT_EQ(told([](Model& m) { m.nodes.clear(); }), "nothing gives the output 'logits'");
  EXPECT_EQ(told([](Model& m) { m.inputs[0].sizes.clear(); }), "the batch of 'image' is not free");
  EXPECT_EQ(told([](Model& m) { m.nodes[0].inputs[1] = ""; }), "nothing");  // Left out.
}

}  // namespace
}  // namespace nas::onnx
