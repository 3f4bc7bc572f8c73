// job_form.js - the fields of an order: what one sets often first, the rest from the schema, JSON for all.
import { h, fill, newId, problem } from "./dom.js";
import { entryAt, everySetting, field, merge, put, valueAt } from "./fields.js";
import { big, bytes } from "./format.js";
import { olderPart } from "./older.js";
import { hasBoxes, hasMasks } from "./task.js";

// Ways to state a budget: one of them is asked for, by its pointer. Those that the server does not have
// are not offered. boxes, masks, images: what it is called where the data set has boxes, masks, or neither
// these nor classes.
const budgets = [
  { pointer: "/filter_summary/ratio", title: "Ratio of every layer", label: "Ratio" },
  { pointer: "/budget/size_bytes", title: "Size of model.onnx", label: "Bytes", start: (m) => Math.floor(m.size_bytes / 10) },
  { pointer: "/budget/parameters", title: "Number of parameters", label: "Parameters", start: (m) => Math.floor(m.summary.parameters / 4) },
  { pointer: "/budget/max_accuracy_drop", title: "Accuracy that may be lost", label: "Per cent of accuracy", start: () => 1,
    boxes: { title: "mAP that may be lost", label: "Points of mAP@.5", figure: "mAP@.5" },
    masks: { title: "Mean IoU that may be lost", label: "Points of mean IoU", figure: "mean IoU" },
    images: { title: "Agreement that may be lost", label: "Points of agreement", figure: "agreement with the baseline's outputs", start: () => 20 } },
  { pointer: "/sweep/ratio", title: "Several ratios", label: "Ratios", start: () => [2, 4, 8] },
  { pointer: "/sweep/bits", title: "Several widths", label: "Bits", start: () => [3, 4, 8] },
  { pointer: "/sweep/size_bytes", title: "Several sizes", label: "Sizes in bytes", start: (m) => [20, 10, 5].map((n) => Math.floor(m.size_bytes / n)) },
];
const ours = ["/name", "/model_id", "/dataset_id"];
const common = {
  "/finetune/epochs": { label: "Epochs" },
  "/quantize/bits": { label: "Bits of a value" },
  "/preprocess/mean": { label: "Mean", help: "of each channel, as the model was trained; such as 0.485, 0.456, 0.406", placeholder: "0" },
  "/preprocess/std": { label: "Standard deviation", help: "of each channel; such as 0.229, 0.224, 0.225", placeholder: "1" },
  "/preprocess/scale": { label: "Range of pixels" },
};
const groups = { "": "General", filter_summary: "Filter Summary", budget: "Budget", quantize: "Quantisation",
  finetune: "Fine-tuning", preprocess: "Images", detection: "Detector", webhook: "Webhook", files: "Files" };

/* One of what a list (of pagedList()) holds, by its id; a list that goes on does so below the field. */
function chooser(pointer, label, many, list, describe) {
  const made = field(pointer, { enum: [] }, { label });
  const has = (id) => list.items.some((i) => i.id === id);
  const offer = () => {
    const chosen = made.input.value;
    fill(made.input, list.items.map((i) => h("option", { value: i.id }, describe(i))));
    made.input.value = has(chosen) ? chosen : list.items[0].id;
  };
  const older = olderPart(many, list, offer);
  offer();
  older.update();
  made.element.append(older.element);
  return { ...made, read: () => made.input.value, has, write(id) { if (has(id)) made.input.value = id; } };
}

function budgetFields(schema, model) {
  const kinds = budgets.filter((b) => entryAt(schema, b.pointer));
  const select = h("select", { id: newId("budget") },
    kinds.map((b) => h("option", { value: b.pointer }, b.title)));
  const fields = kinds.map((b) => field(b.pointer, entryAt(schema, b.pointer), { label: b.label }));
  const show = () => fields.forEach((f) => { f.element.hidden = f.pointer !== select.value; });
  let data = ""; // which of its names a budget has
  const choose = () => {
    const chosen = kinds.findIndex((b) => b.pointer === select.value), { start } = { ...kinds[chosen], ...kinds[chosen][data] };
    show();
    if (start && !fields[chosen].input.value) fields[chosen].write(start(model()));
  };
  select.addEventListener("change", choose);
  show();
  const helps = kinds.map((b) => entryAt(schema, b.pointer).description);
  const suit = (dataset) => {
    data = hasBoxes(dataset) ? "boxes" : hasMasks(dataset) ? "masks" : dataset && !dataset.summary.classes ? "images" : "";
    kinds.forEach((b, i) => {
      const { title, label, figure = "top-1" } = b[data] ?? b;
      select.options[i].textContent = title;
      fields[i].element.querySelector("label").textContent = label;
      if (b.boxes) fields[i].element.querySelector(".hint").textContent = helps[i].replace(/what the job is judged by \([^)]*\)/, figure);
    });
  };
  return {
    suit,
    element: h("div", { class: "pair" },
      h("div", { class: "field" }, h("label", { for: select.id }, "Budget"), select), fields.map((f) => f.element)),
    // Only what is shown counts.
    fields: fields.map((f) => ({ ...f, read: () => (f.element.hidden ? undefined : f.read()),
      write(value) {
        f.write(value);
        if ((Array.isArray(value) ? value.length : value) && f.pointer !== budgets[0].pointer) {
          select.value = f.pointer;
          show();
        }
      } })),
  };
}

function advancedFields(schema) {
  const taken = new Set([...ours, ...Object.keys(common), ...budgets.map((b) => b.pointer)]);
  const fields = [], parts = {};
  everySetting(schema, (pointer, entry) => {
    if (taken.has(pointer)) return;
    const path = pointer.split("/").slice(1);
    const made = field(pointer, entry, { label: path.slice(path.length > 1 ? 1 : 0).join(" ") });
    (parts[path.length > 1 ? path[0] : ""] ??= []).push(made.element);
    fields.push(made);
  });
  return { fields, element: h("details", { class: "advanced" }, h("summary", {}, "Advanced settings"),
    Object.entries(parts).map(([key, elements]) => h("fieldset", {}, h("legend", {}, groups[key] ?? key),
      h("div", { class: "grid" }, elements)))) };
}

function jsonField() {
  const id = newId("json");
  const area = h("textarea", { id, rows: "4", spellcheck: "false", "aria-describedby": `${id}-help ${id}-fault` });
  const fault = h("p", { class: "fault", id: `${id}-fault` });
  return {
    pointer: "", input: area,
    element: h("details", { class: "advanced" }, h("summary", {}, "As JSON"),
      h("div", { class: "field" }, h("label", { for: id }, "Settings in JSON"), area,
        h("p", { class: "hint", id: `${id}-help` }, "Laid over the fields: what stands here wins."), fault)),
    read() { return area.value.trim() === "" ? {} : JSON.parse(area.value); },
    fault(text) {
      fill(fault, text);
      if (text) area.setAttribute("aria-invalid", "true");
      else area.removeAttribute("aria-invalid");
    },
  };
}

/** The form for an order with these models and data sets (lists of pagedList()): {element, submit, fill(spec), body(), faults(error),
 * firstFault()}. */
export function jobForm(schema, models, datasets) {
  const model = chooser("/model_id", "Model", "models", models, (m) => `${m.name || m.id} · ${big(m.summary.parameters)} parameters · ${bytes(m.size_bytes)}`);
  const dataset = chooser("/dataset_id", "Data set", "data sets", datasets,
    (d) => `${d.name || d.id} · ${d.summary.classes ? `${d.summary.classes} classes` : "no classes"}${hasBoxes(d) ? " with boxes" : hasMasks(d) ? " with masks" : ""}`);
  const name = field("/name", entryAt(schema, "/name"), { label: "Name", help: null });
  const budget = budgetFields(schema, () => models.items.find((m) => m.id === model.read()));
  const often = Object.entries(common).filter(([p]) => entryAt(schema, p)).map(([p, o]) => field(p, entryAt(schema, p), o));
  const [preprocess, rest] = [often.filter((f) => f.pointer.startsWith("/preprocess")), often.filter((f) => !f.pointer.startsWith("/preprocess"))];
  const advanced = advancedFields(schema);
  const json = jsonField();
  const suit = () => budget.suit(datasets.items.find((d) => d.id === dataset.read()));
  dataset.input.addEventListener("change", suit);
  suit();
  const fields = [model, dataset, name, ...budget.fields, ...often, ...advanced.fields];
  const general = h("div", { class: "faults" });
  const submit = h("button", { type: "submit", class: "primary" }, "Order the job");
  const element = h("form", { novalidate: true, "aria-label": "New job" },
    model.element, dataset.element, name.element, budget.element,
    h("div", { class: "pair" }, rest.map((f) => f.element)),
    h("fieldset", {}, h("legend", {}, "Normalisation"), h("div", { class: "grid" }, preprocess.map((f) => f.element))),
    advanced.element, json.element, general, submit);

  const inputs = () => [...element.querySelectorAll("input, select, textarea")];
  return {
    element, submit,
    /* What stands in the fields, and the same put back; uploads that are gone are not chosen. */
    typed: () => inputs().map((input) => input.value),
    type(values) {
      inputs().forEach((input, i) => {
        if (input.tagName !== "SELECT" || [...input.options].some((o) => o.value === values[i])) input.value = values[i];
        if (input.tagName === "SELECT") input.dispatchEvent(new Event("change"));
      });
    },
    /* Returns what of it is no longer stored: "model", "data set". */
    fill(spec) {
      fields.forEach((f) => { const v = valueAt(spec, f.pointer); if (v !== undefined && v !== null) f.write(v); });
      suit();
      return [!model.has(spec.model_id) && "model", !dataset.has(spec.dataset_id) && "data set"].filter(Boolean);
    },
    /* Throws a SyntaxError when the JSON is none. */
    body() {
      const body = {};
      for (const f of fields) {
        const value = f.read();
        if (value !== undefined) put(body, f.pointer, value);
      }
      return merge(body, json.read());
    },
    /* Each fault at its field, the rest above the button. */
    faults(error) {
      [...fields, json].forEach((f) => f.fault(null));
      fill(general);
      if (!error) return;
      const left = [];
      for (const e of error.errors ?? []) {
        const at = e.pointer && fields.filter((f) => !f.element.hidden).find((f) => e.pointer === f.pointer || e.pointer.startsWith(`${f.pointer}/`));
        if (at) {
          at.fault(e.detail);
          at.element.closest("details")?.setAttribute("open", "");
        } else {
          left.push(e);
        }
      }
      if (error instanceof SyntaxError) json.fault(`This is not JSON: ${error.message}`);
      else if (left.length || !error.errors) fill(general, problem({ title: error.title, detail: error.detail, errors: left }));
    },
    firstFault() { element.querySelector("[aria-invalid]")?.focus(); },
  };
}
