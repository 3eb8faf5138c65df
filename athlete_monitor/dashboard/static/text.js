// The texts of the screen in the chosen language, and numbers and times as people read them.
import { kept } from "./dom.js";
import en from "./texts/en.js";

let texts = en;
let language = "en";
export const LANGUAGES = { en: "English", de: "Deutsch" };

export async function loadTexts(preferred = "") {
  const browser = navigator.language.slice(0, 2);
  const wanted = kept.getItem("language") || preferred || browser;
  language = wanted in LANGUAGES ? wanted : "en";
  try {
    texts = language === "en" ? en : (await import(`./texts/${language}.js`)).default;
  } catch {
    [language, texts] = ["en", en]; // better in English than not at all
  }
  document.documentElement.lang = language;
}

export const chosenLanguage = () => language;

/** t("silent_for", {time: "1:20"}) */
const NOTHING = {};
export function t(key, values = NOTHING) {
  const text = texts[key] ?? en[key] ?? key;
  return values === NOTHING ? text : text.replace(/\{(\w+)\}/g, (_, name) => isolated(values[name] ?? ""));
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A name in a sentence: one that is written from right to left leaves the order of the other words as it is. */
export function isolated(name) {
  const text = String(name);
  return RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text;
}

let patterns = null; // English sentences of the box with their values, and their keys in this language

/** What the box says in English (a reason, a refusal, an alarm), in this language where there is a text for it. */
export function said(text) {
  if (texts === en || !text) return text;
  const whole = texts[`said.${text}`] ?? matched(text);
  return whole ?? text.split("; ").map((part) => texts[`said.${part}`] ?? matched(part) ?? part).join("; ");
}

function matched(text) {
  patterns ??= Object.keys(texts).filter((key) => key.startsWith("said.") && key.includes("{")).map((key) => [sentence(key.slice(5)), key]);
  for (const [pattern, key] of patterns) {
    const values = pattern.exec(text)?.groups;
    if (values) return t(key, Object.fromEntries(Object.entries(values).map(([name, one]) => [name, localised(one)])));
  }
  return listed(text);
}

const NUMBER = "(?:–|-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?(?: [^\\s,]+)?)";
let lists = null; // a name with a list of figures, and one figure of it

/** The text of an alarm whose rule has none: "Ada: Heart rate 182 bpm, TRIMP 12.3". */
function listed(text) {
  if (!lists) {
    const labels = Object.keys(texts).filter((key) => key.startsWith("label.")).map((key) => escaped(key.slice(6))).sort((one, other) => other.length - one.length).join("|");
    const one = `(?:${labels}) ${NUMBER}`;
    lists = [new RegExp(`^(.+): (${one}(?:, ${one})*)$`, "s"), new RegExp(`(?:^|, )(${labels}) (${NUMBER})(?=, |$)`, "g")];
  }
  const [, name, parts] = lists[0].exec(text) ?? [];
  return name ? `${name}: ${[...parts.matchAll(lists[1])].map(([, known, value]) => `${texts[`label.${known}`]} ${localised(value)}`).join(", ")}` : null;
}

/** A value in a sentence of the box: "8.3 km" has a comma where the language has one. */
const localised = (one) => (language === "de" && /^[-−]?\d+\.\d+( |$)/.test(one) ? one.replace(".", ",") : said(one));

const escaped = (text) => text.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
const sentence = (text) => new RegExp(`^${escaped(text).replace(/\{(\w+)\}/g, "(?<$1>.+)")}$`, "s");

/** Why a command is refused: by its code in this language, else as the box says it. */
export function refusal({ detail, code, values }) {
  const key = `refusal.${code}`;
  if (!(key in texts)) return typeof detail === "string" ? said(detail) : null;
  return t(key, Object.fromEntries(Object.entries(values ?? {}).map(([name, one]) => [name, typeof one === "number" ? number(one, Number.isInteger(one) ? 0 : 1) : said(String(one))])));
}

/** The words of an alarm, in which a name stays whole. */
export function alarmWords(alarm, person) {
  const text = said(alarm.text);
  return person?.name ? text.replace(person.name, () => isolated(person.name)) : text;
}

/** The name of a period, in this language where devices and this screen give it to all periods of its kind. */
export function periodName({ name }) {
  return texts[`phase.${name.replace(/[\s_-]+/g, " ").trim().toLowerCase()}`] ?? name;
}

/** The label of a figure: from the table of this language, else the catalogue's. */
export function label(figure) {
  return texts[`label.${figure.label}`] ?? figure.label;
}

export function number(value, decimals = 0) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const text = Math.abs(value).toFixed(decimals);
  const sign = value < 0 && Number(text) !== 0 ? "−" : "";
  return sign + (language === "de" ? text.replace(".", ",") : text);
}

/** The name of a figure where there is little room. */
export function short(figure) {
  return texts[`short.${figure.key}`] ?? en[`short.${figure.key}`] ?? label(figure);
}

const KILOMETRE = 995; // from here on a glance at metres would have four digits

/**
 * A figure as it is read from afar: three digits at most, the unit where it is short. Fewer digits also change less
 * often; the page of the athlete has them all.
 */
export function glance(value, figure, unit = true) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value.replaceAll("_", " ");
  const size = Math.abs(value);
  if (figure.unit === "m" && size >= KILOMETRE) return `${number(value / 1000, size < 99950 ? 1 : 0)}${unit ? " km" : ""}`;
  if (figure.unit === "s" && size >= 60) return duration(value);
  const text = figure.unit === "m" && size >= 100 ? number(Math.round(value / 10) * 10) : number(value, size >= 10 ? 0 : figure.decimals);
  return unit && figure.unit && figure.unit.length < 4 ? `${text} ${figure.unit}` : text;
}

/** The unit that belongs to a glance; nothing where the text has none or the unit is long. */
export function glanceUnit(value, figure) {
  if (typeof value !== "number" || !figure.unit || figure.unit.length > 3) return "";
  if (figure.unit === "s" && Math.abs(value) >= 60) return "";
  return figure.unit === "m" && Math.abs(value) >= KILOMETRE ? " km" : ` ${figure.unit}`;
}

/** 8123 m as "8.1 km": long ways are read in kilometres. */
export function withUnit(value, figure) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value.replaceAll("_", " ");
  if (figure.unit === "m" && Math.abs(value) >= 1000) return `${number(value / 1000, 1)} km`;
  if (figure.unit === "s" && value >= 60) return duration(value);
  return `${number(value, figure.decimals)} ${figure.unit}`.trim();
}

/** 85 as "1:25", 3725 as "1:02:05". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (x) => String(x).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How far ahead the box's zone is at a moment, s; of a device in the same zone the browser knows it. */
export let aheadAt = (t_s) => -60 * new Date(t_s * 1000).getTimezoneOffset();

/** Takes the zone of the box, {name, offset_s}. */
export async function useZone(zone) {
  if (!isOwn(zone)) aheadAt = (await import("./zones.js")).ahead(zone);
}

/** Whether this device goes by the same times: one name, or the same offset in winter and summer where the box has no name or UTC. */
function isOwn({ name, offset_s }) {
  if (name === Intl.DateTimeFormat().resolvedOptions().timeZone) return true;
  const days = !name ? [0] : /(^|\/)(UTC|UCT|GMT|Universal|Zulu)$/.test(name) ? [0, 182] : null;
  return days !== null && days.every((day_) => aheadAt(Date.now() / 1000 + day_ * 86400) === offset_s);
}

/** A moment, epoch seconds, as a Date whose UTC parts are those of the box's own time. */
export const local = (t_s) => new Date((t_s + aheadAt(t_s)) * 1000);

/** The time of day at the box as "14:05" or "14:05:30". By hand: the browser's own way takes a thousand times as long. */
export function clock(t_s, seconds = false) {
  const time = local(t_s);
  const two = (x) => String(x).padStart(2, "0");
  return `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}${seconds ? `:${two(time.getUTCSeconds())}` : ""}`;
}

export function day(t_s) {
  return local(t_s).toLocaleDateString(language === "en" ? "en-GB" : language, { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
}
