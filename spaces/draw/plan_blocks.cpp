// A block ends where all data pass one node (nothing before it is read after it), so that any space
// is cut where its network is; the choice behind a node and the first part of its name say what a
// block is called.
#include "spaces/draw/plan_blocks.hpp"

#include <algorithm>
#include <set>

namespace nas {
namespace {

bool starts_with(const std::string& text, const char* word) {
  return text.rfind(word, 0) == 0;
}

// `stage1.block2` of `stage1.block2.expand.conv`, `cell3` of `cell3.edge20.conv`.
std::string block_name(const std::string& name) {
  const size_t dot = name.find('.');
  if (dot == std::string::npos) return name;
  const std::string rest = name.substr(dot + 1);
  if (starts_with(rest, "block") || starts_with(rest, "layer") || starts_with(rest, "first"))
    return name.substr(0, name.find('.', dot + 1));
  return name.substr(0, dot);
}

class BlockFinder {
 public:
  BlockFinder(const PlanReading& reading, const std::vector<Choice>& choices)
      : reading_(reading), plan_(reading.plan()), choices_(choices) {
    found_.of_node.assign(reading.size(), 0);
  }

  PlanBlocks find() {
    // Where nothing before i is read after i, all data passes i: a piece ends.
    int32_t last_reader = last_reader_of_image();
    size_t first = 0;
    for (size_t i = 0; i < reading_.size(); ++i) {
      if (last_reader <= static_cast<int32_t>(i)) {
        place(first, i + 1);
        first = i + 1;
      }
      for (const size_t reader : reading_.readers(i))
        last_reader = std::max(last_reader, static_cast<int32_t>(reader));
    }
    if (first < reading_.size()) place(first, reading_.size());
    return std::move(found_);
  }

 private:
  int32_t last_reader_of_image() const {
    int32_t last = 0;
    for (size_t i = 0; i < reading_.size(); ++i)
      for (const int32_t id : plan_.inputs(plan_.nodes[i]))
        if (Plan::is_input(id)) last = static_cast<int32_t>(i);
    return last;
  }

  std::string name_of(size_t i) const { return block_name(plan_.name(plan_.nodes[i])); }
  /// First choice that put i there, or -1.
  int choice_of(size_t i) const {
    const auto origins = plan_.origins(plan_.nodes[i]);
    return origins.empty() ? -1 : origins[0].choice;
  }

  int open_new(const std::string& name) {
    found_.names.push_back(name);
    return static_cast<int>(found_.names.size()) - 1;
  }
  int open(const std::string& name) {
    if (!found_.names.empty() && found_.names.back() == name)
      return static_cast<int>(found_.names.size()) - 1;
    return open_new(name);
  }

  void place(size_t first, size_t end) {
    std::set<std::string> names;
    for (size_t i = first; i < end; ++i)
      if (reading_.named(i)) names.insert(name_of(i));
    if (names.size() > 1) return place_mixed(first, end);
    const int block = names.empty() ? block_of_unnamed(first, end) : open(*names.begin());
    for (size_t i = first; i < end; ++i) found_.of_node[i] = block;
  }

  int block_before(size_t first) {
    if (first > 0) return found_.of_node[first - 1];
    return open(next_name(first, "network"));
  }
  std::string next_name(size_t i, const std::string& otherwise) const {
    for (; i < reading_.size(); ++i)
      if (reading_.named(i)) return name_of(i);
    return otherwise;
  }

  // A piece without names, e.g. the ReLU after a block, an identity, a whole cell of skips.
  int block_of_unnamed(size_t first, size_t end) {
    if (end == first + 1 && reading_.joins(first)) return block_before(first);
    std::set<int> choices;
    for (size_t i = first; i < end; ++i)
      if (choice_of(i) >= 0) choices.insert(choice_of(i));
    if (choices.size() > 1) return open_new("cell");
    if (choices.size() == 1) return block_of_choice(*choices.begin(), first, end);
    // What flattens makes the features of the classifier; a pool of a stem stays with the stem.
    const bool flattens = plan_.nodes[end - 1].out.vector();
    return flattens ? open(next_name(end, "head")) : block_before(first);
  }

  int block_of_choice(int choice, size_t first, size_t end) {
    if (first > 0 && choice_of(first - 1) == choice) return block_before(first);
    if (end < reading_.size() && choice_of(end) == choice && reading_.named(end))
      return open(name_of(end));
    return open_new(block_name(choices_[static_cast<size_t>(choice)].name));
  }

  // Cells that read the two cells before them have no point between them that all data passes.
  void place_mixed(size_t first, size_t end) {
    for (size_t i = first; i < end; ++i) {
      const std::string name = reading_.named(i) ? name_of(i) : leads_to(i);
      found_.of_node[i] = name.empty() ? block_of_inputs(i) : open(name);
    }
  }

  int block_of_inputs(size_t i) const {
    int block = 0;
    for (const int32_t id : plan_.inputs(plan_.nodes[i]))
      if (id >= 0) block = std::max(block, found_.of_node[static_cast<size_t>(id)]);
    return block;
  }

  /// Block of the named ops that alone read i, e.g. of the convolution after a ReLU; "" if none.
  std::string leads_to(size_t i) const {
    if (reading_.merges(i)) return "";
    std::string name;
    for (const size_t reader : reading_.readers(i)) {
      const std::string here = reading_.named(reader) ? name_of(reader) : leads_to(reader);
      if (here.empty() || (!name.empty() && name != here)) return "";
      name = here;
    }
    return name;
  }

  const PlanReading& reading_;
  const Plan& plan_;
  const std::vector<Choice>& choices_;
  PlanBlocks found_;
};

}  // namespace

PlanReading::PlanReading(const Plan& plan) : plan_(plan), readers_(plan.nodes.size()) {
  for (size_t i = 0; i < plan.nodes.size(); ++i)
    for (const int32_t id : plan.inputs(plan.nodes[i]))
      if (id >= 0) readers_[static_cast<size_t>(id)].push_back(i);
}

int32_t PlanReading::only_input(size_t i) const {
  const auto inputs = plan_.inputs(plan_.nodes[i]);
  return inputs.size() == 1 ? inputs[0] : -2;
}

bool PlanReading::same_origins(size_t i, size_t j) const {
  const auto a = plan_.origins(plan_.nodes[i]), b = plan_.origins(plan_.nodes[j]);
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool PlanReading::merges(size_t i) const {
  return takes_many(op(i));
}

bool PlanReading::joins(size_t i) const {
  const bool light =
      std::holds_alternative<BatchNorm>(op(i)) || std::holds_alternative<Activation>(op(i)) ||
      std::holds_alternative<Dropout>(op(i)) || std::holds_alternative<DropPath>(op(i));
  const int32_t input = only_input(i);
  if (!light || !read_once(input)) return false;
  // A cell's sum is its own box; the activation of what reads it next comes from another choice.
  const auto before = static_cast<size_t>(input);
  return !merges(before) || same_origins(before, i);
}

PlanBlocks blocks_of(const PlanReading& reading, const std::vector<Choice>& choices) {
  return BlockFinder(reading, choices).find();
}

}  // namespace nas
