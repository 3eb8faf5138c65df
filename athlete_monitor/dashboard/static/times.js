// Times of day as people type them.
import { aheadAt, local } from "./text.js";

/** "14:05" or "14:05:30" on the day of another moment, epoch seconds; undefined for anything else. */
export function timeOfDay(text, near) {
  const found = /^(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(am|pm)?$/i.exec(text.trim());
  if (!found) return undefined;
  const day = local(near);
  const hour = (Number(found[1]) % (found[4] ? 12 : 24)) + (found[4]?.toLowerCase() === "pm" ? 12 : 0);
  const wanted = day.setUTCHours(hour, Number(found[2]), Number(found[3] ?? 0), 0) / 1000;
  return wanted - aheadAt(wanted - aheadAt(near));
}
