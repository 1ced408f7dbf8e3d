#pragma once
// Names of the commands that need LibTorch: in `nas` they hand over, in nas-torch they run.
namespace nas::cli {

struct TorchCommand {
  const char* name;
  const char* summary;
  const char* group;
};
inline constexpr TorchCommand kTorchCommands[] = {
    {"train", "Train a supernet", "Main road"},
    {"evaluate", "Accuracy of subnets of a supernet, or of an exported file", "Main road"},
    {"export", "Write a chosen architecture with its weights", "Main road"},
    {"import", "Make a run from published weights", "Main road"},
    {"split",
     "Which options of a trained supernet want weights of their own",
     "Hardware and ranking"},
    {"measure", "Measure a latency table on this machine", "Hardware and ranking"},
    {"rank", "Compare a supernet's ranking with ground truth", "Hardware and ranking"},
};

}  // namespace nas::cli
