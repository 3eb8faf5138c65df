"""Training: from sessions to an evaluated and published model."""
