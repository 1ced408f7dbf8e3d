#pragma once
// The services of `nas`: whatever needs LibTorch replaces the process by nas-torch.
#include "cli/torch_services.hpp"

namespace nas::cli {

/// argv is what nas-torch is started with; it must stay.
const TorchServices& handover_services(int argc, char** argv);

}  // namespace nas::cli
