"""From messages to samples in order: what waits, what is valid, what belongs where in time."""
