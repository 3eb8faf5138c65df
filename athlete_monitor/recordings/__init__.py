"""Real recordings read in and turned into session files."""
