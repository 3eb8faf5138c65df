// Control: periods, markers, substitutions, who is available, ratings after the session, alarms.
import { act, endPeriod, mark, mayAct, periodNames, rate, rename, setPitch, setTargets, startPeriod, substitute } from "./actions.js";
import { fill, h, kept } from "./dom.js";
import { table } from "./table.js";
import { SIGNS, openAlarms, openPeriods } from "./header.js";
import { choices, figureOf, pitchState, shortName, sorted } from "./figures.js";
import { tryOut } from "./sound.js";
import { listen, now, store } from "./store.js";
import { alarmWords, clock, duration, isolated, label, number, periodName, t, withUnit } from "./text.js";
import { timeOfDay } from "./times.js";

const KINDS = ["half", "drill", "warm-up", "break", "other"];
const RATINGS = Array.from({ length: 11 }, (_, at) => at);

const people = () => sorted([...store.people.values()].filter((one) => one.athlete_id), "number");

export function show(place) {
  if (!mayAct()) {
    fill(place, h("section", {}, h("h1", {}, t("page.control")), h("p", {}, t("viewer_only"))));
    return null;
  }
  const parts = { session: h("div", {}), periods: h("div", {}), markers: h("div", {}), sub: h("div", { id: "substitution" }), pitch: h("div", {}), rpe: h("div", { class: "ratings" }), alarms: h("div", {}), targets: h("div", {}) };
  const choice = { off: null };
  fill(place, h("section", {}, h("h1", {}, t("page.control")), parts.session,
    h("div", { class: "split two" },
      h("div", {}, h("h2", {}, t("periods")), starter(), parts.periods, h("h2", {}, t("substitution")), parts.sub, h("h2", {}, t("availability")), parts.pitch),
      h("div", {}, h("h2", {}, t("alarms")), switches(), parts.alarms, h("h2", {}, t("markers")), h("button", { class: "primary", onclick: mark }, t("marker")), parts.markers,
        h("h2", {}, t("targets")), h("p", { class: "muted" }, t("targets.how")), targetForm(), parts.targets, h("h2", {}, t("rpe")), h("p", { class: "muted" }, t("rpe.how")), parts.rpe))));

  function drawSubstitution() {
    const all = people();
    const on = all.filter((one) => pitchState(one) === "on");
    const bench = all.filter((one) => pitchState(one) === "off");
    if (!on.length) return fill(parts.sub, h("p", { class: "muted" }, t("sub.none")));
    if (choice.off && pitchState(choice.off) !== "on") choice.off = null;
    const tapOff = (one) => () => { choice.off = choice.off?.key === one.key ? null : one; drawSubstitution(); };
    const tapOn = (one) => () => { const { off } = choice; choice.off = null; substitute(off, one); };
    return fill(parts.sub,
      h("p", { class: "muted" }, choice.off ? t("sub.second", { name: shortName(choice.off) }) : t("sub.first")),
      h("div", { class: "people" }, on.map((one) => personButton(one, { "aria-pressed": String(choice.off?.key === one.key), onclick: tapOff(one) }))),
      choice.off && h("h3", {}, t("sub.comes_on")),
      choice.off && h("div", { class: "people" }, bench.length ? bench.map((one) => personButton(one, { class: "primary", onclick: tapOn(one) })) : h("p", {}, t("sub.nobody"))));
  }

  const draw = () => {
    const { team_session: session, periods, markers, alarms, pitch, targets, ratings } = store.team;
    const who = people().map((one) => [one.athlete_id, one.number, one.name]);
    const parts_ = [["session", drawSession, session], ["periods", (node) => drawPeriods(node, periods ?? []), periods], ["markers", drawMarkers, markers], ["alarms", drawAlarms, alarms],
      ["sub", drawSubstitution, [who, pitch]], ["pitch", drawAvailability, [who, pitch]], ["targets", drawTargets, [who, targets]], ["rpe", drawRatings, [who, ratings]]];
    for (const [name, show_, what] of parts_) changed(parts[name], what, show_);
  };
  draw();
  if (location.hash === "#substitution") parts.sub.scrollIntoView();
  const stop = listen((kind) => {
    if (kind === "team" || kind === "squad") draw();
    if (kind === "clock") for (const node of parts.periods.querySelectorAll("[data-since]")) node.textContent = duration(now() - Number(node.dataset.since));
  });
  return stop;
}

/** Draws a part again only where what it shows has changed: focus and taps stay where they are. */
function changed(node, what, draw) {
  const key = JSON.stringify(what ?? null);
  if (node.dataset.shown === key && !node.dataset.waits) return;
  node.dataset.shown = key;
  delete node.dataset.waits;
  draw(node);
}

/** Number and name; of a long name its end is left out, whatever its direction. */
const whole = (person, kind = "") => h("span", { class: `whole ${kind}` }, person.number && h("span", {}, String(person.number)), h("bdi", {}, person.name));

function personButton(person, attributes) {
  return h("button", attributes, whole(person));
}

function drawSession(place) {
  const session = store.team.team_session;
  const edit = () => form(t("session"), [["name", t("session.name"), session?.name], ["opponent", t("session.opponent"), session?.opponent], ["day_code", t("session.day_code"), session?.day_code],
    ["note", t("session.note"), session?.note]], (values) => {
    const [changes, back] = changesOf(values, session ?? {});
    if (changes) act({ do: "session_edit", ...changes }, t("did.session"), session && { do: "session_edit", ...back });
  });
  fill(place, session && h("div", { class: "row" }, h("span", { class: "grow" }, [session.name, session.opponent, session.day_code, session.note].filter(Boolean).map(isolated).join(" · ") || t("session.unnamed")),
    h("button", { onclick: edit }, t("edit"))));
}

/** A new period: a remembered name at one tap, or another. */
function starter() {
  const kind = h("select", { "aria-label": t("period.kind") }, KINDS.map((one) => h("option", { value: one }, t(`kind.${one}`))));
  const groups = () => [...new Set([...store.people.values()].map((one) => one.group).filter(Boolean))];
  const whose = h("select", { "aria-label": t("period.whose"), onfocus: () => drawWhose() });
  const drawWhose = () => {
    const kept = whose.value || "all";
    fill(whose, h("option", { value: "all" }, t("everybody")), groups().map((one) => h("option", { value: `g:${one}` }, one)));
    whose.value = kept;
  };
  drawWhose();
  const name = h("input", { maxlength: 60, "aria-label": t("period.name"), placeholder: t("period.name") });
  const names = h("div", { class: "row" });
  const start = async (text) => {
    if (!text) return name.focus();
    await startPeriod(text, kind.value, whose.value === "all" ? "all" : { group: whose.value.slice(2) });
    name.value = "";
    return drawNames();
  };
  const drawNames = () => fill(names, periodNames().slice(0, 8).map((text) => h("button", { dir: "auto", onclick: () => start(text) }, `▶ ${text}`)));
  drawNames();
  return h("div", {}, names, h("form", { class: "row", onsubmit: (event) => { event.preventDefault(); start(name.value.trim()); } }, name, kind, whose, h("button", { class: "primary" }, t("start"))));
}

/** Periods of a session, newest first, each to be corrected. */
export function drawPeriods(place, periods, editable = true, session = null, done = () => {}) {
  const buttons = (period) => h("span", { class: "row" }, !period.end_t && h("button", { "aria-label": t("end_period", { name: periodName(period) }), onclick: () => endPeriod(period) }, t("end")),
    h("button", { "aria-label": t("edit_period", { name: periodName(period) }), onclick: () => editPeriod(period, session, done) }, t("edit")));
  const rows = [...periods].reverse().map((period) => [{ dir: "auto", content: periodName(period) }, t(`kind.${period.kind}`), clock(period.start_t, true),
    period.end_t ? duration(period.end_t - period.start_t) : h("span", { "data-since": period.start_t }, duration(now() - period.start_t)), editable ? buttons(period) : ""]);
  const columns = [[t("period.name"), "text"], [t("period.kind"), "text wide"], [t("period.start")], [t("period.length")], ["", "does"]];
  fill(place, rows.length ? table(t("periods"), columns, rows) : h("p", { class: "muted" }, t("periods.none")));
}

/** Only what this coach has changed is sent, and taken back: what another changes at the same time stays. */
function changesOf(values, before) {
  const keys = Object.keys(values).filter((key) => (values[key] ?? null) !== (before[key] ?? null));
  const pick = (from) => Object.fromEntries(keys.map((key) => [key, from[key] ?? null]));
  return keys.length ? [pick(values), pick(before)] : [null, null];
}

/** Corrects a period; `session` names an earlier one, whose page is drawn again when it is done. */
function editPeriod(period, session, done) {
  const about = { period: period.id, ...(session && { session }) };
  const send = async (command, text, undo) => { if (await act(command, text, undo && { ...undo, ...about }, done)) done(); };
  form(t("edit_period", { name: periodName(period) }), [["name", t("period.name"), period.name], ["start", t("period.start"), clock(period.start_t, true)], ["end", t("period.end"), period.end_t ? clock(period.end_t, true) : ""]],
    (values) => {
      const [start, end] = [timeOfDay(values.start ?? "", period.start_t), values.end ? timeOfDay(values.end, period.end_t ?? now()) : null];
      if (start === undefined || end === undefined) return t("time.how");
      const name = values.name || period.name;
      const shown = { name: period.name, start: clockOf(period.start_t), end: clockOf(period.end_t) };
      const [changes, back] = changesOf({ name, start, end }, shown);
      if (!changes) return null;
      if ("start" in back) back.start = period.start_t;
      if ("end" in back) back.end = period.end_t ?? null;
      send({ do: "period_edit", ...about, ...changes }, t("did.period_edit", { name }), { do: "period_edit", ...back });
      return null;
    },
    h("button", { class: "danger", type: "button", onclick: (event) => { event.target.closest("dialog").close(); send({ do: "period_delete", ...about }, t("did.period_delete", { name: periodName(period) }), null); } }, t("delete")));
}

/** A moment to the second, as the field shows it: what nobody changed keeps its fraction. */
const clockOf = (t_s) => (t_s ? timeOfDay(clock(t_s, true), t_s) : null);

/** A target for everybody, a group or one athlete. */
function targetForm() {
  const figure = h("select", { "aria-label": t("target.figure") }, choices().map(([key, text]) => h("option", { value: key }, text)));
  figure.value = "distance_m";
  const whose = h("select", { "aria-label": t("period.whose"), onfocus: () => drawWhose() });
  const drawWhose = () => {
    const kept = whose.value || "all";
    const groups = [...new Set(people().map((one) => one.group).filter(Boolean))];
    fill(whose, [["all", t("everybody")], ...groups.map((one) => [`g:${one}`, one]), ...people().map((one) => [one.key, shortName(one)])].map(([key, text]) => h("option", { value: key }, text)));
    whose.value = kept;
  };
  drawWhose();
  const wanted = h("input", { type: "number", min: 0, step: "any", "aria-label": t("target.value"), placeholder: t("target.value"), class: "number" });
  const send = (event) => {
    event.preventDefault();
    const chosen = people().filter((one) => whose.value === "all" || one.key === whose.value || whose.value === `g:${one.group}`);
    if (wanted.value === "" || !chosen.length) return wanted.focus();
    return setTargets(chosen, figureOf(figure.value), Number(wanted.value));
  };
  return h("form", { class: "row", onsubmit: send }, figure, wanted, whose, h("button", { class: "primary" }, t("target.set")));
}

/** One line for each figure that has targets. */
function drawTargets(place) {
  const byFigure = new Map();
  for (const { athlete_id: who, figure, value: wanted } of store.team.targets ?? []) byFigure.set(figure, [...(byFigure.get(figure) ?? []), [who, wanted]]);
  fill(place, [...byFigure].map(([key, of]) => {
    const figure = figureOf(key);
    const values = of.map(([, wanted]) => wanted);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const chosen = people().filter((one) => of.some(([who]) => who === one.athlete_id));
    return h("div", { class: "row alarm-row" }, h("span", { class: "grow" }, `◎ ${label(figure)}: ${low === high ? withUnit(low, figure) : `${withUnit(low, figure)} – ${withUnit(high, figure)}`} (${t("target.people", { count: of.length })})`),
      h("button", { "aria-label": t("target.remove", { figure: label(figure) }), onclick: () => setTargets(chosen, figure, null) }, "×"));
  }));
}

function form(title, fields, send, ...more) {
  const problem = h("p", { role: "alert", id: "problem" });
  const inputs = fields.map(([key, text, value]) => [key, text, h("input", { value: value ?? "", maxlength: 200, dir: "auto" })]);
  const submit = (event) => {
    event.preventDefault();
    const answer = send(Object.fromEntries(inputs.map(([key, , input]) => [key, input.value.trim() || null])));
    if (typeof answer === "string") problem.textContent = answer;
    else dialog.close();
  };
  const dialog = h("dialog", { "aria-label": title }, h("h2", {}, title), h("form", { onsubmit: submit }, inputs.map(([, text, input]) => h("label", { class: "field" }, text, input)), problem,
    h("div", { class: "row" }, h("button", { class: "primary" }, t("save")), h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")), more)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function drawMarkers(place) {
  const open = place.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
  if (open) { // somebody is writing
    place.dataset.waits = "1";
    return;
  }
  fill(place, [...(store.team.markers ?? [])].reverse().slice(0, 20).map((marker) => {
    const input = h("input", { value: marker.text, maxlength: 200, "aria-label": t("marker.of", { time: clock(marker.t, true) }), dir: "auto", class: "grow" });
    const save = (event) => { event.preventDefault(); input.blur(); if (input.value.trim() && input.value !== marker.text) rename(marker, input.value.trim()); };
    return h("form", { class: "row", onsubmit: save }, h("span", {}, clock(marker.t, true)), input, h("button", {}, t("save")),
      h("button", { type: "button", "aria-label": t("delete_marker", { text: marker.text }), onclick: () => act({ do: "marker_delete", marker: marker.id }, t("did.marker_delete"), { do: "marker", text: marker.text, at: marker.t }) }, "×"));
  }));
}

function drawAvailability(place) {
  const next = { on: "off", off: "unavailable", unavailable: "on", "": "on" };
  fill(place, h("p", { class: "muted" }, t("availability.how")), h("div", { class: "people" }, people().map((one) => {
    const state = pitchState(one);
    return personButton(one, { class: `state-${state || "none"}`, "aria-label": `${shortName(one)}: ${t(`state.${state || "none"}`)}`, onclick: () => setPitch(one, next[state]) }, state);
  }).map((button, at) => (button.append(" ", h("span", { class: "small muted" }, t(`state.${pitchState(people()[at]) || "none"}`))), button))));
}

/** What each has said, of this session or of the last one; "–" takes a rating back. */
function drawRatings(place) {
  const given = new Map((store.team.ratings ?? []).map((one) => [one.athlete_id, one.rpe]));
  fill(place, people().map((one) => {
    const before = given.get(one.athlete_id) ?? null;
    const values = RATINGS.includes(before) || before === null ? RATINGS : [...RATINGS, before].sort((one_, other) => one_ - other); // "6.5" from the terminal
    const select = h("select", { "aria-label": t("rpe.of", { name: one.name }), onchange: async () => {
      if (!(await rate(one, select.value === "" ? null : Number(select.value), before))) select.value = before ?? "";
    } }, h("option", { value: "" }, "–"), values.map((value) => h("option", { value }, number(value, Number.isInteger(value) ? 0 : 1))));
    select.value = before ?? "";
    return h("label", { class: "row" }, select, whole(one, "grow"));
  }));
}

function drawAlarms(place) {
  const byId = new Map([...store.people.values()].map((one) => [one.athlete_id, one]));
  const rows = openAlarms().map((alarm) => h("div", { class: "row alarm-row" }, h("span", { class: `grow ${alarm.level}` }, `${SIGNS[alarm.level] ?? "▲"} ${alarmWords(alarm, byId.get(alarm.athlete_id))}`),
    h("span", { class: "row" }, !alarm.acknowledged_t && h("button", { "aria-label": `${t("ack")}: ${alarm.text}`, onclick: () => act({ do: "alarm_ack", alarm: alarm.id }, t("did.ack", { text: alarm.text })) }, t("ack")),
      h("button", { "aria-label": `${t("mute")}: ${alarm.text}`, onclick: () => act({ do: "alarm_mute", rule: alarm.rule, ...(alarm.athlete_id && { athlete: alarm.athlete_id }), minutes: 10 }, t("did.mute")) }, t("mute")))));
  fill(place, rows.length ? rows : h("p", { class: "muted" }, t("alarms.none")));
}

function switches() {
  const make = (key, standard, text, done = () => {}) => h("label", { class: "check" }, h("input", { type: "checkbox", checked: (kept.getItem(key) ?? standard) === "on", onchange: (event) => (kept.setItem(key, event.target.checked ? "on" : "off"), done()) }), text);
  return h("div", { class: "row" }, make("sound", "off", t("sound"), tryOut), make("shake", "on", t("shake")));
}
export { openPeriods };
