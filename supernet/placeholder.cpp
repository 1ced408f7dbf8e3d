// Replaced by the executor.
