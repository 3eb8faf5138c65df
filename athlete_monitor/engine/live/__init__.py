"""The live engine: the monitor with a broker, a clock, a journal and files around it."""

from athlete_monitor.engine.live.engine import LiveEngine, Options, client_id

__all__ = ["LiveEngine", "Options", "client_id"]
