// test_lists.mjs - lists that are longer than a page: every entry can be reached, what was loaded stays while the
// list goes on to change, and asking costs little.
import { faultsOfPage } from "./faults.mjs";
import { check, faultsByAxe, holds, openPage, run, same, until } from "./harness.mjs";

const PAGE = 200;
const stored = async (server) => ({ model_id: await server.store("models", "resnet8.onnx", "resnet8"),
  dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") });
const cancel = (server, id) => server.json(`/v1/jobs/${id}/cancel`, { method: "POST" });
const status = (server, id) => server.json(`/v1/jobs/${id}`).then((job) => job.status);

/** One that runs until it is cancelled, and `count` behind it, named 1, 2 and so on, of which those from `waiting` on are
 * cancelled: their ids. */
async function queue(server, count, waiting) {
  const ids = await stored(server);
  const first = await server.order({ ...ids, name: "the first", finetune: { epochs: 5000, batch_size: 50, warmup_steps: 2 } });
  await until("the first runs", async () => (await status(server, first)) === "running");
  const jobs = [first];
  for (let i = 1; i <= count; i++) {
    jobs.push(await server.order({ ...ids, name: String(i) }));
    if (i >= waiting) await cancel(server, jobs[i]);
  }
  return { ids, jobs };
}

const rows = (page, label) => page.getByLabel(label, { exact: true }).locator("tbody tr").count();
const names = (page, label) => page.getByLabel(label, { exact: true }).locator("tbody td:first-child").allTextContents();
const older = (page, what) => page.getByRole("button", { name: `Older ${what}` });

async function every_job_of_a_long_queue_can_be_reached(browser, server) {
  const { ids, jobs } = await queue(server, 2 * PAGE + 49, 4); // 1, 2 and 3 wait
  const page = await openPage(browser, `${server.url}/`);
  const asked = [];
  page.on("response", (response) => {
    const { pathname, search } = new URL(response.url());
    if (pathname === "/v1/jobs") asked.push([search, response.status()]);
  });
  await page.getByText(`The newest ${PAGE} jobs are shown.`).waitFor();
  same("the newest are there, and the one that runs, which is older", [PAGE, ["the first"]],
    [await rows(page, "Ended jobs"), await names(page, "Running and waiting jobs")]);
  same("it can be read by all", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);

  await older(page, "jobs").focus();
  await page.keyboard.press("Enter");
  await page.getByText(`The newest ${2 * PAGE} jobs are shown.`).first().waitFor();
  same("more are loaded by keyboard", 2 * PAGE, await rows(page, "Ended jobs"));
  holds("which is said to who does not see it", `${PAGE} more jobs.`, await page.locator(".older [role=status]").textContent());
  check("the focus is where it was", await older(page, "jobs").evaluate((e) => e === document.activeElement));

  await cancel(server, await server.order({ ...ids, name: "new" }));
  await until("what comes new is shown", async () => (await names(page, "Ended jobs"))[0] === "new");
  same("and what was loaded stays", 2 * PAGE + 1, await rows(page, "Ended jobs"));
  await page.keyboard.press("Enter");
  await page.getByText(`All ${jobs.length + 1} jobs are shown.`).first().waitFor();
  same("the end is reached", [jobs.length + 1 - 4, ["the first", "1", "2", "3"]],
    [await rows(page, "Ended jobs"), await names(page, "Running and waiting jobs")]);
  check("the button is gone, and the focus with what it has led to",
    !(await older(page, "jobs").isVisible()) && await page.evaluate(() => document.activeElement.matches(".older .hint")));
  same("no job is there twice", jobs.length + 1,
    new Set(await page.locator("tbody a").evaluateAll((links) => links.map((a) => a.href))).size);
  same("all of it can be read by all", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);

  await cancel(server, jobs[2]);
  await until("what changes far behind is shown", async () => !(await names(page, "Running and waiting jobs")).includes("2"));
  await page.getByRole("link", { name: "5", exact: true }).focus();
  for (const i of [1, 3, 0]) await cancel(server, jobs[i]);
  await until("what has run has ended", async () => (await rows(page, "Running and waiting jobs")) === 0);
  same("the focus stays on its job meanwhile", "5", await page.evaluate(() => document.activeElement.textContent));
  same("nothing is lost of what was loaded", jobs.length + 1, await rows(page, "Ended jobs"));

  asked.length = 0;
  await until("it is asked again", () => asked.filter(([search]) => search === `?limit=${PAGE}`).length >= 4);
  same("of a queue at rest the first page and what runs alone are asked for, and not sent again",
    [`?limit=${PAGE} 304`, `?status=running&limit=${PAGE} 304`], [...new Set(asked.slice(2).map((a) => a.join(" ")))].sort());
  same("no error", [], page.unexpectedErrors());
}

/* Whether a list is what the server has, however that changes between two looks: against a server that is made up, with
 * the dashboard's own lists.js. Runs in the browser; gives what was wrong. */
async function faultsOfLists() {
  const { pagedList } = await import("/web/lists.js");
  const faults = [], real = window.fetch;
  let seed = 1, serial = 0, all = [];
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const come = (n) => { for (let i = 0; i < n; i++) all.unshift({ id: `entry_${++serial}`, serial, state: 0 }); };
  window.fetch = async (path, options) => {
    const { pathname, searchParams } = new URL(path, location.href);
    if (pathname !== "/v1/made-up") return real(path, options);
    const from = Number(searchParams.get("cursor") ?? Infinity), limit = Number(searchParams.get("limit"));
    const rest = all.filter((e) => e.serial < from), items = rest.slice(0, limit);
    const text = JSON.stringify({ items, next_cursor: rest.length > limit ? String(items.at(-1).serial) : null });
    const tag = `"${[...text].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 2 ** 40, 7)}"`;
    return options.headers["If-None-Match"] === tag ? new Response(null, { status: 304 })
      : new Response(text, { headers: { ETag: tag } });
  };
  const ids = (items) => items.map((i) => i.id).join();
  for (let round = 0; round < 8; round++) {
    const list = pagedList("/v1/made-up", new AbortController().signal);
    all = [];
    come([0, 150, 900][round % 3]);
    await list.refresh();
    for (let step = 0; step < 50; step++) {
      const before = list.grown ? list.items : [], what = `round ${round}, step ${step}`;
      come([0, 0, 1, 30, 450][random(5)]);
      all = all.filter(() => random(40) > 0);
      if (random(20) === 0) all = all.slice(random(300));
      all = all.map((e) => (random(30) === 0 ? { ...e, state: e.state + 1 } : e));
      if (random(3) === 0) await Promise.all([list.refresh(), list.older(), list.walk()]);
      await list.refresh();
      const there = new Set(all.map((e) => e.id)), items = list.items.filter((e) => there.has(e.id));
      if (ids(items) !== ids(all.slice(0, items.length))) faults.push(`${what}: a gap, or another order`);
      if (!before.every((e) => !there.has(e.id) || items.some((i) => i.id === e.id))) faults.push(`${what}: something is lost`);
      for (let i = 0; i < 2 * (list.items.length / 200 + 2); i++) await list.walk();
      if (list.grown && JSON.stringify(list.items) !== JSON.stringify(all.slice(0, list.items.length))) faults.push(`${what}: it is not as it is now`);
      if (list.more !== list.items.length < all.length) faults.push(`${what}: ${list.items.length} of ${all.length}, more: ${list.more}`);
    }
    while (list.more) await list.older();
    if (ids(list.items) !== ids(all)) faults.push(`round ${round}: not all can be reached`);
  }
  window.fetch = real;
  return faults;
}

async function a_list_is_what_the_server_has(browser, server) {
  const page = await openPage(browser, `${server.url}/#/new`);
  await page.getByText("A model is missing").waitFor();
  same("no gap, nothing lost, nothing old, whatever comes and goes", [], await page.evaluate(faultsOfLists));
}

async function every_model_can_be_reached_and_chosen(browser, server) {
  const ids = await stored(server); // whose model is the oldest
  const job = await server.order({ ...ids, name: "of the oldest", finetune: { epochs: 0 } });
  for (let i = 0; i < PAGE + 5; i++) await server.store("models", "resnet8.onnx", `model ${i}`);
  const page = await openPage(browser, `${server.url}/#/models`);
  page.on("dialog", (dialog) => dialog.accept());
  await page.getByText(`The newest ${PAGE} models are shown.`).waitFor();
  await page.getByRole("button", { name: `model ${PAGE}`, exact: true }).click();
  await page.locator(".details tbody tr").first().waitFor();
  await older(page, "models").click();
  await page.getByText(`All ${PAGE + 6} models are shown.`).first().waitFor();
  same("every model is there", PAGE + 6, await rows(page, "Stored"));
  check("what was opened stays", await page.locator(".details tbody tr").count() > 0);
  await page.getByRole("button", { name: "Delete model 3", exact: true }).click();
  await page.getByText(`All ${PAGE + 5} models are shown.`).first().waitFor();
  same("one of the old ones is deleted", 0, await page.getByRole("button", { name: "model 3", exact: true }).count());
  same("it can be read by all", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);

  await page.go("#/new");
  await page.getByText("What would come out").waitFor();
  const model = page.getByLabel("Model", { exact: true }), options = () => model.locator("option").count();
  same("the form offers the newest", PAGE, await options());
  const chosen = await model.inputValue();
  await older(page, "models").click();
  await until("and the older ones", async () => (await options()) === PAGE + 5);
  same("what was chosen stays so", chosen, await model.inputValue());
  await model.selectOption(ids.model_id);
  await page.getByLabel("Name", { exact: true }).fill("kept");
  await page.getByText("What would come out").waitFor();
  same("it can be read by all, too", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);
  await page.go("#/datasets");
  await page.getByRole("heading", { name: "Data sets", level: 1 }).waitFor();
  await page.go("#/new");
  await page.getByText("is here again").waitFor();
  same("who comes back finds the old one chosen", [ids.model_id, "kept"],
    [await model.inputValue(), await page.getByLabel("Name", { exact: true }).inputValue()]);
  await page.go(`#/new/${job}`);
  await page.getByRole("heading", { name: "Duplicate of the oldest", level: 1 }).waitFor();
  await page.getByText("What would come out").waitFor();
  same("a duplicate has the model of its job", [ids.model_id, 0],
    [await model.inputValue(), await page.getByText("is no longer stored").count()]);
  same("no error", [], page.unexpectedErrors());
}

async function every_job_can_be_compared(browser, server) {
  const ids = await stored(server), jobs = [];
  for (let i = 0; i < 5; i++) jobs.push(await server.order({ ...ids, name: `job ${i}`, finetune: { epochs: 0 } }));
  await until("they end", async () => (await server.json("/v1/jobs?status=succeeded")).items.length === jobs.length, 120);
  const page = await openPage(browser, `${server.url}/`);
  // Pages of two stand for pages of two hundred: that many results take their time.
  await page.route(/status=succeeded/, (route) => route.continue({ url: route.request().url().replace(`limit=${PAGE}`, "limit=2") }));
  await page.go(`#/compare/${jobs[0]}`);
  await page.getByLabel("The two results").waitFor();
  const [first, second] = [page.getByLabel("First"), page.getByLabel("Second")];
  same("one that is older than what is loaded is compared", [jobs[0], jobs[4], 3],
    [await first.inputValue(), await second.inputValue(), await second.locator("option").count()]);
  for (const count of [4, 5]) {
    await older(page, "jobs").click();
    await until(`${count} jobs are offered`, async () => (await page.locator(".older .hint").textContent()).includes(` ${count} jobs`));
  }
  same("each of them once, and the choice stays", [5, 5, jobs[0]],
    [await first.locator("option").count(), await second.locator("option").count(), await first.inputValue()]);
  await second.selectOption(jobs[1]);
  await page.getByRole("link", { name: "job 1" }).waitFor();
  same("no error", [], page.unexpectedErrors());
}

await run([a_list_is_what_the_server_has, every_job_of_a_long_queue_can_be_reached, every_model_can_be_reached_and_chosen,
  every_job_can_be_compared]);
