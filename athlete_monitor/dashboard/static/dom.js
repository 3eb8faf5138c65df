// Builds the page from text nodes only: what comes from the wire is never read as HTML.

export const SVG = "http://www.w3.org/2000/svg";

/** What this device remembers; where its browser lets nothing be kept, it remembers as long as the page is open. */
export const kept = storage();

function storage() {
  const known = new Map(); // what could not be kept: nothing may be, or there is no room left
  const unless = (otherwise, ask) => {
    try {
      return ask();
    } catch {
      return otherwise;
    }
  };
  return {
    getItem: (key) => known.get(key) ?? unless(null, () => localStorage.getItem(key)),
    setItem: (key, text) => {
      known.set(key, text);
      if (unless(false, () => (localStorage.setItem(key, text), true))) known.delete(key);
    },
  };
}

/** h("button", {class: "primary", onclick: f, "aria-label": "…"}, "text", node, [nodes]) */
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in PROPERTIES) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const PROPERTIES = { value: 1, checked: 1, disabled: 1 };

/** Sets a text only where it differs: what stays the same costs no layout. */
export function setText(node, text) {
  if (node.firstChild === null) node.append(text);
  else if (node.firstChild.data !== text) node.firstChild.data = text;
}

export function setClass(node, text) {
  if (node.className !== text) node.className = text;
}

export function setAttribute(node, name, text) {
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

export function setLabel(node, text) {
  if (node.ariaLabel === text) return;
  node.ariaLabel = text;
  node.title = text;
}

/** Replaces what is in a node; who is on one of its controls with the keyboard stays on the one of the same name. */
export function fill(node, ...children) {
  const held = node.contains(document.activeElement) && document.activeElement !== node ? document.activeElement : null;
  const place = held && alike(node, held).indexOf(held);
  node.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (held && !node.contains(held)) alike(node, held)[place]?.focus({ preventScroll: true });
  return node;
}

const CONTROLS = "a, button, input, select, summary, [tabindex]";
const nameOf = (one) => `${one.tagName} ${one.getAttribute("aria-label") ?? one.getAttribute("href") ?? one.textContent}`;

/** The controls in a node that have the name of another. */
export function alike(node, wanted) {
  const name = nameOf(wanted);
  return [...node.querySelectorAll(CONTROLS)].filter((one) => nameOf(one) === name);
}

const unsaid = [];

/** Says something to who listens to the page instead of looking at it; what comes together is said together. */
export function say(text) {
  if (!text) return;
  if (!unsaid.length) setTimeout(() => { document.getElementById("spoken").textContent = unsaid.splice(0).join(" "); }, 100);
  unsaid.push(text);
}

const SHAPES = {
  squad: "M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z",
  pitch: "M2 4h16v12H2zM10 4v12M10 7.5a2.500 2.500 0 1 0 .01 0",
  control: "M4 6h12M4 14h12M7 3.500v5M13 11.500v5",
  sessions: "M3 5h14v12H3zM3 9h14M7 3v4M13 3v4",
  system: "M2 11h4l2-6 4 10 2-4h4",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ d: SHAPES[name], fill: "none", stroke: "currentColor", "stroke-width": 1.6 })) path.setAttribute(key, value);
  svg.append(path);
  return svg;
}

/** Light or dark: as chosen on this device, else as the device itself is. */
export function applyTheme() {
  const chosen = kept.getItem("theme") || "auto";
  const dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  use(dark);
  const bar = document.querySelector('meta[name="theme-color"]');
  if (bar) bar.content = dark ? "#10151c" : "#ffffff";
}

function use(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  dispatchEvent(new Event("theme"));
}

addEventListener("beforeprint", () => use(false)); // paper is white
addEventListener("afterprint", applyTheme);

/** What is chosen on a page, kept in its address: a page that is loaded again or sent to somebody shows the same. */
export const asked = (key) => new URLSearchParams(location.search).get(key);

/** Keeps choices; null or "" leaves one out. */
export function remember(choices) {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(choices)) {
    if (value === null || value === "") query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  history.replaceState(history.state, "", location.pathname + (text && `?${text}`) + location.hash);
}
