"""The machine: board, files, locks and the common frame of all programs. Uses only the standard library."""
