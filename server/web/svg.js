// svg.js - small drawings: elements of SVG in one line, and round figures for an axis.

/** svg("circle", {r: 3}, child): attributes, on* listeners, children; null and false are left out. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes))
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  for (const child of children.flat(3))
    if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/** Steps of 1, 2 or 5 times a power of ten around low..high, four or so: {low, high, ticks}. */
export function axis(low, high) {
  const wanted = Math.max((high - low) / 4, 1e-9 * Math.max(Math.abs(high), 1));
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = power * [1, 2, 5, 10].find((f) => wanted <= f * power * (1 + 1e-9));
  const first = Math.floor(low / step + 1e-9), last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return { low: first * step, high: last * step,
    ticks: Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12))) };
}
