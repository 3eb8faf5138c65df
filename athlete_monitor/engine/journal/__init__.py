"""The journal: data that survive a kill or a power cut."""
