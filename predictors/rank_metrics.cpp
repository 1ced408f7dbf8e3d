// Rank metrics.
