// test_outputs.mjs - a job of task distill on the dashboard: the errors of its outputs, which are the report's, and what
// is left out where there are no labels.
import { faultsOfPage } from "./faults.mjs";
import { check, faultsByAxe, holds, openPage, run, same, until } from "./harness.mjs";

const text = async (locator) => (await locator.textContent()).replaceAll("\u00a0", " ");
const figure = (x) => Number(x.toPrecision(3)).toString();

async function how_near_outputs_are_is_shown(browser, server) {
  const ids = { model_id: await server.store("models", "resnet8.onnx", "resnet8"),
    dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") };
  const id = await server.order({ ...ids, name: "outputs", task: "distill", finetune: { epochs: 1, batch_size: 50, warmup_steps: 2, lr: 0.01, clip_norm: 1 } });
  await until("the job ends", async () => (await server.json(`/v1/jobs/${id}`)).status === "succeeded", 120);
  const report = await server.json(`/v1/jobs/${id}/report`), [output] = report.outputs;
  const page = await openPage(browser, `${server.url}/#/job/${id}`);
  await page.getByRole("heading", { name: "Outputs", level: 2 }).waitFor();

  const tiles = await text(page.locator(".tiles.result"));
  holds("the first figure is the error", `Relative error${figure(output.error)}of the worst output, ${figure(output.start_error)} before fine-tuning`, tiles);
  check("accuracy comes after it, since the labels fit", tiles.includes("Accuracy"));
  const row = page.getByLabel("Outputs", { exact: true }).locator("tbody tr");
  same("an output has its row", `${output.name}|${output.loss}|1|${figure(output.error)}|${figure(output.start_error)}`,
    (await row.locator("th, td").allTextContents()).join("|"));
  await page.getByText("Epoch by epoch").click();
  same("training sees no labels", ["Epoch", "Loss", "Held-back loss", "Rate", "Images/s", "Took"],
    await page.getByLabel("Training, epoch by epoch").locator("th").allTextContents());

  // The same without labels, which a report of the same job would have as null.
  const bare = await openPage(browser, `${server.url}/`);
  const sides = Object.fromEntries(["baseline", "compressed"].map((side) => [side, { ...report[side], top1: null, top5: null, loss: null }]));
  await bare.route(`**/v1/jobs/${id}/report`, (route) => route.fulfill({ json: { ...report, ...sides, classes: [], confusion: null, change: { top1: null, map50: null } } }));
  await bare.go(`#/job/${id}`);
  await bare.getByRole("heading", { name: "Outputs", level: 2 }).waitFor();
  same("without labels nothing is said of accuracy", 0, await bare.locator(".outcome").getByText(/accuracy|top-1/i).count());
  same("it can be read by all", [[], []], [await bare.evaluate(faultsOfPage), await faultsByAxe(bare)]);
  same("no error", [], [...page.unexpectedErrors(), ...bare.unexpectedErrors()]);
}

await run([how_near_outputs_are_is_shown]);
