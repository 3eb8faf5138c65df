"""A league: an engine for each of many squads, kept running on a Ray cluster."""
