// plan.js - what a job would make of the model, layer by layer, from the dry plan.
import { h, table } from "./dom.js";
import { big, bytes, count, times } from "./format.js";

export const tile = (label, value, note, kind) =>
  h("div", { class: `tile ${kind ?? ""}` }, h("dt", {}, label), h("dd", {}, value), note && h("dd", { class: "hint" }, note));

const weights = (layer) => layer.shape.reduce((a, b) => a * b, 1);

export const isSwept = (spec) => Object.values(spec.sweep).some((values) => values.length > 0);

export function planView({ plan, spec }) {
  const shared = (spec.budget.size_bytes > 0 || spec.budget.parameters > 0) && spec.budget.distribution === "sensitivity";
  return [
    h("dl", { class: "tiles" },
      tile("model.onnx", bytes(plan.expected_bytes), `of ${bytes(plan.baseline_bytes)}`),
      tile("Smaller", times(plan.baseline_bytes / plan.expected_bytes)),
      tile("Parameters", big(plan.compressed_parameters), `of ${big(plan.parameters)}`),
      tile("MACs", big(plan.macs), "as before")),
    isSwept(spec) && h("p", { class: "hint" }, "This is the smallest file of the sweep."),
    spec.budget.max_accuracy_drop > 0 && h("p", { class: "hint" }, "The search begins with this file, and makes it smaller or larger by what it loses."),
    shared && !plan.measured && h("p", { class: "hint" },
      "The job first measures what each layer matters and shares the budget by that: sizes hold as a whole, rows will differ."),
    table("Planned layers", [
      { title: "Layer", cell: (l) => [l.name, l.note && h("span", { class: "hint block" }, l.note)] },
      { title: "Weights", cell: (l) => count(weights(l)), number: true },
      { title: "Stored", cell: (l) => count(l.fs_size), number: true },
      { title: "Ratio", cell: (l) => times(l.ratio), number: true },
    ], plan.layers),
  ];
}
