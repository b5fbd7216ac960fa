"""Order: sorting, ranking, extremes' places."""
