#include "spaces/space.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "spaces/base/sha256.hpp"
#include "spaces/counting/space_tables.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

// Draws before a space is taken to have (next to) no valid architecture.
constexpr int kMaxDraws = 1'000'000;

}  // namespace

std::string sha256_hex(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i)
    (hex += kDigits[digest[i] >> 4]) += kDigits[digest[i] & 15];
  return hex;
}

uint64_t Architecture::hash() const {
  uint64_t h = 0x9E3779B97F4A7C15ULL ^ genes.size();
  for (const int16_t gene : genes) h = splitmix64(h ^ static_cast<uint16_t>(gene));
  return h;
}

Space::Space() {
  symbols_.intern("");
}
Space::~Space() = default;

const SamplingTables& Space::tables() const {
  std::call_once(tables_once_, [this] { tables_ = std::make_unique<SamplingTables>(choices_); });
  return *tables_;
}

Plan Space::plan(const Architecture& a) const {
  Plan plan;
  build(a, plan);
  return plan;
}

bool Space::allowed(const Architecture&, std::string*) const {
  return true;
}

bool Space::valid(const Architecture& a, std::string* why) const {
  const auto refuse = [why](std::string text) {
    if (why != nullptr) *why = std::move(text);
    return false;
  };
  if (a.genes.size() != choices_.size())
    return refuse("has " + std::to_string(a.genes.size()) + " genes; the space has " +
                  std::to_string(choices_.size()) + " choices");
  for (size_t c = 0; c < choices_.size(); ++c)
    if (a.genes[c] < 0 || static_cast<size_t>(a.genes[c]) >= choices_[c].options.size())
      return refuse(choices_[c].name + ": option " + std::to_string(a.genes[c]) + " is not in 0.." +
                    std::to_string(choices_[c].options.size() - 1));
  return allowed(a, why);
}

bool Space::active(const Architecture& a, size_t choice) const {
  return active_by_conditions(choices_, a, choice);
}

Architecture Space::fix_inactive(Architecture a) const {
  // Genes of inactive choices do not decide about others: an inactive choice activates nothing.
  const std::vector<char> active = active_choices(choices_, a);
  for (size_t c = 0; c < choices_.size(); ++c)
    if (active[c] == 0) a.genes[c] = 0;
  return a;
}

BigInt Space::count() const {
  if (!constrained()) return tables().count();
  if (tables().count() > kEnumerable)
    throw ConfigError("the space is too large to count by going through it (" +
                      tables().count().str() + " architectures before its constraints)");
  int64_t n = 0;
  enumerate([&n](const Architecture&) { return ++n > 0; });
  return n;
}

void Space::enumerate(const std::function<bool(const Architecture&)>& f) const {
  enumerate_by_conditions(choices_,
                          [&](const Architecture& a) { return !allowed(a, nullptr) || f(a); });
}

void Space::sample(Rng& rng, Architecture& out) const {
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    tables().sample(choices_, rng, out);
    if (!constrained() || allowed(out, nullptr)) return;
  }
  throw ConfigError(
      "space " + name_ + ": no valid architecture in " + std::to_string(kMaxDraws) + " draws",
      "its constraints leave (next to) nothing; see 'nas space check'");
}

Architecture Space::sample(Rng& rng) const {
  Architecture a;
  sample(rng, a);
  return a;
}

std::vector<std::string> Space::feature_names() const {
  std::vector<std::string> names;
  for (const Choice& choice : choices_)
    for (const std::string& option : choice.options) names.push_back(choice.name + "=" + option);
  return names;
}

void Space::features(const Architecture& a, std::vector<double>& out) const {
  out.clear();
  for (size_t c = 0; c < choices_.size(); ++c) {
    const size_t first = out.size();
    out.resize(first + choices_[c].options.size(), 0.0);
    if (active(a, c)) out[first + static_cast<size_t>(a.genes[c])] = 1.0;
  }
}

Architecture Space::smallest() const {
  Architecture a{std::vector<int16_t>(choices_.size(), 0)};
  return valid(a) ? a : extreme(-1);
}

Architecture Space::largest() const {
  Architecture a;
  for (const Choice& choice : choices_)
    a.genes.push_back(static_cast<int16_t>(choice.options.size() - 1));
  a = fix_inactive(std::move(a));
  return valid(a) ? a : extreme(1);
}

// Constraints know no order, so nothing but going through the space tells.
Architecture Space::extreme(int sign) const {
  constexpr int64_t kMost = 1'000'000;
  if (tables().count() > kMost)
    throw ConfigError("space " + name_ + ": its constraints hide which architecture is the " +
                          (sign < 0 ? "smallest" : "largest") + ", and it has too many (" +
                          tables().count().str() + ") to go through",
                      "a family of this size must override smallest() and largest()");
  Architecture best;
  int64_t most = 0;
  Plan plan;
  enumerate([&](const Architecture& a) {
    build(a, plan);
    const int64_t macs = sign * cost_of(plan, counting_).macs;
    if (best.genes.empty() || macs > most) {
      most = macs;
      best = a;
    }
    return true;
  });
  if (best.genes.empty()) throw ConfigError("space " + name_ + " has no valid architecture");
  return best;
}

std::vector<Architecture> Space::cover() const {
  // Option k everywhere, for every k; then whatever (choice, option) pair is still unseen.
  std::vector<Architecture> set;
  size_t most = 1;
  for (const Choice& choice : choices_) most = std::max(most, choice.options.size());
  const auto add = [&](Architecture a) {
    a = fix_inactive(std::move(a));
    if (valid(a) && std::find(set.begin(), set.end(), a) == set.end()) set.push_back(std::move(a));
  };
  for (size_t k = 0; k < most; ++k) {
    Architecture a;
    for (const Choice& choice : choices_)
      a.genes.push_back(static_cast<int16_t>(std::min(k, choice.options.size() - 1)));
    add(std::move(a));
  }
  const auto seen = [&](size_t c, int16_t option) {
    return std::any_of(set.begin(), set.end(), [&](const Architecture& a) {
      return a.genes[c] == option && active(a, c);
    });
  };
  Rng rng(0, "cover");
  for (size_t c = 0; c < choices_.size(); ++c)
    for (size_t option = 0; option < choices_[c].options.size(); ++option) {
      const auto wanted = static_cast<int16_t>(option);
      // A draw mixes the other choices and mostly does; the walk decides.
      constexpr int kDraws = 20;
      for (int attempt = 0; attempt < kDraws && !seen(c, wanted); ++attempt) {
        Architecture a;
        sample_choices(rng, a);
        for (size_t on = c; !choices_[on].conditions.empty();) {
          const Condition& condition = choices_[on].conditions[0];
          a.genes[static_cast<size_t>(condition.on)] =
              condition.options[rng.below(condition.options.size())];
          on = static_cast<size_t>(condition.on);
        }
        a.genes[c] = wanted;
        if (active(a, c)) add(std::move(a));
      }
      if (!seen(c, wanted))
        if (std::optional<Architecture> a = with_option(c, wanted)) add(std::move(*a));
    }
  if (set.empty()) set.push_back(smallest());
  return set;
}

// The first valid architecture in which the choice is active and has this option; none: there is
// no such one.
std::optional<Architecture> Space::with_option(size_t choice, int16_t option) const {
  constexpr int64_t kMost = 5'000'000;
  std::optional<Architecture> found;
  int64_t visited = 0;
  enumerate_by_conditions(
      choices_,
      [&](const Architecture& a) {
        if (allowed(a, nullptr)) found = a;
        return !found && ++visited < kMost;
      },
      ChosenOption{choice, option});
  if (!found && visited >= kMost)
    throw ConfigError("space " + name_ + ": cannot tell whether a valid architecture has " +
                          choices_[choice].name + "=" +
                          choices_[choice].options[static_cast<size_t>(option)] + "; " +
                          std::to_string(kMost) + " that have it break the constraints",
                      "loosen the constraints, or leave the option out");
  return found;
}

std::vector<SupernetTensor> Space::supernet_tensors() const {
  std::vector<SupernetTensor> tensors;
  std::map<std::pair<uint32_t, Role>, size_t> seen;
  Plan plan;
  for (const Architecture& a : cover()) {
    build(a, plan);
    for (const std::vector<Node>* nodes : {&plan.nodes, &plan.auxiliary})
      for (const Node& node : *nodes) {
        TensorSpec specs[kMostTensors];
        const int n = tensors_of(node.op, specs);
        for (int i = 0; i < n; ++i) {
          const TensorSpec& spec = specs[i];
          const Start start = start_of(node.op, spec);
          const auto [at, fresh] = seen.emplace(std::pair(node.name, spec.role), tensors.size());
          if (fresh) {
            tensors.push_back({plan.tensor_name(node, spec.role),
                               spec.role,
                               spec.full,
                               start,
                               spec.learned_crop});
            continue;
          }
          const SupernetTensor& first = tensors[at->second];
          if (!(first.full == spec.full) || !(first.start == start) ||
              first.learned_crop != spec.learned_crop)
            throw std::logic_error("space " + name_ + ": the plans disagree about the tensor " +
                                   first.name + " (its full size or how it starts), at " + text(a));
        }
      }
  }
  return tensors;
}

}  // namespace nas
