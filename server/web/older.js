// older.js - the end of a list that goes on: how much of it is shown, and a button for what is older.
import { h, fill, press, problem } from "./dom.js";
import { count } from "./format.js";

/** what: "jobs"; list: of pagedList(). changed() is called when more has come. {element, update()}: update() after
 * the list has changed otherwise. Nothing is seen of it as long as one page holds the list. */
export function olderPart(what, list, changed) {
  const shown = h("p", { class: "hint", tabindex: "-1" }), faults = h("div");
  const said = h("p", { class: "unseen", role: "status" }); // for who does not see rows come
  const button = h("button", { type: "button", class: "small" }, `Older ${what}`);
  const element = h("div", { class: "older", hidden: true }, h("div", { class: "row" }, shown, button), said, faults);

  function update() {
    const number = count(list.items.length), text = list.more ? `The newest ${number} ${what} are shown.` : `All ${number} ${what} are shown.`;
    if (shown.textContent !== text) shown.textContent = text;
    button.hidden = !list.more;
    element.hidden = !list.more && !list.grown;
  }
  press(button, async () => {
    fill(faults);
    try {
      const more = await list.older();
      changed();
      const had = document.activeElement === button;
      update();
      said.textContent = `${count(more)} more ${what}. ${shown.textContent}`;
      if (had && button.hidden) shown.focus({ preventScroll: true }); // what has the focus must not go
    } catch (error) {
      if (error.name !== "AbortError") fill(faults, problem(error));
    }
    return false; // it can be pressed again
  });
  return { element, update };
}
