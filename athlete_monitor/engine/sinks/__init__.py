"""Where figures, events and summaries go. A sink is one file; ``registry.py`` finds it."""
