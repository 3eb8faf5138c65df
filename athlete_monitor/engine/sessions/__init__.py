"""Sessions of devices: their wearers, their state so far, and the load of earlier sessions."""
