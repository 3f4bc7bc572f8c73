// banner.js - says that the server is gone, and counts down to the next try; or that it wants to be asked less.
import { connection } from "./api.js";
import { h, fill } from "./dom.js";

const CALM_S = 10; // behind a wait, in which another would make the note come and go

export function startBanner(element) {
  const slow = h("p", { class: "quiet" }, "The server asks to wait: what is shown here may be older than usual.");
  let timer, calm;
  connection.addEventListener("slowed", ({ detail }) => {
    clearTimeout(calm);
    calm = setTimeout(() => slow.remove(), (detail + CALM_S) * 1000);
    if (!element.firstChild) fill(element, slow); // a lost server is more to say
  });
  connection.addEventListener("lost", ({ detail }) => {
    let left = detail;
    const count = h("span", { "aria-hidden": "true" }, `${left} s`);
    clearInterval(timer);
    // The text stays the same from try to try, so that screen readers say it once.
    if (!element.querySelector(".count"))
      fill(element, h("p", {}, "Server not reachable, trying again in ", h("span", { class: "count" })));
    fill(element.querySelector(".count"), count);
    timer = setInterval(() => {
      left = Math.max(0, left - 1);
      count.textContent = `${left} s`;
    }, 1000);
  });
  connection.addEventListener("back", () => {
    clearInterval(timer);
    fill(element);
  });
}
