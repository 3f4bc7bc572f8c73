// upload.js - a file goes to the server: by one POST, or, where starting anew would cost, in pieces (pieces.js).
import { Problem, reachable, read, told, transmit, unreachable } from "./api.js";
import { resume } from "./pieces.js";

const LARGE = 8 << 20; // bytes; what has fewer is sent again in seconds

/* What the server takes as a name: whole characters, as an emoji is two units of a string and half of it is none. */
const nameOf = (file) => [...file.name.replace(/[\x00-\x1f\x7f]/g, "").toWellFormed()].slice(0, 50).join("");

async function whole(path, file, tell, signal) {
  try {
    return await read(await transmit("POST", `${path}?name=${encodeURIComponent(nameOf(file))}`,
      { "Content-Type": "application/octet-stream" }, file, (sent) => tell(sent / (file.size || 1)), signal));
  } catch (error) {
    if (!(error instanceof TypeError)) throw told(error);
    throw (await reachable()) ? new Problem({ title: "The connection broke while the file was sent",
      detail: "The server is there. Is the file larger than it accepts?" }) : unreachable();
  }
}

/** Sends a file to where the API stores its kind (path); what it has become. tell(share, waiting) goes to 1 when all is sent
 * and the server checks it; waiting: for a server that is gone, or has asked for it. signal ends it. */
export const upload = (path, file, tell, signal) =>
  (file.size > LARGE ? resume(path, file, nameOf(file), tell, signal) : whole(path, file, tell, signal));
