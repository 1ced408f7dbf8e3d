#pragma once
// Units of time in files, and whether times can be in the unit that is said.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nas {

/// So many to the millisecond, or so many milliseconds: the one that is whole, so that a decimal
/// fraction is rounded once.
struct TimeUnit {
  std::string name = "ms";
  double divide = 1, multiply = 1;
  double to_ms(double time) const { return time / divide * multiply; }
};

/// s, ms, us or ns and their long names; nothing for any other text.
std::optional<TimeUnit> time_unit(std::string_view name);
/// "s, ms, us, ns".
extern const char* const kTimeUnits;
/// A number as sentences about times have it.
std::string three_digits(double value);

/// One time with the work done in it, in the unit that is claimed, as ms.
struct TimedWork {
  double ms = 0;
  double macs = 0;         ///< 0: not known.
  double elements = 0;     ///< Numbers read and written (elements_of_key()); 0: not known.
  std::string key = {};    ///< Of an op, or the text of a network; may be empty.
  std::string place = {};  ///< "file:line", "file" or empty.
};
/// What times mean in the unit that is said, and whether they can be so. `device`: what they were
/// measured on; a graphics processor may be faster than others, a microcontroller slower. `whole`:
/// of whole networks, whose MACs need not be known. A guess for people, never a conversion.
struct Plausibility {
  /// Multiply-adds a second of the largest pieces of work (median); 0: not known.
  double rate = 0;
  /// Why the times can hardly be in that unit, and which one is likely; "" where they can.
  std::string odd;
};
Plausibility judge_unit(const std::vector<TimedWork>& times,
                        const TimeUnit& unit,
                        bool whole,
                        std::string_view device = {});

}  // namespace nas
