// Sessions: the list, and one of them opened again with its periods, figures, curves, heat map and files.
import { act, mayAct, toast } from "./actions.js";
import { get, uuid } from "./api.js";
import { curveKeys, describeCurves, marks, panels } from "./athlete.js";
import { Chart } from "./chart.js";
import { drawPeriods } from "./control.js";
import { asked, fill, h, remember, setText } from "./dom.js";
import { table } from "./table.js";
import { files } from "./files.js";
import { figureOf } from "./figures.js";
import { paintHeat } from "./heat.js";
import { store } from "./store.js";
import { clock, day, duration, label, number, periodName, said, t, withUnit } from "./text.js";
import { timeOfDay } from "./times.js";

const FIGURES = ["heart_rate_bpm", "heart_rate_highest_bpm", "trimp", "distance_m", "high_speed_running_m", "sprints", "max_speed_mps", "player_load", "energy_kcal", "impact_alerts"];

export function show(place, [key]) {
  if (!key) {
    list(place);
    return null;
  }
  const page = new Session(place, key);
  page.open();
  return () => page.stop();
}

async function list(place) {
  fill(place, h("section", {}, h("h1", {}, t("page.sessions")), h("p", { class: "muted" }, t("loading"))));
  try {
    const { sessions } = await get("/api/sessions");
    const rows = sessions.map((one) => [h("a", { href: `/sessions/${encodeURIComponent(one.id)}`, dir: "auto" }, title(one)), day(one.start_t), clock(one.start_t), one.end_t ? duration(one.end_t - one.start_t) : t("running")]);
    const columns = [[t("session"), "text"], [t("session.day"), "text"], [t("period.start")], [t("period.length")]];
    fill(place, h("section", {}, h("h1", {}, t("page.sessions")), rows.length ? table(t("page.sessions"), columns, rows) : h("p", {}, t("sessions.none"))));
  } catch (problem) {
    fill(place, h("section", {}, h("h1", {}, t("page.sessions")), h("p", { role: "alert" }, problem.message)));
  }
}

function title(one) {
  const name = one.name || (one.mode ? t(`mode.${one.mode}`) : t("session.unnamed"));
  return [one.opponent ? t("versus", { who: name, opponent: one.opponent }) : name, one.day_code].filter(Boolean).join(" · ");
}

/** One session. What is chosen (the part, by name or by dragging over the curves, and who) counts for all of the page. */
class Session {
  constructor(place, key) {
    this.place = place;
    this.key = key;
    this.path = `/api/sessions/${encodeURIComponent(key)}`;
    this.span = null;
    this.chart = null;
  }

  stop() {
    this.chart?.stop();
    this.place = null;
  }

  async open() {
    fill(this.place, h("section", {}, h("p", { class: "muted" }, t("loading"))));
    try {
      this.found = await get(this.path);
    } catch (problem) {
      if (this.place) fill(this.place, h("section", {}, h("h1", {}, t("page.sessions")), h("p", { role: "alert" }, problem.status === 404 ? t("session.unknown") : problem.message), h("a", { class: "button", href: "/sessions" }, t("back_to_list"))));
      return;
    }
    if (!this.place) return;
    this.draw();
    this.drawParts();
    this.recall();
    await this.refresh();
    const { devices } = this.found;
    const first = devices.find((one) => String(one.number) === asked("curves")) ?? devices[0];
    if (this.place && first) await this.curves(first);
  }

  /** Chooses again what the address of the page says. */
  recall() {
    const [from, to] = ["from", "to"].map((key) => Number(asked(key) ?? NaN));
    if (to > from) this.span = [from, to];
    this.drawParts();
    for (const [select, key] of [[this.part, "part"], [this.who, "who"]]) {
      if ([...select.options].some((one) => one.value === asked(key))) select.value = asked(key);
    }
    if (this.span) this.part.value = "span";
  }

  keep() {
    const [from, to] = this.span ?? [null, null];
    remember({ part: this.span ? null : this.part.value, who: this.who.value, from: from && from.toFixed(1), to: to && to.toFixed(1) });
  }

  draw() {
    const { session, alarms } = this.found;
    this.part = h("select", { "aria-label": t("session.part"), onchange: () => this.choose() });
    this.who = h("select", { "aria-label": t("pitch.who"), onchange: () => (this.keep(), this.refresh()) });
    this.parts = Object.fromEntries(["table", "curves", "periods", "spot"].map((name) => [name, h("div", {})]));
    this.chosen = h("span", { class: "muted" });
    this.canvas = h("canvas", { class: "pitch", role: "img", "aria-label": t("pitch.heat_map") });
    const facts = [day(session.start_t), clock(session.start_t), session.end_t ? duration(session.end_t - session.start_t) : t("running"), session.note];
    fill(this.place, h("section", {}, h("div", { class: "row" }, h("a", { class: "button", href: "/sessions", "aria-label": t("back_to_list") }, "←"), h("h1", { class: "grow", dir: "auto" }, title(session))),
      h("p", { class: "muted" }, facts.filter(Boolean).join(" · ")), files(this.key),
      h("div", { class: "row" }, h("label", { class: "row" }, t("session.part"), this.part), this.chosen), this.parts.table, this.parts.curves,
      h("h2", {}, t("periods")), this.parts.periods, mayAct() && this.adder(),
      alarms.length > 0 && h("div", {}, h("h2", {}, t("alarms")), alarms.map((alarm) => h("p", { class: alarm.level, dir: "auto" }, `${clock(alarm.raised_t, true)} ${said(alarm.text)}`))),
      h("h2", {}, t("pitch.heat_map")), h("div", { class: "row" }, h("label", { class: "row" }, t("pitch.who"), this.who)), this.parts.spot, this.canvas));
    const groups = [...new Set(this.found.devices.map((one) => this.groupOf(one)).filter(Boolean))];
    fill(this.who, [["", t("everybody")], ...groups.map((one) => [`g:${one}`, one]), ...this.found.devices.map((one) => [String(one.athlete_id), one.name ?? one.device_id])].map(([key, text]) => h("option", { value: key }, text)));
  }

  groupOf(device) {
    return [...store.people.values()].find((one) => one.athlete_id === device.athlete_id)?.group;
  }

  /** The periods, for choosing and for correcting. */
  drawParts() {
    const kept = this.part.value;
    fill(this.part, h("option", { value: "" }, t("session.whole")), this.found.periods.map((one) => h("option", { value: one.id }, periodName(one))), h("option", { value: "span", hidden: !this.span }, t("session.span")));
    this.part.value = kept;
    if (this.part.selectedIndex < 0) this.part.value = "";
    drawPeriods(this.parts.periods, this.found.periods, mayAct(), this.key, () => this.again());
  }

  /** Reads the session again after a correction: the engine writes it within a second or two. */
  async again() {
    const before = JSON.stringify(this.found.periods);
    for (let tries = 0; tries < 20 && this.place; tries += 1) {
      const found = await get(this.path).catch(() => this.found);
      if (JSON.stringify(found.periods) !== before) {
        Object.assign(this.found, found);
        this.drawParts();
        this.chart?.set(this.chart.data, { ...marks(this.found, this.person), origin: this.chart.origin });
        await this.refresh();
        return;
      }
      await new Promise((done) => { setTimeout(done, 250); });
    }
  }

  /** A period that nobody had given. */
  adder() {
    const { start_t: start } = this.found.session;
    const [name, from, to] = [["period.name", ""], ["period.start", clock(start, true)], ["period.end", clock(start + 2700, true)]].map(([key, value]) => h("input", { "aria-label": t(key), placeholder: t(key), value, maxlength: 60, class: value ? "time" : "" }));
    const add = async (event) => {
      event.preventDefault();
      const [at, end, period] = [timeOfDay(from.value, start), timeOfDay(to.value, start), uuid()];
      const problem = !name.value.trim() ? name : at === undefined ? from : end === undefined || end <= at ? to : null;
      if (problem) return problem.focus();
      const begin = { do: "period_start", name: name.value.trim(), kind: "other", whose: "all", period, at: Math.max(at, start + 0.001) };
      if (!(await act(begin, t("did.period_start", { name: begin.name })))) return null;
      await act({ do: "period_edit", period, session: this.key, end }, t("did.period_edit", { name: begin.name }), { do: "period_delete", period, session: this.key }, () => this.again());
      return this.again();
    };
    return h("form", { class: "row", onsubmit: add }, name, from, to, h("button", {}, t("period.add")));
  }

  choose() {
    if (this.part.value !== "span" && this.span) {
      this.span = null;
      this.chart?.zoom(null);
    }
    this.keep();
    return this.refresh();
  }

  /** First and last moment of the chosen part. */
  get limits() {
    if (this.span) return this.span;
    const period = this.found.periods.find((one) => one.id === this.part.value);
    return period ? [period.start_t, period.end_t] : [null, null];
  }

  async refresh() {
    const [from, to] = this.limits;
    setText(this.chosen, from ? `${clock(from, true)} – ${to ? clock(to, true) : t("running")}` : "");
    const span = { ...(from && { from_t: from }), ...(to && { to_t: to }) };
    const group = this.who.value.startsWith("g:") ? this.who.value.slice(2) : null;
    const athletes = group ? this.found.devices.filter((one) => this.groupOf(one) === group).map((one) => one.athlete_id).join(",") : this.who.value;
    const mine = (this.asked = {});
    let [figures, spots] = [null, null];
    try {
      [figures, spots] = await Promise.all([get(`${this.path}/figures?${new URLSearchParams(span)}`), get(`${this.path}/heat?${new URLSearchParams({ ...span, athletes })}`)]);
    } catch (problem) {
      toast(problem.message);
    }
    if (!figures || !this.place || this.asked !== mine) return; // something else has been chosen meanwhile
    this.drawTable(figures);
    const isSeen = spots.rows.flat().some(Boolean);
    this.canvas.hidden = !isSeen;
    fill(this.parts.spot, !isSeen && h("p", { class: "muted" }, t("pitch.nothing")));
    if (isSeen) paintHeat(this.canvas, spots);
  }

  drawTable(figures) {
    const keys = FIGURES.filter((one) => one in store.figures);
    const ratings = new Map(this.limits[0] ? [] : (this.found.ratings ?? []).map((one) => [one.athlete_id, one])); // they are about the whole session
    const rating = (one) => {
      const { rpe, srpe_load: load } = ratings.get(one.athlete_id) ?? {};
      return ratings.size ? [number(rpe, Number.isInteger(rpe) ? 0 : 1), number(load)] : [];
    };
    const rows = this.found.devices.map((one) => [h("button", { dir: "auto", "aria-pressed": String(one === this.device), onclick: () => this.curves(one) }, one.name ?? `${one.athlete_id || one.device_id}`),
      ...keys.map((name) => withUnit(figures[one.number]?.[name] ?? null, figureOf(name))), ...rating(one)]);
    fill(this.parts.table, table(t("figures"), [[t("column.name"), "text"], ...keys.map((name) => [label(figureOf(name))]), ...(ratings.size ? [[t("rpe.short")], [t("rpe.load")]] : [])], rows, true));
  }

  async curves(one) {
    this.device = one;
    remember({ curves: one === this.found.devices[0] ? null : one.number });
    this.chart?.stop();
    this.person = { name: one.name ?? one.device_id, athlete_id: one.athlete_id, group: this.groupOf(one) };
    for (const button of this.parts.table.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.textContent === (one.name ?? String(one.athlete_id || one.device_id))));
    fill(this.parts.curves, h("h2", { dir: "auto" }, this.person.name), h("p", { class: "muted small" }, t("chart.how")));
    const chart = (this.chart = new Chart(this.parts.curves, panels(), describeCurves(this.person)));
    chart.span = this.span;
    const load = async () => {
      const span = chart.span ? `&from_t=${chart.span[0] - 5}&to_t=${chart.span[1] + 5}` : "";
      const data = await get(`/api/device-sessions/${one.number}/seconds?columns=${curveKeys()}${span}`).catch((problem) => toast(problem.message) && null);
      if (data) chart.set(data, { ...marks(this.found, this.person), origin: chart.origin || this.found.session.start_t });
    };
    chart.node.addEventListener("zoom", ({ detail }) => {
      load();
      if (this.span === detail) return;
      this.span = detail;
      this.drawParts();
      this.part.value = detail ? "span" : "";
      this.keep();
      this.refresh();
    });
    await load();
  }
}
