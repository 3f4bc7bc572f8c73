// format.js - numbers, sizes and times as people read them; "–" where there is none.

export const none = "–";
const gap = "\u00a0"; // between a figure and its unit, which stay together
const isNumber = (x) => typeof x === "number" && Number.isFinite(x);
const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export const count = (x) => (isNumber(x) ? plain.format(x) : none);

function scaled(x, base, units) {
  let i = 0;
  while (Math.abs(x) >= base && i < units.length - 1) {
    x /= base;
    i++;
  }
  return [i === 0 ? String(Math.round(x)) : x.toFixed(x >= 100 ? 0 : x >= 10 ? 1 : 2), units[i]];
}
/** 27416 -> "27.4 kB": decimal units, as in the budget. */
export const bytes = (x) => (isNumber(x) ? scaled(x, 1000, ["B", "kB", "MB", "GB"]).join(gap) : none);
/** 12501632 -> "12.5 M" */
export const big = (x) => (isNumber(x) ? scaled(x, 1000, ["", "k", "M", "G", "T"]).join(gap).trim() : none);
export const percent = (x, digits = 2) => (isNumber(x) ? `${x.toFixed(digits)}${gap}%` : none);
export const times = (x) => (isNumber(x) ? `${x.toFixed(x >= 100 ? 0 : x >= 10 ? 1 : 2)}${gap}×` : none);
export function signed(x, digits = 2) {
  if (!isNumber(x)) return none;
  const text = Math.abs(x).toFixed(digits);
  return `${Number(text) === 0 ? "±" : x > 0 ? "+" : "−"}${text}`;
}
/** A difference of per cents, in percentage points. */
export const points = (x) => (isNumber(x) ? `${signed(x)}${gap}pp` : none);
/** Significant digits, for losses, errors and rates. */
export const real = (x, digits = 4) =>
  !isNumber(x) ? none : x !== 0 && Math.abs(x) < 1e-3 ? x.toExponential(2) : String(Number(x.toPrecision(digits)));
export const shape = (list) => (list ?? []).join(" × ");

export function duration(seconds) {
  if (!isNumber(seconds)) return none;
  if (seconds < 9.95) return `${seconds.toFixed(1)}${gap}s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s}${gap}s`;
  if (s < 3600) return `${Math.floor(s / 60)}${gap}min${gap}${String(s % 60).padStart(2, "0")}${gap}s`;
  return `${Math.floor(s / 3600)}${gap}h${gap}${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}${gap}min`;
}

const sameDay = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const otherDay = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
/** The local time; with the date unless it is today's. */
export function time(text) {
  if (!text) return none;
  const when = new Date(text);
  return (when.toDateString() === new Date().toDateString() ? sameDay : otherDay).format(when);
}
/** Seconds between two stored times; to now when the second is null. */
export const between = (from, to) => (from ? ((to ? new Date(to) : new Date()) - new Date(from)) / 1000 : NaN);
