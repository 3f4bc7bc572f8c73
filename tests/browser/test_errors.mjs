// test_errors.mjs - what goes wrong: files that are none, faulty orders, cancelled work, a server that is
// gone and comes back.
import { readFileSync } from "node:fs";
import { check, holds, input, openPage, run, same, until } from "./harness.mjs";

const refused = /status of 4\d\d/; // Chromium writes a line for every such answer
const gone = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|ERR_INCOMPLETE_CHUNKED_ENCODING/;

async function prepare(server) {
  return { model_id: await server.store("models", "resnet8.onnx", "resnet8"),
    dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") };
}
const quick = { epochs: 1, batch_size: 50, warmup_steps: 2 };

async function files_that_cannot_be_taken_are_refused_with_the_reason(browser, server) {
  const page = await openPage(browser, `${server.url}/#/models`);
  page.expectErrors(refused);
  await page.getByText("No models yet").waitFor();
  await page.setInputFiles("input[type=file]", input("letter.onnx"));
  const alert = page.getByRole("alert");
  await alert.waitFor();
  holds("a letter is no model", "ONNX", await alert.textContent());
  same("nothing is stored", 0, (await server.json("/v1/models")).items.length);
  await page.setInputFiles("input[type=file]", input("resnet8.onnx"));
  await page.getByText("resnet8.onnx is stored.").waitFor();
  same("the next file is taken, the fault is gone", 0, await alert.count());

  await page.setInputFiles("input[type=file]", { name: "<img src=x onerror=alert(1)>.onnx", mimeType: "application/octet-stream",
    buffer: readFileSync(input("resnet8.onnx")) });
  await page.getByRole("button", { name: "<img src=x onerror=alert(1)>.onnx", exact: true }).waitFor();
  same("a name with markup is text", 0, await page.locator("main img").count());
  await page.setInputFiles("input[type=file]", { name: `${"n".repeat(49)}\u{1f600}.onnx`, mimeType: "application/octet-stream",
    buffer: readFileSync(input("resnet8.onnx")) });
  await page.getByRole("button", { name: `${"n".repeat(49)}\u{1f600}`, exact: true }).waitFor();
  check("a long name is cut between characters", true);
  same("no other error", [], page.unexpectedErrors());
}

async function an_upload_is_cancelled(browser, server) {
  const page = await openPage(browser, `${server.url}/#/datasets`);
  page.expectErrors(/ERR_ABORTED/);
  await page.getByText("No data sets yet").waitFor();
  const network = await page.context().newCDPSession(page);
  await network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 100000 });
  await page.setInputFiles("input[type=file]", input("shapes.tar.gz"));
  const bar = page.getByLabel("Upload of shapes.tar.gz");
  await until("the upload is under way", async () => {
    const value = await bar.evaluate((e) => e.value);
    return value > 0 && value < 1;
  });
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("The upload was cancelled.").waitFor();
  same("nothing is stored", 0, (await server.json("/v1/datasets")).items.length);
  same("no error", [], page.unexpectedErrors());
}

async function faults_of_an_order_stand_at_their_fields(browser, server) {
  const page = await openPage(browser, `${server.url}/#/new`);
  page.expectErrors(refused);
  await page.getByText("A model is missing").waitFor();
  await prepare(server);
  await page.reload();
  await page.getByText("What would come out").waitFor();
  const ratio = page.getByLabel("Ratio", { exact: true }), epochs = page.getByLabel("Epochs");
  const faultOf = (field) => field.evaluate((e) => document.getElementById(e.getAttribute("aria-describedby").split(" ").pop()).textContent);
  await ratio.fill("0.5");
  await epochs.fill("many");
  await until("both faults are shown", async () => (await page.locator("[aria-invalid]").count()) === 2);
  holds("the ratio's bounds are told", "must be 1.01 to 10000, got 0.5", await faultOf(ratio));
  holds("the epochs' type is told", 'must be a whole number, got the string "many"', await faultOf(epochs));
  await page.getByRole("button", { name: "Order the job" }).click();
  await until("the first faulty field has the focus", () => ratio.evaluate((e) => e === document.activeElement));
  check("the first faulty field has the focus", true);
  same("nothing was ordered", 0, (await server.json("/v1/jobs")).items.length);

  await ratio.fill("");
  await epochs.fill("");
  await page.getByText("What would come out").waitFor();
  same("mended fields are not marked", 0, await page.locator("[aria-invalid]").count());
  await page.getByText("As JSON").click();
  const json = page.getByLabel("Settings in JSON");
  await json.fill('{"colour": "red"}');
  const alert = page.getByRole("alert");
  await alert.waitFor();
  holds("a setting that is no field is told with its pointer", "/colour", await alert.textContent());
  await json.fill("{");
  await page.getByText("This is not JSON").waitFor();
  await json.fill("");
  await page.getByLabel("Budget").first().selectOption({ label: "Size of model.onnx" });
  const bytes = page.getByLabel("Bytes", { exact: true });
  await bytes.fill("300");
  await until("an impossible budget is refused at its field", async () => (await faultOf(bytes)) !== "");
  holds("the field tells what was asked for", "300", await faultOf(bytes));
  same("no other error", [], page.unexpectedErrors());
}

async function a_job_is_cancelled(browser, server) {
  const ids = await prepare(server);
  const running = await server.order({ ...ids, name: "long", finetune: { ...quick, epochs: 1000 } });
  const waiting = await server.order({ ...ids, name: "behind", finetune: quick });
  const page = await openPage(browser, `${server.url}/#/job/${running}`);
  page.on("dialog", (dialog) => dialog.accept());
  const status = page.locator(".headline .status");
  await until("it trains", async () => (await page.locator(".facts").textContent()).includes("of 1000"));
  await page.go("#/jobs");
  const row = page.locator("tr", { hasText: "behind" });
  await row.waitFor();
  holds("the other job waits", "queued", await row.textContent());
  await page.go(`#/job/${waiting}`);
  await page.getByRole("heading", { name: "behind" }).waitFor();
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await until("the waiting job is cancelled", async () => (await status.textContent()) === "cancelled");
  await page.go(`#/job/${running}`);
  await page.getByRole("heading", { name: "long" }).waitFor();
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await until("the running job is cancelled", async () => (await status.textContent()) === "cancelled");
  same("the server says so too", "cancelled", (await server.json(`/v1/jobs/${running}`)).status);
  same("what is over cannot be cancelled", 0, await page.getByRole("button", { name: "Cancel the job" }).count());
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "Cancel the job" }).waitFor();
  await until("a cancelled job runs again", async () => (await status.textContent()) === "running");
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await until("and can be cancelled again", async () => (await status.textContent()) === "cancelled");
  same("no error", [], page.unexpectedErrors());
}

async function a_job_that_fails_says_why(browser, server) {
  const ids = await prepare(server);
  const id = await server.order({ ...ids, name: "too fast", quantize: { least_bits: 8 },
    finetune: { ...quick, epochs: 3, lr: 100, warmup_steps: 0 } }); // levels would bound it
  const page = await openPage(browser, `${server.url}/#/job/${id}`);
  await page.getByText("The job failed").waitFor();
  const { error } = await server.json(`/v1/jobs/${id}`);
  holds("the page has the server's reason", error.detail, await page.getByRole("alert").textContent());
  same("there is nothing to download", 0, await page.locator(".files").count());
  same("no error of the page", [], page.unexpectedErrors());
}

async function a_server_that_is_gone_is_told_and_waited_for(browser, server) {
  const ids = await prepare(server);
  const id = await server.order({ ...ids, name: "through", finetune: { ...quick, epochs: 12 } });
  const page = await openPage(browser, `${server.url}/#/job/${id}`);
  page.expectErrors(gone);
  page.expectErrors(refused);
  await until("it trains", async () => (await page.locator(".facts").textContent()).includes("of 12"));
  await server.kill();
  const banner = page.getByText("Server not reachable, trying again");
  await banner.waitFor();
  check("the banner says that the server is gone", true);
  check("the page still shows the job", await page.getByRole("heading", { name: "through" }).isVisible());
  await page.shot("gone");
  await server.start();
  await banner.waitFor({ state: "detached" });
  await until("the job ends where it was taken up again", async () =>
    (await page.locator(".headline .status").textContent()) === "succeeded", 120);
  holds("the log has the second start", "taken up again", await page.getByLabel("Log").textContent());

  await page.go("#/new");
  await page.getByText("What would come out").waitFor();
  await server.kill();
  await page.getByRole("button", { name: "Order the job" }).click();
  await page.getByText("The server is not reachable").waitFor();
  check("an order that did not arrive says so", true);
  await server.start();
  await banner.waitFor({ state: "detached" });
  same("and was not sent again behind one's back", 1, (await server.json("/v1/jobs")).items.length);
  await page.go("#/job/job_0");
  await page.getByText("no job has the id 'job_0'").waitFor();
  same("no other error", [], page.unexpectedErrors());
}

await run([files_that_cannot_be_taken_are_refused_with_the_reason, an_upload_is_cancelled,
  faults_of_an_order_stand_at_their_fields, a_job_is_cancelled,
  a_job_that_fails_says_why, a_server_that_is_gone_is_told_and_waited_for]);
