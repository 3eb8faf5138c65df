// The squad: a tile or a row for each athlete. A tick changes only what differs.
import { fill, h, setClass, setLabel, setText } from "./dom.js";
import { age, listen, sampleTime, status, store, trend, trendOf, value } from "./store.js";
import { duration, label, number, t, withUnit } from "./text.js";
import { show as welcome } from "./welcome.js";

export const STALE_S = 3;
export const GONE_S = 30;
const DEFAULTS = { main: "heart_rate_bpm", figures: ["trimp", "distance_m", "metres_per_min"], sort: "number", view: "tiles" };
const MADE = {
  metres_per_min: { key: "metres_per_min", unit: "m/min", decimals: 0, of: (key) => ratio(value(key, "distance_m"), value(key, "measured_s") / 60) },
};

function ratio(total, minutes) {
  return total === null || !(minutes > 0.1) ? null : total / minutes;
}

export function settings() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem("squad") ?? "{}") };
  } catch {
    return DEFAULTS;
  }
}

function keep(changes) {
  localStorage.setItem("squad", JSON.stringify({ ...settings(), ...changes }));
}

export const figureOf = (key) => store.figures[key] ?? MADE[key] ?? { key, label: key, unit: "", decimals: 0 };
export const valueOf = (person, key) => (store.place[key] === undefined && MADE[key] ? MADE[key].of(person) : value(person, key));

const SOURCE = { sensor: "strap", model: "model", model_corrected: "corrected", held: "held" };

/** Percent of the own maximum. */
export function share(key) {
  const [bpm, most] = [value(key, "heart_rate_bpm"), value(key, "hr_max_bpm")];
  return bpm === null || !most ? null : (100 * bpm) / most;
}

export function alarmOf(person) {
  const alarms = (store.team.alarms ?? []).filter((one) => one.athlete_id === person.athlete_id && person.athlete_id);
  return alarms.find((one) => !one.acknowledged_t) ?? alarms[0];
}

export function pitchState(person) {
  return store.team.pitch?.[person.athlete_id] ?? "";
}

/** Why there is nothing to see, or what is old. */
function stateLine(person, alarm) {
  const old = age(person.key);
  if (alarm) return `${alarm.level === "warning" ? "▲" : "⚠"} ${alarm.text}`;
  if (pitchState(person) === "unavailable") return t("unavailable");
  if (old === null) return t("never_sent");
  if (old > GONE_S) return t("silent_for", { time: duration(old) });
  if (old > STALE_S) return t("old", { time: duration(old) });
  if (value(person.key, "heart_rate_bpm") === null) return t("no_heart_rate");
  return pitchState(person) === "off" ? t("bench") : "";
}

class Tile {
  constructor(person, place) {
    this.person = person;
    this.place = place;
    this.parts = {
      number: h("b", {}), name: h("span", { dir: "auto" }), where: h("span", { class: "where muted" }), value: h("span", { class: "value" }),
      interval: h("span", { class: "interval" }), zoneText: h("span", {}), source: h("span", { class: "source" }),
      percent: h("span", { class: "percent" }), first: h("span", { class: "figure" }), second: h("span", { class: "figure right" }),
      third: h("span", { class: "figure" }), dots: h("span", { class: "figure right", role: "img" }), state: h("span", { class: "state" }),
    };
    const part = this.parts;
    part.zone = h("span", { class: "zone" }, part.zoneText);
    part.canvas = h("canvas", { "aria-hidden": "true" });
    this.node = h("a", { class: "tile", href: `/athlete/${encodeURIComponent(person.key)}`, "data-key": person.key },
      h("span", { class: "line who" }, part.number, part.name, part.where),
      h("span", { class: "line main" }, part.value, part.interval, part.zone, part.source),
      h("span", { class: "line trend" }, part.canvas, part.percent),
      h("span", { class: "line" }, part.first, part.second), h("span", { class: "line" }, part.third, part.dots), part.state);
    this.drawn = -1;
  }

  update(person, chosen, tick) {
    this.person = person;
    const { key } = person;
    const part = this.parts;
    const alarm = alarmOf(person);
    const old = age(key);
    const isHeart = chosen.main === "heart_rate_bpm";
    const source = value(key, "heart_rate_source");
    const main = valueOf(key, chosen.main);
    const gone = old === null || old > GONE_S;
    setText(part.number, person.number === null || person.number === undefined ? "" : String(person.number));
    setText(part.name, person.name);
    setText(part.where, person.position ?? "");
    setText(part.value, gone ? "–" : number(main, figureOf(chosen.main).decimals));
    const low = value(key, "heart_rate_low_bpm");
    const wide = isHeart && !gone && low !== null ? Math.round((value(key, "heart_rate_high_bpm") - low) / 2) : null;
    setText(part.interval, wide === null ? "" : `±${wide}`);
    const zone = gone || !isHeart ? null : value(key, "heart_rate_zone");
    setText(part.zoneText, zone === null ? "" : `${t("zone_short")}${zone}`);
    part.zone.hidden = zone === null;
    const sure = source === "sensor" && !(old > STALE_S);
    setClass(part.zone, `zone z${zone}${sure ? " sure" : ""}`);
    setText(part.source, gone ? "" : isHeart ? (source ? t(`source.${SOURCE[source] ?? "none"}`) : "") : figureOf(chosen.main).unit);
    setClass(part.source, `source${source?.startsWith("model") ? " model" : ""}`);
    const percent = share(key);
    setText(part.percent, gone || percent === null ? "" : `${Math.round(percent)} %`);
    ["first", "second", "third"].forEach((name, at) => setText(part[name], this.figure(chosen.figures[at])));
    const strap = source === "sensor" || source === "held";
    setText(part.dots, gone ? "" : `${strap ? "●" : "○"}${old > STALE_S ? "○" : "●"}`);
    setLabel(part.dots, gone ? "" : t("dots", { strap: t(strap ? "good" : "missing"), data: t(old > STALE_S ? "missing" : "good") }));
    setText(part.state, stateLine(person, alarm) || " ");
    const off = pitchState(person) === "off" || pitchState(person) === "unavailable";
    setClass(this.node, ["tile", gone ? "gone" : old > STALE_S ? "old" : "", sure ? "" : "unsure", off || old === null ? "off" : "",
      alarm ? `alarmed ${alarm.level ?? ""} ${alarm.acknowledged_t ? "quiet" : ""}` : ""].join(" "));
    if (this.drawn < 0 || (tick + this.place) % 5 === 0) this.draw(tick, zone);
  }

  figure(key) {
    if (!key) return "";
    const figure = figureOf(key);
    const shown = withUnit(valueOf(this.person.key, key), figure);
    return figure.unit ? shown : `${label(figure)} ${shown}`;
  }

  /** The last five minutes, without axes; one tile in five is drawn at a time. */
  draw(tick, zone) {
    const canvas = this.parts.canvas;
    const ratio_ = Math.min(devicePixelRatio, 2);
    const [width, height] = [this.width ||= canvas.clientWidth, 28];
    if (!width) return;
    this.drawn = tick;
    if (canvas.width !== Math.round(width * ratio_)) [canvas.width, canvas.height] = [Math.round(width * ratio_), height * ratio_];
    const context = canvas.getContext("2d");
    const values = trend(this.person.key);
    const known = values.filter((one) => one !== null);
    context.setTransform(ratio_, 0, 0, ratio_, 0, 0);
    context.clearRect(0, 0, width, height);
    if (known.length < 2) return;
    const low = Math.min(...known);
    const span = Math.max(Math.max(...known) - low, 20);
    context.beginPath();
    let pen = false;
    values.forEach((one, at) => {
      if (one === null) return void (pen = false);
      const [x, y] = [1 + (at * (width - 2)) / (values.length - 1), height - 3 - ((one - low) / span) * (height - 6)];
      if (pen) context.lineTo(x, y);
      else context.moveTo(x, y);
      pen = true;
    });
    context.strokeStyle = colour(zone === null ? "--muted" : `--z${zone}`);
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.stroke();
  }
}

const colours = new Map();
addEventListener("theme", () => colours.clear());
export function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colours.get(name);
}

const SORTS = {
  number: (one) => [one.number ?? 1e9, one.athlete_id || 1e9],
  name: (one) => [one.name.toLowerCase()],
  position: (one) => [one.position ?? "~", one.number ?? 1e9],
  group: (one) => [one.group ?? "~", one.number ?? 1e9],
};
const PITCH_FIRST = { on: 0, "": 1, off: 2, unavailable: 3 };

/** Who is on the pitch first; then by what the coach chose; figures from the highest. */
export function sorted(people, by) {
  const key = SORTS[by] ?? ((one) => [-(valueOf(one.key, by) ?? -1e9)]);
  const rank = new Map(people.map((one) => [one.key, [PITCH_FIRST[pitchState(one)] ?? 1, ...key(one), one.key]]));
  return [...people].sort((one, other) => compare(rank.get(one.key), rank.get(other.key)));
}

function compare(one, other) {
  for (let at = 0; at < one.length; at += 1) {
    const order = typeof one[at] === "string" ? one[at].localeCompare(other[at], undefined, { numeric: true }) : one[at] - other[at];
    if (order) return order;
  }
  return 0;
}

/** Means and sums of those who send. */
function sums() {
  const keys = [...store.people.keys()];
  const fresh = keys.filter((key) => age(key) !== null && age(key) <= GONE_S);
  const known = (figure) => fresh.map((key) => value(key, figure)).filter((one) => typeof one === "number");
  const mean = (values) => (values.length ? values.reduce((sum, one) => sum + one, 0) / values.length : null);
  const parts = [];
  if (known("heart_rate_bpm").length) parts.push(`${number(mean(known("heart_rate_bpm")))} bpm`);
  if (known("trimp").length) parts.push(t("sums.trimp", { value: number(mean(known("trimp"))) }));
  const metres = known("distance_m");
  if (metres.length) parts.push(`${number(metres.reduce((sum, one) => sum + one, 0) / 1000, 1)} km`);
  const missing = keys.filter((key) => (age(key) === null || age(key) > GONE_S) && pitchState(store.people.get(key)) !== "unavailable").length;
  parts.push(missing ? t("sums.missing", { count: missing }) : t("sums.all_there"));
  return `${t("sums.squad")}: ${parts.join(" · ")}`;
}

/** The squad; a welcome as long as there is nobody. */
export function show(place) {
  let leave = null;
  let empty = null;
  const choose = () => {
    const now = !store.people.size && store.seq > 0;
    if (now === empty) return;
    empty = now;
    leave?.();
    leave = now ? welcome(place) : showTiles(place);
  };
  choose();
  const stop = listen((kind) => (kind === "squad" || kind === "frame") && choose());
  return () => (stop(), leave?.());
}

function showTiles(place) {
  const tiles = new Map();
  const box = h("div", { class: "tiles" });
  const list = h("div", { class: "table" });
  const total = h("span", { class: "sums" });
  const sort = h("select", { "aria-label": t("sort"), onchange: () => (keep({ sort: sort.value }), arrange()) });
  const views = h("button", { onclick: () => (keep({ view: settings().view === "tiles" ? "rows" : "tiles" }), arrange()) });
  const bar = h("div", { class: "bar" }, total, h("label", { class: "row" }, h("span", { class: "small muted" }, t("sort")), sort), views,
    h("button", { onclick: () => chooseFigures(arrange) }, t("figures")));
  const aside = h("aside", {});
  const squad = h("div", { class: "squad" }, h("div", {}, box, list), aside, bar);
  fill(place, h("h1", { class: "skip" }, t("page.squad")), squad);
  let tick = 0;
  let leaveAthlete = null;

  /** On a wide screen the curves of the chosen athlete are beside the tiles. */
  const wide = matchMedia("(min-width: 1600px)");
  async function beside(key) {
    squad.classList.toggle("beside", wide.matches);
    leaveAthlete?.();
    leaveAthlete = null;
    if (!wide.matches || !key) return fill(aside);
    chosenKey = key;
    leaveAthlete = () => {};
    leaveAthlete = (await import("./athlete.js")).show(aside, [key]);
    return null;
  }
  let chosenKey = null;
  box.addEventListener("click", (event) => {
    const key = event.target.closest(".tile")?.dataset.key;
    if (!key || !wide.matches || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    beside(key);
  });
  const widened = () => beside(chosenKey ?? box.firstChild?.dataset.key);
  wide.addEventListener("change", widened);

  function sortChoices() {
    const figures = [settings().main, ...settings().figures];
    const choices = [...Object.keys(SORTS).map((key) => [key, t(`sort.${key}`)]), ...figures.map((key) => [key, label(figureOf(key))])];
    fill(sort, choices.map(([key, text]) => h("option", { value: key }, text)));
    sort.value = settings().sort;
  }

  function arrange() {
    const chosen = settings();
    sortChoices();
    setText(views, chosen.view === "tiles" ? t("view.rows") : t("view.tiles"));
    box.hidden = chosen.view !== "tiles";
    list.hidden = chosen.view === "tiles";
    trendOf(chosen.main);
    const order = sorted([...store.people.values()], chosen.sort);
    for (const key of [...tiles.keys()]) if (!store.people.has(key)) tiles.delete(key);
    order.forEach((person, at) => {
      if (!tiles.has(person.key)) tiles.set(person.key, new Tile(person, at));
    });
    const nodes = order.map((person) => tiles.get(person.key).node);
    if (nodes.length !== box.children.length || nodes.some((node, at) => node !== box.children[at])) box.replaceChildren(...nodes);
    update();
    if (wide.matches && !leaveAthlete && order.length) beside(order[0].key);
  }

  function update() {
    tick += 1;
    const chosen = settings();
    if (chosen.view === "tiles") for (const [key, tile] of tiles) tile.update(store.people.get(key), chosen, tick);
    else rows(list, chosen);
    setText(total, sums());
  }

  const stop = listen((kind) => {
    if (kind === "trends") for (const tile of tiles.values()) tile.drawn = -1;
    if (kind === "squad" || kind === "team" || kind === "trends") arrange();
    else if (kind === "frame" || (kind === "clock" && !store.connected)) update();
  });
  const resize = () => tiles.forEach((tile) => { tile.width = 0; tile.drawn = -1; });
  addEventListener("resize", resize);
  addEventListener("theme", resize);
  arrange();
  widened();
  return () => (stop(), leaveAthlete?.(), wide.removeEventListener("change", widened), removeEventListener("resize", resize), removeEventListener("theme", resize));
}

/** The squad as a table. */
function rows(place, chosen) {
  const figures = [chosen.main, ...chosen.figures];
  const order = sorted([...store.people.values()], chosen.sort);
  const head = h("tr", {}, h("th", { scope: "col" }, t("column.number")), h("th", { scope: "col", class: "text" }, t("column.name")), h("th", { scope: "col", class: "text" }, t("column.zone")),
    figures.map((key) => h("th", { scope: "col" }, label(figureOf(key)))), h("th", { scope: "col", class: "text" }, t("column.state")));
  const body = order.map((person) => {
    const zone = value(person.key, "heart_rate_zone");
    return h("tr", {}, h("td", {}, person.number ?? ""), h("td", { class: "name text" }, h("a", { href: `/athlete/${encodeURIComponent(person.key)}`, dir: "auto" }, person.name)),
      h("td", { class: "text" }, zone === null ? "" : h("span", { class: `zone z${zone}` }, `${t("zone_short")}${zone}`)),
      figures.map((key) => h("td", {}, withUnit(valueOf(person.key, key), figureOf(key)))), h("td", { class: "text" }, stateLine(person, alarmOf(person))));
  });
  fill(place, h("table", {}, h("thead", {}, head), h("tbody", {}, body)));
}

/** Which figures this screen shows. */
function chooseFigures(done) {
  const chosen = settings();
  const keys = [...Object.keys(MADE), ...store.columns].filter((key) => (store.figures[key] ?? MADE[key]) && figureOf(key).decimals !== null);
  const main = h("select", {}, keys.map((key) => h("option", { value: key }, label(figureOf(key)))));
  main.value = chosen.main;
  const small = chosen.figures.map((picked) => {
    const select = h("select", {}, keys.map((key) => h("option", { value: key }, label(figureOf(key)))));
    select.value = picked;
    return select;
  });
  const dialog = h("dialog", { "aria-label": t("figures") }, h("h2", {}, t("figures")),
    h("label", { class: "field" }, t("figures.main"), main), small.map((select, at) => h("label", { class: "field" }, t("figures.small", { place: at + 1 }), select)),
    h("div", { class: "row" }, h("button", { class: "primary", onclick: () => { keep({ main: main.value, figures: small.map((select) => select.value) }); dialog.close(); done(); } }, t("save")),
      h("button", { onclick: () => dialog.close() }, t("cancel"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
