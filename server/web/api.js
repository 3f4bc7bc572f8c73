// api.js - the way to the server: JSON calls, bytes sent with progress, and what happens without it.
//
// A GET that finds no server waits until it is back and tries again, and one that is told to come later (429,
// 503) does, so pages keep what they show; banner.js listens to say so. What changes something is never repeated by
// itself: it fails; but for what is the same however often it is done (insist). Every call to the API carries the token,
// if there is one (token.js).
import { authorization } from "./token.js";

/** A problem document (RFC 9457), or the same shape for what never reached the server. */
export class Problem extends Error {
  constructor(fields) {
    super(fields.detail ?? fields.title);
    Object.assign(this, fields);
  }
}

/* "lost" {detail: seconds until the next try}, "back"; "slowed" {detail: seconds}; "unauthorized" {detail: Problem}: what was asked for by hand was
 * refused for want of a token, "signed-in": there is another one; "forgotten": whoever comes now may be someone else. */
export const connection = new EventTarget();
let waiting = null;

/** signal ends it with an AbortError. */
export const sleep = (ms, signal) => new Promise((done, ended) => {
  const end = () => {
    clearTimeout(timer);
    ended(signal.reason);
  };
  const timer = setTimeout(() => {
    signal?.removeEventListener("abort", end);
    done();
  }, ms);
  if (signal?.aborted) end();
  else signal?.addEventListener("abort", end, { once: true });
});

export async function reachable() {
  try {
    return (await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
}

/** Resolves when the server answers again; asks after 1, 2, 4, 8, 15, 15 ... seconds. */
export function back() {
  waiting ??= (async () => {
    for (let seconds = 1; ; seconds = Math.min(seconds * 2, 15)) {
      connection.dispatchEvent(new CustomEvent("lost", { detail: seconds }));
      await sleep(seconds * 1000);
      if (await reachable()) break;
    }
    waiting = null;
    connection.dispatchEvent(new Event("back"));
  })();
  return waiting;
}

/* Seconds of a wait that the server asks for without saying how long, and at most: who looks should see
 * that it goes on, and asking once a minute is no burden. */
const LATER_S = 5, LATEST_S = 60;

/* Who asks too often, or at a bad time; or while another request writes to the same upload, which slows nothing else. */
const LATER = [423, 429, 503];
const GATEWAY = 502; // of a proxy in front of a server that is gone; it has none of its own

/** Waits as long as such an answer asks for. */
export function later(response, signal) {
  const asked = Number(response.headers.get("Retry-After") || LATER_S); // a date is NaN
  const seconds = Math.min(Math.max(Number.isFinite(asked) ? asked : LATER_S, 1), LATEST_S);
  if (response.status !== 423) connection.dispatchEvent(new CustomEvent("slowed", { detail: seconds }));
  return sleep(seconds * 1000, signal);
}

/** What is said where a call that is not repeated found no server, which is waited for from then on. */
export function unreachable() {
  back();
  return new Problem({ title: "The server is not reachable", detail: "Try again when it is back." });
}

/** What an answer that is none of success says. */
export function refusal(status, text) {
  try {
    return new Problem({ status, ...JSON.parse(text) });
  } catch {
    return new Problem({ title: `The server answered ${status}`, detail: text.slice(0, 300), status });
  }
}

/** An answer as JSON, null where it is empty; throws what it says if it is none of success. */
export async function read(response) {
  const text = await response.text();
  if (!response.ok) throw refusal(response.status, text);
  return text ? JSON.parse(text) : null;
}

/** What take() makes of the answer to a call that may be repeated, when there is a server that gives one. */
export async function insist(method, path, headers, take, signal) {
  for (;;) {
    try {
      const response = await fetch(path, { method, signal, headers: { ...authorization(), ...headers } });
      if (LATER.includes(response.status)) await later(response, signal);
      else if (response.status !== GATEWAY) return await take(response);
      else await back();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch throws one when there is no server
      await back();
    }
    signal?.throwIfAborted();
  }
}

/** GET as JSON; signal ends it with an AbortError. */
export const get = (path, signal) => insist("GET", path, {}, read, signal);

/** GET of what may not have changed: {path, tag, value}. before is what it gave last, or nothing; where that still
 * holds, the server says so in a few bytes (304), and before comes back, the same object. */
export function renew(path, before, signal) {
  const tag = before?.path === path ? before.tag : null;
  return insist("GET", path, tag ? { "If-None-Match": tag } : {}, async (response) =>
    (response.status === 304 ? before : { path, tag: response.headers.get("ETag"), value: await read(response) }), signal);
}

/** Lets the page ask for a token without going away, so that what was typed stays. */
export function told(error) {
  if (error.status === 401) connection.dispatchEvent(new CustomEvent("unauthorized", { detail: error }));
  return error;
}

/** What take() makes of the answer to a call that is not repeated. */
export async function once(method, path, headers, body, take, signal) {
  try {
    return await take(await fetch(path, { method, signal, body, headers: { ...authorization(), ...headers } }));
  } catch (error) {
    throw error instanceof TypeError ? unreachable() : told(error);
  }
}

/** POST, PATCH or DELETE, with a JSON body when there is one. */
export const send = (method, path, body, signal, headers = {}) => (body === undefined
  ? once(method, path, headers, undefined, read, signal)
  : once(method, path, { "Content-Type": "application/json", ...headers }, JSON.stringify(body), read, signal));

/** Sends bytes; onprogress(count of them). The answer as fetch would give it, which tells no progress itself; without a
 * connection a TypeError, as of fetch. signal ends it with its reason. */
export const transmit = (method, path, headers, body, onprogress, signal) => new Promise((resolve, reject) => {
  const request = new XMLHttpRequest();
  const abort = () => request.abort();
  request.upload.onprogress = (event) => onprogress(event.loaded);
  request.upload.onload = () => onprogress(body.size);
  request.onload = () => resolve(new Response(request.responseText || null, {
    status: request.status,
    headers: [...request.getAllResponseHeaders().matchAll(/^([\w-]+): ?(.*)$/gm)].map(([, name, value]) => [name, value]),
  }));
  request.onerror = () => reject(new TypeError("no connection"));
  request.onabort = () => reject(signal.reason);
  request.onloadend = () => signal.removeEventListener("abort", abort);
  request.open(method, path);
  for (const [key, value] of Object.entries({ ...authorization(), ...headers })) request.setRequestHeader(key, value);
  signal.throwIfAborted();
  signal.addEventListener("abort", abort);
  request.send(body);
});

/** Saves a file of the API under a name. A link cannot carry a token; this can. */
export async function save(path, name) {
  const response = await fetch(path, { headers: authorization() });
  if (!response.ok) throw told(refusal(response.status, await response.text()));
  const url = URL.createObjectURL(await response.blob());
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000); // by then the browser has it
}

/** Resolves when someone looks at the page. */
export const looking = () => document.hidden
  && new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

/** Calls step() again and again, `ms` after it has ended and while someone looks, until it returns false
 * or signal ends. */
export async function poll(step, ms, signal) {
  while (!signal.aborted && (await step()) !== false) {
    await sleep(ms);
    await looking();
  }
}
