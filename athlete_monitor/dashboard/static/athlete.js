// One athlete: the session as curves, today's figures beside the own last sessions, and why a figure is empty.
import { get } from "./api.js";
import { Chart } from "./chart.js";
import { SVG, fill, h, setClass, setText } from "./dom.js";
import { GONE_S, STALE_S, reached, share, targetsOf } from "./figures.js";
import { age, listen, store, value } from "./store.js";
import { duration, label, number, periodName, said, t, withUnit } from "./text.js";

const CURVES = ["heart_rate_bpm", "heart_rate_low_bpm", "heart_rate_high_bpm", "strap_heart_rate_bpm", "model_heart_rate_bpm", "speed_mps", "trimp"];
const REFRESH_MS = 5000;
const FIRST = ["heart_rate_bpm", "trimp", "distance_m", "energy_kcal", "player_load", "max_speed_mps", "sprints", "heart_rate_mean_bpm"];

export function panels(height = 200) {
  return [
    { title: t("chart.heart"), unit: "bpm", decimals: 0, height, least: 40, band: { low: "heart_rate_low_bpm", high: "heart_rate_high_bpm", colour: "--model" },
      lines: [{ key: "strap_heart_rate_bpm", label: t("source.strap"), colour: "--muted", width: 1, dash: [2, 2] },
        { key: "model_heart_rate_bpm", label: t("source.model"), colour: "--model", width: 1, dash: [6, 3] },
        { key: "heart_rate_bpm", label: t("chart.heart"), colour: "--z5", width: 2 }] },
    { title: t("chart.speed"), unit: "m/s", decimals: 1, height: height / 2, least: 4, floor: 0, lines: [{ key: "speed_mps", label: t("chart.speed"), colour: "--z1", width: 1.5 }] },
    { title: t("chart.load"), unit: "TRIMP", decimals: 0, height: height / 2.5, least: 10, floor: 0, lines: [{ key: "trimp", label: t("chart.load"), colour: "--z4", width: 2 }] },
  ];
}

/** Periods and markers as a chart shows them, those of this athlete only. */
export function marks(state, person) {
  const whose = (period) => {
    const { athletes, group } = period.whose && typeof period.whose === "object" ? period.whose : {};
    return athletes ? athletes.includes(person.athlete_id) : !group || group === person.group;
  };
  const periods = (state.periods ?? []).filter(whose).map((one) => ({ from: one.start_t, to: one.end_t, label: periodName(one) }));
  const markers = (state.markers ?? []).filter((one) => !one.athlete_id || one.athlete_id === person.athlete_id).map(({ t: at, text }) => ({ t: at, text }));
  return { periods, markers };
}

export const curveKeys = () => CURVES.filter((key) => key in store.place && key in store.figures).join(",");

export function describeCurves(person) {
  return (data) => {
    const known = (data.heart_rate_bpm ?? []).filter((one) => one !== null);
    if (!data.t.length) return t("chart.empty");
    const values = known.length ? t("chart.range", { low: number(Math.min(...known)), high: number(Math.max(...known)) }) : "";
    return t("chart.described", { name: person.name, time: duration(data.t.at(-1) - data.t[0]), values });
  };
}

export function show(place, [key = ""]) {
  const person = () => store.people.get(key) ?? { key, name: key, athlete_id: 0 };
  const part = Object.fromEntries(["number", "name", "position", "value", "interval", "zone", "source", "percent", "state"].map((name) => [name, h("span", {})]));
  const cards = h("div", {});
  const curves = h("div", {});
  const bars = h("div", {});
  const grids = [h("div", { class: "cards" }), h("div", { class: "cards" })];
  const count = h("summary", {});
  const rest = h("details", { hidden: true }, count, grids[1]);
  const shown = new Map();
  cards.append(grids[0], rest);
  const today = h("div", { class: "split two", hidden: true }, h("div", {}, h("h2", {}, t("figures.today")), cards), bars);
  const problem = h("p", { class: "muted" });
  const close = h("a", { class: "button", href: "/", "aria-label": t("back") }, "←");
  part.name.setAttribute("dir", "auto");
  fill(place, h("section", { class: "athlete" },
    h("div", { class: "row" }, close, h("h1", { class: "grow" }, part.number, " ", part.name, " ", part.position), neighbour(-1, "‹", t("previous")), neighbour(1, "›", t("next"))),
    h("div", { class: "row headline" }, part.value, part.interval, part.zone, part.source, part.percent, part.state),
    problem, curves, today));
  setClass(part.value, "huge");
  const chart = new Chart(curves, panels(), describeCurves(person()));
  let known = null;
  let past = null;
  let before_ = [];
  let timer = 0;

  function neighbour(step, sign, name) {
    return h("button", { "aria-label": name, onclick: () => {
      const keys = [...store.people.keys()];
      const next = keys[(keys.indexOf(key) + step + keys.length) % keys.length];
      if (next) import("./app.js").then(({ go }) => go(`/athlete/${encodeURIComponent(next)}`));
    } }, sign);
  }

  function headline() {
    const one = person();
    const old = age(key);
    const gone = old === null || old > GONE_S;
    const zone = gone ? null : value(key, "heart_rate_zone");
    const source = value(key, "heart_rate_source");
    const low = value(key, "heart_rate_low_bpm");
    const percent = share(key);
    setText(part.number, String(one.number ?? ""));
    setText(part.name, one.name);
    setText(part.position, one.position ?? "");
    setText(part.value, gone ? "–" : number(value(key, "heart_rate_bpm")));
    setText(part.interval, gone || low === null ? "" : `±${Math.round((value(key, "heart_rate_high_bpm") - low) / 2)}`);
    setText(part.zone, zone === null ? "" : zoneName("", zone));
    setClass(part.zone, zone === null ? "" : `zone z${zone}${source === "sensor" && !(old > STALE_S) ? " sure" : ""}`);
    setText(part.source, gone || !source ? "" : t(`source_long.${source}`));
    setText(part.percent, gone || percent === null ? "" : t("of_maximum", { percent: Math.round(percent) }));
    setText(part.state, old === null ? (store.people.has(key) || !store.seq ? t("never_sent") : t("athlete.unknown", { device: key })) : old > STALE_S ? t("silent_for", { time: duration(old) }) : "");
  }

  function drawCards() {
    if (!known) return;
    const figures = Object.values(store.figures).filter((figure) => figure.decimals !== null && figure.key in known.figures);
    figures.sort((one, other) => order(one.key) - order(other.key));
    const isEmpty = (figure) => known.figures[figure.key] === null || known.figures[figure.key] === undefined;
    const [filled, empty] = [figures.filter((one) => !isEmpty(one)), figures.filter(isEmpty)];
    if (rest.hidden && empty.length) rest.open = !filled.length;
    rest.hidden = !empty.length;
    setText(count, t("empty_figures", { count: empty.length }));
    [filled, empty].forEach((chosen, at) => {
      const nodes = chosen.map(cardOf);
      if (nodes.length !== grids[at].children.length || nodes.some((node, place_) => node !== grids[at].children[place_])) grids[at].replaceChildren(...nodes);
    });
    fill(bars, histogram(t("zones"), known.figures.time_in_zones_s, zoneName, (at) => `z${at}`, duration), histogram(t("impacts"), known.figures.impacts, (name) => name, () => "z4", String));
  }

  /** The button of a figure stays the same one, so that a finger or the keyboard on it finds it again. */
  function cardOf(figure) {
    if (!shown.has(figure.key)) shown.set(figure.key, h("button", { class: "card", onclick: () => explain(figure, known, before(figure)) }));
    const node = shown.get(figure.key);
    fill(node, card(figure, known, before(figure), person()));
    return node;
  }

  const before = (figure) => before_.map((one) => one.summary?.[figure.key]).filter((one) => typeof one === "number");

  async function refresh() {
    curves.hidden = today.hidden = age(key) === null;
    if (curves.hidden) return; // nothing to ask for yet
    past ??= get(`/api/athletes/${encodeURIComponent(key)}/past`).then((found) => { before_ = found.sessions; drawCards(); }).catch(() => {});
    try {
      known = await get(`/api/athletes/${encodeURIComponent(key)}`);
      const data = await get(`/api/athletes/${encodeURIComponent(key)}/seconds?columns=${curveKeys()}${chart.span ? `&from_t=${chart.span[0] - 5}` : ""}`);
      chart.set(data, { ...marks(store.team, person()), origin: chart.origin || data.t[0] });
      setText(problem, "");
    } catch (error) {
      setText(problem, error.message);
    }
    drawCards();
  }

  const stop = listen((kind) => {
    if (kind === "frame" && curves.hidden) refresh();
    if (kind === "frame" || kind === "squad" || kind === "clock") headline();
  });
  timer = setInterval(() => document.visibilityState === "visible" && store.connected && refresh(), REFRESH_MS);
  chart.node.addEventListener("zoom", refresh);
  headline();
  refresh();
  return () => (stop(), clearInterval(timer), chart.stop());
}

const order = (key) => (FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length);
const zoneName = (name, at) => (at ? t("zone_long", { zone: at }) : t("zone_below"));

/** A figure: today, and in the own last sessions; at a tap everything about it. */
function card(figure, known, before, person) {
  const value_ = known.figures[figure.key] ?? null;
  const [target, percent] = [targetsOf(person).get(figure.key), reached(person, figure.key)];
  return [h("span", { class: "muted" }, label(figure)), h("span", { class: "big" }, small(withUnit(value_, figure))),
    percent !== null && h("span", { class: "why small" }, `◎ ${t("target.of", { percent, target: withUnit(target, figure) })}`),
    value_ === null ? h("span", { class: "why small" }, t("why_empty")) : before.length > 0 && h("span", { class: "why small past" }, columns([...before, value_]), t("before", { values: before.map((one) => number(one, figure.decimals)).join(" · ") }))];
}

/** "111.8 m/min" with a small unit. */
function small(text) {
  const at = text.indexOf(" ");
  return at < 0 ? text : [text.slice(0, at), h("span", { class: "unit" }, text.slice(at))];
}

/** The last sessions and today as small columns; today's is the dark one. */
function columns(values) {
  const most = Math.max(...values.map(Math.abs), 1e-9);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${values.length * 8} 20`);
  svg.setAttribute("class", "columns");
  svg.setAttribute("aria-hidden", "true");
  values.forEach((one, at) => {
    const height = Math.max(1, (20 * Math.abs(one)) / most);
    const bar = document.createElementNS(SVG, "rect");
    for (const [key, shown] of Object.entries({ x: at * 8, y: 20 - height, width: 6, height, class: at === values.length - 1 ? "today" : "" })) bar.setAttribute(key, shown);
    svg.append(bar);
  });
  return svg;
}

function explain(figure, known, before) {
  const value_ = known.figures[figure.key] ?? null;
  const reason = known.figures.reasons?.[figure.key];
  const formula = known.figures.formulas?.[figure.key];
  const remedy = reason && remedyOf(reason);
  const dialog = h("dialog", { "aria-label": label(figure) }, h("h2", {}, label(figure)), h("p", { class: "big" }, withUnit(value_, figure)),
    value_ === null && h("p", {}, h("b", {}, `${t("empty_because")} `), said(reason) ?? t("no_reason")),
    remedy && h("p", {}, h("b", {}, `${t("remedy")} `), remedy),
    before.length > 0 && h("p", {}, t("before", { values: before.map((one) => withUnit(one, figure)).join(" · ") })),
    figure.equation && h("p", {}, said(figure.equation)), formula && h("p", { class: "muted" }, `${t("formula")}: ${formula}`),
    h("button", { class: "primary", onclick: () => dialog.close() }, t("close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

const REMEDIES = [[/hr_rest/, "rest"], [/hr_max|age/, "max"], [/strap/, "strap"], [/model/, "model"], [/rr_interval|beat/, "rr"], [/history/, "history"],
  [/speed|position/, "speed"], [/weight|sex|height|profile/, "body"], [/acceleration/, "acceleration"], [/heart/, "strap"]];

/** What to do about an empty figure. */
function remedyOf(reason) {
  const found = REMEDIES.find(([pattern]) => pattern.test(reason));
  return found ? t(`remedy.${found[1]}`) : null;
}

/** A map of numbers as bars with their values. */
export function histogram(title, numbers, name, colour, text) {
  const entries = Object.entries(numbers ?? {});
  if (!entries.length) return null;
  const most = Math.max(...entries.map(([, one]) => one ?? 0), 1e-9);
  return h("div", {}, h("h2", {}, title), h("div", { class: "hist" }, entries.map(([key, one], at) => {
    const bar = h("span", { class: `barre ${colour(at)}` });
    bar.style.width = `${(100 * (one ?? 0)) / most}%`;
    return [h("span", {}, name(key, at)), h("span", {}, bar), h("span", {}, text(one ?? 0))];
  })));
}
