"""A real S3-compatible server on this machine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch, *buckets: str) -> Iterator[Any]:
    """Run a server with these buckets, and with the environment that leads to it; yield s3fs' files."""
    server = pytest.importorskip("moto.server", reason="the S3 server is not installed: pip install 'moto[s3,server]'")
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'athlete-monitor[league]'")
    s3_backends = pytest.importorskip("moto.backends").get_backend("s3")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    s3fs.S3FileSystem.clear_instance_cache()  # they know the server of another test
    files = s3fs.S3FileSystem()
    try:
        for bucket in buckets:
            files.mkdir(bucket)
        yield files
    finally:
        s3_backends.reset()  # they outlive the server
        s3fs.S3FileSystem.clear_instance_cache()
        running.stop()
