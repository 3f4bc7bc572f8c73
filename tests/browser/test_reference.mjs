// test_reference.mjs - the API as a page: every operation of the contract with its parameters and answers, an
// example, a line for curl that works, on a phone and in the dark.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { faultsOfPage } from "./faults.mjs";
import { check, holds, openPage, run, same } from "./harness.mjs";

const contract = readFileSync("api/openapi.yaml", "utf8");
const ids = [...contract.matchAll(/^ {6}operationId: (\w+)$/gm)].map((m) => m[1]).sort();

async function every_operation_is_there(browser, server) {
  const page = await openPage(browser, `${server.url}/`);
  await page.getByRole("link", { name: "API", exact: true }).click();
  await page.locator("#postJob").waitFor();
  same("the dashboard leads to it", "/reference", new URL(page.url()).pathname);
  same("every operation of the contract has its place", ids,
    (await page.locator("article.operation").evaluateAll((all) => all.map((a) => a.id))).sort());
  same("and is listed", ids,
    (await page.locator("nav.contents a").evaluateAll((all) => all.map((a) => a.getAttribute("href").slice(1)))).sort());
  // Of each the statuses that the contract has, told by its lines.
  const statuses = {};
  let id = "";
  for (const line of contract.split("\ncomponents:")[0].split("\n")) {
    id = /^ {6}operationId: (\w+)$/.exec(line)?.[1] ?? id;
    const status = /^ {8}'(\d{3})':/.exec(line)?.[1];
    if (status) (statuses[id] ??= []).push(status);
  }
  const shown = await page.locator("article.operation").evaluateAll((all) => all.map((a) =>
    [a.id, [...a.querySelectorAll("div > strong > code")].map((c) => c.textContent)]));
  same("each has its answers", Object.entries(statuses).sort(), shown.sort());
  const predict = page.locator("#predictWithModel");
  same("parameters that are shared are shown", ["id *", "Content-Digest", "k", "mean", "std", "scale", "resize", "crop", "output", "locations",
    "confidences", "default_boxes", "score", "iou", "candidates", "keep", "dataset_id", "split", "index"],
    await predict.locator("tbody td:first-child").allTextContents());
  await predict.getByText("Example: recorded").first().click();
  await page.locator("#predictWithModel pre").filter({ hasText: '"probability"' }).waitFor();
  check("an example is the recorded one", true);
  await page.locator("#postJob").getByText("Schema", { exact: true }).first().click();
  holds("the schema of an order is followed into its own file", "max_accuracy_drop", await page.locator("#postJob").textContent());
  holds("schemas that refer to others are followed", "seconds_left", await page.locator("#getJob").textContent());
  const line = await page.locator("#listModels > pre").textContent();
  const said = execFileSync("bash", ["-c", line], { env: { ...process.env, api: server.url, token: "none" }, encoding: "utf8" });
  same("the line for curl works", [], JSON.parse(said).items);
  same("nothing came from elsewhere", [], page.foreignRequests());
  same("no error", [], page.unexpectedErrors());
}

async function it_can_be_read_on_a_phone_and_in_the_dark(browser, server) {
  for (const [colorScheme, width] of [["light", 1200], ["dark", 360]]) {
    const page = await openPage(browser, `${server.url}/reference#postModel`, { colorScheme, viewport: { width, height: 800 } });
    await page.locator("#postModel").waitFor();
    same(`no fault, ${colorScheme}, ${width} px`, [], await page.evaluate(faultsOfPage));
    same(`nothing is wider than the screen, ${width} px`, width, await page.evaluate(() => document.documentElement.scrollWidth));
    await page.shot(`reference-${colorScheme}-${width}`, false);
    same(`no error, ${colorScheme}`, [], page.unexpectedErrors());
  }
}

await run([every_operation_is_there, it_can_be_read_on_a_phone_and_in_the_dark]);
