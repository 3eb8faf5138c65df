"""Live monitoring of a squad of athletes at the edge."""

__version__ = "0.1.0"
