"""Commands to the team's session from a terminal or another program."""
