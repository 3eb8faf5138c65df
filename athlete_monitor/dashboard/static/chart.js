// Curves over time on one canvas: panels with a common time axis, bands, markers, zoom, a read-out at the pointer.
import { h, say } from "./dom.js";
import { duration, number, t } from "./text.js";

const LEFT = 44;
const RIGHT = 12;
const AXIS = 22;
const GAP = 18;
const LANE = 20;
const LANES = 2;

/**
 * panels: [{title, unit, decimals, height, lines: [{key, label, colour, width, dash}], band: {low, high, colour}, least, floor}]
 * A line's colour is the name of a CSS variable. Data: {t: [...], key: [... null in gaps]}.
 */
export class Chart {
  constructor(place, panels, describe = () => "") {
    this.panels = this.shown = panels;
    this.describe = describe;
    this.data = { t: [] };
    this.periods = [];
    this.markers = [];
    this.origin = 0;
    this.span = null;
    this.at = null;
    this.lanes = 0;
    this.canvas = h("canvas", { tabindex: 0, role: "img", height: this.height });
    this.readout = h("div", { class: "readout small" });
    this.nothing = h("p", { class: "muted", hidden: true }, t("chart.empty"));
    this.node = h("div", { class: "chart" }, this.readout, this.canvas, this.nothing);
    place.append(this.node);
    this.listen();
  }

  set(data, { periods = [], markers = [], origin = data.t[0] ?? 0 } = {}) {
    Object.assign(this, { data, periods: inLanes(periods), markers, origin });
    this.lanes = Math.max(0, ...this.periods.map((one) => one.lane + 1));
    const isKnown = (panel) => panel.lines.some(({ key }) => data[key]?.some((one) => one !== null));
    if (!this.span) this.shown = this.panels.filter(isKnown); // axes without a curve say nothing
    this.canvas.hidden = this.readout.hidden = !this.shown.length;
    this.nothing.hidden = this.shown.length > 0;
    this.canvas.setAttribute("aria-label", this.describe(data));
    this.draw();
  }

  /** Where the first panel begins: below the names of the periods. */
  get top() {
    return GAP + this.lanes * LANE;
  }

  get height() {
    return this.shown.reduce((sum, panel) => sum + panel.height + GAP, AXIS + 4 + this.lanes * LANE);
  }

  get range() {
    const { t } = this.data;
    return this.span ?? [t[0] ?? 0, Math.max(t.at(-1) ?? 60, (t[0] ?? 0) + 60)];
  }

  listen() {
    const { canvas } = this;
    let from = null;
    const time = (event) => this.timeAt(event.clientX - canvas.getBoundingClientRect().left);
    canvas.addEventListener("pointerdown", (event) => { from = time(event); });
    canvas.addEventListener("pointermove", (event) => {
      this.at = time(event);
      this.dragged = from === null || Math.abs(this.at - from) < 2 ? null : [Math.min(from, this.at), Math.max(from, this.at)];
      this.draw();
    });
    canvas.addEventListener("pointerup", () => {
      if (this.dragged && this.dragged[1] - this.dragged[0] > 10) this.zoom(this.dragged);
      from = this.dragged = null;
      this.draw();
    });
    canvas.addEventListener("pointerleave", () => { from = this.dragged = this.at = null; this.draw(); });
    canvas.addEventListener("dblclick", () => this.zoom(null));
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(canvas);
    this.redraw = () => this.paint();
    addEventListener("theme", this.redraw);
  }

  stop() {
    this.resized.disconnect();
    removeEventListener("theme", this.redraw);
  }

  zoom(span) {
    this.span = span;
    this.draw();
    this.node.dispatchEvent(new CustomEvent("zoom", { detail: span }));
  }

  key(event) {
    const [first, last] = this.range;
    const middle = this.at ?? (first + last) / 2;
    const step = (last - first) / 60;
    const act = {
      ArrowLeft: () => { this.at = Math.max(first, middle - step); },
      ArrowRight: () => { this.at = Math.min(last, middle + step); },
      "+": () => this.zoom([middle - (middle - first) / 2, middle + (last - middle) / 2]),
      "-": () => this.zoom(null),
      Escape: () => this.zoom(null),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
    this.paint();
    say(this.readout.textContent);
  }

  timeAt(x) {
    const [first, last] = this.range;
    return first + ((x - LEFT) / (this.width - LEFT - RIGHT)) * (last - first);
  }

  x(t) {
    const [first, last] = this.range;
    return LEFT + ((t - first) / (last - first)) * (this.width - LEFT - RIGHT);
  }

  style(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = null; this.paint(); });
  }

  paint() {
    const { canvas } = this;
    this.width = canvas.clientWidth;
    if (!this.width) return;
    const ratio = Math.min(devicePixelRatio, 2);
    canvas.style.height = `${this.height}px`;
    const [width, height] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = (this.pen = canvas.getContext("2d"));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = "12px system-ui, sans-serif";
    this.window = this.visible();
    let { top } = this;
    this.ribbon();
    for (const panel of this.shown) {
      this.panel(panel, top, panel === this.shown[0]);
      top += panel.height + GAP;
    }
    this.axis(top - GAP);
    this.cursor(top - GAP);
  }

  /** First and last position of the data in view, with one more on each side. */
  visible() {
    const { t } = this.data;
    const [first, last] = this.range;
    const low = Math.max(0, bisect(t, first) - 1);
    return [low, Math.min(t.length, bisect(t, last) + 1)];
  }

  limits(panel) {
    let [low, high] = [Infinity, -Infinity];
    const keys = [...panel.lines.map((line) => line.key), ...(panel.band ? [panel.band.low, panel.band.high] : [])];
    for (const key of keys) {
      const values = this.data[key] ?? [];
      for (let at = this.window[0]; at < this.window[1]; at += 1) {
        const one = values[at];
        if (one === null || one === undefined) continue;
        if (one < low) low = one;
        if (one > high) high = one;
      }
    }
    if (low > high) return [panel.floor ?? 0, (panel.floor ?? 0) + panel.least];
    if (panel.floor !== undefined) low = panel.floor;
    return high - low < panel.least ? [low, low + panel.least] : [low, high];
  }

  panel(panel, top, isFirst) {
    const { pen } = this;
    const [low, high] = this.limits(panel);
    const y = (value) => top + panel.height - 4 - ((value - low) / (high - low)) * (panel.height - 8);
    this.shades(top, panel.height, isFirst);
    Object.assign(pen, { fillStyle: this.style("--muted"), strokeStyle: this.style("--line"), lineWidth: 1, textBaseline: "middle", textAlign: "right" });
    for (const tick of ticks(low, high, Math.max(2, Math.floor(panel.height / 40)))) {
      pen.beginPath();
      pen.moveTo(LEFT, Math.round(y(tick)) + 0.5);
      pen.lineTo(this.width - RIGHT, Math.round(y(tick)) + 0.5);
      pen.stroke();
      pen.fillText(number(tick, tick % 1 ? 1 : 0), LEFT - 6, y(tick));
    }
    pen.save();
    this.clip(LEFT, top - 2, this.width - LEFT - RIGHT, panel.height + 4);
    if (panel.band) this.band(panel.band, y);
    for (const line of panel.lines) this.line(line, y);
    pen.restore();
    Object.assign(pen, { textAlign: "left", textBaseline: "top", fillStyle: this.style("--text") });
    pen.fillText(panel.unit ? `${panel.title}, ${panel.unit}` : panel.title, LEFT + 6, top - GAP + 3);
  }

  /** Names of the periods in a band above the curves. */
  ribbon() {
    const { pen } = this;
    const [first, last] = this.range;
    for (const { from, to, label, lane } of this.periods) {
      const [a, b] = [this.x(Math.max(from, first)), this.x(Math.min(to ?? last, last))];
      if (b <= a) continue;
      pen.fillStyle = this.style("--period");
      pen.fillRect(a, 2 + lane * LANE, Math.max(1, b - a - 1), LANE - 2);
      if (b - a > 24) this.label(label, a + 6, 2 + lane * LANE + (LANE - 2) / 2, b - a - 10);
    }
  }

  /** Where periods begin and end as thin lines; those of one athlete behind all panels; markers with their text. */
  shades(top, height, named) {
    const { pen } = this;
    const [first, last] = this.range;
    pen.fillStyle = this.style("--line");
    for (const { from, to } of this.periods) for (const t of [from, to ?? Infinity]) if (t >= first && t <= last) pen.fillRect(Math.round(this.x(t)), top, 1, height);
    for (const marker of this.markers) {
      if (marker.t < first || marker.t > last) continue;
      pen.fillStyle = this.style("--text");
      pen.fillRect(Math.round(this.x(marker.t)), top, 1, height);
      if (named) this.label(`▾ ${marker.text}`, this.x(marker.t) + 3, top + 8, 160);
    }
  }

  clip(...box) {
    this.pen.beginPath();
    this.pen.rect(...box);
    this.pen.clip();
  }

  label(text, x, y, most) {
    const { pen } = this;
    pen.save();
    this.clip(x, y - 10, most, 20);
    Object.assign(pen, { fillStyle: this.style("--text"), textAlign: "left", textBaseline: "middle" });
    pen.fillText(text, x, y);
    pen.restore();
  }

  line({ key, colour, width = 2, dash = [] }, y) {
    const { pen, data } = this;
    const values = data[key] ?? [];
    const gap = this.gap();
    pen.beginPath();
    let before = null;
    for (let at = this.window[0]; at < this.window[1]; at += 1) {
      const one = values[at];
      const t = data.t[at];
      if (one !== null && one !== undefined) {
        if (before === null || t - before > gap) pen.moveTo(this.x(t), y(one));
        else pen.lineTo(this.x(t), y(one));
        before = t;
      } else before = null;
    }
    Object.assign(pen, { strokeStyle: this.style(colour), lineWidth: width, lineJoin: "round" });
    pen.setLineDash(dash);
    pen.stroke();
    pen.setLineDash([]);
  }

  /** What lies further apart than this is a gap: several times the usual step. */
  gap() {
    const { t } = this.data;
    return t.length < 3 ? 10 : Math.max(5, (3 * (t.at(-1) - t[0])) / t.length);
  }

  band({ low, high, colour }, y) {
    const { pen, data } = this;
    if (!data[low] || !data[high]) return;
    Object.assign(pen, { fillStyle: this.style(colour), globalAlpha: 0.25 });
    for (let at = this.window[0]; at + 1 < this.window[1]; at += 1) {
      if (data[low][at] === null || data[low][at + 1] === null || data[high][at] === null) continue;
      const a = this.x(data.t[at]);
      pen.fillRect(a, y(data[high][at]), this.x(data.t[at + 1]) - a + 0.5, y(data[low][at]) - y(data[high][at]));
    }
    pen.globalAlpha = 1;
  }

  axis(bottom) {
    const { pen } = this;
    const [first, last] = this.range;
    const step = [5, 10, 30, 60, 300, 600, 900, 1800, 3600].find((one) => (last - first) / one <= Math.max(2, this.width / 90)) ?? 7200;
    Object.assign(pen, { fillStyle: this.style("--muted"), textAlign: "center", textBaseline: "top" });
    for (let t = Math.ceil((first - this.origin) / step) * step; t <= last - this.origin; t += step) {
      pen.fillText(duration(t), this.x(t + this.origin), bottom + 6);
    }
  }

  cursor(bottom) {
    const { pen, data } = this;
    if (this.dragged) {
      Object.assign(pen, { fillStyle: this.style("--focus"), globalAlpha: 0.2 });
      pen.fillRect(this.x(this.dragged[0]), this.top, this.x(this.dragged[1]) - this.x(this.dragged[0]), bottom - this.top);
      pen.globalAlpha = 1;
    }
    const at = this.at === null || !data.t.length ? data.t.length - 1 : Math.min(bisect(data.t, this.at), data.t.length - 1);
    if (this.at !== null && at >= 0) {
      pen.fillStyle = this.style("--text");
      pen.fillRect(Math.round(this.x(data.t[at])), this.top, 1, bottom - this.top);
    }
    const parts = at < 0 ? [] : this.panels.flatMap((panel) => panel.lines.map((line) => [line, panel, data[line.key]?.[at]]));
    const known = parts.filter(([, , value]) => value !== null && value !== undefined);
    const texts = known.map(([line, panel, value]) => `${line.label} ${number(value, panel.decimals)} ${panel.unit}`);
    this.readout.textContent = at < 0 ? "" : [duration(data.t[at] - this.origin), ...texts].join(" · ");
  }
}

/** Periods that overlap lie in lanes of their own; what fits in none shares the last. */
function inLanes(periods) {
  const ends = [];
  return [...periods].sort((one, other) => one.from - other.from).map((one) => {
    let lane = ends.findIndex((end) => end <= one.from);
    if (lane < 0) lane = Math.min(ends.length, LANES - 1);
    ends[lane] = one.to ?? Infinity;
    return { ...one, lane };
  });
}

function bisect(values, value) {
  let [low, high] = [0, values.length];
  for (let middle = high >> 1; low < high; middle = (low + high) >> 1) [low, high] = values[middle] < value ? [middle + 1, high] : [low, middle];
  return low;
}

/** Round values between two limits, about so many. */
export function ticks(low, high, count) {
  const raw = (high - low) / count;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((one) => one * size >= raw) * size;
  const found = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-9; tick += step) found.push(Number(tick.toFixed(6)));
  return found;
}
