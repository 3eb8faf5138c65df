"""The command line of the screen's server."""

from __future__ import annotations

import json
import logging
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from athlete_monitor.arguments import Parser, add_common_arguments, whole
from athlete_monitor.config import config_from_args
from athlete_monitor.dashboard.addresses import screen_address
from athlete_monitor.dashboard.announcing import announced
from athlete_monitor.dashboard.programs import Programs
from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.system.program import run_program
from athlete_monitor.wire.broker import is_loopback

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from athlete_monitor.config import Config, Dashboard

_LONGEST_MESSAGE: Final = 4096
"""Bytes of a message that a screen may send over its WebSocket: it has nothing to say there."""


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser("dashboard.py", description="Serve the coach's screen: the squad live in a browser.")
    made.add_argument("--host", metavar="ADDRESS", help="where to listen (default: dashboard.host)")
    made.add_argument("--port", type=whole(1, 65535), metavar="N", help="port (default: dashboard.port)")
    add_common_arguments(made)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return the exit code."""
    args = parser().parse_args(arguments)
    return run_program(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    tell = _nothing if args.quiet else _as_json if args.json else _in_words
    return serve(_with_options(config_from_args(args), args), Programs(args.config, args.root), tell)


def _nothing(_address: str) -> None:
    """With --quiet."""


def _as_json(address: str) -> None:
    print(json.dumps({"screen": address}), flush=True)  # noqa: T201 - what the user opens


def _in_words(address: str) -> None:
    print(f"screen: {address}", flush=True)  # noqa: T201 - what the user opens


def serve(config: Config, programs: Programs, tell: Callable[[str], None] = _in_words) -> int:
    """Run the server.

    Raises:
        ConfigError: it would listen beyond this machine without accounts.
        MonitorError: it cannot listen there.
    """
    import uvicorn

    from athlete_monitor.dashboard.app import build_app
    from athlete_monitor.dashboard.patience import PatientProtocol, raise_file_limit

    dashboard = config.dashboard
    tls = dashboard.tls
    app = build_app(config, programs)
    if not app.state.access.secured and not is_loopback(dashboard.host):
        raise ConfigError(
            f"dashboard.host {dashboard.host}: without accounts the screen listens on this machine only; "
            "run: python3 jetson_deploy.py setup --secure"
        )
    _log(config)
    raise_file_limit()
    sock = _listen(dashboard)
    options = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="websockets-sansio",
        ws_max_size=_LONGEST_MESSAGE,
        ws_per_message_deflate=False,  # compressing again for each screen would cost more than the screens themselves
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        ssl_certfile=tls.cert_file,
        ssl_keyfile=tls.key_file,
    )
    server = uvicorn.Server(options)
    tell(screen_address(dashboard))
    # uvicorn raises both signals again when it has closed everything: a requested stop is not a failure
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    with announced(config), suppress(KeyboardInterrupt):
        server.run(sockets=[sock])
    return 0


def _with_options(config: Config, args: argparse.Namespace) -> Config:
    given = {key: value for key in ("host", "port") if (value := getattr(args, key)) is not None}
    return config.model_copy(update={"dashboard": config.dashboard.model_copy(update=given)})


def _listen(dashboard: Dashboard) -> socket.socket:
    family = socket.AF_INET6 if ":" in dashboard.host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((dashboard.host, dashboard.port))
        sock.listen()  # who connects from now on is answered as soon as the server is ready
    except OSError as error:
        sock.close()
        where = f"{dashboard.host}:{dashboard.port}"
        raise MonitorError(f"{where}: cannot listen there ({error.strerror}); set dashboard.port or --port") from error
    return sock


def _log(config: Config) -> None:
    logging.basicConfig(level=config.logging.level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
