// The sound of an alarm. Browsers, that of an iPad above all, let a page sound only after a finger or a key has touched it,
// so what makes the sound is made at the first touch, for which app.js listens, and kept.
import { kept } from "./dom.js";

const WANTED = "sound";
let context = null;

const isWanted = () => kept.getItem(WANTED) === "on";

/** Whether a sound is wanted and nobody has touched the page yet. */
export const isMute = () => isWanted() && context?.state !== "running";

export async function unlock() {
  if (!isWanted()) return;
  try {
    context ??= new AudioContext();
    if (context.state !== "running") await context.resume(); // a call or a sleep has interrupted it
  } catch {
    // this browser has no sound
  }
}

export function beep() {
  if (!isWanted() || context?.state !== "running") return;
  const [tone, loud] = [context.createOscillator(), context.createGain()];
  tone.frequency.value = 880;
  loud.gain.value = 0.3;
  tone.connect(loud).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + 0.4);
  tone.onended = () => loud.disconnect();
}

/** Switched on by a tap, it sounds once: so everybody knows that it does. */
export async function tryOut() {
  await unlock();
  beep();
}
