#pragma once
// Parameters of a custom space: everything that may be a choice, whether it is searched or not.
// Freezing, conditions and rules are resolved here; what is left open becomes the space's choices.
#include <cstdint>
#include <string>
#include <vector>

#include "spaces/custom/custom.hpp"
#include "spaces/space.hpp"

namespace nas::custom {

/// `on` must be active and have one of `options`.
struct Need {
  size_t on = 0;
  std::vector<int16_t> options;
};
struct Param {
  std::string name;
  std::vector<std::string> options;
  std::vector<Need> needs;  ///< All must hold for the parameter to be active.
  int fixed = -1;           ///< The option, where it is not searched.
  bool never = false;       ///< Its needs can never hold.
  bool tied = false;  ///< The user's conditions decide about it, not the form of a stage alone.
  int choice = -1;    ///< Position in the space's choices; -1: fixed.
};
/// One comparison of an expression: parameter and the options that fulfil it.
using Expression = std::vector<Need>;
/// In terms of choices. A comparison with a fixed parameter has been decided already.
struct Rule {
  std::vector<Condition> when, require;
};

class Model {
 public:
  size_t add(const std::string& name, std::vector<std::string> options);
  void need(size_t param, Need need) { params_[param].needs.push_back(std::move(need)); }
  const std::vector<Param>& params() const { return params_; }

  /// Reads freeze, conditions and rules; mistakes are told at their keys.
  void read(const Options& options, Mistakes& mistakes);
  /// Decides which parameters stay choices and answers them. Only without mistakes.
  std::vector<Choice> resolve(Mistakes& mistakes);
  const std::vector<Rule>& rules() const { return rules_; }
  /// Option of a parameter in an architecture.
  int option(size_t param, const Architecture& a) const {
    const Param& p = params_[param];
    return p.choice < 0 ? p.fixed : a.genes[static_cast<size_t>(p.choice)];
  }

 private:
  struct NamedRule {
    Expression when, require;
    std::string key;
  };
  const Param* find(const std::string& name, const std::string& key, Mistakes& mistakes) const;
  void freeze(const std::string& text, const std::string& key, Mistakes& mistakes);
  Expression expression(const std::string& text, const std::string& key, Mistakes& mistakes) const;
  bool comparison(std::string_view text,
                  const std::string& key,
                  Expression& out,
                  Mistakes& mistakes) const;
  std::vector<size_t> order(Mistakes& mistakes) const;
  void decide(Param& param) const;
  bool conditions_of(const Need& need, std::vector<Condition>& out) const;
  void resolve_rules(Mistakes& mistakes);

  std::vector<Param> params_;
  std::vector<std::string> asked_at_;  ///< By parameter: key of its user condition, or "".
  std::vector<NamedRule> named_rules_;
  std::vector<Rule> rules_;
};

}  // namespace nas::custom
