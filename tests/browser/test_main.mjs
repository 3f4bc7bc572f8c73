// test_main.mjs - the way of everyone: upload, order, watch, read the report, download, compare.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { check, holds, input, openPage, patience, run, same, shot, until } from "./harness.mjs";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const text = async (locator) => (await locator.textContent()).replaceAll("\u00a0", " ");

/** Drops a file from the test's machine on the page's drop zone. */
async function drop(page, file, name) {
  const data = await page.evaluateHandle(({ base64, name }) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    return transfer;
  }, { base64: readFileSync(file).toString("base64"), name });
  await page.dispatchEvent(".drop", "dragover", { dataTransfer: data });
  check("the drop zone shows that it takes the file", await page.locator(".drop.over").count() === 1);
  await page.dispatchEvent(".drop", "drop", { dataTransfer: data });
}

async function upload(page, server) {
  await page.getByText("No jobs yet").waitFor();
  await page.getByRole("link", { name: "Models", exact: true }).click();
  await page.getByText("No models yet").waitFor();
  await page.setInputFiles("input[type=file]", input("resnet8.onnx"));
  await page.getByText("resnet8.onnx is stored.").waitFor();
  await page.getByRole("button", { name: "resnet8.onnx", exact: true }).click();
  const [model] = (await server.json("/v1/models")).items;
  same("every layer of the model is shown", model.summary.layers.length,
    await page.locator(".details tbody tr").count());
  same("the stored model is the file", sha256(readFileSync(input("resnet8.onnx"))), model.sha256);

  await page.getByRole("link", { name: "Data sets" }).click();
  await page.getByText("No data sets yet").waitFor();
  await drop(page, input("shapes.tar.gz"), "shapes.tar.gz");
  await page.getByText("shapes.tar.gz is stored.").waitFor();
  const [dataset] = (await server.json("/v1/datasets")).items;
  same("the stored data set is the file", sha256(readFileSync(input("shapes.tar.gz"))), dataset.sha256);
  return { model_id: model.id, dataset_id: dataset.id };
}

const planned = async (server, spec) => (await server.json("/v1/jobs?dry_run=true",
  { method: "POST", body: JSON.stringify(spec) })).plan;

async function fillForm(page, server, ids) {
  const file = page.locator(".plan .tile", { hasText: "model.onnx" }).locator("dd").first();
  await page.getByRole("link", { name: "New job" }).click();
  await page.getByText("What would come out").waitFor();
  const plan = await planned(server, ids);
  same("the plan of the defaults is there", kB(plan.expected_bytes), await text(file));
  same("with a row for each convolution", plan.layers.length, await page.locator(".plan tbody tr").count());

  await page.getByLabel("Name").fill("first");
  await page.getByLabel("Bits of a value").selectOption("4");
  const smaller = await planned(server, { ...ids, quantize: { bits: 4 } });
  check("4 bits are smaller than 8", smaller.expected_bytes < plan.expected_bytes);
  await until("the plan follows the form", async () => (await text(file)) === kB(smaller.expected_bytes));
  check("the plan follows the form as one types", true);
  await page.getByLabel("Budget").first().selectOption({ label: "Size of model.onnx" });
  await page.getByLabel("Bytes", { exact: true }).fill("20000");
  const budget = await planned(server, { ...ids, quantize: { bits: 4 }, budget: { size_bytes: 20000 } });
  await until("a budget in bytes is planned", async () => (await text(file)) === kB(budget.expected_bytes));
  check("a budget in bytes is planned", budget.expected_bytes <= 20000, budget.expected_bytes);

  await page.getByLabel("Epochs").fill("2");
  await page.getByText("Advanced settings").click();
  await page.getByLabel("Batch size").fill("25");
  await page.getByText("As JSON").click();
  await page.getByLabel("Settings in JSON").fill('{"finetune": {"warmup_steps": 3}}');
  await page.getByRole("button", { name: "Order the job" }).click();
}

async function watch(page, server) {
  await page.waitForURL(/#\/job\/job_/);
  await page.getByRole("heading", { name: "first", level: 1 }).waitFor();
  const id = page.url().split("/").pop();
  const seen = new Set();
  const bar = page.getByLabel("Progress of the job");
  await until("the job is over", async () => {
    if (await bar.isVisible()) seen.add(await bar.evaluate((e) => e.value));
    return (await page.locator(".headline .status").textContent()) === "succeeded";
  }, 120);
  check("the progress was seen to grow", seen.size >= 3, [...seen]);
  await page.getByRole("heading", { name: "Before and after" }).waitFor(); // behind the log's last lines, which are asked for
  const log = await page.getByLabel("Log").textContent();
  for (const entry of ["ordered", "started", "Fine-tune", "succeeded"]) holds(`the log has: ${entry}`, entry, log);
  const { spec } = await server.json(`/v1/jobs/${id}`);
  same("the form's settings are those of the job", [2, 25, 3, 4, 20000, "first"],
    [spec.finetune.epochs, spec.finetune.batch_size, spec.finetune.warmup_steps, spec.quantize.bits, spec.budget.size_bytes, spec.name]);
  return id;
}

async function report(page, server, id) {
  const { baseline, compressed, layers, warnings, confusion, classes } = await server.json(`/v1/jobs/${id}/report`);
  await page.getByRole("heading", { name: "Before and after" }).waitFor();
  const row = (name) => page.getByLabel("Before and after").locator("tr", { hasText: name }).locator("td").allTextContents()
    .then((cells) => cells.map((cell) => cell.replaceAll("\u00a0", " ")));
  same("accuracy before and after", [`${baseline.top1.toFixed(2)} %`, `${compressed.top1.toFixed(2)} %`],
    (await row("Top-1 accuracy")).slice(1, 3));
  same("parameters before and after", [baseline.parameters, compressed.parameters],
    (await row("Parameters")).slice(1, 3).map((cell) => Number(cell.replaceAll(",", ""))));
  same("a row for each layer", layers.length, await page.getByRole("region", { name: "Layers" }).locator("tbody tr").count());
  const figures = await page.getByRole("region", { name: "Layers" }).locator("tbody tr").first().locator("td").allTextContents();
  holds("the error of a layer's output", Number(layers[0].output_error.toPrecision(3)), figures.join(" "));
  holds("what it costs alone", Number(layers[0].alone_top1_drop.toPrecision(3)), figures.join(" "));
  same("a baseline that guesses names no layer to exclude", 0, await page.locator(".exclude").count());
  same("every warning", warnings, await page.locator(".warnings li").allTextContents());
  same("three charts of the training", 3, await page.locator(".curve canvas").count());
  await page.getByText("Epoch by epoch").click();
  same("a row for each epoch", 2, await page.getByLabel("Training, epoch by epoch").locator("tbody tr").count());
  const cells = await page.getByLabel("Confusion matrix").locator("tbody td").allTextContents();
  same("the confusion matrix is that of the report", confusion.compressed.flat(), cells.map(Number));
  await page.getByText("Accuracy by class").click();
  same("every class has its accuracy", classes.map((c) => `${c.compressed_top1.toFixed(2)} %`),
    (await page.getByLabel("Accuracy by class").locator("tbody td:nth-child(4)").allTextContents()).map((t) => t.replaceAll("\u00a0", " ")));
  await page.getByText("What is confused most").click();
  same("so have the worst confusions", confusion.worst.map((w) => w.compressed),
    (await page.getByLabel("What is confused most").locator("tbody td:nth-child(4)").allTextContents()).map(Number));
}

/* The report as one page: shown, not saved, and shut in. */
async function one_page(page, server, id) {
  const { compressed, layers, search } = await server.json(`/v1/jobs/${id}/report`);
  const [sheet] = await Promise.all([page.context().waitForEvent("page"),
    page.getByRole("link", { name: "Report as one page" }).click()]);
  const said = [];
  sheet.on("console", (message) => said.push(message.text()));
  await sheet.waitForURL(/report\.html$/); // as long as it is opening there is nothing to load again
  await sheet.reload();
  holds("the page has the accuracy of the file", `${compressed.top1.toFixed(2)} %`, await text(sheet.locator(".tiles")));
  same("and its layers", layers.map((l) => l.name), await sheet.getByRole("region", { name: "Layers" }).locator("tbody code").allTextContents());
  same("its matrix", 10, await sheet.getByRole("region", { name: "Confusion matrix" }).locator("tbody tr").count());
  same("its plots", search ? 3 : 2, await sheet.getByRole("img").count());
  check("which have their colours: style is let in", (await sheet.locator("body").evaluate((e) => getComputedStyle(e).borderTopWidth)) === "4px");
  same("nothing else is, and nothing is asked for", [], said);
  await shot(sheet, search ? "report-search" : "report");
  await sheet.close();
}

/* Curves, downloads and a comparison of the files of one job. */
async function the_files(page, server, id, candidates) {
  await page.getByRole("heading", { name: "Training of the files" }).waitFor();
  await page.getByText("Epoch by epoch").click();
  const epochs = () => page.getByLabel("Training, epoch by epoch").locator("tbody tr");
  same("the curves are those of every file", candidates.length, await epochs().count());
  await page.getByLabel("File", { exact: true }).selectOption({ label: "File 2" });
  await page.getByRole("heading", { name: "Training of file 2" }).waitFor();
  const { items: curve } = await server.json(`/v1/jobs/${id}/metrics`);
  same("or of one", [String(Number(curve.find((r) => r.candidate === 2).train_loss.toPrecision(4)))],
    await epochs().locator("td:nth-child(2)").allTextContents());
  const { items: files } = await server.json(`/v1/jobs/${id}/candidates`);
  for (const file of files) {
    const [got] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: `Download file ${file.number}`, exact: true }).click()]);
    same(`file ${file.number} is downloaded`, file.artifact.sha256, sha256(readFileSync(await got.path())));
  }
  await page.locator(".points .point").nth(1).dispatchEvent("click");
  same("a point of the plot leads to its row", "2", await page.evaluate(() => document.activeElement.textContent));
  const log = await page.getByLabel("Log", { exact: true }).textContent();
  for (const part of ["Fine-tune, file 1", "Fine-tune, file 3", "file 2 is done"]) holds(`the log has: ${part}`, part, log);

  const best = files.find((f) => f.best).number, one = files.find((f) => !f.best);
  await page.getByRole("link", { name: `Compare file ${one.number} with file ${best}` }).click();
  const results = page.getByLabel("The two results");
  await results.waitFor();
  same("two files of one job stand side by side", [kB(files[best - 1].size_bytes), kB(one.size_bytes)],
    (await results.locator("tr", { hasText: "File" }).last().locator("td").allTextContents()).slice(1, 3).map((t) => t.replaceAll("\u00a0", " ")));
  same("with the curves of both", 2, await page.locator(".curve canvas").count());
  same("and all its files to choose from", files.length,
    await page.getByLabel("Second").locator("option", { hasText: ", file " }).count());
  await page.goBack();
  await page.getByRole("heading", { name: "Files that were tried" }).waitFor();
}

async function search(page, server, ids) {
  const id = await server.order({ ...ids, name: "swept", sweep: { ratio: [2, 4, 12] }, finetune: { epochs: 1, batch_size: 50, warmup_steps: 2 } });
  await page.go(`#/job/${id}`);
  await page.getByRole("heading", { name: "Files that were tried" }).waitFor({ timeout: 120000 * patience });
  const { search: { candidates } } = await server.json(`/v1/jobs/${id}/report`);
  same("a point for each file", candidates.map((c, i) => String(i + 1)), await page.locator(".points .item").allTextContents());
  same("those on the Pareto front are marked", candidates.filter((c) => c.pareto).length, await page.locator(".points circle.front").count());
  same("one is chosen", 1, await page.locator(".points .ring").count());
  same("with a row for each", candidates.map((c) => kB(c.size_bytes)),
    (await page.getByLabel("Files that were tried").locator("tbody td:nth-child(2)").allTextContents()).map((t) => t.replaceAll("\u00a0", " ")));
  await the_files(page, server, id, candidates);
  await page.shot("result-search");
  await page.go(`#/new/${id}`);
  await page.getByText("This is the smallest file of the sweep.").waitFor();
  same("a sweep that is ordered again has its ratios", "2, 4, 12", await page.getByLabel("Ratios", { exact: true }).inputValue());
  const least = page.locator(".plan .tile", { hasText: "model.onnx" }).locator("dd").first();
  const twelve = await text(least);
  await page.getByLabel("Ratios", { exact: true }).fill("2, 4");
  await until("the plan is that of the smallest", async () => (await text(least)) !== twelve);
  same("which is that of ratio 4", kB((await planned(server, { ...ids, filter_summary: { ratio: 4 }, finetune: { epochs: 1, batch_size: 50, warmup_steps: 2 } })).expected_bytes), await text(least));
  await page.go(`#/job/${id}`);
  await page.getByRole("heading", { name: "Files that were tried" }).waitFor();
  await one_page(page, server, id);
}

async function download(page, server, id) {
  const { items } = await server.json(`/v1/jobs/${id}/artifacts`);
  same("every file can be downloaded", items.length, await page.locator(".files a").count());
  for (const item of items) {
    const [got] = await Promise.all([page.waitForEvent("download"),
      page.getByRole("link", { name: `Download ${item.name}`, exact: true }).click()]);
    same(`${item.name} is the file of the job`, [item.name, item.sha256],
      [got.suggestedFilename(), sha256(readFileSync(await got.path()))]);
  }
  const line = await page.locator(".files li").first().locator(".curl code").textContent();
  const bytes = execFileSync("bash", ["-c", line.replace("-fo model.onnx", "-fso -")], { maxBuffer: 1 << 26 });
  same("the curl line gets model.onnx", items.find((i) => i.name === "model.onnx").sha256, sha256(bytes));
  await page.getByRole("button", { name: "Copy the curl line of model.onnx" }).click();
  same("the curl line is copied", line, await page.evaluate(() => navigator.clipboard.readText()));
}

async function compare(page, server, ids) {
  await page.getByRole("link", { name: "Compare" }).first().click();
  await page.getByText("Two jobs are needed").waitFor();
  const second = await server.order({ ...ids, name: "second", finetune: { epochs: 0 } });
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  await until("the queue shows the end of the second job", async () =>
    (await page.locator("tr", { hasText: "second" }).textContent()).includes("succeeded"));
  await page.getByRole("link", { name: "second" }).click();
  await page.getByRole("link", { name: "Compare" }).last().click();
  const differ = page.getByLabel("Settings that differ");
  await differ.waitFor();
  const settings = (await differ.locator("tbody tr td:first-child").allTextContents()).sort();
  same("the settings that differ are those that were set",
    ["budget.size_bytes", "finetune.batch_size", "finetune.epochs", "finetune.warmup_steps", "quantize.bits"], settings);
  const { ratios } = await server.json(`/v1/jobs/${second}/report`);
  holds("both results stand side by side", `${ratios.disk.toFixed(1)} ×`,
    await text(page.getByLabel("The two results")));
}

async function a_network_is_uploaded_compressed_watched_and_downloaded(browser, server) {
  const page = await openPage(browser, `${server.url}/`, { permissions: ["clipboard-read", "clipboard-write"] });
  const ids = await upload(page, server);
  await fillForm(page, server, ids);
  const id = await watch(page, server);
  await report(page, server, id);
  await page.shot("result");
  await one_page(page, server, id);
  await download(page, server, id);
  await compare(page, server, ids);
  await search(page, server, ids);

  await page.go(`#/new/${id}`);
  await page.getByText("What would come out").waitFor();
  same("an order again has the job's settings", ["2", "25", "4", "20000"],
    await Promise.all(["Epochs", "batch size", "Bits of a value", "Bytes"].map((l) => page.getByLabel(l, { exact: true }).inputValue())));
  same("no error in the console, none of the content policy", [], page.unexpectedErrors());
  same("nothing was asked of another origin", [], page.foreignRequests());
}

await run([a_network_is_uploaded_compressed_watched_and_downloaded]);
