"""Team sessions: periods, pitch, markers, commands and alarm rules, as pure state. No file, socket, clock or log."""
