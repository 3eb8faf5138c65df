// The header: which session, clock, period; and what a coach does most.
import { h, setText } from "./dom.js";
import { listen, now, store } from "./store.js";
import { clock, duration, t } from "./text.js";

export function openPeriods() {
  return (store.team.periods ?? []).filter((period) => period.end_t === null || period.end_t === undefined);
}

function line() {
  const session = store.team.team_session ?? {};
  const who = session.name || [session.mode && t(`mode.${session.mode}`)].filter(Boolean).join("") || t("no_session");
  const period = openPeriods()[0];
  const since = period ? `${period.name} ${duration(now() - period.start_t)}` : "";
  const pitch = Object.values(store.team.pitch ?? {});
  const on = pitch.filter((state) => state === "on").length;
  const counts = on ? t("on_off", { on, off: pitch.filter((state) => state === "off").length }) : "";
  return { who: session.opponent ? t("versus", { who, opponent: session.opponent }) : who, rest: [since, counts, store.now ? clock(now()) : ""].filter(Boolean).join(" · ") };
}

export function draw(place) {
  const who = h("b", {});
  const rest = h("span", { class: "muted" });
  const actions = h("div", { class: "actions" });
  place.replaceChildren(h("div", { class: "match" }, who, h("br"), rest), actions);
  const update = () => {
    const told = line();
    setText(who, told.who);
    setText(rest, told.rest || " ");
  };
  listen((kind) => (kind === "clock" || kind === "team") && update());
  update();
}
