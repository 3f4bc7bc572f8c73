// dom.js - elements made in one line, and the small pieces that every page has.

/** h("p", {class: "note", onclick: f}, "text", child): attributes, on* listeners, children; null and
 * false are left out. Text is always text, never markup. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(3))
    if (child !== null && child !== undefined && child !== false) element.append(child);
}

/** Puts children in place of what the element has. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** fill(), and what had the focus has it again: what is called the same now, else the page's heading. */
export function refill(element, ...children) {
  const at = element.contains(document.activeElement) ? document.activeElement : null;
  const nameOf = (e) => `${e.getAttribute("href")} ${e.getAttribute("aria-label") ?? e.textContent}`;
  const name = at && nameOf(at);
  fill(element, ...children);
  if (!at) return;
  const again = [...element.querySelectorAll("a, button, [tabindex]")].find((e) => nameOf(e) === name);
  (again ?? document.querySelector("main h1")).focus({ preventScroll: true });
}

/** The page's heading, which stands before its body, and the window's title. */
export function heading(body, text) {
  body.parentElement.querySelector("h1").textContent = text;
  document.title = `${text} · fsnet`;
}

let serial = 0;
export const newId = (prefix) => `${prefix}-${++serial}`;

export const loading = (what = "Loading") => h("p", { class: "loading", role: "status" }, `${what} …`);

/** An empty list: what would be here, and what to do. */
export const empty = (title, ...rest) => h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, ...rest));

/** What the server (or the way to it) said went wrong. */
export function problem(error) {
  const list = (error.errors ?? []).filter((e) => e.detail !== error.detail);
  return h("div", { class: "problem", role: "alert" },
    h("strong", {}, error.title ?? "That did not work"),
    error.detail && !list.length && h("p", {}, error.detail),
    list.length > 0 && h("ul", {}, list.map((e) => h("li", {}, e.pointer && h("code", {}, e.pointer), " ", e.detail))));
}

/** A wide table that scrolls by itself, by keyboard too. */
export const scroll = (label, table) =>
  h("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, table);

/** columns: [{title, cell(row), number, wide}]; number: right aligned; wide: left out on a phone. */
export function table(label, columns, rows) {
  const kind = (c) => [c.number && "number", c.wide && "wide"].filter(Boolean).join(" ") || null;
  return scroll(label, h("table", {},
    h("thead", {}, h("tr", {}, columns.map((c) => h("th", { scope: "col", class: kind(c) }, c.title)))),
    h("tbody", {}, rows.map((row) =>
      h("tr", {}, columns.map((c) => h("td", { class: kind(c) }, c.cell(row))))))));
}

/** A bar of share of its place, on a paler one of whole; the figure stands beside it. */
export function bar(text, kind, share, whole = 0) {
  const inner = h("span", { class: `bar ${kind}`, "aria-hidden": "true" });
  const set = (name, value) => inner.style.setProperty(name, String(Math.max(0, Math.min(1, value || 0))));
  set("--share", share);
  set("--whole", whole);
  return h("span", { class: "barred" }, inner, h("span", { class: "number" }, text));
}

/** A click does work(), and none does anything until that has failed: it returns false then. The button is not disabled
 * meanwhile, which would take the focus from who has just pressed it. */
export function press(button, work) {
  button.addEventListener("click", async () => {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    if ((await work()) === false) button.removeAttribute("aria-disabled");
  });
}

/** Copies the text and says so on the button. */
export function copyButton(text, label) {
  const button = h("button", { type: "button", class: "small", "aria-label": `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copy(text)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
}

/* The clipboard is there on HTTPS and localhost alone; elsewhere a selection is copied. */
async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { /* not allowed: the other way */ }
  }
  const area = h("textarea", { class: "unseen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
