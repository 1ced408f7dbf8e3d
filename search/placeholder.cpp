// Replaced by the search drivers.
