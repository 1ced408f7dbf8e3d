#pragma once
// Custom spaces as no one would write them, to hold counting and drawing against plain listing.
#include <initializer_list>
#include <memory>
#include <string>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {

/// Random spaces with whatever a file can ask for.
class RandomSpaces {
 public:
  /// nullptr: the file contradicts itself, or has too many architectures to go through.
  std::unique_ptr<Space> next() {
    stages_ = 1 + below(3);
    std::string text = "family: custom\nchannels: 1\nresolutions: " + pick({"[8]", "[5, 8]"}) +
                       "\nstem: {width: " + pick({"2", "4", "12"}) +
                       "}\nhead: {width: " + pick({"0", "6"}) +
                       "}\nblocks:\n"
                       "  - {name: mb, kind: mbconv, kernels: [3, 7], expansions: [0.5, 1, 4]}\n"
                       "  - {name: one, kind: mbconv, expansions: [0.5, 1]}\n"
                       "  - {name: wide, kind: conv, kernels: [1, 5]}\n"
                       "  - {name: b, kind: bottleneck, expansions: [0.25, 1]}\nstages:\n";
    for (int s = 0; s < stages_; ++s)
      text += "  - {widths: " + pick({"[4]", "[4, 8]", "[2, 6, 12]"}) +
              ", depths: " + pick({"[1]", "[0, 1]", "[0, 2]", "[1, 2]", "[0, 1, 2]", "[0]"}) +
              ", stride: " + pick({"1", "1", "2", "3"}) + ", blocks: " +
              pick({"[conv, skip]", "[mb, conv]", "[wide, sep]", "[one, maxpool]", "[b, basic]"}) +
              "}\n";
    text += list("conditions", 4, [&] {
      return "{choice: " + choice() + ", when: \"" + comparisons() + "\"}";
    });
    text += list("rules", 3, [&] {
      return "{when: \"" + comparisons() + "\", require: \"" + comparison() + "\"}";
    });
    text += list("freeze", 2, [&] { return choice() + "=" + option_; });
    try {
      YamlSource source;
      source.text = text_ = text;
      std::unique_ptr<Space> space = make_space(source);
      return space->count() <= 3000 ? std::move(space) : nullptr;
    } catch (const ConfigError&) {
      return nullptr;
    }
  }
  const std::string& text() const { return text_; }

 private:
  int below(size_t n) { return static_cast<int>(rng_.below(n)); }
  std::string pick(std::initializer_list<const char*> words) {
    return words.begin()[rng_.below(words.size())];
  }
  /// A choice; an option that it may have is left in `option_`.
  std::string choice() {
    const std::string stage = "stage" + std::to_string(1 + below(static_cast<size_t>(stages_)));
    const std::string layer = stage + ".layer" + pick({"1", "1", "2"});
    switch (below(5)) {
      case 0:
        option_ = pick({"4", "8", "2", "6", "12"});
        return stage + ".width";
      case 1:
        option_ = pick({"0", "1", "2"});
        return stage + ".depth";
      case 2:
        option_ = pick({"0.5", "1", "4"});
        return layer + ".mb.expand";
      default:
        option_ = pick({"conv", "skip", "mb", "wide", "sep", "one", "b", "basic"});
        return layer;
    }
  }
  std::string comparison() {
    const std::string name = choice();
    return name + pick({" == ", " != "}) + option_;
  }
  std::string comparisons() {
    return below(2) != 0 ? comparison() : comparison() + " and " + comparison();
  }
  template <typename Item>
  std::string list(const std::string& key, size_t most, Item item) {
    std::string text;
    for (int n = below(most); n > 0; --n) text += "  - " + item() + "\n";
    return text.empty() ? "" : key + ":\n" + text;
  }

  Rng rng_{11, "spaces"};
  int stages_ = 1;
  std::string option_, text_;
};

}  // namespace nas
