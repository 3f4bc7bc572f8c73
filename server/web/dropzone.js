// dropzone.js - a file dropped or chosen goes to the server, with progress, cancel and what it says.
import { upload } from "./api.js";
import { h, fill, newId, problem } from "./dom.js";
import { bytes, percent } from "./format.js";

/** path: where the file is POSTed; what: "a model"; accept: of the file dialogue; onstored(resource). */
export function dropzone({ path, what, hint, accept, onstored }) {
  const id = newId("file");
  const input = h("input", { type: "file", id, accept, class: "unseen" });
  const status = h("div", { class: "uploading", "aria-live": "polite" });
  const zone = h("div", { class: "drop" },
    input,
    h("label", { for: id, class: "button" }, `Choose ${what}`),
    h("p", {}, "or drop it here"),
    h("p", { class: "hint" }, hint));
  let running = null;

  async function start(file) {
    if (!file || running) return;
    const bar = h("progress", { max: "1", value: "0", "aria-label": `Upload of ${file.name}` });
    const text = h("span", { class: "number" }, "0 %");
    const cancel = h("button", { type: "button", class: "small" }, "Cancel");
    fill(status, h("p", {}, h("strong", {}, file.name), ` · ${bytes(file.size)}`),
      h("div", { class: "row" }, bar, text, cancel));
    running = upload(path, file, (share) => {
      bar.value = share;
      if (share < 1) text.textContent = percent(share * 100, 0);
      else {
        bar.removeAttribute("value");
        text.textContent = "checking";
      }
    });
    cancel.addEventListener("click", running.cancel);
    try {
      const resource = await running.done;
      fill(status, h("p", { class: "good" }, `${resource.name || resource.id} is stored.`));
      onstored(resource);
    } catch (error) {
      fill(status, error.name === "AbortError" ? h("p", {}, "The upload was cancelled.") : problem(error));
    }
    running = null;
    input.value = "";
  }

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
  return h("section", { "aria-label": `Upload ${what}` }, zone, status);
}
