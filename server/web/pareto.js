// pareto.js - the files of a search or a sweep: accuracy against size, drawn and as a table.
import { h, table } from "./dom.js";
import { bytes, count, duration, percent, points, real, times } from "./format.js";
import { axis, svg } from "./svg.js";

const W = 420, H = 230, LEFT = 52, RIGHT = 14, TOP = 10, BOTTOM = 36;
const isPoint = (c) => typeof c.top1 === "number" && c.size_bytes > 0; // else its training diverged

/** A dashed line across, with what it is. */
const level = (y, at, kind, text) => at >= y.low && at <= y.high && [
  svg("line", { class: kind, x1: LEFT, x2: W - RIGHT, y1: y.place(at), y2: y.place(at) }),
  svg("text", { x: W - RIGHT, y: y.place(at) + (y.place(at) > TOP + 14 ? -4 : 13), "text-anchor": "end" }, text)];

function plot({ candidates, chosen, selection, max_accuracy_drop: most }) {
  const shown = candidates.map((c, i) => ({ ...c, number: i + 1, chosen: i === chosen })).filter(isPoint);
  const top1 = [...shown.map((c) => c.top1), selection.baseline_top1];
  const x = axis(0, Math.max(...shown.map((c) => c.size_bytes)));
  const y = axis(Math.min(...top1), Math.max(...top1));
  x.place = (v) => LEFT + (v - x.low) / (x.high - x.low) * (W - LEFT - RIGHT);
  y.place = (v) => H - BOTTOM - (v - y.low) / (y.high - y.low) * (H - TOP - BOTTOM);
  const at = (c) => [x.place(c.size_bytes), y.place(c.top1)];
  const front = shown.filter((c) => c.pareto).sort((a, b) => a.size_bytes - b.size_bytes);
  return svg("svg", { class: "points", viewBox: `0 0 ${W} ${H}`, role: "img",
    "aria-label": "Top-1 accuracy against the size of the file; the figures are in the table of the files that were tried" },
  y.ticks.map((t, i) => [
    svg("line", { class: i ? "grid" : "axis", x1: LEFT, x2: W - RIGHT, y1: y.place(t), y2: y.place(t) }),
    svg("text", { x: LEFT - 6, y: y.place(t) + 4, "text-anchor": "end" }, real(t))]),
  x.ticks.map((t, i) => svg("text", { x: x.place(t), y: H - BOTTOM + 15,
    "text-anchor": i === x.ticks.length - 1 ? "end" : "middle" }, bytes(t))),
  svg("text", { x: (W + LEFT - RIGHT) / 2, y: H - 5, "text-anchor": "middle" }, "size of model.onnx"),
  level(y, selection.baseline_top1, "level", "baseline"),
  most !== null && level(y, selection.baseline_top1 - most, "limit", "least that holds"),
  svg("path", { class: "front-line", d: front.map((c, i) => `${i ? "L" : "M"}${at(c).join(" ")}`).join("") }),
  shown.map((c) => svg("g", {},
    svg("title", {}, `File ${c.number}: ${bytes(c.size_bytes)}, ${percent(c.top1)}${c.pareto ? ", on the Pareto front" : ""}${c.chosen ? ", chosen" : ""}`),
    c.chosen && svg("circle", { class: "ring", cx: at(c)[0], cy: at(c)[1], r: 8 }),
    svg("circle", { class: c.pareto ? "front" : "behind", cx: at(c)[0], cy: at(c)[1], r: 4 }),
    svg("text", { class: "item", x: at(c)[0] - 8, y: at(c)[1] + (at(c)[1] < TOP + 14 ? 15 : -7), "text-anchor": "end" }, String(c.number)))));
}

function unseenText({ unseen, max_accuracy_drop: most }) {
  return `On the ${count(unseen.images)} test images that had no part in the choice the baseline has ${percent(unseen.baseline_top1)} `
    + `and the chosen file ${percent(unseen.top1)}: ${points(-unseen.drop)}, with a standard error of ${real(unseen.drop_error, 3)}`
    + `${most === null ? "" : `; at most ${real(most, 3)} points were to be lost`}.`;
}

/** search: the report's. Null where the job made one file. */
export function tried(search) {
  if (!search) return null;
  const rows = search.candidates.map((c, i) => ({ ...c, number: i + 1, chosen: i === search.chosen }));
  return h("section", { class: "tried" }, h("h2", {}, "Files that were tried"),
    rows.some(isPoint) && h("figure", { class: "curve pareto" }, h("figcaption", {}, "Accuracy against size"), plot(search)),
    table("Files that were tried", [
      { title: "File", cell: (c) => [count(c.number), c.chosen && h("span", { class: "mark" }, "chosen"),
        c.pareto && h("span", { class: "mark" }, "Pareto front")] },
      { title: "Size", number: true, cell: (c) => bytes(c.size_bytes || null) },
      { title: "Smaller", number: true, wide: true, cell: (c) => times(c.ratio) },
      { title: "Accuracy", number: true, cell: (c) => percent(c.top1) },
      { title: "Change", number: true, cell: (c) => (c.drop === null ? points(null) : points(-c.drop)) },
      { title: "Error", number: true, wide: true, cell: (c) => real(c.drop_error, 3) },
      search.max_accuracy_drop !== null && { title: "Holds", cell: (c) => (c.holds ? "yes" : "no") },
      { title: "Took", number: true, wide: true, cell: (c) => duration(c.seconds) },
    ].filter(Boolean), rows),
    h("p", { class: "hint" }, `Accuracy is of ${count(search.selection.images)} test images, which judge the files alone; the rest of the page is of the chosen one.`),
    h("p", {}, unseenText(search)));
}
