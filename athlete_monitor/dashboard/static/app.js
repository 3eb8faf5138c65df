// Starts the screen, shows the page of the address, and keeps header, notices and tabs.
import { get, useToken } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { begin, listen, store } from "./store.js";
import { duration, loadTexts, t } from "./text.js";

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
let leave = null;

export function applyTheme() {
  const chosen = localStorage.getItem("theme") || "auto";
  const dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.querySelector('meta[name="theme-color"]').content = dark ? "#10151c" : "#ffffff";
  dispatchEvent(new Event("theme"));
}

/** Whether digits of the system's font are of one width; where they are not, the style asks for such ones. */
function measureDigits() {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = getComputedStyle(document.documentElement).font || "14px system-ui";
  const widths = [..."0123456789"].map((digit) => pen.measureText(digit).width);
  document.documentElement.dataset.digits = Math.max(...widths) - Math.min(...widths) > 0.05 ? "uneven" : "even";
}

async function show() {
  const [, name = "", ...rest] = location.pathname.split("/");
  const page = await (PAGES[name] ?? PAGES[""])();
  leave?.();
  const place = document.getElementById("page");
  const title = t(`page.${name || "squad"}`);
  document.title = title;
  for (const tab of document.querySelectorAll("#tabs a")) {
    if (tab.dataset.page === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  leave = page.show(place, rest.map(decodeURIComponent)) ?? null;
}

export function go(path) {
  history.pushState(null, "", path);
  return show();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.hasAttribute("download") || link.target) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
addEventListener("popstate", show);

function drawTabs() {
  const tabs = document.getElementById("tabs");
  tabs.setAttribute("aria-label", t("tabs"));
  fill(tabs, TABS.map(([page, name]) => h("a", { href: `/${page}`, "data-page": page }, icon(name), t(`page.${name}`))));
  document.querySelector(".skip").textContent = t("skip");
}

/** What is wrong between box and screen, in one line each; nothing where all is well. */
function notices() {
  const found = [];
  if (!store.connected) found.push(["bad", t("notice.offline", { time: duration((performance.now() - store.lostAt) / 1000) })]);
  else if (store.brokerConnected === false) found.push(["bad", t("notice.broker")]);
  else if (store.engineOnline === false) found.push(["bad", t("notice.engine")]);
  else if (store.engineOnline === null) found.push(["warn", t("notice.engine_unknown")]);
  const place = document.getElementById("notices");
  place.dataset.text ??= "";
  const text = found.map(([, line]) => line).join("|");
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  fill(place, found.map(([kind, line]) => h("div", { class: `notice ${kind}` }, line)));
}

async function keepAwake() {
  try {
    if (document.visibilityState === "visible" && localStorage.getItem("awake") !== "off") await navigator.wakeLock?.request("screen");
  } catch {
    // the browser does not let it: a low battery, or no HTTPS
  }
}

async function start() {
  applyTheme();
  measureDigits();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
  store.me = await get("/api/me");
  useToken(store.me.csrf);
  await loadTexts(store.me.language);
  drawTabs();
  const header = await import("./header.js");
  header.draw(document.getElementById("top"));
  header.alarms(document.getElementById("notices"));
  listen((kind) => (kind === "link" || kind === "team" || kind === "clock") && notices());
  const known = begin();
  if (location.pathname !== "/") await known; // the squad draws itself again when the figures come; the others need them
  await Promise.all([known, show()]);
  document.addEventListener("visibilitychange", keepAwake);
  keepAwake();
}

start();
