"""Sessions of devices: who wears what, what has happened so far, and the load of earlier sessions."""
