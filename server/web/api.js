// api.js - the way to the server: JSON calls, uploads with progress, and what happens without it.
//
// A GET that finds no server waits until it is back and tries again, and one that is told to come later (429,
// 503) does, so pages keep what they show; banner.js listens to say so. What changes something is never repeated by
// itself: it fails. Every call to the API carries the token, if there is one (token.js).
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

async function reachable() {
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

/** Waits as long as an answer 429 or 503 asks for. */
export function later(response, signal) {
  const asked = Number(response.headers.get("Retry-After") || LATER_S); // a date is NaN
  const seconds = Math.min(Math.max(Number.isFinite(asked) ? asked : LATER_S, 1), LATEST_S);
  connection.dispatchEvent(new CustomEvent("slowed", { detail: seconds }));
  return sleep(seconds * 1000, signal);
}

const unreachable = () => new Problem({
  title: "The server is not reachable",
  detail: "Try again when it is back.",
});

/** What an answer that is none of success says. */
export function refusal(status, text) {
  try {
    return new Problem({ status, ...JSON.parse(text) });
  } catch {
    return new Problem({ title: `The server answered ${status}`, detail: text.slice(0, 300), status });
  }
}

async function read(response) {
  const text = await response.text();
  if (!response.ok) throw refusal(response.status, text);
  return text ? JSON.parse(text) : null;
}

/** What take() makes of the answer to a GET, when there is a server that gives one. */
async function ask(path, headers, take, signal) {
  for (;;) {
    try {
      const response = await fetch(path, { signal, headers: { ...authorization(), ...headers } });
      if (response.status !== 429 && response.status !== 503) return await take(response);
      await later(response, signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch throws one when there is no server
      await back();
      signal?.throwIfAborted();
    }
  }
}

/** GET as JSON; signal ends it with an AbortError. */
export const get = (path, signal) => ask(path, {}, read, signal);

/** GET of what may not have changed: {path, tag, value}. before is what it gave last, or nothing; where that still
 * holds, the server says so in a few bytes (304), and before comes back, the same object. */
export function renew(path, before, signal) {
  const tag = before?.path === path ? before.tag : null;
  return ask(path, tag ? { "If-None-Match": tag } : {}, async (response) =>
    (response.status === 304 ? before : { path, tag: response.headers.get("ETag"), value: await read(response) }), signal);
}

/* Lets the page ask for a token without going away, so that what was typed stays. */
function told(error) {
  if (error.status === 401) connection.dispatchEvent(new CustomEvent("unauthorized", { detail: error }));
  return error;
}

/** POST, PATCH or DELETE, with a JSON body when there is one. */
export async function send(method, path, body, signal, headers = {}) {
  try {
    return await read(await fetch(path, {
      method, signal, body: body === undefined ? undefined : JSON.stringify(body),
      headers: { ...authorization(), ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    }));
  } catch (error) {
    if (!(error instanceof TypeError)) throw told(error);
    back();
    throw unreachable();
  }
}

/* What the server takes as a name: whole characters, as an emoji is two units of a string and half of it is none. */
const nameOf = (file) => [...file.name.replace(/[\x00-\x1f\x7f]/g, "").toWellFormed()].slice(0, 50).join("");

/** Sends a file; onprogress(share) goes to 1 when all is sent and the server checks it. Returns
 * {done: promise of the answer, cancel()}. XMLHttpRequest, since fetch tells no progress. */
export function upload(path, file, onprogress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.onprogress = (e) => onprogress(e.total ? e.loaded / e.total : 0);
    request.upload.onload = () => onprogress(1);
    request.onload = () =>
      request.status < 300 ? resolve(JSON.parse(request.responseText))
        : reject(told(refusal(request.status, request.responseText)));
    request.onerror = async () => {
      if (await reachable()) {
        reject(new Problem({ title: "The connection broke while the file was sent",
          detail: "The server is there. Is the file larger than it accepts?" }));
      } else {
        back();
        reject(unreachable());
      }
    };
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    const name = nameOf(file);
    request.open("POST", `${path}?name=${encodeURIComponent(name)}`);
    const headers = { ...authorization(), "Content-Type": "application/octet-stream" };
    for (const [key, value] of Object.entries(headers)) request.setRequestHeader(key, value);
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}

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
