// Text forms of DARTS genotypes.
#include <cctype>

#include "spaces/arch_text.hpp"
#include "spaces/darts.hpp"

namespace nas {
namespace {

using Edges = std::vector<std::pair<std::string, int>>;

constexpr int kInputs = 2;

/// `op~source` pairs of one cell: nodes joined by '|', edges by ','.
Edges cell_edges(std::string_view cell, const std::string& type, std::string_view text) {
  Edges edges;
  const std::vector<std::string_view> nodes = split(cell, '|');
  if (nodes.size() != Darts::kNodes)
    bad_architecture(text,
                     type + ": " + std::to_string(nodes.size()) + " nodes where 4 are needed",
                     "Write op~input,op~input|...|...|...;...");
  for (size_t n = 0; n < nodes.size(); ++n) {
    const std::string where = type + ", node " + std::to_string(n + kInputs);
    const std::vector<std::string_view> parts = split(nodes[n], ',');
    if (parts.size() != 2)
      bad_architecture(text,
                       where + ": " + std::to_string(parts.size()) + " edges where 2 are needed");
    for (const std::string_view part : parts) {
      const size_t tilde = part.find('~');
      const auto source =
          tilde == part.npos ? std::nullopt : whole_number(trim(part.substr(tilde + 1)));
      if (!source)
        bad_architecture(text,
                         where + ": '" + std::string(trim(part).substr(0, 40)) + "' is no edge",
                         "Write the operation, '~' and the number of the node it reads.");
      edges.emplace_back(std::string(trim(part.substr(0, tilde))), source.value_or(0));
    }
  }
  return edges;
}

/// `key=[('op', 0), ...]` of the published form.
Edges published_edges(std::string_view text, const std::string& key) {
  const size_t at = text.find(key + "=");
  if (at == text.npos)
    bad_architecture(text, key + ": missing", "Write Genotype(normal=[...], ...)");
  const size_t open = text.find('[', at);
  const size_t close = text.find(']', at);
  if (open == text.npos || close == text.npos || close < open)
    bad_architecture(text, key + ": expected a list of (operation, node)");
  Edges edges;
  std::string_view body = text.substr(open + 1, close - open - 1);
  for (size_t begin; (begin = body.find('(')) != body.npos;) {
    const size_t end = body.find(')', begin);
    if (end == body.npos) bad_architecture(text, key + ": a '(' is not closed");
    const std::vector<std::string_view> parts = split(body.substr(begin + 1, end - begin - 1), ',');
    const auto source = parts.size() == 2 ? whole_number(trim(parts[1])) : std::nullopt;
    std::string_view op = trim(parts[0]);
    const bool quoted =
        op.size() >= 2 && (op.front() == '\'' || op.front() == '"') && op.front() == op.back();
    if (!source || !quoted)
      bad_architecture(text,
                       key + ": '" +
                           std::string(body.substr(begin, end - begin + 1).substr(0, 40)) +
                           "' is no edge",
                       "Write ('sep_conv_3x3', 0).");
    op = op.substr(1, op.size() - 2);
    edges.emplace_back(std::string(op), source.value_or(0));
    body = body.substr(end + 1);
  }
  return edges;
}

}  // namespace

std::string Darts::text(const Architecture& a) const {
  std::string text;
  for (const size_t offset : {size_t{0}, cell_genes()}) {
    if (offset > 0) text += ';';
    for (int node = kInputs; node < kInputs + kNodes; ++node) {
      const NodeGenes& genes = node_genes_[static_cast<size_t>(node - kInputs)];
      const std::array<int, 2> from = sources(a, offset, node);
      if (node > kInputs) text += '|';
      for (size_t k = 0; k < 2; ++k) {
        const size_t choice = offset + static_cast<size_t>(k == 0 ? genes.first : genes.second);
        text += (k == 0 ? "" : ",") + op_names_[static_cast<size_t>(a.genes[choice])] + "~" +
                std::to_string(from[k]);
      }
    }
  }
  return text;
}

void Darts::set_cell(Architecture& a,
                     size_t offset,
                     const std::string& type,
                     const std::vector<std::pair<std::string, int>>& edges,
                     std::string_view text) const {
  if (edges.size() != 2 * kNodes)
    bad_architecture(text,
                     type + ": " + std::to_string(edges.size()) + " edges where 8 are needed");
  for (int node = kInputs; node < kInputs + kNodes; ++node) {
    const std::string where = type + ", node " + std::to_string(node);
    const auto e = static_cast<size_t>(2 * (node - kInputs));
    std::pair<std::string, int> first = edges[e], second = edges[e + 1];
    if (first.second > second.second) std::swap(first, second);
    for (const auto& [op, source] : {first, second})
      if (source >= node)
        bad_architecture(
            text,
            where + ": reads node " + std::to_string(source) + ", which does not come before it");
    if (first.second == second.second)
      bad_architecture(text, where + ": reads node " + std::to_string(first.second) + " twice");
    const NodeGenes& genes = node_genes_[static_cast<size_t>(node - kInputs)];
    a.genes[offset + static_cast<size_t>(genes.first)] =
        static_cast<int16_t>(position_of(first.first, op_names_, text, where));
    a.genes[offset + static_cast<size_t>(genes.second)] =
        static_cast<int16_t>(position_of(second.first, op_names_, text, where));
    if (genes.pair < 0) continue;
    const std::string pair = std::to_string(first.second) + "+" + std::to_string(second.second);
    const size_t choice = offset + static_cast<size_t>(genes.pair);
    a.genes[choice] =
        static_cast<int16_t>(position_of(pair, choices_[choice].options, text, where));
  }
}

namespace {

/// Cells here concatenate all four nodes; another `normal_concat` would be another network.
void expect_whole_concat(std::string_view text, const std::string& key) {
  size_t at = text.find(key + "_concat");
  if (at == text.npos) return;
  at = text.find('=', at);
  std::string value;
  for (const char c : at == text.npos ? std::string_view() : text.substr(at + 1)) {
    if (c != ' ') value += c;
    if (c == ')' || c == ']') break;
  }
  if (value != "range(2,6)" && value != "[2,3,4,5]" && value != "(2,3,4,5)")
    bad_architecture(text,
                     key + "_concat: '" + value.substr(0, 40) + "' is not range(2, 6)",
                     "Cells of this space concatenate the nodes 2 to 5.");
}

}  // namespace

Architecture Darts::parse_genotype(std::string_view text) const {
  expect_whole_concat(text, "normal");
  expect_whole_concat(text, "reduce");
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  set_cell(a, 0, "normal", published_edges(text, "normal"), text);
  set_cell(a, cell_genes(), "reduce", published_edges(text, "reduce"), text);
  return a;
}

Architecture Darts::parse(std::string_view raw) const {
  const std::string_view text = trim(raw);
  if (text.substr(0, 8) == "Genotype") return parse_genotype(text);
  const std::vector<std::string_view> cells = split(text, ';');
  if (cells.size() != 2)
    bad_architecture(text,
                     std::to_string(cells.size()) + " cells where 2 are needed",
                     "Write the normal cell, ';' and the reduction cell.");
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  set_cell(a, 0, "normal", cell_edges(cells[0], "normal", text), text);
  set_cell(a, cell_genes(), "reduce", cell_edges(cells[1], "reduce", text), text);
  return a;
}

}  // namespace nas
