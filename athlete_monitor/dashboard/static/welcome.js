// For a new user, with nobody there yet: what to do, in three lines. Who comes back to it finds the addresses.
import { get, post } from "./api.js";
import { mayAct, toast } from "./actions.js";
import { fill, h } from "./dom.js";
import { listen, store } from "./store.js";
import { t } from "./text.js";

export function show(place, _rest, whenPeopleCome = null) {
  const lines = h("div", {});
  const title = h("h1", {});
  const why = h("p", { class: "muted" }, t("welcome.why"));
  const simulated = h("li", {}, t("welcome.try"), " ", mayAct() && h("button", { class: "primary", onclick: simulate }, t("welcome.simulate")));
  const draw = () => {
    const nobody = ![...store.rows.values()].some(([, age]) => age !== null && age < 10);
    title.textContent = t(nobody ? "welcome.title" : "page.welcome");
    why.hidden = simulated.hidden = !nobody;
  };
  draw();
  fill(place, h("section", { class: "welcome" }, title, why, lines));
  get("/api/welcome").then((found) => {
    fill(lines, h("ol", {},
      h("li", {}, t("welcome.broker"), " ", h("code", {}, found.broker), " ", t("welcome.topic"), " ", h("code", {}, found.topic)),
      h("li", {}, found.reachable ? t("welcome.phone") : t("welcome.local"), " ", h("code", {}, found.screen)),
      simulated),
    found.reachable && h("img", { class: "qr", src: "/api/qr.svg", alt: t("welcome.qr") }),
    found.secure_help && h("p", { class: "muted" }, t("welcome.secure"), " ", h("code", {}, found.secure_help)));
  }).catch(() => {});
  return listen((kind) => {
    if (kind !== "frame") return;
    draw();
    if (store.rows.size) whenPeopleCome?.();
  });
}

async function simulate(event) {
  event.target.disabled = true;
  try {
    await post("/api/simulation", {});
    toast(t("welcome.started"));
  } catch (problem) {
    toast(problem.message);
    event.target.disabled = false;
  }
}
