"""The MQTT broker, and the units of what comes from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from athlete_monitor.config.fields import FilePath, Host, NoFlag, Port, Seconds, Section, TopicPrefix


class Tls(Section):
    """Encryption of the connection to the broker."""

    enabled: bool = Field(description="Use TLS.")
    ca_file: FilePath | None = Field(description="Certificates that the broker is checked against.")
    cert_file: FilePath | None = Field(description="This client's certificate, if the broker asks for one.")
    key_file: FilePath | None = Field(description="Key of this client's certificate.")


class Mqtt(Section):
    """The broker and how to reach it."""

    broker: Literal["auto", "embedded", "external"] = Field(
        description="auto: host one on this machine if none answers; embedded: always host one; external: never."
    )
    host: Host = Field(description="Broker's host.")
    port: Port = Field(description="Broker's port.")
    tls_port: Port = Field(description="Port of the encrypted listener that setup --secure --tls makes.")
    websocket_port: Port | None = Field(description="Port of the WebSocket listener that setup makes; null: none.")
    username: str | None = Field(description="User name at the broker.")
    password_file: FilePath | None = Field(description="File whose first line is the password.")
    tls: Tls
    topic_prefix: TopicPrefix = Field(description="Prefix of every topic of this box, such as `club/`; empty for none.")
    keepalive_s: int = Field(ge=2, le=3600, description="Keep-alive of the connection, s.")
    reconnect_max_s: Seconds = Field(description="Longest pause between two attempts to connect, s.")
    qos: Annotated[Literal[0, 1], NoFlag] = Field(description="Quality of service of samples.")
    persistent_session: bool = Field(description="The broker keeps QoS 1 samples while the engine is not connected.")


class Sensors(Section):
    """Units of what the devices send, and the orientation filter."""

    acc_unit: Literal["m/s2", "g"] = Field(description="Unit of acceleration on the wire.")
    gyro_unit: Literal["rad/s", "deg/s"] = Field(description="Unit of rotation on the wire.")
    fusion: Literal["imufusion", "ahrs"] = Field(description="Orientation filter.")
