// main.js - which page a hash shows, and what changes around it.
import { connection, get } from "./api.js";
import { startBanner } from "./banner.js";
import { h, fill, heading as entitle, loading, newId, problem } from "./dom.js";
import { candidate } from "./candidate.js";
import { compare } from "./compare.js";
import { job } from "./job.js";
import { jobs } from "./jobs.js";
import { newJob } from "./new_job.js";
import { signIn } from "./sign_in.js";
import { forgetToken, hasToken } from "./token.js";
import { datasets, models } from "./uploads.js";

// A page is (body, signal, ...parts of the hash): it fills body, and ends its work when the signal does.
const pages = { jobs, models, datasets, new: newJob, compare,
  job: (body, signal, id, file) => (file ? candidate : job)(body, signal, id, file) };
const titles = {
  jobs: "Jobs", models: "Models", datasets: "Data sets", new: "New job", job: "Job", compare: "Compare",
};
const main = document.getElementById("main"), forget = document.getElementById("forget");
let leaving = new AbortController();

async function show(first) {
  const [name, ...parts] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const page = Object.hasOwn(pages, name) ? name : "jobs";

  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  document.title = `${titles[page]} · fsnet`;
  for (const link of document.querySelectorAll("nav a"))
    if (link.getAttribute("href") === `#/${page === "job" ? "jobs" : page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  const heading = h("h1", { tabindex: "-1" }, titles[page]);
  const body = h("div", { class: `page ${page}` }, loading());
  fill(main, heading, body);
  forget.hidden = !hasToken();
  if (first !== true) heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  try {
    await pages[page](body, signal, ...parts);
  } catch (error) {
    if (signal.aborted || error.name === "AbortError") return;
    if (error.status === 401) {
      entitle(body, "Token needed");
      fill(body, signIn(error, show));
      forget.hidden = true;
      body.querySelector("input").focus();
      return;
    }
    if (!error.title) console.error(error);
    fill(body, problem(error));
  }
}

// The hash is the page, so this link cannot be followed as one.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
forget.addEventListener("click", () => {
  forgetToken();
  show();
  connection.dispatchEvent(new Event("forgotten"));
});
// A page that is read is replaced by the question for a token (above); one in which something was typed or pressed stays.
connection.addEventListener("unauthorized", ({ detail }) => {
  if (document.querySelector("dialog")) return;
  const id = newId("asks");
  const dialog = h("dialog", { "aria-labelledby": id }, h("h2", { id }, "Token needed"),
    signIn(detail, () => dialog.close("signed-in")),
    h("button", { type: "button", onclick: () => dialog.close() }, "Not now"));
  dialog.addEventListener("close", () => {
    dialog.remove();
    forget.hidden = !hasToken();
    if (dialog.returnValue) connection.dispatchEvent(new Event("signed-in"));
  });
  document.body.append(dialog);
  dialog.showModal();
});
startBanner(document.getElementById("banner"));
window.addEventListener("hashchange", show);
show(true);
get("/healthz").then((health) => {
  document.getElementById("version").textContent = `fsnetd ${health.version}`;
});
