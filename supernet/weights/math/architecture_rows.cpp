// Networks are numbered by going through the space once, which also counts how many architectures
// each row stands for. Combinations of choices are numbered in a mixed radix with one more digit
// for "not active"; where the space is too large to go through, their weights are estimated from
// uniform draws.
#include "supernet/weights/math/architecture_rows.hpp"

#include <algorithm>

#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr double kMost = 1e7;  // Rows times models.
constexpr int64_t kEnumerable = 2'000'000;
constexpr int kDraws = 200'000;

/// A mistake of the section `weights`, wherever that stands.
ConfigError mistake(const std::string& key, const std::string& message, const std::string& hint) {
  return ConfigError(std::vector<Problem>{{"", 0, 0, "weights." + key, message, hint}});
}

ConfigError too_many(const char* key,
                     const std::string& rows,
                     int models,
                     const std::string& hint) {
  return mistake(key,
                 "the association would have " + rows + " rows for " + std::to_string(models) +
                     (models == 1 ? " model" : " models") + ", more than 1e7 cells",
                 hint);
}

}  // namespace

ArchitectureRows::ArchitectureRows(const Domain& domain,
                                   const std::vector<std::string>& choices,
                                   int models)
    : domain_(domain), space_(domain.space()) {
  const Space& space = space_;
  if (choices.empty()) {
    number_networks(models);
    return;
  }
  std::vector<std::string> known;
  for (const Choice& c : space.choices()) known.push_back(c.name);
  double rows = 1;
  for (const std::string& name : choices) {
    const auto it = std::find(known.begin(), known.end(), name);
    if (it == known.end()) {
      const std::string near = nearest(name, known);
      throw mistake("key",
                    "the space '" + space.name() + "' has no choice '" + name + "'",
                    near.empty() ? "`nas space show` lists them" : "did you mean '" + near + "'?");
    }
    const auto choice = static_cast<size_t>(it - known.begin());
    if (std::find(choices_.begin(), choices_.end(), choice) != choices_.end())
      throw mistake("key", "the choice '" + name + "' stands twice", "leave one out");
    choices_.push_back(choice);
    rows *= static_cast<double>(space.choices()[choices_.back()].options.size() + 1);
    if (rows * models > kMost)
      throw too_many("key",
                     "over " + std::to_string(static_cast<int64_t>(rows)),
                     models,
                     "name fewer choices in weights.key");
  }
  weights_.assign(static_cast<size_t>(rows), 0);
  weigh_signatures();
}

size_t ArchitectureRows::row(const Architecture& a) const {
  if (choices_.empty()) {
    const auto it = known_.find(space_.canonical(a));
    if (it == known_.end())
      throw ConfigError("the architecture " + space_.text(a) +
                            " is outside the part of the space that the mixture was trained on",
                        "name one that train.fix of the run allows");
    return it->second;
  }
  // One function, one row, however it is written.
  const Architecture canonical = space_.canonical(a);
  size_t row = 0;
  for (const size_t c : choices_) {
    row *= space_.choices()[c].options.size() + 1;
    if (space_.active(canonical, c)) row += static_cast<size_t>(canonical.genes[c]) + 1;
  }
  return row;
}

void ArchitectureRows::number_networks(int models) {
  if (domain_.count() > static_cast<int64_t>(kMost / models))
    throw too_many("models",
                   domain_.count().str(),
                   models,
                   "set weights.key to the choices that matter, e.g. --set 'weights.key=[" +
                       space_.choices()[0].name + "]'");
  double all = 0;
  domain_.enumerate([&](const Architecture& a) {
    const auto [it, made] = known_.try_emplace(space_.canonical(a), known_.size());
    if (made) {
      weights_.push_back(0);
      network_.push_back(a);
    }
    ++weights_[it->second];
    ++all;
    return true;
  });
  for (double& w : weights_) w /= all;
}

void ArchitectureRows::weigh_signatures() {
  double all = 0;
  const auto count = [&](const Architecture& a) {
    ++weights_[row(a)];
    ++all;
    return true;
  };
  if (domain_.count() <= kEnumerable) {
    domain_.enumerate(count);
  } else {
    Rng rng(0, "association/rows");
    Architecture a;
    for (int i = 0; i < kDraws; ++i) {
      domain_.sample(rng, a);
      count(a);
    }
  }
  for (double& w : weights_) w /= all;
}

int64_t ArchitectureRows::possible() const {
  return static_cast<int64_t>(
      std::count_if(weights_.begin(), weights_.end(), [](double w) { return w > 0; }));
}

std::string ArchitectureRows::name(size_t row) const {
  if (choices_.empty()) return space_.text(network_.at(row));
  std::string text;
  for (size_t i = choices_.size(); i-- > 0;) {
    const Choice& choice = space_.choices()[choices_[i]];
    const size_t digit = row % (choice.options.size() + 1);
    row /= choice.options.size() + 1;
    const std::string option = digit == 0 ? "(not active)" : choice.options[digit - 1];
    text = choice.name + "=" + option + (text.empty() ? "" : " ") + text;
  }
  return text;
}

}  // namespace nas
