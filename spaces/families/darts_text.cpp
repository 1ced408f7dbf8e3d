// Text forms of DARTS genotypes.
#include <algorithm>

#include "spaces/error.hpp"
#include "spaces/families/darts.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/literal.hpp"

namespace nas {
namespace {

using Edges = std::vector<std::pair<std::string, int>>;

/// `op~source` pairs of one cell: nodes joined by '|', edges by ','.
Edges cell_edges(std::string_view cell, const std::string& type, std::string_view text) {
  Edges edges;
  const std::vector<std::string_view> nodes = split(cell, '|');
  if (nodes.size() != Darts::kNodes)
    bad_architecture(text,
                     type + ": " + std::to_string(nodes.size()) + " nodes where 4 are needed",
                     "Write op~input,op~input|...|...|...;...");
  for (size_t n = 0; n < nodes.size(); ++n) {
    const std::string where = type + ", node " + std::to_string(n + Darts::kInputs);
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

const char* const kFields[] = {"normal", "normal_concat", "reduce", "reduce_concat"};

/// The published form as a map: `Genotype(normal=[...], ...)`, its fields in order, or a
/// dictionary; what a log prints around it is left out.
Literal genotype_of(std::string_view text) {
  size_t at = text.find("Genotype");
  if (at == text.npos) at = text.find('{');
  Literal map;
  try {
    map = parse_literal(text, at);
  } catch (const LiteralError& e) {
    bad_architecture(text, "at character " + std::to_string(e.at + 1) + ": " + e.what());
  }
  if (text.find("Genotype", at) != text.npos)
    bad_architecture(text, "holds two genotypes", "Give one at a time.");
  if (text.find_first_of("([{=", at) != text.npos)
    bad_architecture(text, "something follows the genotype");
  if (!map.is(Literal::Kind::kCall) && !map.is(Literal::Kind::kMap))
    bad_architecture(text, "no '(' after Genotype");
  for (size_t i = 0; i < map.keys.size(); ++i) {
    std::string& key = map.keys[i];
    if (key.empty() && map.is(Literal::Kind::kCall) && i < std::size(kFields)) key = kFields[i];
    const std::vector<std::string> known(std::begin(kFields), std::end(kFields));
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string near = nearest(key.substr(0, 64), known);
    bad_architecture(text,
                     "unknown field '" + key.substr(0, 64) + "'",
                     near.empty() ? "A genotype has normal, normal_concat, reduce, reduce_concat."
                                  : "Did you mean '" + near + "'?");
  }
  if (const std::string* twice = doubled_key(map)) bad_architecture(text, *twice + ": given twice");
  return map;
}

/// `[('op', 0), ...]` of a field.
Edges published_edges(const Literal& map, const std::string& key, std::string_view text) {
  using Kind = Literal::Kind;
  const Literal* list = map.find(key);
  if (list == nullptr) bad_architecture(text, key + ": missing");
  if (!list->is(Kind::kList))
    bad_architecture(text, key + ": expected a list", "Write [('sep_conv_3x3', 0), ...].");
  Edges edges;
  for (const Literal& edge : list->items) {
    const bool pair = edge.is(Kind::kList) && edge.items.size() == 2 &&
                      edge.items[0].is(Kind::kText) && whole_number_of(edge.items[1]) >= 0;
    if (!pair)
      bad_architecture(text,
                       key + ": '" + std::string(edge.source.substr(0, 40)) + "' is no edge",
                       "Write ('sep_conv_3x3', 0).");
    edges.emplace_back(edge.items[0].text, whole_number_of(edge.items[1]));
  }
  return edges;
}

}  // namespace

std::string Darts::text(const Architecture& a) const {
  std::string text;
  for (const size_t offset : {size_t{0}, cell_genes()}) {
    if (offset > 0) text += ';';
    for (int node = Darts::kInputs; node < Darts::kInputs + kNodes; ++node) {
      const NodeGenes& genes = node_genes_[static_cast<size_t>(node - Darts::kInputs)];
      const std::array<int, 2> from = sources(a, offset, node);
      if (node > Darts::kInputs) text += '|';
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
  for (int node = Darts::kInputs; node < Darts::kInputs + kNodes; ++node) {
    const std::string where = type + ", node " + std::to_string(node);
    const auto e = static_cast<size_t>(2 * (node - Darts::kInputs));
    std::pair<std::string, int> first = edges[e], second = edges[e + 1];
    if (first.second > second.second) std::swap(first, second);
    for (const auto& [op, source] : {first, second})
      if (source >= node)
        bad_architecture(
            text,
            where + ": reads node " + std::to_string(source) + ", which does not come before it");
    if (first.second == second.second)
      bad_architecture(text, where + ": reads node " + std::to_string(first.second) + " twice");
    const NodeGenes& genes = node_genes_[static_cast<size_t>(node - Darts::kInputs)];
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
void expect_whole_concat(const Literal& map, const std::string& key, std::string_view text) {
  const Literal* value = map.find(key + "_concat");
  if (value == nullptr) return;
  std::vector<int> nodes;
  for (const Literal& item : value->items) nodes.push_back(whole_number_of(item));
  const bool range = value->is(Literal::Kind::kCall) && value->text == "range";
  const bool list = value->is(Literal::Kind::kList);
  if (!(range && nodes == std::vector<int>{2, 6}) && !(list && nodes == std::vector{2, 3, 4, 5}))
    bad_architecture(
        text,
        key + "_concat: '" + std::string(value->source.substr(0, 40)) + "' is not range(2, 6)",
        "Cells of this space concatenate the nodes 2 to 5.");
}

}  // namespace

Architecture Darts::parse_genotype(std::string_view text) const {
  const Literal map = genotype_of(text);
  expect_whole_concat(map, "normal", text);
  expect_whole_concat(map, "reduce", text);
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  set_cell(a, 0, "normal", published_edges(map, "normal", text), text);
  set_cell(a, cell_genes(), "reduce", published_edges(map, "reduce", text), text);
  return a;
}

Architecture Darts::parse(std::string_view raw) const {
  const std::string_view text = trim(raw);
  if (text.find("Genotype") != text.npos || text.find('{') != text.npos)
    return parse_genotype(text);
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

Notation Darts::notation() const {
  std::string ops;
  for (const std::string& op : op_names_) ops += (ops.empty() ? "" : ", ") + op;
  return {{{";", "between the normal cell and the reduction cell"},
           {"|", "between the four nodes of a cell (nodes 2 to 5)"},
           {",", "between the two edges of a node"},
           {op_names_.back() + "~0",
            "an edge: its operation (" + ops +
                ") and the node it reads: 0 and 1 are the cell's inputs, the outputs of the two "
                "cells before"}},
          {{"Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], "
            "reduce_concat=range(2, 6))",
            "the published form, also as a log prints it or as a dictionary"}},
          {"normal", "reduce"}};
}

}  // namespace nas
