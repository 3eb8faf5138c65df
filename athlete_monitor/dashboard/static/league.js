// The league: every squad as a tile, those that need somebody first.
import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { duration, number, t } from "./text.js";

const EVERY_MS = 2000;
const OLD_S = 15;

export function show(place) {
  const content = h("div", {});
  fill(place, h("section", {}, h("h1", {}, t("page.league")), content));
  const refresh = async () => {
    if (document.visibilityState !== "visible") return;
    try {
      draw(content, await get("/api/league"));
    } catch {
      // the strip of notices says that the box cannot be reached
    }
  };
  refresh();
  const timer = setInterval(refresh, EVERY_MS);
  return () => clearInterval(timer);
}

function draw(place, { league, age_s: old }) {
  if (!league) return fill(place, h("p", { class: "muted" }, t("league.none")));
  const totals = league.totals ?? {};
  const squads = [...(league.squads ?? [])].sort((one, other) => trouble(other).length - trouble(one).length || String(one.squad).localeCompare(String(other.squad)));
  const lost = (league.nodes ?? []).filter((node) => !node.alive);
  return fill(place, old > OLD_S && h("p", { class: "z5" }, `⚠ ${t("league.old", { time: duration(old) })}`), league.problem && h("p", { class: "z5", dir: "auto" }, `⚠ ${league.problem}`),
    lost.map((node) => h("p", { class: "z5", dir: "auto" }, `⚠ ${t("league.node_lost", { name: node.name })}`)),
    h("div", { class: "cards" }, fact(t("league.running"), `${shown(totals.running)} / ${shown(totals.squads)}`, totals.running < totals.squads), fact(t("league.live"), shown(totals.athletes_live)),
      fact(t("alarms"), shown(totals.alarms)), fact(t("league.behind"), shown(totals.behind), totals.behind > 0), fact(t("league.silent"), shown(totals.silent_boxes), totals.silent_boxes > 0),
      fact(t("league.delay"), seconds(totals.worst_delay_s))),
    h("h2", {}, t("league.squads")), h("div", { class: "cards" }, squads.map(tile)));
}

/** What is wrong with a squad, in words. */
function trouble(squad) {
  const found = [];
  if (squad.condition !== "running") found.push(t(`league.is.${KNOWN.has(squad.condition) ? squad.condition : "failed"}`));
  if (squad.is_behind) found.push(t("league.is.behind", { time: seconds(squad.delay_s) }));
  if (squad.box === "silent" || squad.box === "no link") found.push(t(squad.box === "silent" ? "league.is.silent" : "league.is.no_link"));
  return found;
}

const KNOWN = new Set(["waiting", "prepared", "starting", "stopping", "failed", "ended"]);

function tile(squad) {
  const wrong = trouble(squad);
  return h("article", { class: "card", "aria-label": String(squad.squad) }, h("b", { dir: "auto" }, String(squad.squad)), h("div", { class: "big" }, `${shown(squad.athletes_live)} ${t("league.live_short")}`),
    wrong.length ? wrong.map((line) => h("div", { class: "z5" }, `⚠ ${line}`)) : h("div", { class: "muted" }, t("league.fine", { time: seconds(squad.delay_s) })),
    squad.alarms > 0 && h("div", {}, t("league.alarms", { count: squad.alarms })), h("div", { class: "muted", dir: "auto" }, [squad.shard, squad.node].filter(Boolean).join(" · ")), squad.note && h("div", { class: "muted", dir: "auto" }, String(squad.note).slice(0, 200)));
}

function fact(text, value, bad = false) {
  return h("div", { class: "card" }, h("span", { class: "muted" }, text), h("span", { class: `big ${bad ? "z5" : ""}` }, bad ? `⚠ ${value}` : value));
}

function shown(value) {
  return typeof value === "number" ? number(value) : "–";
}

function seconds(value) {
  return typeof value === "number" ? `${number(value, 1)} s` : "–";
}
