// test_access.mjs - the dashboard with the keyboard alone, on a phone, in the dark, and for those who do
// not see it: names, headings, contrast, focus. Rules of WCAG 2.2 AA that a program can check.
import { faultsOfPage } from "./faults.mjs";
import { check, faultsByAxe, openPage, run, same, until } from "./harness.mjs";

const pages = ["#/jobs", "#/models", "#/datasets", "#/new", "#/job/ID", "#/job/SWEEP", "#/compare", "#/compare/SWEEP.1/SWEEP.2"];

async function filled(server) {
  const ids = { model_id: await server.store("models", "resnet8.onnx", "resnet8"),
    dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") };
  const jobs = [];
  for (const name of ["one", "two"])
    jobs.push(await server.order({ ...ids, name, finetune: { epochs: 1, batch_size: 50, warmup_steps: 2 } }));
  await until("the jobs end", async () => (await server.json("/v1/jobs?status=succeeded")).items.length === 2);
  jobs.push(await server.order({ ...ids, name: "sweep", sweep: { ratio: [2, 8] }, finetune: { epochs: 1, batch_size: 50, warmup_steps: 2 } }));
  await until("the sweep ends", async () => (await server.json(`/v1/jobs/${jobs[2]}`)).status === "succeeded", 120);
  return jobs;
}

const settled = (page) => until("the page is there", async () =>
  (await page.locator(".loading").count()) === 0 && (await page.locator(".page > *").count()) > 0);

async function every_page_can_be_read_by_all(browser, server) {
  const empty = await openPage(browser, `${server.url}/`);
  for (const hash of ["#/jobs", "#/models", "#/new", "#/compare"]) {
    await empty.go(hash);
    await settled(empty);
    same(`${hash} without anything stored`, [], await empty.evaluate(faultsOfPage));
    same(`${hash} without anything stored: axe-core finds nothing`, [], await faultsByAxe(empty));
  }
  const [id, , sweep] = await filled(server);
  for (const [colorScheme, width] of [["light", 1200], ["dark", 360]]) {
    const page = await openPage(browser, `${server.url}/`, { colorScheme, viewport: { width, height: 800 } });
    for (const pattern of pages) {
      const hash = pattern.replace("ID", id).replaceAll("SWEEP", sweep);
      await page.go(hash);
      await settled(page);
      if (pattern === "#/new") {
        await page.getByText("What would come out").waitFor();
        await page.getByText("Advanced settings").click();
      }
      if (pattern.startsWith("#/job/")) await page.getByRole("heading", { name: "Before and after" }).waitFor();
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
      const what = `${pattern}, ${colorScheme}, ${width} px`;
      same(`${what}: names, headings, contrast`, [], await page.evaluate(faultsOfPage));
      same(`${what}: axe-core finds nothing`, [], await faultsByAxe(page));
      same(`${what}: nothing is wider than the screen`, width, await page.evaluate(() => document.documentElement.scrollWidth));
    }
    same(`no error, ${colorScheme}, ${width} px`, [], page.unexpectedErrors());
    await page.context().close();
  }
}

/* What has the focus, and whether one sees that. */
const focus = (page) => page.evaluate(() => {
  const e = document.activeElement, style = getComputedStyle(e);
  const label = e.matches(".unseen") ? getComputedStyle(e.nextElementSibling) : style;
  return { text: (e.labels?.[0] ?? e).textContent.trim(), tag: e.tagName, seen: label.outlineStyle !== "none" && parseFloat(label.outlineWidth) > 0 };
});

async function a_job_that_runs_can_be_read_by_all(browser, server) {
  const ids = { model_id: await server.store("models", "resnet8.onnx", "resnet8"),
    dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") };
  const id = await server.order({ ...ids, name: "swept", sweep: { ratio: [2, 8] },
    finetune: { epochs: 1000, batch_size: 50, warmup_steps: 2 } });
  for (const [colorScheme, width] of [["light", 1200], ["dark", 360]]) {
    const page = await openPage(browser, `${server.url}/#/job/${id}`, { colorScheme, viewport: { width, height: 800 } });
    await page.getByRole("heading", { name: "Files of the sweep" }).waitFor();
    await page.getByRole("heading", { name: "Training of file 1" }).waitFor();
    await until("the stage is said", async () => (await page.locator("[role=status].unseen").textContent()) === "Fine-tune, file 1");
    await page.getByText("of 1000").waitFor();
    const what = `a job that runs, ${colorScheme}, ${width} px`;
    same(`${what}: names, headings, contrast`, [], await page.evaluate(faultsOfPage));
    same(`${what}: axe-core finds nothing`, [], await faultsByAxe(page));
    same(`${what}: nothing is wider than the screen`, width, await page.evaluate(() => document.documentElement.scrollWidth));
    same(`${what}: no error`, [], page.unexpectedErrors());
    await page.context().close();
  }
}

async function a_job_is_ordered_by_keyboard(browser, server) {
  await filled(server);
  const page = await openPage(browser, `${server.url}/`);
  await settled(page);
  const order = [];
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press("Tab");
    const at = await focus(page);
    order.push(at.text);
    check(`the focus on '${at.text}' is seen`, at.seen);
  }
  same("Tab goes the way one reads", ["Skip to content", "fsnet", "Jobs", "Models", "Data sets", "Compare", "New job"], order.slice(0, 7));

  await page.reload();
  await settled(page);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  same("the first link leads to the content", "MAIN", (await focus(page)).tag);

  for (const name of ["Data sets", "New job"]) {
    await page.getByRole("link", { name }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name, exact: true, level: 1 }).waitFor(); // the page before had settled, too
    await settled(page);
    same(`${name}: the heading has the focus`, { text: name, tag: "H1" },
      (({ text, tag }) => ({ text, tag }))(await focus(page)));
  }
  await page.getByText("What would come out").waitFor();
  const passed = [];
  for (let i = 0; i < 20 && passed.at(-1) !== "Order the job"; i++) {
    await page.keyboard.press("Tab");
    const { text } = await focus(page);
    if (text === "Epochs") await page.keyboard.type("0");
    passed.push(text);
  }
  same("Tab goes through the form in order",
    ["Model", "Data set", "Name", "Budget", "Ratio", "Epochs", "Bits of a value", "Mean", "Standard deviation",
      "Range of pixels", "Advanced settings", "As JSON", "Order the job"], passed);
  await page.keyboard.press("Enter");
  await page.waitForURL(/#\/job\/job_/);
  same("and the job is ordered", 4, (await server.json("/v1/jobs")).items.length);
  same("no error", [], page.unexpectedErrors());
}

async function motion_is_left_out_where_asked(browser, server) {
  const moving = (page) => page.evaluate(() => [...document.querySelectorAll("*")]
    .filter((e) => getComputedStyle(e).transitionDuration !== "0s" && getComputedStyle(e).transitionProperty !== "none").length);
  const page = await openPage(browser, `${server.url}/`, { reducedMotion: "reduce" });
  await settled(page);
  same("nothing moves", 0, await moving(page));
}

await run([every_page_can_be_read_by_all, a_job_that_runs_can_be_read_by_all, a_job_is_ordered_by_keyboard, motion_is_left_out_where_asked]);
