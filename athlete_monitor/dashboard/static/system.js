// System: engine, broker, devices, models, the box; and the settings of this screen.
import { get, post } from "./api.js";
import { applyTheme, fill, h, kept } from "./dom.js";
import { table } from "./table.js";
import { age, listen, now, status, store } from "./store.js";
import { shortName } from "./figures.js";
import { LANGUAGES, chosenLanguage, clock, day, duration, number, said, t } from "./text.js";

const EVERY_MS = 5000;
const WEAK_PERCENT = 20;
const FORGOTTEN_S = 35;

export function show(place) {
  const parts = Object.fromEntries(["box", "engine", "devices", "models", "log"].map((name) => [name, h("div", {})]));
  fill(place, h("section", {}, h("h1", {}, t("page.system")), h("div", { class: "split two" },
    h("div", {}, parts.box, h("h2", {}, t("engine")), parts.engine, h("h2", {}, t("devices")), parts.devices, h("h2", {}, t("models")), parts.models, h("h2", {}, t("log")), parts.log),
    h("div", {}, h("h2", {}, t("this_screen")), choices(), h("p", {}, h("a", { class: "button", href: "/welcome" }, t("page.welcome")))))));
  let links = {};
  const refresh = async () => {
    if (document.visibilityState !== "visible") return;
    const load = (path, draw) => get(path).then(draw).catch(() => {});
    await Promise.all([load("/api/system", (found) => drawBox(parts.box, found)), load("/api/engine", (found) => drawEngine(parts.engine, found)), load("/api/models", (found) => drawModels(parts.models, found)),
      load("/api/log", (found) => drawLog(parts.log, found))]);
    await load("/api/devices", (found) => { links = found.devices; });
    drawDevices(parts.devices, links);
  };
  refresh();
  const timer = setInterval(refresh, EVERY_MS);
  const stop = listen((kind) => kind === "squad" && drawDevices(parts.devices, links));
  return () => (clearInterval(timer), stop());
}

function fact(text, shown, bad = false) {
  return h("div", { class: "card" }, h("span", { class: bad ? "z5" : "muted" }, bad ? `⚠ ${text}` : text), h("span", { class: `big ${bad ? "z5" : ""}` }, shown));
}

function drawBox(place, found) {
  const skew = Math.abs(found.now - Date.now() / 1000);
  fill(place, h("p", { class: found.broker_connected ? "" : "z5" }, found.broker_connected ? t("box.broker") : found.connection), h("div", { class: "cards" },
    fact(t("box.time"), clock(found.now, true), skew > 60), fact(t("box.disk"), `${number(found.disk_free_gb, 1)} GB`, found.disk_used_percent > 90),
    fact(t("box.memory"), `${number(found.memory_used_percent)} %`, found.memory_used_percent > 90), fact(t("box.screens"), String(found.screens)), fact(t("box.server"), `${number(found.server_memory_mb)} MB`)),
  skew > 60 && h("p", {}, t("box.skew", { time: duration(skew), day: day(found.now) })));
}

function drawEngine(place, { online, age_s: old, stats }) {
  if (online === null || !stats || stats.uptime_s === undefined) return fill(place, h("p", {}, online === false ? t("notice.engine") : t("notice.engine_unknown")));
  const trouble = ["files_failing", "journal_failing"].filter((key) => stats[key]);
  return fill(place, !online && h("p", { class: "z5" }, t("notice.engine")), trouble.map((key) => h("p", { class: "z5" }, `⚠ ${t(`trouble.${key}`)}`)),
    h("div", { class: "cards" }, fact(t("engine.uptime"), duration(stats.uptime_s + old)), fact(t("engine.rate"), `${number(stats.samples_per_s)} /s`), fact(t("engine.lag"), stats.lag_p99_ms === null ? "–" : `${number(stats.lag_p99_ms)} ms`, stats.lag_p99_ms > 500),
      fact(t("engine.cpu"), `${number(stats.cpu_percent)} %`), fact(t("box.memory"), `${number(stats.memory_mb)} MB`), fact(t("box.temperature"), stats.temperature_c === null ? "–" : `${number(stats.temperature_c)} °C`, stats.temperature_c > 80),
      fact(t("engine.lost"), String(stats.lost)), fact(t("engine.invalid"), String(stats.invalid), stats.invalid > 100)),
    Object.entries(stats.invalid_reasons ?? {}).map(([reason, count]) => h("p", { class: "muted", dir: "auto" }, `${count} × ${said(reason)}`)));
}

/** What is wrong between a device and its bridge; nothing where all is well or nothing is known. */
function linkTrouble({ state = null, reason = null, contact = null, t_s: published = null }) {
  if (state !== null && state !== "off" && published !== null && now() - published > FORGOTTEN_S) return t("link.bridge_gone");
  if (state === "lost" || state === "searching" || state === "off") return [t(`link.${state}`), said(reason)].filter(Boolean).join(": ");
  return contact === false ? t("device.no_contact") : "";
}

function drawDevices(place, links) {
  const rows = [...store.people.values()].map((person) => {
    const old = age(person.key);
    const link = links[person.key] ?? {};
    const { battery_percent: battery = null, signal_dbm: signal = null } = link;
    const trouble = linkTrouble(link);
    return [{ class: "name", content: shortName(person) }, person.device, [t(`status.${old === null ? "silent" : status(person.key)}`), trouble ? h("span", { class: "warning" }, ` · ${trouble}`) : ""], old === null ? "–" : duration(old),
      { class: battery !== null && battery < WEAK_PERCENT ? "warning" : "", content: battery === null ? "–" : `${battery < WEAK_PERCENT ? "▲ " : ""}${number(battery)} %` }, signal === null ? "–" : `${number(signal)} dBm`];
  });
  const columns = [[t("column.name"), "text"], [t("device"), "text"], [t("column.state"), "text"], [t("device.age")], [t("device.battery")], [t("device.signal")]];
  fill(place, rows.length ? table(t("devices"), columns, rows) : h("p", { class: "muted" }, t("devices.none")));
}

function drawModels(place, { models }) {
  const rows = models.map((one) => [{ dir: "auto", content: one.name ?? String(one.athlete) }, one.trained_t ? day(one.trained_t) : "–", one.mae_bpm === null ? "–" : `${number(one.mae_bpm, 1)} bpm`, String(one.sessions ?? "–")]);
  const columns = [[t("column.name"), "text"], [t("model.trained"), "text"], [t("model.error")], [t("model.sessions")]];
  fill(place, rows.length ? table(t("models"), columns, rows) : h("p", { class: "muted" }, t("models.none")));
}

function drawLog(place, { lines }) {
  fill(place, lines.length ? lines.map((line) => h("p", { class: "small log" }, line)) : h("p", { class: "muted" }, t("log.none")));
}

/** Theme, language and what keeps the screen on; kept on this device. */
function choices() {
  const pick = (text, key, options, standard, done) => {
    const select = h("select", { onchange: () => { kept.setItem(key, select.value); done(); } }, options.map(([name, shown]) => h("option", { value: name }, shown)));
    select.value = kept.getItem(key) ?? standard;
    return h("label", { class: "field" }, text, select);
  };
  const logOut = async () => { await post("/api/logout", {}); location.assign("/login"); };
  return h("div", {}, pick(t("theme"), "theme", [["auto", t("theme.auto")], ["light", t("theme.light")], ["dark", t("theme.dark")]], "auto", applyTheme),
    pick(t("language"), "language", Object.entries(LANGUAGES), chosenLanguage(), () => location.reload()),
    pick(t("awake"), "awake", [["on", t("on")], ["off", t("off")]], "on", () => location.reload()),
    store.me.secured && h("p", {}, t("logged_in", { name: store.me.name, role: t(`role.${store.me.role}`) }), " ", h("button", { onclick: logOut }, t("log_out"))));
}
