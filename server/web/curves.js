// curves.js - lines over epochs, drawn by uPlot (vendor/), in the colours of the style sheet.
import { h, fill } from "./dom.js";
import { none, real } from "./format.js";

const HEIGHT = 190, FEW = 30; // so many epochs are shown as dots too
const COLOURS = 8; // --curve-1 ... of the style sheet; more lines have them again, dashed
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** As few digits as tell the ticks apart, 3 at least. */
export function tickTexts(ticks) {
  const texts = (digits) => ticks.map((t) => real(t, digits));
  for (let digits = 3; digits < 8; digits++)
    if (new Set(texts(digits)).size === ticks.length) return texts(digits);
  return texts(8);
}

const legendOfLast = (u) => u.setLegend({ idx: u.data[0].length - 1 });

function options(series, width, digits, epochs) {
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--quiet"), grid, ticks: grid, font: "12px system-ui" };
  return {
    width, height: HEIGHT,
    scales: { x: { time: false, range: () => [1, Math.max(epochs, 2)] } },
    cursor: { drag: { x: false, y: false } },
    // Without the mouse on the chart the legend has the last epoch.
    hooks: { setCursor: [(u) => { if (u.cursor.idx === null) legendOfLast(u); }] },
    axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      { ...axis, size: 56, values: (_, ticks) => tickTexts(ticks) }],
    series: [{ label: "Epoch" }, ...series.map((s, i) => {
      const number = s.colour ?? i, stroke = colour(`--curve-${number % COLOURS + 1}`);
      return {
        label: s.label, stroke, width: 2, dash: s.dash ?? (number < COLOURS ? undefined : [6, 4]), spanGaps: true,
        points: { show: (u) => u.data[0].length <= FEW, size: 6, fill: stroke },
        value: (_, v) => (v === null || v === undefined ? none : real(v, digits)),
      };
    })],
  };
}

/** series: [{label, of(row), colour}], left out where no row has it. Returns {element, update(rows, epochs)}; rows
 * have epoch, and there will be epochs of them. The chart follows the width of its place and the colour scheme until signal ends. */
export function curves(title, series, signal, digits = 4) {
  const place = h("div", { class: "plot", role: "img", "aria-label": `${title} over epochs; the figures are in the table of the training` });
  const element = h("figure", { class: "curve" }, h("figcaption", {}, title), place);
  let rows = [], epochs = 0, chart = null, drawn = "";

  function draw(anew) {
    const have = series.filter((s) => rows.some((row) => typeof s.of(row) === "number"));
    const data = [rows.map((r) => r.epoch), ...have.map((s) => rows.map((r) => s.of(r) ?? null))];
    const names = `${epochs} ${have.map((s) => s.label).join()}`;
    element.hidden = have.length === 0;
    if (element.hidden || place.clientWidth === 0) return;
    if (chart && names === drawn && !anew) {
      chart.setData(data);
      legendOfLast(chart);
      return;
    }
    chart?.destroy();
    drawn = names;
    chart = new window.uPlot(options(have, place.clientWidth, digits, epochs), data, fill(place));
    legendOfLast(chart);
  }

  const observer = new ResizeObserver(() => {
    if (chart && chart.width !== place.clientWidth) chart.setSize({ width: place.clientWidth, height: HEIGHT });
    else if (!chart) draw();
  });
  observer.observe(place);
  dark.addEventListener("change", () => draw(true), { signal });
  signal.addEventListener("abort", () => {
    observer.disconnect();
    chart?.destroy();
  });
  return { element, update(next, total) {
    rows = next;
    epochs = total;
    draw();
  } };
}

/** Loss, accuracy (of a detector, what is matched) and learning rate of a job. */
export function trainingCurves(signal) {
  const all = [
    curves("Loss", [{ label: "training", of: (r) => r.train_loss }, { label: "held back", of: (r) => r.held_loss }], signal),
    curves("Accuracy, %", [{ label: "training", of: (r) => r.train_top1 }, { label: "held back", of: (r) => r.held_top1 },
      { label: "teacher", of: (r) => r.teacher_top1, dash: [6, 4] }], signal),
    curves("Default boxes matched in an image", [{ label: "training", of: (r) => r.matched }], signal),
    curves("Learning rate", [{ label: "rate", of: (r) => r.lr }], signal),
  ];
  return { element: h("div", { class: "curves" }, all.map((c) => c.element)), update: (rows, epochs) => all.forEach((c) => c.update(rows, epochs)) };
}
