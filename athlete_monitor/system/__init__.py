"""The machine below: board, files, locks and the frame of every program. The standard library only."""
