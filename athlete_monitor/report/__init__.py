"""After the session: a report to hand out, the season, and data to analyse. Reads the archive, never the engine."""
