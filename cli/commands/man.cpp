// nas man: a manual page for each command and topic, from what help is made of.
#include <CLI/CLI.hpp>

#include <filesystem>

#include "cli/commands/topics.hpp"
#include "cli/report/document.hpp"
#include "cli/terminal/man_page.hpp"
#include "cli/torch_services.hpp"
#include "spaces/base/whole_file.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;

struct Page {
  std::string file;  ///< man1/nas-train.1
  std::string text;
};

std::vector<const Command*> all_commands() {
  std::vector<const Command*> commands;
  for (const auto* table : {&torch_services().commands, &light_commands()})
    for (const Command& command : *table) commands.push_back(&command);
  return commands;
}

Page page_of(const Command& command) {
  Page page{"man1/nas-" + command.name + ".1", ""};
  const TakesDescriptions taking([&page](CLI::App& app) { page.text = man_page(app); });
  command.run({});
  return page;
}

/// The first line of a topic is its title.
Page page_of(const Topic& topic) {
  const std::string text = topic.text();
  std::string title = text.substr(0, text.find('\n'));
  const size_t open = title.find(" (");
  if (open != std::string::npos) title.resize(open);
  return {"man7/nas-" + topic.name + ".7",
          man_text("nas-" + topic.name, 7, title, text, ".BR nas (1)")};
}

Page overview() {
  std::string text =
      "nas COMMAND [OPTIONS]\n\nnas trains weight-sharing supernets, searches them under hardware "
      "limits and\nexports the winner.\n\nCommands:\n";
  std::string see;
  for (const Command* command : all_commands()) {
    text += "  " + command->name +
            std::string(command->name.size() < 12 ? 12 - command->name.size() : 1, ' ') +
            command->summary + "\n";
    see += (see.empty() ? ".BR nas\\-" : " ,\n.BR nas\\-") + command->name + " (1)";
  }
  text += "\nTopics:\n";
  for (const Topic& topic : topics()) {
    text += "  " + topic.name + "\n";
    see += " ,\n.BR nas\\-" + topic.name + " (7)";
  }
  text += "\nThe same pages: nas COMMAND --help, nas help TOPIC.";
  return {
      "man1/nas.1",
      man_text("nas", 1, "neural architecture search with weight-sharing supernets", text, see)};
}

}  // namespace

int run_man(const std::vector<std::string>& args) {
  CLI::App app("Write manual pages of all commands and topics", "nas man");
  app.footer("nas man ~/.local/share/man\nman nas-train");
  std::string folder;
  app.add_option("out", folder, "Folder that gets man1/ and man7/")
      ->required()
      ->type_name("FOLDER");
  Common common;
  add_common(app, common, kTakesNothing);
  if (!parse(app, args)) return kExitOk;
  // Commands that need LibTorch describe themselves in nas-torch.
  if (!torch_binary().empty()) need_torch();
  std::vector<Page> pages = {overview()};
  for (const Command* command : all_commands()) {
    if (command->torch && torch_binary().empty()) continue;
    pages.push_back(page_of(*command));
  }
  for (const Topic& topic : topics()) pages.push_back(page_of(topic));
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const Page& page : pages) {
    const fs::path path = fs::path(folder) / page.file;
    make_folders(path.parent_path().string());
    write_whole_file(path.string(), page.text);
    files.push_back(path.string());
  }
  if (common.json)
    print(json_text({{"schema", "nas-man/1"}, {"files", files}}));
  else
    note(common, std::to_string(files.size()) + " pages in " + folder);
  return kExitOk;
}

}  // namespace nas::cli
