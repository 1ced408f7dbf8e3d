// Replaced by the data sources.
