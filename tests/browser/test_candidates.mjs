// test_candidates.mjs - the files of a sweep as children of its job: ordered as a list, each on a page of its own
// while it is made and after.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { faultsOfPage } from "./faults.mjs";
import { check, faultsByAxe, holds, openPage, run, same, until } from "./harness.mjs";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const text = async (locator) => (await locator.textContent()).replaceAll("\u00a0", " ");

async function each_file_of_a_sweep_has_its_page(browser, server) {
  await server.store("models", "resnet8.onnx", "resnet8");
  await server.store("datasets", "shapes.tar.gz", "shapes");
  const page = await openPage(browser, `${server.url}/#/new`);
  page.expectErrors(/status of 4\d\d/);
  await page.getByText("What would come out").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("widths");
  await page.getByLabel("Budget").first().selectOption({ label: "Several widths" });
  same("the list is begun", "3, 4, 8", await page.getByLabel("Bits", { exact: true }).inputValue());
  await page.getByLabel("Bits", { exact: true }).fill("3, 5");
  await until("a width that there is none of is refused at the field", async () =>
    (await page.locator(".fault:not(:empty)").allTextContents()).join().includes("must be one of"));
  await page.getByLabel("Bits", { exact: true }).fill("3, 8");
  await page.getByText("This is the smallest file of the sweep.").waitFor();
  await page.getByLabel("Epochs").fill("60");
  await page.getByText("Advanced settings").click();
  await page.getByLabel("batch size", { exact: true }).fill("50");
  await page.getByRole("button", { name: "Order the job" }).click();
  await page.waitForURL(/#\/job\/job_/);
  const id = page.url().split("/").pop();
  same("the job is that sweep", [3, 8], (await server.json(`/v1/jobs/${id}`)).spec.sweep.bits);

  await page.getByRole("link", { name: "File 2", exact: true }).click();
  await page.getByRole("heading", { name: "widths, file 2", level: 1 }).waitFor();
  holds("a file that is to come waits", "waiting", await text(page.locator(".headline")));
  holds("for what was asked", "8 bits", await text(page.locator(".tiles")));
  await page.getByRole("link", { name: "Previous file" }).click();
  await page.getByRole("heading", { name: "widths, file 1", level: 1 }).waitFor();
  await page.getByRole("heading", { name: "Training of file 1" }).waitFor();
  await until("the one in hand says its stage", async () => (await text(page.locator(".headline"))).includes("in hand: Fine-tune"));
  check("it can be seen to train", true);
  same("nothing is offered that is not there", 0, await page.getByRole("link", { name: /^Download/ }).count());
  const seen = (await page.getByLabel("Training, epoch by epoch").locator("tbody tr").count());
  await until("its curve grows", async () => (await page.getByLabel("Training, epoch by epoch").locator("tbody tr").count()) > seen);
  await page.getByRole("link", { name: "Next file" }).focus();
  const [list] = await Promise.all([server.json(`/v1/jobs/${id}/candidates`),
    until("it is done", async () => (await text(page.locator(".headline"))).includes("done"), 120)]);
  same("what has the focus keeps it", "Next file", await page.evaluate(() => document.activeElement.textContent));
  same("there are as many as were asked for", 2, list.items.length);

  await until("the job ends", async () => (await server.json(`/v1/jobs/${id}`)).status === "succeeded", 120);
  for (const number of [1, 2]) {
    await page.go(`#/job/${id}/${number}`);
    await page.getByRole("heading", { name: `widths, file ${number}`, level: 1 }).waitFor();
    const download = page.getByRole("link", { name: `Download candidate-${number}.onnx` });
    await download.waitFor();
    const file = await server.json(`/v1/jobs/${id}/candidates/${number}`);
    holds(`file ${number}: its accuracy`, `${file.top1.toFixed(2)} %`, await text(page.locator(".tiles")));
    holds(`file ${number}: its size`, `${(file.size_bytes / 1000).toFixed(1)} kB`, await text(page.locator(".tiles")));
    same(`file ${number}: whether it is on the front`, file.pareto, (await text(page.locator(".headline"))).includes("Pareto front"));
    same(`file ${number}: its curve alone`, 60, await page.getByLabel("Training, epoch by epoch").locator("tbody tr").count());
    const [got] = await Promise.all([page.waitForEvent("download"), download.click()]);
    same(`file ${number} is downloaded`, file.artifact.sha256, sha256(readFileSync(await got.path())));
  }
  await page.shot("candidate");
  await page.getByRole("link", { name: "Compare with file" }).or(page.getByRole("link", { name: "Previous file" })).first().waitFor();
  await page.getByRole("link", { name: "widths", exact: true }).click();
  await page.getByRole("heading", { name: "widths", level: 1, exact: true }).waitFor();
  check("it leads to its job", page.url().endsWith(`#/job/${id}`), page.url());

  await page.go(`#/job/${id}/9`);
  await page.getByText("it has 1 to 2").waitFor();
  check("a file that there is none of is told", true);
  for (const [colorScheme, width] of [["light", 1200], ["dark", 360]]) {
    const other = await openPage(browser, `${server.url}/#/job/${id}/1`, { colorScheme, viewport: { width, height: 800 } });
    await other.getByRole("heading", { name: "Training of file 1" }).waitFor();
    same(`${colorScheme}, ${width} px: it can be read by all`, [[], []], [await other.evaluate(faultsOfPage), await faultsByAxe(other)]);
    same(`${colorScheme}, ${width} px: nothing is wider than the screen`, width, await other.evaluate(() => document.documentElement.scrollWidth));
  }
  same("no other error", [], page.unexpectedErrors());
}

await run([each_file_of_a_sweep_has_its_page]);
