// expiry.js - what the page of a job says of files that go because of their age, and of those that have gone.
import { send } from "./api.js";
import { h, fill, press, problem } from "./dom.js";
import { between, duration, time } from "./format.js";

const DAY = 86400;
const age = (seconds) => (seconds < 2 * DAY ? duration(seconds) : `${Math.floor(seconds / DAY)} days`);

/** In the place of the downloads of a job whose files have gone; report: whether its figures are still there. */
export function goneNote(job, report) {
  const when = job.artifacts_expire_at;
  return h("section", { class: "gone", "aria-label": "Files that are gone" }, h("h2", {}, "The files are gone"),
    h("p", {}, "The service removed them because of their age (", h("code", {}, "--expire-artifacts"), "): ",
      h("time", { datetime: when }, time(when)), `, ${age(between(job.finished_at, when))} after the job's end.`),
    h("p", {}, report ? "The figures of the report are kept, and so are the curve, the log, the plan and the settings."
      : "The curve, the log, the plan and the settings are kept.",
    " The same settings make the same files again: ", h("a", { href: `#/new/${job.id}` }, "duplicate the job"), "."));
}

/** When the files will go, with a button that keeps them; null where they stay anyway. */
export function goesNote(job) {
  const place = h("div", { class: "row goes" });
  const change = (label, keep) => {
    const button = h("button", { type: "button", class: "small" }, label);
    press(button, async () => {
      try {
        show(await send("PATCH", `/v1/jobs/${job.id}`, { keep }));
        place.querySelector("button").focus();
        return true;
      } catch (error) {
        place.append(problem(error));
        return false;
      }
    });
    return button;
  };
  function show(now) {
    if (now.keep) fill(place, h("span", {}, "The files are kept, whatever their age."), change("Let them go in time", false));
    else if (now.artifacts_expire_at)
      fill(place, h("span", {}, "The service removes these files because of their age: ",
        h("time", { datetime: now.artifacts_expire_at }, time(now.artifacts_expire_at)), "."), change("Keep them", true));
    else fill(place, h("span", {}, "The files stay: the service removes none because of their age."), change("Keep them", true));
  }
  if (!job.keep && !job.artifacts_expire_at) return null;
  show(job);
  return place;
}
