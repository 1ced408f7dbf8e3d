#pragma once
// What the handover between the two binaries needs besides command.hpp.

namespace nas::cli {

/// Holds back SIGINT, SIGTERM and SIGHUP while another binary is loaded, which has no handlers yet;
/// install_signal_handlers there lets them in.
void hold_signals(bool hold);

}  // namespace nas::cli
