// jobs.js - the queue: what runs and waits, and what has ended, newest first.
import { poll, renew } from "./api.js";
import { h, fill, empty, refill, table } from "./dom.js";
import { between, duration, percent, time } from "./format.js";
import { PAGE, pagedList } from "./lists.js";
import { olderPart } from "./older.js";

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

/** A table under its heading, made anew when what it shows of its jobs has changed. */
function tablePart(title, label, columns) {
  let element = h("div"), drawn = "";
  return { get element() { return element; }, update(list) {
    const now = list.map((j) => [j.id, j.name, j.status, j.progress, j.seconds_left, j.started_at, j.finished_at].join()).join("\n");
    if (now === drawn) return false;
    drawn = now;
    element = h("div", {}, list.length > 0 && [h("h2", {}, title), table(label, columns, list)]);
    return true;
  } };
}

export async function jobs(body, signal) {
  const list = pagedList("/v1/jobs", signal);
  const none = empty("No jobs yet", "Upload a ", h("a", { href: "#/models" }, "model"), " and a ",
    h("a", { href: "#/datasets" }, "data set"), ", then ", h("a", { href: "#/new" }, "order a job"), ".");
  const active = tablePart("Running and waiting", "Running and waiting jobs", activeColumns);
  const ended = tablePart("Ended", "Ended jobs", endedColumns);
  const shown = h("div", {}, none);
  let running = null; // jobs, of a list that is longer than a page: they may be older than what is loaded

  function draw() {
    const now = new Map(running?.value.items.map((j) => [j.id, j]));
    const loaded = list.items.map((j) => now.get(j.id) ?? j), known = new Set(loaded.map((j) => j.id));
    const all = [...loaded, ...[...now.values()].filter((j) => !known.has(j.id))];
    const changed = [active.update(all.filter((j) => !isOver(j)).reverse()), // the next in turn first
      ended.update(all.filter(isOver))];
    if (changed.includes(true)) refill(shown, all.length ? [active.element, ended.element] : none);
  }
  const older = olderPart("jobs", list, draw);

  await poll(async () => {
    await list.refresh();
    if (list.grown && list.items.slice(PAGE).some((j) => !isOver(j))) await list.walk();
    running = list.long ? await renew(`/v1/jobs?status=running&limit=${PAGE}`, running, signal) : null;
    if (signal.aborted) return;
    draw();
    older.update();
    if (!shown.isConnected) fill(body, shown, older.element);
  }, 2000, signal);
}
