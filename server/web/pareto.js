// pareto.js - the files of a search or a sweep (/candidates): accuracy against size, drawn, and a table of where each
// stands, while they are made and after.
import { get } from "./api.js";
import { h, fill, table } from "./dom.js";
import { bytes, count, duration, percent, points, real, times } from "./format.js";
import { saving } from "./result.js";
import { axis, svg } from "./svg.js";
import { judgedIn } from "./task.js";
import { hasToken } from "./token.js";

const W = 420, H = 230, LEFT = 52, RIGHT = 14, TOP = 10, BOTTOM = 36;
export const isPoint = (c) => typeof c.drop === "number" && c.size_bytes > 0; // else its training diverged

/** A dashed line across, with what it is. */
const level = (y, at, kind, text) => at >= y.low && at <= y.high && [
  svg("line", { class: kind, x1: LEFT, x2: W - RIGHT, y1: y.place(at), y2: y.place(at) }),
  svg("text", { x: W - RIGHT, y: y.place(at) + (y.place(at) > TOP + 14 ? -4 : 13), "text-anchor": "end" }, text)];

function plot({ items, max_accuracy_drop: most }, choose) {
  const { key, long } = judgedIn(items);
  const shown = items.filter(isPoint), baseline = shown[0][key] + shown[0].drop;
  const heights = [...shown.map((c) => c[key]), baseline];
  const x = axis(0, Math.max(...shown.map((c) => c.size_bytes)));
  const y = axis(Math.min(...heights), Math.max(...heights));
  x.place = (v) => LEFT + (v - x.low) / (x.high - x.low) * (W - LEFT - RIGHT);
  y.place = (v) => H - BOTTOM - (v - y.low) / (y.high - y.low) * (H - TOP - BOTTOM);
  const at = (c) => [x.place(c.size_bytes), y.place(c[key])];
  const front = shown.filter((c) => c.pareto).sort((a, b) => a.size_bytes - b.size_bytes);
  return svg("svg", { class: "points", viewBox: `0 0 ${W} ${H}`, role: "img",
    "aria-label": `${long} against the size of the file; the figures are in the table of the files that were tried` },
  y.ticks.map((t, i) => [
    svg("line", { class: i ? "grid" : "axis", x1: LEFT, x2: W - RIGHT, y1: y.place(t), y2: y.place(t) }),
    svg("text", { x: LEFT - 6, y: y.place(t) + 4, "text-anchor": "end" }, real(t))]),
  x.ticks.map((t, i) => svg("text", { x: x.place(t), y: H - BOTTOM + 15,
    "text-anchor": i === x.ticks.length - 1 ? "end" : "middle" }, bytes(t))),
  svg("text", { x: (W + LEFT - RIGHT) / 2, y: H - 5, "text-anchor": "middle" }, "size of model.onnx"),
  level(y, baseline, "level", "baseline"),
  most !== null && level(y, baseline - most, "limit", "least that holds"),
  svg("path", { class: "front-line", d: front.map((c, i) => `${i ? "L" : "M"}${at(c).join(" ")}`).join("") }),
  shown.map((c) => svg("g", { class: "point", onclick: () => choose(c.number) },
    svg("title", {}, `File ${c.number}: ${bytes(c.size_bytes)}, ${percent(c[key])}${c.pareto ? ", on the Pareto front" : ""}${c.best ? ", the best" : ""}`),
    svg("circle", { class: "touch", cx: at(c)[0], cy: at(c)[1], r: 12 }),
    c.best && svg("circle", { class: "ring", cx: at(c)[0], cy: at(c)[1], r: 8 }),
    svg("circle", { class: c.pareto ? "front" : "behind", cx: at(c)[0], cy: at(c)[1], r: 4 }),
    svg("text", { class: "item", x: at(c)[0] - 8, y: at(c)[1] + (at(c)[1] < TOP + 14 ? 15 : -7), "text-anchor": "end" }, String(c.number)))));
}

function unseenText({ unseen, candidates, max_accuracy_drop: most }) {
  const { key, baseline } = judgedIn(candidates);
  return `On the ${count(unseen.images)} test images that had no part in the choice the baseline has ${percent(unseen[baseline])} `
    + `and the chosen file ${percent(unseen[key])}: ${points(-unseen.drop)}`
    + `${typeof unseen.drop_error === "number" ? `, with a standard error of ${real(unseen.drop_error, 3)}` : ""}`
    + `${most === null ? "" : `; at most ${real(most, 3)} points were to be lost`}.`;
}

export const stateNames = { waiting: "waiting", running: "in hand", done: "done", diverged: "diverged", "not-made": "not made" };
export const budget = (c) => (c.budget_ratio ? `ratio ${real(c.budget_ratio)}` : c.budget_bits ? `${count(c.budget_bits)} bits` : bytes(c.budget_bytes));

/** The file, and how it compares with the best one. */
function ways(job, c, best) {
  const file = c.artifact;
  return h("span", { class: "row tight" },
    file && h("a", { href: file.href, download: file.name, onclick: hasToken() && saving(file), "aria-label": `Download file ${c.number}` }, "Download"),
    best && best !== c.number && isPoint(c) && h("a", { href: `#/compare/${job}.${best}/${job}.${c.number}`, "aria-label": `Compare file ${c.number} with file ${best}` }, "Compare"));
}

function columns(job, list, over) {
  const best = list.items.find((c) => c.best)?.number, { key, title } = judgedIn(list.items);
  return [
    { title: "File", cell: (c) => [h("a", { id: `made-${c.number}`, href: `#/job/${job}/${c.number}`, "aria-label": `File ${c.number}` }, count(c.number)),
      c.status !== "done" && h("span", { class: "mark quiet" }, stateNames[c.status]),
      c.best && h("span", { class: "mark" }, over ? "chosen" : "best so far"), c.pareto && h("span", { class: "mark" }, "Pareto front")] },
    { title: "Size", number: true, cell: (c) => bytes(c.size_bytes || null) },
    { title: "Asked for", number: true, wide: true, cell: budget },
    { title: "Smaller", number: true, wide: true, cell: (c) => times(c.ratio) },
    { title, number: true, cell: (c) => percent(c[key]) },
    { title: "Change", number: true, cell: (c) => (c.drop === null ? points(null) : points(-c.drop)) },
    { title: "Error", number: true, wide: true, cell: (c) => real(c.drop_error, 3) },
    list.max_accuracy_drop !== null && { title: "Holds", cell: (c) => (c.holds === null ? "–" : c.holds ? "yes" : "no") },
    { title: "Took", number: true, wide: true, cell: (c) => duration(c.seconds) },
    { title: h("span", { class: "unseen" }, "Actions"), cell: (c) => ways(job, c, best) },
  ].filter(Boolean);
}

/** {element, update(status, signal), told(search)}; element is hidden where the job makes one file. told: what the report
 * has on the images that had no part in the choice. */
export function filesPart(job) {
  const title = h("h2", {}), shown = h("div"), hint = h("p", { class: "hint" }), unseen = h("p");
  const element = h("section", { class: "tried", hidden: true }, title, shown, hint, unseen);
  const choose = (number) => {
    const at = document.getElementById(`made-${number}`);
    at.scrollIntoView({ block: "nearest" });
    at.focus();
  };
  return { element,
    async update(status, signal) {
      const list = await get(`/v1/jobs/${job}/candidates`, signal), over = status === "succeeded";
      const { title: measure } = judgedIn(list.items);
      signal.throwIfAborted();
      element.hidden = list.items.length === 0;
      title.textContent = over ? "Files that were tried" : list.kind === "sweep" ? "Files of the sweep" : "Files of the search";
      fill(shown, list.items.some(isPoint)
        && h("figure", { class: "curve pareto" }, h("figcaption", {}, `${measure} against size`), plot(list, choose)),
      table(title.textContent, columns(job, list, over), list.items));
      if (!over) hint.textContent = `${measure} is of test images that judge the files alone; others tell in the end what the chosen one loses.`;
    },
    told(search) {
      if (!search) return;
      hint.textContent = `${judgedIn(search.candidates).title} is of ${count(search.selection.images)} test images, which judge the files alone; the rest of the page is of the chosen one.`;
      fill(unseen, unseenText(search));
    } };
}
