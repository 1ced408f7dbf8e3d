// pagmo's algorithms run on numbers and ask for one fitness after another; here they are driven one
// generation at a time on real architectures (pagmo_problem.hpp). What they ask for again is
// answered by the archive. Copies in a population are replaced by mutants between generations, and
// a generation that paid for nothing pays for some mutants, so that a search whose population has
// converged still goes on, and ends when the space does.
//
// A generation ends in the middle when the budget does; nothing of it is kept then but what was
// paid for, so that a larger budget repeats it.
//
// The state is the population and pagmo's own serialised form of the algorithm with its memory
// (covariances, velocities, solution archives, random engine): resuming is bit for bit on the same
// kind of machine.
#include "search/algorithms/pagmo/pagmo_search.hpp"

#include <algorithm>
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <cstring>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <pagmo/s11n.hpp>
#include <sstream>
#include <unordered_set>

#include "search/algorithms/pagmo/pagmo_problem.hpp"
#include "search/algorithms/state.hpp"

namespace nas {
namespace {

constexpr char kHex[] = "0123456789abcdef";

std::string to_hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += kHex[static_cast<unsigned char>(byte) >> 4];
    text += kHex[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::string from_hex(const std::string& text) {
  std::string bytes;
  if (text.size() % 2 != 0) throw DataError("it is cut off");
  for (size_t i = 0; i < text.size(); i += 2) {
    const char* high = std::strchr(kHex, text[i]);
    const char* low = std::strchr(kHex, text[i + 1]);
    if (high == nullptr || low == nullptr || *high == '\0' || *low == '\0')
      throw DataError("it is damaged");
    bytes += static_cast<char>((high - kHex) << 4 | (low - kHex));
  }
  return bytes;
}

/// pagmo's cmaes writes a vector that it never fills nor reads, right after its mean: [n][1][mean]
/// [n][1][unused]. It becomes zeros, so that equal states are equal texts.
void clear_unused(std::string& bytes, size_t n) {
  const int64_t shape[2] = {static_cast<int64_t>(n), 1};
  const std::string head(reinterpret_cast<const char*>(shape), sizeof shape);
  const size_t width = n * sizeof(double);
  for (size_t at = bytes.find(head); at != std::string::npos; at = bytes.find(head, at + 1)) {
    const size_t second = at + head.size() + width;
    if (bytes.size() < second + head.size() + width) return;
    if (bytes.compare(second, head.size(), head) != 0) continue;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(second + head.size()), width, '\0');
    return;
  }
}

std::string hex_of(const std::vector<pagmo::vector_double>& rows) {
  std::string bytes;
  for (const pagmo::vector_double& row : rows)
    bytes.append(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(double));
  return to_hex(bytes);
}

std::vector<pagmo::vector_double> rows_of(const std::string& hex, size_t width) {
  const std::string bytes = from_hex(hex);
  std::vector<pagmo::vector_double> rows;
  if (bytes.empty()) return rows;
  if (width == 0 || bytes.size() % (width * sizeof(double)) != 0)
    throw DataError("it is one of other choices");
  for (size_t i = 0; i < bytes.size(); i += width * sizeof(double)) {
    pagmo::vector_double& row = rows.emplace_back(width);
    std::memcpy(row.data(), bytes.data() + i, width * sizeof(double));
  }
  return rows;
}

class PagmoSearch : public SearchAlgorithm {
 public:
  explicit PagmoSearch(const PagmoTactic& tactic) : tactic_(tactic) {}

  void prepare(const SearchContext& context) override {
    const Genome genome(context.domain(), tactic_.integers);
    width_ = genome.size();
    const auto population = static_cast<size_t>(context.population());
    try {  // what pagmo refuses is told before anything is paid for
      algorithm_ = tactic_.make(context, population, seed_of(context));
    } catch (const std::exception& e) {
      throw ConfigError("search." + tactic_.name + ": " + e.what());
    }
  }

  void step(SearchContext& context) override {
    Rng rng(context.seed(), "search." + tactic_.name, static_cast<uint64_t>(context.generation()));
    const Genome genome(context.domain(), tactic_.integers);
    if (x_.size() < static_cast<size_t>(context.population())) return begin(context, genome, rng);
    PagmoFitness fitness(context, genome, scale_);
    const size_t before = context.archive().evaluations();
    pagmo::population population(pagmo::problem(PagmoProblem{&fitness}), 0, 0);
    for (size_t i = 0; i < x_.size(); ++i) population.push_back(x_[i], f_[i]);
    try {
      // Its memory changes while it evolves.
      const pagmo::algorithm next =
          tactic_.remembers ? algorithm_
                            : tactic_.make(context, x_.size(), static_cast<unsigned>(rng.next()));
      population = next.evolve(population);
      if (tactic_.remembers) {
        algorithm_ = next;
        x_ = population.get_x();
        f_ = population.get_f();
      } else {
        compete(population);
      }
    } catch (const BudgetSpent&) {
      return;
    }
    refresh(context, fitness, genome, rng, context.archive().evaluations() > before);
  }

  std::string state_json() const override {
    std::ostringstream bytes;
    {
      boost::archive::binary_oarchive out(bytes);
      out << algorithm_;
    }
    std::string memory = bytes.str();
    if (tactic_.name == "cmaes") clear_unused(memory, width_);
    return nlohmann::json{{"algorithm", tactic_.name},
                          {"x", hex_of(x_)},
                          {"f", hex_of(f_)},
                          {"scale", hex_of({scale_.low, scale_.high})},
                          {"memory", to_hex(memory)}}
        .dump();
  }

  void restore(const Space&, const std::string& json) override {
    read_state(tactic_.name, json, [&](const nlohmann::json& state) {
      auto x = rows_of(state.at("x").get<std::string>(), width_);
      const std::string scale = state.at("scale").get<std::string>();
      const size_t objectives = scale.size() / (4 * sizeof(double));
      auto f = rows_of(state.at("f").get<std::string>(), objectives);
      auto bounds = rows_of(scale, objectives);
      if (x.size() != f.size()) throw DataError("it is cut off");
      std::istringstream bytes(from_hex(state.at("memory").get<std::string>()));
      boost::archive::binary_iarchive in(bytes);
      pagmo::algorithm memory;
      in >> memory;
      if (memory.get_name() != algorithm_.get_name()) throw DataError("it is another algorithm's");
      algorithm_ = std::move(memory);
      x_ = std::move(x);
      f_ = std::move(f);
      if (bounds.size() == 2) scale_ = {bounds[0], bounds[1]};
    });
  }

 private:
  static unsigned seed_of(const SearchContext& context) {
    return static_cast<unsigned>(Rng(context.seed(), "search.pagmo").next());
  }

  /// The first population, or what it still lacks.
  void begin(SearchContext& context, const Genome& genome, Rng& rng) {
    Proposals first(context, static_cast<size_t>(context.population()) - x_.size());
    first.fill(rng);
    context.evaluate(first.architectures());
    scale_ = ObjectiveScale::of(context.archive());
    for (const Architecture& a : first.architectures()) x_.push_back(genome.encode(a, rng));
    const PagmoFitness fitness(context, genome, scale_);
    f_.clear();
    for (const pagmo::vector_double& x : x_) f_.push_back(fitness.of(*genome.decode(x)));
  }

  /// The best of old and new members by rank and crowding.
  void compete(const pagmo::population& born) {
    const size_t size = x_.size();
    x_.insert(x_.end(), born.get_x().begin(), born.get_x().end());
    f_.insert(f_.end(), born.get_f().begin(), born.get_f().end());
    std::vector<ScoredPoint> points;
    for (const pagmo::vector_double& f : f_) points.push_back({f, 0});
    std::vector<pagmo::vector_double> x, f;
    for (const size_t i : standing_of(points).order()) {
      if (x.size() == size) break;
      x.push_back(x_[i]);
      f.push_back(f_[i]);
    }
    x_ = std::move(x);
    f_ = std::move(f);
  }

  /// Mutants instead of copies; some mutants in any case where nothing was paid for.
  void refresh(SearchContext& context,
               const PagmoFitness& fitness,
               const Genome& genome,
               Rng& rng,
               bool paid) {
    const Domain& domain = context.domain();
    std::unordered_set<Architecture> seen;
    std::vector<size_t> copies, others;
    for (size_t i = 0; i < x_.size(); ++i) {
      const std::optional<Architecture> a = genome.decode(x_[i]);
      (a && seen.insert(context.key(*a)).second ? others : copies).push_back(i);
    }
    const size_t few = std::max<size_t>(1, x_.size() / 4);
    if (!tactic_.replaces_copies && paid) return;
    if (paid && copies.empty()) return;
    rng.shuffle(copies);
    rng.shuffle(others);
    copies.insert(copies.end(), others.begin(), others.end());
    const size_t wanted = paid ? std::min(few, x_.size() - others.size()) : few;
    const double rate = 1.0 / static_cast<double>(domain.open_choices());
    Proposals mutants(context, wanted);
    size_t next = 0;
    take_children(context, rng, mutants, [&] {
      const std::optional<Architecture> a = genome.decode(x_[copies[next++ % copies.size()]]);
      return a ? domain.mutate(*a, rate, rng) : context.sample(rng);
    });
    mutants.fill(rng);
    const std::vector<Architecture>& born = mutants.architectures();
    context.evaluate(born);
    for (size_t i = 0; i < born.size(); ++i) {
      const pagmo::vector_double f = fitness.of(born[i]);
      const size_t at = copies[i];
      const bool copy = i + others.size() < copies.size();
      if (!(copy && tactic_.replaces_copies) && !dominates(f, f_[at])) continue;
      x_[at] = genome.encode(born[i], rng);
      f_[at] = f;
    }
  }

  PagmoTactic tactic_;
  pagmo::algorithm algorithm_;
  size_t width_ = 0;
  std::vector<pagmo::vector_double> x_, f_;
  ObjectiveScale scale_;
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_pagmo_search(const PagmoTactic& tactic) {
  return std::make_unique<PagmoSearch>(tactic);
}

}  // namespace nas
