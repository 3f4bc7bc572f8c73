// result.js - what came of a job: before and after, layers, warnings, files. All figures are the report's.
import { get, save } from "./api.js";
import { confusions } from "./classes.js";
import { detections } from "./detection.js";
import { h, bar, copyButton, problem, table } from "./dom.js";
import { goesNote, goneNote } from "./expiry.js";
import { big, bytes, count, duration, percent, points, real, shape, signed, times } from "./format.js";
import { tile } from "./plan.js";
import { judgedReport, worstError } from "./task.js";
import { hasToken } from "./token.js";

/** Rows of baseline and compressed side by side; shared with compare.js. */
export const measures = [
  { name: "Top-1 accuracy", of: (x) => x.top1, show: (v) => percent(v), change: points },
  { name: "Top-5 accuracy", of: (x) => x.top5, show: (v) => percent(v), change: points },
  { name: "Loss", of: (x) => x.loss, show: (v) => real(v), change: (d) => signed(d, 4) },
  { name: "mAP@.5", of: (x) => x.map50, show: (v) => percent(v), change: points },
  { name: "mAP@.5 at 11 recalls (VOC 2007)", of: (x) => x.map07, show: (v) => percent(v), change: points },
  { name: "COCO AP", of: (x) => x.coco_ap, show: (v) => percent(v), change: points },
  { name: "COCO AP50", of: (x) => x.coco_ap50, show: (v) => percent(v), change: points },
  { name: "COCO AP75", of: (x) => x.coco_ap75, show: (v) => percent(v), change: points },
  { name: "Mean IoU", of: (x) => x.miou, show: (v) => percent(v), change: points },
  { name: "Pixel accuracy", of: (x) => x.pixel_accuracy, show: (v) => percent(v), change: points },
  { name: "File", of: (x) => x.size_bytes, show: bytes },
  { name: "Parameters", of: (x) => x.parameters, show: count },
  { name: "Effective parameters", of: (x) => x.effective_parameters, show: count },
  { name: "Multiply-adds", of: (x) => x.macs, show: big },
];

const tone = (drop) => (drop > 2 ? "bad" : drop > 0.5 ? "fair" : "good");

const errorTone = (error) => (error > 0.5 ? "bad" : error > 0.2 ? "fair" : "good");

function tiles(report) {
  const { outputs, baseline, compressed, change, ratios } = report, judge = judgedReport(report);
  const error = worstError(report, "error");
  return h("dl", { class: "tiles result" },
    outputs && tile("Relative error", real(error, 3), `of the worst output, ${real(worstError(report, "start_error"), 3)} before fine-tuning`, errorTone(error)),
    judge && tile(judge.title, percent(compressed[judge.key]), `${percent(baseline[judge.key])} before, ${points(change[judge.key])}`, tone(-change[judge.key])),
    tile("Size", bytes(compressed.size_bytes), `${bytes(baseline.size_bytes)} before`),
    tile("Smaller", times(ratios.disk), "on the disk"),
    tile("Parameters", big(compressed.parameters), `${big(baseline.parameters)} before, ${times(ratios.parameters)} fewer`));
}

function sideBySide({ baseline, compressed }) {
  return table("Before and after", [
    { title: "Figure", cell: (m) => m.name },
    { title: "Before", number: true, cell: (m) => m.show(m.of(baseline)) },
    { title: "After", number: true, cell: (m) => m.show(m.of(compressed)) },
    { title: "Change", number: true, cell: (m) => {
      const [a, b] = [m.of(baseline), m.of(compressed)];
      if (typeof a !== "number" || typeof b !== "number") return "–";
      return m.change ? m.change(b - a) : a === b ? "same" : times(a / b);
    } },
  ], measures.filter((m) => typeof m.of(compressed) === "number"));
}

/** How near each output is to the baseline's; nothing where none was distilled. */
const outputErrors = ({ outputs, int8 }) => outputs && h("section", {}, h("h2", {}, "Outputs"), table("Outputs", [
  { title: "Output", cell: (o) => h("code", {}, o.name) },
  { title: "Compared by", cell: (o) => o.loss },
  { title: "Weight", number: true, wide: true, cell: (o) => real(o.weight, 3) },
  { title: "Error of model.onnx", cell: (o) => bar(real(o.error, 3), "error", o.error, o.start_error) },
  { title: "Before fine-tuning", number: true, cell: (o) => real(o.start_error, 3) },
  int8 && { title: "Error of model-int8.onnx", number: true, wide: true, cell: (o) => real(o.int8_error, 3) },
].filter(Boolean), outputs),
h("p", { class: "hint" }, "Relative errors on the test images, of the outputs as the files have them: 0 is the original network, "
  + "1 one that says the same of all images."));

const weights = (layer) => layer.shape.reduce((a, b) => a * b, 1);

/** What a layer costs alone: accuracy, or how far the outputs move where there is none. */
const costs = {
  classify: { unit: "points", of: (l) => l.alone_top1_drop, what: "accuracy lost on training images" },
  detect: { unit: "nats", of: (l) => l.alone_divergence,
    what: "how far the outputs move from the baseline's on training images (mean Kullback-Leibler divergence)" },
  distill: { unit: "of their spread", of: (l) => l.alone_divergence,
    what: "the loss of the outputs against the baseline's on training images, as a share of the loss of their means" },
};
const costOf = (task) => costs[task] ?? costs.classify;

function layerBars({ task, layers }) {
  const cost = costOf(task);
  const most = (of) => Math.max(...layers.map((l) => of(l) ?? 0), 1e-12);
  const largest = most(weights);
  return table("Layers", [
    { title: "Layer", cell: (l) => [l.name, l.note && h("span", { class: "hint block" }, l.note)] },
    { title: "Shape", number: true, wide: true, cell: (l) => shape(l.shape) },
    { title: "Parameters, of before", cell: (l) =>
      bar(`${count(l.fs_size)} of ${count(weights(l))}`, "sizes", l.fs_size / largest, weights(l) / largest) },
    { title: "Ratio", number: true, cell: (l) => times(l.ratio) },
    { title: "Bits", number: true, wide: true, cell: (l) => count(l.bits) },
    { title: `Alone, ${cost.unit}`, number: true, cell: (l) => real(cost.of(l), 3) },
    { title: "Error of its output", cell: (l) => bar(real(l.output_error, 3), "error", l.output_error, l.start_output_error) },
  ], layers);
}

/** Which layers to leave out, where there are some that stand out. */
function exclusions({ task, exclude_first: first = [] }) {
  const cost = costOf(task);
  return first.length > 0 && h("div", { class: "exclude" },
    h("p", {}, "What to exclude first: these cost far more than the others, each compressed alone."),
    h("ul", {}, first.map((l) => h("li", {}, h("code", {}, l.name),
      `: ${real(cost.of(l), 3)} ${cost.unit}; left as it is, model.onnx has ${bytes(l.added_bytes)} more`))));
}

/** A click saves the file with the token, which the browser's own request would not carry. */
export const saving = (file) => (event) => {
  event.preventDefault();
  save(file.href, file.name).catch((error) => event.target.closest("li, p, td").append(problem(error)));
};

/** The report as a page to keep; a job of an older version has none. */
function page(items) {
  const file = items.find((f) => f.name === "report.html");
  return file && h("p", {}, h("a", { href: file.href, target: "_blank", rel: "noopener", onclick: hasToken() && saving(file) }, "Report as one page"),
    h("span", { class: "hint" }, " to read offline, print or pass on"));
}

/** The compressed model first: it is what one came for. */
function downloads(items) {
  const main = (f) => f.name === "model.onnx";
  return h("ul", { class: "files" }, [...items].sort((a, b) => main(b) - main(a)).map((f) => {
    const line = `curl -fo ${f.name} ${hasToken() ? '-H "Authorization: Bearer $FSNET_TOKEN" ' : ""}'${new URL(f.href, location.href)}'`;
    const onclick = hasToken() && saving(f);
    return h("li", {},
      h("div", { class: "row" }, h("a", { class: main(f) ? "button primary" : "button", href: f.href, download: f.name, onclick }, `Download ${f.name}`),
        h("span", { class: "number" }, bytes(f.size_bytes))),
      h("div", { class: "row curl" }, h("code", { tabindex: "0" }, line), copyButton(line, `the curl line of ${f.name}`)),
      h("p", { class: "hint" }, "SHA-256 ", h("code", {}, f.sha256)));
  }));
}

/** files: pareto.js's, which are put where they belong. */
export async function result(job, signal, files) {
  const there = (path) => get(`/v1/jobs/${job.id}/${path}`, signal).catch((error) => {
    if (error.status !== 410) throw error;
    return null;
  });
  const [report, artifacts] = await Promise.all([there("report"), there("artifacts")]);
  if (!report) return h("div", { class: "outcome" }, goneNote(job, false));
  files.told(report.search);
  const objects = typeof report.compressed.objects === "number" ? ` with ${count(report.compressed.objects)} objects` : "";
  return h("div", { class: "outcome" },
    tiles(report), artifacts ? page(artifacts.items) : goneNote(job, true),
    report.warnings.length > 0 && h("section", { class: "warnings", "aria-label": "Warnings" }, h("h2", {}, "Warnings"),
      h("ul", {}, report.warnings.map((w) => h("li", {}, w)))),
    h("section", {}, h("h2", {}, "Before and after"), sideBySide(report),
      h("p", { class: "hint" }, `Measured on ${count(report.compressed.images)} test images${objects}, with model.onnx as it was read back from the disk; `
        + `largest difference from model-dense.onnx ${real(report.dense.max_difference)}. The job took ${duration(report.wall_seconds)}.`)),
    outputErrors(report), files.element,
    artifacts && h("section", {}, h("h2", {}, "Downloads"), goesNote(job), downloads(artifacts.items)),
    h("section", {}, h("h2", {}, "Layers"), exclusions(report), layerBars(report),
      h("p", { class: "hint" }, `Alone: ${costOf(report.task).what} with only this layer compressed and nothing trained. `
        + "Output: the share of what the layer writes on test images that is lost in model.onnx, and paler before training; "
        + "what layers before have changed is part of it.")),
    confusions(report), detections(report));
}
