// Replaced by the cost model.
