// fields.js - form fields from the schema of a job's order: one for each setting, which reads itself back
// and shows the server's fault below itself.
//
// What was typed goes to the server as it is: it alone judges, and says why, with a JSON pointer.
import { h, fill, newId } from "./dom.js";

const isNumeric = (entry) =>
  entry.type === "number" || entry.type === "integer" || (entry.anyOf ?? []).some((e) => isNumeric(e));

/** Text as a number when it is one, else as text, for the server to refuse. */
function number(text) {
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
}

/* Lines "key = value" as an object; one that is none is the server's to refuse. */
function pairs(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (lines.some((line) => !line.includes("="))) return text;
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1).trim()]));
}

/* What may be words or an object of JSON; what is neither is the server's to refuse. */
function wordOrObject(text) {
  try {
    return /^[[{]/.test(text) ? JSON.parse(text) : text;
  } catch {
    return text;
  }
}

function parse(entry, text) {
  if (entry.oneOf) return wordOrObject(text);
  if (entry.type === "object") return pairs(text);
  if (entry.enum) return entry.enum.find((choice) => String(choice) === text);
  if (entry.type === "array" && text.startsWith("[")) return wordOrObject(text);
  if (entry.type === "array")
    return text.split(",").map((t) => t.trim()).filter(Boolean)
      .map((t) => (isNumeric(entry.items ?? {}) ? number(t) : t));
  return isNumeric(entry) ? number(text) : text;
}

function written(value) {
  if (Array.isArray(value)) return value.some((v) => typeof v === "object") ? JSON.stringify(value) : value.join(", ");
  if (value !== null && typeof value === "object") return Object.entries(value).map(([key, v]) => `${key} = ${v}`).join("\n");
  return String(value ?? "");
}

function control(entry, id, placeholder) {
  if (entry.enum) {
    const select = h("select", { id }, entry.enum.map((c) => h("option", { value: String(c) }, String(c))));
    select.value = String(entry.default);
    return select;
  }
  if (entry.type === "object")
    return h("textarea", { id, rows: "2", spellcheck: "false", placeholder: "key = value, a line each" });
  return h("input", {
    id, type: "text", autocomplete: "off", spellcheck: "false",
    inputmode: isNumeric(entry) ? "decimal" : null,
    placeholder: placeholder ?? (written(entry.default) || (entry.type === "array" && entry.default ? "none" : null)),
  });
}

const words = { lr: "learning rate", bn: "(batch norm)", ema: "moving average", distill: "distillation", "1x1": "of 1x1",
  aware: "quantisation-aware", holdout: "held-back share", iou: "overlap (IoU)" };
const title = (key) => key.split(/[_ ]/).map((word) => words[word] ?? word).join(" ");

/** A field for the setting at pointer: {pointer, element, read(), write(value), fault(text)}. read() is
 * undefined where the default is meant. */
export function field(pointer, entry, { label, help = entry.description, placeholder } = {}) {
  const id = newId("field"), helpId = `${id}-help`, faultId = `${id}-fault`;
  const input = control(entry, id, placeholder);
  const fault = h("p", { class: "fault", id: faultId });
  input.setAttribute("aria-describedby", `${helpId} ${faultId}`);
  const element = h("div", { class: "field" },
    h("label", { for: id }, title(label ?? pointer.split("/").pop())),
    input, help && h("p", { class: "hint", id: helpId }, help), fault);
  return {
    pointer, element, input,
    read() {
      const text = input.value.trim();
      if (text === "" || (entry.enum && text === String(entry.default))) return undefined;
      return parse(entry, text);
    },
    write(value) { // a default shows as one
      const isDefault = JSON.stringify(value) === JSON.stringify(entry.default);
      input.value = isDefault && !entry.enum ? ""
        : entry.oneOf && typeof value === "object" ? JSON.stringify(value) : written(value);
    },
    fault(text) {
      fill(fault, text);
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    },
  };
}

/** The entry of a schema at a JSON pointer, or undefined. */
export const entryAt = (schema, pointer) =>
  pointer.split("/").slice(1).reduce((at, key) => at?.properties?.[key], schema);

/** Calls each(pointer, entry) for every setting below schema. */
export function everySetting(schema, each, pointer = "") {
  for (const [key, entry] of Object.entries(schema.properties ?? {}))
    if (entry.properties) everySetting(entry, each, `${pointer}/${key}`);
    else each(`${pointer}/${key}`, entry);
}

/** object at pointer = value, making the objects on the way. */
export function put(object, pointer, value) {
  const keys = pointer.split("/").slice(1);
  const last = keys.pop();
  for (const key of keys) object = object[key] ??= {};
  object[last] = value;
}

export const valueAt = (object, pointer) =>
  pointer.split("/").slice(1).reduce((at, key) => at?.[key], object);

const isObject = (x) => x !== null && typeof x === "object" && !Array.isArray(x);
/** over laid on base, key by key, at every depth. */
export function merge(base, over) {
  if (!isObject(base) || !isObject(over)) return over;
  const result = { ...base };
  for (const [key, value] of Object.entries(over))
    Object.defineProperty(result, key, { value: Object.hasOwn(base, key) ? merge(base[key], value) : value,
      enumerable: true, configurable: true, writable: true });
  return result;
}
