// jobs.js - the queue: what runs and waits, and what has ended, newest first.
import { get, poll } from "./api.js";
import { h, empty, refill, table } from "./dom.js";
import { between, duration, percent, time } from "./format.js";

export const isOver = (job) => !["queued", "running"].includes(job.status);

export const statusMark = (status) => h("span", { class: `status ${status}` }, status);

function progress(job) {
  if (job.status !== "running") return "waiting";
  return h("span", { class: "row tight" },
    h("progress", { max: "1", value: String(job.progress), "aria-label": `Progress of ${job.name || job.id}` }),
    h("span", { class: "number" }, percent(job.progress * 100, 0)));
}

const name = { title: "Job", cell: (j) => h("a", { href: `#/job/${j.id}` }, j.name || j.id) };
const status = { title: "Status", cell: (j) => statusMark(j.status) };
const ordered = { title: "Ordered", number: true, wide: true, cell: (j) => time(j.created_at) };
const activeColumns = [name, status,
  { title: "Progress", cell: progress },
  { title: "Left", number: true, wide: true, cell: (j) => duration(j.seconds_left) },
  ordered];
const endedColumns = [name, status,
  { title: "Took", number: true, cell: (j) => duration(between(j.started_at, j.finished_at)) },
  { title: "Ended", number: true, wide: true, cell: (j) => time(j.finished_at) },
  ordered];

export async function jobs(body, signal) {
  let shown = "";
  await poll(async () => {
    const { items } = await get("/v1/jobs?limit=200", signal);
    const text = JSON.stringify(items);
    if (text === shown || signal.aborted) return;
    shown = text;
    const active = items.filter((j) => j.status === "running" || j.status === "queued");
    const ended = items.filter((j) => !active.includes(j));
    if (!items.length)
      refill(body, empty("No jobs yet", "Upload a ", h("a", { href: "#/models" }, "model"), " and a ",
        h("a", { href: "#/datasets" }, "data set"), ", then ", h("a", { href: "#/new" }, "order a job"), "."));
    else
      refill(body,
        active.length > 0 && [h("h2", {}, "Running and waiting"), table("Running and waiting jobs", activeColumns, active.reverse())],
        ended.length > 0 && [h("h2", {}, "Ended"), table("Ended jobs", endedColumns, ended)]);
  }, 2000, signal);
}
