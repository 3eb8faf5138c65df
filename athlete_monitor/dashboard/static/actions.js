// Commands: each says what it did and can be undone for ten seconds.
import { Refused, post, uuid } from "./api.js";
import { ticks } from "./awake.js";
import { h, kept } from "./dom.js";
import { now, store } from "./store.js";
import { label, number, periodName, t, withUnit } from "./text.js";

const SHOWN_MS = 10000;
const TWICE_MS = 800;
const SLOW_MS = 1000;
const GIVE_UP_MS = 30000; // so long a command is sent again while nobody answers
const PAUSE_MS = 400;
const TIMED = new Set(["period_start", "period_end", "pitch"]);
const taps = new Map();
const underWay = new Set();

/** A line at the bottom; with `undo` a button for ten seconds. */
export function toast(text, undo = null) {
  const remove = () => node.remove();
  const leave = () => { if (!node.matches(":hover, :focus-within")) return remove(); return setTimeout(leave, SHOWN_MS / 5); }; // not from under a finger
  const button = undo && h("button", { "aria-label": `${t("undo")}: ${text}`, onclick: () => (remove(), undo()) }, t("undo"));
  const node = h("div", { class: "toast" }, h("span", {}, text), button);
  const toasts = document.getElementById("toasts");
  toasts.append(node);
  while (toasts.children.length > 3) toasts.firstChild.remove();
  setTimeout(leave, SHOWN_MS);
  return remove;
}

/** Sends a command; `undo` is the command that takes it back, or a list of them. Returns the answer, or null. */
export async function act(command, text, undo = null, undone = null) {
  const key = keyOf(command);
  if (isRepeated(key)) return null;
  if (underWay.has(key)) return toast(t("sending")) && null;
  try {
    if (command.do !== "marker") underWay.add(key); // two markers are two moments
    const answer = await send(command);
    toast(text, undo && (() => takeBack([undo].flat(), undone)));
    return answer;
  } catch (problem) {
    toast(problem instanceof Refused ? t("refused", { why: problem.message }) : t("not_sent"));
    return null;
  } finally {
    underWay.delete(key);
  }
}

/** What a command says apart from its id and moment: the same for two taps. */
function keyOf({ id, at, ...command }) {
  if (command.do === "period_start") delete command.period;
  return JSON.stringify(command);
}

/** A finger that taps twice means one command; so does one that has no patience with a slow network. */
function isRepeated(key) {
  const time = ticks();
  for (const [old, then] of taps) if (time - then > TWICE_MS) taps.delete(old);
  if (taps.has(key)) return true;
  taps.set(key, time);
  return false;
}

/**
 * Sends a command. The same id is sent again where the answer was lost: the engine carries out a command once. What is sent
 * late keeps the moment of the tap.
 */
async function send(command) {
  const whole = { id: uuid(), ...command };
  const tapped = now();
  let remove = null;
  const slow = setTimeout(() => { remove = toast(t("sending")); }, SLOW_MS);
  try {
    for (const begin = ticks(); ;) {
      try {
        return await post("/api/control", whole);
      } catch (problem) {
        if (problem instanceof Refused || ticks() - begin > GIVE_UP_MS) throw problem;
        if (TIMED.has(command.do)) whole.at ??= tapped;
        await new Promise((done) => { setTimeout(done, PAUSE_MS); });
      }
    }
  } finally {
    clearTimeout(slow);
    remove?.();
  }
}

async function takeBack(commands, undone) {
  for (const command of commands) if (!(await act(command, t("undone")))) return;
  undone?.();
}

/** Several commands as one act, with one word about it and one undo; says how many failed. */
async function actTogether(commands, text, undo) {
  const answers = await Promise.allSettled(commands.map(send));
  const failed = answers.filter((one) => one.status === "rejected");
  if (failed.length) toast(failed[0].reason instanceof Refused ? t("refused", { why: failed[0].reason.message }) : t("not_sent"));
  if (failed.length < commands.length) toast(text, undo && (() => actTogether(undo, t("undone"), null)));
}

/** Sets or removes (null) a target of some athletes. */
export function setTargets(people, figure, wanted) {
  const command = (one, value) => ({ do: "target", athlete: one.athlete_id, figure: figure.key, value });
  const before = people.map((one) => command(one, store.targets.get(one.athlete_id)?.get(figure.key) ?? null));
  const text = wanted === null ? t("did.target_none", { figure: label(figure) }) : t("did.target", { figure: label(figure), value: withUnit(wanted, figure) });
  return actTogether(people.map((one) => command(one, wanted)), text, before);
}

export const mayAct = () => store.me.role === "coach" || store.me.role === "admin";

export function startPeriod(name, kind, whose = "all") {
  const period = uuid();
  const names = [name, ...periodNames().filter((one) => one !== name)].slice(0, 12);
  kept.setItem("periods", JSON.stringify(names));
  return act({ do: "period_start", name, kind, whose, period }, t("did.period_start", { name }), { do: "period_delete", period });
}

export function endPeriod(period) {
  return act({ do: "period_end", period: period.id }, t("did.period_end", { name: periodName(period) }), { do: "period_edit", period: period.id, end: null });
}

/** One tap; the text may come later. */
export async function mark() {
  const [id, at] = [uuid(), now()];
  const answer = await act({ id, do: "marker", text: t("marker.text"), at }, t("did.marker"), { do: "marker_delete", marker: id });
  if (answer) store.lastMarker = { id, t: at ?? now() };
}

/** A marker with another text takes the place of the old one, unless somebody else has changed that meanwhile. */
export async function rename(marker, text) {
  if (!store.team.markers?.some((one) => one.id === marker.id)) return toast(t("changed_elsewhere"));
  const [id, about] = [uuid(), { do: "marker", at: marker.t, ...(marker.athlete_id && { athlete: marker.athlete_id }) }];
  const answer = await act({ ...about, id, text }, t("did.marker_text", { text }), [{ do: "marker_delete", marker: id }, { ...about, text: marker.text }]);
  return answer && send({ do: "marker_delete", marker: marker.id }).catch(() => {});
}

export function substitute(off, on) {
  return act({ do: "pitch", athlete: on.athlete_id, state: "on", for: off.athlete_id }, t("did.sub", { on: on.name, off: off.name }),
    { do: "pitch", athlete: off.athlete_id, state: "on", for: on.athlete_id });
}

export function setPitch(person, state) {
  const before = store.team.pitch?.[person.athlete_id] ?? "off";
  return act({ do: "pitch", athlete: person.athlete_id, state }, t("did.pitch", { name: person.name, state: t(`state.${state}`) }), { do: "pitch", athlete: person.athlete_id, state: before });
}

/** An athlete's rating of the session, 0 to 10; null takes it back. */
export function rate(person, rpe, before) {
  const command = (value) => ({ do: "rpe", athlete: person.athlete_id, rpe: value });
  const text = rpe === null ? t("did.rpe_none", { name: person.name }) : t("did.rpe", { name: person.name, value: number(rpe, Number.isInteger(rpe) ? 0 : 1) });
  return act(command(rpe), text, command(before));
}

/** Names of periods that this screen has used, the latest first. */
export function periodNames() {
  try {
    const names = JSON.parse(kept.getItem("periods") ?? "[]").filter((one) => typeof one === "string");
    return [...new Set([...names, ...["warm_up", "first_half", "second_half"].map((key) => t(`period.${key}`))])];
  } catch {
    return [];
  }
}
