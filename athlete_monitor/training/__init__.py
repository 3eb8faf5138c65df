"""From sessions to an evaluated and published model."""
