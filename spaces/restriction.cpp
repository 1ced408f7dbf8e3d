// A bit for each option. Closed under intersection, compared and hashed as text, and read from a
// text that names choices and options, so that a part of a space means the same in every command.
#include "spaces/restriction.hpp"

#include <algorithm>
#include <stdexcept>

#include "spaces/base/joined.hpp"
#include "spaces/error.hpp"
#include "spaces/space.hpp"
#include "spaces/text/arch_text.hpp"

namespace nas {
namespace {

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  return near.empty() ? "" : "Did you mean '" + near + "'? ";
}

/// `*` stands for any characters, also none.
bool matches(std::string_view pattern, std::string_view name) {
  const size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (size_t skip = star; skip <= name.size(); ++skip)
    if (matches(rest, name.substr(skip))) return true;
  return false;
}

/// A text that is shown in a message: not all of what may be a whole file.
std::string shown(std::string_view text) {
  constexpr size_t kMost = 80;
  return std::string(text.substr(0, kMost)) + (text.size() > kMost ? "..." : "");
}

/// One term, `CHOICE=OPTION|OPTION` or `CHOICE!=...`: its form, before a space is known.
class Term {
 public:
  Term(std::string_view text, const std::string& where)
      : start_(where + "'" + shown(text) + "': ") {
    const size_t equal = text.find('=');
    if (equal == text.npos || equal == 0)
      fail("is not CHOICE=OPTION",
           "Write such as stage1.depth=2; several options are joined by |, and != leaves options "
           "out. 'nas space show' lists choices and options.");
    excludes_ = text[equal - 1] == '!';
    name_ = trim(text.substr(0, excludes_ ? equal - 1 : equal));
    // Each star costs a pass over the name.
    constexpr auto kMostStars = 4;
    if (std::count(name_.begin(), name_.end(), '*') > kMostStars)
      fail("has more than " + std::to_string(kMostStars) + " '*'", "Name choices by fewer.");
    for (const std::string_view word : split(text.substr(equal + 1), '|'))
      options_.emplace_back(trim(word));
    for (const std::string& option : options_)
      if (option.empty()) fail("names an empty option", "Options are joined by a single |.");
  }

  std::vector<size_t> choices(const Space& space) const {
    std::vector<size_t> found;
    std::vector<std::string> names;
    for (size_t c = 0; c < space.choices().size(); ++c) {
      names.push_back(space.choices()[c].name);
      if (matches(name_, names.back())) found.push_back(c);
    }
    if (found.empty())
      fail("the space " + space.name() + " has no choice '" + shown(name_) + "'",
           did_you_mean(shown(name_), names) + "'nas space show' lists them.");
    leave_out_strangers(space, found);
    return found;
  }

  /// `*` means the choices that have what is named: `stage2.*!=conv5` leaves its width alone.
  void leave_out_strangers(const Space& space, std::vector<size_t>& found) const {
    if (name_.find('*') == name_.npos) return;
    std::vector<size_t> having;
    for (const size_t c : found) {
      const std::vector<std::string>& all = space.choices()[c].options;
      const bool has = std::any_of(options_.begin(), options_.end(), [&](const std::string& o) {
        return std::find(all.begin(), all.end(), o) != all.end();
      });
      if (has) having.push_back(c);
    }
    if (!having.empty()) found = std::move(having);
  }

  /// The options of the choice that it leaves.
  std::vector<int16_t> left(const Choice& of) const {
    std::vector<bool> named(of.options.size());
    for (const std::string& option : options_) {
      const auto at = std::find(of.options.begin(), of.options.end(), option);
      if (at == of.options.end())
        fail("the choice " + of.name + " has no option '" + shown(option) + "'",
             did_you_mean(shown(option), of.options) + "It has " + joined(of.options, ", ") + ".");
      named[static_cast<size_t>(at - of.options.begin())] = true;
    }
    std::vector<int16_t> kept;
    for (size_t o = 0; o < named.size(); ++o)
      if (named[o] != excludes_) kept.push_back(static_cast<int16_t>(o));
    return kept;
  }

  [[noreturn]] void fail(const std::string& message, const std::string& hint) const {
    throw ConfigError(start_ + message, hint);
  }

 private:
  std::string start_, name_;
  std::vector<std::string> options_;
  bool excludes_ = false;
};

std::vector<Term> terms_of(const std::string& text, const std::string& where) {
  std::vector<Term> terms;
  for (const std::string_view part : split(text, ',')) terms.emplace_back(trim(part), where);
  return terms;
}

}  // namespace

Restriction Restriction::parse(const Space& space,
                               const std::vector<std::string>& terms,
                               const std::string& where) {
  Restriction made(space);
  for (const std::string& text : terms)
    for (const Term& term : terms_of(text, where + " "))
      for (const size_t choice : term.choices(space)) {
        const std::vector<int16_t> left = term.left(space.choices()[choice]);
        try {
          made = made.keep(choice, left);
        } catch (const ConfigError& e) {
          term.fail(e.problems().front().message, e.problems().front().hint);
        }
      }
  return made;
}

void Restriction::check_form(const std::string& text) {
  terms_of(text, "");
}

Restriction Restriction::from_bits(const Space& space, std::string_view bits) {
  Restriction made(space);
  if (bits.empty()) return made;
  const std::vector<std::string_view> parts = split(bits, ',');
  bool fits = parts.size() == space.choices().size();
  for (size_t c = 0; fits && c < parts.size(); ++c) {
    fits = parts[c].size() == space.choices()[c].options.size() &&
           parts[c].find_first_not_of("01") == parts[c].npos && parts[c].find('1') != parts[c].npos;
    Mask mask;
    for (const char bit : parts[c]) mask.push_back(bit == '1');
    if (fits) made.put(c, std::move(mask));
  }
  if (!fits)
    throw DataError("the stored restriction '" + shown(bits) + "' is not one of space " +
                    space.name() + ": it needs a bit for each option of its " +
                    std::to_string(space.choices().size()) + " choices, and one set for each");
  return made;
}

bool Restriction::allows(size_t choice, int16_t option) const {
  if (everything()) return true;
  const Mask& mask = allowed_[choice];
  return option >= 0 && static_cast<size_t>(option) < mask.size() &&
         mask[static_cast<size_t>(option)];
}

// Keeps to the one form of everything, so that equal restrictions compare equal.
void Restriction::put(size_t choice, Mask mask) {
  const auto full = [](const Mask& m) { return std::find(m.begin(), m.end(), false) == m.end(); };
  if (everything()) {
    if (full(mask)) return;
    for (const Choice& of : space_->choices()) allowed_.emplace_back(of.options.size(), true);
  }
  allowed_[choice] = std::move(mask);
  if (std::all_of(allowed_.begin(), allowed_.end(), full)) allowed_.clear();
}

Restriction Restriction::narrowed(size_t choice, const Mask& mask) const {
  Mask both = mask;
  for (size_t o = 0; o < both.size(); ++o)
    both[o] = both[o] && allows(choice, static_cast<int16_t>(o));
  if (std::find(both.begin(), both.end(), true) == both.end())
    throw ConfigError("leaves the choice " + space_->choices()[choice].name + " without an option",
                      "Before it, " + text_of(choice) + " are allowed; keep one of them.");
  Restriction made = *this;
  made.put(choice, std::move(both));
  return made;
}

Restriction Restriction::keep(size_t choice, std::span<const int16_t> options) const {
  if (space_ == nullptr) throw std::logic_error("a restriction of no space was narrowed");
  Mask mask(space_->choices().at(choice).options.size());
  for (const int16_t option : options) mask.at(static_cast<size_t>(option)) = true;
  return narrowed(choice, mask);
}

Restriction Restriction::intersection(const Restriction& other) const {
  if (other.everything()) return *this;
  if (everything()) return other;
  if (allowed_.size() != other.allowed_.size())
    throw std::logic_error("restrictions of two spaces were joined");
  Restriction made = *this;
  for (size_t c = 0; c < allowed_.size(); ++c) made = made.narrowed(c, other.allowed_[c]);
  return made;
}

bool Restriction::contains(const Architecture& a, std::string* why) const {
  for (size_t c = 0; c < allowed_.size(); ++c) {
    if (allows(c, a.genes[c]) || !space_->active(a, c)) continue;
    if (why != nullptr)
      *why = space_->choices()[c].name + " is " +
             space_->choices()[c].options[static_cast<size_t>(a.genes[c])] + "; allowed is " +
             text_of(c);
    return false;
  }
  return true;
}

std::string Restriction::text_of(size_t choice) const {
  const Choice& of = space_->choices()[choice];
  std::vector<std::string> in, out;
  for (size_t o = 0; o < of.options.size(); ++o)
    (allows(choice, static_cast<int16_t>(o)) ? in : out).push_back(of.options[o]);
  // The shorter way to say it.
  if (out.size() == 1 && in.size() > 2) return of.name + "!=" + out[0];
  return of.name + "=" + joined(in, "|");
}

std::string Restriction::text() const {
  std::vector<std::string> terms;
  for (size_t c = 0; c < allowed_.size(); ++c)
    if (std::find(allowed_[c].begin(), allowed_[c].end(), false) != allowed_[c].end())
      terms.push_back(text_of(c));
  return joined(terms, ", ");
}

std::string Restriction::bits() const {
  std::string bits;
  for (const Mask& mask : allowed_) {
    if (!bits.empty()) bits += ',';
    for (const bool allowed : mask) bits += allowed ? '1' : '0';
  }
  return bits;
}

}  // namespace nas
