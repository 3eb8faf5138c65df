// Tables: a line for each row where there is room, a card for each row where there is not. Nothing scrolls sideways.
import { h } from "./dom.js";

/**
 * columns: [heading, class], `text` for what is read from the left, `wide` for what a phone leaves out.
 * rows: {class, cells: [content, or {class, dir, content}]}, or the cells; with `many` columns cards begin on a tablet.
 */
export function table(name, columns, rows, many = false) {
  const head = columns.map(([text, kind]) => h(text ? "th" : "td", { scope: text ? "col" : null, role: text ? "columnheader" : "cell", class: kind }, text));
  return h("div", { class: many ? "table many" : "table" }, h("table", { role: "table", "aria-label": name }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)),
    h("tbody", { role: "rowgroup" }, rows.map((row) => line(columns, row.cells ?? row, row.class)))));
}

/** Cards keep their roles: a browser forgets those of a table that is laid out as something else. */
function line(columns, cells, kind) {
  return h("tr", { role: "row", class: kind }, cells.map((cell, at) => {
    const { content, ...rest } = isPlain(cell) ? { content: cell } : cell;
    return h("td", { role: "cell", ...rest, class: [columns[at][1], rest.class].filter(Boolean).join(" "), "data-label": columns[at][0] || null }, content);
  }));
}

const isPlain = (cell) => cell === null || typeof cell !== "object" || cell instanceof Node || Array.isArray(cell);
