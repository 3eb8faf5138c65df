"""One file for each format of recordings; each declares ``FORMAT``."""
