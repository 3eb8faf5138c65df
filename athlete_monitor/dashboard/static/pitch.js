// The pitch: where everybody is, a trail, and the heat map of a chosen span.
import { get } from "./api.js";
import { asked, fill, h, remember, setText } from "./dom.js";
import { GONE_S, colour, pitchState } from "./figures.js";
import { drawHeat, drawLines } from "./heat.js";
import { age, listen, store, value } from "./store.js";
import { clock, periodName, t } from "./text.js";
import { timeOfDay } from "./times.js";

const MARGIN_M = 4;
const TRAIL_S = 30;
const LINE_PX = 44; // what is written below the pitch

export function show(place) {
  let plan = { length_m: 105, width_m: 68 };
  const choice = { who: asked("who") ?? "all", span: asked("span") ?? "now", trail: true };
  const keepChoice = () => remember({ who: choice.who === "all" ? null : choice.who, span: choice.span === "now" ? null : choice.span });
  const trails = new Map();
  let heat = null;
  const canvas = h("canvas", { class: "pitch", role: "img", "aria-label": t("page.pitch") });
  const line = h("p", { class: "muted" });
  const who = h("select", { "aria-label": t("pitch.who"), onchange: () => { choice.who = who.value; keepChoice(); load(); } });
  const span = h("select", { "aria-label": t("pitch.span"), onchange: () => { choice.span = span.value; keepChoice(); load(); } });
  const between = ["from", "to"].map((key) => h("input", { type: "time", step: 1, "aria-label": t(`span.${key}`), onchange: () => load() }));
  const times = h("span", { class: "row", hidden: true }, between[0], "–", between[1]);
  const trail = h("input", { type: "checkbox", checked: true, onchange: () => { choice.trail = trail.checked; draw(); } });
  fill(place, h("section", {}, h("h1", { class: "skip" }, t("page.pitch")), h("div", { class: "row" }, who, span, times, h("label", { class: "check" }, trail, t("pitch.trail"))), canvas, line));

  function choices() {
    const groups = [...new Set([...store.people.values()].map((one) => one.group).filter(Boolean))];
    const options = [["all", t("everybody")], ...groups.map((one) => [`g:${one}`, one]), ...[...store.people.values()].map((one) => [one.key, [one.number ?? "", one.name].join(" ").trim()])];
    offer(who, options, "who", "all", store.people.size > 0);
    const spans = [["now", t("pitch.now")], ["session", t("pitch.session")], ["600", t("pitch.ten_minutes")], ...(store.team.periods ?? []).map((one) => [`p:${one.id}`, periodName(one)]), ["times", t("span.times")]];
    offer(span, spans, "span", "now", Boolean(store.team.team_session));
  }

  /** Puts options into a list that may be open: only where they differ. What is not offered any more is not chosen any more. */
  function offer(select, options, key, standard, isKnown) {
    const text = JSON.stringify(options);
    if (select.dataset.offered !== text) fill(select, options.map(([value_, name]) => h("option", { value: value_ }, name)));
    select.dataset.offered = text;
    if (isKnown && !options.some(([value_]) => value_ === choice[key])) choice[key] = standard;
    select.value = choice[key];
  }

  const chosen = () => [...store.people.values()].filter((one) => choice.who === "all" || one.key === choice.who || choice.who === `g:${one.group}`);

  /** First and last moment of the heat map; null where it has no limit there. */
  function limits() {
    const period = (store.team.periods ?? []).find((one) => `p:${one.id}` === choice.span);
    if (period) return [period.start_t, period.end_t];
    if (choice.span === "600") return [store.now - 600, null];
    if (choice.span === "times") return between.map((input) => timeOfDay(input.value, store.now) ?? null);
    return [null, null];
  }

  let session = null;
  async function load() {
    heat = null;
    times.hidden = choice.span !== "times";
    if (choice.span === "times" && !between[0].value) between.forEach((input, at) => { input.value = clock(store.now - (at ? 0 : 900), true); });
    session = store.team.team_session?.id;
    if (choice.span !== "now" && session) {
      const [from, to] = limits();
      const ids = choice.who === "all" ? "" : chosen().map((one) => one.athlete_id).join(",");
      const query = new URLSearchParams({ athletes: ids, ...(from && { from_t: from }), ...(to && { to_t: to }) });
      try {
        heat = await get(`/api/sessions/${encodeURIComponent(session)}/heat?${query}`);
      } catch (problem) {
        setText(line, problem.message);
      }
    }
    draw();
  }

  function follow() {
    for (const person of store.people.values()) {
      const [x, y] = [value(person.key, "x_m"), value(person.key, "y_m")];
      if (x === null || y === null || x === undefined) continue;
      const points = trails.get(person.key) ?? trails.set(person.key, []).get(person.key);
      points.push([x, y]);
      if (points.length > TRAIL_S) points.shift();
    }
  }

  function draw() {
    const above = canvas.getBoundingClientRect().top + scrollY;
    const room = Math.max(200, innerHeight - above - document.getElementById("tabs").offsetHeight - LINE_PX);
    const width = Math.min(canvas.parentNode.clientWidth - 8, room * ((plan.length_m + 2 * MARGIN_M) / (plan.width_m + 2 * MARGIN_M)));
    if (width <= 0) return;
    canvas.style.width = `${width}px`;
    const ratio = Math.min(devicePixelRatio, 2);
    const scale = width / (plan.length_m + 2 * MARGIN_M);
    const height = scale * (plan.width_m + 2 * MARGIN_M);
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio * scale, 0, 0, -ratio * scale, ratio * scale * MARGIN_M, ratio * scale * (plan.width_m + MARGIN_M));
    if (heat) drawHeat(pen, heat);
    drawLines(pen, plan);
    if (choice.span === "now") for (const person of chosen()) drawPlayer(pen, person, scale);
    announce();
  }

  function drawPlayer(pen, person, scale) {
    const [x, y] = [value(person.key, "x_m"), value(person.key, "y_m")];
    const old = age(person.key);
    if (x === null || x === undefined || y === null || old === null || old > GONE_S) return;
    const zone = value(person.key, "heart_rate_zone");
    const paint = colour(zone === null ? "--muted" : `--z${zone}`);
    const points = trails.get(person.key) ?? [];
    if (choice.trail && points.length > 1) {
      pen.beginPath();
      points.forEach(([a, b], at) => (at ? pen.lineTo(a, b) : pen.moveTo(a, b)));
      Object.assign(pen, { strokeStyle: paint, lineWidth: 2 / scale, lineJoin: "round" });
      pen.stroke();
    }
    const size = Math.max(8, Math.min(13, (scale * plan.length_m) / 45)); // smaller on a phone, so that they cover each other less
    const radius = size / scale;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fillStyle = pitchState(person) === "off" ? colour("--ground") : paint;
    pen.fill();
    Object.assign(pen, { strokeStyle: paint, lineWidth: 2 / scale });
    pen.stroke();
    pen.save();
    pen.translate(x, y);
    pen.scale(1 / scale, -1 / scale);
    Object.assign(pen, { fillStyle: pitchState(person) === "off" ? colour("--text") : colour("--on-colour"), font: `bold ${size}px system-ui`, textAlign: "center", textBaseline: "middle" });
    pen.fillText(String(person.number ?? person.athlete_id ?? "?"), 0, 1);
    pen.restore();
  }

  function announce() {
    const seen = chosen().filter((one) => value(one.key, "x_m") !== null && value(one.key, "x_m") !== undefined);
    if (choice.span === "now") setText(line, seen.length ? t("pitch.seen", { count: seen.length, all: chosen().length }) : t("pitch.nothing"));
    else if (heat) setText(line, heat.rows.flat().some(Boolean) ? t("pitch.heat", { outside: heat.outside }) : t("pitch.nothing"));
    else if (!store.team.team_session) setText(line, t("pitch.no_session"));
  }

  get("/api/pitch").then((found) => { plan = found; draw(); }).catch(() => {});
  choices();
  follow();
  draw();
  if (choice.span !== "now") load();
  const stop = listen((kind) => {
    if (kind === "squad" || kind === "team") choices();
    if (kind === "team" && choice.span !== "now" && !heat && session !== store.team.team_session?.id) load();
    if (kind !== "frame") return;
    follow();
    if (choice.span === "now") draw();
  });
  addEventListener("resize", draw);
  addEventListener("theme", draw);
  return () => (stop(), removeEventListener("resize", draw), removeEventListener("theme", draw));
}
