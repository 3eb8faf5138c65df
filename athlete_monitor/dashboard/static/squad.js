// The squad: a tile or a row for each athlete. A tick changes only what differs.
import { SVG, fill, h, setAttribute, setLabel, setText } from "./dom.js";
import { age, listen, sampleTime, status, store, trend, trendOf, value } from "./store.js";
import { duration, label, number, t, withUnit } from "./text.js";
import { show as welcome } from "./welcome.js";

export const STALE_S = 3;
export const GONE_S = 30;
const TILES_AT_ONCE = 30;
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
  let found;
  for (const one of store.team.alarms ?? NO_ALARMS) {
    if (one.athlete_id !== person.athlete_id || !person.athlete_id || one.cleared_t) continue;
    if (!found || (found.acknowledged_t && !one.acknowledged_t)) found = one;
  }
  return found;
}

export function pitchState(person) {
  return store.team.pitch?.[person.athlete_id] ?? "";
}

/** Why there is nothing to see, or what is old. */
function stateLine(person, alarm, old) {
  if (alarm) return `${alarm.level === "danger" ? "⚠" : "▲"} ${alarm.text.startsWith(`${person.name}: `) ? alarm.text.slice(person.name.length + 2) : alarm.text}`;
  if (pitchState(person) === "unavailable") return t("unavailable");
  if (old === null) return t("never_sent");
  if (old > GONE_S) return t("silent_for", { time: duration(old) });
  if (old > STALE_S) return t("old", { time: duration(old) });
  if (value(person.key, "heart_rate_bpm") === null) return t("no_heart_rate");
  return pitchState(person) === "off" ? t("bench") : "";
}

const SMALL = ["first", "second", "third"];
const NO_ALARMS = [];

function interval(key) {
  const low = value(key, "heart_rate_low_bpm");
  return low === null ? "" : `±${Math.round((value(key, "heart_rate_high_bpm") - low) / 2)}`;
}

const sourceText = (source) => (source ? t(`source.${SOURCE[source] ?? "none"}`) : "");

class Tile {
  constructor(person, place) {
    this.person = person;
    this.place = place;
    this.parts = {
      number: h("b", {}), name: h("span", { dir: "auto" }), where: h("span", { class: "where muted" }), value: h("span", { class: "value" }),
      interval: h("span", { class: "interval" }), zoneText: h("span", {}), source: h("span", { class: "source" }),
      percent: h("span", { class: "percent" }), first: h("span", { class: "figure first" }), second: h("span", { class: "figure second" }),
      third: h("span", { class: "figure third" }), dots: h("span", { class: "figure dots", role: "img" }), state: h("span", { class: "state" }),
    };
    const part = this.parts;
    part.zone = h("span", { class: "zone" }, part.zoneText);
    const { svg, line } = spark();
    part.line = line;
    this.node = h("a", { class: "tile", href: `/athlete/${encodeURIComponent(person.key)}`, "data-key": person.key },
      h("span", { class: "who" }, part.number, part.name, part.where), part.value, h("span", { class: "about" }, part.zone, part.source, part.interval),
      svg, part.percent, part.first, part.second, part.third, part.dots, part.state);
    this.drawn = -1;
    this.shown = {};
    this.classes = {};
  }

  /** Sets what differs from what is shown; the page itself is not asked. */
  put(name, text) {
    if (this.shown[name] === text) return;
    this.shown[name] = text;
    setText(this.parts[name], text);
  }

  paint(name, text) {
    if (this.classes[name] === text) return;
    this.classes[name] = text;
    (this.parts[name] ?? this.node).className = text;
  }

  update(person, chosen, tick) {
    this.person = person;
    const { key } = person;
    const isHeart = chosen.main === "heart_rate_bpm";
    const source = value(key, "heart_rate_source");
    const old = age(key);
    const gone = old === null || old > GONE_S;
    const sure = source === "sensor" && !(old > STALE_S);
    const zone = gone || !isHeart ? null : value(key, "heart_rate_zone");
    this.put("number", person.number === null || person.number === undefined ? "" : String(person.number));
    this.put("name", person.name);
    this.put("where", person.position ?? "");
    this.put("value", gone ? "–" : number(valueOf(key, chosen.main), figureOf(chosen.main).decimals));
    this.put("interval", isHeart && !gone ? interval(key) : "");
    this.put("zoneText", zone === null ? "" : `${t("zone_short")}${zone}`);
    this.paint("zone", zone === null ? "zone none" : `zone z${zone}${sure ? " sure" : ""}`);
    this.put("source", gone ? "" : isHeart ? sourceText(source) : figureOf(chosen.main).unit);
    this.paint("source", source?.startsWith("model") ? "source model" : "source");
    const percent = gone ? null : share(key);
    this.put("percent", percent === null ? "" : `${Math.round(percent)} %`);
    for (let at = 0; at < SMALL.length; at += 1) this.put(SMALL[at], this.figure(chosen.figures[at]));
    this.dots(gone, source === "sensor" || source === "held", old > STALE_S);
    this.mark(person, old, gone, sure);
    if (this.drawn < 0 || (tick + this.place) % 5 === 0) this.draw(tick, zone);
  }

  dots(gone, strap, stale) {
    const text = gone ? "" : `${strap ? "●" : "○"}${stale ? "○" : "●"}`;
    if (this.shown.dots === text) return;
    this.put("dots", text);
    setLabel(this.parts.dots, t("dots", { strap: t(strap && !gone ? "good" : "missing"), data: t(stale || gone ? "missing" : "good") }));
  }

  /** The line of what is wrong, and how the tile as a whole looks. */
  mark(person, old, gone, sure) {
    const alarm = alarmOf(person);
    const state = pitchState(person);
    this.put("state", stateLine(person, alarm, old) || " ");
    const alarmed = alarm ? ` alarmed ${alarm.level ?? ""}${alarm.acknowledged_t ? " quiet" : ""}` : "";
    const off = state === "off" || state === "unavailable" || old === null ? " off" : "";
    this.paint("tile", `tile${gone ? " gone" : old > STALE_S ? " old" : ""}${sure ? "" : " unsure"}${off}${alarmed}`);
  }

  figure(key) {
    if (!key) return "";
    const figure = figureOf(key);
    const shown = withUnit(valueOf(this.person.key, key), figure);
    return figure.unit ? shown : `${label(figure)} ${shown}`;
  }

  /** The last five minutes, without axes; one tile in five is drawn at a time. */
  draw(tick, zone) {
    this.drawn = tick;
    const values = trend(this.person.key);
    const known = values.filter((one) => one !== null);
    const low = Math.min(...known);
    const span = Math.max(Math.max(...known) - low, 20);
    let path = "";
    let pen = "M";
    if (known.length > 1) {
      values.forEach((one, at) => {
        if (one !== null) path += `${pen}${at * 2} ${(25 - ((one - low) / span) * 22).toFixed(1)}`;
        pen = one === null ? "M" : "L";
      });
    }
    if (path !== this.path) this.parts.line.setAttribute("d", (this.path = path));
    setAttribute(this.parts.line, "class", zone === null ? "" : `z${zone}`);
  }
}

function spark() {
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  for (const [key, value_] of Object.entries({ viewBox: "0 0 118 28", preserveAspectRatio: "none", "aria-hidden": "true", class: "spark" })) svg.setAttribute(key, value_);
  svg.append(line);
  return { svg, line };
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
      if (tiles.has(person.key)) return;
      const tile = new Tile(person, at);
      tiles.set(person.key, tile);
      tile.update(person, chosen, tick);
      seen.observe(tile.node);
    });
    const nodes = order.map((person) => tiles.get(person.key).node);
    if (nodes.length !== box.children.length || nodes.some((node, at) => node !== box.children[at])) box.replaceChildren(...nodes);
    update();
    if (wide.matches && !leaveAthlete && order.length) beside(order[0].key);
  }

  /** A few tiles in each animation frame: the page never stands still for long, whatever the size of the squad. */
  const waiting = new Set();
  let working = 0;
  function work() {
    working = 0;
    const chosen = settings();
    let count = 0;
    for (const tile of waiting) {
      waiting.delete(tile);
      const person = store.people.get(tile.person.key);
      if (person) tile.update(person, chosen, tick);
      if ((count += 1) >= TILES_AT_ONCE) break;
    }
    if (waiting.size) working = requestAnimationFrame(work);
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const tile = tiles.get(target.dataset.key);
      if (!tile) continue;
      tile.visible = isIntersecting;
      if (isIntersecting) waiting.add(tile);
    }
    if (waiting.size && !working) working = requestAnimationFrame(work);
  }, { rootMargin: "100px" });

  function update() {
    tick += 1;
    const chosen = settings();
    if (chosen.view === "tiles") {
      for (const tile of tiles.values()) if (tile.visible) waiting.add(tile);
      if (!working) working = requestAnimationFrame(work);
    } else rows(list, chosen);
    setText(total, sums());
  }

  const stop = listen((kind) => {
    if (kind === "trends") for (const tile of tiles.values()) tile.drawn = -1;
    if (kind === "squad" || kind === "team" || kind === "trends") arrange();
    else if (kind === "frame" || (kind === "clock" && !store.connected)) update();
  });
  arrange();
  widened();
  return () => (stop(), leaveAthlete?.(), wide.removeEventListener("change", widened), seen.disconnect(), cancelAnimationFrame(working));
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
      figures.map((key) => h("td", {}, withUnit(valueOf(person.key, key), figureOf(key)))), h("td", { class: "text" }, stateLine(person, alarmOf(person), age(person.key))));
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
