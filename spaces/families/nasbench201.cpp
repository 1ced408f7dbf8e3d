#include "spaces/families/nasbench201.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include "spaces/error.hpp"
#include "spaces/plan_builder.hpp"
#include "spaces/text/arch_text.hpp"

namespace nas {
namespace {

const std::vector<std::string>& op_names() {
  static const std::vector<std::string> names{
      "none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"};
  return names;
}

// The value of a node is the sorted list of its terms. Term 0 is the cell's input; every other one
// is an operation with work to do, applied to a value. Values are numbered as they turn up.
class CellValues {
 public:
  CellValues() : ids_{{{}, kZero}, {{0}, kInput}}, values_{{}, {0}} {}

  int sum(std::initializer_list<std::pair<int16_t, int>> inputs) {  // (op, value)
    terms_.clear();
    for (const auto& [op, value] : inputs) {
      if (op == NasBench201::kNone || value == kZero) continue;
      const std::vector<int>& from = values_[static_cast<size_t>(value)];
      if (op == NasBench201::kSkip) terms_.insert(terms_.end(), from.begin(), from.end());
      if (op != NasBench201::kSkip) terms_.push_back(value * NasBench201::kOps + op);
    }
    std::sort(terms_.begin(), terms_.end());
    const auto [it, added] = ids_.try_emplace(terms_, static_cast<int>(values_.size()));
    if (added) values_.push_back(terms_);
    return it->second;
  }
  static constexpr int kZero = 0, kInput = 1;

 private:
  std::map<std::vector<int>, int> ids_;
  std::vector<std::vector<int>> values_;
  std::vector<int> terms_;
};

// Representative (smallest index) of every cell. Lexicographic loops share the values of nodes.
std::vector<uint16_t> make_representatives() {
  std::vector<uint16_t> result(NasBench201::kSize);
  std::vector<int> first_of;  // value of node 3 -> smallest index
  CellValues values;
  size_t index = 0;
  constexpr int16_t n = NasBench201::kOps;
  constexpr int x = CellValues::kInput;
  for (int16_t a = 0; a < n; ++a) {
    const int node1 = values.sum({{a, x}});
    for (int16_t b = 0; b < n; ++b)
      for (int16_t c = 0; c < n; ++c) {
        const int node2 = values.sum({{b, x}, {c, node1}});
        for (int16_t d = 0; d < n; ++d)
          for (int16_t e = 0; e < n; ++e)
            for (int16_t f = 0; f < n; ++f, ++index) {
              const auto out = static_cast<size_t>(values.sum({{d, x}, {e, node1}, {f, node2}}));
              if (out >= first_of.size()) first_of.resize(out + 1, -1);
              if (first_of[out] < 0) first_of[out] = static_cast<int>(index);
              result[index] = static_cast<uint16_t>(first_of[out]);
            }
      }
  }
  return result;
}

const std::vector<uint16_t>& representatives() {
  static const std::vector<uint16_t> table = make_representatives();
  return table;
}

int edge_of(int target, int source) {
  return target * (target - 1) / 2 + source;
}

// One node of the string form: `|op~j|op~j|`.
void parse_node(std::string_view node, int target, std::string_view text, Architecture& a) {
  const std::string where = "node " + std::to_string(target);
  std::array<bool, 3> seen{};
  for (const std::string_view raw : split(node, '|')) {
    const std::string_view item = trim(raw);
    if (item.empty()) continue;
    const size_t tilde = item.find('~');
    if (tilde == item.npos)
      bad_architecture(text, where + ": '" + std::string(item) + "' has no '~'", "Write op~input.");
    const std::optional<int> source = whole_number(trim(item.substr(tilde + 1)));
    if (!source || *source >= target)
      bad_architecture(text,
                       where + ": '" + std::string(item) + "' does not name an earlier node",
                       "Inputs of node " + std::to_string(target) + " are 0 to " +
                           std::to_string(target - 1) + ".");
    const auto j = static_cast<size_t>(*source);
    if (seen[j]) bad_architecture(text, where + ": input " + std::to_string(*source) + " twice");
    seen[j] = true;
    const size_t op = position_of(trim(item.substr(0, tilde)), op_names(), text, where);
    a.genes[static_cast<size_t>(edge_of(target, *source))] = static_cast<int16_t>(op);
  }
  for (int j = 0; j < target; ++j)
    if (!seen[static_cast<size_t>(j)])
      bad_architecture(text, where + ": no edge from node " + std::to_string(j));
}

Architecture parse_genes(std::string_view text) {
  Architecture a;
  for (const std::string_view part : split(text, ',')) {
    const std::optional<int> gene = whole_number(trim(part));
    if (!gene || *gene >= NasBench201::kOps)
      bad_architecture(text, "gene '" + std::string(trim(part)) + "' is not 0, 1, 2, 3 or 4");
    a.genes.push_back(static_cast<int16_t>(*gene));
  }
  if (a.genes.size() != NasBench201::kEdges)
    bad_architecture(text, std::to_string(a.genes.size()) + " genes where 6 are needed");
  return a;
}

}  // namespace

NasBench201::NasBench201(const NasBench201Options& options) : options_(options) {
  name_ = "nasbench201";
  input_ = {options.input_channels, options.resolution, options.resolution};
  classes_ = options.classes;
  counting_ = Counting::kConvLinearBias;
  for (const auto& [target, source] : kEdgeNodes)
    choices_.push_back({std::to_string(target) + "<-" + std::to_string(source), op_names(), {}});

  const auto layer = [&](const std::string& prefix) {
    return Layer{symbols_.intern(prefix + ".conv"), symbols_.intern(prefix + ".bn")};
  };
  const Layer stem = layer("stem");
  stem_conv_ = stem.conv;
  stem_bn_ = stem.bn;
  for (int i = 0; i < 3 * options.cells; ++i) {
    CellNames names;
    for (size_t e = 0; e < kEdges; ++e) {
      const std::string edge = "cell" + std::to_string(i) + ".edge" +
                               std::to_string(kEdgeNodes[e][0]) + std::to_string(kEdgeNodes[e][1]);
      names[e] = {layer(edge + ".nor_conv_1x1"), layer(edge + ".nor_conv_3x3")};
    }
    cells_.push_back(names);
  }
  for (size_t k = 0; k < 2; ++k) {
    const std::string prefix = "reduction" + std::to_string(k);
    reductions_[k] = {
        layer(prefix + ".a"), layer(prefix + ".b"), symbols_.intern(prefix + ".shortcut.conv")};
  }
  head_bn_ = symbols_.intern("head.bn");
  classifier_ = symbols_.intern("classifier");
}

BatchNorm NasBench201::batch_norm(int channels) const {
  const bool standalone = options_.form == NasBench201Options::Form::kStandalone;
  return {.channels = channels, .full = channels, .affine = standalone, .running = standalone};
}

// ReLU -> Conv -> BatchNorm.
int32_t NasBench201::conv_layer(
    PlanBuilder& b, const Layer& names, int32_t x, int out, int kernel, int stride) const {
  const int in = b.shape(x).c;
  const Conv2d conv{.in = in,
                    .out = out,
                    .kernel = static_cast<int16_t>(kernel),
                    .stride = static_cast<int16_t>(stride),
                    .padding = static_cast<int16_t>(kernel / 2),
                    .bias = options_.form == NasBench201Options::Form::kSupernet,
                    .full_kernel = static_cast<int16_t>(kernel),
                    .full_in = in,
                    .full_out = out};
  x = b.add(Activation{Act::kRelu}, 0, x);
  x = b.add(conv, names.conv, x);
  return b.add(batch_norm(out), names.bn, x);
}

int32_t NasBench201::edge(PlanBuilder& b, const Layer (&names)[2], int32_t x, int gene) const {
  const int channels = b.shape(x).c;
  switch (gene) {
    case kNone:
      return b.add(Zero{}, 0, x);
    case kSkip:
      return b.add(Identity{}, 0, x);
    case kConv1x1:
      return conv_layer(b, names[0], x, channels, 1, 1);
    case kConv3x3:
      return conv_layer(b, names[1], x, channels, 3, 1);
    default:
      return b.add(Pool{.max = false, .kernel = 3, .stride = 1, .padding = 1}, 0, x);
  }
}

int32_t NasBench201::cell(PlanBuilder& b,
                          const CellNames& names,
                          const Architecture& a,
                          int32_t x) const {
  int32_t nodes[4] = {x, 0, 0, 0};
  int16_t e = 0;
  for (int target = 1; target < 4; ++target) {
    int32_t terms[3];
    for (int source = 0; source < target; ++source, ++e) {
      const auto& layers = names[static_cast<size_t>(e)];
      const Layer pair[2] = {layers[0], layers[1]};
      terms[source] = b.choose(a.genes, static_cast<size_t>(e), [&](int16_t gene) {
        return edge(b, pair, nodes[source], gene);
      });
    }
    nodes[target] =
        target == 1 ? terms[0]
                    : b.add(Add{}, 0, std::span<const int32_t>(terms, static_cast<size_t>(target)));
  }
  return nodes[3];
}

int32_t NasBench201::reduction(PlanBuilder& b, const ReductionNames& names, int32_t x) const {
  const int in = b.shape(x).c;
  const int out = 2 * in;
  const int32_t main =
      conv_layer(b, names.second, conv_layer(b, names.first, x, out, 3, 2), out, 3, 1);
  int32_t shortcut = b.add(Pool{.max = false, .kernel = 2, .stride = 2, .padding = 0}, 0, x);
  shortcut =
      b.add(Conv2d{.in = in, .out = out, .full_in = in, .full_out = out}, names.shortcut, shortcut);
  return b.add(Add{}, 0, {shortcut, main});
}

void NasBench201::build(const Architecture& a, Plan& plan) const {
  PlanBuilder b(plan, symbols_, input_);
  b.origin({});
  const int width = options_.width;
  int32_t x = b.add(Conv2d{.in = input_.c,
                           .out = width,
                           .kernel = 3,
                           .padding = 1,
                           .full_kernel = 3,
                           .full_in = input_.c,
                           .full_out = width},
                    stem_conv_,
                    Plan::kInput);
  x = b.add(batch_norm(width), stem_bn_, x);
  for (size_t i = 0; i < cells_.size(); ++i) {
    const auto per_stage = static_cast<size_t>(options_.cells);
    if (i > 0 && i % per_stage == 0) x = reduction(b, reductions_[i / per_stage - 1], x);
    x = cell(b, cells_[i], a, x);
  }
  x = b.add(batch_norm(4 * width), head_bn_, x);
  x = b.add(Activation{Act::kRelu}, 0, x);
  x = b.add(GlobalAvgPool{}, 0, x);
  b.classifier(Linear{.in = 4 * width, .out = classes_, .full_in = 4 * width, .full_out = classes_},
               classifier_,
               x);
}

Architecture NasBench201::canonical(Architecture a) const {
  return from_index(representatives()[static_cast<size_t>(index(a))]);
}

std::string NasBench201::text(const Architecture& a) const {
  std::string text;
  size_t e = 0;
  for (int target = 1; target < 4; ++target) {
    text += target == 1 ? "|" : "+|";
    for (int source = 0; source < target; ++source)
      text += op_names()[static_cast<size_t>(a.genes[e++])] + "~" + std::to_string(source) + "|";
  }
  return text;
}

namespace {

/// `Structure.nodes` as its Python prints it, [(('nor_conv_3x3', 0),), (('none', 0),
/// ('avg_pool_3x3', 1)), ...], as the string of the benchmark; "" for other texts.
std::string of_nodes(std::string_view text) {
  if (text.find("('") == text.npos && text.find("(\"") == text.npos) return "";
  std::string out;
  int target = 0, last = 0;
  for (size_t at = 0; (at = text.find_first_of("'\"", at)) != text.npos;) {
    const size_t end = text.find(text[at], at + 1);
    const size_t number = end == text.npos ? end : text.find_first_of("0123456789)", end);
    if (number == text.npos || text[number] == ')') return "";
    const int source = text[number] - '0';
    // Each node begins with its edge of node 0.
    if (source == 0) ++target;
    if (target > 3 || (source != 0 && source != last + 1)) return "";
    last = source;
    out += (source == 0 ? (target == 1 ? "|" : "+|") : "") +
           std::string(text.substr(at + 1, end - at - 1)) + "~" + text[number] + "|";
    at = number + 1;
  }
  return out;
}

}  // namespace

Architecture NasBench201::parse(std::string_view raw) const {
  std::string_view text = trim(raw);
  const std::string nodes_text = of_nodes(text);
  if (!nodes_text.empty()) text = nodes_text;
  // Logs print `Structure(4 nodes with |...|)` and `genotype: |...|`, lists [3, 0, 3, 1, 0, 1].
  if (text.find('|') != text.npos)
    text = inside_log(text, '|', '|');
  else if (text.find('[') != text.npos && text.find('~') == text.npos)
    text = inside_log(text, '[', ']');
  const bool listed = !text.empty() && text[0] == '[' && text.back() == ']';
  if (listed) text = trim(text.substr(1, text.size() - 2));
  Architecture a;
  if (text.empty())
    bad_architecture(text, "is empty", "Write |op~0|+|op~0|op~1|+|op~0|op~1|op~2|.");
  if (!listed && text.find_first_not_of("0123456789") == text.npos) {
    const std::string number(text.substr(0, 20));
    bad_architecture(
        text,
        "is a bare number, and the index of the benchmark's own files is not the number that nas "
        "space enumerate gives",
        "Write #" + (count() > std::stoll(number.substr(0, 18)) ? number : "N") +
            " for the architecture that nas space enumerate numbers so (a table: "
            "--index-from 0, evaluator.table.index_from: 0), and one of the benchmark's index as "
            "its "
            "string |op~0|+|op~0|op~1|+|op~0|op~1|op~2|.");
  } else if (text.find_first_not_of("0123456789, ") == text.npos) {
    a = parse_genes(text);
  } else {
    const std::vector<std::string_view> nodes = split(text, '+');
    if (nodes.size() != 3)
      bad_architecture(text,
                       std::to_string(nodes.size()) + " nodes where 3 are needed",
                       "Write |op~0|+|op~0|op~1|+|op~0|op~1|op~2|.");
    a.genes.resize(kEdges);
    for (int i = 0; i < 3; ++i) parse_node(nodes[static_cast<size_t>(i)], i + 1, text, a);
  }
  std::string why;
  if (!valid(a, &why)) bad_architecture(text, why);
  return a;
}

Notation NasBench201::notation() const {
  std::string ops;
  for (const std::string& op : op_names()) ops += (ops.empty() ? "" : ", ") + op;
  return {
      {{"+", "between the nodes 1, 2 and 3 of the cell"},
       {"|", "around the edges of a node"},
       {"nor_conv_3x3~0",
        "an edge: its operation (" + ops + ") and the node it reads; node 0 is the cell's input"}},
      {{"3,0,3,1,0,1",
        "the genes: positions among the operations of the edges 1<-0, 2<-0, 2<-1, 3<-0, 3<-1, "
        "3<-2"},
       {"#9776", "the genes as a number of base 5; not the index of the benchmark's own files"}},
      {},
      "NAS-Bench-201's own index"};
}

int NasBench201::index(const Architecture& a) {
  int index = 0;
  for (const int16_t gene : a.genes) index = index * kOps + gene;
  return index;
}

Architecture NasBench201::from_index(int index) {
  Architecture a;
  a.genes.resize(kEdges);
  for (size_t e = kEdges; e-- > 0; index /= kOps) a.genes[e] = static_cast<int16_t>(index % kOps);
  return a;
}

bool NasBench201::connected(const Architecture& a) {
  bool reached[4] = {true, false, false, false};
  for (size_t e = 0; e < kEdges; ++e)
    if (a.genes[e] != kNone && reached[kEdgeNodes[e][1]]) reached[kEdgeNodes[e][0]] = true;
  return reached[3];
}

bool NasBench201::allowed(const Architecture& a, std::string* why) const {
  if (!options_.connected || connected(a)) return true;
  if (why != nullptr) *why = "no path joins input and output (`connected: true` asks for one)";
  return false;
}

std::vector<SpaceRule> NasBench201::rules() const {
  if (!options_.connected) return {};
  return {{{0, 1, 2, 3, 4, 5}, connected}};
}

Architecture NasBench201::smallest() const {
  Architecture a;
  a.genes.assign(kEdges, kNone);
  if (options_.connected) a.genes[3] = kSkip;  // 3 <- 0
  return a;
}

Architecture NasBench201::largest() const {
  Architecture a;
  a.genes.assign(kEdges, kConv3x3);
  return a;
}

std::vector<Architecture> NasBench201::cover() const {
  Architecture ones;
  ones.genes.assign(kEdges, kConv1x1);
  return {ones, largest()};
}

void describe(Binder& b, NasBench201Options& o) {
  b.ignore("family");
  b.value("width", o.width, "Channels of the first stage (C)").range(1, 4096);
  b.value("cells", o.cells, "Cells in each of the three stages (N)").range(1, 100);
  b.value("classes", o.classes, "Classes").range(2, 1e6);
  b.value("resolution", o.resolution, "Height and width of the image")
      .range(4, 4096)
      .unit("pixels")
      .check([&o] { return o.resolution % 4 == 0 ? "" : "must be a multiple of 4"; });
  b.value("input_channels", o.input_channels, "Channels of the image").range(1, 64);
  b.choice("form",
           o.form,
           {{"standalone", NasBench201Options::Form::kStandalone},
            {"supernet", NasBench201Options::Form::kSupernet}},
           "standalone: batch norm with affine parameters and running statistics, no bias; "
           "supernet: batch statistics only, convolutions with bias");
  b.value("connected", o.connected, "Leave out cells without a path from input to output");
}

std::unique_ptr<Space> make_nasbench201(const YamlSource& section) {
  return std::make_unique<NasBench201>(read_yaml_as<NasBench201Options>(section));
}

void describe_nasbench201(Binder& b) {
  NasBench201Options options;
  describe(b, options);
}

}  // namespace nas
