"""The pages where something is wrong: impatient fingers, two devices, other zones, bad networks, a server that dies."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from athlete_monitor.dashboard.accounts import make_account, save_accounts
from tests.dashboard.browser import Wifi, until, until_python
from tests.dashboard.kit import Screen, figures
from tests.helpers import ROOT, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.campaign, pytest.mark.integration]

PERIOD = {"id": "p1", "name": "1st half", "kind": "half", "whose": {}, "start_t": 1_790_000_000.25, "end_t": None}
ALARM = {"id": "a1", "rule": "r", "athlete_id": 7, "level": "danger", "text": "hot", "raised_t": 1.0}
SESSION = {"id": "T1", "mode": "game", "start_t": 1_790_000_000.0, "name": "Cup", "opponent": "Rovers"}
SLOW_S = 60.0


@pytest.fixture(autouse=True)
def match(engine) -> None:
    engine.publish(figures(7, t_s=1_790_000_100.0), figures(8, t_s=1_790_000_100.0))
    state = {"team_session": SESSION, "periods": [PERIOD], "markers": [], "alarms": [], "targets": []}
    engine.tell(**state, pitch={"7": "on", "8": "off"})


def go(page: Page, path: str) -> None:
    page.evaluate(f"import('/static/app.js').then((m) => m.go('{path}'))")


def controls(open_page, **options: Any) -> Page:
    page: Page = open_page("/control", **options)
    until(page, "document.querySelector('#substitution button') && document.querySelector('.table button')")
    return page


def test_an_impatient_finger_starts_one_period(open_page, engine):
    page = controls(open_page)
    before = len(engine.did("period_start"))
    page.get_by_role("button", name="▶ 2nd half").dblclick()
    page.locator(".actions").get_by_role("button", name="Marker").dblclick()
    until_python(page, lambda: engine.did("marker"), "the marker")
    page.wait_for_timeout(300)
    assert len(engine.did("period_start")) == before + 1
    assert len(engine.did("marker")) == 1


def test_a_correction_sends_what_this_coach_has_changed_and_nothing_else(open_page, engine):
    page = controls(open_page)
    page.get_by_role("button", name="Edit 1st half").click()
    engine.tell(periods=[PERIOD | {"end_t": 1_790_002_700.0}])  # somebody else ends it meanwhile
    page.locator("dialog").get_by_label("Name").fill("first half")
    page.keyboard.press("Enter")
    (edit,) = until_python(page, lambda: engine.did("period_edit"), "the correction")
    assert (edit["name"], {"start", "end"} & set(edit)) == ("first half", set())
    page.get_by_role("button", name=re.compile("Undo")).last.click()
    undo = until_python(page, lambda: engine.did("period_edit")[1:], "the undo")[0]
    assert (undo["name"], {"start", "end"} & set(undo)) == ("1st half", set())
    page.get_by_role("button", name="Edit", exact=True).click()
    page.locator("dialog").get_by_label("Note").fill("rain")
    page.keyboard.press("Enter")
    (session,) = until_python(page, lambda: engine.did("session_edit"), "the note")
    assert set(session) == {"id", "do", "note"}


def test_the_time_on_the_screen_is_the_box_s_whatever_zone_the_tablet_is_in(open_page, engine):
    page = open_page("/control", timezone_id="Pacific/Auckland")
    until(page, "/\\d\\d:\\d\\d$/.test(document.querySelector('#top .muted')?.textContent ?? '')")
    shown = page.evaluate("import('/static/text.js').then((m) => m.clock(1790000000, true))")
    assert shown == datetime.fromtimestamp(1_790_000_000).astimezone().strftime("%H:%M:%S")
    typed = page.evaluate(f"import('/static/times.js').then((m) => m.timeOfDay('{shown}', 1790003000))")
    assert typed == 1_790_000_000


def test_a_typed_time_is_the_nearest_one_so_that_a_session_may_last_beyond_midnight(open_page):
    page = open_page("/control")
    until(page, "document.querySelector('#top .match')")
    late = datetime(2026, 9, 21, 23, 50).astimezone().timestamp()
    for near, text, later in ((late, "00:10", 1200), (late, "23:40", -600), (late + 1200, "23:50", -1200)):
        typed = page.evaluate(f"import('/static/times.js').then((m) => m.timeOfDay('{text}', {near}))")
        assert typed - near == later


def test_ratings_stay_on_the_page_and_can_be_taken_back(open_page, engine):
    engine.publish(figures(7), figures(8))
    engine.tell(
        team_session=None, periods=[], markers=[], ratings=[{"athlete_id": 7, "rpe": 6.5, "minutes": 90, "t": 1}]
    )
    page = open_page("/control")
    seven, eight = (page.get_by_label(f"RPE of Athlete {at}", exact=True) for at in (7, 8))
    until(page, "document.querySelectorAll('.ratings select').length === 2")
    assert (seven.input_value(), eight.input_value()) == ("6.5", "")
    eight.select_option("4")
    (given,) = until_python(page, lambda: engine.did("rpe"), "the rating")
    assert (given["athlete"], given["rpe"]) == (8, 4)
    engine.tell(ratings=[{"athlete_id": 7, "rpe": 6.5}, {"athlete_id": 8, "rpe": 4}])
    until(page, "[...document.querySelectorAll('.ratings select')].map((one) => one.value).join() === '6.5,4'")
    page.get_by_role("button", name=re.compile("Undo")).last.click()
    undo = until_python(page, lambda: engine.did("rpe")[1:], "the undo")[0]
    assert (undo["athlete"], undo["rpe"]) == (8, None)


def test_zones_of_the_box_and_their_summers_are_reckoned_right(open_page):
    page = open_page(timezone_id="America/New_York")
    until(page, "document.querySelector('#top .match')")
    times = (1_790_000_000, 1_767_225_600, 1_792_889_999, 1_792_893_601)  # summer, winter, before and after the change
    shown = page.evaluate(
        """(times) => import('/static/text.js').then(async (text) => {
          await text.useZone({ name: 'Europe/Berlin', offset_s: 0 });
          return times.map((t) => `${text.day(t)} ${text.clock(t, true)}`);
        })""",
        list(times),
    )
    assert shown == [
        "Mon, 21 Sept 2026 16:13:20",
        "Thu, 1 Jan 2026 01:00:00",
        "Sun, 25 Oct 2026 02:59:59",
        "Sun, 25 Oct 2026 03:00:01",
    ]


def test_a_page_that_is_loaded_again_shows_the_same_choice_and_back_leads_back(open_page, engine):
    page = open_page("/pitch?span=p:p1&who=008")
    chosen = "[...document.querySelectorAll('main select')].map((one) => one.value).join(' ')"
    until(page, f"{chosen} === '008 p:p1'")
    page.locator("main select").first.select_option("007")
    assert page.url.endswith("?span=p%3Ap1&who=007")
    page.reload()
    until(page, f"{chosen} === '007 p:p1'")
    go(page, "/system")
    until(page, "document.querySelector('main .field')")
    page.go_back()
    until(page, f"{chosen} === '007 p:p1'")
    page.go_forward()
    until(page, "document.querySelector('main .field')")


def test_of_two_pages_asked_for_at_once_the_later_one_is_shown(open_page):
    page = open_page("/")
    until(page, "document.querySelector('.tile')")
    page.evaluate("import('/static/app.js').then((m) => Promise.all([m.go('/league'), m.go('/')]))")
    until(page, "document.querySelector('.tile')")
    page.wait_for_timeout(300)
    assert page.title() == "Squad"
    assert page.locator(".tile").count() >= 2


@pytest.mark.parametrize("path", ["/athlete/%E0%A4%A", "/athlete/nobody", "/sessions/nothing", "/nothing/at/all"])
def test_an_address_of_nothing_is_a_page_that_says_so(open_page, path):
    page = open_page(path)
    until(page, "/no (athlete|such|session|page)/i.test(document.querySelector('main').textContent)")
    assert page.locator("main a[href='/'], main a[href='/sessions']").count() == 1


def test_without_web_sockets_the_screen_asks_and_shows_the_same(open_page, engine):
    page = open_page("/", script="delete window.WebSocket;")
    engine.publish(figures(7, heart_rate_bpm=171.0))
    until(page, "document.querySelector('.tile[data-key=\"007\"] .value')?.textContent === '171'")
    engine.tell(alarms=[ALARM])
    until(page, "document.querySelector('.alarms')?.textContent.includes('hot')")
    assert page.locator(".notice").count() == 0


def test_a_first_answer_that_gets_lost_is_asked_for_again(open_page, screen):
    page = open_page("/login")
    lost: list[str] = []

    def lose(route: Any) -> None:
        lost.append(route.request.url)
        if len(lost) < 3:
            route.abort()
        else:
            route.continue_()

    page.route(re.compile("/api/(me|catalogue)$"), lose)
    page.goto(f"{screen.address}/control")
    until(page, "document.querySelector('#substitution button')")
    page.unroute(re.compile("/api/(me|catalogue)$"))
    page.route("**/static/league.js", lambda route: route.abort())
    go(page, "/league")
    until(page, "document.querySelector('main').textContent.includes('does not answer')")
    assert page.locator("#tabs").is_visible()


def test_what_is_drawn_again_leaves_the_keyboard_where_it_is(open_page, engine):
    page = controls(open_page)
    page.locator("#substitution button").first.focus()
    engine.tell(pitch={"7": "on", "8": "on"})
    until(page, "document.querySelectorAll('#substitution button').length >= 2")
    assert page.evaluate("document.activeElement.textContent") == "Athlete 7"
    engine.publish(figures(7), figures(8))
    go(page, "/athlete/007")
    until(page, "document.querySelectorAll('.card').length > 3")
    page.locator(".card").nth(2).focus()
    kept = page.evaluate_handle("document.activeElement")
    page.evaluate("document.querySelector('.chart').dispatchEvent(new CustomEvent('zoom'))")  # it is read again
    page.wait_for_timeout(500)
    assert page.evaluate("(kept) => document.activeElement === kept && kept.isConnected", kept)


def test_by_keys_alone_every_control_is_reached_seen_and_uncovered(open_page, engine):
    engine.tell(alarms=[ALARM])
    page = controls(open_page, reduced_motion="reduce")
    until(page, "document.querySelector('.alarms button')")
    wanted = page.evaluate(f"{REACHABLE}.length")
    page.evaluate("document.body.focus()")
    seen = 0
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        problem = page.evaluate(FOCUSED)
        if problem is None:
            break
        assert problem == ""
        seen += 1
    assert seen >= wanted
    page.locator("h1").first.click()  # the focus may have gone on to the browser's own controls
    page.get_by_role("button", name="Edit 1st half").focus()
    page.keyboard.press("Enter")
    until(page, "document.querySelector('dialog:modal')")
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('dialog')")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Edit 1st half"
    assert page.evaluate("document.getAnimations().length") == 0  # whoever wants no motion gets none


REACHABLE = """[...document.querySelectorAll('a[href], button, select, input, summary')]
  .filter((one) => !one.disabled && one.checkVisibility())"""
# What is wrong with how the focused control looks; nothing where the focus has left the page.
FOCUSED = """(() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  if (one.id === 'page' || one.classList.contains('skip')) return '';
  const { left, top, width, height } = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) return `no outline: ${one.outerHTML}`;
  const front = document.elementFromPoint(left + width / 2, top + height / 2);
  return front && (one.contains(front) || front.contains(one) || front.closest('label')?.contains(one)) ? ''
    : `covered: ${one.outerHTML} by ${front?.outerHTML.slice(0, 100)}`;
})()"""


def test_a_notice_or_an_alarm_is_spoken_once_and_numbers_are_not(open_page, engine):
    page = open_page("/")
    until(page, "document.querySelector('.tile .value')?.textContent !== '–'")
    until(page, "document.querySelector('#notices').dataset.kind === ''")
    page.wait_for_timeout(300)
    page.evaluate(SPOKEN)
    engine.tell(alarms=[ALARM])
    until(page, "window.spoken.includes('hot')")
    for step in range(4):
        engine.publish(figures(7, heart_rate_bpm=150.0 + step))
        page.wait_for_timeout(300)
    engine.status("offline")
    until(page, "document.querySelector('.notice.bad')")
    engine.status("online")
    until(page, "window.spoken.length >= 3")
    assert page.evaluate("window.spoken") == [
        "hot", "The engine does not run: no new figures. Start main.py.", "Box and engine answer.",
    ]  # fmt: skip


# What somebody hears who does not look: each change of a live region.
SPOKEN = """window.spoken = [];
for (const region of document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]'))
  new MutationObserver(() => window.spoken.push(region.textContent)).observe(region,
    { childList: true, characterData: true, subtree: true });
"""


def test_on_paper_there_is_the_squad_in_dark_ink_and_no_button(open_page, engine):
    page = open_page("/", color_scheme="dark")
    until(page, "document.querySelector('.tile .value')")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert not any(page.locator(one).is_visible() for one in ("#tabs", ".bar", ".actions"))
    assert page.locator(".tile").first.is_visible()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.pdf().startswith(b"%PDF")


NOTHING_KEPT = """Object.defineProperty(window, 'localStorage', {
  get() { throw new DOMException('denied', 'SecurityError'); } });"""


def test_a_browser_that_lets_nothing_be_kept_shows_everything_and_forgets_the_choices(open_page, engine):
    page = open_page("/", script=NOTHING_KEPT)
    engine.publish(figures(7, heart_rate_bpm=173.0))
    until(page, "document.querySelector('.tile[data-key=\"007\"] .value')?.textContent === '173'")
    page.get_by_role("button", name="Rows").click()
    until(page, "!document.querySelector('.table').hidden && document.querySelector('.tiles').hidden")
    go(page, "/control")
    page.get_by_role("button", name="▶ Warm-up").click()
    until(page, "document.querySelector('.toast button')")


# A connection that opens and brings nothing: a proxy keeps back what it gets.
DEAF = """window.WebSocket = class { constructor() { setTimeout(() => this.onopen?.(), 50); } close() {} };"""


def test_a_device_without_room_for_what_is_kept_carries_out_commands(open_page, engine):
    full = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
    page = open_page("/control", script=full)
    before = len(engine.did("period_start"))
    page.get_by_role("button", name="▶ 2nd half").click()
    until_python(page, lambda: len(engine.did("period_start")) == before + 1, "the period")


def test_a_browser_that_keeps_no_cookies_gets_a_sentence_about_it(browser, start_screen, configure, tmp_path_factory):
    file = tmp_path_factory.mktemp("accounts") / "accounts.json"
    save_accounts(file, [make_account("carl", "coach", "654321")])
    screen = start_screen(configure(dashboard={"accounts_file": str(file)}))
    context = browser.new_context()
    page = context.new_page()

    def without_cookie(route):
        answer = screen.http.post("/api/login", json=route.request.post_data_json)
        screen.http.cookies.clear()
        route.fulfill(status=answer.status_code, content_type="application/json", body=answer.content)

    page.route("**/api/login", without_cookie)
    page.goto(f"{screen.address}/")
    log_in(page, "654321")
    until(page, "document.querySelector('#problem').textContent.includes('cookies')")
    context.close()


def test_after_a_sleep_old_figures_are_old_and_the_clock_is_right(open_page, engine, screen):
    """Most tablets stop the browser's own counter while they sleep: only the clock has gone on."""
    wifi = Wifi(screen.port)
    script = "window.slept = 0; const now = Date.now; Date.now = () => now() + window.slept;"
    engine.publish(figures(7))
    page = open_page("/", script=script, base_url=f"http://127.0.0.1:{wifi.port}")
    until(
        page,
        "document.querySelector('.tile[data-key=\"007\"]') && !document.querySelector('.tile[data-key=\"007\"].gone')",
    )
    wifi.out = True
    page.evaluate("window.slept = 3600e3; document.dispatchEvent(new Event('visibilitychange'))")
    until(page, "document.querySelector('.tile[data-key=\"007\"].gone')?.textContent.includes('1:00:')")
    until(page, "document.querySelector('#notices').textContent.length > 0")
    wifi.out = False
    engine.publish(figures(7))
    until(
        page,
        "!document.querySelector('.tile[data-key=\"007\"].gone') && !document.querySelector('#notices').textContent",
    )
    wifi.stop()


def test_a_page_of_an_older_server_or_out_of_the_browser_s_memory_is_loaded_again(open_page):
    page = open_page("/control", script=FED)
    until(page, "Boolean(window.fed?.onmessage)")
    page.evaluate(
        "window.isOld = true; "
        "window.fed.onmessage({ data: JSON.stringify({ kind: 'squad', athletes: [], build: 'x' }) })"
    )
    until(page, "!window.isOld && Boolean(window.fed?.onmessage)")
    page.evaluate("window.isOld = true; dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    until(page, "!window.isOld && Boolean(window.fed?.onmessage)")
    assert page.evaluate("location.pathname") == "/control"


def test_a_wanted_sound_says_that_it_waits_for_a_tap_and_comes_after_it(open_page, engine):
    script = """localStorage.setItem('sound', 'on'); window.tones = 0;
      window.AudioContext = class { state = 'suspended'; currentTime = 0;
        async resume() { this.state = 'running'; }
        node() {
          const start = () => { window.tones += 1; };
          return { frequency: {}, gain: {}, connect: (to) => to, start, stop() {}, disconnect() {} };
        }
        createOscillator() { return this.node(); } createGain() { return this.node(); } };"""
    engine.tell(alarms=[], periods=[], markers=[], team_session=None)
    page = open_page("/system", script=script)
    until(page, "document.querySelector('#notices').textContent.includes('tap')")
    page.locator("h1").click()
    until(page, "!document.querySelector('#notices').textContent")
    alarm = {"id": "loud", "rule": "own", "athlete_id": None, "level": "danger", "text": "Team: all", "raised_t": 1.0,
             "cleared_t": None, "acknowledged_t": None}  # fmt: skip
    engine.tell(alarms=[alarm])
    until(page, "window.tones === 1")
    engine.tell(alarms=[])


def test_behind_a_proxy_that_keeps_everything_back_the_figures_still_come(open_page, engine):
    page = open_page("/", script=DEAF)
    until_python(page, lambda: shows(page, engine, 181.0), "a figure", SLOW_S)
    assert page.locator(".notice").count() == 0


def shows(page: Page, engine: Any, bpm: float) -> Any:
    engine.publish(figures(7, heart_rate_bpm=bpm))
    page.wait_for_timeout(200)
    return page.evaluate(f"document.querySelector('.tile[data-key=\"007\"] .value')?.textContent === '{bpm:.0f}'")


def test_over_a_slow_network_the_numbers_come_and_a_command_is_one_command(open_page, engine, screen):
    page = open_page("/login")
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    network.send("Network.emulateNetworkConditions", slow)
    page.goto(f"{screen.address}/")
    until_python(page, lambda: shows(page, engine, 166.0), "a figure", SLOW_S)
    go(page, "/control")
    until(page, "document.querySelector('#substitution button')", SLOW_S)
    before = len(engine.did("period_start"))
    page.get_by_role("button", name="▶ Warm-up").dblclick()
    until(page, "document.querySelector('.toast button')", SLOW_S)
    assert len(engine.did("period_start")) == before + 1


CONNECTED = "import('/static/store.js').then((m) => m.store.connected && Boolean(m.store.now))"


@pytest.mark.parametrize(
    "ready",
    [pytest.param(CONNECTED, id="with_figures"), pytest.param("document.querySelector('.actions a')", id="before_any")],
)
def test_a_server_that_is_killed_and_starts_again_takes_the_next_command(
    open_page, engine, start_program, config, ready
):
    from tests.helpers import unused_port

    port = unused_port()
    server = serve(start_program, config, port)
    page = open_page("/control", base_url=server.address)
    until(page, ready, SLOW_S)
    server.program.kill()
    until(page, "/No connection|does not answer/.test(document.querySelector('.notice.bad')?.textContent)", SLOW_S)
    server = serve(start_program, config, port)
    until(page, "!document.querySelector('.notice')", SLOW_S)
    before = len(engine.did("marker"))
    page.locator(".actions").get_by_role("button", name="Marker").click()
    until_python(page, lambda: len(engine.did("marker")) == before + 1, "the marker", SLOW_S)
    assert "Traceback" not in server.program.stderr


def test_a_command_given_while_nobody_answers_is_sent_once_and_with_the_moment_of_the_tap(open_page, engine):
    page = controls(open_page)
    until(page, CONNECTED)
    lost: list[str] = []

    def lose(route: Any) -> None:
        lost.append(route.request.post_data)
        if len(lost) < 6:
            route.abort()
        else:
            route.continue_()

    page.route("**/api/control", lose)
    before, tapped = len(engine.did("period_start")), page.evaluate(NOW)
    page.get_by_role("button", name="▶ Warm-up").click()
    until(page, "document.querySelector('.toast')?.textContent.includes('Sending')")
    page.wait_for_timeout(850)  # longer than two taps of one impatient finger lie apart
    page.get_by_role("button", name="▶ Warm-up").click()
    until_python(page, lambda: engine.did("period_start")[before:], "the period", SLOW_S)
    until(page, "document.querySelector('.toast button')")
    (start,) = engine.did("period_start")[before:]
    assert abs(start["at"] - tapped) < 2.0
    page.unroute("**/api/control")


def test_a_command_that_is_given_before_the_time_of_the_box_is_known_leaves_the_moment_to_the_engine(
    open_page, engine, screen
):
    page = open_page("/login")
    page.route("**/api/catalogue", lambda route: route.abort())
    page.goto(f"{screen.address}/control")
    before = len(engine.did("marker"))
    page.locator(".actions").get_by_role("button", name="Marker").click()
    (marker,) = until_python(page, lambda: engine.did("marker")[before:], "the marker")
    assert marker["at"] is None
    page.unroute("**/api/catalogue")


NOW = "import('/static/store.js').then((m) => m.now())"


def serve(start_program: Any, config: Any, port: int) -> Screen:
    program = start_program("dashboard.py", config, "--port", port)
    program.wait_for("screen: http", SLOW_S)
    made = Screen(program, port)
    wait_until(lambda: made.http.get("/health").json()["broker"], SLOW_S, "the connection to the broker")
    made.http.close()
    return made


def test_the_requests_that_the_page_for_programs_shows_work(start_screen, configure, tmp_path_factory, engine):
    file = tmp_path_factory.mktemp("accounts") / "accounts.json"
    save_accounts(file, [make_account("carl", "coach", "654321")])
    screen = start_screen(configure(dashboard={"accounts_file": str(file)}))
    page = (ROOT / "docs" / "screen.md").read_text(encoding="utf-8")
    (lines,) = (block for block in re.findall(r"```bash\n(.+?)```", page, re.DOTALL) if "curl" in block)
    commands = re.sub("box=.*", f"box={screen.address}", lines).replace("curl -s", "curl -sS --fail")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        capture_output=True, text=True, timeout=100, check=True, cwd=file.parent,
    )  # fmt: skip
    assert '"kind":"squad"' in done.stdout
    assert '"ok":true' in done.stdout
    assert engine.did("marker")[-1]["text"] == "goal"


def test_who_logs_out_in_one_tab_is_logged_out_in_the_other_and_comes_back_to_the_same_page(
    browser, start_screen, configure, tmp_path_factory, engine
):
    file = tmp_path_factory.mktemp("accounts") / "accounts.json"
    save_accounts(file, [make_account("carl", "coach", "654321")])
    screen = start_screen(configure(dashboard={"accounts_file": str(file)}))
    context = browser.new_context(color_scheme="dark")
    context.add_init_script("localStorage.setItem('language', 'de')")
    page = context.new_page()
    page.goto(f"{screen.address}/pitch?who=007")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    log_in(page, "wrong")
    until(page, "document.querySelector('#problem').textContent !== ''")
    log_in(page, "654321")
    until(page, "location.pathname + location.search === '/pitch?who=007'")
    other = context.new_page()
    other.goto(f"{screen.address}/system")
    until(other, "[...document.querySelectorAll('main button')].some((one) => one.textContent === 'Abmelden')")
    other.get_by_role("button", name="Abmelden").click()
    until(other, "location.pathname === '/login'")
    until(page, "location.pathname === '/login'")
    log_in(page, "654321")
    until(page, "location.pathname + location.search === '/pitch?who=007'")
    (cookie,) = context.cookies()
    context.add_cookies([cookie | {"value": str(cookie.get("value"))[:-1] + "!"}])
    page.reload()
    until(page, "location.pathname === '/login'")
    for _ in range(6):
        log_in(page, "wrong")
        page.wait_for_timeout(300)
    until(page, "/bitte \\d+ s warten/.test(document.querySelector('#problem').textContent)", SLOW_S)
    context.close()


def log_in(page: Page, secret: str) -> None:
    page.fill("#name", "carl")
    page.fill("#secret", secret)
    until(page, "!document.querySelector('#go').disabled")
    page.click("#go")


# A connection that the test feeds.
FED = """window.WebSocket = class { constructor() { window.fed = this; } close() {} };
window.feed = async (from, to) => {
  for (let seq = from; seq < to; seq += 1) {
    const now = 1790000000 + seq;
    const value = (key) => (/zone$/.test(key) ? seq % 6 : /name|source|id$/.test(key) ? 'sensor' : 60 + (seq % 120));
    const values = window.columns.map(value);
    const rows = Array.from({ length: 30 }, (_, at) => [`${at}`, 0.2, now, 'online', ...values]);
    window.fed.onmessage({ data: JSON.stringify({ kind: 'frame', seq, now, rows }) });
    if (seq % 10 === 0) await new Promise(requestAnimationFrame);
  }
};"""


def test_after_an_hour_of_frames_the_page_holds_no_more_than_after_a_few_minutes(open_page, engine):
    page = open_page("/", script=FED)
    until(page, "Boolean(window.fed?.onmessage)")
    page.evaluate(
        """fetch('/api/catalogue').then((one) => one.json()).then(({ columns }) => {
          window.columns = columns;
          const athlete = (_, at) => ({ key: `${at}`, device: `${at}`, athlete_id: at + 1, name: `Athlete ${at}` });
          const athletes = Array.from({ length: 30 }, athlete);
          window.fed.onmessage({ data: JSON.stringify({ kind: 'squad', revision: 1, athletes }) });
        })"""
    )
    until(page, "document.querySelectorAll('.tile').length === 30")
    tools = page.context.new_cdp_session(page)

    def held() -> tuple[float, int]:
        for _ in range(2):
            tools.send("HeapProfiler.collectGarbage")
        nodes = tools.send("Memory.getDOMCounters")["nodes"]
        return tools.send("Runtime.getHeapUsage")["usedSize"] / 1e6, nodes

    page.evaluate("window.feed(1, 400)")
    before = held()
    page.evaluate("window.feed(400, 4000)")
    after = held()
    assert after[0] - before[0] < 1.0, (before, after)
    assert after[1] - before[1] < 100, (before, after)
