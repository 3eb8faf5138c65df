// What a screen shows of an athlete: the chosen figures, percents of targets and of the own maximum, alarms, the pitch.
import { kept } from "./dom.js";
import { store, value } from "./store.js";
import { isolated, label, t } from "./text.js";

export const STALE_S = 3;
export const GONE_S = 30;
const DEFAULTS = { main: "heart_rate_bpm", figures: ["trimp", "distance_m", "metres_per_min"], sort: "number", view: "tiles" };

/** What this screen shows; kept on this device. */
export function settings() {
  try {
    return { ...DEFAULTS, ...JSON.parse(kept.getItem("squad") ?? "{}") };
  } catch {
    return DEFAULTS;
  }
}

export function keep(changes) {
  kept.setItem("squad", JSON.stringify({ ...settings(), ...changes }));
}

/** "7 Ada": the number is on the left, whatever the direction of the name. */
export const shortName = (person) => [person.number ?? "", isolated(person.name)].join(" ").trim();

export const figureOf = (key) => store.figures[key] ?? { key, label: key, unit: "", decimals: 0 };

/** Figures that are one number, in the order of their names. */
export function choices() {
  const found = store.columns.map((key) => store.figures[key]).filter((figure) => figure && figure.decimals !== null);
  return found.map((figure) => [figure.key, figure.unit ? `${label(figure)} (${figure.unit})` : label(figure)]).sort((one, other) => one[1].localeCompare(other[1]));
}

/** Percent of the own maximum. */
export function share(key) {
  const [bpm, most] = [value(key, "heart_rate_bpm"), value(key, "hr_max_bpm")];
  return bpm === null || !most ? null : (100 * bpm) / most;
}

const NO_TARGETS = new Map();

/** Targets of one athlete: figure to value. */
export const targetsOf = (person) => store.targets.get(person.athlete_id) ?? NO_TARGETS;

/** How much of a target is reached, whole percent; null without a target or a value. */
export function reached(person, key) {
  const [target, now] = [targetsOf(person).get(key), value(person.key, key)];
  return target > 0 && typeof now === "number" ? Math.floor((100 * now) / target) : null;
}

/** "82 % TRIMP · 90 % Distance", or nothing. */
export function targetLine(person) {
  const parts = [];
  for (const key of targetsOf(person).keys()) {
    const percent = reached(person, key);
    if (percent !== null) parts.push(t("target.part", { percent, figure: label(figureOf(key)) }));
  }
  return parts.length ? `◎ ${parts.join(" · ")}` : "";
}

/** The alarm that a tile shows: one that nobody has acknowledged first. */
export const alarmOf = (person) => (person.athlete_id ? store.alarms.get(person.athlete_id) : undefined);

export const pitchState = (person) => store.team.pitch?.[person.athlete_id] ?? "";

const SORTS = {
  number: (one) => [one.number ?? 1e9, one.athlete_id || 1e9],
  name: (one) => [one.name.toLowerCase()],
  position: (one) => [one.position ?? "~", one.number ?? 1e9],
  group: (one) => [one.group ?? "~", one.number ?? 1e9],
};
export const ORDERS = Object.keys(SORTS);
const PITCH_FIRST = { on: 0, "": 1, off: 2, unavailable: 3 };

/** Who is on the pitch first; then by what the coach chose; figures from the highest. */
export function sorted(people, by) {
  const key = SORTS[by] ?? ((one) => [-(value(one.key, by) ?? -1e9), one.number ?? 1e9]);
  const rank = new Map(people.map((one) => [one.key, [PITCH_FIRST[pitchState(one)] ?? 1, ...key(one), one.key]]));
  return [...people].sort((one, other) => compare(rank.get(one.key), rank.get(other.key)));
}

function compare(one, other) {
  for (let at = 0; at < one.length; at += 1) {
    const order = typeof one[at] === "string" ? one[at].localeCompare(other[at], undefined, { numeric: true }) : one[at] - other[at];
    if (order) return order;
  }
  return 0;
}

const colours = new Map();
addEventListener("theme", () => colours.clear());
export function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colours.get(name);
}
