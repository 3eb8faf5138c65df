"""The destinations of figures, events and summaries. A sink is one file; ``registry.py`` finds it."""
