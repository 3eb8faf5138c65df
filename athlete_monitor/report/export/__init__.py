"""Tidy tables and files of other programs out of the archive and the session files."""
