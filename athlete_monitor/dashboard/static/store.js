// What this screen knows: who there is, the newest values, trends; fed by the WebSocket, which comes back by itself.
import { get, logIn } from "./api.js";
import { onWaking, ticks } from "./awake.js";

const FIXED = 4; // key, age, time and status come before the figures in a row
export const STEP_S = 5; // one point of a trend
export const TREND_POINTS = 60;

export const store = {
  columns: [], place: {}, figures: {}, people: new Map(), rows: new Map(), trends: new Map(),
  team: {}, engineOnline: null, brokerConnected: null, connected: false, lostAt: 0, now: 0, heardAt: 0, seq: 0, me: {},
  trendKey: "heart_rate_bpm", targets: new Map(), alarms: new Map(), build: "", isOld: false,
};
const listeners = new Set();
const SILENCE_MS = 6000;
const ASK_EVERY_MS = 2000;
const DEAF = 2; // connections one after another that brought nothing: something between here and the box keeps them back
let pause = 500;
let deaf = 0;
let isAsking = false;
let catchingUp = false;
let hangUp = () => {}; // ends the connection that there is

/** Calls back with "frame", "squad", "team" or "link"; returns how to stop. */
export function listen(callback) {
  listeners.add(callback);
  return () => listeners.delete(callback);
}

function notify(kind) {
  for (const callback of [...listeners]) callback(kind);
}

/** The box's own time now, whatever the tablet's clock says; null before it is known. */
export function now() {
  return store.now ? store.now + (ticks() - store.heardAt) / 1000 : null;
}

export function value(key, figure) {
  const row = store.rows.get(key);
  const place = store.place[figure];
  return row && place !== undefined ? row[FIXED + place] : null;
}

/** Seconds since a device's last values, by the box's clock; null if it has never sent. */
export function age(key) {
  const row = store.rows.get(key);
  return row ? row[1] + (ticks() - store.heardAt) / 1000 : null;
}

export const sampleTime = (key) => store.rows.get(key)?.[2] ?? null;
export const status = (key) => store.rows.get(key)?.[3] ?? "silent";

export async function begin() {
  const catalogue = await get("/api/catalogue");
  store.columns = catalogue.columns;
  store.place = Object.fromEntries(catalogue.columns.map((key, place) => [key, place]));
  store.figures = Object.fromEntries(catalogue.figures.map((figure) => [figure.key, figure]));
  notify("squad"); // who drew before the figures were known draws again
  store.build = catalogue.build;
  connect();
  setInterval(() => (ticks(), notify("clock")), 1000);
  onWaking(() => { hangUp(); notify("clock"); });
}

function lose() {
  if (store.connected || !store.lostAt) store.lostAt = ticks();
  store.connected = false;
  notify("link");
}

function open() {
  try {
    return new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  } catch {
    return null; // a browser without them
  }
}

function connect() {
  const socket = open();
  if (!socket) return ask();
  let heard = ticks();
  let isDeaf = true;
  let isOver = false;
  const lost = () => {
    if (isOver) return;
    isOver = true;
    clearInterval(watch);
    deaf = isDeaf ? deaf + 1 : 0;
    if (deaf >= DEAF) ask();
    if (!isAsking || !store.connected) lose();
    setTimeout(connect, isAsking ? 5 * pause : pause);
    pause = Math.min(pause * 1.6, 5000);
  };
  // A connection can be dead without an error: a tablet out of Wi-Fi only notices the silence. close() by itself would wait
  // for an answer that never comes.
  hangUp = () => {
    socket.close();
    lost();
  };
  const watch = setInterval(() => ticks() - heard >= SILENCE_MS && hangUp(), 1000);
  socket.onmessage = (event) => {
    if (isOver) return;
    heard = ticks();
    isDeaf = isAsking = false;
    receive(JSON.parse(event.data));
  };
  socket.onclose = (event) => {
    if (event.code === 4401) logIn();
    else lost();
  };
  return null;
}

/** Where no connection stays open, the same is asked for again and again. */
async function ask() {
  if (isAsking) return;
  isAsking = true;
  while (isAsking) {
    try {
      const [squad, team] = await Promise.all([get("/api/squad"), get("/api/team")]);
      if (!isAsking) return;
      for (const message of [squad, team, squad.frame]) receive(message);
    } catch {
      if (isAsking) lose();
    }
    await new Promise((done) => { setTimeout(done, ASK_EVERY_MS); });
  }
}

addEventListener("online", () => { pause = 500; });

function receive(message) {
  if (isOther(message)) return;
  if (message.kind === "frame") takeFrame(message);
  else if (message.kind === "filled") catchUp();
  else if (message.kind === "squad") store.people = new Map(message.athletes.map((one) => [one.key, one]));
  else if (message.kind === "team") {
    store.team = message.state ?? {};
    store.engineOnline = message.engine_online;
    store.brokerConnected = message.broker_connected;
    store.targets = targetsByAthlete(store.team.targets ?? []);
    store.alarms = alarmByAthlete(store.team.alarms ?? []);
  }
  if (!store.connected) {
    store.connected = true;
    pause = 500;
    notify("link");
  }
  notify(message.kind);
}

/** Another version of the server has other figures in its frames and other pages: this one is loaded again. */
function isOther({ kind, build }) {
  if (kind === "squad" && build && build !== store.build && !store.isOld) {
    store.isOld = true;
    location.reload();
  }
  return store.isOld;
}

function targetsByAthlete(targets) {
  const found = new Map();
  for (const { athlete_id: who, figure, value: wanted } of targets) {
    if (!found.has(who)) found.set(who, new Map());
    found.get(who).set(figure, wanted);
  }
  return found;
}

/** The alarm that each athlete's tile shows: one that nobody has acknowledged before the others. */
function alarmByAthlete(alarms) {
  const found = new Map();
  for (const one of alarms) {
    const known = found.get(one.athlete_id);
    if (!one.cleared_t && (!known || (known.acknowledged_t && !one.acknowledged_t))) found.set(one.athlete_id, one);
  }
  return found;
}

function takeFrame(frame) {
  const missed = frame.seq - store.seq;
  if (frame.seq < store.seq) store.trends.clear(); // the server has restarted
  store.now = frame.now;
  store.heardAt = ticks();
  store.rows = new Map(frame.rows.map((row) => [row[0], row]));
  if (missed > (isAsking ? STEP_S : 1) || missed < 0) catchUp();
  else for (const row of frame.rows) addPoint(row[0], row[2], row[FIXED + store.place[store.trendKey]]);
  store.seq = frame.seq;
}

function addPoint(key, t, value_) {
  if (t === null) return;
  const points = store.trends.get(key) ?? store.trends.set(key, new Map()).get(key);
  const step = Math.floor(t / STEP_S);
  if (value_ !== null) points.set(step, value_);
  if (points.size > TREND_POINTS) for (const old of points.keys()) if (old <= step - TREND_POINTS) points.delete(old);
}

/** Fetches what was missed, or everything: nothing is missing in the curves after a lost connection. */
export async function catchUp() {
  if (catchingUp || !(store.trendKey in store.place)) return;
  catchingUp = true;
  try {
    const history = await get(`/api/history?columns=${store.trendKey}`);
    store.trends.clear();
    for (const [key, track] of Object.entries(history.devices)) track.t.forEach((t, at) => addPoint(key, t, track.values[0][at]));
    notify("trends");
  } catch {
    store.seq = 0; // the next frame asks again
  } finally {
    catchingUp = false;
  }
}

export function trendOf(figure) {
  if (store.trendKey === figure) return;
  store.trendKey = figure;
  store.trends.clear();
  catchUp();
}

/** Up to 60 values of the last five minutes, oldest first, null in gaps. */
export function trend(key) {
  const points = store.trends.get(key);
  const t = sampleTime(key);
  if (!points || t === null) return [];
  const last = Math.floor(t / STEP_S);
  return Array.from({ length: TREND_POINTS }, (_, at) => points.get(last - TREND_POINTS + 1 + at) ?? null);
}
