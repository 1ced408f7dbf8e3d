// Replaced by the commands.
