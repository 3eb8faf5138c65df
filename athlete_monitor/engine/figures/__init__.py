"""The published documents from the arrays of the squad: figures, summaries, and the reasons of nulls."""
