"""Bytes to records and back: the only place that knows JSON keys, CSV columns, topic names and MQTT."""
