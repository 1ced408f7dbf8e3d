// A fingerprint parts spaces whose networks differ, and no others.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "spaces/registry.hpp"

namespace nas {
namespace {

std::string fingerprint_of(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  return make_space(source)->fingerprint();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " is not in\n" << text;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

const char* const kCnn =
    "family: cnn\nchannels: 1\nresolution: 8\nclasses: 10\nstem_width: 8\nkinds: [sep3, mb3]\n"
    "stages:\n  - {widths: [4, 8], depths: [0, 1], stride: 1}\n";
const char* const kPool =
    "family: downsampling\nvariant: resnet20-pool\nclasses: 10\nresolution: 32\n"
    "form: supernet\nlast_width: 0\n";
const char* const kStride =
    "family: downsampling\nvariant: resnet18-stride\nclasses: 10\nresolution: 32\n"
    "imagenet_stem: false\n";
const char* const kCustom =
    "family: custom\nchannels: 3\nresolutions: [8, 16]\nclasses: 10\n"
    "stem: {width: 4, kernel: 3, stride: 1, act: relu}\n"
    "blocks:\n"
    "  - {name: mb, kind: mbconv, kernels: [3, 5], expansions: [2, 3], se: 0.25, act: relu}\n"
    "stages:\n"
    "  - {name: one, widths: [4, 8], depths: [1, 2], stride: 1, blocks: [mb, conv],\n"
    "     shortcut: false, layers: [{blocks: [mb, sep]}]}\n"
    "  - {name: two, widths: [8], depths: [1, 2], stride: 2, blocks: [conv, basic]}\n"
    "head: {width: 8, act: relu, dropout: 0.1}\n"
    "conditions: [{choice: two.depth, when: one.depth >= 2}]\n"
    "rules: [{when: one.width == 8, require: one.depth == 2}]\n"
    "freeze: [two.layer1=conv]\n";
const char* const kNb201 =
    "family: nasbench201\nwidth: 8\ncells: 1\nclasses: 10\nresolution: 8\ninput_channels: 3\n"
    "form: supernet\nconnected: false\n";
const char* const kMacro =
    "family: nasbench-macro\nclasses: 10\nresolution: 32\ninput_channels: 3\nform: standalone\n";
const char* const kMobileNet =
    "family: mobilenet\nvariant: mobilenetv3\nwidth_mult: 1.0\nkernels: [3, 5]\n"
    "expansions: [3, 4]\ndepths: [1, 2]\nresolutions: [32]\nclasses: 10\ninput_channels: 3\n"
    "kernel_transform: true\ndropout: 0.0\ndrop_path: 0.0\nzero_init_residual: false\n";
const char* const kResNet50 =
    "family: ofa_resnet50\nexpansions: [0.2, 0.25]\nwidths: [0.65, 1.0]\nclasses: 10\n"
    "resolution: 64\ninput_channels: 3\n";
const char* const kDarts =
    "family: darts\nform: search\nwidth: 8\nlayers: 3\nclasses: 10\nresolution: 32\n"
    "input_channels: 3\nnone: false\ndrop_path: 0\nauxiliary: 0\n";

struct Change {
  const char* family;
  const char* key;  ///< As `keys_of` tells it.
  const char* yaml;
  const char* from;
  const char* to;
};

const Change kChanges[] = {
    {"cnn", "channels", kCnn, "channels: 1", "channels: 3"},
    {"cnn", "resolution", kCnn, "resolution: 8", "resolution: 9"},
    {"cnn", "classes", kCnn, "classes: 10", "classes: 11"},
    {"cnn", "stem_width", kCnn, "stem_width: 8", "stem_width: 9"},
    {"cnn", "kinds", kCnn, "[sep3, mb3]", "[sep5, mb3]"},
    {"cnn", "kinds", kCnn, "[sep3, mb3]", "[mb3, sep3]"},
    {"cnn", "stages[].widths", kCnn, "[4, 8]", "[4, 9]"},
    {"cnn", "stages[].widths", kCnn, "[4, 8]", "[5, 8]"},
    {"cnn", "stages[].depths", kCnn, "[0, 1]", "[0, 1, 2]"},
    {"cnn", "stages[].stride", kCnn, "stride: 1", "stride: 2"},
    {"downsampling", "variant", kStride, "resnet18-stride", "resnet50-stride"},
    {"downsampling", "classes", kPool, "classes: 10", "classes: 100"},
    {"downsampling", "resolution", kPool, "resolution: 32", "resolution: 64"},
    {"downsampling", "imagenet_stem", kStride, "imagenet_stem: false", "imagenet_stem: true"},
    {"downsampling", "form", kPool, "supernet", "standalone"},
    {"downsampling", "last_width", kPool, "last_width: 0", "last_width: 10"},
    {"custom", "channels", kCustom, "channels: 3", "channels: 1"},
    {"custom", "resolutions", kCustom, "[8, 16]", "[8, 12, 16]"},
    {"custom", "resolutions", kCustom, "[8, 16]", "[16]"},
    {"custom", "classes", kCustom, "classes: 10", "classes: 12"},
    {"custom", "stem.width", kCustom, "stem: {width: 4", "stem: {width: 6"},
    {"custom", "stem.kernel", kCustom, "kernel: 3", "kernel: 5"},
    {"custom", "stem.stride", kCustom, "stride: 1", "stride: 2"},
    {"custom", "stem.act", kCustom, "act: relu}\nblocks", "act: swish}\nblocks"},
    {"custom",
     "blocks[].name",
     "family: custom\nstages: [{widths: [8, 16], blocks: [a]}]\nblocks: [{name: a, kind: conv}]\n",
     "a]}]\nblocks: [{name: a",
     "b]}]\nblocks: [{name: b"},
    {"custom",
     "blocks[].kind",
     kCustom,
     "mbconv, kernels: [3, 5], expansions: [2, 3], se: 0.25",
     "bottleneck, kernels: [3, 5], expansions: [2, 3]"},
    {"custom", "blocks[].kernels", kCustom, "[3, 5]", "[3, 7]"},
    {"custom", "blocks[].expansions", kCustom, "[2, 3]", "[2, 4]"},
    {"custom", "blocks[].se", kCustom, "se: 0.25", "se: 0.5"},
    {"custom", "blocks[].act", kCustom, "act: relu}\nstages", "act: relu6}\nstages"},
    {"custom",
     "stages[].name",
     "family: custom\nstages: [{name: two, widths: [8, 16]}]\n",
     "name: two",
     "name: late"},
    {"custom", "stages[].widths", kCustom, "widths: [8]", "widths: [9]"},
    {"custom",
     "stages[].depths",
     kCustom,
     "depths: [1, 2], stride: 2",
     "depths: [1, 2, 3], stride: 2"},
    {"custom", "stages[].stride", kCustom, "stride: 2", "stride: 1"},
    {"custom", "stages[].blocks", kCustom, "[conv, basic]", "[conv, skip]"},
    {"custom", "stages[].layers[].blocks", kCustom, "[mb, sep]", "[mb, conv]"},
    {"custom", "stages[].shortcut", kCustom, "shortcut: false", "shortcut: true"},
    {"custom", "head.width", kCustom, "head: {width: 8", "head: {width: 9"},
    {"custom", "head.act", kCustom, "act: relu, dropout", "act: hswish, dropout"},
    {"custom", "head.dropout", kCustom, "dropout: 0.1", "dropout: 0.2"},
    {"custom", "conditions[].choice", kCustom, "choice: two.depth", "choice: one.layer2"},
    {"custom", "conditions[].when", kCustom, "when: one.depth >= 2", "when: one.width == 8"},
    {"custom", "rules[].when", kCustom, "when: one.width == 8", "when: one.width == 4"},
    {"custom", "rules[].require", kCustom, "require: one.depth == 2", "require: one.depth == 1"},
    {"custom", "freeze", kCustom, "freeze: [two.layer1=conv]", "freeze: [two.layer1=basic]"},
    {"custom", "freeze", kCustom, "freeze: [two.layer1=conv]", "freeze: []"},
    {"nasbench201", "width", kNb201, "width: 8", "width: 16"},
    {"nasbench201", "cells", kNb201, "cells: 1", "cells: 2"},
    {"nasbench201", "classes", kNb201, "classes: 10", "classes: 100"},
    {"nasbench201", "resolution", kNb201, "resolution: 8", "resolution: 16"},
    {"nasbench201", "input_channels", kNb201, "input_channels: 3", "input_channels: 1"},
    {"nasbench201", "form", kNb201, "supernet", "standalone"},
    {"nasbench201", "connected", kNb201, "connected: false", "connected: true"},
    {"nasbench-macro", "classes", kMacro, "classes: 10", "classes: 20"},
    {"nasbench-macro", "resolution", kMacro, "resolution: 32", "resolution: 64"},
    {"nasbench-macro", "input_channels", kMacro, "input_channels: 3", "input_channels: 1"},
    {"nasbench-macro", "form", kMacro, "standalone", "supernet"},
    {"mobilenet", "variant", kMobileNet, "mobilenetv3", "mobilenetv3-32"},
    {"mobilenet", "variant", kMobileNet, "mobilenetv3", "proxyless"},
    {"mobilenet", "width_mult", kMobileNet, "1.0", "1.2"},
    {"mobilenet", "kernels", kMobileNet, "[3, 5]", "[3, 7]"},
    {"mobilenet", "expansions", kMobileNet, "[3, 4]", "[3, 6]"},
    {"mobilenet", "depths", kMobileNet, "[1, 2]", "[1, 2, 3]"},
    {"mobilenet", "resolutions", kMobileNet, "[32]", "[64]"},
    {"mobilenet", "resolutions", kMobileNet, "[32]", "[16, 32]"},
    {"mobilenet", "classes", kMobileNet, "classes: 10", "classes: 20"},
    {"mobilenet", "input_channels", kMobileNet, "input_channels: 3", "input_channels: 1"},
    {"mobilenet", "kernel_transform", kMobileNet, "transform: true", "transform: false"},
    {"mobilenet", "dropout", kMobileNet, "dropout: 0.0", "dropout: 0.1"},
    {"mobilenet", "drop_path", kMobileNet, "drop_path: 0.0", "drop_path: 0.1"},
    {"mobilenet", "zero_init_residual", kMobileNet, "residual: false", "residual: true"},
    {"ofa_resnet50", "expansions", kResNet50, "[0.2, 0.25]", "[0.2, 0.35]"},
    {"ofa_resnet50", "widths", kResNet50, "[0.65, 1.0]", "[0.8, 1.0]"},
    {"ofa_resnet50", "classes", kResNet50, "classes: 10", "classes: 20"},
    {"ofa_resnet50", "resolution", kResNet50, "resolution: 64", "resolution: 96"},
    {"ofa_resnet50", "input_channels", kResNet50, "input_channels: 3", "input_channels: 1"},
    {"darts", "form", kDarts, "form: search", "form: final"},
    {"darts", "width", kDarts, "width: 8", "width: 10"},
    {"darts", "layers", kDarts, "layers: 3", "layers: 4"},
    {"darts", "classes", kDarts, "classes: 10", "classes: 20"},
    {"darts", "resolution", kDarts, "resolution: 32", "resolution: 64"},
    {"darts", "input_channels", kDarts, "input_channels: 3", "input_channels: 1"},
    {"darts", "none", kDarts, "none: false", "none: true"},
    {"darts", "drop_path", kDarts, "drop_path: 0", "drop_path: 0.1"},
    {"darts", "auxiliary", kDarts, "auxiliary: 0", "auxiliary: 0.4"},
};

void keys_of(const nlohmann::json& schema, const std::string& prefix, std::set<std::string>& keys) {
  for (const auto& [key, value] : schema.at("properties").items()) {
    if (value.empty()) continue;  // `family`
    if (value.contains("properties"))
      keys_of(value, prefix + key + ".", keys);
    else if (value.contains("items") && value["items"].contains("properties"))
      keys_of(value["items"], prefix + key + "[].", keys);
    else
      keys.insert(prefix + key);
  }
}

TEST(Fingerprint, EveryOptionOfEveryFamilyParts) {
  for (const SpaceFamily& family : space_families()) {
    std::set<std::string> tried;
    for (const Change& change : kChanges) {
      // The two share their options; a proxyless space is one of these with other defaults.
      const bool same = family.name == change.family ||
                        (family.name == "proxyless" && std::string(change.family) == "mobilenet");
      if (!same) continue;
      std::string yaml = change.yaml;
      if (family.name == "proxyless") {
        yaml = replaced(yaml, "family: mobilenet", "family: proxyless");
      }
      tried.insert(change.key);
      EXPECT_NE(fingerprint_of(yaml), fingerprint_of(replaced(yaml, change.from, change.to)))
          << family.name << "." << change.key << ": " << change.to;
    }
    std::set<std::string> keys;
    keys_of(nlohmann::json::parse(json_schema(family.name, family.describe)), "", keys);
    for (const std::string& key : keys)
      EXPECT_TRUE(tried.count(key))
          << family.name << "." << key << " is new: add a change of it to this test";
  }
}

struct Same {
  const char* why;
  std::string one, other;
};

TEST(Fingerprint, WhatChangesNoNetworkPartsNothing) {
  const Same pairs[] = {
      {"a comment", kCnn, "# small\n" + std::string(kCnn)},
      {"the order of keys",
       "family: cnn\nchannels: 1\nresolution: 8\nstages: [{widths: [4], depths: [1, 2]}]\n",
       "stages: [{depths: [1, 2], widths: [4]}]\nresolution: 8\nchannels: 1\nfamily: cnn\n"},
      {"defaults written out",
       "family: cnn\nstages: [{}]\n",
       "family: cnn\nchannels: 1\nresolution: 8\nclasses: 10\nstem_width: 16\n"
       "kinds: [conv3, conv5, sep3, mb3]\n"
       "stages: [{widths: [16, 24, 32], depths: [0, 1, 2], stride: 1}]\n"},
      {"DARTS: the width of the form",
       replaced(kDarts, "width: 8", "width: 0"),
       replaced(kDarts, "width: 8", "width: 16")},
      {"ResNet20: the width it has", kPool, replaced(kPool, "last_width: 0", "last_width: 64")},
      {"custom: a block that no stage names",
       kCustom,
       replaced(kCustom, "stages:\n", "  - {name: idle, kind: conv, kernels: [7]}\nstages:\n")},
      {"custom: the name that a stage has anyway",
       "family: custom\nstages: [{widths: [8, 16]}]\n",
       "family: custom\nstages: [{name: stage1, widths: [8, 16]}]\n"},
      {"custom: a kind defined as it is",
       "family: custom\nstages: [{widths: [8, 16], blocks: [conv]}]\n",
       "family: custom\nblocks: [{name: conv, kind: conv, kernels: [3]}]\n"
       "stages: [{widths: [8, 16], blocks: [conv]}]\n"},
      {"custom: other words for a rule",
       kCustom,
       replaced(kCustom, "require: one.depth == 2", "require: one.depth >= 2")},
      {"custom: one option left or frozen",
       "family: custom\nstages: [{widths: [8, 16], depths: [1, 2]}]\nfreeze: [stage1.width=16]\n",
       "family: custom\nstages: [{widths: [16], depths: [1, 2]}]\n"},
  };
  for (const Same& pair : pairs)
    EXPECT_EQ(fingerprint_of(pair.one), fingerprint_of(pair.other)) << pair.why;
}

// Runs of version 0.1.0 hold these.
TEST(Fingerprint, FormerOnesAreKnownAgain) {
  const std::pair<const char*, const char*> former[] = {
      {"custom-cifar10", "834a1f966fdc77e462e91ca07340cf77b6063c731316133879d3a91a7a2bc0d8"},
      {"custom-digits", "714bb316f508f826948c274d9f505ecfe28ce3555c35fd6dccfe5f21715b8bda"},
      {"darts-final", "860bf773aa5ee4adde82c84c93cf2983f704bf1f25a9a463210234746ff4d89e"},
      {"darts-small", "f0548c8245dc8562a6c94c7efa4c3990bb5998400018569360482360013ddda4"},
      {"darts", "641c7d24b5868755632a3854845082913ab67429f6d820a0d30b2c8e3875cfc4"},
      {"digits", "eccafa7004a941dcc18b42cac06c4ef74d6bff07676a491230a4d513c241f5d3"},
      {"mobilenet-32", "d9e6e5c8d813f8f2d0e67cc385745a554146b79abc61552c65ed8a2541877fcb"},
      {"mobilenet-elastic-resolution",
       "491ffd20fecd2f06d55763bf43d15f829356a432fb36e2883ffdf3270b431c20"},
      {"mobilenet", "80339f7167f97a7fa14c31a45715d53c6f84a82c3ed537331fdd41e76cde527a"},
      {"nasbench-macro", "30d95172cc4ea8f2f1c298d492df2335f1ae1852b91a61a27269b79e29b5ccab"},
      {"nasbench201-n1", "344a75b84bf6e21530f0e28d17b17f44813231ff0162a48ad0dcb871ae126e79"},
      {"nasbench201-standalone",
       "d8483087c1123c8059e4f7c170ec7f269fee5433a6d47dbd8e8c2c2b948e9563"},
      {"nasbench201", "ae029cb89679eb6efc93a57453e90b97fa5e1a68b3edc23cdc50c943623e698b"},
      {"ofa-resnet50", "9a7907cab35fb0f156b7de0965084513fe659344a84ef9672fef07294968384e"},
      {"proxyless", "f02bf3edaeab66c8dd6d1ac423c5c7ac2857677a42248235341baf291f71e868"},
      {"resnet18-stride", "240041a56b67a772dd907371387635dead2a9d2ede460682d30cc469cceaa062"},
      {"resnet20-pool", "684d84ee5b9bdd2eaa83d063a0adb94e04483976096ab8a75975f87899cfcc5e"},
      {"resnet50-stride-food101",
       "9a5006fe2e5a536739b319142686771fdf1e6786cd136ae8c3ed2e2fed2a63ea"},
      {"resnet50-stride", "a9d1cbc65814a0d501a99b32a93f3294bf0d87e3930fb827aabcaae654c90387"},
  };
  for (const auto& [name, fingerprint] : former) {
    const auto space = load_space(name);
    EXPECT_EQ(space->legacy_fingerprint(), fingerprint) << name;
    EXPECT_TRUE(space->has_fingerprint(fingerprint)) << name;
    EXPECT_TRUE(space->has_fingerprint(space->fingerprint())) << name;
    EXPECT_FALSE(space->has_fingerprint(std::string(64, '0'))) << name;
  }
}

}  // namespace
}  // namespace nas
