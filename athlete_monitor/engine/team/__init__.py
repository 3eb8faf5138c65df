"""The team's session in the live engine: commands, the published state, and the figures of open parts."""
