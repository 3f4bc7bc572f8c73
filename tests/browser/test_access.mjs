// test_access.mjs - the dashboard with the keyboard alone, on a phone, in the dark, and for those who do
// not see it: names, headings, contrast, focus. Rules of WCAG 2.2 AA that a program can check.
import { check, openPage, run, same, until } from "./harness.mjs";

const pages = ["#/jobs", "#/models", "#/datasets", "#/new", "#/job/ID", "#/compare"];

/* What is wrong on the page, as texts. Runs in the browser. */
function faultsOfPage() {
  const faults = [];
  const shown = (e) => e.checkVisibility({ visibilityProperty: true });
  const where = (e) => `${e.tagName.toLowerCase()}${e.className ? `.${String(e.className).split(" ")[0]}` : ""} "${e.textContent.trim().slice(0, 30)}"`;
  const named = (e) => e.getAttribute("aria-label") || e.labels?.[0]?.textContent.trim() || e.textContent.trim() || e.querySelector("img")?.alt;
  for (const e of document.querySelectorAll("a, button, input, select, textarea, progress, [role=region], [role=img], nav"))
    if (shown(e) && !named(e)) faults.push(`without a name: ${where(e)}`);
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) faults.push("img without alt");
  for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) faults.push(`tabindex ${e.tabIndex}`);
  for (const e of document.querySelectorAll("[aria-describedby]"))
    for (const id of e.getAttribute("aria-describedby").split(" "))
      if (!document.getElementById(id) && !id.endsWith("-help")) faults.push(`described by ${id}, which is not there`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id is there twice");
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(shown).map((e) => Number(e.tagName[1]));
  if (levels.filter((l) => l === 1).length !== 1) faults.push(`${levels.filter((l) => l === 1).length} h1`);
  levels.forEach((l, i) => { if (i && l > levels[i - 1] + 1) faults.push(`h${l} after h${levels[i - 1]}`); });
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title) faults.push("no title");
  // What is inside a picture is part of it.
  for (const e of document.querySelectorAll("th:not([role=img] th)")) if (shown(e) && !["col", "row"].includes(e.scope)) faults.push("th without scope");

  // Contrast of every text with what lies behind it; WCAG's formula for luminance.
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = text;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const behind = (e) => (e ? over(rgba(getComputedStyle(e).backgroundColor), behind(e.parentElement)) : [255, 255, 255]);
  const luminance = (c) => c.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  for (const e of document.querySelectorAll("body *")) {
    const hasText = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!hasText || !shown(e) || e.closest(".unseen, .stale, :disabled, noscript, .skip")) continue;
    const back = behind(e), front = over(rgba(getComputedStyle(e).color), back);
    const [a, b] = [luminance(front), luminance(back)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faults.push(`contrast ${((a + 0.05) / (b + 0.05)).toFixed(2)}: ${where(e)}`);
  }
  return [...new Set(faults)];
}

async function filled(server) {
  const ids = { model_id: await server.store("models", "resnet8.onnx", "resnet8"),
    dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") };
  const jobs = [];
  for (const name of ["one", "two"])
    jobs.push(await server.order({ ...ids, name, finetune: { epochs: 1, batch_size: 50, warmup_steps: 2 } }));
  await until("the jobs end", async () => (await server.json("/v1/jobs?status=succeeded")).items.length === 2);
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
  }
  const [id] = await filled(server);
  for (const [colorScheme, width] of [["light", 1200], ["dark", 360]]) {
    const page = await openPage(browser, `${server.url}/`, { colorScheme, viewport: { width, height: 800 } });
    for (const pattern of pages) {
      const hash = pattern.replace("ID", id);
      await page.go(hash);
      await settled(page);
      if (pattern === "#/new") {
        await page.getByText("What would come out").waitFor();
        await page.getByText("Advanced settings").click();
      }
      if (pattern.includes("ID")) await page.getByRole("heading", { name: "Before and after" }).waitFor();
      const what = `${pattern}, ${colorScheme}, ${width} px`;
      same(`${what}: names, headings, contrast`, [], await page.evaluate(faultsOfPage));
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
  same("and the job is ordered", 3, (await server.json("/v1/jobs")).items.length);
  same("no error", [], page.unexpectedErrors());
}

async function motion_is_left_out_where_asked(browser, server) {
  const moving = (page) => page.evaluate(() => [...document.querySelectorAll("*")]
    .filter((e) => getComputedStyle(e).transitionDuration !== "0s" && getComputedStyle(e).transitionProperty !== "none").length);
  const page = await openPage(browser, `${server.url}/`, { reducedMotion: "reduce" });
  await settled(page);
  same("nothing moves", 0, await moving(page));
}

await run([every_page_can_be_read_by_all, a_job_is_ordered_by_keyboard, motion_is_left_out_where_asked]);
