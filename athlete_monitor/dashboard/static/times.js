// Times of day as people type them, and in the zone of the box: a tablet may be set to another.
const QUARTER_S = 900; // zones change at full quarters of an hour
let offset_s = (t_s) => -60 * new Date(t_s * 1000).getTimezoneOffset();

/** Takes the zone of the box, {name, offset_s}; the offset of now counts for all times where the browser has no such zone. */
export function useZone({ name, offset_s: now_s }) {
  if (name === Intl.DateTimeFormat().resolvedOptions().timeZone) return;
  const kept = new Map();
  const reckon = reckoner(name) ?? (() => now_s);
  offset_s = (t_s) => {
    const quarter = Math.floor(t_s / QUARTER_S);
    if (!kept.has(quarter)) kept.set(quarter, reckon(quarter * QUARTER_S));
    return kept.get(quarter);
  };
}

/** How far a zone is ahead at a moment, s; null for a zone that the browser does not know. */
function reckoner(name) {
  if (!name) return null;
  try {
    const parts = new Intl.DateTimeFormat("en-GB", { timeZone: name, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
    return (t_s) => {
      const of = Object.fromEntries(parts.formatToParts(t_s * 1000).map(({ type, value }) => [type, Number(value)]));
      return Date.UTC(of.year, of.month - 1, of.day, of.hour, of.minute, of.second) / 1000 - t_s;
    };
  } catch {
    return null;
  }
}

/** A moment, epoch seconds, as a Date whose UTC parts are those of the box's own time. */
export const local = (t_s) => new Date((t_s + offset_s(t_s)) * 1000);

/** "14:05" or "14:05:30" on the day of another moment, epoch seconds; undefined for anything else. */
export function timeOfDay(text, near) {
  const found = /^(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(am|pm)?$/i.exec(text.trim());
  if (!found) return undefined;
  const day = local(near);
  const hour = (Number(found[1]) % (found[4] ? 12 : 24)) + (found[4]?.toLowerCase() === "pm" ? 12 : 0);
  const wanted = day.setUTCHours(hour, Number(found[2]), Number(found[3] ?? 0), 0) / 1000;
  return wanted - offset_s(wanted - offset_s(near));
}
