#include "spaces/families/darts.hpp"

#include <algorithm>

#include "spaces/plan_builder.hpp"

namespace nas {
namespace {

/// Pairs of the nodes before `node` (inputs are 0 and 1), in lexicographic order.
const std::vector<std::array<int, 2>>& pairs_before(int node) {
  static const auto all = [] {
    std::array<std::vector<std::array<int, 2>>, 6> pairs;
    for (size_t n = Darts::kInputs; n < pairs.size(); ++n)
      for (int i = 0; i < static_cast<int>(n); ++i)
        for (int j = i + 1; j < static_cast<int>(n); ++j) pairs[n].push_back({i, j});
    return pairs;
  }();
  return all.at(static_cast<size_t>(node));
}

/// Edges are numbered by target, then source.
size_t edge_index(int node, int source) {
  const int before = node - Darts::kInputs;
  return static_cast<size_t>(Darts::kInputs * before + before * (before - 1) / 2 + source);
}
constexpr size_t kEdges = 14;

}  // namespace

Darts::Darts(const DartsOptions& options) : o_(options) {
  name_ = "darts";
  const bool final_form = o_.form == DartsOptions::Form::kFinal;
  if (o_.width == 0) o_.width = final_form ? 36 : 16;
  if (o_.layers == 0) o_.layers = final_form ? 20 : 8;
  input_ = {o_.input_channels, o_.resolution, o_.resolution};
  classes_ = o_.classes;
  op_names_ = {"max_pool_3x3",
               "avg_pool_3x3",
               "skip_connect",
               "sep_conv_3x3",
               "sep_conv_5x5",
               "dil_conv_3x3",
               "dil_conv_5x5"};
  if (o_.none) op_names_.insert(op_names_.begin(), "none");
  add_choices("normal");
  add_choices("reduce");

  stem_conv_ = symbols_.intern("stem.conv");
  stem_bn_ = symbols_.intern("stem.bn");
  int width = o_.width;
  bool previous_reduced = false;
  for (int i = 0; i < o_.layers; ++i) {
    Cell cell;
    cell.reduction = i == o_.layers / 3 || i == 2 * o_.layers / 3;
    if (cell.reduction) width *= 2;
    cell.width = width;
    cell.halve = previous_reduced;
    name_cell(cell, "cell" + std::to_string(i));
    previous_reduced = cell.reduction;
    cells_.push_back(std::move(cell));
  }
  classifier_ = symbols_.intern("classifier");
  auxiliary_layers_[0] = {symbols_.intern("auxiliary.conv0"), symbols_.intern("auxiliary.bn0")};
  auxiliary_layers_[1] = {symbols_.intern("auxiliary.conv1"), symbols_.intern("auxiliary.bn1")};
  auxiliary_classifier_ = symbols_.intern("auxiliary.classifier");
}

void Darts::add_choices(const std::string& type) {
  const size_t offset = choices_.size();
  for (int n = 0; n < kNodes; ++n) {
    const int node = n + Darts::kInputs;
    const std::string prefix = type + ".node" + std::to_string(node);
    NodeGenes& genes = node_genes_[static_cast<size_t>(n)];
    const auto here = [&] { return static_cast<int>(choices_.size() - offset); };
    const auto pairs = pairs_before(node);
    if (pairs.size() > 1) {
      genes.pair = here();
      Choice choice;
      choice.name = prefix + ".inputs";
      for (const auto& [i, j] : pairs)
        choice.options.push_back(std::to_string(i) + "+" + std::to_string(j));
      choices_.push_back(std::move(choice));
    }
    genes.first = here();
    choices_.push_back({prefix + ".first", op_names_, {}});
    genes.second = here();
    choices_.push_back({prefix + ".second", op_names_, {}});
  }
}

void Darts::name_cell(Cell& cell, const std::string& prefix) {
  const auto id = [&](const std::string& name) { return symbols_.intern(prefix + "." + name); };
  for (int i = 0; i < 2; ++i) {
    const std::string input = "input" + std::to_string(i);
    cell.one[i] = {id(input + ".conv"), id(input + ".bn")};
  }
  cell.halved = {{id("input0.conv_a"), id("input0.conv_b")}, id("input0.bn")};
  static const char* const kConvs[] = {
      "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"};
  for (int node = Darts::kInputs; node < Darts::kInputs + kNodes; ++node)
    for (int source = 0; source < node; ++source) {
      const std::string at = "edge" + std::to_string(node) + std::to_string(source) + ".";
      Edge edge;
      for (size_t k = 0; k < edge.convs.size(); ++k)
        for (size_t half = 0; half < (k < 2 ? 2 : 1); ++half) {
          const std::string base = at + kConvs[k] + (half == 0 ? ".a" : ".b");
          edge.convs[k].depthwise[half] = id(base + ".depthwise");
          edge.convs[k].pointwise[half] = id(base + ".pointwise");
          edge.convs[k].bn[half] = id(base + ".bn");
        }
      edge.pool_bn[0] = id(at + "max_pool_3x3.bn");
      edge.pool_bn[1] = id(at + "avg_pool_3x3.bn");
      edge.skip = {{id(at + "skip_connect.conv_a"), id(at + "skip_connect.conv_b")},
                   id(at + "skip_connect.bn")};
      cell.edges.push_back(edge);
    }
}

std::array<int, 2> Darts::sources(const Architecture& a, size_t offset, int node) const {
  const NodeGenes& genes = node_genes_[static_cast<size_t>(node - Darts::kInputs)];
  if (genes.pair < 0) return {0, 1};
  const auto gene = static_cast<size_t>(a.genes[offset + static_cast<size_t>(genes.pair)]);
  return pairs_before(node)[gene];
}

Darts::OpKind Darts::kind(int16_t option) const {
  return static_cast<OpKind>(o_.none ? option : option + 1);
}

BatchNorm Darts::batch_norm(int channels, bool affine) const {
  return {.channels = channels, .full = channels, .affine = affine, .running = true};
}

int32_t Darts::relu_conv_bn(PlanBuilder& b, const Layer& names, int32_t x, int out) const {
  const int in = b.shape(x).c;
  x = b.add(Activation{Act::kRelu}, 0, x);
  x = b.add(Conv2d{.in = in, .out = out, .full_in = in, .full_out = out}, names.conv, x);
  return b.add(batch_norm(out, o_.form == DartsOptions::Form::kFinal), names.bn, x);
}

/// Factorized reduce: every second pixel, and every second one shifted by one in both axes.
int32_t Darts::halve(PlanBuilder& b, const Reduce& names, int32_t x, int out) const {
  const int in = b.shape(x).c;
  const int half = out / 2;
  x = b.add(Activation{Act::kRelu}, 0, x);
  int32_t parts[2];
  for (int16_t k = 0; k < 2; ++k) {
    const int32_t pixels = b.add(Subsample{.stride = 2, .offset = k}, 0, x);
    parts[k] = b.add(Conv2d{.in = in, .out = half, .full_in = in, .full_out = half},
                     names.conv[static_cast<size_t>(k)],
                     pixels);
  }
  x = b.add(Concat{}, 0, {parts[0], parts[1]});
  return b.add(batch_norm(out, o_.form == DartsOptions::Form::kFinal), names.bn, x);
}

int32_t Darts::separable(
    PlanBuilder& b, const Edge& edge, OpKind kind, int32_t x, int stride) const {
  const bool dilated = kind == kDil3 || kind == kDil5;
  const auto kernel = static_cast<int16_t>(kind == kSep3 || kind == kDil3 ? 3 : 5);
  const Separable& names = edge.convs[static_cast<size_t>(kind - kSep3)];
  const int channels = b.shape(x).c;
  for (size_t half = 0; half < (dilated ? 1 : 2); ++half) {
    x = b.add(Activation{Act::kRelu}, 0, x);
    x = b.add(Conv2d{.in = channels,
                     .out = channels,
                     .kernel = kernel,
                     .stride = static_cast<int16_t>(half == 0 ? stride : 1),
                     .padding = static_cast<int16_t>(dilated ? kernel - 1 : kernel / 2),
                     .dilation = static_cast<int16_t>(dilated ? 2 : 1),
                     .groups = channels,
                     .full_kernel = kernel,
                     .full_in = channels,
                     .full_out = channels},
              names.depthwise[half],
              x);
    x = b.add(Conv2d{.in = channels, .out = channels, .full_in = channels, .full_out = channels},
              names.pointwise[half],
              x);
    x = b.add(batch_norm(channels, o_.form == DartsOptions::Form::kFinal), names.bn[half], x);
  }
  return x;
}

int32_t Darts::edge(PlanBuilder& b, const Edge& names, OpKind kind, int32_t x, int stride) const {
  const int channels = b.shape(x).c;
  const auto step = static_cast<int16_t>(stride);
  switch (kind) {
    case kNone:
      return b.add(Zero{.stride = step}, 0, x);
    case kMaxPool:
    case kAvgPool: {
      const bool max = kind == kMaxPool;
      x = b.add(Pool{.max = max, .kernel = 3, .stride = step, .padding = 1}, 0, x);
      if (o_.form == DartsOptions::Form::kSearch)
        x = b.add(batch_norm(channels, false), names.pool_bn[max ? 0 : 1], x);
      break;
    }
    case kSkip:
      if (stride == 1) return b.add(Identity{}, 0, x);
      x = halve(b, names.skip, x, channels);
      break;
    default:
      x = separable(b, names, kind, x, stride);
  }
  return o_.drop_path > 0 ? b.add(DropPath{static_cast<float>(o_.drop_path)}, 0, x) : x;
}

int32_t Darts::cell(
    PlanBuilder& b, const Cell& cell, const Architecture& a, int32_t x0, int32_t x1) const {
  const size_t offset = cell.reduction ? cell_genes() : 0;
  std::array<int32_t, Darts::kInputs + kNodes> values{};
  values[0] = cell.halve ? halve(b, cell.halved, x0, cell.width)
                         : relu_conv_bn(b, cell.one[0], x0, cell.width);
  values[1] = relu_conv_bn(b, cell.one[1], x1, cell.width);
  for (int node = Darts::kInputs; node < Darts::kInputs + kNodes; ++node) {
    const NodeGenes& genes = node_genes_[static_cast<size_t>(node - Darts::kInputs)];
    int32_t terms[2];
    for (size_t k = 0; k < 2; ++k) {
      const size_t choice = offset + static_cast<size_t>(k == 0 ? genes.first : genes.second);
      terms[k] = b.choose(a.genes, choice, [&](int16_t op) {
        const auto from = [&](int source) {
          return edge(b,
                      cell.edges[edge_index(node, source)],
                      kind(op),
                      values[static_cast<size_t>(source)],
                      cell.reduction && source < Darts::kInputs ? 2 : 1);
        };
        if (genes.pair < 0) return from(static_cast<int>(k));
        return b.choose(a.genes, offset + static_cast<size_t>(genes.pair), [&](int16_t pair) {
          return from(pairs_before(node)[static_cast<size_t>(pair)][k]);
        });
      });
    }
    values[static_cast<size_t>(node)] = b.add(Add{}, 0, {terms[0], terms[1]});
  }
  return b.add(Concat{}, 0, {values[2], values[3], values[4], values[5]});
}

void Darts::build(const Architecture& a, Plan& plan) const {
  PlanBuilder b(plan, symbols_, input_);
  b.origin({});
  const int stem = 3 * o_.width;
  int32_t x = b.add(Conv2d{.in = input_.c,
                           .out = stem,
                           .kernel = 3,
                           .padding = 1,
                           .full_kernel = 3,
                           .full_in = input_.c,
                           .full_out = stem},
                    stem_conv_,
                    Plan::kInput);
  x = b.add(batch_norm(stem, true), stem_bn_, x);
  int32_t before = x, tapped = x;
  for (int i = 0; i < o_.layers; ++i) {
    const int32_t next = cell(b, cells_[static_cast<size_t>(i)], a, before, x);
    before = x;
    x = next;
    if (i == 2 * o_.layers / 3) tapped = x;
  }
  const int features = b.shape(x).c;
  x = b.add(GlobalAvgPool{}, 0, x);
  b.classifier(Linear{.in = features, .out = classes_, .full_in = features, .full_out = classes_},
               classifier_,
               x);
  if (o_.auxiliary > 0) {
    b.begin_auxiliary(o_.auxiliary);
    auxiliary_head(b, tapped);
  }
}

/// On the output of cell 2L/3, as published: 8x8 -> average pool 5, stride 3 -> 2x2 -> 1x1
/// convolution to 128 -> 2x2 convolution to 768 -> classifier (476,426 parameters at C=36).
void Darts::auxiliary_head(PlanBuilder& b, int32_t x) const {
  constexpr int32_t kWidths[2] = {128, 768};
  x = b.add(Activation{Act::kRelu}, 0, x);
  x = b.add(Pool{.max = false, .kernel = 5, .stride = 3, .padding = 0}, 0, x);
  for (size_t k = 0; k < 2; ++k) {
    const int in = b.shape(x).c;
    const auto kernel = static_cast<int16_t>(k + 1);
    x = b.add(Conv2d{.in = in,
                     .out = kWidths[k],
                     .kernel = kernel,
                     .full_kernel = kernel,
                     .full_in = in,
                     .full_out = kWidths[k]},
              auxiliary_layers_[k].conv,
              x);
    x = b.add(batch_norm(kWidths[k], true), auxiliary_layers_[k].bn, x);
    x = b.add(Activation{Act::kRelu}, 0, x);
  }
  // Larger images leave more than one pixel, which the published head cannot classify.
  x = b.add(GlobalAvgPool{}, 0, x);
  b.add(Linear{.in = kWidths[1], .out = classes_, .full_in = kWidths[1], .full_out = classes_},
        auxiliary_classifier_,
        x);
}

Architecture Darts::smallest() const {
  // No parameters on any edge: pools, or nothing at all.
  return Architecture{std::vector<int16_t>(choices_.size(), 0)};
}

Architecture Darts::largest() const {
  Architecture a = smallest();
  const auto sep5 = static_cast<int16_t>(
      std::find(op_names_.begin(), op_names_.end(), "sep_conv_5x5") - op_names_.begin());
  for (size_t c = 0; c < choices_.size(); ++c)
    if (choices_[c].options == op_names_) a.genes[c] = sep5;
  return a;
}

std::vector<std::vector<size_t>> Darts::joint_sizes() const {
  std::vector<std::vector<size_t>> groups;
  for (const size_t offset : {size_t{0}, cell_genes()})
    for (const NodeGenes& genes : node_genes_) {
      auto& group = groups.emplace_back();
      for (const int gene : {genes.pair, genes.first, genes.second})
        if (gene >= 0) group.push_back(offset + static_cast<size_t>(gene));
    }
  return groups;
}

/// Three patterns of pairs reach every edge; each is crossed with every operation.
std::vector<Architecture> Darts::cover() const {
  std::vector<Architecture> all;
  const auto last = [](int node, int pattern) {
    const auto pairs = pairs_before(node);
    const int i = std::min(2 * pattern, node - 2);
    return std::find(pairs.begin(), pairs.end(), std::array<int, 2>{i, i + 1}) - pairs.begin();
  };
  for (int pattern = 0; pattern < 3; ++pattern)
    for (size_t op = 0; op < op_names_.size(); ++op) {
      Architecture a = smallest();
      for (const size_t offset : {size_t{0}, cell_genes()})
        for (int n = 0; n < kNodes; ++n) {
          const NodeGenes& genes = node_genes_[static_cast<size_t>(n)];
          for (const int g : {genes.first, genes.second})
            a.genes[offset + static_cast<size_t>(g)] = static_cast<int16_t>(op);
          if (genes.pair >= 0)
            a.genes[offset + static_cast<size_t>(genes.pair)] =
                static_cast<int16_t>(last(n + Darts::kInputs, pattern));
        }
      all.push_back(std::move(a));
    }
  return all;
}

void describe(Binder& b, DartsOptions& o) {
  b.ignore("family");
  b.choice("form",
           o.form,
           {{"search", DartsOptions::Form::kSearch}, {"final", DartsOptions::Form::kFinal}},
           "search: batch norms in cells without affine parameters, pools with one; final: the "
           "network that is trained alone");
  b.value("width", o.width, "Channels C of the first cells; 0: 16 (search) or 36 (final)")
      .range(0, 1024)
      .check([&o] { return o.width % 2 == 0 ? "" : "must be even"; });
  b.value("layers", o.layers, "Cells; 0: 8 (search) or 20 (final)").range(0, 100).check([&o] {
    return o.layers == 0 || o.layers >= 3 ? "" : "at least 3, two of which reduce";
  });
  b.value("classes", o.classes, "Classes").range(2, 1e6);
  b.value("resolution", o.resolution, "Height and width of the image")
      .range(4, 4096)
      .unit("pixels")
      .check([&o] { return o.resolution % 4 == 0 ? "" : "must be a multiple of 4"; });
  b.value("input_channels", o.input_channels, "Channels of the image").range(1, 64);
  b.value("none", o.none, "Offer `none` on every edge, as its first option");
  b.value("drop_path", o.drop_path, "Probability that training drops an edge that is no skip")
      .range(0, 0.9);
  b.value(
       "auxiliary",
       o.auxiliary,
       "Weight of the loss of an auxiliary head on cell 2L/3 that only training runs (published: "
       "0.4); 0: no head")
      .range(0, 100)
      .check([&o] {
        return o.auxiliary == 0 || o.resolution >= 32
                   ? ""
                   : "the auxiliary head needs images of at least 32x32 (8x8 at its cell)";
      });
}

std::unique_ptr<Space> make_darts(const YamlSource& section) {
  return std::make_unique<Darts>(read_yaml_as<DartsOptions>(section));
}

void describe_darts(Binder& b) {
  DartsOptions options;
  describe(b, options);
}

}  // namespace nas
