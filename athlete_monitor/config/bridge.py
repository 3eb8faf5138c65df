"""Bridges: straps, phones and foreign streams."""

from __future__ import annotations

from pydantic import Field

from athlete_monitor.config.fields import FilePath, Section


class Bridge(Section):
    """What people own: bridge.py."""

    straps: bool = Field(description="install-services also keeps the roster's Bluetooth straps.")
    phones: bool = Field(description="install-services also translates what phone apps send.")
    mapping: FilePath | None = Field(description="Foreign streams; install-services also translates these; null: none.")
    phone_rate_hz: float = Field(ge=1, le=200, description="Samples a second made of a phone's sensors, Hz.")
    push_secret_file: FilePath = Field(description="Secret of the tokens with which phones push over HTTP.")
