// Sessions: the list, and one of them opened again with its periods, figures and curves.
import { get } from "./api.js";
import { curveKeys, describeCurves, marks, panels } from "./athlete.js";
import { Chart } from "./chart.js";
import { drawPeriods } from "./control.js";
import { fill, h } from "./dom.js";
import { mayAct } from "./actions.js";
import { figureOf } from "./figures.js";
import { drawHeat, drawLines } from "./pitch.js";
import { store } from "./store.js";
import { chosenLanguage, clock, day, duration, label, t, withUnit } from "./text.js";

const FIGURES = ["heart_rate_bpm", "heart_rate_highest_bpm", "trimp", "distance_m", "high_speed_running_m", "sprints", "max_speed_mps", "player_load", "energy_kcal", "impact_alerts"];

export function show(place, [key]) {
  if (key) open(place, key);
  else list(place);
  return null;
}

async function list(place) {
  fill(place, h("section", {}, h("h1", {}, t("page.sessions")), h("p", { class: "muted" }, t("loading"))));
  try {
    const { sessions } = await get("/api/sessions");
    const rows = sessions.map((one) => h("tr", {}, h("td", { class: "text" }, h("a", { href: `/sessions/${encodeURIComponent(one.id)}`, dir: "auto" }, title(one))), h("td", { class: "text" }, day(one.start_t)),
      h("td", {}, clock(one.start_t)), h("td", {}, one.end_t ? duration(one.end_t - one.start_t) : t("running"))));
    fill(place, h("section", {}, h("h1", {}, t("page.sessions")), rows.length ? h("div", { class: "table" }, h("table", {}, h("thead", {}, h("tr", {},
      ["session", "session.day", "period.start", "period.length"].map((text, at) => h("th", { scope: "col", class: at < 2 ? "text" : "" }, t(text))))), h("tbody", {}, rows))) : h("p", {}, t("sessions.none"))));
  } catch (problem) {
    fill(place, h("section", {}, h("h1", {}, t("page.sessions")), h("p", { role: "alert" }, problem.message)));
  }
}

function title(one) {
  const name = one.name || (one.mode ? t(`mode.${one.mode}`) : t("session.unnamed"));
  return [one.opponent ? t("versus", { who: name, opponent: one.opponent }) : name, one.day_code].filter(Boolean).join(" · ");
}

async function open(place, key) {
  const id = encodeURIComponent(key);
  fill(place, h("section", {}, h("p", { class: "muted" }, t("loading"))));
  let found;
  try {
    found = await get(`/api/sessions/${id}`);
  } catch (problem) {
    return fill(place, h("section", {}, h("h1", {}, t("page.sessions")), h("p", { role: "alert" }, problem.message), h("a", { class: "button", href: "/sessions" }, t("back"))));
  }
  const table = h("div", { class: "table" });
  const curves = h("div", {});
  const periods = h("div", {});
  const files = h("div", { class: "row" });
  const heat = h("canvas", { class: "pitch", role: "img", "aria-label": t("pitch.session") });
  const part = h("select", { "aria-label": t("session.part"), onchange: () => refresh() }, h("option", { value: "" }, t("session.whole")), found.periods.map((one, at) => h("option", { value: at }, one.name)));
  const session = found.session;
  fill(place, h("section", {}, h("div", { class: "row" }, h("a", { class: "button", href: "/sessions", "aria-label": t("back") }, "←"), h("h1", { class: "grow", dir: "auto" }, title(session)), files),
    h("p", { class: "muted" }, [day(session.start_t), clock(session.start_t), session.end_t ? duration(session.end_t - session.start_t) : t("running"), session.note].filter(Boolean).join(" · ")),
    h("div", { class: "row" }, h("label", { class: "row" }, t("session.part"), part)), table, curves, h("h2", {}, t("periods")), periods,
    found.alarms.length > 0 && h("div", {}, h("h2", {}, t("alarms")), found.alarms.map((alarm) => h("p", { class: alarm.level, dir: "auto" }, `${clock(alarm.raised_t, true)} ${alarm.text}`))),
    h("h2", {}, t("pitch.heat_map")), heat));
  drawPeriods(periods, found.periods, mayAct());
  await refresh();
  if (found.devices[0]) showCurves(found.devices[0]);
  return links(files, id);

  async function refresh() {
    const period = part.value === "" ? null : found.periods[Number(part.value)];
    const query = period ? `?${new URLSearchParams({ from_t: period.start_t, ...(period.end_t && { to_t: period.end_t }) })}` : "";
    const [figures, spots] = await Promise.all([get(`/api/sessions/${id}/figures${query}`), get(`/api/sessions/${id}/heat${query}`)]);
    drawTable(figures);
    paint(heat, spots);
  }

  function drawTable(figures) {
    const keys = FIGURES.filter((one) => one in store.figures);
    const rows = found.devices.map((one) => h("tr", {}, h("td", { class: "text" }, h("button", { dir: "auto", onclick: () => showCurves(one) }, one.name ?? `${one.athlete_id || one.device_id}`)),
      keys.map((name) => h("td", {}, withUnit(figures[one.number]?.[name] ?? null, figureOf(name))))));
    fill(table, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, t("column.name")), keys.map((name) => h("th", { scope: "col" }, label(figureOf(name)))))), h("tbody", {}, rows)));
  }

  async function showCurves(one) {
    const person = { name: one.name ?? one.device_id, athlete_id: one.athlete_id };
    fill(curves, h("h2", { dir: "auto" }, person.name));
    const chart = new Chart(curves, panels(), describeCurves(person));
    const load = async () => {
      const span = chart.span ? `&from_t=${chart.span[0] - 5}&to_t=${chart.span[1] + 5}` : "";
      const data = await get(`/api/device-sessions/${one.number}/seconds?columns=${curveKeys()}${span}`);
      chart.set(data, { ...marks(found, person), origin: chart.origin || data.t[0] });
    };
    chart.node.addEventListener("zoom", load);
    await load();
  }
}

function paint(canvas, spots) {
  const width = Math.min(canvas.clientWidth, 800);
  const scale = width / (spots.length_m + 4);
  canvas.width = width;
  canvas.height = scale * (spots.width_m + 4);
  canvas.style.maxWidth = "800px";
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, -scale, 2 * scale, scale * (spots.width_m + 2));
  drawHeat(pen, spots);
  drawLines(pen, spots);
}

/** The report, for whoever may see what is in it. */
function links(place, id) {
  if (!store.me.sees_heart_rate) return;
  fill(place, ["pdf", "html"].map((kind) => h("a", { class: "button", href: `/api/sessions/${id}/report?kind=${kind}&lang=${chosenLanguage()}`, download: true }, t(`file.${kind}`))));
}
