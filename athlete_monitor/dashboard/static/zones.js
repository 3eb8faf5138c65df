// The times of another zone than the device's own; fetched only where the box is in another.
const QUARTER_S = 900; // zones change at full quarters of an hour

/** How far ahead the zone of the box, {name, offset_s}, is at a moment; the offset of now where the browser has no such zone. */
export function ahead({ name, offset_s: now_s }) {
  const kept = new Map();
  const reckon = reckoner(name) ?? (() => now_s);
  return (t_s) => {
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
