"""The live engine: the monitor with a broker, a clock, a journal and files around it."""

from athlete_monitor.engine.live.engine import EngineOptions, LiveEngine, client_id

__all__ = ["EngineOptions", "LiveEngine", "client_id"]
