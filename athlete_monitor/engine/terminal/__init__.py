"""The coach's screen on a terminal."""
