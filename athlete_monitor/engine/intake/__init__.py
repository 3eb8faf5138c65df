"""Intake: from messages to valid samples in the order of time."""
