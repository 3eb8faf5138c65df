// One athlete as a tile. A tick touches only what differs: most digits of a squad stay the same from second to second.
import { GONE_S, STALE_S, alarmOf, figureOf, pitchState, reached, share, targetLine } from "./figures.js";
import { SVG, h, setAttribute, setLabel, setText } from "./dom.js";
import { age, trend, value } from "./store.js";
import { alarmWords, duration, glance, glanceUnit, said, short, t } from "./text.js";

const SOURCE = { sensor: "strap", model: "model", model_corrected: "corrected", held: "held" };
const CELLS = 3;
const LONG = 9; // characters that fit above a figure for sure
const DRAW_EVERY = 10; // trends have a point each five seconds: one tile in ten is drawn at a time

/** An alarm without the name, which the tile has anyway. */
function shortened(alarm, person) {
  const text = said(alarm.text);
  return text.startsWith(`${person.name}: `) ? text.slice(person.name.length + 2) : alarmWords(alarm, person);
}

/** Why there is nothing to see, what is old, and how far the targets are. */
export function stateLine(person, alarm, old) {
  if (alarm) return `${alarm.level === "danger" ? "⚠" : "▲"} ${shortened(alarm, person)}`;
  const state = pitchState(person);
  if (state === "unavailable") return t("unavailable");
  if (old === null) return t("never_sent");
  if (old > GONE_S) return t("silent_for", { time: duration(old) });
  if (old > STALE_S) return t("old", { time: duration(old) });
  const parts = [person.weak_battery === null || person.weak_battery === undefined ? "" : t("weak_battery", { percent: person.weak_battery }),
    value(person.key, "heart_rate_bpm") === null ? t("no_heart_rate") : "", state === "off" ? t("bench") : "", targetLine(person)];
  return parts.filter(Boolean).join(" · ");
}

function interval(key) {
  const low = value(key, "heart_rate_low_bpm");
  return low === null ? "" : `±${Math.round((value(key, "heart_rate_high_bpm") - low) / 2)}`;
}

const unitOf = (shown, figure) => (figure.unit === "m" && Math.abs(shown) >= 1000 ? "km" : figure.unit);
const part = (name) => h("span", { class: name }, document.createTextNode(""));

function textOf(node) {
  if (!node.firstChild) node.append(document.createTextNode(""));
  return node.firstChild;
}

export class Tile {
  constructor(person, place) {
    this.person = person;
    this.place = place;
    this.parts = { number: h("b", {}), name: h("span", { dir: "auto" }), where: part("where muted"), value: part("value"), interval: part("interval"), zone: part("zone"),
      source: part("source"), percent: part("percent"), state: part("state"), dots: h("span", { class: "dots", role: "img" }), edge: part("edge") };
    this.cells = Array.from({ length: CELLS }, (_, at) => ({ name: part(`name n${at}`), figure: part(`figure n${at}`), unit: part("unit"), bar: part(`done n${at}`), key: null, shown: null, unitShown: null, percent: null }));
    for (const cell of this.cells) cell.figure.append(cell.unit);
    const { svg, line } = spark();
    this.line = line;
    const { number, name, where, ...rest } = this.parts;
    this.node = h("a", { class: "tile", href: `/athlete/${encodeURIComponent(person.key)}`, "data-key": person.key }, this.parts.edge, h("span", { class: "who" }, number, name, where),
      Object.values(rest).slice(0, -1), h("span", { class: "spark" }, svg), this.cells.map((cell) => [cell.name, cell.figure, cell.bar]));
    this.drawn = -1;
    this.shown = {};
    this.texts = {};
    this.classes = {};
  }

  /** Sets what differs from what is shown; the page itself is not asked. */
  put(name, text) {
    if (this.shown[name] === text) return;
    this.shown[name] = text;
    (this.texts[name] ??= textOf(this.parts[name])).data = text;
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
    this.put("value", gone ? "–" : glance(value(key, chosen.main), figureOf(chosen.main), false));
    this.put("interval", isHeart && !gone ? interval(key) : "");
    this.put("zone", zone === null ? "" : `${t("zone_short")}${zone}`);
    this.paint("zone", zone === null ? "zone none" : `zone z${zone}${sure ? " sure" : ""}`);
    this.paint("edge", zone === null ? "edge" : `edge z${zone}${sure ? " sure" : ""}`);
    this.put("source", gone ? "" : isHeart ? (source ? t(`source.${SOURCE[source] ?? "none"}`) : "") : unitOf(value(key, chosen.main), figureOf(chosen.main)));
    this.paint("source", source?.startsWith("model") ? "source model" : "source");
    const percent = gone ? null : share(key);
    this.put("percent", percent === null ? "" : `${Math.round(percent)} %`);
    for (let at = 0; at < CELLS; at += 1) this.cell(this.cells[at], chosen.figures[at]);
    this.dots(gone, source === "sensor" || source === "held", old > STALE_S);
    this.mark(person, old, gone, sure);
    if (this.drawn < 0 || (tick + this.place) % DRAW_EVERY === 0) this.draw(tick, zone);
  }

  /** A figure under its name; a bar below it where there is a target. */
  cell(cell, key) {
    if (cell.key !== key) {
      cell.key = key;
      const name = key ? short(figureOf(key)) : "";
      setText(cell.name, name);
      cell.name.classList.toggle("long", name.length > LONG);
    }
    const now = key ? value(this.person.key, key) : null;
    const text = key ? glance(now, figureOf(key), false) : "";
    if (cell.shown !== text) cell.figure.firstChild.data = cell.shown = text;
    const unit = key ? glanceUnit(now, figureOf(key)) : "";
    if (cell.unitShown !== unit) cell.unit.firstChild.data = cell.unitShown = unit;
    const percent = key ? reached(this.person, key) : null;
    if (cell.percent === percent) return;
    cell.percent = percent;
    cell.bar.style.transform = percent === null ? "scaleX(0)" : `scaleX(${Math.min(percent, 100) / 100})`;
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
    this.put("state", stateLine(person, alarm, old));
    const alarmed = alarm ? ` alarmed ${alarm.level ?? ""}${alarm.acknowledged_t ? " quiet" : ""}` : "";
    const off = state === "off" || state === "unavailable" || old === null ? " off" : "";
    this.paint("tile", `tile${gone ? " gone" : old > STALE_S ? " old" : ""}${sure ? "" : " unsure"}${off}${alarmed}`);
  }

  /** The last five minutes, without axes. */
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
    if (path !== this.path) this.line.setAttribute("d", (this.path = path));
    setAttribute(this.line, "class", zone === null ? "" : `z${zone}`);
  }
}

function spark() {
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  for (const [key, value_] of Object.entries({ viewBox: "0 0 118 28", preserveAspectRatio: "none", "aria-hidden": "true" })) svg.setAttribute(key, value_);
  svg.append(line);
  return { svg, line };
}
