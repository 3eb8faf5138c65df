// Starts the screen, shows the page of the address, and keeps header, notices and tabs.
import { get, useToken } from "./api.js";
import { ticks } from "./awake.js";
import { alike, applyTheme, fill, h, icon, kept, say } from "./dom.js";
import { begin, listen, store } from "./store.js";
import { isMute, unlock } from "./sound.js";
import { duration, loadTexts, t, useZone } from "./text.js";

const PAGES = {
  "": () => import("./squad.js"),
  athlete: () => import("./athlete.js"),
  pitch: () => import("./pitch.js"),
  control: () => import("./control.js"),
  sessions: () => import("./sessions.js"),
  system: () => import("./system.js"),
  league: () => import("./league.js"),
  welcome: () => import("./welcome.js"),
};
const TABS = [["", "squad"], ["pitch", "pitch"], ["control", "control"], ["sessions", "sessions"], ["system", "system"]];
const BEGINNING_MS = 4000; // before the first connection: no complaint yet
const MILD = new Set(["engine_unknown", "sound"]); // notices of what is not broken
let leave = null;
let showing = 0;
let isWaiting = false; // what the screen needs before it can connect could not be fetched yet
let isMissing = false; // the page could not be fetched

/** Whether digits of the system's font are of one width; where they are not, the style asks for such ones. */
function measureDigits() {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = getComputedStyle(document.documentElement).font || "14px system-ui";
  const widths = [..."0123456789"].map((digit) => pen.measureText(digit).width);
  document.documentElement.dataset.digits = Math.max(...widths) - Math.min(...widths) > 0.05 ? "uneven" : "even";
}

/** Shows the page of the address. Of two that are asked for at once, the later one is shown. */
async function show() {
  const mine = (showing += 1);
  const [, name = "", ...rest] = location.pathname.split("/");
  let page = unknown;
  isMissing = false;
  try {
    if (name in PAGES) page = await PAGES[name]();
  } catch {
    isMissing = true;
    page = unreached;
  }
  if (mine !== showing) return;
  const held = document.activeElement;
  leave?.();
  const place = document.getElementById("page");
  document.title = name in PAGES ? t(`page.${name || "squad"}`) : t("page.unknown");
  for (const tab of document.querySelectorAll("#tabs a")) {
    if (tab.dataset.page === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  leave = page.show(place, rest.map(plain)) ?? null;
  if (document.activeElement === document.body && held !== document.body) (alike(place, held)[0] ?? place).focus({ preventScroll: true });
}

/** A part of the path; one that is not well-formed as it is. */
function plain(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const sentence = (key) => ({ show: (place) => fill(place, h("section", {}, h("h1", {}, document.title), h("p", {}, t(key)), h("a", { class: "button", href: "/" }, t("back")))) && null });
const unknown = sentence("page.unknown_how");
const unreached = sentence("unreached");

export async function go(path) {
  history.replaceState({ y: scrollY }, "");
  history.pushState(null, "", path);
  await show();
  if (!location.hash) scrollTo(0, 0);
  say(document.title);
}

async function goBack() {
  if (location.hash === "#page") return; // the skip link
  await show();
  scrollTo(0, history.state?.y ?? 0);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.hasAttribute("download") || link.target) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
addEventListener("popstate", goBack);
addEventListener("pageshow", (event) => event.persisted && location.reload()); // from the browser's memory, long after

function drawTabs() {
  const tabs = document.getElementById("tabs");
  tabs.setAttribute("aria-label", t("tabs"));
  fill(tabs, TABS.map(([page, name]) => h("a", { href: `/${page}`, "data-page": page }, icon(name), t(`page.${name}`))));
  document.querySelector(".skip").textContent = t("skip");
}

/** What is wrong between box and screen, in one line; nothing where all is well. */
function notices() {
  const isNew = !store.lostAt && ticks() < BEGINNING_MS;
  const kind = isWaiting ? "unreached" : !store.connected ? (isNew ? "" : "offline") : store.brokerConnected === false ? "broker" : store.engineOnline === false ? "engine" : store.engineOnline === null ? "engine_unknown" : isMute() ? "sound" : "";
  const text = isWaiting ? t("unreached") : kind && t(`notice.${kind}`, { time: duration((ticks() - store.lostAt) / 1000) });
  const place = document.getElementById("notices");
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  fill(place, text && h("div", { class: `notice ${MILD.has(kind) ? "warn" : "bad"}` }, text));
  if (place.dataset.kind !== kind) say(text || (place.dataset.kind ? t("notice.well") : "")); // once, not each second
  place.dataset.kind = kind;
}

async function keepAwake() {
  try {
    if (document.visibilityState === "visible" && kept.getItem("awake") !== "off") await navigator.wakeLock?.request("screen");
  } catch {
    // the browser does not let it: a low battery, or no HTTPS
  }
}

for (const kind of ["pointerup", "keydown"]) addEventListener(kind, async () => (await unlock(), store.build && notices()));

function wait(isSo) {
  if (isSo === isWaiting) return;
  isWaiting = isSo;
  notices();
}

/** Asks until there is an answer: a box that starts, or a Wi-Fi that is slow, must not leave an empty page. */
async function patiently(what) {
  for (let pause = 500; ; pause = Math.min(2 * pause, 5000)) {
    try {
      const found = await what();
      wait(false);
      return found;
    } catch {
      wait(true);
      await new Promise((done) => { setTimeout(done, pause); });
    }
  }
}

async function start() {
  applyTheme();
  measureDigits();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
  store.me = await patiently(() => get("/api/me"));
  useToken(store.me);
  await patiently(() => useZone(store.me.zone));
  await loadTexts(store.me.language);
  drawTabs();
  const header = await patiently(() => import("./header.js"));
  header.draw(document.getElementById("top"));
  header.alarms(document.getElementById("notices"));
  listen((kind) => {
    if (kind === "link" || kind === "team" || kind === "clock") notices();
    if (kind === "link" && store.connected && isMissing) show();
  });
  const known = patiently(begin);
  if (location.pathname !== "/") await known; // the squad draws itself again when the figures come; the others need them
  await Promise.all([known, show()]);
  document.addEventListener("visibilitychange", keepAwake);
  keepAwake();
}

start();
