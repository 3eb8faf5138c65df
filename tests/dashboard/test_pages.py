"""The pages in a real browser; an MQTT client in place of the engine makes everything happen that may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.dashboard.accounts import make_account, save_accounts
from athlete_monitor.league.document import league_document
from athlete_monitor.report.columns import RPE, RPE_LOAD
from athlete_monitor.report.gather import gather
from athlete_monitor.report.numbers import number
from tests.dashboard.browser import SIDEWAYS, Wifi, until, until_python
from tests.dashboard.kit import figures, packed
from tests.report.kit import make_archive, rate

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.dashboard.kit import Engine

pytestmark = pytest.mark.integration

HOSTILE = (
    "<script>window.hacked = 1</script>",
    '<img src=x onerror="window.hacked = 1">',
    "محمد عبد الله بن رشد",
    "👩🏽‍🚒🏳️‍🌈 Zoë",
    "W" * 60,
    "'; DROP TABLE sessions; --",
    "\u202eslevatS",
)


def tile(page: Page, device: str) -> str:
    return page.inner_text(f'.tile[data-key="{device}"]')


def test_a_figure_appears_with_zone_and_source_as_text(open_page, engine):
    engine.publish(figures(7, heart_rate_bpm=182.0, heart_rate_zone=5), figures(8, heart_rate_source="model"))
    page = open_page()
    until(page, "document.querySelector('.tile[data-key=\"007\"] .value')?.textContent === '182'")
    assert "Z5" in tile(page, "007")
    assert "strap" in tile(page, "007")
    assert "model" in tile(page, "008")


def test_hostile_names_are_shown_as_text_and_nothing_runs(open_page, engine):
    engine.publish(*(figures(100 + at, name=name) for at, name in enumerate(HOSTILE)))
    page = open_page()
    until(page, "document.querySelectorAll('.tile').length >= 7")
    for path in ("", "/control", "/system", "/athlete/100", "/athlete/101", "/pitch"):
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + path)
        page.wait_for_timeout(300)
        assert page.evaluate("window.hacked") is None
    page.goto(page.url.rsplit("/", 1)[0] + "/")
    until(page, "document.querySelectorAll('.tile').length >= 7")
    for at, name in enumerate(HOSTILE):
        assert page.text_content(f'.tile[data-key="{100 + at}"] .who span') == name[:80]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_athlete_without_any_figure_explains_itself(open_page, engine):
    nothing = dict.fromkeys(key for key in figures(9) if key not in {"device_id", "athlete_id", "name", "t_s"})
    engine.publish(figures(9) | nothing | {"trimp": None, "reasons": {"trimp": "sex unknown"}})
    page = open_page("/athlete/009")
    until(page, "document.querySelectorAll('.card').length > 0")
    page.get_by_role("button", name="TRIMP").first.click()
    text = page.inner_text("dialog")
    assert "sex unknown" in text
    assert "athletes.yaml" in text


def test_a_number_is_rounded_alike_on_the_screen_and_in_reports(open_page):
    halves = [(n / 8, decimals) for n in range(-1700, 1700, 7) for decimals in (0, 1, 2)]
    values = [*halves, (1.005, 2), (0.285, 2), (1.115, 2), (8.345, 2), (0.05, 1), (0.15, 1), (1e9 + 0.5, 0)]
    page = open_page()
    shown = page.evaluate(
        "(values) => import('/static/text.js').then((m) => values.map(([value, places]) => m.number(value, places)))",
        [list(one) for one in values],
    )
    written = [number(value, places).replace(",", "") for value, places in values]
    assert [one.replace("−", "-") for one in shown] == written


def test_the_tile_and_the_page_of_an_athlete_show_one_number(open_page, engine):
    engine.publish(figures(34, heart_rate_bpm=132.5))
    page = open_page()
    until(page, "document.querySelector('.tile[data-key=\"034\"] .value')?.textContent === '133'")
    page.goto(page.url + "athlete/034")
    until(page, "[...document.querySelectorAll('.card .big')].some((one) => one.textContent === '133 bpm')")
    assert page.inner_text(".huge") == "133"


def test_curves_that_nobody_has_measured_have_no_axes(open_page, engine):
    nothing = {"heart_rate_bpm": None, "speed_mps": None, "trimp": None, "heart_rate_zone": None}
    engine.publish(figures(31, **nothing), figures(32, **nothing | {"speed_mps": 2.5}))
    page = open_page("/athlete/031")
    until(page, "document.querySelector('.chart p')?.checkVisibility()")
    assert not page.evaluate("document.querySelector('.chart canvas').checkVisibility()")
    page = open_page("/athlete/032")
    until(
        page, "document.querySelector('.chart canvas')?.clientHeight > 0 && document.querySelector('.chart p').hidden"
    )
    until(page, "document.querySelector('.chart canvas').clientHeight < 200")  # the panel of the speed only


def test_the_german_screen_has_german_equations_alarms_periods_and_reasons_of_refused_messages(open_page, engine):
    alarm = {"id": "a9", "rule": "own", "athlete_id": 33, "level": "info", "raised_t": 1.0, "cleared_t": None,
             "acknowledged_t": None, "text": "Zoë: Heart rate 182 bpm, Maximal speed 7.1 m/s"}  # fmt: skip
    engine.publish(figures(33, name="Zoë"))
    stats = {"uptime_s": 5, "invalid": 3, "invalid_reasons": {"`acc_x`: expected a number, got text": 3}}
    engine.link.publish("engine/stats", packed(stats))
    half = {"id": "p9", "name": "first_half", "kind": "half", "whose": "all", "start_t": 1.0, "end_t": None}
    engine.tell(team_session={"id": "T1", "start_t": 1.0}, periods=[half], alarms=[alarm], markers=[])
    page = open_page("/system", script="localStorage.setItem('language', 'de')")
    until(page, "document.body.textContent.includes('3 × `acc_x`: eine Zahl erwartet, Text erhalten')")
    until(
        page,
        "document.querySelector('.alarms')?.textContent.includes('Zoë: Herzfrequenz 182 bpm, Höchsttempo 7,1 m/s')",
    )
    assert "1. Halbzeit" in page.inner_text("#top")
    page.goto(page.url.replace("/system", "/athlete/033"))
    until(page, "document.querySelectorAll('.card').length > 0")
    page.locator(".card").filter(has_text="TRIMP").first.click()
    assert "Trainingsimpuls: Minuten" in page.inner_text("dialog")
    engine.tell(alarms=[], periods=[], team_session=None)


def test_controls_send_commands_and_offer_undo(open_page, engine):
    engine.publish(figures(7), figures(8))
    engine.tell(team_session={"id": "T1", "mode": "game", "start_t": 1.0}, periods=[], alarms=[],
                pitch={"7": "on", "8": "off"}, markers=[])  # fmt: skip
    page = open_page("/control")
    page.get_by_role("button", name="▶ 1st half").click()
    (start,) = until_python(page, lambda: engine.did("period_start"), "the period starts")
    assert (start["name"], start["whose"], start.get("at")) == ("1st half", "all", None)
    page.get_by_role("button", name="Undo").first.click()
    (undo,) = until_python(page, lambda: engine.did("period_delete"), "the period is taken back")
    assert undo["period"] == start["period"]
    until(page, "[...document.querySelectorAll('#substitution button')].some((one) => one.textContent === 'Athlete 7')")
    page.locator("#substitution").get_by_role("button", name="Athlete 7").click()
    page.locator("#substitution").get_by_role("button", name="Athlete 8").click()
    (sub,) = until_python(page, lambda: engine.did("pitch"), "the substitution")
    assert (sub["athlete"], sub["state"], sub["for"]) == (8, "on", 7)


def test_a_refused_command_says_why(open_page, engine):
    page = open_page("/control")
    until(page, "document.querySelector('.actions button')")
    page.evaluate("import('/static/actions.js').then((m) => { m.act({do: 'marker', text: 'refuse me'}, 'done'); })")
    until(page, "document.querySelector('.toast')?.textContent.includes('text: not this one')")


def test_two_coaches_press_at_once_and_both_are_heard(open_page, engine):
    pages = [open_page("/control"), open_page("/control")]
    before = len(engine.did("marker"))
    for page in pages:
        until(page, "document.querySelector('.actions button')")
    for page in pages:
        page.locator(".actions").get_by_role("button", name="Marker").click()
    until_python(pages[0], lambda: len(engine.did("marker")) == before + 2, "both markers")
    assert len({command["id"] for command in engine.commands}) == len(engine.commands)


def test_an_alarm_is_shown_in_words_and_becomes_quiet_when_acknowledged(open_page, engine):
    alarm = {"id": "a1", "rule": "high", "athlete_id": 7, "level": "danger", "text": "95 % for 2 min", "raised_t": 1.0,
             "cleared_t": None, "acknowledged_t": None}  # fmt: skip
    engine.publish(figures(7))
    engine.tell(alarms=[alarm])
    page = open_page()
    until(page, "document.querySelector('.alarms')?.textContent.includes('95 % for 2 min')")
    until(page, "document.querySelector('.tile.alarmed')?.textContent.includes('95 % for 2 min')")
    place = page.locator('.tile[data-key="007"]').bounding_box()
    page.locator(".alarm").first.click()
    until_python(page, lambda: engine.did("alarm_ack"), "the acknowledgement")
    engine.tell(alarms=[alarm | {"acknowledged_t": 2.0}])
    until(page, "document.querySelector('.alarm.quiet')")
    assert page.locator('.tile[data-key="007"]').bounding_box() == place
    engine.tell(alarms=[])


def state_of(page: Page, engine: Engine, words: str) -> bool:
    """Whether the line of athlete 7's tile says something, with fresh figures."""
    engine.publish(figures(7), figures(8))
    shown = page.evaluate("document.querySelector('.tile[data-key=\"007\"] .state')?.textContent ?? ''")
    return words in shown


def test_targets_are_percents_on_the_tile_and_are_set_and_taken_back_for_everybody(open_page, engine):
    engine.publish(figures(7), figures(8))
    engine.tell(targets=[{"athlete_id": 7, "figure": "distance_m", "value": 1000.0}], alarms=[], pitch={})
    page = open_page()
    until_python(page, lambda: state_of(page, engine, "81 % Distance"), "the share of the target")
    assert "%" not in page.text_content('.tile[data-key="008"] .state')
    page.evaluate("import('/static/app.js').then((m) => m.go('/control'))")
    page.get_by_label("Target", exact=True).fill("9000")
    page.get_by_role("button", name="Set", exact=True).click()
    commands = until_python(page, lambda: [one for one in engine.did("target") if one["athlete"] in {7, 8}][1:], "both")
    assert {(one["figure"], one["value"]) for one in commands} == {("distance_m", 9000)}
    page.get_by_role("button", name="Undo").last.click()
    until_python(
        page,
        lambda: {1000.0, None} <= {one["value"] for one in engine.did("target")},
        "everybody has the target of before, or none",
    )
    engine.tell(targets=[])


def test_battery_signal_and_trouble_of_a_device_are_shown(open_page, engine):
    engine.publish(figures(7))
    link = {"device_id": "007", "state": "lost", "reason": "out of range", "battery_percent": 12.0, "rssi_dbm": -71.0}
    engine.link.publish("player/007/link", packed(link), 1)
    page = open_page()
    until_python(page, lambda: state_of(page, engine, "battery 12 %"), "the weak battery")
    page.evaluate("import('/static/app.js').then((m) => m.go('/system'))")
    until(page, "document.querySelector('main')?.textContent.includes('▲ 12 %-71 dBm'.replace('-', '−'))")
    assert "connection lost: out of range" in page.inner_text("main")


def test_a_tablet_whose_clock_is_an_hour_off_uses_the_time_of_the_box(open_page, engine):
    page = open_page(script="const real = Date.now; Date.now = () => real() + 3600e3;")
    engine.publish(figures(7))
    until(page, "document.querySelector('.tile[data-key=\"007\"]:not(.gone) .value')")
    before = len(engine.did("marker"))
    page.locator(".actions").get_by_role("button", name="Marker").click()
    (command,) = until_python(page, lambda: engine.did("marker")[before:], "the marker")
    offset = page.evaluate("Date.now() / 1000") - command["at"]
    assert 3590 < offset < 3660


def test_the_wi_fi_is_cut_and_nothing_is_missing_afterwards(open_page, engine, screen):
    wifi = Wifi(screen.port)
    begin = 1_790_100_000
    try:
        page = open_page(base_url=f"http://127.0.0.1:{wifi.port}")
        for second in range(0, 10, 5):
            engine.publish(figures(50, t_s=begin + second, heart_rate_bpm=100.0 + second))
            page.wait_for_timeout(1100)
        until(page, "document.querySelector('.tile[data-key=\"050\"]')")
        wifi.out = True
        until(page, "document.querySelector('.notice.bad')?.textContent.includes('No connection')")
        for second in range(10, 60, 5):
            engine.publish(figures(50, t_s=begin + second, heart_rate_bpm=100.0 + second))
        page.wait_for_timeout(1500)
        wifi.out = False
        until(page, "!document.querySelector('.notice')")
        engine.publish(figures(50, t_s=begin + 60, heart_rate_bpm=160.0))
        trend = "import('/static/store.js').then((m) => m.trend('050').filter((one) => one !== null))"
        until(page, f"{trend}.then((found) => found.length === 13)")
        assert page.evaluate(trend) == [100.0 + second for second in range(0, 65, 5)]
        page.reload()
        until(page, f"{trend}.then((found) => found.length === 13)")
    finally:
        wifi.stop()


def test_engine_and_broker_gone_are_told_in_words(open_page, engine, broker):
    page = open_page()
    until(page, "document.querySelector('.actions button')")
    engine.status("offline")
    until(page, "document.querySelector('.notice.bad')?.textContent.includes('engine does not run')")
    engine.status("online")
    until(page, "!document.querySelector('.notice')")
    broker.stop()
    until(page, "document.querySelector('.notice.bad')?.textContent.includes('MQTT broker')")
    assert page.evaluate("fetch('/health').then((answer) => answer.status)") == 503
    broker.start()
    until(page, "!document.querySelector('.notice')", 30)


def test_german_is_complete_on_every_page(open_page, engine):
    page = open_page("/system")
    until(page, "document.querySelector('.field select')")
    page.get_by_label("Language").select_option("de")
    until(page, "document.querySelector('#tabs')?.textContent.includes('Einheiten')")
    assert page.evaluate("document.documentElement.lang") == "de"
    for path in ("/control", "/pitch", "/welcome"):
        page.evaluate(f"import('/static/app.js').then((m) => m.go('{path}'))")
        page.wait_for_timeout(200)
    until(page, "document.body.textContent.includes('Die Geräte senden an')")
    page.evaluate("import('/static/actions.js').then((m) => { m.act({do: 'marker', text: 'refuse by code'}, 'x'); })")
    until(page, "document.querySelector('.toast')?.textContent.includes('Weber (7) ist nicht verfügbar')")
    sentences = page.evaluate("(all) => import('/static/text.js').then((m) => all.map(m.said))", list(SAID))
    assert dict(zip(SAID, sentences, strict=True)) == SAID


SAID = {
    "strap heart rate missing; heart rate stale": "der Gurt hat keine Herzfrequenz; die Herzfrequenz ist veraltet",
    "Ada: battery at 12.5 %": "Ada: Akku bei 12,5 %",
    "A: B (C) [d]: no strap reading for 40 s": "A: B (C) [d]: seit 40 s kein Wert vom Gurt",
    "a rule of the club": "a rule of the club",
    "<b>: device silent for {x}": "<b>: Gerät seit {x} stumm",
    "": "",
}


def test_a_name_from_right_to_left_leaves_the_other_words_of_an_alarm_in_their_order(open_page, engine):
    name = LONG[1]
    engine.publish(figures(61, name=name))
    alarm = {
        "id": "r1",
        "rule": "r",
        "athlete_id": 61,
        "level": "danger",
        "text": f"{name}: 95 % of it",
        "raised_t": 1.0,
    }
    engine.tell(alarms=[alarm])
    page = open_page("/control", width=1280)
    until(page, "document.querySelector('.alarms .words') && document.querySelector('.alarm-row .grow')")
    for place in (".alarms .words", ".alarm-row .grow"):
        name_at, number_at = page.evaluate(PLACES, [place, name, "95 %"])
        assert name_at < number_at, place
    engine.tell(alarms=[])


# How far down and to the right two parts of a text begin.
PLACES = """([place, ...parts]) => {
  const node = [...document.querySelector(place).childNodes].find((one) => one.data?.includes(parts[0]));
  return parts.map((part) => {
    const range = document.createRange();
    range.setStart(node, node.data.indexOf(part));
    range.setEnd(node, node.data.indexOf(part) + part.length);
    const { top, left } = range.getClientRects()[0];
    return [Math.round(top), left];
  });
}"""


def test_squads_of_a_league_that_need_somebody_come_first_and_say_why(open_page, engine):
    page = open_page("/league")
    until(page, "document.body.textContent.includes('No league publishes')")
    reds = {"squad": "reds", "condition": "running", "delay_s": 0.4, "athletes_live": 12, "box": "sending"}
    blues = {"squad": "<i>blues</i>", "condition": "failed", "delay_s": None, "box": "silent", "note": "disk full"}
    state = league_document("cup", {"squads": [reds, blues], "shards": [], "nodes": []}, {}, 0.0)
    engine.link.publish("league/state", packed(state), 1, retain=True)
    until(page, "document.querySelectorAll('article.card').length === 2")
    first, second = page.locator("article.card").all_inner_texts()
    assert [words in first for words in ("<i>blues</i>", "engine fails", "its box is silent", "disk full")] == [
        True
    ] * 4
    assert "in time (0.4 s)" in second
    engine.link.publish("league/state", b"", 1, retain=True)


def test_keys_reach_everything_and_the_skip_link_comes_first(open_page, engine):
    engine.publish(figures(7))
    page = open_page()
    until(page, "document.querySelector('.tile')")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('tile')"):
            break
    page.keyboard.press("Enter")
    until(page, "location.pathname.startsWith('/athlete/')")


PATHS = ("/", "/athlete/007", "/pitch", "/control", "/sessions", "/system", "/league", "/welcome")


@pytest.mark.parametrize(("theme", "paths"), [("light", PATHS), ("dark", ("/", "/athlete/007"))])
def test_axe_finds_nothing_serious_and_every_target_is_large_enough(open_page, engine, theme, paths):
    from axe_playwright_python.sync_playwright import Axe

    alarm = {"id": "a1", "rule": "r", "athlete_id": 7, "level": "warning", "text": "hot", "raised_t": 1.0}
    engine.publish(
        figures(7), figures(8, heart_rate_source="model", heart_rate_low_bpm=90.0, heart_rate_high_bpm=110.0)
    )
    engine.tell(team_session={"id": "T1", "mode": "game", "start_t": 1.0}, pitch={"7": "on", "8": "off"},
                periods=[{"id": "p", "name": "1st half", "kind": "half", "start_t": 1.0, "end_t": None, "whose": {}}],
                markers=[{"id": "m", "t": 2.0, "text": "goal", "athlete_id": None}], alarms=[alarm])  # fmt: skip
    axe = Axe()
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21aa", "best-practice"]}
    found: dict[str, Any] = {}
    page = open_page(color_scheme=theme)
    until(page, "document.querySelector('.tile')")
    for path in paths:
        page.evaluate(f"import('/static/app.js').then((m) => m.go('{path}'))")
        page.wait_for_timeout(700)
        result = axe.run(page, options=options).response
        serious = [one for one in result["violations"] if one["impact"] in {"serious", "critical"}]
        found |= {f"{path} {one['id']}": [node["html"][:160] for node in one["nodes"]][:3] for one in serious}
        small = page.evaluate(SMALL)
        found |= {f"{path} small": small} if small else {}
    engine.tell(alarms=[])
    assert found == {}


# What can be pressed and is smaller than a finger, apart from links inside a line of text.
SMALL = """[...document.querySelectorAll('button, select, a[href], input')].filter((one) => {
  const box = (one.type === 'checkbox' ? one.closest('label') : one).getBoundingClientRect();
  const isShown = one.checkVisibility() && !one.classList.contains('skip') && box.width;
  return isShown && (box.height < 43.5 || box.width < 43.5);
}).map((one) => one.outerHTML.slice(0, 120))"""


LONG = ("W" * 60, "محمد عبد الله بن رشد آل مكتوم الطويل جدا", "Wolfeschlegelsteinhausenbergerdorff Anna")


def test_long_names_and_alarms_overlap_nothing_and_every_word_of_them_can_be_read(open_page, engine):
    alarms = [
        {"id": f"l{at}", "rule": "r", "athlete_id": 60 + at, "level": "danger", "text": f"{name}: hot", "raised_t": 1.0}
        for at, name in enumerate(LONG)
    ]
    engine.publish(*(figures(60 + at, name=name) for at, name in enumerate(LONG)))
    engine.tell(team_session={"id": "T1", "mode": "game", "start_t": 1.0, "name": "N" * 90}, alarms=alarms)
    page = open_page("/control", width=390)
    until(page, "document.querySelectorAll('.alarms .alarm').length === 3")
    for path in ("/control", "/", "/athlete/060", "/system", "/pitch"):
        page.evaluate(f"import('/static/app.js').then((m) => m.go('{path}'))")
        until(page, f"location.pathname === '{path}' && document.querySelector('main').children.length > 0")
        assert page.evaluate(SIDEWAYS) == [], path
        assert page.evaluate(OVERLAPPING) == [], path
        assert page.evaluate("document.querySelector('.alarms').offsetHeight") <= 64, path
    titles = page.evaluate(
        "[...document.querySelectorAll('.alarm')].map((one) => one.title.replace(/[\\u2068\\u2069]/g, ''))"
    )
    assert titles == [f"{name}: hot" for name in LONG]
    engine.tell(alarms=[], team_session={"id": "T1", "mode": "game", "start_t": 1.0})


# Texts that leave the button in which they are.
OVERLAPPING = """[...document.querySelectorAll('button, .tile, td')].flatMap((one) => {
  const box = one.getBoundingClientRect();
  return [...one.querySelectorAll('*')].filter((inner) => {
    const { left, right, width } = inner.getBoundingClientRect();
    return width && (left < box.left - 2 || right > box.right + 2) && inner.checkVisibility();
  }).map((inner) => inner.outerHTML.slice(0, 120));
})"""


def test_no_page_is_wider_than_the_screen_from_phone_to_desktop(open_page, engine):
    engine.publish(*(figures(at) for at in range(1, 20)))
    page = open_page()
    until(page, "document.querySelector('.tile')")
    for path in PATHS:
        page.evaluate(f"import('/static/app.js').then((m) => m.go('{path}'))")
        for width in (360, 768, 1024, 1920):
            page.set_viewport_size({"width": width, "height": 768})
            page.wait_for_timeout(60)
            assert page.evaluate(SIDEWAYS) == [], (path, width)


def test_a_viewer_sees_no_controls_and_no_heart_rate(browser, start_screen, configure, tmp_path_factory, engine):
    file = tmp_path_factory.mktemp("accounts") / "accounts.json"
    save_accounts(file, [make_account("vera", "viewer", "123456"), make_account("carl", "coach", "654321")])
    screen = start_screen(configure(dashboard={"accounts_file": str(file), "heart_rate_hidden_from": ["viewer"]}))
    engine.publish(figures(7))
    page = browser.new_context().new_page()
    page.goto(screen.address)
    assert page.url.endswith("/login")
    page.fill("#name", "vera")
    page.fill("#secret", "wrong pin")
    page.click("#go")
    until(page, "document.querySelector('#problem').textContent !== ''")
    page.fill("#secret", "123456")
    page.click("#go")
    until(page, "document.querySelector('.tile .figure.n1')?.textContent === '810 m'")
    assert page.text_content(".tile .value") == "–"
    assert page.locator(".actions").is_hidden()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("fetch('/api/control', {method: 'POST'}).then((answer) => answer.status)") in {403, 422}
    heard = page.evaluate("fetch('/api/squad').then((answer) => answer.json()).then((found) => found.frame.rows)")
    columns = page.evaluate("fetch('/api/squad').then((answer) => answer.json()).then((found) => found.columns)")
    assert {row[4 + columns.index("heart_rate_bpm")] for row in heard} == {None}
    page.context.close()


def test_three_hundred_athletes_fit(open_page, engine):
    engine.publish(*(figures(1000 + at) for at in range(300)))
    page = open_page()
    until(page, "document.querySelectorAll('.tile').length >= 300")
    last = page.locator('.tile[data-key="1299"]')
    last.scroll_into_view_if_needed()
    until(page, "/\\d/.test(document.querySelector('.tile[data-key=\"1299\"] .value').textContent)")


def test_the_page_of_a_session_has_each_rating_and_its_load_as_the_interface_and_the_report_do(
    open_page, screen, config
):
    journal = load_config(config, config.parent, environ={}).paths.journal
    journal.parent.mkdir(parents=True, exist_ok=True)
    make_archive(journal, athletes=(1, 2, 3, 4))
    for athlete, rpe, minutes in ((1, 7, 62.3), (2, 6.5, 90.0), (3, 8, None)):
        rate(journal, "T5", athlete, rpe, minutes)
    ratings = screen.get("/api/sessions/T5")["ratings"]
    assert [(each["athlete_id"], each["rpe"], each["minutes"], each["srpe_load"]) for each in ratings] == [
        (1, 7, 62.3, 436.1), (2, 6.5, 90.0, 585.0), (3, 8, None, None)
    ]  # fmt: skip
    page = open_page("/sessions/T5", width=1180)
    until(page, "document.querySelectorAll('main .table tbody tr, main table tbody tr').length >= 4")
    head, *rows = page.evaluate(
        "[...[...document.querySelectorAll('main table')].find((one) => one.textContent.includes('RPE')).rows]"
        ".map((row) => [...row.cells].slice(-2).map((cell) => cell.textContent.trim()))"
    )
    assert head == ["RPE", "RPE load"]
    data = gather(Archive(journal), "T5", Roster(()))
    shown = {
        each.athlete_id: [one.text(one.of(each.whole), "en") or "–" for one in (RPE, RPE_LOAD)]
        for each in data.participants
    }
    assert rows == [shown[athlete] for athlete in (1, 2, 3, 4)]
