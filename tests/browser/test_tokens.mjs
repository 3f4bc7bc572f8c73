// test_tokens.mjs - the dashboard of a service that asks for tokens: asks once, sends it with every call, says
// when it is refused, and keeps it out of addresses.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { faultsOfPage } from "./faults.mjs";
import { check, holds, input, openPage, patience, run, same, until } from "./harness.mjs";

const refused = /status of 40[13]/; // Chromium writes a line for every such answer

async function the_token_is_asked_for_once_and_sent_with_every_call(browser, server) {
  const alice = server.token("alice", "user");
  const page = await openPage(browser, `${server.url}/`, { permissions: ["clipboard-read", "clipboard-write"] });
  const asked = [];
  page.expectErrors(refused);
  page.on("request", (request) => asked.push(request));

  const field = page.getByLabel("Token", { exact: true });
  await field.waitFor();
  same("the field has the focus", true, await field.evaluate((e) => e === document.activeElement));
  same("nothing is called refused before there is a token", 0, await page.getByRole("alert").count());
  same("the page that asks can be read by all", [], await page.evaluate(faultsOfPage));
  await page.shot("token");
  await field.fill(`${alice.slice(0, -1)}x`);
  await page.keyboard.press("Enter");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  holds("a token that is none is refused", "The token is refused", await alert.textContent());
  await field.fill(` ${alice} `);
  await page.keyboard.press("Enter");
  await page.getByText("No jobs yet").waitFor();

  await page.go("#/models");
  await page.getByText("No models yet").waitFor();
  await page.setInputFiles("input[type=file]", input("resnet8.onnx"));
  await page.getByText("resnet8.onnx is stored.").waitFor();
  await page.go("#/datasets");
  await page.getByText("No data sets yet").waitFor();
  await page.setInputFiles("input[type=file]", input("shapes.tar.gz"));
  await page.getByText("shapes.tar.gz is stored.").waitFor();
  await page.go("#/new");
  await page.getByText("What would come out").waitFor();
  await page.getByLabel("Epochs").fill("0");
  await page.getByRole("button", { name: "Order the job" }).click();
  const main = page.getByRole("link", { name: "Download model.onnx", exact: true });
  await main.waitFor({ timeout: 120000 * patience });
  const [got] = await Promise.all([page.waitForEvent("download"), main.click()]);
  const id = page.url().split("/").pop();
  const { items } = await server.json(`/v1/jobs/${id}/artifacts`, { headers: { Authorization: `Bearer ${alice}` } });
  const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
  same("a file is downloaded with the token", ["model.onnx", items.find((i) => i.name === "model.onnx").sha256],
    [got.suggestedFilename(), sha256(readFileSync(await got.path()))]);
  const [report] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Report as one page" }).click()]);
  same("and so is the report as one page", ["report.html", items.find((i) => i.name === "report.html").sha256],
    [report.suggestedFilename(), sha256(readFileSync(await report.path()))]);
  const line = await page.locator(".files li").first().locator(".curl code").textContent();
  check("the curl line does not have the token itself", !line.includes(alice), line);
  const bytes = execFileSync("bash", ["-c", line.replace("-fo model.onnx", "-fso -")],
    { maxBuffer: 1 << 26, env: { ...process.env, FSNET_TOKEN: alice } });
  same("and gets the file with the token from the environment", items.find((i) => i.name === "model.onnx").sha256, sha256(bytes));

  await page.reload();
  await main.waitFor();
  check("the token outlives a reload", true);
  check("no address has the token", asked.every((r) => !r.url().includes(alice.slice(29))));
  const stored = await page.evaluate(() => [localStorage.length, document.cookie]);
  same("it is in no cookie, and not kept for other tabs", [0, ""], stored);

  await page.getByRole("button", { name: "Forget the token" }).click();
  await field.waitFor();
  same("a token is forgotten", null, await page.evaluate(() => sessionStorage.getItem("fsnet-token")));
  same("no other error", [], page.unexpectedErrors());
  same("nothing was asked of another origin", [], page.foreignRequests());
}

async function a_token_that_ends_is_told_and_asked_for_anew(browser, server) {
  const brief = server.token("brief", "user"), viewer = server.token("wall", "viewer");
  const page = await openPage(browser, `${server.url}/#/models`);
  page.expectErrors(refused);
  const field = page.getByLabel("Token", { exact: true });
  await field.fill(viewer);
  await page.keyboard.press("Enter");
  await page.getByText("No models yet").waitFor();
  await page.setInputFiles("input[type=file]", input("resnet8.onnx"));
  await page.getByRole("alert").waitFor();
  holds("what a viewer may not do is told", "a viewer's token may only read", await page.getByRole("alert").textContent());

  await page.getByRole("button", { name: "Forget the token" }).click();
  await field.fill(brief);
  await page.keyboard.press("Enter");
  await page.getByText("No models yet").waitFor();
  await page.go("#/jobs");
  await page.getByText("No jobs yet").waitFor();
  server.revoke(brief);
  await page.getByText("The token is refused").waitFor();
  holds("a page that is open says why it ends", "the token was revoked", await page.getByRole("alert").textContent());
  await field.fill(viewer);
  await page.keyboard.press("Enter");
  await page.getByText("No jobs yet").waitFor();
  check("and goes on with another", true);
  await until("the banner says nothing of a lost server", async () => (await page.locator("#banner > *").count()) === 0);
  same("no other error", [], page.unexpectedErrors());
}

async function a_token_that_may_not_ask_often_keeps_its_pages(browser, server) {
  const slow = server.token("slow", "user", "--rate-per-minute", "12");
  const page = await openPage(browser, `${server.url}/#/jobs`);
  page.expectErrors(refused);
  page.expectErrors(/status of 429/);
  const answers = [];
  page.on("response", (response) => {
    // when it was sent by the browser's clock: its news come late here
    if (new URL(response.url()).pathname === "/v1/jobs") answers.push({ status: response.status(), sent: response.request().timing().startTime });
  });
  await page.getByLabel("Token", { exact: true }).fill(slow);
  await page.keyboard.press("Enter");
  await page.getByText("No jobs yet").waitFor();
  const note = page.getByText("The server asks to wait");
  await note.waitFor({ timeout: 120000 * patience });
  const first = answers.findIndex((a) => a.status === 429);
  check("the page stays where the server asks to wait", await page.getByText("No jobs yet").isVisible());
  same("and no problem is told", 0, await page.getByRole("alert").count());
  same("the note can be read by all", [], await page.evaluate(faultsOfPage));
  await until("it is asked again", () => answers.slice(first + 1).some((a) => a.status === 304 || a.status === 200));
  check("as late as was asked", answers[first + 1].sent - answers[first].sent >= 1000, answers.slice(first, first + 2));
  const refusals = answers.filter((a) => a.status === 429).length;
  check("without one refusal after the other", refusals <= answers.length / 2, answers.map((a) => a.status));
  check("the note stays while it may have to wait again", await note.isVisible());
  same("no other error", [], page.unexpectedErrors());
}

await run([the_token_is_asked_for_once_and_sent_with_every_call, a_token_that_ends_is_told_and_asked_for_anew,
  a_token_that_may_not_ask_often_keeps_its_pages]);
