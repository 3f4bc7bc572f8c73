// training.js - the curves of a job: of its one file, or of the files of a search or a sweep, together or one by one.
import { curves, trainingCurves } from "./curves.js";
import { h, fill, newId, table } from "./dom.js";
import { count, duration, percent, real } from "./format.js";

const MOST = 32; // files of a job
const ALL = "0";

/** The rows of /metrics, or of the report's training: the figures of the curves. */
export function trainingTable(training) {
  const has = (key) => training.some((r) => typeof r[key] === "number"), held = has("held_top1");
  const several = training.some((r) => r.candidate !== training[0].candidate);
  return table("Training, epoch by epoch", [
    several && { title: "File", number: true, cell: (r) => count(r.candidate) },
    { title: "Epoch", number: true, cell: (r) => count(r.epoch) },
    { title: "Loss", number: true, cell: (r) => real(r.train_loss) },
    ...(has("train_top1") ? [
      { title: "Accuracy", number: true, cell: (r) => percent(r.train_top1) },
      held ? { title: "Held back", number: true, cell: (r) => percent(r.held_top1) }
        : { title: "Teacher", number: true, wide: true, cell: (r) => percent(r.teacher_top1) },
    ] : [
      { title: "Held-back loss", number: true, cell: (r) => real(r.held_loss) },
      has("matched") && { title: "Matched boxes", number: true, cell: (r) => real(r.matched, 3) },
    ]),
    { title: "Rate", number: true, wide: true, cell: (r) => real(r.lr, 3) },
    { title: "Images/s", number: true, wide: true, cell: (r) => count(r.images_per_second) },
    { title: "Took", number: true, cell: (r) => duration(r.seconds) },
  ].filter(Boolean), training);
}

/** A line for each file. */
function together(signal) {
  const lines = (figure) => Array.from({ length: MOST }, (_, i) =>
    ({ label: `file ${i + 1}`, colour: i, of: (r) => r[i + 1]?.[figure] }));
  const all = [curves("Loss", lines("train_loss"), signal), curves("Accuracy, %", lines("train_top1"), signal),
    curves("Default boxes matched in an image", lines("matched"), signal)];
  return { element: h("div", { class: "curves" }, all.map((c) => c.element)), update(rows, epochs) {
    const byEpoch = new Map();
    for (const row of rows) byEpoch.set(row.epoch, { ...byEpoch.get(row.epoch), epoch: row.epoch, [row.candidate]: row });
    const merged = [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch);
    all.forEach((c) => c.update(merged, epochs));
  } };
}

/** {element, update(rows, epochs)}: rows of all files, in order. Once a file is chosen it stays. */
export function trainingPart(signal) {
  const one = trainingCurves(signal), all = together(signal), figures = h("div"), title = h("h2", {}, "Training");
  const id = newId("file"), select = h("select", { id });
  const chooser = h("div", { class: "field file", hidden: true }, h("label", { for: id }, "File"), select);
  const element = h("section", { hidden: true, "aria-label": "Training" }, title, chooser, one.element, all.element,
    h("details", {}, h("summary", {}, "Epoch by epoch"), figures));
  let rows = [], epochs = 0;

  function draw() {
    const files = [...new Set(rows.map((r) => r.candidate))];
    if (files.length + 1 !== select.options.length) {
      const chosen = select.value;
      fill(select, h("option", { value: ALL }, "All"), files.map((f) => h("option", { value: String(f) }, `File ${f}`)));
      select.value = chosen || ALL;
    }
    chooser.hidden = files.length < 2;
    const chosen = files.length < 2 ? files[0] : Number(select.value);
    const mixed = files.length > 1 && chosen === 0;
    const shown = mixed ? rows : rows.filter((r) => r.candidate === chosen);
    title.textContent = mixed ? "Training of the files" : chosen ? `Training of file ${chosen}` : "Training";
    element.hidden = rows.length === 0;
    one.element.hidden = mixed;
    all.element.hidden = !mixed;
    (mixed ? all : one).update(shown, epochs);
    fill(figures, shown.length > 0 && trainingTable(shown));
  }
  select.addEventListener("change", draw);
  return { element, update(next, total) {
    rows = next;
    epochs = total;
    if (rows.length) draw();
  } };
}
