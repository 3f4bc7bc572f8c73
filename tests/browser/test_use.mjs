// test_use.mjs - through the dashboard as its user: by keyboard, on a phone, enlarged, without the server, with a token
// that has ended; what was typed stays, what has the focus keeps it.
import { readFileSync } from "node:fs";
import { faultsOfPage } from "./faults.mjs";
import { check, faultsByAxe, holds, input, openPage, run, same, until } from "./harness.mjs";

const refused = /status of 4\d\d/; // Chromium writes a line for every such answer
const gone = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|ERR_INCOMPLETE_CHUNKED_ENCODING/;
const quick = { epochs: 1, batch_size: 50, warmup_steps: 2 };
const long = "a-name-that-is-long-and-has-no-gap-where-a-line-could-end-2026-11-29";

const stored = async (server, name = "resnet8") => ({ model_id: await server.store("models", "resnet8.onnx", name),
  dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") });
const ended = (server, id) => until("the job ends", async () =>
  (await server.json(`/v1/jobs/${id}`)).status === "succeeded", 120);
const focused = (page) => page.evaluate(() => document.activeElement.textContent);

async function a_token_that_ends_takes_nothing_along(browser, server) {
  const first = server.token("first", "admin"), second = server.token("second", "admin");
  const auth = { headers: { Authorization: `Bearer ${first}` } };
  for (const [kind, file] of [["models", "resnet8.onnx"], ["datasets", "shapes.tar.gz"]])
    await server.json(`/v1/${kind}?name=${kind}`, { ...auth, method: "POST", body: readFileSync(input(file)) });
  const page = await openPage(browser, `${server.url}/#/new`);
  page.expectErrors(refused);
  await page.getByLabel("Token", { exact: true }).fill(first);
  await page.keyboard.press("Enter");
  await page.getByText("What would come out").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("typed");
  await Promise.all([page.waitForResponse((r) => r.url().includes("dry_run") && r.request().postDataJSON().finetune?.epochs === 0),
    page.getByLabel("Epochs").fill("0")]);
  server.revoke(first);
  await page.getByRole("button", { name: "Order the job" }).click();
  const dialog = page.getByRole("dialog", { name: "Token needed" });
  await dialog.waitFor();
  holds("the dialog says why", "the token was revoked", await dialog.getByRole("alert").textContent());
  check("its field has the focus", await dialog.getByLabel("Token", { exact: true }).evaluate((e) => e === document.activeElement));
  same("it can be read by all", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);
  await page.shot("token-dialog", false);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  same("who leaves it has still what was typed", "typed", await page.getByLabel("Name", { exact: true }).inputValue());
  await page.getByRole("button", { name: "Order the job" }).click();
  await dialog.getByLabel("Token", { exact: true }).fill(second);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByText("What would come out").waitFor();
  same("with another token it goes on where it was", ["typed", "0"],
    await Promise.all(["Name", "Epochs"].map((l) => page.getByLabel(l, { exact: true }).inputValue())));
  await page.getByRole("alert").first().waitFor({ state: "detached" });
  same("nothing says any more that it was refused", 0, await page.getByRole("alert").count());
  await page.getByRole("button", { name: "Order the job" }).click();
  await page.getByRole("heading", { name: "typed", level: 1 }).waitFor();
  const { items } = await server.json("/v1/jobs", { headers: { Authorization: `Bearer ${second}` } });
  same("the job is ordered, once", ["typed"], items.map((j) => j.name));
  await page.go("#/new");
  await page.getByText("What would come out").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("secret plan");
  await page.getByRole("button", { name: "Forget the token" }).click();
  await page.getByLabel("Token", { exact: true }).fill(second);
  await page.keyboard.press("Enter");
  await page.getByText("What would come out").waitFor();
  same("who comes after sees nothing of it", "", await page.getByLabel("Name", { exact: true }).inputValue());
  same("no other error", [], page.unexpectedErrors());
}

async function what_was_typed_is_there_when_one_comes_back(browser, server) {
  await stored(server);
  const page = await openPage(browser, `${server.url}/#/new`);
  page.expectErrors(gone);
  await page.getByText("What would come out").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("half done");
  await page.getByLabel("Budget").first().selectOption({ label: "Several ratios" });
  await page.getByLabel("Ratios", { exact: true }).fill("3, 5");
  await page.go("#/datasets");
  await page.getByRole("heading", { name: "Data sets", level: 1 }).waitFor();
  await server.store("models", "resnet8.onnx", "another");
  await page.go("#/new");
  await page.getByText("is here again").waitFor();
  same("the form is as it was left", ["half done", "3, 5"],
    await Promise.all(["Name", "Ratios"].map((l) => page.getByLabel(l, { exact: true }).inputValue())));
  await page.getByText("This is the smallest file of the sweep.").waitFor();
  await page.getByRole("button", { name: "Start anew" }).click();
  await until("its plan is there", async () => (await page.getByText("This is the smallest file of the sweep.").count()) === 0);
  same("or can be emptied", "", await page.getByLabel("Name", { exact: true }).inputValue());
  same("and nothing is said of before", 0, await page.getByText("is here again").count());
  await page.go("#/jobs");
  await page.getByRole("heading", { name: "Jobs", level: 1 }).waitFor();
  await page.go("#/new");
  await page.getByText("What would come out").waitFor();
  same("an empty form is not kept", 0, await page.getByText("is here again").count());

  // The server goes while one fills in the form, and an order's answer is lost on its way.
  await server.kill();
  await page.getByLabel("Epochs").fill("0");
  await page.getByText("No plan now.").waitFor();
  await server.start();
  await page.getByText("What would come out").waitFor();
  same("the plan comes with the server", 0, await page.getByRole("alert").count());
  let lost = true;
  await page.route("**/v1/jobs", async (route) => {
    if (route.request().method() !== "POST" || !lost) return route.continue();
    lost = false;
    await route.fetch(); // the server has it
    return route.abort("connectionreset");
  });
  await page.getByRole("button", { name: "Order the job" }).click();
  await page.getByText("The server is not reachable").waitFor();
  await page.getByText("What would come out").waitFor();
  await page.getByRole("button", { name: "Order the job" }).click();
  await page.waitForURL(/#\/job\/job_/);
  const { items } = await server.json("/v1/jobs");
  same("an order that is sent again is one job", [page.url().split("/").pop()], items.map((j) => j.id));
  same("no other error", [], page.unexpectedErrors());
}

async function the_focus_is_not_lost(browser, server) {
  const ids = await stored(server);
  const busy = await server.order({ ...ids, name: "busy", finetune: { ...quick, epochs: 1000 } });
  for (let i = 0; i < 30; i++) await server.store("models", "resnet8.onnx", `model-${i}`);
  const page = await openPage(browser, `${server.url}/#/models`);
  page.on("dialog", (dialog) => dialog.accept());
  const row = page.getByRole("button", { name: "model-29", exact: true });
  await row.waitFor();
  await row.focus();
  await page.keyboard.press("Enter");
  const title = page.getByRole("heading", { name: "model-29", level: 2 });
  await title.waitFor();
  same("what is in a model is read next", "model-29", await focused(page));
  check("and is in sight", await title.evaluate((e) => { const { top, bottom } = e.getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; }));
  await page.getByRole("button", { name: "Delete model-28" }).focus();
  await page.keyboard.press("Enter");
  await row.waitFor();
  await page.getByRole("button", { name: "Delete model-28" }).waitFor({ state: "detached" });
  same("after a row is deleted, the focus is at the page's beginning and not nowhere", "Models", await focused(page));

  await page.go(`#/job/${busy}`);
  await page.getByText("of 1000").waitFor();
  await page.getByRole("button", { name: "Cancel the job" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Try again" }).waitFor();
  same("after a job is cancelled as well", "busy", await focused(page));
  await page.route("**/retry", (route) => route.fulfill({ status: 429, contentType: "application/problem+json", body: '{"title": "The queue is full"}' }));
  page.expectErrors(refused);
  await page.getByRole("button", { name: "Try again" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("The queue is full").waitFor();
  same("a button whose work is refused keeps it, and can be pressed again", ["Try again", false],
    [await focused(page), await page.getByRole("button", { name: "Try again" }).isDisabled()]);
  await page.unroute("**/retry");
  await page.getByRole("link", { name: "Duplicate" }).focus();
  await server.json(`/v1/jobs/${busy}/retry`, { method: "POST" });
  await page.reload();
  await page.getByText("of 1000").waitFor();
  await page.getByRole("link", { name: "Duplicate" }).focus();
  await server.json(`/v1/jobs/${busy}/cancel`, { method: "POST" });
  await page.getByRole("button", { name: "Try again" }).waitFor();
  same("a link that is still there keeps it", "Duplicate", await focused(page));
  same("no error", [], page.unexpectedErrors());
}

/* A phone; a window of 1280 x 800 at 200 %; a low one at 100 %. */
async function nothing_is_out_of_reach_on_a_small_screen(browser, server) {
  const ids = await stored(server, long);
  const jobs = [];
  for (const ratio of [4, 8]) jobs.push(await server.order({ ...ids, name: `${long}-${ratio}`, filter_summary: { ratio }, finetune: quick }));
  for (const id of jobs) await ended(server, id);
  for (const [colorScheme, width, height, deviceScaleFactor] of [["dark", 360, 740, 3], ["light", 640, 400, 2], ["light", 1200, 500, 1]]) {
    const what = `${width} x ${height}`;
    const page = await openPage(browser, `${server.url}/#/compare/${jobs.join("/")}`, { colorScheme, viewport: { width, height }, deviceScaleFactor });
    const results = page.getByLabel("The two results");
    await results.waitFor();
    const seen = await results.evaluate((region) => [...region.querySelectorAll("tbody tr:first-child td:nth-child(-n+3)")]
      .every((cell) => cell.getBoundingClientRect().right <= region.getBoundingClientRect().right + 1));
    check(`${what}: both figures of a comparison are in sight`, seen);
    const legend = await page.locator(".u-legend").first().evaluate((e) => [...e.querySelectorAll("th, td")]
      .every((cell) => cell.getBoundingClientRect().right <= e.getBoundingClientRect().right + 1));
    check(`${what}: the legend is whole`, legend);
    await page.go("#/jobs");
    await page.getByRole("heading", { name: "Ended" }).waitFor();
    same(`${what}: nothing is wider than the screen`, width, await page.evaluate(() => document.documentElement.scrollWidth));
    await page.go("#/new");
    await page.getByText("What would come out").waitFor();
    await page.getByRole("region", { name: "Planned layers" }).evaluate((e) => window.scrollBy(0, e.getBoundingClientRect().bottom - innerHeight));
    check(`${what}: the plan's last row can be scrolled to`, await page.getByRole("region", { name: "Planned layers" })
      .evaluate((e) => e.getBoundingClientRect().bottom <= innerHeight + 1));
    same(`${what}: no error`, [], page.unexpectedErrors());
    await page.context().close();
  }
}

async function a_curve_that_hardly_moves_has_ticks_that_differ(browser, server) {
  const ids = await stored(server);
  const id = await server.order({ ...ids, name: "flat", finetune: quick });
  await ended(server, id);
  const page = await openPage(browser, `${server.url}/#/job/${id}`);
  await page.getByRole("heading", { name: "Before and after" }).waitFor();
  const texts = await page.evaluate(async () => (await import("/web/curves.js")).tickTexts([0.04994, 0.04996, 0.04998]));
  same("three digits would make them one", ["0.04994", "0.04996", "0.04998"], texts);
  same("few are enough where they do", ["0.1", "0.2"], await page.evaluate(async () => (await import("/web/curves.js")).tickTexts([0.1, 0.2])));
}

await run([a_token_that_ends_takes_nothing_along, what_was_typed_is_there_when_one_comes_back, the_focus_is_not_lost,
  nothing_is_out_of_reach_on_a_small_screen, a_curve_that_hardly_moves_has_ticks_that_differ]);
