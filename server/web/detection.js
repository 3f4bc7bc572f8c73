// detection.js - what a detector finds: average precision of each class, precision over recall, and some images with
// what both networks find in them. All of it is the report's.
import { label } from "./classes.js";
import { h, bar, table } from "./dom.js";
import { count, none, percent, points, real } from "./format.js";
import { svg } from "./svg.js";

const CURVES = 20, ROWS = 100; // classes; of more, those that lost most
const W = 200, H = 170, LEFT = 34, RIGHT = 8, TOP = 8, BOTTOM = 32;
const LONGEST = 320, COLOURS = 8;

const both = (c, key, show) => [c.baseline[key], c.compressed[key]].some((v) => v !== null)
  ? `${show(c.baseline[key])} → ${show(c.compressed[key])}` : none;

/** With their number and what they lost; of more than most those that lost most. */
function chosen(classes, most) {
  const rows = classes.map((c, i) => ({ ...c, i,
    change: typeof c.baseline.ap50 === "number" && typeof c.compressed.ap50 === "number" ? c.compressed.ap50 - c.baseline.ap50 : null }));
  if (rows.length > most) rows.sort((a, b) => (a.change ?? Infinity) - (b.change ?? Infinity) || a.i - b.i).splice(most);
  return rows;
}
const cut = (classes, most) => classes.length > most
  && h("p", { class: "hint" }, `The ${most} classes of ${count(classes.length)} that lost most.`);

const precisions = (classes) => [cut(classes, ROWS), table("Average precision by class", [
  { title: "Class", cell: (c) => label(classes, c.i) },
  { title: "Objects", number: true, cell: (c) => count(c.objects) },
  { title: "Difficult", number: true, wide: true, cell: (c) => count(c.difficult) },
  { title: "Baseline", cell: (c) => bar(percent(c.baseline.ap50), "calm", c.baseline.ap50 / 100) },
  { title: "Compressed", cell: (c) => bar(percent(c.compressed.ap50), "", c.compressed.ap50 / 100) },
  { title: "Change", number: true, cell: (c) => points(c.change) },
  { title: "COCO AP", number: true, wide: true, cell: (c) => both(c, "coco_ap", percent) },
  { title: "Detections", number: true, wide: true, cell: (c) => both(c, "detections", count) },
], chosen(classes, ROWS)),
h("p", { class: "hint" }, "Average precision at an overlap (IoU) of a half, the area under the curve; of what is difficult nothing is asked. "
  + "COCO AP is the mean over overlaps of 0.5, 0.55 to 0.95.")];

/** curve: at r the best precision that is had at a recall of r/100 or a higher one. */
function plot(c) {
  const x = (recall) => LEFT + recall * (W - LEFT - RIGHT), y = (precision) => H - BOTTOM - precision * (H - TOP - BOTTOM);
  const line = (curve, kind) => curve && svg("path", { class: kind, d: curve.map((p, r) => `${r ? "L" : "M"}${x(r / 100).toFixed(1)} ${y(p).toFixed(1)}`).join("") });
  return svg("svg", { class: "points", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label":
    `Precision over recall of class ${c.i} ${c.name ?? ""}: average precision ${percent(c.baseline.ap50)} before and ${percent(c.compressed.ap50)} after` },
  [0, 0.5, 1].map((at) => [
    svg("line", { class: at ? "grid" : "axis", x1: LEFT, x2: W - RIGHT, y1: y(at), y2: y(at) }),
    svg("text", { x: LEFT - 5, y: y(at) + 4, "text-anchor": "end" }, String(at)),
    svg("text", { x: x(at), y: H - BOTTOM + 14, "text-anchor": at === 1 ? "end" : "middle" }, String(at))]),
  svg("text", { x: (W + LEFT - RIGHT) / 2, y: H - 5, "text-anchor": "middle" }, "recall"),
  line(c.curves.baseline, "before-line"), line(c.curves.compressed, "front-line"));
}

function curves(classes) {
  const drawn = chosen(classes, CURVES).filter((c) => c.curves.baseline || c.curves.compressed);
  return drawn.length > 0 && [h("h3", {}, "Precision over recall"), cut(classes, CURVES),
    h("div", { class: "curves narrow" }, drawn.map((c) => h("figure", { class: "curve" }, h("figcaption", {}, label(classes, c.i)), plot(c)))),
    h("p", { class: "hint" }, "The best precision that is had at a recall or at a higher one, at an overlap of a half: of the compressed network, and dashed of the baseline.")];
}

function picture(image, title, found, name) {
  const scale = LONGEST / Math.max(image.width, image.height), width = image.width * scale, height = image.height * scale;
  const frame = ([x0, y0, x1, y1]) => ({ x: x0 * width, y: y0 * height, width: (x1 - x0) * width, height: (y1 - y0) * height });
  const rect = (box, kind) => [svg("rect", { class: "under", ...frame(box) }), svg("rect", { class: kind, ...frame(box) })];
  // Within the box at its upper edge; on the right half it ends at the right one, to stay on the picture.
  const words = ({ box: [x0, y0, x1], score, ...d }) => svg("text", x0 > 0.6
    ? { x: x1 * width - 3, y: Math.min(y0 * height + 13, height - 3), "text-anchor": "end" }
    : { x: x0 * width + 3, y: Math.min(y0 * height + 13, height - 3) }, `${name(d.class)} ${real(score, 3)}`);
  const last = [...found].reverse(); // the best are drawn last, over the others
  return h("div", {}, h("p", {}, title), svg("svg", { class: "drawn", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label":
    `${title}, ${image.name}: ${found.map((d) => `${name(d.class)} ${real(d.score, 3)}`).join(", ") || "nothing is found"}` },
  svg("rect", { class: "ground", width, height }),
  image.jpeg && svg("image", { width, height, preserveAspectRatio: "none", href: `data:image/jpeg;base64,${image.jpeg}` }),
  image.objects.map((o) => rect(o.box, "object")), last.map((d) => rect(d.box, `found k${d.class % COLOURS}`)), last.map(words)));
}

function pictures({ classes, drawn, drawn_score: score }) {
  const name = (i) => classes[i]?.name ?? String(i);
  return drawn.length > 0 && h("section", { class: "detections" }, h("h2", {}, "Detections"),
    h("p", { class: "hint" }, `Test images, first those in which the two networks differ most, with what each finds with a score of at least ${real(score, 3)}; `
      + "thin and dashed, the objects as they are labelled."),
    h("div", { class: "pictures" }, drawn.map((image) => h("figure", { class: "curve" },
      h("figcaption", {}, h("span", { class: "name" }, image.name), h("span", { class: "hint" }, ` test image ${count(image.image)}`)),
      h("div", { class: "sides-of" }, picture(image, "Baseline", image.baseline, name), picture(image, "Compressed", image.compressed, name))))));
}

/** Of the report; nothing for a classifier's. */
export const detections = ({ detection }) => detection && [
  detection.classes.length > 0 && h("section", { class: "classes" }, h("h2", {}, "Classes"), precisions(detection.classes), curves(detection.classes)),
  pictures(detection)];
