// pieces.js - a large file goes to the server in pieces, by tus 1.0.0 (/v1/uploads): a connection that breaks, a server
// that is started anew or a page that is loaded anew costs no more than what was on its way.
//
// Where an upload is (its address) is kept in this browser, under what tells the file from others, until the file is
// stored, refused or given up. How far it is, the server says, by GET instead of tus's HEAD: that says as well what has
// become of it, where the answer to the last piece was lost.
import { Problem, get, insist, later, once, read, sleep, told, transmit } from "./api.js";

const PIECE = 16 << 20; // bytes
const TRIES = 6; // that bring nothing although the server is there: half a minute
const LONGEST_PAUSE_S = 15;
const TUS = { "Tus-Resumable": "1.0.0" };
/* A piece that does not begin where the upload ends, as a lost one has come after all; a failing proxy or server. */
const PASSING = [409, 502, 503, 504];

const REFUSED = { status: 422, title: "The content was refused" };
const BROKEN = { title: "The connection broke while the file was sent",
  detail: "The server is there. Choose the file again to go on where it was." };
const KINDS = { "/v1/models": "model", "/v1/datasets": "dataset" };

const KEY = "fsnet-upload";
const keyOf = (path, file) => [KEY, path, file.size, file.lastModified, file.name].join(" ");
const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** What is on the server of an upload, null if it is not there any more, which is forgotten then. */
async function found(key, signal) {
  try {
    return await get(localStorage.getItem(key), signal);
  } catch (error) {
    if (error.status !== 404) throw error;
    localStorage.removeItem(key);
    return null;
  }
}

/** Deletes what has come of an upload; what it has become stays. */
export async function discard(key) {
  const address = localStorage.getItem(key);
  if (address) await insist("DELETE", address, TUS, async (response) => response.status === 404 || read(response));
  localStorage.removeItem(key);
}

/* Nothing is left of an upload but what it has become; where nobody answers, the server forgets it by itself, later. */
function judged(key) {
  const address = localStorage.getItem(key);
  localStorage.removeItem(key);
  if (address) once("DELETE", address, TUS, undefined, read).catch(() => {});
}

/** What has come of files that were sent to path and did not end, be it in a page that is gone: [{key, name, offset, length}];
 * or {name, resource} or {name, error} of what ended behind its back. */
export async function unfinished(path, signal) {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(`${KEY} ${path} `));
  const uploads = await Promise.all(keys.map(async (key) => ({ key, ...await found(key, signal) })));
  for (const upload of uploads) if (upload.resource || upload.error) judged(upload.key);
  return uploads.filter((upload) => upload.id);
}

/* Its address. No signal ends this, since an upload of which nobody knows would stay on the server. */
const begin = (path, file, name) => once("POST", "/v1/uploads", { ...TUS, "Upload-Length": file.size,
  "Upload-Metadata": `kind ${base64(KINDS[path])},name ${base64(name)}` }, undefined, async (response) => {
  await read(response);
  return response.headers.get("Location");
});

/* The answer to the piece from offset on. */
const piece = (address, file, offset, tell, signal) => transmit("PATCH", address,
  { ...TUS, "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" },
  file.slice(offset, offset + PIECE), (sent) => tell((offset + sent) / file.size), signal);

/* Sends what the server does not have yet; what the file has become. */
async function sendRest(address, file, tell, signal) {
  for (let tries = 0, reached = -1; ;) {
    const upload = await get(address, signal);
    if (upload.resource) return get(upload.resource, signal);
    if (upload.error) throw new Problem({ ...REFUSED, ...upload.error });
    if (upload.offset > reached) tries = 0;
    let offset = reached = upload.offset;
    try {
      for (;;) {
        tell(offset / file.size);
        const response = await piece(address, file, offset, tell, signal);
        if (response.headers.has("Retry-After")) {
          tell(offset / file.size, true);
          await later(response, signal);
          break;
        }
        await read(response);
        const stored = response.headers.get("Location");
        if (stored) return await get(stored, signal);
        offset = Number(response.headers.get("Upload-Offset"));
      }
    } catch (error) {
      const broken = error instanceof TypeError;
      if (!broken && !PASSING.includes(error.status)) throw error;
      if (++tries > TRIES) throw broken ? new Problem(BROKEN) : error;
      tell(offset / file.size, true);
      await sleep(Math.min(2 ** (tries - 1), LONGEST_PAUSE_S) * 1000, signal);
    }
  }
}

/** Sends a file, or the rest of it; what it has become. As upload() in upload.js, but that an AbortError of the signal also
 * deletes what has come, and any other reason leaves it, to go on from. */
export async function resume(path, file, name, tell, signal) {
  const key = keyOf(path, file);
  try {
    if (!localStorage.getItem(key) || !(await found(key, signal))) localStorage.setItem(key, await begin(path, file, name));
    signal.throwIfAborted();
    const resource = await sendRest(localStorage.getItem(key), file, tell, signal);
    judged(key);
    return resource;
  } catch (error) {
    if (error.name === "AbortError") await discard(key);
    if (error.status === 404) localStorage.removeItem(key);
    if (error.status === REFUSED.status) judged(key);
    throw told(error);
  }
}
