"""Bridges for sensors that people own: Bluetooth straps, phones and foreign streams, translated to the wire format."""
