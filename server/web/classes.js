// classes.js - what is taken for what: the confusion matrix, the worst pairs, the accuracy of each class.
import { h, scroll, table } from "./dom.js";
import { count, percent, points } from "./format.js";

const DRAWN = 40; // classes; of more, there is no picture, and the table of classes is cut
/** A class's number and name. */
export const label = (classes, i) => [String(i), classes[i]?.name && h("span", { class: "name" }, ` ${classes[i].name}`)];

function cell(images, of, right, before) {
  const element = h("td", { class: `${right ? "right" : "wrong"}${images ? "" : " zero"}`, title: `baseline: ${count(before)}` }, count(images));
  if (images) element.style.setProperty("--share", `${Math.round(45 * Math.sqrt(Math.min(1, images / of)))}%`);
  return element;
}

function matrix(classes, { baseline, compressed }) {
  return h("div", { class: "matrix" }, scroll("Confusion matrix", h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "is \\ taken for"),
      classes.map((c, i) => h("th", { scope: "col", title: c.name }, String(i))))),
    h("tbody", {}, compressed.map((row, i) => h("tr", {}, h("th", { scope: "row" }, label(classes, i)),
      row.map((images, k) => cell(images, classes[i].images, i === k, baseline[i][k]))))))),
  h("p", { class: "hint" }, "Test images of each class (rows) by what the compressed network takes them for (columns); on the diagonal it is right."));
}

const worst = (classes, rows) => rows.length > 0 && h("details", {}, h("summary", {}, "What is confused most"),
  table("What is confused most", [
    { title: "Is", cell: (r) => label(classes, r.label) },
    { title: "Taken for", cell: (r) => label(classes, r.choice) },
    { title: "Baseline, images", number: true, cell: (r) => count(r.baseline) },
    { title: "Compressed, images", number: true, cell: (r) => count(r.compressed) },
  ], rows));

function accuracies(classes) {
  const rows = classes.map((c, i) => ({ ...c, i, change: c.images ? c.compressed_top1 - c.baseline_top1 : null }));
  if (rows.length > DRAWN) rows.sort((a, b) => (a.change ?? Infinity) - (b.change ?? Infinity) || a.i - b.i).splice(DRAWN);
  return h("details", {}, h("summary", {}, "Accuracy by class"),
    classes.length > DRAWN && h("p", { class: "hint" }, `The ${DRAWN} classes of ${count(classes.length)} that lost most.`),
    table("Accuracy by class", [
      { title: "Class", cell: (c) => label(classes, c.i) },
      { title: "Images", number: true, cell: (c) => count(c.images) },
      { title: "Baseline", number: true, cell: (c) => percent(c.baseline_top1) },
      { title: "Compressed", number: true, cell: (c) => percent(c.compressed_top1) },
      { title: "Change", number: true, cell: (c) => points(c.change) },
    ], rows));
}

/** Of the report; null for one of an older version, which has neither. */
export function confusions({ classes, confusion }) {
  if (!classes || !confusion) return null;
  const outside = confusion.outside.compressed;
  return h("section", { class: "classes" }, h("h2", {}, "Classes"),
    confusion.compressed && classes.length <= DRAWN && matrix(classes, confusion),
    outside > 0 && h("p", {}, `${count(outside)} images went to no class of the data set.`),
    worst(classes, confusion.worst), accuracies(classes));
}
