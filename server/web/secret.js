// secret.js - the secret that the server has made for a job's webhook, from the answer to the order to the job's page.
// The server tells it once and stores nothing that would tell it again; so it stays in memory, and goes with the tab.
import { connection } from "./api.js";
import { h, copyButton } from "./dom.js";

const made = new Map(); // by the job's id
connection.addEventListener("forgotten", () => made.clear());

export const keepSecret = (job, secret) => made.set(job, secret);

/** The secret with a copy button, until one says that one has it; null where there is none to show. */
export function secretPart(job) {
  const secret = made.get(job);
  if (!secret) return null;
  const done = h("button", { type: "button" }, "I have kept it");
  const element = h("section", { class: "secret", "aria-label": "Secret of the webhook" },
    h("h2", {}, "Secret of the webhook"),
    h("p", {}, "What the webhook is sent is signed with this. It is shown here alone and cannot be had again."),
    h("div", { class: "row curl" }, h("code", { tabindex: "0" }, secret), copyButton(secret, "the secret of the webhook"), done));
  done.addEventListener("click", () => {
    made.delete(job);
    const heading = document.querySelector("main h1");
    element.remove();
    heading.focus({ preventScroll: true });
  });
  return element;
}
