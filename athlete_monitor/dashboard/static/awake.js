// Time that goes on while the device sleeps. The browser's own counter stands still then on most tablets, and what was on
// the screen before would look as fresh as it did.
const JUMP_MS = 2000; // a clock that is being set right little by little is no sleep
const woken = new Set();
let slept = 0;
let ahead = Date.now() - performance.now();

/** Milliseconds since the page was opened, those of sleep included. */
export function ticks() {
  const before = ahead;
  ahead = Date.now() - performance.now();
  if (ahead - before > JUMP_MS) {
    slept += ahead - before;
    for (const callback of woken) setTimeout(callback);
  }
  return performance.now() + slept;
}

/** Calls back when the device has slept. */
export const onWaking = (callback) => woken.add(callback);

for (const kind of ["visibilitychange", "resume"]) document.addEventListener(kind, ticks);
for (const kind of ["focus", "pageshow", "online"]) addEventListener(kind, ticks);
