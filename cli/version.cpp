#include "cli/version.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"

namespace nas::cli {

std::vector<std::pair<std::string, std::string>> build_facts() {
  const std::string libtorch = NAS_LIBTORCH_VERSION;
  return {{"nas", NAS_VERSION},
          {"build", NAS_BUILD_TYPE},
          {"compiler", NAS_COMPILER},
          {"libtorch", libtorch.empty() ? "none" : libtorch}};
}

std::string program_text() {
  return "nas " NAS_VERSION;
}

int run_version(const std::vector<std::string>& args) {
  Common common;
  CLI::App app("Version of this build", "nas version");
  app.footer("nas version\nnas version --json");
  add_common(app, common, kTakesNothing);
  if (!parse(app, args)) return kExitOk;
  if (common.json) {
    nlohmann::ordered_json json{{"schema", "nas-version/1"}};
    for (const auto& [name, value] : build_facts()) json[name] = value;
    print(json.dump(2));
    return kExitOk;
  }
  std::string text;
  for (const auto& [name, value] : build_facts())
    text += text.empty() ? name + " " + value : "\n  " + name + ": " + value;
  print(text);
  return kExitOk;
}

}  // namespace nas::cli
