// nas-torch: there is nothing to hand over to.
#include "cli/command.hpp"

namespace nas::cli {

void remember_arguments(int, char**) {}

}  // namespace nas::cli
