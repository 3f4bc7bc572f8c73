// banner.js - says that the server is gone, and counts down to the next try.
import { connection } from "./api.js";
import { h, fill } from "./dom.js";

export function startBanner(element) {
  let timer;
  connection.addEventListener("lost", ({ detail }) => {
    let left = detail;
    const count = h("span", { "aria-hidden": "true" }, `${left} s`);
    clearInterval(timer);
    // The text stays the same from try to try, so that screen readers say it once.
    if (!element.firstChild)
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
