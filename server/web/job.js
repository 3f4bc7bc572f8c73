// job.js - one job: live while it waits and runs, then what came of it.
import { get, send } from "./api.js";
import { h, fill, heading, press, problem, refill } from "./dom.js";
import { between, bytes, count, duration, none, percent } from "./format.js";
import { isOver, statusMark } from "./jobs.js";
import { logPart, stageNames, stages } from "./log.js";
import { filesPart } from "./pareto.js";
import { isSwept, planView } from "./plan.js";
import { result } from "./result.js";
import { secretPart } from "./secret.js";
import { trainingPart } from "./training.js";
import { watch } from "./watch.js";

const fact = (label, value) => h("div", {}, h("dt", {}, label), h("dd", {}, value));

/** What changes while a job runs: made once, updated in place. */
function livePart() {
  const bar = h("progress", { max: "1", value: "0", "aria-label": "Progress of the job" });
  const share = h("strong", { class: "number share" });
  const steps = h("ol", { class: "steps", "aria-label": "Stages" }, stages.map((s) => h("li", {}, stageNames[s])));
  const facts = h("dl", { class: "facts" });
  const said = h("p", { class: "unseen", role: "status" }); // for who does not see the steps
  return {
    element: h("section", { "aria-label": "Progress" }, h("div", { class: "row" }, bar, share), steps, facts, said),
    update(job) {
      const at = stages.indexOf(job.stage);
      bar.value = job.progress;
      share.textContent = percent(job.progress * 100, 0);
      [...steps.children].forEach((step, i) => {
        step.className = i < at ? "past" : i === at ? "now" : "";
        if (i === at) step.setAttribute("aria-current", "step");
        else step.removeAttribute("aria-current");
      });
      const { search } = job, step = at >= 0 && job.status === "running" ? stageNames[job.stage] : job.status;
      const words = search && job.status === "running" ? `${step}, file ${search.candidate}` : step;
      if (said.textContent !== words) said.textContent = words;
      fill(facts,
        search && fact("File", [`${search.candidate} of ${search.max_accuracy_drop === null ? "" : "at most "}${search.candidates}`,
          search.budget_bytes > 0 && `, up to ${bytes(search.budget_bytes)}`]),
        fact("Epoch", job.epoch ? `${job.epoch} of ${job.epochs}` : none),
        fact("Speed", job.images_per_second ? `${count(job.images_per_second)} images/s` : none),
        fact("Time left", duration(job.seconds_left)),
        fact("Running for", duration(job.started_at ? between(job.started_at, job.finished_at) : NaN)),
        job.attempts > 1 && fact("Starts", count(job.attempts)));
    },
  };
}

const headline = (job, model, dataset) => h("p", { class: "headline" }, statusMark(job.status),
  h("span", {}, model, " on ", dataset), h("code", {}, job.id));

function actions(job, signal, failed) {
  const cancel = h("button", { type: "button", class: "danger" }, "Cancel the job");
  const asked = async (what) => {
    try {
      await send("POST", `/v1/jobs/${job.id}/${what}`, undefined, signal);
      return true;
    } catch (error) {
      if (error.name !== "AbortError") failed(error);
      return false;
    }
  };
  press(cancel, async () => {
    if (!window.confirm("Cancel this job? What it has trained so far is lost.")) return false;
    cancel.textContent = "Cancelling …";
    const done = await asked("cancel");
    if (!done) cancel.textContent = "Cancel the job";
    return done;
  });
  const again = h("button", { type: "button" }, "Try again");
  press(again, async () => {
    const done = await asked("retry");
    if (done) window.dispatchEvent(new HashChangeEvent("hashchange")); // the page anew, and live
    return done;
  });
  return h("div", { class: "row actions" }, !isOver(job) && cancel,
    ["failed", "cancelled"].includes(job.status) && again,
    h("a", { class: "button", href: `#/new/${job.id}` }, "Duplicate"),
    job.status === "succeeded" && h("a", { class: "button", href: `#/compare/${job.id}` }, "Compare"));
}

const nameOf = (path, signal) => get(path, signal).then((r) => r.name || r.id, () => "a deleted upload");

export async function job(body, signal, id) {
  const path = `/v1/jobs/${encodeURIComponent(id ?? "")}`;
  const first = await get(path, signal);
  const [model, dataset] = await Promise.all([
    nameOf(`/v1/models/${first.model_id}`, signal), nameOf(`/v1/datasets/${first.dataset_id}`, signal)]);
  const top = h("div"), faults = h("div"), live = livePart(), log = logPart(path), outcome = h("div");
  const files = filesPart(first.id), training = trainingPart(signal);
  const searches = first.spec.budget.max_accuracy_drop > 0 || isSwept(first.spec);
  const way = h("p", { class: "hint", role: "status", hidden: true }, "Events do not come through to here: the job is asked for every second.");

  heading(body, first.name || "Job");
  fill(body, top, secretPart(first.id), faults, way, live.element, outcome, training.element, files.element, log.element,
    h("details", {}, h("summary", {}, "Plan"), planView(first)),
    h("details", {}, h("summary", {}, "Settings"), h("pre", { tabindex: "0" }, JSON.stringify(first.spec, null, 2))));

  const rows = new Map(); // of the curve, by file and epoch
  let status = null, now = first, step = "", all = Promise.resolve();
  function news(job, more) {
    now = job ?? now;
    if (now.status !== status) {
      status = now.status;
      refill(top, headline(now, model, dataset), actions(now, signal, (error) => fill(faults, problem(error))));
      if (isOver(now)) fill(faults);
      if (now.error) fill(faults, problem({ title: isOver(now) ? "The job failed" : "The last start failed", detail: now.error.detail }));
    }
    live.update(now);
    live.element.hidden = now.status === "succeeded";
    for (const row of more) rows.set(`${row.candidate}.${row.epoch}`, row);
    if (more.length) training.update([...rows.values()], now.epochs);
    const at = [now.status, now.attempts, now.stage, now.search?.candidate, now.search?.done.length].join();
    if (at !== step) {
      all = Promise.all([all, log.update(signal), searches && files.update(now.status, signal)]);
      all.catch(() => {}); // told when it is waited for
    }
    step = at;
  }
  news(first, []);
  await watch(path, news, () => { way.hidden = false; }, signal);
  await all; // what it says belongs to the job's end
  if (now.status === "succeeded") fill(outcome, await result(now, signal, files));
}
