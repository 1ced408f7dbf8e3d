// How the ops of a space that cannot be listed are listed exactly.
//
// Let n_s(a) be how often key s stands in the network of architecture a, and g_s the same for any
// genes in range, closed choices set to 0 first. Two choices act together where the effect of one
// on some n_s depends on the other. Differences in random contexts find which do (the graph of
// spaces/counting/interactions.hpp), for all keys at once: what is compared is the sum over a
// network's pieces of a random 40-bit number for each key, which for no two different sets of
// counts is equal but by a chance of 10^-8.
//
// Claim: let r be one fixed architecture (the largest). If key s stands in some network, it stands
// in one that differs from r only in choices that all act together (a clique of the graph).
// Proof: g_s(a) = sum over sets S of choices of m_S(a), m_S the alternating sum of g_s over all
// architectures that have some choices of S from a and all others from r (Moebius inversion; exact
// for any function). m_S = 0 unless S is a clique: if two choices in S do not act together, the
// terms cancel in fours. So where g_s is 0 for all architectures that differ from r in a clique
// only, every m_S is 0, and g_s(a) = 0.
//
// So it suffices to go through all combinations of options of each maximal clique, with the rest
// as in r: 1,200 networks of the 2e19 of once-for-all MobileNetV3. Every key found is one of a
// network that is valid; a combination that rules exclude helps the algebra, and its keys count
// only where a valid network is found that has them.
//
// What is not proven is the graph: a dependence that shows in a share p of the contexts goes
// unnoticed with probability (1 - p)^n. Therefore the list is checked on `checked` networks of each
// of two laws, uniform over architectures and uniform over options: a key that a share p of them
// has and that is not listed is seen with probability 1 - (1 - p)^checked (p of 1 %: all but
// 4e-5). Then the graph is found anew from more contexts; if nothing helps, or too many choices act
// together, options are forced in turn and random networks fill in, and the list is said to be
// sampled.
#include "hardware/op_cases.hpp"

#include <algorithm>
#include <unordered_set>

#include "hardware/kernel_key.hpp"
#include "spaces/counting/interactions.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int kOfEachOption = 8;
constexpr int kContexts[] = {6, 24, 96};

/// Looks at networks and writes down the pieces that are new.
class Collector {
 public:
  Collector(const Domain& domain, const Grouping& grouping)
      : domain_(domain), grouping_(grouping) {}

  /// Keys of a network, by number, as often as they stand in it. InternalShapeError where it cannot
  /// be built.
  const std::vector<uint32_t>& keys(const Architecture& a) {
    domain_.space().build(a, plan_);
    grouping_.split(plan_, pieces_);
    keys_.clear();
    for (size_t i = 0; i < pieces_.size(); ++i) keys_.push_back(index_.id_of(pieces_.key(i)));
    return keys_;
  }

  /// Writes down what is new in the network of `a`, which is inside; whether anything was.
  bool look(const Architecture& a) {
    ++built_;
    std::shared_ptr<const Plan> kept;
    const std::vector<uint32_t>& list = keys(a);
    if (cases_.size() < index_.size()) cases_.resize(index_.size());
    for (size_t i = 0; i < list.size(); ++i) {
      OpCase& found = cases_[list[i]];
      if (found.plan) continue;
      if (!kept) kept = std::make_shared<const Plan>(plan_);
      found.plan = kept;
      found.architecture = a;
      found.nodes.assign(pieces_.nodes(i).begin(), pieces_.nodes(i).end());
      found.node = static_cast<size_t>(found.nodes.front());
    }
    return kept != nullptr;
  }

  /// The same, and counts it among those that tell how often each key is used.
  bool count(const Architecture& a) {
    const bool fresh = look(a);
    ++looked_at_;
    std::sort(keys_.begin(), keys_.end());
    for (size_t i = 0; i < keys_.size(); ++i) {
      ++cases_[keys_[i]].uses;
      if (i == 0 || keys_[i] != keys_[i - 1]) ++cases_[keys_[i]].networks;
    }
    return fresh;
  }

  void forget_counts() {
    for (OpCase& each : cases_) each.networks = each.uses = 0;
    looked_at_ = 0;
  }
  /// Whether every key that was met stands in a network that is inside.
  bool known(uint32_t key) const { return key < cases_.size() && cases_[key].plan != nullptr; }
  int64_t built() const { return built_; }

  SpaceOps take(SpaceOps::How how) {
    SpaceOps result;
    result.how = how;
    result.built = built_;
    result.looked_at = looked_at_;
    for (OpCase& each : cases_) {
      if (!each.plan) continue;
      // The key of the piece that begins with this node.
      grouping_.split(*each.plan, pieces_);
      size_t piece = 0;
      while (!std::equal(each.nodes.begin(),
                         each.nodes.end(),
                         pieces_.nodes(piece).begin(),
                         pieces_.nodes(piece).end()))
        ++piece;
      std::string key = grouping_.text(*each.plan, pieces_, piece);
      const auto [it, fresh] = result.ops.try_emplace(std::move(key), each);
      if (!fresh) {  // Two numbers for one text: other names of the same op.
        it->second.networks = std::max(it->second.networks, each.networks);
        it->second.uses += each.uses;
      }
    }
    return result;
  }

 private:
  const Domain& domain_;
  const Grouping& grouping_;
  Plan plan_;
  Pieces pieces_;
  KeyIndex index_;
  std::vector<uint32_t> keys_;
  std::vector<OpCase> cases_;  ///< By number of the key; without a plan: met outside only.
  int64_t built_ = 0, looked_at_ = 0;
};

/// Maximal cliques (Bron and Kerbosch, with a pivot).
class Cliques {
 public:
  using Set = std::vector<size_t>;  ///< Rising.
  explicit Cliques(const exact::Neighbours& graph) : graph_(graph) {}

  std::vector<Set> find() {
    Set all;
    for (size_t c = 0; c < graph_.size(); ++c) all.push_back(c);
    Set clique;
    extend(clique, all, {});
    return std::move(found_);
  }

 private:
  Set both(const Set& set, size_t choice) const {
    Set common;
    std::set_intersection(set.begin(),
                          set.end(),
                          graph_[choice].begin(),
                          graph_[choice].end(),
                          std::back_inserter(common));
    return common;
  }
  void extend(Set& clique, Set open, Set closed) {
    if (open.empty() && closed.empty()) {
      found_.push_back(clique);
      std::sort(found_.back().begin(), found_.back().end());
      return;
    }
    size_t pivot = graph_.size(), most = 0;
    for (const Set* set : {&open, &closed})
      for (const size_t c : *set)
        if (const size_t shared = both(open, c).size(); pivot == graph_.size() || shared > most) {
          pivot = c;
          most = shared;
        }
    const Set tried = open;
    for (const size_t c : tried) {
      if (std::binary_search(graph_[pivot].begin(), graph_[pivot].end(), c)) continue;
      clique.push_back(c);
      extend(clique, both(open, c), both(closed, c));
      clique.pop_back();
      open.erase(std::lower_bound(open.begin(), open.end(), c));
      closed.insert(std::lower_bound(closed.begin(), closed.end(), c), c);
    }
  }

  const exact::Neighbours& graph_;
  std::vector<Set> found_;
};

class Scopes {
 public:
  Scopes(const Domain& domain, Collector& collector, const OpsOptions& options)
      : domain_(domain),
        space_(domain.space()),
        collector_(collector),
        options_(options),
        reference_(domain.largest()) {}

  /// Goes through all combinations. NotAdditive where that cannot be done.
  void look(int contexts) {
    const auto rules = domain_.rules();
    if (!rules) throw exact::NotAdditive("its rules are not told apart");
    exact::Values values(space_, {[this](const Architecture& a) {
                           double sum = 0;
                           for (const uint32_t key : collector_.keys(a))
                             sum += static_cast<double>(splitmix64(key + 1) >> 24);
                           return sum;
                         }});
    const exact::Neighbours graph =
        exact::interactions(domain_, *rules, values, contexts, static_cast<uint64_t>(contexts));
    std::vector<Cliques::Set> cliques = Cliques(graph).find();
    double all = 0;
    for (const Cliques::Set& clique : cliques) {
      double combinations = 1;
      for (const size_t c : clique) combinations *= static_cast<double>(domain_.option_count(c));
      all += combinations;
    }
    if (all > static_cast<double>(options_.built))
      throw exact::NotAdditive("too many choices act together");
    for (const Cliques::Set& clique : cliques) combine(clique);
    find_witnesses();
  }

 private:
  void combine(const Cliques::Set& clique) {
    std::vector<size_t> at(clique.size(), 0);
    for (bool more = true; more;) {
      Architecture a = reference_;
      for (size_t i = 0; i < clique.size(); ++i)
        a.genes[clique[i]] = domain_.option(clique[i], at[i]);
      take(space_.fix_inactive(std::move(a)));
      more = false;
      for (size_t i = 0; i < clique.size() && !more; ++i) {
        more = ++at[i] < domain_.option_count(clique[i]);
        if (!more) at[i] = 0;
      }
    }
  }

  void take(Architecture a) {
    if (!seen_.insert(a).second) return;
    if (domain_.contains(a)) {
      collector_.look(a);
      return;
    }
    for (const uint32_t key : collector_.keys(a)) outside_.try_emplace(key, a);
  }

  /// For keys that only combinations outside have: the same options among others.
  void find_witnesses() {
    constexpr int kDraws = 50;
    Rng rng(0, "ops/witnesses");
    for (const auto& [key, a] : outside_) {
      if (collector_.known(key)) continue;
      Restriction part = domain_.whole() ? Restriction(space_) : domain_.restriction();
      try {
        for (size_t c = 0; c < a.genes.size(); ++c)
          if (a.genes[c] != reference_.genes[c] && space_.active(a, c))
            part = part.keep(c, std::span(&a.genes[c], 1));
        const Domain like(space_, part);
        for (int i = 0; i < kDraws && !collector_.known(key); ++i)
          collector_.look(like.sample(rng));
      } catch (const ConfigError&) {
        // Nothing inside has these options together.
      }
    }
  }

  const Domain& domain_;
  const Space& space_;
  Collector& collector_;
  const OpsOptions& options_;
  Architecture reference_;
  std::unordered_set<Architecture> seen_;
  std::map<uint32_t, Architecture> outside_;
};

/// Whether random networks show nothing that is not listed.
bool holds(const Domain& domain, Collector& collector, const OpsOptions& options) {
  collector.forget_counts();
  Rng uniform(0, "ops/check"), by_choice(0, "ops/check choices");
  bool fresh = false;
  Architecture a;
  for (int64_t i = 0; i < options.checked; ++i) {
    domain.sample(uniform, a);
    fresh = collector.count(a) || fresh;
    domain.sample_choices(by_choice, a);
    fresh = collector.look(domain.space().fix_inactive(a)) || fresh;
  }
  return !fresh;
}

/// Options forced in turn, since uniform draws seldom meet what needs a rare one, then random
/// networks until a tenth as many as would be listed show nothing new.
void sample_ops(const Domain& domain, Collector& collector, const OpsOptions& options) {
  collector.look(domain.smallest());
  collector.look(domain.largest());
  Rng rng(0, "measure/options");
  Architecture a;
  for (size_t c = 0; c < domain.space().choices().size(); ++c)
    for (const int16_t option : domain.options(c))
      for (int i = 0; i < kOfEachOption; ++i) {
        domain.sample_choices(rng, a);
        a.genes[c] = option;
        a = domain.space().fix_inactive(std::move(a));
        if (domain.contains(a)) collector.look(a);
      }
  Rng more(0, "measure");
  for (int64_t idle = 0; idle < options.listed / 10; ++idle)
    if (collector.look(domain.sample(more))) idle = 0;
}

}  // namespace

SpaceOps ops_of(const Domain& domain, const Grouping& grouping, const OpsOptions& options) {
  Collector collector(domain, grouping);
  if (domain.count() <= options.listed) {
    domain.enumerate([&](const Architecture& a) {
      collector.count(a);
      return true;
    });
    return collector.take(SpaceOps::How::kListed);
  }
  for (const int contexts : kContexts) try {
      Scopes(domain, collector, options).look(contexts);
      if (holds(domain, collector, options)) return collector.take(SpaceOps::How::kScopes);
    } catch (const exact::NotAdditive&) {
      break;
    } catch (const InternalShapeError&) {
      break;  // Some combinations cannot be built.
    }
  sample_ops(domain, collector, options);
  holds(domain, collector, options);
  return collector.take(SpaceOps::How::kSampled);
}

bool all_blocks(const SpaceOps& ops) {
  OfaBlock ignored;
  return std::all_of(ops.ops.begin(), ops.ops.end(), [&](const auto& block) {
    return read_ofa_key(block.first, ignored);
  });
}

ConfigError no_blocks(const Space& space) {
  return ConfigError("the networks of '" + space.name() +
                     "' do not fall into blocks that once-for-all's tables have keys for");
}

std::vector<std::pair<size_t, int16_t>> options_behind(const Domain& domain,
                                                       const Grouping& grouping,
                                                       const std::string& key,
                                                       const OpCase& op) {
  const Space& space = domain.space();
  Plan plan;
  Pieces pieces;
  const auto has = [&](const Architecture& a) {
    if (!domain.contains(a)) return false;
    space.build(a, plan);
    grouping.split(plan, pieces);
    for (size_t i = 0; i < pieces.size(); ++i)
      if (grouping.text(plan, pieces, i) == key) return true;
    return false;
  };
  const Architecture largest = domain.largest();
  if (has(largest)) return {};
  Architecture a = op.architecture;
  // `c` as in the largest; choices that this opens, too, where the piece then still stands.
  const auto take = [&](size_t c) {
    for (const bool opened : {true, false}) {
      Architecture other = a;
      other.genes[c] = largest.genes[c];
      for (size_t i = 0; opened && i < a.genes.size(); ++i)
        if (!space.active(a, i)) other.genes[i] = largest.genes[i];
      other = space.fix_inactive(std::move(other));
      if (other == a || !has(other)) continue;
      a = std::move(other);
      return true;
    }
    return false;
  };
  // The last choices first: those of depth and size, which open others, stand there or are few.
  // Again while one helps: what a later one opened is another choice to be taken back.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t c = a.genes.size(); c-- > 0;)
      if (a.genes[c] != largest.genes[c] && space.active(a, c)) changed = take(c) || changed;
  }
  std::vector<std::pair<size_t, int16_t>> options;
  for (size_t c = 0; c < a.genes.size(); ++c)
    if (a.genes[c] != largest.genes[c] && space.active(a, c)) options.emplace_back(c, a.genes[c]);
  return options;
}

std::map<std::string, OpCase> distinct_ops(const Domain& domain, bool& complete, int64_t most) {
  OpsOptions options;
  options.listed = most;
  SpaceOps found = ops_of(domain, op_grouping(), options);
  complete = found.exact();
  return std::move(found.ops);
}

}  // namespace nas
