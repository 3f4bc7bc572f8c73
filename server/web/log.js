// log.js - what happened to a job and when, from the log that the server keeps (/log), and how long each step took.
import { get } from "./api.js";
import { h } from "./dom.js";
import { between, duration, time } from "./format.js";

export const stages = ["load", "baseline", "plan", "fit", "finetune", "quantize", "export", "verify", "report"];
export const stageNames = { load: "Load", baseline: "Measure baseline", plan: "Plan", fit: "Fit", finetune: "Fine-tune",
  quantize: "Quantise", export: "Export", verify: "Verify", report: "Report" };

const texts = {
  ordered: () => "ordered",
  started: (r) => (r.attempt > 1 ? `taken up again, start ${r.attempt}` : "started"),
  stage: (r) => stageNames[r.stage] ?? r.stage,
  candidate: (r) => `file ${r.candidate} is done`,
  warning: (r) => `warning: ${r.detail}`,
  "cancel-requested": () => "asked to be cancelled",
  released: () => "put back, since the service ends",
  retried: (r) => `put back after ${r.detail ? `a failure: ${r.detail}` : "its worker was lost"}`,
};
const textOf = (row) => (texts[row.event]?.(row) ?? row.event) + (row.detail && !texts[row.event] ? `: ${row.detail}` : "");

/** {element, update(signal)}: update asks for what is new. */
export function logPart(path) {
  const list = h("ol", { class: "log", "aria-label": "Log", tabindex: "0" });
  let last = null, asking = null;

  function add(row) {
    if (last && !["warning", "candidate"].includes(row.event))
      last.took.textContent = duration(between(last.at, row.at));
    const took = h("span", { class: "number hint" });
    const item = h("li", { class: row.event }, h("time", { datetime: row.at }, time(row.at)), " ",
      h("span", {}, row.event === "stage" && row.candidate ? `${textOf(row)}, file ${row.candidate}` : textOf(row)), " ", took);
    list.append(item);
    if (!["warning", "candidate"].includes(row.event)) last = { ...row, took };
  }

  let number = 0;
  async function ask(signal) {
    const { items } = await get(`${path}/log?after=${number}`, signal);
    if (items.length && number === 0 && items[0].number > 1) list.append(h("li", { class: "hint" }, "(what was before is gone)"));
    items.forEach(add);
    number = items.at(-1)?.number ?? number;
  }
  return {
    element: h("section", {}, h("h2", {}, "Log"), list),
    update(signal) { // one after the other: a row is asked for once
      asking = (asking ?? Promise.resolve()).then(() => ask(signal));
      return asking;
    },
  };
}
