// uploads.js - the pages of models and data sets: upload, list, what is in one, delete.
import { send } from "./api.js";
import { dropzone } from "./dropzone.js";
import { h, fill, empty, loading, problem, refill, table } from "./dom.js";
import { big, bytes, count, none, shape, time } from "./format.js";
import { pagedList } from "./lists.js";
import { olderPart } from "./older.js";
import { hasMasks } from "./task.js";

const images = (splits, name) => count(splits?.[name]?.images);

function imageSize({ channels, height, width, height_range, width_range }) {
  const side = (one, range) => one ?? (range ? `${range[0]}–${range[1]}` : "any");
  return `${channels} × ${side(height, height_range)} × ${side(width, width_range)}`;
}

function modelDetails({ summary }) {
  return table("Layers of the model", [
    { title: "Layer", cell: (l) => l.name },
    { title: "Operator", cell: (l) => l.op, wide: true },
    { title: "Weights", cell: (l) => shape(l.weight_shape), number: true },
    { title: "Parameters", cell: (l) => count(l.parameters), number: true },
    { title: "MACs", cell: (l) => big(l.macs), number: true, wide: true },
    { title: "Compressed", cell: (l) => (l.compressible ? "yes" : l.reason ?? "no") },
  ], summary.layers);
}

function datasetDetails({ summary }) {
  const names = summary.class_names ?? [];
  const classes = Array.from({ length: summary.classes }, (_, i) => i);
  const counted = summary.bad_boxes ? "Objects" : hasMasks({ summary }) ? "Pixels" : "Images";
  const counts = classes.length === 0 ? table("Images", [
    { title: "Split", cell: (split) => split },
    { title: "Images", cell: (split) => count(summary.splits[split].images), number: true },
  ], Object.keys(summary.splits)) : table(`${counted} of each class`, [
    { title: "Class", cell: (i) => names[i] ?? String(i) },
    ...Object.keys(summary.splits).map((split) => ({
      title: split, number: true, cell: (i) => count(summary.splits[split].per_class?.[i]),
    })),
  ], classes);
  return summary.bad_boxes?.count ? h("div", {}, counts, badBoxes(summary.bad_boxes)) : counts;
}

function badBoxes({ count: all, listed }) {
  const title = `Boxes left out: ${count(all)}` + (all > listed.length ? `, the first ${listed.length}` : "");
  return table(title, [
    { title: "Image", cell: (b) => b.image },
    { title: "Class", cell: (b) => b.class },
    { title: "Box", cell: (b) => b.box.join(", "), number: true, wide: true },
    { title: "Fault", cell: (b) => b.fault.replace("_", " ") },
  ], listed);
}

const kinds = {
  models: {
    one: "a model", many: "models", path: "/v1/models", accept: ".onnx",
    hint: "ONNX, operator set 7 or later, float32",
    none: ["No models yet", "Upload a trained convolutional network as an ONNX file."],
    details: modelDetails,
    columns: [
      { title: "Parameters", cell: (m) => big(m.summary.parameters), number: true, wide: true },
      { title: "MACs", cell: (m) => big(m.summary.macs), number: true, wide: true },
      { title: "Input", cell: (m) => shape(m.summary.inputs?.[0]?.shape), number: true, wide: true },
    ],
  },
  datasets: {
    one: "a data set", many: "data sets", path: "/v1/datasets", accept: ".gz,.tgz,.xz,.bz2,.tar,.zip,.npz",
    hint: "An archive: CIFAR-10 or -100 binary, IDX, NumPy arrays, or a folder of images for each class",
    none: ["No data sets yet", "Upload labelled images: training needs them, and the test images judge the result."],
    details: datasetDetails,
    columns: [
      { title: "Image", cell: (d) => imageSize(d.summary.image), number: true, wide: true },
      { title: "Classes", cell: (d) => count(d.summary.classes), number: true },
      { title: "Train", cell: (d) => images(d.summary.splits, "train"), number: true },
      { title: "Test", cell: (d) => images(d.summary.splits, "test"), number: true, wide: true },
    ],
  },
};

function page(kind) {
  return async (body, signal) => {
    const list = pagedList(kind.path, signal);
    const shown = h("div", { class: "list" }, loading()), details = h("section", { class: "details" });
    const draw = () => refill(shown, list.items.length ? rows(list.items) : empty(...kind.none));
    const older = olderPart(kind.many, list, draw);
    const refresh = async () => {
      await list.refresh();
      fill(details);
      draw();
      older.update();
    };
    const show = (item) => {
      const title = h("h2", { tabindex: "-1" }, item.name || item.id);
      fill(details, title, h("p", { class: "hint" }, h("code", {}, item.id)), kind.details(item));
      title.focus(); // it may lie below what one sees
    };
    const remove = async (item) => {
      if (!window.confirm(`Delete ${item.name || item.id}?`)) return;
      try {
        await send("DELETE", `${kind.path}/${item.id}`, undefined, signal);
        list.drop(item.id);
        await refresh();
      } catch (error) {
        const said = problem(error);
        fill(details, said);
        said.scrollIntoView({ block: "nearest" });
      }
    };
    const rows = (items) => table("Stored", [
      { title: "Name", cell: (i) => h("button", { type: "button", class: "link", onclick: () => show(i) }, i.name || i.id) },
      { title: "Format", cell: (i) => i.format, wide: true },
      { title: "Size", cell: (i) => bytes(i.size_bytes), number: true },
      ...kind.columns,
      { title: "Uploaded", cell: (i) => time(i.created_at) || none, number: true, wide: true },
      { title: h("span", { class: "unseen" }, "Actions"), number: true,
        cell: (i) => h("button", { type: "button", class: "small", "aria-label": `Delete ${i.name || i.id}`, onclick: () => remove(i) }, "Delete") },
    ], items);

    if (!kind.zone?.busy) kind.zone = dropzone({ path: kind.path, what: kind.one, hint: kind.hint, accept: kind.accept, signal });
    kind.zone.onstored = () => refresh().catch(() => {});
    fill(body, kind.zone.element, shown, older.element, details);
    await refresh();
  };
}

export const models = page(kinds.models);
export const datasets = page(kinds.datasets);
