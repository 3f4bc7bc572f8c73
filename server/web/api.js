// api.js - the way to the server: JSON calls, uploads with progress, and what happens without it.
//
// A GET that finds no server waits until it is back and tries again, so pages keep what they show;
// banner.js listens to say so. What changes something is never repeated by itself: it fails. Every call to
// the API carries the token, if there is one (token.js).
import { authorization } from "./token.js";

/** A problem document (RFC 9457), or the same shape for what never reached the server. */
export class Problem extends Error {
  constructor(fields) {
    super(fields.detail ?? fields.title);
    Object.assign(this, fields);
  }
}

/* "lost" {detail: seconds until the next try}, "back"; "unauthorized" {detail: Problem}: what was asked for by hand was
 * refused for want of a token, "signed-in": there is another one; "forgotten": whoever comes now may be someone else. */
export const connection = new EventTarget();
let waiting = null;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

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

/** What step() gives; without a server it waits until it is back, and tries again. */
async function patiently(step, signal) {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch throws one when there is no server
    }
    await back();
    signal?.throwIfAborted();
  }
}

/** GET as JSON; signal ends it with an AbortError. */
export const get = (path, signal) =>
  patiently(async () => read(await fetch(path, { signal, headers: authorization() })), signal);

/** GET of what may not have changed: {path, tag, value}. before is what it gave last, or nothing; where that still
 * holds, the server says so in a few bytes (304), and before comes back, the same object. */
export const renew = (path, before, signal) => patiently(async () => {
  const tag = before?.path === path ? before.tag : null;
  const response = await fetch(path, { signal, headers: { ...authorization(), ...(tag ? { "If-None-Match": tag } : {}) } });
  return response.status === 304 ? before : { path, tag: response.headers.get("ETag"), value: await read(response) };
}, signal);

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
    const name = file.name.replace(/[\x00-\x1f\x7f]/g, "").slice(0, 60);
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
