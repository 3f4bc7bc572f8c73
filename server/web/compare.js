// compare.js - two jobs side by side: figures, curves, and the settings in which they differ.
import { get } from "./api.js";
import { curves } from "./curves.js";
import { h, fill, empty, loading, newId, problem, table } from "./dom.js";
import { duration, percent, points, signed, times } from "./format.js";
import { measures } from "./result.js";

/** "/finetune/epochs" -> text, for every setting. */
function settings(spec, path = "", out = new Map()) {
  for (const [key, value] of Object.entries(spec))
    if (value !== null && typeof value === "object" && !Array.isArray(value)) settings(value, `${path}/${key}`, out);
    else out.set(`${path}/${key}`, Array.isArray(value) ? value.join(", ") || "none" : String(value));
  return out;
}

const rows = [
  ...measures.map((m) => ({ name: m.name, of: (r) => m.of(r.compressed), show: m.show,
    change: m.change ?? ((d, a, b) => (a === b ? "same" : times(b / a))) })),
  { name: "Smaller than the baseline", of: (r) => r.ratios.disk, show: times, change: (d) => signed(d) },
  { name: "Baseline's accuracy", of: (r) => r.baseline.top1, show: (v) => percent(v), change: points },
  { name: "Time", of: (r) => r.wall_seconds, show: duration, change: (d, a, b) => times(b / a) },
];

async function sides(ids, signal) {
  const [a, b] = await Promise.all(ids.map(async (id) => {
    const path = `/v1/jobs/${encodeURIComponent(id)}`;
    const [job, report] = await Promise.all([get(path, signal), get(`${path}/report`, signal)]);
    return { job, report, name: job.name || job.id };
  }));
  const loss = curves("Training loss", [{ label: a.name, of: (r) => r.a?.train_loss }, { label: b.name, of: (r) => r.b?.train_loss }], signal);
  const top1 = curves("Training accuracy, %", [{ label: a.name, of: (r) => r.a?.train_top1 }, { label: b.name, of: (r) => r.b?.train_top1 }], signal);
  const epochs = Array.from({ length: Math.max(a.report.training.length, b.report.training.length) }, (_, i) =>
    ({ epoch: i + 1, a: a.report.training[i], b: b.report.training[i] }));
  const [left, right] = [settings(a.job.spec), settings(b.job.spec)];
  const differing = [...new Set([...left.keys(), ...right.keys()])].filter((k) => k !== "/name" && left.get(k) !== right.get(k));
  const columns = [
    { title: "", cell: (r) => r.name },
    { title: h("a", { href: `#/job/${a.job.id}` }, a.name), number: true, cell: (r) => r.show(r.of(a.report)) },
    { title: h("a", { href: `#/job/${b.job.id}` }, b.name), number: true, cell: (r) => r.show(r.of(b.report)) },
    { title: "Second to first", number: true, cell: (r) => {
      const [x, y] = [r.of(a.report), r.of(b.report)];
      return typeof x === "number" && typeof y === "number" ? r.change(y - x, x, y) : "–";
    } },
  ];
  return {
    element: h("div", {}, table("The two results", columns, rows),
      epochs.length > 0 && h("div", { class: "curves" }, loss.element, top1.element),
      h("h2", {}, "Settings that differ"),
      differing.length ? table("Settings that differ", [
        { title: "Setting", cell: (k) => h("code", {}, k.slice(1).replaceAll("/", ".")) },
        { title: a.name, number: true, cell: (k) => left.get(k) ?? "–" },
        { title: b.name, number: true, cell: (k) => right.get(k) ?? "–" },
      ], differing) : h("p", {}, "None.")),
    ready() {
      loss.update(epochs, epochs.length);
      top1.update(epochs, epochs.length);
    },
  };
}

export async function compare(body, signal, first, second) {
  const { items } = await get("/v1/jobs?status=succeeded&limit=200", signal);
  if (items.length < 2) {
    fill(body, empty("Two jobs are needed", "Jobs that have succeeded can be compared; there ",
      items.length ? "is one." : "is none yet."));
    return;
  }
  const other = (id) => items.find((j) => j.id !== id).id;
  const chosen = [first ?? other(second ?? items[0].id), second];
  chosen[1] ??= other(chosen[0]);
  const select = (label, i) => {
    const id = newId("job");
    const box = h("select", { id }, items.map((j) => h("option", { value: j.id }, j.name || j.id)));
    box.value = chosen[i];
    box.addEventListener("change", () => {
      chosen[i] = box.value;
      location.hash = `#/compare/${chosen.join("/")}`;
    });
    return h("div", { class: "field" }, h("label", { for: id }, label), box);
  };
  const place = h("div", {}, loading());
  fill(body, h("div", { class: "pair" }, select("First job", 0), select("Second job", 1)), place);
  try {
    const both = await sides(chosen, signal);
    fill(place, both.element);
    both.ready();
  } catch (error) {
    if (signal.aborted) throw error;
    if (!error.title) throw error;
    fill(place, problem(error));
  }
}
