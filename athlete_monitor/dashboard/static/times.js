// Times of day as people type them.
import { aheadAt, local } from "./text.js";

const HALF_DAY_S = 43200;

/** "14:05" or "14:05:30" as the moment that is nearest to another one, epoch seconds: "00:10" beside 23:50 is of the next day; undefined for anything else. */
export function timeOfDay(text, near) {
  const found = /^(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(am|pm)?$/i.exec(text.trim());
  if (!found) return undefined;
  const day = local(near);
  const hour = (Number(found[1]) % (found[4] ? 12 : 24)) + (found[4]?.toLowerCase() === "pm" ? 12 : 0);
  const [shown, wanted] = [day.getTime() / 1000, day.setUTCHours(hour, Number(found[2]), Number(found[3] ?? 0), 0) / 1000];
  const nearest = wanted - 2 * HALF_DAY_S * Math.round((wanted - shown) / (2 * HALF_DAY_S));
  return nearest - aheadAt(nearest - aheadAt(near));
}
