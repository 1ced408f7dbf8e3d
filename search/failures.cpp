#include "search/failures.hpp"

#include <algorithm>
#include <cctype>
#include <unordered_map>

namespace nas {
namespace {

/// Equal for messages of one kind: without the architecture, its ids and numbers. Only the
/// beginning counts, since what was printed by a program follows.
std::string kind_of(std::string message, const std::string& architecture) {
  for (size_t at; (at = message.find(architecture)) != std::string::npos && !architecture.empty();)
    message.replace(at, architecture.size(), "");
  // The answer of a program that is quoted differs each time.
  for (const char* quote : {" in the answer: ", "': {"})
    if (const size_t at = message.find(quote); at != std::string::npos) message.resize(at);
  std::string kind;
  for (const char c : message) {
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (!digit)
      kind += c;
    else if (kind.empty() || kind.back() != '#')
      kind += '#';
    constexpr size_t kEnough = 60;
    if (kind.size() >= kEnough) break;
  }
  return kind;
}

}  // namespace

std::vector<FailureReason> failure_reasons(const Archive& archive, const Space& space) {
  std::vector<FailureReason> reasons;
  std::unordered_map<std::string, size_t> index;
  for (const Archive::Entry& entry : archive.entries()) {
    if (entry.state != Archive::State::kFailed) continue;
    const std::string kind = kind_of(entry.error, space.text(entry.architecture));
    const auto [it, fresh] = index.emplace(kind, reasons.size());
    if (fresh) reasons.push_back({0, entry.architecture, entry.error});
    ++reasons[it->second].count;
  }
  std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) {
    return a.count > b.count;
  });
  return reasons;
}

std::string failure_text(const Archive& archive, const Space& space, size_t most) {
  std::string text;
  const std::vector<FailureReason> reasons = failure_reasons(archive, space);
  for (size_t i = 0; i < std::min(most, reasons.size()); ++i)
    text += (i > 0 ? "\n  " : "  ") + std::to_string(reasons[i].count) + " x " +
            reasons[i].message + " (first: " + space.text(reasons[i].first) + ")";
  if (reasons.size() > most)
    text += "\n  and " + std::to_string(reasons.size() - most) + " other reasons";
  return text;
}

}  // namespace nas
