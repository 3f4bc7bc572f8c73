// reference.js - the contract as a page: every operation with its parameters, bodies, answers, examples and a
// line for curl, made in the browser from /openapi.yaml, so that it says what this server says.
import { copyButton, fill, h, loading, problem, scroll } from "./dom.js";
import { parseYaml } from "./yaml.js";

const METHODS = ["get", "post", "put", "patch", "delete", "options"];
const DEEPEST = 5; // of schemas within schemas
const main = document.getElementById("main");

async function text(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw Object.assign(new Error(path), { title: `${path}: ${answer.status}` });
  return answer.text();
}

/** `code`, [links](to) and blank lines: what descriptions have of Markdown. */
function prose(source) {
  const inline = (part) => part.split(/(`[^`]+`|\[[^\]]+\]\(https?:[^)]+\))/).map((piece) => {
    const link = /^\[([^\]]+)\]\((.*)\)$/.exec(piece);
    if (link) return h("a", { href: link[2], rel: "noreferrer" }, link[1]);
    return /^`.+`$/.test(piece) ? h("code", {}, piece.slice(1, -1)) : piece;
  });
  return String(source ?? "").trim().split(/\n\s*\n/).filter(Boolean).map((p) => h("p", {}, inline(p)));
}

/** Follows $ref: to a component of the contract, or of the schema of a job's order. */
function resolver(contract, order) {
  const walk = (root, pointer) => pointer.split("/").slice(1).reduce((at, key) => at?.[key], root);
  return (thing, root = contract) => {
    while (thing?.$ref) {
      const [file, pointer = ""] = thing.$ref.split("#");
      if (file) root = order;
      thing = walk(root, pointer);
    }
    return { thing: thing ?? {}, root };
  };
}

const name = (ref) => ref?.split("/").pop();

function kindOf(schema) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(" | ");
  const type = [schema.type ?? (schema.properties || schema.allOf ? "object" : "any")].flat().join(" | ");
  const bounds = [["minimum", "≥"], ["maximum", "≤"], ["maxLength", "length ≤"], ["maxItems", "items ≤"], ["pattern", "like"], ["format", ""], ["default", "default"]]
    .filter(([key]) => schema[key] !== undefined).map(([key, word]) => `${word} ${[schema[key]].flat().map((v) => (typeof v === "string" && v !== "" ? v : JSON.stringify(v))).join(",")}`.trim());
  return [type, ...bounds].join(", ");
}

/** A schema as a tree of what it has. */
function schemaTree(given, resolve, root, depth = 0) {
  const { thing: schema, root: base } = resolve(given, root);
  const parts = [];
  if (depth > DEEPEST) return [h("span", { class: "kind" }, name(given.$ref) ?? "…")];
  for (const part of schema.allOf ?? []) parts.push(schemaTree(part, resolve, base, depth));
  for (const part of schema.oneOf ?? schema.anyOf ?? [])
    if (resolve(part, base).thing.type !== "null") parts.push(schemaTree(part, resolve, base, depth + 1));
  if (schema.items) parts.push(h("p", { class: "kind" }, "each of:"), schemaTree(schema.items, resolve, base, depth + 1));
  const rows = Object.entries(schema.properties ?? {}).map(([key, part]) => {
    const { thing } = resolve(part, base);
    const nested = thing.properties || thing.items || thing.allOf || thing.oneOf;
    return h("li", {}, h("code", {}, key), " ", h("span", { class: "kind" }, kindOf(thing), schema.required?.includes(key) ? "" : ", optional"),
      prose(thing.description), nested && schemaTree(part, resolve, base, depth + 1));
  });
  if (rows.length) parts.push(h("ul", { class: "schema" }, rows));
  if (!parts.length) parts.push(h("span", { class: "kind" }, kindOf(schema)), prose(schema.description));
  return parts.flat(Infinity);
}

function example(title, path) {
  const body = h("pre", { tabindex: "0" }, "…");
  const details = h("details", {}, h("summary", {}, `Example: ${title}`), body);
  details.addEventListener("toggle", async () => {
    if (!details.open) return;
    try {
      body.textContent = await text(`/web/${path.split("/").pop()}`);
    } catch (error) {
      body.textContent = error.title ?? String(error);
    }
  }, { once: true });
  return details;
}

const contents = (content, resolve) => Object.entries(content ?? {}).map(([type, media]) => [
  h("p", {}, h("code", {}, type)),
  media.schema && Object.keys(media.schema).length > 0 && type.includes("json") && type !== "application/problem+json" &&
    h("details", {}, h("summary", {}, `Schema${media.schema.$ref ? `: ${name(media.schema.$ref)}` : ""}`), schemaTree(media.schema, resolve)),
  Object.entries(media.examples ?? {}).map(([title, { externalValue }]) => example(title, externalValue)),
]).flat(Infinity);

function parameterTable(parameters) {
  return scroll("Parameters", h("table", {},
    h("thead", {}, h("tr", {}, ["Parameter", "In", "Value", "Meaning"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, parameters.map((p) => h("tr", {}, h("td", {}, h("code", {}, p.name), p.required && " *"), h("td", {}, p.in),
      h("td", {}, kindOf(p.schema ?? {})), h("td", {}, prose(p.description)))))));
}

/** One line that a shell takes; what stands in <> is to be filled in. */
function curlLine(method, path, operation, parameters, open) {
  const words = [method === "get" ? "curl -s" : `curl -s -X ${method.toUpperCase()}`];
  const types = Object.keys(operation.requestBody?.content ?? {});
  words.push(`"$api${path.replace(/\{(\w+)\}/g, "<$1>")}"`);
  if (!open) words.push('-H "Authorization: Bearer $token"');
  for (const p of parameters) if (p.in === "header" && p.required) words.push(`-H '${p.name}: ${p.schema?.const ?? p.example ?? "<value>"}'`);
  if (types.length) words.push(`-H 'Content-Type: ${types[0]}'`, types[0].includes("json") ? "-d @body.json" : "--data-binary @file");
  return words.join(" ");
}

/** sent: by the service, to a client's webhook. */
function operationArticle({ method, path, operation, shared, sent }, resolve) {
  const parameters = [...shared, ...(operation.parameters ?? [])].map((p) => resolve(p).thing);
  const open = operation.security?.length === 0;
  const line = curlLine(method, path, operation, parameters, open);
  return h("article", { class: "operation", id: operation.operationId },
    h("h3", {}, h("code", { class: `method ${method}` }, method.toUpperCase()), h("code", {}, path)),
    h("p", {}, h("strong", {}, operation.summary)),
    prose(operation.description),
    h("p", { class: "kind" }, sent ? "The service sends it." : open ? "Open to all." : "Needs a token where the service asks for them."),
    parameters.length > 0 && [h("h4", {}, "Parameters"), parameterTable(parameters)],
    operation.requestBody && [h("h4", {}, "Body"), prose(operation.requestBody.description), contents(operation.requestBody.content, resolve)],
    h("h4", {}, "Answers"),
    Object.entries(operation.responses).map(([status, given]) => {
      const { thing: answer } = resolve(given);
      const headers = Object.keys(answer.headers ?? {});
      return [h("div", {}, h("strong", {}, h("code", {}, status)), " ", prose(answer.description)),
        headers.length > 0 && h("p", { class: "kind" }, `Headers: ${headers.join(", ")}`), contents(answer.content, resolve)];
    }).flat(Infinity),
    !sent && [h("h4", {}, "curl"), h("pre", { tabindex: "0" }, line), copyButton(line, `the line for ${method.toUpperCase()} ${path}`)]);
}

function render(contract, order) {
  const resolve = resolver(contract, order);
  const groups = new Map((contract.tags ?? []).map((tag) => [tag.name, []]));
  const add = (path, item, sent) => {
    for (const method of METHODS.filter((m) => item[m])) {
      const operation = item[method], tag = sent ? "webhooks" : operation.tags?.[0] ?? "other";
      groups.set(tag, [...(groups.get(tag) ?? []), { method, path, operation, shared: item.parameters ?? [], sent }]);
    }
  };
  for (const [path, item] of Object.entries(contract.paths)) add(path, item, false);
  for (const [path, item] of Object.entries(contract.webhooks ?? {})) add(path, item, true);
  fill(main, h("h1", {}, "API"), prose(contract.info.description),
    h("nav", { class: "contents", "aria-label": "Operations" }, [...groups].map(([tag, rows]) => [h("h2", {}, tag), h("ul", {}, rows.map((row) =>
      h("li", {}, h("a", { href: `#${row.operation.operationId}` }, `${row.method.toUpperCase()} ${row.path}`))))])),
    [...groups].map(([tag, rows]) => h("section", { "aria-label": tag }, h("h2", {}, tag),
      rows.map((row) => operationArticle(row, resolve)))));
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

main.append(loading());
try {
  const [contract, order] = await Promise.all([text("/openapi.yaml"), text("/job-spec.schema.json")]);
  render(parseYaml(contract), JSON.parse(order));
} catch (error) {
  console.error(error);
  fill(main, problem({ title: error.title ?? "The contract cannot be shown", detail: error.message }));
}
