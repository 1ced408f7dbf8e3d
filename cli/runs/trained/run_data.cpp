#include "cli/runs/trained/run_data.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/report/document.hpp"
#include "cli/runs/data_notes.hpp"
#include "cli/terminal/suggest.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDocument = "data";
constexpr std::array<std::pair<const char*, const char*>, 3> kPairs = {
    {{"train", "validation"}, {"train", "test"}, {"validation", "test"}}};

constexpr size_t kShort = 12;  ///< Digits of a hash in a message.

std::string example(const Dataset& data, int64_t index) {
  return printable(data.where(index)) + " (" +
         printable(data.class_names()[static_cast<size_t>(data.label(index))]) + ")";
}

/// Sets of the section `data` alone: the check reads no other.
Common of_data(const Common& common) {
  Common kept = common;
  std::erase_if(kept.sets, [](const std::string& set) {
    return !set.starts_with("data.") && !set.starts_with("data=");
  });
  return kept;
}

std::string check_command(const Common& common) {
  std::vector<std::string> words = {"data", "check"};
  if (!common.config.empty()) words.insert(words.end(), {"--config", common.config});
  for (const std::string& set : of_data(common).sets) words.insert(words.end(), {"--set", set});
  return suggested(words, Common{});
}

// Labels are numbers; only their names bind them to what they mean.
void require_same_classes(const Json& kept,
                          const std::vector<std::string>& now,
                          const std::string& what) {
  if (!kept.contains("classes") || !kept["classes"].is_array()) return;
  const Json& then = kept["classes"];
  for (size_t k = 0; k < std::max(then.size(), now.size()); ++k) {
    const std::string before =
        k < then.size() && then[k].is_string() ? then[k].get<std::string>() : "";
    const std::string here = k < now.size() ? now[k] : "";
    if (before == here) continue;
    const auto quoted = [](const std::string& name) {
      return name.empty() ? "none" : "'" + printable(name) + "'";
    };
    throw DataError(what + "class " + std::to_string(k) + " is called " + quoted(here) +
                    ", trained as " + quoted(before) +
                    "; give the classes their names and order back, or train anew on these");
  }
}

}  // namespace

void record_data(Store& store,
                 const std::string& run,
                 const RunParts& parts,
                 const Contents& contents) {
  const Splits& splits = parts.splits;
  const auto size = [](const std::vector<int64_t>& v) { return static_cast<int64_t>(v.size()); };
  store.add_splits({{run, "train", splits.hash, size(splits.train)},
                    {run, "validation", splits.hash, size(splits.validation)},
                    {run, "test", splits.hash, size(splits.test)}});
  Json json{{"schema", "nas-run-data/1"},
            {"images", parts.dataset->size()},
            {"bytes", contents.bytes},
            {"contents_sha256", contents.hash},
            {"every", contents.every},
            {"classes", parts.dataset->class_names()}};
  if (contents.every == 1)
    for (size_t p = 0; p < kPairs.size(); ++p)
      json["repeated"][std::string(kPairs[p].first) + "-" + kPairs[p].second] =
          contents.repeated[p].images;
  store.set_document(run, kDocument, json_line(json));
}

void tell_data(const RunParts& parts, const Contents& contents, const Common& common) {
  const Dataset& data = *parts.dataset;
  for (const std::string& text : training_notes(data, parts.splits)) note(common, "note: " + text);
  for (size_t p = 0; p < kPairs.size(); ++p) {
    const Contents::Repeated& repeated = contents.repeated[p];
    if (repeated.images == 0) continue;
    warning(std::to_string(repeated.images) +
            (repeated.images == 1 ? " image lies" : " images lie") + " in both " + kPairs[p].first +
            " and " + kPairs[p].second + ", such as " + example(data, repeated.first) + " and " +
            example(data, repeated.second) +
            ": what was learned by heart counts as right there; take one of each away (all: " +
            check_command(common) + ")");
  }
  if (contents.every > 1)
    note(common,
         "note: the images take " + format_count(static_cast<double>(contents.bytes)) +
             "B, so they were not compared; whether one lies in two splits says: " +
             check_command(common));
}

void require_same_data(const Store& store, const std::string& run, const RunParts& parts) {
  const std::string& path = parts.config.data.path;
  const std::string what = (path.empty() ? "the data" : "the data in " + printable(path)) +
                           " are not those of run " + run + ": ";
  const std::string to_do =
      std::string("; ") +
      (path.empty() ? "" : "put them back, name where they lie with --set data.path=FOLDER, or ") +
      "train anew on these";
  const auto document = store.document(run, kDocument);
  const Json kept = document ? Json::parse(*document, nullptr, false) : Json();
  if (kept.is_object()) require_same_classes(kept, parts.dataset->class_names(), what);
  for (const SplitRow& row : store.splits(run))
    if (row.hash != parts.splits.hash)
      throw DataError(what + "images, classes or splits have changed (hash " +
                      parts.splits.hash.substr(0, kShort) + ", trained on " +
                      row.hash.substr(0, kShort) + ")" + to_do);
  if (!kept.is_object() || !kept.contains("contents_sha256")) return;
  const auto hash = kept["contents_sha256"].get<std::string>();
  const Contents now = contents_of(*parts.dataset, parts.splits, kept.value("every", int64_t{1}));
  if (now.hash != hash)
    throw DataError(what +
                    "their number and labels are the same, but the contents of the images have "
                    "changed (hash " +
                    now.hash.substr(0, kShort) + ", trained on " + hash.substr(0, kShort) + ")" +
                    to_do);
}

}  // namespace nas::cli
