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

/// One time with the work done in it, in the unit that is claimed, as ms.
struct TimedWork {
  double ms = 0;
  double macs = 0;  ///< 0: not known.
};
/// What is odd about times in that unit, and which unit would be likely; "" where nothing is. From
/// the largest pieces of work: known processors do some 10^7 to 10^15 MACs a second in them. A
/// guess for people, never a conversion. `whole`: of whole networks, whose MACs need not be known.
std::string odd_about(const std::vector<TimedWork>& times, const TimeUnit& unit, bool whole);

}  // namespace nas
