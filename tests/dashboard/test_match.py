"""A whole match in a real browser: every part is the real one, and two coaches have a tablet each."""

from __future__ import annotations

import io
import ssl
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.config import load_config
from athlete_monitor.dashboard.accounts import make_account, save_accounts
from athlete_monitor.deploy.certificates import make_authority, make_certificate
from tests.dashboard.browser import SIDEWAYS, Wifi, open_browser, until, until_python
from tests.helpers import unused_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.helpers import Program

pytestmark = [pytest.mark.campaign, pytest.mark.integration]

RULES = """
defaults: false
rules:
  - name: alive
    if: [{figure: heart_rate_bpm, is: ">=", value: 40}]
    who: {athletes: [1]}
    level: danger
    text: "{name} has a heart"
"""
PEOPLE = "athletes:\n" + "".join(
    f"  - {{id: {at}, device: '{at:03d}', name: {name}, number: {10 + at}, group: {group}, sex: female, age: 24}}\n"
    for at, name, group in ((1, "Ada", "backs"), (2, "Bea", "backs"), (3, "Cid", "wings"), (4, "Dee", "wings"))
)
SLOW_S = 60.0
SHOWN = "[...document.querySelectorAll('.tile .value')].every((one) => /\\d/.test(one.textContent))"


@dataclass
class Match:
    """The box, and how to start its programs again."""

    config: Path
    port: int
    authority: Path
    start: Callable[..., Program]
    programs: dict[str, Program]

    def __post_init__(self) -> None:
        self.archive = Archive(load_config(self.config, self.config.parent, environ={}).paths.journal)

    def serve(self) -> None:
        self.programs["screen"] = self.start("dashboard.py", self.config, "--port", self.port)
        self.programs["screen"].wait_for("screen: https", SLOW_S)

    @property
    def team(self) -> str:
        return self.archive.team_sessions()[-1].id

    def periods(self) -> dict[str, Any]:
        return {one.name: one for one in self.archive.periods(self.team) if not one.automatic}


@pytest.fixture(scope="module")
def match(configure, start_program, tmp_path_factory) -> Match:
    folder = tmp_path_factory.mktemp("box")
    now = datetime.now(timezone.utc)
    authority = make_authority("test box", now)
    box = make_certificate(authority, ["127.0.0.1", "localhost"], now)
    for name, content in (("ca.crt", authority.certificate), ("box.crt", box.certificate), ("box.key", box.key)):
        (folder / name).write_bytes(content)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "athletes.yaml").write_text(PEOPLE, encoding="utf-8")
    people = [("carl", "coach", "123456"), ("cora", "coach", "654321")]
    save_accounts(folder / "accounts.json", [make_account(*one) for one in people])
    config = configure(
        dashboard={
            "accounts_file": str(folder / "accounts.json"),
            "tls": {"cert_file": str(folder / "box.crt"), "key_file": str(folder / "box.key")},
        },
        team={"alarm_rules": str(folder / "rules.yaml")},
        athletes={"roster": str(folder / "athletes.yaml")},
    )
    made = Match(config, unused_port(), folder / "ca.crt", start_program, {})
    made.serve()
    made.programs["engine"] = start_program("main.py", config, "--no-ui")
    made.programs["publisher"] = start_program(
        "publisher.py", config, "--players", "1-4", "--mode", "game", "--duration", "30m", "--seed", "3"
    )
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as made:
        yield made


def log_in(browser: Browser, port: int, name: str, secret: str) -> Page:
    context = browser.new_context(
        viewport={"width": 1024, "height": 768}, ignore_https_errors=True, accept_downloads=True
    )
    page = context.new_page()
    page.goto(f"https://127.0.0.1:{port}/")
    page.fill("#name", name)
    page.fill("#secret", secret)
    page.click("#go")
    until(page, "document.querySelectorAll('.tile').length === 4", SLOW_S)
    return page


def go(page: Page, path: str) -> None:
    page.evaluate(f"import('/static/app.js').then((m) => m.go('{path}'))")


def test_the_certificate_of_the_screen_is_trusted_through_the_authority_of_the_box_and_else_not(match):
    trusting = ssl.create_default_context(cafile=str(match.authority))
    for host in ("127.0.0.1", "localhost"):
        with urllib.request.urlopen(f"https://{host}:{match.port}/login", context=trusting, timeout=30) as answer:
            assert answer.status == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"https://127.0.0.1:{match.port}/login", context=ssl.create_default_context())


@pytest.mark.timeout(480)
def test_a_match_from_the_first_whistle_to_the_report(match, browser):
    wifi = Wifi(match.port)
    problems: list[str] = []
    try:
        page = log_in(browser, wifi.port, "carl", "123456")
        page.on("pageerror", lambda error: problems.append(str(error)))
        (cookie,) = page.context.cookies()
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
        until(
            page, "[...document.querySelectorAll('.tile .value')].every((one) => /\\d/.test(one.textContent))", SLOW_S
        )
        other = log_in(browser, match.port, "cora", "654321")
        line_up_and_whistle(page, match)
        acknowledge(page, match)
        substitute(page, match)
        both_press(page, other, match)
        lose_the_network(page, wifi)
        page.reload()
        until(page, "document.querySelectorAll('.tile').length === 4", SLOW_S)
        restart_the_server(page, match)
        rate(page, match)
        correct_the_period(page, match)
        both_correct(page, other, match)
        fetch_files(page, match)
        nothing_is_missing(page)
        assert problems == []
    finally:
        wifi.stop()


def line_up_and_whistle(page: Page, match: Match) -> None:
    go(page, "/control")
    for name, states in (("Ada", ["on"]), ("Bea", ["on"]), ("Cid", ["on", "off"])):
        for state in states:  # a tap leads to the state after the one that is shown
            page.locator(".people button", has_text=name).last.click()
            until(
                page,
                "import('/static/store.js').then((m) => m.store.team.pitch"
                f"?.[[...m.store.people.values()].find((one) => one.name === '{name}').athlete_id] === '{state}')",
                SLOW_S,
            )
    page.get_by_role("button", name="▶ 1st half").click()
    until(page, "document.querySelector('#top')?.textContent.includes('1st half 0:')", SLOW_S)
    until_python(page, lambda: "1st half" in match.periods(), "the period in the archive", SLOW_S)


def acknowledge(page: Page, match: Match) -> None:
    until(page, "document.querySelector('.alarm')?.textContent.includes('Ada has a heart')", SLOW_S)
    page.locator(".alarm").first.click()
    until(page, "document.querySelector('.alarm.quiet')", SLOW_S)
    until_python(page, lambda: [one for one in match.archive.alarms(match.team) if one.acknowledged_t], "it is known")


def substitute(page: Page, match: Match) -> None:
    page.locator("#substitution").get_by_role("button", name="Ada").click()
    page.locator("#substitution").get_by_role("button", name="Cid").click()
    wanted = {1: "off", 2: "on", 3: "on"}

    def is_done() -> bool:
        stints = {one.athlete_id: one.state for one in match.archive.stints(match.team)}
        return stints == wanted

    until_python(page, is_done, "the substitution in the archive", SLOW_S)


def both_press(page: Page, other: Page, match: Match) -> None:
    for one in (page, other):
        one.locator(".actions").get_by_role("button", name="Marker").click(no_wait_after=True)
    until_python(page, lambda: len(match.archive.markers(match.team)) == 2, "a marker of each", SLOW_S)
    for one in (page, other):
        one.evaluate("setTimeout(() => document.querySelector('#top .actions button').click(), 300)")
    until_python(page, lambda: match.periods()["1st half"].end_t, "the end of the half", SLOW_S)
    for one in (page, other):
        until(one, "document.querySelector('#top .actions')?.textContent.includes('Start period')", SLOW_S)


def lose_the_network(page: Page, wifi: Wifi) -> None:
    go(page, "/")
    page.context.set_offline(True)
    wifi.out = True
    until(page, "document.querySelector('.notice.bad')?.textContent.includes('No connection')", SLOW_S)
    page.wait_for_timeout(6000)
    wifi.out = False
    page.context.set_offline(False)
    until(page, "!document.querySelector('.notice')", SLOW_S)


FIRST = "fetch('/api/history?columns=heart_rate_bpm').then((one) => one.json()).then((one) => one.devices['001']?.t[0])"


def restart_the_server(page: Page, match: Match) -> None:
    """The trend of five minutes begins where it began before."""
    first = page.evaluate(FIRST)
    match.programs["screen"].terminate()
    assert match.programs["screen"].wait() == 0
    match.serve()
    until(page, "!document.querySelector('.notice')", SLOW_S)
    until(page, f"{FIRST}.then((found) => found <= {first + 2})", SLOW_S)


def rate(page: Page, match: Match) -> None:
    go(page, "/control")
    page.get_by_label("RPE of Bea").select_option("7")
    until_python(
        page, lambda: [one["rpe"] for one in match.archive.entries(match.team) if one["kind"] == "rpe"] == [7], "RPE"
    )


def correct_the_period(page: Page, match: Match) -> None:
    go(page, f"/sessions/{match.team}")
    until(page, "document.querySelector('.table button') && document.querySelector('.chart canvas')", SLOW_S)
    for width in (390, 820, 1180, 1024):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(60)
        assert page.evaluate(SIDEWAYS) == [], width
    page.get_by_role("button", name="Edit 1st half").click()
    page.locator("dialog").get_by_label("Name").fill("first half, corrected")
    page.locator("dialog").get_by_role("button", name="Save").click()
    until_python(page, lambda: "first half, corrected" in match.periods(), "the correction", SLOW_S)
    until(page, "document.querySelector('main').textContent.includes('first half, corrected')", SLOW_S)
    page.get_by_role("button", name="Undo").last.click()
    until_python(page, lambda: "1st half" in match.periods(), "the correction is taken back", SLOW_S)


def both_correct(page: Page, other: Page, match: Match) -> None:
    """One gives it another name while the other, who sees the old one, corrects its end: both corrections stay."""
    kept = match.periods()["1st half"]
    go(other, f"/sessions/{match.team}")
    until(other, "document.querySelector('.table button') && document.querySelector('.chart canvas')", SLOW_S)
    for tablet in (page, other):
        tablet.get_by_role("button", name="Edit 1st half").click()
    shown = other.locator("dialog").get_by_label("End").input_value()
    later = kept.end_t + 60
    moved = other.evaluate(f"import('/static/text.js').then((m) => m.clock({later}, true))")
    assert shown != moved
    other.locator("dialog").get_by_label("End").fill(moved)
    page.locator("dialog").get_by_label("Name").fill("both")
    for tablet in (page, other):
        tablet.locator("dialog").get_by_role("button", name="Save").click()
    until_python(page, lambda: "both" in match.periods(), "the new name", SLOW_S)
    until_python(page, lambda: match.periods()["both"].end_t >= int(later) - 1, "the new end", SLOW_S)
    assert match.periods()["both"].start_t == kept.start_t


def fetch_files(page: Page, match: Match) -> None:
    with page.expect_download(timeout=SLOW_S * 1000) as report:
        page.get_by_role("button", name="Report (PDF)").click()
    assert Path(report.value.path()).read_bytes().startswith(b"%PDF")
    page.get_by_text("Tables and activity files").click()
    with page.expect_download(timeout=SLOW_S * 1000) as table:
        page.get_by_role("button", name="Every second (csv)").click()
    with zipfile.ZipFile(io.BytesIO(Path(table.value.path()).read_bytes())) as packed:
        lines = packed.read("seconds.csv").decode().splitlines()
    assert {line.split(",")[3] for line in lines[1:]} == {match.team}


SECONDS = """fetch('/api/athletes/00%d/seconds?columns=heart_rate_bpm&points=4000')
  .then((one) => one.json()).then((one) => ({
    gap: Math.max(...one.t.slice(1).map((t, at) => t - one.t[at])),
    length: one.t.at(-1) - one.t[0] }))"""


def nothing_is_missing(page: Page) -> None:
    for athlete in (1, 2, 3, 4):
        found = page.evaluate(SECONDS % athlete)
        assert found["length"] > 20
        assert found["gap"] <= 2.5, found
    go(page, "/")
    trend = "import('/static/store.js').then((m) => m.trend('002'))"
    values = until(page, f"{trend}.then((found) => found.filter((one) => one !== null).length > 4 ? found : null)")
    known = [at for at, one in enumerate(values) if one is not None]
    assert known == list(range(known[0], known[-1] + 1))


def test_the_programs_end_in_order(match):
    for name in ("publisher", "screen", "engine"):
        match.programs[name].terminate()
        assert match.programs[name].wait() == 0, name
    wait_until(lambda: match.archive.sessions(match.team), what="the sessions")
