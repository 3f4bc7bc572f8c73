// compare.js - two jobs, or files of one job, side by side: figures, curves, and the settings in which they differ.
import { Problem, get } from "./api.js";
import { curves } from "./curves.js";
import { h, fill, empty, loading, newId, problem, table } from "./dom.js";
import { count, duration, percent, points, real, signed, times } from "./format.js";
import { pagedList } from "./lists.js";
import { olderPart } from "./older.js";
import { measures } from "./result.js";
import { judgedIn, worstError } from "./task.js";

/* A setting that is an object itself, such as the rule of a detector's boxes: it has lists of objects, or is one. */
const isRule = (value) => [value, ...Object.values(value ?? {})].some((v) => Array.isArray(v) && v.some((x) => x !== null && typeof x === "object"));

/** "/finetune/epochs" -> text, for every setting. */
function settings(spec, path = "", out = new Map()) {
  for (const [key, value] of Object.entries(spec))
    if (isRule(value)) out.set(`${path}/${key}`, JSON.stringify(value));
    else if (value !== null && typeof value === "object" && !Array.isArray(value)) settings(value, `${path}/${key}`, out);
    else out.set(`${path}/${key}`, Array.isArray(value) ? value.join(", ") || "none" : String(value));
  return out;
}

const rows = [
  ...measures.map((m) => ({ name: m.name, of: (r) => m.of(r.compressed), show: m.show,
    change: m.change ?? ((d, a, b) => (a === b ? "same" : times(b / a))) })),
  { name: "Relative error of the worst output", of: (r) => worstError(r, "error"), show: (v) => real(v, 3), change: (d) => signed(d, 3) },
  { name: "Agreement with the baseline's outputs", of: (r) => r.compressed.agreement, show: (v) => percent(v), change: points },
  { name: "Smaller than the baseline", of: (r) => r.ratios.disk, show: times, change: (d) => signed(d) },
  { name: "Baseline's accuracy", of: (r) => r.baseline.top1, show: (v) => percent(v), change: points },
  { name: "Baseline's mAP@.5", of: (r) => r.baseline.map50, show: (v) => percent(v), change: points },
  { name: "Baseline's mean IoU", of: (r) => r.baseline.miou, show: (v) => percent(v), change: points },
  { name: "Bits of a value", of: (r) => r.bits, show: count, change: (d) => signed(d, 0) },
  { name: "Time", of: (r) => r.wall_seconds, show: duration, change: (d, a, b) => times(b / a) },
];

/** What of a file of a search or a sweep is known, in the form of a report; its curve is its own. */
function asReport(file, training) {
  const before = (figure) => (typeof figure === "number" ? figure + file.drop : null);
  return { compressed: file, baseline: { top1: before(file.top1), map50: before(file.map50), miou: before(file.miou) }, bits: file.bits,
    ratios: { disk: file.ratio }, wall_seconds: file.seconds, training };
}

/** One side: "job" or "job.file". */
async function side(which, signal) {
  const [id, number] = which.split("."), path = `/v1/jobs/${encodeURIComponent(id)}`;
  const [job, { items }] = await Promise.all([get(path, signal), get(`${path}/candidates`, signal)]);
  const base = { id, job, files: items.filter((c) => c.status === "done"), name: job.name || job.id };
  if (!number) return { ...base, report: await get(`${path}/report`, signal) };
  const file = base.files.find((c) => c.number === Number(number));
  if (!file) throw new Problem({ title: `There is no file ${number}`, detail: `Job ${base.name} has made ${count(base.files.length)} files.` });
  const { items: curve } = await get(`${path}/metrics`, signal);
  return { ...base, file, name: `${base.name}, file ${file.number}`,
    report: asReport(file, curve.filter((r) => r.candidate === file.number)) };
}

function sideBySide(a, b, signal) {
  const loss = curves("Training loss", [{ label: a.name, of: (r) => r.a?.train_loss }, { label: b.name, of: (r) => r.b?.train_loss }], signal);
  const top1 = curves("Training accuracy, %", [{ label: a.name, of: (r) => r.a?.train_top1 }, { label: b.name, of: (r) => r.b?.train_top1 }], signal);
  const epochs = Array.from({ length: Math.max(a.report.training.length, b.report.training.length) }, (_, i) =>
    ({ epoch: i + 1, a: a.report.training[i], b: b.report.training[i] }));
  const { title: measure } = judgedIn([a, b].map((s) => s.report.compressed));
  const [left, right] = [settings(a.job.spec), settings(b.job.spec)];
  const differing = [...new Set([...left.keys(), ...right.keys()])].filter((k) => k !== "/name" && left.get(k) !== right.get(k));
  const columns = [
    { title: "Figure", cell: (r) => r.name },
    { title: h("a", { href: `#/job/${a.job.id}` }, a.name), number: true, cell: (r) => r.show(r.of(a.report)) },
    { title: h("a", { href: `#/job/${b.job.id}` }, b.name), number: true, cell: (r) => r.show(r.of(b.report)) },
    { title: "Second to first", number: true, cell: (r) => {
      const [x, y] = [r.of(a.report), r.of(b.report)];
      return typeof x === "number" && typeof y === "number" ? r.change(y - x, x, y) : "–";
    } },
  ];
  return {
    element: h("div", {}, table("The two results", columns, rows.filter((r) => [a, b].some((s) => typeof r.of(s.report) === "number"))),
      (a.file || b.file) && h("p", { class: "hint" }, a.file && b.file
        ? `${measure} is of the test images that judge the files of a job alone.`
        : `The ${measure === "Accuracy" ? "accuracy" : measure} of a file is of the test images that judge the files alone, that of a job is of all: they are not the same images.`),
      epochs.length > 0 && h("div", { class: "curves" }, loss.element, top1.element),
      a.id !== b.id && h("h2", {}, "Settings that differ"),
      a.id !== b.id && (differing.length ? table("Settings that differ", [
        { title: "Setting", cell: (k) => h("code", {}, k.slice(1).replaceAll("/", ".")) },
        { title: a.name, number: true, cell: (k) => left.get(k) ?? "–" },
        { title: b.name, number: true, cell: (k) => right.get(k) ?? "–" },
      ], differing) : h("p", {}, "None."))),
    ready() {
      loss.update(epochs, epochs.length);
      top1.update(epochs, epochs.length);
    },
  };
}

export async function compare(body, signal, first, second) {
  const list = pagedList("/v1/jobs?status=succeeded", signal);
  await list.refresh();
  const newest = list.items, other = (id) => newest.find((j) => j.id !== id)?.id;
  const chosen = [first ?? newest[0]?.id, second];
  chosen[1] ??= other(chosen[0]);
  if (!first && !second && newest.length > 1) chosen.reverse();
  if (!chosen[0] || !chosen[1]) {
    fill(body, empty("Two jobs are needed", "Jobs that have succeeded can be compared; there ",
      newest.length ? "is one." : "is none yet."));
    return;
  }
  const select = (label, i) => {
    const id = newId("job");
    const box = h("select", { id });
    box.addEventListener("change", () => {
      chosen[i] = box.value;
      location.hash = `#/compare/${chosen.join("/")}`;
    });
    return { element: h("div", { class: "field" }, h("label", { for: id }, label), box),
      /** Jobs, and the files of those that are compared; these may be older than what is loaded. */
      offer(sides) {
        const files = sides.filter((s, k) => sides.findIndex((t) => t.id === s.id) === k);
        const loaded = list.items, beyond = files.map((s) => s.job).filter((j) => !loaded.some((i) => i.id === j.id));
        const jobs = [...loaded, ...beyond].map((j) => ({ value: j.id, text: j.name || j.id }));
        const more = files.flatMap((s) => (s.files.length > 1 ? s.files : []).map((c) =>
          ({ value: `${s.id}.${c.number}`, text: `${s.job.name || s.id}, file ${c.number}` })));
        fill(box, [...jobs, ...more].map((o) => h("option", { value: o.value }, o.text)));
        box.value = chosen[i];
      } };
  };
  const boxes = [select("First", 0), select("Second", 1)];
  let sides = [];
  const offer = () => boxes.forEach((box) => box.offer(sides));
  const older = olderPart("jobs", list, offer);
  offer();
  older.update();
  const place = h("div", {}, loading());
  fill(body, h("div", { class: "pair" }, boxes.map((box) => box.element)), older.element, place);
  try {
    sides = await Promise.all(chosen.map((which) => side(which, signal)));
    offer();
    const both = sideBySide(...sides, signal);
    fill(place, both.element);
    both.ready();
  } catch (error) {
    if (signal.aborted) throw error;
    if (!error.title) throw error;
    fill(place, problem(error));
  }
}
