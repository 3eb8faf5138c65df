"""Reports of sessions and the season, and data for analysis. It reads the archive, never the engine."""
