// Requests to our own server, with the token that changes need. Each has an end: a dead Wi-Fi never answers.
import { refusal, t } from "./text.js";

const READ_MS = 15000;
const CHANGE_MS = 7000; // the server itself waits 3 s for the engine
let token = "";
let who = "";

/** Takes the token of whoever is logged in. */
export function useToken(me) {
  const name = `${me.name} ${me.role}`;
  if (who && who !== name) location.reload(); // somebody else has logged in, in another tab
  who = name;
  token = me.csrf;
}

/** The server has answered, and says no. */
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export async function get(path) {
  return answer(await ask(path, { headers: { accept: "application/json" } }, READ_MS));
}

/** A server that has started again knows our token no more: it is asked for the new one, once. */
export async function post(path, body) {
  const response = await change(path, body);
  if (response.status !== 403 || !who) return answer(response);
  const before = token;
  useToken(await get("/api/me"));
  return answer(before === token ? response : await change(path, body));
}

function change(path, body) {
  const headers = { "content-type": "application/json", "x-csrf-token": token };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) }, CHANGE_MS);
}

async function ask(path, options, limit_ms) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), limit_ms);
  try {
    const response = await fetch(path, { ...options, signal: stop.signal });
    return { status: response.status, ok: response.ok, text: await response.text() };
  } catch {
    throw new Error(t("unreached"));
  } finally {
    clearTimeout(timer);
  }
}

function answer({ status, ok, text }) {
  const found = parsed(text);
  if (status === 401) logIn();
  if (!ok) throw new Refused(status, refusal(found) ?? t("failed", { status }));
  return found;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** Asks for a log-in, and comes back to this page afterwards. */
export function logIn() {
  if (location.pathname === "/login") return;
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** A random id: crypto.randomUUID() exists on HTTPS and loopback only. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
