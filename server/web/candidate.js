// candidate.js - one file of a search or a sweep on a page of its own: where it stands, its figures and its curve, and
// the ways to its job, to its neighbours and to the best one.
import { get, poll } from "./api.js";
import { h, fill, heading, refill } from "./dom.js";
import { big, bytes, count, duration, percent, points, real, times } from "./format.js";
import { isOver } from "./jobs.js";
import { stageNames } from "./log.js";
import { budget, isPoint, stateNames } from "./pareto.js";
import { tile } from "./plan.js";
import { saving } from "./result.js";
import { judgedIn } from "./task.js";
import { hasToken } from "./token.js";
import { trainingPart } from "./training.js";

const ASK_MS = 2000;
const marks = { done: "succeeded", running: "running", diverged: "failed" };

function headline(job, file) {
  const state = file.stage ? `${stateNames[file.status]}: ${stageNames[file.stage]}` : stateNames[file.status];
  return h("p", { class: "headline" }, h("span", { class: `status ${marks[file.status] ?? ""}` }, state),
    h("span", {}, "of ", h("a", { href: `#/job/${job.id}` }, job.name || job.id)),
    file.best && h("span", { class: "mark" }, isOver(job) ? "chosen" : "best so far"),
    file.pareto && h("span", { class: "mark" }, "Pareto front"));
}

function ways(job, file, files) {
  const best = files.find((c) => c.best), { artifact } = file;
  const to = (number, text) => number >= 1 && number <= files.length
    && h("a", { class: "button", href: `#/job/${job.id}/${number}` }, text);
  return h("p", { class: "row actions" },
    artifact && h("a", { class: "button primary", href: artifact.href, download: artifact.name, onclick: hasToken() && saving(artifact) }, `Download ${artifact.name}`),
    best && best !== file && isPoint(file) && h("a", { class: "button", href: `#/compare/${job.id}.${best.number}/${job.id}.${file.number}` }, `Compare with file ${best.number}`),
    to(file.number - 1, "Previous file"), to(file.number + 1, "Next file"));
}

const lost = (file) => `${points(-file.drop)} from the baseline${file.drop_error === null ? "" : `, with an error of ${real(file.drop_error, 3)}`}`;

const figures = (file, list, { key, title }) => h("dl", { class: "tiles" },
  tile("Asked for", budget(file)),
  tile(title, percent(file[key]), file.drop !== null && lost(file)),
  tile("Size", bytes(file.size_bytes), file.ratio !== null && `${times(file.ratio)} smaller`),
  tile("Parameters", big(file.parameters), file.bits !== null && `of ${count(file.bits)} bits`),
  list.max_accuracy_drop !== null && tile("Holds", file.holds === null ? "–" : file.holds ? "yes" : "no", `at most ${real(list.max_accuracy_drop, 3)} points lost`),
  tile("Took", duration(file.seconds)));

export async function candidate(body, signal, id, number) {
  const path = `/v1/jobs/${encodeURIComponent(id)}`;
  const top = h("div"), shown = h("div"), training = trainingPart(signal);
  const hint = h("p", { class: "hint" });
  let drawn = "";

  await poll(async () => {
    const [job, list, { items: rows }] = await Promise.all([
      get(path, signal), get(`${path}/candidates`, signal), get(`${path}/metrics`, signal)]);
    const file = list.items.find((c) => c.number === Number(number)) ?? await get(`${path}/candidates/${encodeURIComponent(number)}`, signal);
    const own = rows.filter((r) => r.candidate === file.number), now = JSON.stringify([file, job.status, own.length]);
    signal.throwIfAborted();
    if (!drawn) {
      heading(body, `${job.name || "Job"}, file ${count(file.number)}`);
      fill(body, top, shown, hint, training.element);
    }
    if (now !== drawn) {
      refill(top, headline(job, file), ways(job, file, list.items));
      const measure = judgedIn(list.items);
      fill(shown, figures(file, list, measure));
      hint.textContent = `${measure.title} is of the test images that judge the files alone.`;
      training.update(own, job.epochs);
    }
    drawn = now;
    return !isOver(job);
  }, ASK_MS, signal);
}
