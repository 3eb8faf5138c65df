"""The coach's screen: a web server of its own that listens to MQTT and reads the archive."""
