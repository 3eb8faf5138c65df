"""What the coach's screen costs: paint, weight, delay to the pixel, server, redraw, curves; as JSON.

python benchmarks/dashboard.py [--athletes 30] [--seconds 30] [--curve-minutes 120] [--only redraw]

Real parts on this machine: Mosquitto, the publisher, the engine, the server and headless Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
import websockets
import yaml
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.helpers import Mosquitto, accepts_connections, unused_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, CDPSession, Page

ROOT: Final = Path(__file__).resolve().parents[1]
CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SCREENS: Final = (1, 5, 20)
PARTS: Final = ("paint", "delays", "redraw", "server", "curves")
# Notes when the first tile shows a number, and for each figure how old its sample was when it was on the screen.
WATCH: Final = """
window.firstNumber = null;
const look = () => {
  if (/\\d/.test(document.querySelector('.tile .value')?.textContent ?? '')) window.firstNumber = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
# Opens the first athlete, and notes when the curves are drawn.
CLICK: Final = """
() => {
  window.drawn = null;
  window.clicked = performance.now();
  document.querySelector('.tile[data-key="001"]').click();
  const look = () => {
    if (/\\d/.test(document.querySelector('.chart .readout')?.textContent ?? '')) window.drawn = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
DELAYS: Final = """
async () => {
  const { listen, store } = await import('/static/store.js');
  window.delays = [];
  const seen = new Map();
  listen((kind) => {
    if (kind !== 'frame') return;
    const fresh = [...store.rows.values()].filter((row) => seen.get(row[0]) !== row[2]);
    for (const row of fresh) seen.set(row[0], row[2]);
    requestAnimationFrame(() => setTimeout(() => {
      const now = Date.now() / 1000;
      for (const row of fresh) window.delays.push(now - row[2]);
    }));
  });
}
"""


class Programs:
    """The system's programs, in a folder of their own."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.folder, self.port = folder, unused_port()
        document = yaml.safe_load((ROOT / "jetson_nano_4gb_config.yaml").read_text(encoding="utf-8"))
        document["mqtt"] |= {"port": broker.port, "broker": "external"}
        document["dashboard"] |= {"port": self.port}
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, script: str, *options: str) -> subprocess.Popen[bytes]:
        """Start one of ours."""
        command = [sys.executable, str(ROOT / script), "--config", str(self.config), "--root", str(self.folder)]
        with (self.folder / f"{script}.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}
            )
        self.running.append(process)
        return process

    def stop(self) -> None:
        """End all, the latest first."""
        for process in reversed(self.running):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)

    @property
    def address(self) -> str:
        """Where the screen is."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def system() -> Iterator[Programs]:
    """Start broker, engine and screen; stop them at the end."""
    with tempfile.TemporaryDirectory(prefix="screen-benchmark-") as name:
        folder = Path(name)
        broker = Mosquitto(folder)
        broker.start()
        programs = Programs(folder, broker)
        try:
            programs.start("main.py", "--no-ui")
            time.sleep(8)
            yield programs
        finally:
            programs.stop()
            broker.stop()


def wait_for_port(port: int, timeout_s: float = 30.0) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + timeout_s
    while not accepts_connections(port):
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing listens on port {port}")
        time.sleep(0.1)


def open_page(browser: Browser, address: str, path: str = "/") -> tuple[Page, CDPSession, dict[str, float]]:
    """Open a page in an empty browser; return it with the bytes that came, by kind."""
    page = browser.new_context(viewport={"width": 1024, "height": 768}).new_page()
    page.add_init_script(WATCH)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    weight: dict[str, float] = {"bytes": 0.0}

    def add(event: dict[str, Any]) -> None:
        weight["bytes"] += event["encodedDataLength"]

    session.on("Network.loadingFinished", add)
    page.goto(address + path)
    return page, session, weight


def until(page: Page, expression: str, timeout_s: float = 30.0) -> None:
    """Wait until an expression holds in the page (whose policy forbids Playwright's own way)."""
    deadline = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            raise SystemExit(f"not in time: {expression}")
        page.wait_for_timeout(20)


def first_paint(browser: Browser, address: str) -> dict[str, float]:
    """Time until the first tile shows a number, and the weight of everything until then: the median of five."""
    times, weights = [], []
    for _ in range(5):
        page, _session, weight = open_page(browser, address)
        until(page, "window.firstNumber !== null")
        times.append(float(page.evaluate("window.firstNumber")))
        page.wait_for_timeout(500)
        weights.append(weight["bytes"])
        page.context.close()
    return {"first_number_ms": round(statistics.median(times)), "squad_page_kb": round(max(weights) / 1000, 1)}


def delays(browser: Browser, address: str, seconds: float) -> dict[str, float]:
    """From the time of a sample to its figure on the screen, ms."""
    page, _, _ = open_page(browser, address)
    page.wait_for_selector(".tile")
    page.wait_for_timeout(3000)
    page.evaluate(DELAYS)
    page.wait_for_timeout(seconds * 1000)
    found = sorted(page.evaluate("window.delays"))
    page.context.close()
    p50, p99 = (round(1000 * found[int(share * (len(found) - 1))]) for share in (0.5, 0.99))
    return {"figures": len(found), "delay_p50_ms": p50, "delay_p99_ms": p99}


def redraw(browser: Browser, address: str, seconds: float) -> dict[str, float]:
    """Processor time of the page's main thread for each frame, at a sixth of the processor's speed.

    Taken from a trace of the browser: times of the thread itself, so that other programs disturb little.
    """
    page, session, _ = open_page(browser, address)
    page.wait_for_selector(".tile")
    page.wait_for_timeout(4000)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    page.wait_for_timeout(2000)
    page.evaluate("async () => { const s = await import('/static/store.js'); window.begun = s.store.seq; }")
    spent = traced(page, session, seconds)
    frames = page.evaluate("async () => (await import('/static/store.js')).store.seq - window.begun")
    page.context.close()
    # Chromium throttles by stretching tasks: the durations are those of the slow processor already.
    return {"frames": frames} | {f"{name}_ms_at_6x": round(ms / frames, 2) for name, ms in spent.items()}


def traced(page: Page, session: CDPSession, seconds: float) -> dict[str, float]:
    """Milliseconds of the main thread by kind of work, while a time passes."""
    events: list[dict[str, Any]] = []
    ended: list[object] = []
    session.on("Tracing.dataCollected", lambda event: events.extend(event["value"]))
    session.on("Tracing.tracingComplete", lambda event: ended.append(event))  # noqa: PLW0108 - Playwright marks it
    wanted = {"includedCategories": ["devtools.timeline", "toplevel"]}
    session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": wanted})
    page.wait_for_timeout(seconds * 1000)
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(20)
    main = next((one["pid"], one["tid"]) for one in events if one.get("name") == "UpdateLayoutTree")
    total = dict.fromkeys({name for names in WORK.values() for name in names}, 0.0)
    for one in events:
        if one.get("ph") == "X" and one.get("name") in total and (one["pid"], one["tid"]) == main:
            total[one["name"]] += one.get("tdur", 0) / 1000
    found = {kind: sum(total[name] for name in names) for kind, names in WORK.items()}
    return {"redraw": found["script"] + found["style"] + found["layout"]} | found


WORK: Final = {
    "script": ("FunctionCall", "EvaluateScript"),
    "style": ("UpdateLayoutTree",),
    "layout": ("Layout",),
    "paint": ("PrePaint", "Paint", "Layerize"),
    "main_thread": ("ThreadControllerImpl::RunTask",),
}


def server_cost(process: psutil.Process, address: str, seconds: float, screens: int) -> dict[str, float]:
    """Processor time and memory of the server while so many screens are connected, and what each of them receives."""
    received = {"frames": 0, "bytes": 0}

    async def watch() -> float:
        uri = address.replace("http", "ws") + "/live"
        sockets = [await websockets.connect(uri, origin=address) for _ in range(screens)]  # type: ignore[arg-type]
        readers = [asyncio.create_task(read(one)) for one in sockets]
        await asyncio.sleep(2)
        received.update(frames=0, bytes=0)
        begun, before = time.monotonic(), sum(process.cpu_times()[:2])
        await asyncio.sleep(seconds)
        share = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - begun)
        for reader in readers:
            reader.cancel()
        for one in sockets:
            await one.close()
        return share

    async def read(socket: websockets.ClientConnection) -> None:
        async for message in socket:
            received["frames"] += '"kind":"frame"' in message[:40]
            received["bytes"] += len(message)

    with ThreadPoolExecutor(1) as pool:  # Playwright has a loop in this thread already
        share = pool.submit(lambda: asyncio.run(watch())).result()
    return {
        "screens": screens,
        "cpu_percent": round(100 * share, 2),
        "memory_mb": round(process.memory_info().rss / 1e6, 1),
        "frames_per_s": round(received["frames"] / seconds / screens, 2),
        "kb_per_s": round(received["bytes"] / seconds / screens / 1000, 1),
    }


def servers(process: psutil.Process, address: str, seconds: float) -> dict[str, Any]:
    """What one screen costs the server, and each further one."""
    costs = [server_cost(process, address, seconds, count) for count in SCREENS]
    further = (costs[-1]["cpu_percent"] - costs[0]["cpu_percent"]) / (SCREENS[-1] - SCREENS[0])
    return {"server": costs, "cpu_percent_per_further_screen": round(further, 3)}


def curves(browser: Browser, programs: Programs, minutes: float) -> dict[str, float]:
    """Play a long session at sixty times its speed, then open its athlete's page."""
    publisher = programs.start(
        "publisher.py", "--players", "[1]", "--mode", "training", "--duration", f"{minutes:g}", "--speed", "60"
    )
    publisher.wait()
    time.sleep(3)
    page, _, weight = open_page(browser, programs.address)
    page.wait_for_selector(".tile")
    page.evaluate(CLICK)
    until(page, "window.drawn !== null")
    shown = page.evaluate("window.drawn - window.clicked")
    points = page.evaluate("document.querySelector('.chart canvas').getAttribute('aria-label')")
    page.context.close()
    return {"curve": points, "curves_ms": round(shown), "with_charts_kb": round(weight["bytes"] / 1000, 1)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), help="what is measured; all")
    parser.add_argument("--curve-minutes", type=float, default=120.0, help="0 leaves the curves out")
    args = parser.parse_args()
    if shutil.which(CHROMIUM) is None:
        raise SystemExit(f"{CHROMIUM} is not installed")
    players = ",".join(str(number) for number in range(1, args.athletes + 1))
    found: dict[str, Any] = {"athletes": args.athletes}
    with system() as programs, sync_playwright() as playwright:
        screen = psutil.Process(programs.start("dashboard.py").pid)
        wait_for_port(programs.port)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        publisher = programs.start(
            "publisher.py", "--players", f"[{players}]", "--mode", "training", "--duration", "30"
        )
        time.sleep(15)
        if "paint" in args.only:
            found |= first_paint(browser, programs.address)
        if "delays" in args.only:
            found |= delays(browser, programs.address, args.seconds)
        if "redraw" in args.only:
            found |= redraw(browser, programs.address, args.seconds)
        if "server" in args.only:
            found |= servers(screen, programs.address, args.seconds)
        publisher.terminate()
        publisher.wait()
        if args.curve_minutes and "curves" in args.only:
            found |= curves(browser, programs, args.curve_minutes)
        browser.close()
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
