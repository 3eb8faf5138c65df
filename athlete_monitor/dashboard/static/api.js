// Requests to our own server, with the token that changes need.

let token = "";

export function useToken(csrf) {
  token = csrf;
}

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export async function get(path) {
  return answer(await fetch(path, { headers: { accept: "application/json" } }));
}

export async function post(path, body) {
  const headers = { "content-type": "application/json", "x-csrf-token": token };
  return answer(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answer(response) {
  const document_ = await response.json().catch(() => ({}));
  if (response.status === 401 && !location.pathname.startsWith("/login")) location.assign("/login");
  if (!response.ok) throw new Refused(response.status, typeof document_.detail === "string" ? document_.detail : `${response.status}`);
  return document_;
}

/** A random id: crypto.randomUUID() exists on HTTPS and loopback only. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
