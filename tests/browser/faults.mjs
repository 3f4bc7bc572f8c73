// faults.mjs - rules of WCAG 2.2 AA that a program can check, for page.evaluate().

/* What is wrong on the page, as texts. Runs in the browser. */
export function faultsOfPage() {
  const faults = [];
  const shown = (e) => e.checkVisibility({ visibilityProperty: true });
  const where = (e) => `${e.tagName.toLowerCase()}${e.className ? `.${String(e.className).split(" ")[0]}` : ""} "${e.textContent.trim().slice(0, 30)}"`;
  const named = (e) => e.getAttribute("aria-label") || e.labels?.[0]?.textContent.trim() || e.textContent.trim() || e.querySelector("img")?.alt;
  for (const e of document.querySelectorAll("a, button, input, select, textarea, progress, [role=region], [role=img], nav"))
    if (shown(e) && !named(e)) faults.push(`without a name: ${where(e)}`);
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) faults.push("img without alt");
  for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) faults.push(`tabindex ${e.tabIndex}`);
  for (const e of document.querySelectorAll("[aria-describedby]"))
    for (const id of e.getAttribute("aria-describedby").split(" "))
      if (!document.getElementById(id) && !id.endsWith("-help")) faults.push(`described by ${id}, which is not there`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id is there twice");
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(shown).map((e) => Number(e.tagName[1]));
  if (levels.filter((l) => l === 1).length !== 1) faults.push(`${levels.filter((l) => l === 1).length} h1`);
  levels.forEach((l, i) => { if (i && l > levels[i - 1] + 1) faults.push(`h${l} after h${levels[i - 1]}`); });
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title) faults.push("no title");
  // What is inside a picture is part of it.
  for (const e of document.querySelectorAll("th:not([role=img] th)")) if (shown(e) && !["col", "row"].includes(e.scope)) faults.push("th without scope");

  // Contrast of every text with what lies behind it; WCAG's formula for luminance.
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = text;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const behind = (e) => (e ? over(rgba(getComputedStyle(e).backgroundColor), behind(e.parentElement)) : [255, 255, 255]);
  const luminance = (c) => c.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  for (const e of document.querySelectorAll("body *")) {
    const hasText = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!hasText || !shown(e) || e.closest(".unseen, .stale, :disabled, noscript, .skip")) continue;
    const back = behind(e), front = over(rgba(getComputedStyle(e).color), back);
    const [a, b] = [luminance(front), luminance(back)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faults.push(`contrast ${((a + 0.05) / (b + 0.05)).toFixed(2)}: ${where(e)}`);
  }
  return [...new Set(faults)];
}
