// new_job.js - the page of the form of a job: plans as one types, orders.
import { connection, get, send } from "./api.js";
import { h, fill, empty, heading } from "./dom.js";
import { jobForm } from "./job_form.js";
import { pagedList } from "./lists.js";
import { planView } from "./plan.js";
import { keepSecret } from "./secret.js";

const TYPING_MS = 350; // a pause after which the plan is asked for
let draft = null; // what was typed, where one has left without an order
connection.addEventListener("forgotten", () => { draft = null; });

const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16).padStart(8, "0")).join("");

/** What the form was filled from, and what of it is no longer there. */
const copied = (job, missing) => [
  h("p", {}, "The settings of ", h("a", { href: `#/job/${job.id}` }, job.name || job.id),
    ": change what you like. A webhook is not taken along, since its secret is not known any more."),
  missing.length > 0 && h("p", { class: "warnings", role: "status" },
    `The ${missing.join(" and the ")} of that job is no longer stored: another is chosen below.`)];

/** Says that what was typed before is here again; anew() empties the form. */
function again(anew) {
  const element = h("p", { class: "row" }, h("span", {}, "What you had filled in before is here again."));
  const button = h("button", { type: "button", class: "small" }, "Start anew");
  button.addEventListener("click", () => {
    anew();
    element.remove();
    document.querySelector("main h1").focus({ preventScroll: true });
  });
  element.append(button);
  return element;
}

export async function newJob(body, signal, from) {
  const models = pagedList("/v1/models", signal), datasets = pagedList("/v1/datasets", signal);
  const [schema, like] = await Promise.all([get("/job-spec.schema.json", signal),
    from ? get(`/v1/jobs/${encodeURIComponent(from)}`, signal) : null, models.refresh(), datasets.refresh()]);
  const [model, dataset] = like ? [like.model_id, like.dataset_id] : draft ?? []; // the first two fields
  await Promise.all([models.take(model), datasets.take(dataset)]); // they may be older than what is loaded
  if (!models.items.length || !datasets.items.length) {
    const kind = models.items.length ? ["data set", "#/datasets"] : ["model", "#/models"];
    fill(body, empty(`A ${kind[0]} is missing`, `A job needs a model and a data set. `,
      h("a", { href: kind[1] }, `Upload a ${kind[0]}`), "."));
    return;
  }
  const form = jobForm(schema, models, datasets);
  const shown = h("div", { class: "planned" });
  const said = h("p", { class: "hint", role: "status" });
  const { name, labels, priority, max_run_seconds } = like ?? {}; // as they are now, not as they were ordered
  const missing = like ? form.fill({ ...like.spec, name, labels, priority, max_run_seconds }) : [];
  const fresh = form.typed();
  if (draft && !like) form.type(draft);
  const restored = draft && !like && again(() => {
    draft = null;
    form.type(fresh);
    plan();
  });
  if (!like) signal.addEventListener("abort", () => {
    const typed = form.typed();
    draft = ordered || typed.join("\n") === fresh.join("\n") ? null : typed;
  });
  if (like) heading(body, `Duplicate ${like.name || "a job"}`);
  fill(body, like && copied(like, missing), restored, h("div", { class: "sides" }, form.element,
    h("section", { class: "plan", "aria-label": "Plan" }, h("h2", {}, "Plan"), said, shown)));

  let timer, ordered = false, asking = new AbortController();
  let tried = {}; // an order whose answer was lost is the same one when it is sent again
  async function plan() {
    asking.abort();
    asking = new AbortController();
    const mine = asking;
    try {
      said.textContent = "Planning …";
      const planned = await send("POST", "/v1/jobs?dry_run=true", form.body(), AbortSignal.any([signal, mine.signal]));
      if (mine !== asking) return;
      form.faults(null);
      said.textContent = "What would come out, before any training.";
      shown.classList.remove("stale");
      fill(shown, planView(planned));
    } catch (error) {
      if (error.name === "AbortError" || mine !== asking) return;
      form.faults(error);
      said.textContent = error.errors || error instanceof SyntaxError ? "No plan: see the marked fields." : "No plan now.";
      shown.classList.add("stale");
    }
  }
  connection.addEventListener("back", plan, { signal });
  connection.addEventListener("signed-in", plan, { signal });
  form.element.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(plan, TYPING_MS);
  });
  form.element.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(timer);
    asking.abort();
    if (form.submit.hasAttribute("aria-disabled")) return;
    form.submit.setAttribute("aria-disabled", "true"); // disabled, it would lose the focus
    try {
      const order = form.body(), text = JSON.stringify(order);
      if (text !== tried.text) tried = { text, key: newKey() };
      const job = await send("POST", "/v1/jobs", order, undefined, { "Idempotency-Key": tried.key });
      if (job.webhook && !order.webhook.secret) keepSecret(job.id, job.webhook.secret);
      ordered = true;
      location.hash = `#/job/${job.id}`;
    } catch (error) {
      form.faults(error);
      form.submit.removeAttribute("aria-disabled");
      form.firstFault();
    }
  });
  await plan();
}
