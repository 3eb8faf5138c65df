// The squad: a tile or a row for each athlete. A tick changes only what differs.
import { GONE_S, ORDERS, alarmOf, choices, figureOf, keep, pitchState, reached, settings, sorted } from "./figures.js";
import { asked, fill, h, remember, setClass, setText } from "./dom.js";
import { age, listen, store, trendOf, value } from "./store.js";
import { Tile, stateLine } from "./tile.js";
import { label, number, t, withUnit } from "./text.js";
import { show as welcome } from "./welcome.js";

const TILES_AT_ONCE = 30;
const SORT_EVERY = 10; // by a figure: places change now and then, not while somebody looks for a name

function add(sum, one) {
  if (typeof one !== "number") return;
  sum[0] += one;
  sum[1] += 1;
}

/** Means and sums of those who send. */
function sums() {
  const [heart, trimp, metres] = [[0, 0], [0, 0], [0, 0]];
  let missing = 0;
  for (const person of store.people.values()) {
    const old = age(person.key);
    if (old === null || old > GONE_S) {
      missing += pitchState(person) !== "unavailable";
      continue;
    }
    add(heart, value(person.key, "heart_rate_bpm"));
    add(trimp, value(person.key, "trimp"));
    add(metres, value(person.key, "distance_m"));
  }
  const parts = [heart[1] && `${number(heart[0] / heart[1])} bpm`, trimp[1] && t("sums.trimp", { value: number(trimp[0] / trimp[1], trimp[0] / trimp[1] < 10 ? 1 : 0) }),
    metres[1] && `${number(metres[0] / 1000, 1)} km`, missing ? t("sums.missing", { count: missing }) : t("sums.all_there")];
  return parts.filter(Boolean).join(" · ");
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
  const table = new Rows();
  const box = h("div", { class: "tiles" });
  const list = h("div", { class: "table" }, table.node);
  const total = h("span", { class: "sums" });
  const sort = h("select", { "aria-label": t("sort"), onchange: () => (keep({ sort: sort.value }), arrange()) });
  const views = h("button", { onclick: () => (keep({ view: settings().view === "tiles" ? "rows" : "tiles" }), arrange()) });
  const bar = h("div", { class: "bar" }, total, h("label", { class: "row" }, h("span", { class: "small muted" }, t("sort")), sort), views,
    h("button", { onclick: () => chooseFigures(arrange) }, t("figures")));
  const aside = h("aside", {});
  const squad = h("div", { class: "squad" }, h("div", {}, box, list), aside, bar);
  fill(place, h("h1", { class: "skip" }, t("page.squad")), squad);
  let tick = 0;
  let chosen = settings();
  let leaveAthlete = null;

  /** On a wide screen the curves of the chosen athlete are beside the tiles. */
  const wide = matchMedia("(min-width: 1600px)");
  async function beside(key) {
    squad.classList.toggle("beside", wide.matches);
    leaveAthlete?.();
    leaveAthlete = null;
    if (!wide.matches || !key) return fill(aside);
    chosenKey = key;
    remember({ athlete: key === box.firstChild?.dataset.key ? null : key });
    leaveAthlete = () => {};
    leaveAthlete = (await import("./athlete.js")).show(aside, [key]);
    return null;
  }
  let chosenKey = asked("athlete");
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
    const { main, figures } = settings();
    const kept = `${main},${figures},${store.columns.length}`;
    if (sort.dataset.kept === kept) return;
    sort.dataset.kept = kept;
    const shown = new Set([main, ...figures]);
    const option = ([key, text]) => h("option", { value: key }, text);
    fill(sort, ORDERS.map((key) => option([key, t(`sort.${key}`)])), h("optgroup", { label: t("sort.shown") }, [...shown].map((key) => option([key, label(figureOf(key))]))),
      h("optgroup", { label: t("sort.all") }, choices().filter(([key]) => !shown.has(key)).map(option)));
  }

  function arrange() {
    chosen = settings();
    sortChoices();
    sort.value = chosen.sort;
    setText(views, chosen.view === "tiles" ? t("view.rows") : t("view.tiles"));
    box.hidden = chosen.view !== "tiles";
    list.hidden = chosen.view === "tiles";
    trendOf(chosen.main);
    const order = ordered();
    update();
    if (wide.matches && !leaveAthlete && order.length) beside(store.people.has(chosenKey) ? chosenKey : order[0].key);
  }

  /** Puts everybody where the chosen order wants them. */
  function ordered() {
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
    return order;
  }

  /** A few tiles in each animation frame: the page never blocks for long, whatever the size of the squad. */
  const waiting = new Set();
  let working = 0;
  function work() {
    working = 0;
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
  }, { rootMargin: "0px" });

  function update() {
    tick += 1;
    if (tick % SORT_EVERY === 0 && !ORDERS.includes(chosen.sort)) ordered();
    if (chosen.view === "tiles") {
      for (const tile of tiles.values()) if (tile.visible) waiting.add(tile);
      if (!working) working = requestAnimationFrame(work);
    } else table.update(sorted([...store.people.values()], chosen.sort), chosen);
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

/** The squad as a table whose rows stay: only what differs is touched, so that keys and readers keep their place. */
class Rows {
  constructor() {
    this.body = h("tbody", { role: "rowgroup" });
    this.head = h("tr", { role: "row" });
    this.node = h("table", { role: "table", "aria-label": t("page.squad") }, h("thead", { role: "rowgroup" }, this.head), this.body);
    this.rows = new Map();
    this.columns = "";
  }

  update(order, chosen) {
    const figures = [chosen.main, ...chosen.figures];
    if (this.columns !== figures.join()) this.begin(figures);
    const nodes = order.map((person) => this.row(person, figures));
    if (nodes.length !== this.body.children.length || nodes.some((node, at) => node !== this.body.children[at])) this.body.replaceChildren(...nodes);
  }

  begin(figures) {
    this.columns = figures.join();
    this.rows.clear();
    const text = { scope: "col", role: "columnheader", class: "text" };
    fill(this.head, h("th", { ...text, class: "number" }, t("column.number")), h("th", text, t("column.name")), h("th", text, t("column.zone")),
      figures.map((key) => h("th", { ...text, class: null }, label(figureOf(key)))), h("th", text, t("column.state")));
  }

  row(person, figures) {
    const known = this.rows.get(person.key) ?? this.add(person, figures);
    const old = age(person.key);
    const alarm = alarmOf(person);
    const zone = old === null || old > GONE_S ? null : value(person.key, "heart_rate_zone");
    setText(known.number, String(person.number ?? ""));
    setText(known.name, person.name);
    setText(known.zone, zone === null ? "" : `${t("zone_short")}${zone}`);
    setClass(known.zone, zone === null ? "zone none" : `zone z${zone}${value(person.key, "heart_rate_source") === "sensor" ? " sure" : ""}`);
    figures.forEach((key, at) => {
      const percent = reached(person, key);
      setText(known.figures[at], withUnit(value(person.key, key), figureOf(key)) + (percent === null ? "" : ` · ${percent} %`));
    });
    setText(known.state, stateLine(person, alarm, old));
    setClass(known.state, alarm ? `text state ${alarm.acknowledged_t ? "muted" : alarm.level}` : "text state muted");
    setClass(known.node, old === null || old > GONE_S ? "gone" : "");
    return known.node;
  }

  add(person, figures) {
    const cell = (name, kind = null, inside = null) => h("td", { role: "cell", class: kind, "data-label": name }, inside);
    const known = { number: cell(null, "number"), name: h("a", { href: `/athlete/${encodeURIComponent(person.key)}`, dir: "auto" }), zone: h("span", {}), figures: figures.map((key) => cell(label(figureOf(key)))), state: cell(null) };
    known.node = h("tr", { role: "row" }, known.number, cell(null, "name text", known.name), cell(t("column.zone"), "text", known.zone), known.figures, known.state);
    this.rows.set(person.key, known);
    return known;
  }
}

/** Which figures this screen shows. */
function chooseFigures(done) {
  const chosen = settings();
  const pick = (picked, text) => {
    const select = h("select", {}, choices().map(([key, name]) => h("option", { value: key }, name)));
    select.value = picked;
    return [h("label", { class: "field" }, text, select), select];
  };
  const [mainField, main] = pick(chosen.main, t("figures.main"));
  const small = chosen.figures.map((picked, at) => pick(picked, t("figures.small", { place: at + 1 })));
  const save = () => { keep({ main: main.value, figures: small.map(([, select]) => select.value) }); dialog.close(); done(); };
  const dialog = h("dialog", { "aria-label": t("figures") }, h("h2", {}, t("figures")), mainField, small.map(([field]) => field),
    h("div", { class: "row" }, h("button", { class: "primary", onclick: save }, t("save")), h("button", { onclick: () => dialog.close() }, t("cancel"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
