// dropzone.js - a file dropped or chosen goes to the server, with progress, cancel and what it says.
import { Problem, connection } from "./api.js";
import { h, fill, newId, press, problem } from "./dom.js";
import { bytes, percent } from "./format.js";
import { discard, unfinished } from "./pieces.js";
import { upload } from "./upload.js";

const stored = (name) => h("p", { class: "good" }, `${name} is stored.`);

/** path: where the file is POSTed; what: "a model"; accept: of the file dialogue; signal: of the page. {element; busy:
 * whether a file is on its way, which goes on while one looks at other pages; onstored(resource), to be set}. */
export function dropzone({ path, what, hint, accept, signal }) {
  const id = newId("file");
  const input = h("input", { type: "file", id, accept, class: "unseen" });
  const status = h("div", { class: "uploading", "aria-live": "polite" });
  const zone = h("div", { class: "drop" },
    input,
    h("label", { for: id, class: "button" }, `Choose ${what}`),
    h("p", {}, "or drop it here"),
    h("p", { class: "hint" }, hint));
  const element = h("section", { "aria-label": `Upload ${what}` }, zone, status);
  const self = { element, busy: false, onstored: () => {} };

  async function start(file) {
    if (!file || self.busy) return;
    self.busy = true;
    const running = new AbortController();
    const bar = h("progress", { max: "1", value: "0", "aria-label": `Upload of ${file.name}` });
    const text = h("span", { class: "number" }, "0 %");
    const cancel = h("button", { type: "button", class: "small" }, "Cancel");
    fill(status, h("p", {}, h("strong", {}, file.name), ` · ${bytes(file.size)}`),
      h("div", { class: "row" }, bar, text, cancel));
    const tell = (share, waiting) => {
      if (share < 1 || waiting) bar.value = share;
      else bar.removeAttribute("value");
      const there = percent(share * 100, 0);
      text.textContent = waiting ? `waiting for the server; ${there} is there` : share < 1 ? there : "checking";
    };
    press(cancel, () => {
      text.textContent = "cancelling";
      running.abort();
    });
    // Who has given up the token does not send with it any more.
    const leave = () => running.abort(new Problem({ title: "The upload was interrupted", detail: "Choose the file again." }));
    connection.addEventListener("forgotten", leave);
    try {
      const resource = await upload(path, file, tell, running.signal);
      fill(status, stored(resource.name || resource.id));
      self.onstored(resource);
    } catch (error) {
      fill(status, error.name === "AbortError" ? h("p", {}, "The upload was cancelled.") : problem(error));
    }
    connection.removeEventListener("forgotten", leave);
    self.busy = false;
    input.value = "";
  }

  /* What a page before this one has left behind. */
  function left({ key, name, offset, length, resource, error }) {
    if (resource) return stored(name);
    if (error) return problem({ title: `${name} was refused`, detail: error.detail });
    const button = h("button", { type: "button", class: "small", "aria-label": `Discard ${name}` }, "Discard");
    const line = h("p", { class: "row" }, h("span", {}, h("strong", {}, name), ` was not sent to its end: ${
      percent((offset / length) * 100, 0)} of ${bytes(length)} is there. Choose the file again to go on.`), button);
    press(button, async () => {
      try {
        await discard(key);
        line.remove();
        input.focus();
      } catch (refused) {
        line.after(problem(refused));
        return false;
      }
    });
    return line;
  }
  unfinished(path, signal).then((uploads) => self.busy || fill(status, uploads.map(left)), () => {}); // the list says why

  input.addEventListener("change", () => start(input.files[0]));
  for (const name of ["dragenter", "dragover"])
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  zone.addEventListener("dragleave", (event) => {
    if (!zone.contains(event.relatedTarget)) zone.classList.remove("over");
  });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    start(event.dataTransfer.files[0]);
  });
  return self;
}
