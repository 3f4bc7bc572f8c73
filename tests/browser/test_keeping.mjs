// test_keeping.mjs - what is known once, or for a time: the settings of a job for another one, the secret that the
// server makes for a webhook, files that go because of their age.
import { faultsOfPage } from "./faults.mjs";
import { check, faultsByAxe, holds, openPage, run, same, until } from "./harness.mjs";

const refused = /status of 4\d\d/; // Chromium writes a line for every such answer
const gone = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|ERR_INCOMPLETE_CHUNKED_ENCODING/;
const quick = { epochs: 1, batch_size: 50, warmup_steps: 2 };

const stored = async (server) => ({ model_id: await server.store("models", "resnet8.onnx", "resnet8"),
  dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") });
const ended = (server, id, status = "succeeded") => until(`the job ends as ${status}`,
  async () => (await server.json(`/v1/jobs/${id}`)).status === status, 120);

async function a_job_is_duplicated_and_changed(browser, server) {
  const ids = await stored(server), other = await server.store("models", "resnet8.onnx", "another");
  const id = await server.order({ ...ids, name: "first", labels: { team: "a, b", stage: "2" }, priority: 7, max_run_seconds: 3000,
    filter_summary: { ratio: 6 }, finetune: quick });
  await ended(server, id);
  await server.json(`/v1/jobs/${id}`, { method: "PATCH", body: JSON.stringify({ name: "renamed" }) });
  const page = await openPage(browser, `${server.url}/#/job/${id}`);
  await page.getByRole("link", { name: "Duplicate", exact: true }).click();
  await page.getByRole("heading", { name: "Duplicate renamed", level: 1 }).waitFor();
  await page.getByText("What would come out").waitFor();
  await page.getByText("Advanced settings").click();
  same("the job's settings are there, as they are now", ["renamed", "6", "1", "50", "7", "3000", "team = a, b\nstage = 2"],
    (await Promise.all(["Name", "Ratio", "Epochs", "batch size", "priority", "max run seconds", "labels"].map((l) =>
      page.getByLabel(l, { exact: true }).inputValue()))).map((t) => t.replace("stage = 2\nteam = a, b", "team = a, b\nstage = 2")));
  await page.getByLabel("Name", { exact: true }).fill("second");
  await page.getByLabel("Ratio", { exact: true }).fill("3");
  await page.getByLabel("labels", { exact: true }).fill("team = a, b\n\nnew=x=y");
  await page.getByRole("button", { name: "Order the job" }).click();
  await page.getByRole("heading", { name: "second", level: 1 }).waitFor();
  const [before, after] = await Promise.all([id, page.url().split("/").pop()].map((j) => server.json(`/v1/jobs/${j}`)));
  same("what was changed is", ["second", 3, "a, b", "x=y", 2], [after.name, after.spec.filter_summary.ratio, after.labels.team, after.labels.new, Object.keys(after.labels).length]);
  same("what was not is as it was", [before.spec.finetune, before.priority, before.max_run_seconds, before.model_id],
    [after.spec.finetune, after.priority, after.max_run_seconds, after.model_id]);

  await ended(server, after.id);
  await server.json(`/v1/models/${ids.model_id}`, { method: "DELETE" }).catch(() => {}); // 204 has no body
  await page.go(`#/new/${id}`);
  await page.getByText("The model of that job is no longer stored").waitFor();
  same("the form has another", other, await page.getByLabel("Model", { exact: true }).inputValue());
  same("which can be read by all", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);
  same("no error", [], page.unexpectedErrors());
}

async function labels_that_are_none_are_refused_at_their_field(browser, server) {
  await stored(server);
  const page = await openPage(browser, `${server.url}/#/new`);
  page.expectErrors(refused);
  await page.getByText("What would come out").waitFor();
  await page.getByText("Advanced settings").click();
  const labels = page.getByLabel("labels", { exact: true });
  await labels.fill("no value");
  await page.getByText("No plan").waitFor();
  holds("the field says what labels are", "must be an object of strings", await page.locator(".fault:not(:empty)").textContent());
  await labels.fill("a b = 1");
  await until("a key is judged too", async () => (await page.locator(".fault:not(:empty)").textContent()).includes("label's key"));
  same("the field is marked", "true", await labels.getAttribute("aria-invalid"));
}

async function the_secret_of_a_webhook_is_shown_once(browser, server) {
  await server.kill();
  await server.start("--webhook-allow-private", "on");
  await stored(server);
  const page = await openPage(browser, `${server.url}/#/new`, { permissions: ["clipboard-read", "clipboard-write"] });
  const order = async (secret) => {
    await page.go("#/new");
    await page.getByText("What would come out").waitFor();
    await page.getByLabel("Epochs").fill("0");
    await page.getByText("Advanced settings").click();
    await page.getByLabel("url", { exact: true }).fill("http://127.0.0.1:9/hook");
    if (secret) await page.getByLabel("secret", { exact: true }).fill(secret);
    await page.getByRole("button", { name: "Order the job" }).click();
    await page.waitForURL(/#\/job\/job_/);
    await page.getByLabel("Stages").waitFor({ state: "attached" });
    return page.url().split("/").pop();
  };
  const answer = page.waitForResponse((r) => r.url().endsWith("/v1/jobs") && r.request().method() === "POST");
  const id = await order();
  const { webhook } = await (await answer).json();
  const part = page.getByLabel("Secret of the webhook", { exact: true });
  check("the server has made a secret", /^whsec_/.test(webhook.secret), webhook);
  holds("the job's page shows it", webhook.secret, await part.textContent());
  await page.getByRole("button", { name: "Copy the secret of the webhook" }).click();
  same("it is copied", webhook.secret, await page.evaluate(() => navigator.clipboard.readText()));
  same("it can be read by all", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);
  await page.setViewportSize({ width: 360, height: 800 });
  same("on a phone as well", 360, await page.evaluate(() => document.documentElement.scrollWidth));
  await page.shot("secret");
  await page.go("#/jobs");
  await page.getByRole("heading", { name: "Ended" }).waitFor();
  await page.go(`#/job/${id}`);
  await part.waitFor();
  check("who looks elsewhere before has it still", true);
  await page.getByRole("button", { name: "I have kept it" }).click();
  same("then it is gone", 0, await part.count());
  await page.go("#/jobs");
  await page.getByRole("heading", { name: "Ended" }).waitFor();
  await page.go(`#/job/${id}`);
  await page.getByRole("heading", { name: "Before and after" }).waitFor();
  same("for good", 0, await part.count());
  same("and nowhere in the browser", [0, 0], await page.evaluate((secret) =>
    [document.documentElement.innerHTML.includes(secret) ? 1 : 0, Object.values({ ...sessionStorage, ...localStorage }).filter((v) => v.includes(secret)).length], webhook.secret));

  await order(`whsec_${Buffer.alloc(24, 7).toString("base64")}`);
  same("a secret of one's own is not shown", 0, await part.count());
  same("no error", [], page.unexpectedErrors());
}

async function files_that_have_gone_leave_their_figures(browser, server) {
  const ids = await stored(server);
  const id = await server.order({ ...ids, name: "aged", finetune: quick });
  await ended(server, id);
  const report = await server.json(`/v1/jobs/${id}/report`);
  await server.kill();
  await server.start("--expire-artifacts", "30d");
  const page = await openPage(browser, `${server.url}/#/job/${id}`);
  page.expectErrors(refused);
  page.expectErrors(gone);
  await page.getByText("The service removes these files because of their age").waitFor();
  await page.getByRole("button", { name: "Keep them" }).click();
  await page.getByText("The files are kept, whatever their age.").waitFor();
  same("the server keeps them", [true, null], await server.json(`/v1/jobs/${id}`).then((j) => [j.keep, j.artifacts_expire_at]));
  await page.getByRole("button", { name: "Let them go in time" }).click();
  await page.getByText("The service removes these files because of their age").waitFor();
  same("or does not", false, (await server.json(`/v1/jobs/${id}`)).keep);

  await server.kill();
  await server.start("--expire-artifacts", "1s");
  await until("the files go", async () => (await fetch(`${server.url}/v1/jobs/${id}/artifacts`)).status === 410);
  await page.reload();
  const note = page.getByLabel("Files that are gone");
  await note.waitFor();
  holds("the page says by which policy", "--expire-artifacts", await note.textContent());
  const { artifacts_expire_at: when } = await server.json(`/v1/jobs/${id}`);
  same("and when", when, await note.locator("time").getAttribute("datetime"));
  holds("and what stands", "The figures of the report are kept", await note.textContent());
  holds("the accuracy does", `${report.compressed.top1.toFixed(2)} %`, (await page.locator(".tiles.result").textContent()).replaceAll("\u00a0", " "));
  same("and every layer", report.layers.length, await page.getByRole("region", { name: "Layers" }).locator("tbody tr").count());
  same("nothing is offered that is not there", [0, 0], [await page.locator(".files").count(), await page.getByText("Report as one page").count()]);
  same("it can be read by all", [[], []], [await page.evaluate(faultsOfPage), await faultsByAxe(page)]);
  await page.shot("expired");
  await note.getByRole("link", { name: "duplicate the job" }).click();
  await page.getByRole("heading", { name: "Duplicate aged" }).waitFor();

  // The answer of a service that had removed the report too, as versions before did.
  await page.route("**/report", (route) => route.fulfill({ status: 410, contentType: "application/problem+json", body: "{}" }));
  await page.go(`#/job/${id}`);
  await note.waitFor();
  holds("without the report the rest stands", "The curve, the log, the plan and the settings are kept.", await note.textContent());
  check("the log is there", await page.getByLabel("Log", { exact: true }).isVisible());
  same("no other error", [], page.unexpectedErrors());
}

await run([a_job_is_duplicated_and_changed, labels_that_are_none_are_refused_at_their_field,
  the_secret_of_a_webhook_is_shown_once, files_that_have_gone_leave_their_figures]);
