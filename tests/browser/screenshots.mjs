// screenshots.mjs - the pictures of the README, docs/dashboard-*.png: `make screenshots`. A small network is trained on
// drawn images, swept over four ratios, and looked at while that goes on and after.
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { check, input, openPage, patience, run, same, until } from "./harness.mjs";

const WIDTH = 1120, MOST_BYTES = 200000;
const fsnet = (...args) => execFileSync(join(process.env.BUILD, "fsnet"), args, { stdio: "ignore" });

function prepare() {
  fsnet("draw", "-o", input("drawn.tar.gz"), "--train", "2000", "--test", "1000", "--seed", "1");
  fsnet("new", "resnet8", "-o", input("fresh.onnx"), "--seed", "1");
  fsnet("train", input("fresh.onnx"), "--data", input("drawn.tar.gz"), "--epochs", "12", "--batch", "64", "--lr", "0.1",
    "--warmup-steps", "30", "--seed", "1", "-o", input("baseline.onnx"));
}

/** The page from top on, or from just above the element, so high. */
async function picture(page, name, height, from) {
  const path = `docs/dashboard-${name}.png`;
  const y = from ? (await from.boundingBox()).y + (await page.evaluate(() => scrollY)) - 24 : 0;
  await page.screenshot({ path, fullPage: true, clip: { x: 0, y, width: WIDTH, height } });
  check(`${path} is small`, statSync(path).size < MOST_BYTES, statSync(path).size);
  same(`${path} is a PNG`, "PNG", readFileSync(path).toString("latin1", 1, 4));
}

async function the_pictures_of_the_readme(browser, server) {
  prepare();
  const ids = { model_id: await server.store("models", "baseline.onnx", "resnet8"),
    dataset_id: await server.store("datasets", "drawn.tar.gz", "shapes") };
  const page = await openPage(browser, `${server.url}/#/new`, { colorScheme: "light", viewport: { width: WIDTH, height: 900 } });
  await page.getByText("What would come out").waitFor();
  await page.getByLabel("Name").fill("a tenth of the size");
  await page.getByLabel("Budget").first().selectOption({ label: "Size of model.onnx" });
  const planned = page.locator(".plan .tile", { hasText: "model.onnx" }).locator("dd").first();
  const whole = await planned.textContent();
  await page.getByLabel("Bytes", { exact: true }).fill("30000");
  await until("the budget is planned", async () => (await planned.textContent()) !== whole && (await page.getByText("What would come out").count()) === 1);
  await page.evaluate(() => document.activeElement.blur());
  await picture(page, "new-job", 900);

  const id = await server.order({ ...ids, name: "four sizes", sweep: { ratio: [2, 4, 8, 16] },
    finetune: { epochs: 6, batch_size: 64, warmup_steps: 30 }, seed: 1 });
  await page.go(`#/job/${id}`);
  await until("the third file trains", async () => (await server.json(`/v1/jobs/${id}/metrics`)).items.some((r) => r.candidate === 3 && r.epoch >= 4), 300);
  await page.locator(".u-legend", { hasText: "file 3" }).first().waitFor();
  await picture(page, "live", 1340);

  await page.getByRole("heading", { name: "Before and after" }).waitFor({ timeout: 300000 * patience });
  await picture(page, "result", 1480);
  await picture(page, "layers", 1040, page.getByRole("heading", { name: "Layers" }));
  same("no error", [], page.unexpectedErrors());
}

await run([the_pictures_of_the_readme]);
