"""WebKit, the engine of every iPad, behind the part of Playwright's interface that the tests of the screen use.

Playwright drives only a WebKit of its own, which has to be downloaded. This one is the distribution's, driven by
WebDriver: ``sudo apt-get install webkit2gtk-driver epiphany-browser xvfb``. A test that needs what WebDriver cannot do
(scripts before the page's own, answers that get lost, another zone) is skipped with that reason.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import httpx
import pytest

from tests.helpers import accepts_connections, unused_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRIVER: Final = "WebKitWebDriver"
FOLDERS: Final = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/libexec")
KEYS: Final = {"Tab": "\ue004", "Enter": "\ue006", "Escape": "\ue00c", "ArrowLeft": "\ue012", "ArrowRight": "\ue014"}
# The toolbar would keep the window wider than a phone.
NARROW: Final = "* { min-width: 0; padding: 0; margin: 0; } entry { min-width: 1px; }"
PATIENCE_S: Final = 30.0
# The size of the page, when it has not changed for a while: a window changes its own some time after it was asked.
SETTLED: Final = """
let [size, still] = ["", 0];
while (still < 4) {
  await new Promise((done) => { setTimeout(done, 50); });
  const now = `${innerWidth} ${innerHeight}`;
  still = now === size ? still + 1 : 0;
  size = now;
}
return [innerWidth, innerHeight];
"""
# Follows the steps of a locator: [[kind, ...]]; what is found in the end is the answer.
FIND: Final = """
const steps = %s;
const plain = (text) => (text ?? "").replace(/\\s+/g, " ").trim();
const named = (one) => plain(one.getAttribute("aria-label") ?? one.textContent);
const part = (text, wanted) => text.toLowerCase().includes(plain(wanted).toLowerCase());
const fits = (text, wanted, exact = false) => wanted === null || (exact ? text === plain(wanted) : part(text, wanted));
const shown = (all) => all.filter((one) => one.checkVisibility());
const ROLES = { button: "button, [role=button], summary", link: "a[href]" };
const TYPED = "input, select, textarea";
const labelled = (one) => one.getAttribute("aria-label") ?? [...(one.labels ?? [])].map((label) => {
  const copy = label.cloneNode(true);
  copy.querySelectorAll("option").forEach((option) => option.remove());
  return copy.textContent;
}).join(" ");
let found = [document];
for (const [kind, ...how] of steps) {
  const all = (css) => [...new Set(found.flatMap((one) => [...one.querySelectorAll(css)]))];
  if (kind === "css") found = all(how[0]).filter((one) => fits(plain(one.textContent), how[1]));
  else if (kind === "role") found = shown(all(ROLES[how[0]])).filter((one) => fits(named(one), how[1], how[2]));
  else if (kind === "label") found = all(TYPED).filter((one) => fits(plain(labelled(one)), how[0], how[1]));
  else if (kind === "text") found = all(":not(:has(*))").filter((one) => fits(plain(one.textContent), how[0]));
  else found = how[0] < 0 ? found.slice(how[0]) : found.slice(how[0], how[0] + 1);
}
"""


def lacks(what: str) -> NoReturn:
    """Skip a test that needs what WebDriver cannot do."""
    pytest.skip(f"WebDriver has no {what}")


@dataclass
class Wire:
    """A session of the driver."""

    client: httpx.Client
    session: str

    def send(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, f"/session/{self.session}/{path}", json=body)
        value = answer.json()["value"]
        if answer.status_code != 200:
            raise WebDriverError(f"{value['error']}: {value.get('message', '')}")
        return value

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function that may return a promise."""
        wrapped = f"""const done = arguments[arguments.length - 1];
          const given = [...arguments].slice(0, -1);
          (async () => {{ {script} }})()
            .then((value) => done([true, value]), (error) => done([false, String(error)]));"""
        good, value = self.send("POST", "execute/async", {"script": wrapped, "args": list(arguments)})
        if not good:
            raise WebDriverError(value)
        return value


class WebDriverError(AssertionError):
    """The browser could not do what it was asked for."""


class Keyboard:
    """Presses keys."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def press(self, name: str) -> None:
        *held, last = name.split("+")
        pressed = [{"Shift": "\ue008", "Control": "\ue009"}[one] for one in held] + [KEYS.get(last, last)]
        actions = [{"type": "keyDown", "value": one} for one in pressed]
        actions += [{"type": "keyUp", "value": one} for one in reversed(pressed)]
        self._wire.send("POST", "actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})


@dataclass(frozen=True)
class Locator:
    """Elements that are looked for again with each use; waits until there is one."""

    page: Page
    steps: tuple[tuple[Any, ...], ...]

    def _with(self, *step: Any) -> Locator:
        return Locator(self.page, (*self.steps, step))

    def locator(self, css: str, has_text: str | None = None) -> Locator:
        return self._with("css", css, has_text)

    def get_by_role(self, role: str, name: str | None = None, *, exact: bool = False) -> Locator:
        return self._with("role", role, name, exact)

    def get_by_label(self, text: str, *, exact: bool = False) -> Locator:
        return self._with("label", text, exact)

    @property
    def first(self) -> Locator:
        return self.nth(0)

    @property
    def last(self) -> Locator:
        return self.nth(-1)

    def nth(self, place: int) -> Locator:
        return self._with("nth", place)

    def _all(self, expression: str) -> Any:
        return self.page.wire.run(FIND % json.dumps(self.steps) + f"return {expression};")

    def count(self) -> int:
        return int(self._all("found.length"))

    def all_inner_texts(self) -> list[str]:
        return list(self._all("found.map((one) => one.innerText)"))

    def is_visible(self) -> bool:
        return bool(self._all("Boolean(found[0]?.checkVisibility())"))

    def is_hidden(self) -> bool:
        return not self.is_visible()

    def _element(self) -> str:
        """Return the driver's name of the one element, as soon as it is there and nothing moves it any more."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = self._all("found.length === 1 && found[0].isConnected ? found[0] : found.length")
            if isinstance(found, dict):
                return str(next(iter(found.values())))
            time.sleep(0.05)
        pytest.fail(f"{self.steps}: {found} elements\n{self.page.inner_text('body')[:2000]}")

    def _until_done(self, act: Callable[[str], Any]) -> Any:
        """Do something with the element; what is drawn again meanwhile is looked for again."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return act(self._element())
            except WebDriverError as problem:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{self.steps}: {problem}") from None
            time.sleep(0.05)

    def click(self, **_how: Any) -> None:
        self._until_done(lambda one: self.page.wire.send("POST", f"element/{one}/click", {}))

    def dblclick(self) -> None:
        self._element()
        self._all("found[0].click(), found[0].isConnected && found[0].click()")

    def focus(self) -> None:
        self._element()
        self._all("found[0].focus()")

    def fill(self, text: str) -> None:
        self._element()
        self._all(
            f"(found[0].focus(), found[0].value = {json.dumps(text)},"
            " found[0].dispatchEvent(new Event('input', { bubbles: true })),"
            " found[0].dispatchEvent(new Event('change', { bubbles: true })), null)"
        )

    def select_option(self, value: str) -> None:
        self.fill(value)

    def input_value(self) -> str:
        self._element()
        return str(self._all("found[0].value"))

    def bounding_box(self) -> dict[str, float]:
        self._element()
        box = "(({ x, y, width, height }) => ({ x, y, width, height }))(found[0].getBoundingClientRect())"
        return dict(self._all(box))

    def scroll_into_view_if_needed(self) -> None:
        self._element()
        self._all("(found[0].scrollIntoView(), null)")


class Page:
    """The one window of a browser."""

    def __init__(self, wire: Wire, context: Context) -> None:
        self.wire, self.context, self.keyboard = wire, context, Keyboard(wire)

    @property
    def url(self) -> str:
        return str(self.wire.send("GET", "url"))

    def title(self) -> str:
        return str(self.wire.send("GET", "title"))

    def goto(self, address: str) -> None:
        self.wire.send("POST", "url", {"url": address})

    def reload(self) -> None:
        self.wire.send("POST", "refresh", {})

    def go_back(self) -> None:
        self.wire.send("POST", "back", {})

    def go_forward(self) -> None:
        self.wire.send("POST", "forward", {})

    def evaluate(self, expression: str, *arguments: Any) -> Any:
        """Return the value of an expression, or of the function that it is, called with the arguments."""
        text = expression.strip().rstrip(";")
        try:
            called = "typeof value === 'function' ? await value(...given) : value"
            return self.wire.run(f"const value = await ({text}); return {called};", *arguments)
        except WebDriverError as problem:
            if "SyntaxError" not in str(problem):
                raise
        return self.wire.run(text)  # several statements

    def wait_for_timeout(self, ms: float) -> None:
        time.sleep(ms / 1000)

    def set_viewport_size(self, size: dict[str, int]) -> None:
        """Make the page itself so large, whatever the window has around it."""
        wanted = [size["width"], size["height"]]
        deadline = time.monotonic() + PATIENCE_S
        while (inner := self.wire.run(SETTLED)) != wanted:
            assert time.monotonic() < deadline, f"the window is {inner}, not {wanted}"
            outer = self.wire.send("GET", "window/rect")
            asked = {
                "width": outer["width"] + wanted[0] - inner[0],
                "height": outer["height"] + wanted[1] - inner[1],
            }
            self.wire.send("POST", "window/rect", asked)

    def locator(self, css: str, has_text: str | None = None) -> Locator:
        return Locator(self, (("css", css, has_text),))

    def get_by_role(self, role: str, name: str | None = None, *, exact: bool = False) -> Locator:
        return Locator(self, (("role", role, name, exact),))

    def get_by_label(self, text: str, *, exact: bool = False) -> Locator:
        return Locator(self, (("label", text, exact),))

    def get_by_text(self, text: str) -> Locator:
        return Locator(self, (("text", text),))

    def click(self, css: str) -> None:
        self.locator(css).click()

    def fill(self, css: str, text: str) -> None:
        self.locator(css).fill(text)

    def inner_text(self, css: str) -> str:
        return str(self.evaluate(f"document.querySelector({json.dumps(css)})?.innerText ?? ''"))

    def text_content(self, css: str) -> str:
        return str(self.evaluate(f"document.querySelector({json.dumps(css)})?.textContent ?? ''"))

    def screenshot(self, path: str | Path) -> None:
        Path(path).write_bytes(base64.b64decode(self.wire.send("GET", "screenshot")))

    def on(self, _event: str, _callback: Callable[..., Any]) -> None:
        """Errors of the page are read at its end (``Context.close``)."""

    def __getattr__(self, name: str) -> Any:
        lacks(name)


@dataclass
class Context:
    """A browser with nothing kept, and its window."""

    wire: Wire
    pages: list[Page] = field(default_factory=list)

    def new_page(self) -> Page:
        if self.pages:
            lacks("second window in a session")
        self.pages.append(Page(self.wire, self))
        return self.pages[0]

    def cookies(self) -> list[dict[str, Any]]:
        return list(self.wire.send("GET", "cookie"))

    def close(self) -> None:
        with contextlib.suppress(httpx.HTTPError, AssertionError):
            self.wire.client.delete(f"/session/{self.wire.session}")

    def __getattr__(self, name: str) -> Any:
        lacks(name)


class WebKit:
    """Starts a driver with a browser for each context: a driver serves one session at a time."""

    def __init__(self, stack: contextlib.ExitStack, environment: dict[str, str]) -> None:
        self._stack, self._environment = stack, environment

    def new_context(self, viewport: dict[str, int] | None = None, **options: Any) -> Context:
        """Open an empty browser."""
        if unknown := set(options) - {"ignore_https_errors", "base_url", "accept_downloads"}:
            lacks(", ".join(sorted(unknown)))
        port = unused_port()
        self._stack.enter_context(_running([DRIVER, f"--port={port}", "--host=127.0.0.1"], self._environment))
        wait_until(lambda: accepts_connections(port), PATIENCE_S, "the driver of WebKit")
        client = self._stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120))
        own = {"binary": _browser(), "args": ["--automation"]}
        wanted = {"acceptInsecureCerts": True, "webkitgtk:browserOptions": own}
        answer = client.post("/session", json={"capabilities": {"alwaysMatch": wanted}}).json()["value"]
        context = Context(Wire(client, answer["sessionId"]))
        self._stack.callback(context.close)
        Page(context.wire, context).set_viewport_size(viewport or {"width": 1280, "height": 720})
        return context


def missing() -> str:
    """Return what is not installed; empty where WebKit can be tried."""
    needed = {DRIVER: shutil.which(DRIVER), "MiniBrowser": _browser(), "Xvfb": shutil.which("Xvfb")}
    return ", ".join(name for name, found in needed.items() if not found)


def _browser() -> str | None:
    found = [path for folder in FOLDERS for path in sorted(Path(folder).glob("webkit2gtk-4*/MiniBrowser"))]
    return str(found[-1]) if found else None


@contextlib.contextmanager
def open_webkit(folder: Path) -> Iterator[WebKit]:
    """Start the driver on a screen that nobody sees."""
    (folder / "gtk-3.0").mkdir(parents=True)
    (folder / "gtk-3.0" / "gtk.css").write_text(NARROW, encoding="utf-8")
    read, write = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "2000x1600x24", "-nolisten", "tcp"],
        pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as numbers:
        display = numbers.readline().strip()
    own = {"DISPLAY": f":{display}", "XDG_CONFIG_HOME": str(folder), "LIBGL_ALWAYS_SOFTWARE": "1"}
    try:
        with contextlib.ExitStack() as stack:
            yield WebKit(stack, own)
    finally:
        screen.terminate()
        screen.wait(PATIENCE_S)


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
