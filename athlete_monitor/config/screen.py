"""The coach's screen."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from athlete_monitor.config.fields import FilePath, Host, Port, Section


class Corner(Section):
    """A corner of the pitch."""

    lat: float = Field(ge=-90, le=90, description="Latitude, degrees.")
    lon: float = Field(ge=-180, le=180, description="Longitude, degrees.")


class Pitch(Section):
    """The pitch: its size, and its location for devices that send latitude and longitude."""

    length_m: float = Field(ge=10, le=500, description="Length along x_m, m.")
    width_m: float = Field(ge=5, le=500, description="Width along y_m, m.")
    corners: tuple[Corner, ...] | None = Field(
        strict=False,
        description="Its four corners in order: (0, 0), (length, 0), (length, width), (0, width). null: unknown.",
    )

    @model_validator(mode="after")
    def _four(self) -> Pitch:
        if self.corners is not None and len(self.corners) != 4:
            msg = "four corners are required"
            raise ValueError(msg)
        return self


class ScreenTls(Section):
    """Encryption of the connection from browsers."""

    cert_file: FilePath | None = Field(description="Certificate; null: no encryption.")
    key_file: FilePath | None = Field(description="Key of the certificate.")


class Dashboard(Section):
    """The coach's screen: dashboard.py."""

    host: Host = Field(
        description="Address that it listens on; addresses other than this machine's loopback require accounts.",
    )
    port: Port = Field(description="Port of the screen.")
    accounts_file: FilePath | None = Field(
        description="File of accounts that may log in; null: no log-in, for this machine only."
    )
    tls: ScreenTls
    metrics_token_file: FilePath | None = Field(
        description="File whose first line lets Prometheus read /metrics without a log-in; null: only who is logged in."
    )
    heart_rate_hidden_from: tuple[Literal["viewer", "coach"], ...] = Field(
        strict=False, description="Roles that do not see heart-rate figures."
    )
    language: Literal["en", "de"] = Field(description="Default language of the screen.")
    pitch: Pitch
