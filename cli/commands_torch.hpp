#pragma once
// The services of nas-torch.
#include "cli/torch_services.hpp"

namespace nas::cli {

const TorchServices& libtorch_services();

}  // namespace nas::cli
