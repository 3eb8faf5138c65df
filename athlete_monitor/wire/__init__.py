"""Conversion between bytes and records: the only place that knows JSON keys, CSV columns, topic names and MQTT."""
