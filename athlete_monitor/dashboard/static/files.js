// The files of a session: reports for people, tables for programs, activities for other platforms.
import { toast } from "./actions.js";
import { fill, h } from "./dom.js";
import { store } from "./store.js";
import { chosenLanguage, refusal, t } from "./text.js";

const TABLES = [["summaries", "xlsx"], ["periods", "xlsx"], ["seconds", "csv"], ["seconds", "parquet"], ["summaries", "json"], ["events", "csv"]];
const ACTIVITIES = ["fit", "tcx", "gpx"];

/** Buttons for every file of a session, for whoever may see what is in them. */
export function files(id) {
  if (!store.me.sees_heart_rate) return null;
  const path = `/api/sessions/${encodeURIComponent(id)}`;
  const report = (kind) => button(t(`file.${kind}`), `${path}/report?kind=${kind}&lang=${chosenLanguage()}`);
  return h("div", {}, h("div", { class: "row" }, report("pdf"), report("html")),
    h("details", {}, h("summary", {}, t("files.more")), h("p", { class: "muted" }, t("files.how")),
      h("div", { class: "files" }, TABLES.map(([what, kind]) => button(`${t(`file.${what}`)} (${kind})`, `${path}/export?what=${what}&kind=${kind}`)),
        ACTIVITIES.map((kind) => button(t(`file.${kind}`), `${path}/export?kind=${kind}`)))));
}

/** Making a file takes seconds: the button says so, and a failure is a sentence, not a broken file. */
function button(text, path) {
  const node = h("button", { onclick: async () => {
    if (node.classList.contains("busy")) return;
    node.classList.add("busy");
    fill(node, `${text} …`);
    try {
      await download(path);
    } catch (problem) {
      toast(problem.message);
    } finally {
      node.classList.remove("busy");
      fill(node, text);
    }
  } }, text);
  return node;
}

async function download(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(refusal(await answer.json().catch(() => ({}))) ?? t("failed", { status: answer.status }));
  const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "session";
  const address = URL.createObjectURL(await answer.blob());
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
