"""The team's session in the live engine: commands, the state that others see, and the figures of open parts."""
