// test_live.mjs - a job as one watches it: by its events, taken up where they broke off, and without them where
// they do not come through.
import { check, openPage, run, same, until } from "./harness.mjs";

const gone = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|ERR_INCOMPLETE_CHUNKED_ENCODING/;
const quick = { batch_size: 50, warmup_steps: 2 };

const stored = async (server) => ({ model_id: await server.store("models", "resnet8.onnx", "resnet8"),
  dataset_id: await server.store("datasets", "shapes.tar.gz", "shapes") });
const ends = (page, seconds = 120) => until("the job ends", async () =>
  (await page.locator(".headline .status").textContent()) === "succeeded", seconds);
const epochRows = (page) => page.getByLabel("Training, epoch by epoch").locator("tbody tr").count();

async function a_job_is_watched_by_its_events(browser, server) {
  const ids = await stored(server);
  const id = await server.order({ ...ids, name: "streamed", finetune: { ...quick, epochs: 12 } });
  const page = await openPage(browser, `${server.url}/`);
  page.expectErrors(gone);
  const asked = [];
  page.on("request", (request) => {
    const path = new URL(request.url()).pathname.replace(`/v1/jobs/${id}`, "JOB");
    if (path.startsWith("JOB")) asked.push([path, request.headers()["last-event-id"] ?? ""]);
  });
  await page.go(`#/job/${id}`);
  await until("two epochs are drawn", async () => (await epochRows(page)) >= 2);
  same("the job is asked for once, its events once, its curve never", [1, 1, 0],
    ["JOB", "JOB/events", "JOB/metrics"].map((path) => asked.filter(([p]) => p === path).length));
  await server.kill();
  await page.getByText("Server not reachable, trying again").waitFor();
  check("a lost server is told", true);
  await server.start();
  await ends(page);
  check("the banner is gone", (await page.locator("#banner > *").count()) === 0);
  const again = asked.filter(([path]) => path === "JOB/events").map(([, last]) => last);
  check("the events are taken up behind the last one", again.length > 1 && /^0\.[1-9]/.test(again.at(-1)), again);
  await page.getByText("Epoch by epoch").click();
  same("with every epoch once", 12, await epochRows(page));
  same("the curve was never asked for", 0, asked.filter(([path]) => path === "JOB/metrics").length);
  same("no other error", [], page.unexpectedErrors());
}

async function without_events_the_job_is_asked_for(browser, server) {
  const ids = await stored(server);
  const id = await server.order({ ...ids, name: "polled", finetune: { ...quick, epochs: 3 } });
  const page = await openPage(browser, `${server.url}/`);
  // A proxy that keeps events back until it ends: an answer, and nothing in it.
  await page.route("**/events", (route) => route.fulfill({ status: 200, contentType: "text/event-stream", body: "" }));
  await page.go(`#/job/${id}`);
  await page.getByText("Events do not come through to here").waitFor();
  check("the page says that events do not come through", true);
  await ends(page);
  await page.getByText("Epoch by epoch").click();
  same("every epoch is there", 3, await epochRows(page));
  same("no error", [], page.unexpectedErrors());
}

async function events_that_are_cut_off_are_taken_up_again(browser, server) {
  const ids = await stored(server);
  const id = await server.order({ ...ids, name: "cut", finetune: { ...quick, epochs: 4 } });
  const page = await openPage(browser, `${server.url}/`);
  page.expectErrors(gone);
  page.expectErrors(/status of 503/);
  // A proxy that lets one event through, answers 503 once, and then stays out of the way.
  const asked = [];
  const event = `event: job\nid: 0.0\ndata: ${JSON.stringify(await server.json(`/v1/jobs/${id}`))}\n\n`;
  await page.route("**/events", (route) => {
    asked.push(route.request().headers()["last-event-id"] ?? "");
    if (asked.length === 1) return route.fulfill({ status: 200, contentType: "text/event-stream", body: event });
    return asked.length === 2 ? route.fulfill({ status: 503, body: "" }) : route.continue();
  });
  await page.go(`#/job/${id}`);
  await ends(page);
  same("it is asked for behind the last event until it is there", ["", "0.0", "0.0"], asked.slice(0, 3));
  same("and nobody is told otherwise", 0, await page.getByText("Events do not come through to here").filter({ visible: true }).count());
  await page.getByText("Epoch by epoch").click();
  same("every epoch is there", 4, await epochRows(page));
  same("no error", [], page.unexpectedErrors());
}

async function events_that_are_to_be_asked_for_later_are(browser, server) {
  const ids = await stored(server);
  const id = await server.order({ ...ids, name: "later", finetune: { ...quick, epochs: 4 } });
  const page = await openPage(browser, `${server.url}/`);
  page.expectErrors(/status of 429/);
  const asked = [];
  let jobs = 0;
  await page.route("**/events", (route) => {
    asked.push(Date.now());
    return asked.length <= 2 ? route.fulfill({ status: 429, headers: { "Retry-After": "2" }, body: "" }) : route.continue();
  });
  page.on("request", (request) => { jobs += new URL(request.url()).pathname === `/v1/jobs/${id}`; });
  await page.go(`#/job/${id}`);
  await page.getByText("The server asks to wait").waitFor();
  check("a wait is told", true);
  await ends(page);
  check("the events are asked for as late as was asked", asked[1] - asked[0] >= 2000 && asked[2] - asked[1] >= 2000, asked);
  same("and the job itself is not, instead", 1, jobs);
  same("no other error", [], page.unexpectedErrors());
}

async function a_page_waits_until_it_may_ask(browser, server) {
  const page = await openPage(browser, `${server.url}/#/jobs`);
  page.expectErrors(/status of 503/);
  await page.getByText("No jobs yet").waitFor();
  const asked = []; // when; and every 2 s once the page is there
  await page.route("**/v1/models?*", (route) => (asked.push(Date.now()) === 1
    ? route.fulfill({ status: 503, headers: { "Retry-After": "1" }, body: "" }) : route.continue()));
  await page.go("#/models");
  await page.getByText("No models yet").waitFor();
  check("a page that is not there yet waits as well", asked.length > 1 && asked.slice(1).every((at, i) => at - asked[i] >= 1000), asked);

  // Who goes elsewhere meanwhile is not waited for.
  let late = 0;
  await page.route("**/v1/datasets?*", (route) => {
    late++;
    return route.fulfill({ status: 503, headers: { "Retry-After": "2" }, body: "" });
  });
  await page.go("#/datasets");
  await until("the page is told to wait", () => late === 1);
  await page.go("#/jobs");
  await page.getByText("No jobs yet").waitFor();
  await page.waitForTimeout(3000);
  same("a page that is left asks no more", 1, late);
  same("no other error", [], page.unexpectedErrors());
}

await run([events_that_are_to_be_asked_for_later_are, a_page_waits_until_it_may_ask, events_that_are_cut_off_are_taken_up_again, a_job_is_watched_by_its_events, without_events_the_job_is_asked_for]);
