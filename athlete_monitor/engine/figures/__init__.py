"""From the arrays of the squad to the documents that leave the engine: figures, summaries, and the reasons of nulls."""
