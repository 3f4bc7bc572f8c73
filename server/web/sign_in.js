// sign_in.js - the form in the place of a page that needs a token.
import { get } from "./api.js";
import { h, fill, newId, problem } from "./dom.js";
import { forgetToken, hasToken, keepToken } from "./token.js";

/** Asks for a token; refused: the problem that the server answered with. done() is called when one is taken. */
export function signIn(refused, done) {
  const id = newId("token");
  const input = h("input", { id, type: "password", required: true, autocomplete: "off", spellcheck: "false" });
  const button = h("button", { class: "primary" }, "Use the token");
  const said = h("div", {}, hasToken() && problem({ title: "The token is refused", detail: refused.detail }));
  const form = h("form", { class: "sign-in" },
    h("p", {}, "This service asks for a token. Who runs it makes one with ", h("code", {}, "fsnetd token create"), "."),
    h("div", { class: "field" }, h("label", { for: id }, "Token"), input,
      h("p", { class: "hint" }, "Kept in this tab until it is closed.")),
    said, button);
  forgetToken(); // what was refused is not sent again
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    keepToken(input.value.trim());
    try {
      await get("/v1/models?limit=1");
      done();
    } catch (error) {
      forgetToken();
      fill(said, problem(error.status === 401 ? { title: "The token is refused", detail: error.detail } : error));
      button.disabled = false;
      input.focus();
      input.select();
    }
  });
  return form;
}
