// The header: which session, clock, period; the alarms; and what a coach does most.
import { act, endPeriod, mark, mayAct } from "./actions.js";
import { fill, h, kept, say, setText } from "./dom.js";
import { beep } from "./sound.js";
import { listen, now, store } from "./store.js";
import { alarmWords, clock, duration, isolated, periodName, said, t } from "./text.js";

export const openPeriods = () => (store.team.periods ?? []).filter((period) => !period.end_t);
export const openAlarms = () => (store.team.alarms ?? []).filter((alarm) => !alarm.cleared_t);

function line() {
  const session = store.team.team_session ?? {};
  const who = (session.name && isolated(session.name)) || (session.mode ? t(`mode.${session.mode}`) : t("no_session"));
  const period = openPeriods().at(-1);
  const since = period ? `${isolated(periodName(period))} ${duration(now() - period.start_t)}` : "";
  const pitch = Object.values(store.team.pitch ?? {});
  const on = pitch.filter((state) => state === "on").length;
  const counts = on ? t("on_off", { on, off: pitch.filter((state) => state === "off").length }) : "";
  return { who: session.opponent ? t("versus", { who, opponent: session.opponent }) : who, rest: [since, counts, store.now ? clock(now()) : ""].filter(Boolean).join(" · ") };
}

export function draw(place) {
  const who = h("b", {});
  const rest = h("span", { class: "muted" });
  const actions = h("div", { class: "actions" });
  place.replaceChildren(h("div", { class: "match" }, who, rest), actions);
  let shown = null;
  const buttons = () => {
    const period = openPeriods().at(-1);
    const name = `${mayAct()}|${period?.id}|${period?.name}`;
    if (name === shown) return;
    shown = name;
    actions.hidden = !mayAct();
    const first = period ? h("button", { onclick: () => endPeriod(period) }, t("end_period", { name: periodName(period) })) : h("a", { class: "button", href: "/control" }, t("start_period"));
    fill(actions, first, h("button", { onclick: mark }, t("marker")), h("a", { class: "button", href: "/control#substitution" }, t("sub")));
  };
  const update = () => {
    const parts = line();
    setText(who, parts.who);
    setText(rest, parts.rest || " ");
    buttons();
  };
  listen((kind) => (kind === "frame" || kind === "team" || (kind === "clock" && !store.connected)) && update());
  update();
}

/** Keeps the strip of alarms; sounds and shakes for a new danger where the coach and the browser allow it. */
export function alarms(place) {
  const strip = h("div", { class: "alarms", role: "region", "aria-label": t("alarms") });
  place.after(strip);
  const heard = new Set();
  let shown = "";
  const update = () => {
    const open = openAlarms();
    const text = JSON.stringify(open.map((one) => [one.id, one.acknowledged_t, one.text]));
    strip.hidden = !open.length;
    if (text === shown) return;
    shown = text;
    const fresh = open.filter((one) => !one.acknowledged_t && !heard.has(one.id));
    for (const one of fresh) heard.add(one.id);
    if (fresh.length) say(fresh.slice(0, SPOKEN).map((one) => said(one.text)).join(". ") + (fresh.length > SPOKEN ? ` … (${fresh.length})` : ""));
    if (fresh.some((one) => one.level === "danger")) attention();
    const people = new Map([...store.people.values()].map((one) => [one.athlete_id, one]));
    fill(strip, open.map((one) => alarmButton(one, people.get(one.athlete_id))),
      open.some((one) => !one.acknowledged_t) && mayAct() && h("button", { class: "all", onclick: () => act({ do: "alarm_ack", alarm: "all" }, t("did.ack_all")) }, t("ack_all")));
  };
  listen((kind) => (kind === "team" || kind === "squad") && update());
  update();
}

const SPOKEN = 3; // alarms that are read out one by one
export const SIGNS = { danger: "⚠", warning: "▲", info: "•" };

function alarmButton(alarm, person) {
  const named = person && alarm.text.includes(person.name);
  const shown = [person?.number ?? "", person && !named ? `${isolated(person.name)}:` : "", alarmWords(alarm, person)].filter((one) => one !== "").join(" ");
  const acknowledge = () => act({ do: "alarm_ack", alarm: alarm.id }, t("did.ack", { text: shown }));
  return h("button", { title: shown, class: `alarm ${alarm.level} ${alarm.acknowledged_t ? "quiet" : ""}`, disabled: !mayAct() || Boolean(alarm.acknowledged_t), onclick: acknowledge },
    h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[alarm.level] ?? "▲"), h("span", { class: "words" }, shown));
}

function attention() {
  if (kept.getItem("shake") !== "off" && navigator.userActivation?.hasBeenActive) navigator.vibrate?.([200, 100, 200]);
  beep();
}
