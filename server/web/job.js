// job.js - one job: live while it waits and runs, then what came of it.
import { get, send } from "./api.js";
import { trainingCurves } from "./curves.js";
import { h, fill, heading, problem } from "./dom.js";
import { between, count, duration, none, percent, time } from "./format.js";
import { statusMark } from "./jobs.js";
import { planView } from "./plan.js";
import { result, trainingTable } from "./result.js";
import { watch } from "./watch.js";

const stages = ["load", "baseline", "plan", "fit", "finetune", "quantize", "export", "verify", "report"];
const stageNames = { load: "Load", baseline: "Measure baseline", plan: "Plan", fit: "Fit", finetune: "Fine-tune",
  quantize: "Quantise", export: "Export", verify: "Verify", report: "Report" };
const isOver = (job) => !["queued", "running"].includes(job.status);

const fact = (label, value) => h("div", {}, h("dt", {}, label), h("dd", {}, value));

/** What changes while a job runs: made once, updated in place. */
function livePart() {
  const bar = h("progress", { max: "1", value: "0", "aria-label": "Progress of the job" });
  const share = h("strong", { class: "number share" });
  const steps = h("ol", { class: "steps", "aria-label": "Stages" }, stages.map((s) => h("li", {}, stageNames[s])));
  const facts = h("dl", { class: "facts" });
  return {
    element: h("section", { "aria-label": "Progress" }, h("div", { class: "row" }, bar, share), steps, facts),
    update(job) {
      const at = stages.indexOf(job.stage);
      bar.value = job.progress;
      share.textContent = percent(job.progress * 100, 0);
      [...steps.children].forEach((step, i) => {
        step.className = i < at ? "past" : i === at ? "now" : "";
        if (i === at) step.setAttribute("aria-current", "step");
        else step.removeAttribute("aria-current");
      });
      fill(facts,
        fact("Epoch", job.epoch ? `${job.epoch} of ${job.epochs}` : none),
        fact("Speed", job.images_per_second ? `${count(job.images_per_second)} images/s` : none),
        fact("Time left", duration(job.seconds_left)),
        fact("Running for", duration(job.started_at ? between(job.started_at, job.finished_at) : NaN)),
        job.attempts > 1 && fact("Starts", count(job.attempts)));
    },
  };
}

/** Status and stage as they change; what was before the page opened is known by its times. */
function logPart() {
  const list = h("ol", { class: "log", "aria-label": "Log" });
  const add = (when, text) => list.append(h("li", {}, h("time", { datetime: when }, time(when)), " ", text));
  let last = null;
  return {
    element: h("section", {}, h("h2", {}, "Log"), list),
    update(job) {
      const now = new Date().toISOString();
      if (!last) {
        add(job.created_at, "ordered");
        if (job.started_at) add(job.started_at, "started");
      } else if (job.status === "running" && last.status !== "running") {
        add(job.started_at ?? now, "started");
      } else if (job.attempts > last.attempts) {
        add(now, `taken up again, start ${job.attempts}`);
      }
      if (job.status === "running" && job.stage && job.stage !== last?.stage) add(now, stageNames[job.stage] ?? job.stage);
      if (isOver(job) && (!last || !isOver(last))) add(job.finished_at ?? now, job.status);
      last = job;
    },
  };
}

const headline = (job, model, dataset) => h("p", { class: "headline" }, statusMark(job.status),
  h("span", {}, model, " on ", dataset), h("code", {}, job.id));

function actions(job, signal, failed) {
  const cancel = h("button", { type: "button", class: "danger" }, "Cancel the job");
  cancel.addEventListener("click", async () => {
    if (!window.confirm("Cancel this job? What it has trained so far is lost.")) return;
    cancel.disabled = true;
    cancel.textContent = "Cancelling …";
    try {
      await send("POST", `/v1/jobs/${job.id}/cancel`, undefined, signal);
    } catch (error) {
      if (error.name !== "AbortError") failed(error);
    }
  });
  return h("div", { class: "row actions" }, !isOver(job) && cancel,
    h("a", { class: "button", href: `#/new/${job.id}` }, "Order again, changed"),
    job.status === "succeeded" && h("a", { class: "button", href: `#/compare/${job.id}` }, "Compare"));
}

const nameOf = (path, signal) => get(path, signal).then((r) => r.name || r.id, () => "a deleted upload");

export async function job(body, signal, id) {
  const path = `/v1/jobs/${encodeURIComponent(id ?? "")}`;
  const first = await get(path, signal);
  const [model, dataset] = await Promise.all([
    nameOf(`/v1/models/${first.model_id}`, signal), nameOf(`/v1/datasets/${first.dataset_id}`, signal)]);
  const top = h("div"), faults = h("div"), live = livePart(), log = logPart(), outcome = h("div");
  const curves = trainingCurves(signal), figures = h("div");
  const title = h("h2", {}, "Training");
  const charts = h("section", { hidden: true }, title, curves.element,
    h("details", {}, h("summary", {}, "Epoch by epoch"), figures));

  const way = h("p", { class: "hint", role: "status", hidden: true }, "Events do not come through to here: the job is asked for every second.");

  heading(body, first.name || "Job");
  fill(body, top, faults, way, live.element, outcome, charts, log.element,
    h("details", {}, h("summary", {}, "Plan"), planView(first)),
    h("details", {}, h("summary", {}, "Settings"), h("pre", { tabindex: "0" }, JSON.stringify(first.spec, null, 2))));

  const rows = new Map(); // of the curve, by file and epoch
  let status = null, now = first;
  function news(job, more) {
    now = job ?? now;
    if (now.status !== status) {
      status = now.status;
      fill(top, headline(now, model, dataset), actions(now, signal, (error) => fill(faults, problem(error))));
      if (isOver(now)) fill(faults);
      if (now.error) fill(faults, problem({ title: isOver(now) ? "The job failed" : "The last start failed", detail: now.error.detail }));
    }
    live.update(now);
    live.element.hidden = now.status === "succeeded";
    log.update(now);
    for (const row of more) rows.set(`${row.candidate}.${row.epoch}`, row);
    if (more.length) {
      const items = [...rows.values()];
      charts.hidden = false;
      // Of several files the one that was trained last: their curves are no one curve.
      const candidate = items.at(-1).candidate, shown = items.filter((r) => r.candidate === candidate);
      title.textContent = candidate ? `Training of file ${candidate}` : "Training";
      curves.update(shown, now.epochs);
      fill(figures, trainingTable(shown));
    }
  }
  news(first, []);
  await watch(path, news, () => { way.hidden = false; }, signal);
  if (now.status === "succeeded") fill(outcome, await result(now, signal));
}
